//! Bad input gets a clear error in the right place and loses nothing.

use anyhow::{Result, ensure};
use flowork_tests::Node;
use flowork_tests::http::{Answer, Connection, request};
use serde_json::json;

use crate::fire;

/// RFC 9457: a problem says its status, what happened, and where it can what to do.
pub(crate) fn is_problem(answer: &Answer, status: u16) -> Result<()> {
    ensure!(answer.status == status, "{} and not {status}: {}", answer.status, answer.text());
    let kind = answer.header("content-type").unwrap_or_default();
    ensure!(kind.starts_with("application/problem+json"), "{kind}: {}", answer.text());
    let body = answer.json();
    ensure!(body["status"] == status && body["detail"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_wrong_is_answered_with_a_problem_that_says_what_to_do() -> Result<()> {
    let node = Node::fresh().await?;
    let send = |method, path, body: &'static [u8]| node.request(method, path, body);
    is_problem(&node.send(&send("POST", "/api/v1/jobs", b"{ not json")).await?, 400)?;
    let nothing = node.send(&send("POST", "/api/v1/jobs", b"{}")).await?;
    ensure!(nothing.status == 400 || nothing.status == 422, "{}", nothing.text());
    is_problem(&nothing, nothing.status)?;
    is_problem(&node.get("/api/v1/jobs/00000000000000000000000000").await?, 404)?;
    let id = node.get("/api/v1/jobs/what").await?;
    ensure!((400..500).contains(&id.status), "{}", id.text());
    is_problem(&id, id.status)?;
    is_problem(&node.get("/api/v1/nothing").await?, 404)?;
    is_problem(&node.get("/hooks/nothing").await?, 404)?;
    is_problem(&node.send(&send("DELETE", "/api/v1/node", b"")).await?, 405)?;
    node.stop().await
}

#[tokio::test]
async fn who_has_no_token_a_foreign_host_or_a_foreign_origin_stays_out() -> Result<()> {
    let node = Node::fresh().await?;
    let host = node.address.to_string();
    let bearer = format!("Bearer {}", node.token);
    let send = async |method: &str, host: &str, headers: &[(&str, &str)]| {
        let mut connection = Connection::open(node.address).await?;
        anyhow::Ok(connection.send(&request(method, "/api/v1/jobs", host, headers, b"")).await?)
    };
    is_problem(&send("GET", &host, &[]).await?, 401)?;
    is_problem(&send("GET", &host, &[("Authorization", "Bearer nonsense")]).await?, 401)?;
    let answer = send("GET", "evil.example:4141", &[("Authorization", &bearer)]).await?;
    ensure!(answer.status == 421 || answer.status == 403, "{}", answer.text());
    is_problem(&answer, answer.status)?;
    let headers =
        [("Authorization", bearer.as_str()), ("Origin", "https://evil.example"), ("Content-Type", "application/json")];
    is_problem(&send("POST", &host, &headers).await?, 403)?;
    ensure!(send("GET", &host, &[("Authorization", &bearer)]).await?.status == 200);
    node.stop().await
}

#[tokio::test]
async fn a_preset_with_problems_is_told_all_of_them_with_place_and_suggestion() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "wrong",
        "steps": {
            "a": { "component": "sett" },
            "b": { "component": "limit", "config": { "countt": 3 } },
            "c": { "component": "no-op" },
            "d": { "component": "no-op" }
        },
        "wires": ["a -> b", "b:nowhere -> c", "c -> d", "d -> c", "c -> ghost"]
    });
    let answer = node.post("/api/v1/jobs", &json!({ "inline": preset })).await?;
    is_problem(&answer, 422)?;
    let problems = answer.json()["problems"].clone();
    let text = problems.to_string();
    for word in ["/steps/a", "/steps/b/config", "nowhere", "ghost", "`set`"] {
        ensure!(text.contains(word), "nothing about {word} in {problems:#}");
    }
    ensure!(problems.as_array().is_some_and(|all| all.len() >= 4), "{problems:#}");
    ensure!(node.read("/api/v1/jobs").await?["jobs"].as_array().is_some_and(Vec::is_empty), "nothing was started");
    let malformed = node.post("/api/v1/jobs", &json!({ "inline": { "flowork": "preset/1", "steps": 7 } })).await?;
    ensure!((400..500).contains(&malformed.status), "{}", malformed.text());
    is_problem(&malformed, malformed.status)?;
    node.stop().await
}

/// Sends a head and up to `bytes` of a body until the other side has had enough; gives the first line of its answer.
async fn flood(address: std::net::SocketAddr, head: String, bytes: usize) -> Result<String> {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let (read, mut write) = tokio::net::TcpStream::connect(address).await?.into_split();
    let writes = tokio::spawn(async move {
        let piece = vec![b' '; 64 << 10];
        let mut sent = write.write_all(head.as_bytes()).await.is_ok();
        let mut left = bytes;
        while sent && left > 0 {
            let size = left.min(piece.len());
            sent = write.write_all(&piece[..size]).await.is_ok();
            left -= size;
        }
        // Kept open, so that the answer is not lost with the connection.
        write
    });
    let mut line = String::new();
    tokio::time::timeout(flowork_tests::node::PATIENCE, BufReader::new(read).read_line(&mut line)).await??;
    writes.abort();
    Ok(line)
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_and_the_node_goes_on() -> Result<()> {
    let node = Node::fresh().await?;
    let host = node.address.to_string();
    let bearer = format!("Bearer {}", node.token);
    let head = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\nContent-Type: application/json\r\nContent-Length: 524288000\r\n\r\n"
    );
    let told = flood(node.address, head, 524_288_000).await?;
    ensure!(told.starts_with("HTTP/1.1 413"), "five hundred megabytes: {told}");
    let huge = format!(
        r#"{{"inline":{{"flowork":"preset/1","name":"x","steps":{{"a":{{"component":"no-op"}}}}}},"input":[{{"json":"{}"}}]}}"#,
        "x".repeat(3 << 20)
    );
    let answer = node.send(&node.request("POST", "/api/v1/jobs", huge.as_bytes())).await?;
    ensure!((400..500).contains(&answer.status), "an item of 3 MiB: {}", answer.text());
    is_problem(&answer, answer.status)?;
    ensure!(node.get("/healthz").await?.status == 200);
    node.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_flood_is_taken_or_pushed_back_and_what_was_taken_runs() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "flooded",
        "triggers": { "hook": { "component": "webhook", "config": { "path": "flooded" } } },
        "steps": { "only": { "component": "no-op" } }, "wires": ["hook -> only"]
    });
    node.activate(&preset).await?;
    let first = fire(&node, "flooded", &json!({})).await?;
    node.ended(&first).await?;
    let load = flowork_tests::load::Load {
        address: node.address,
        request: std::sync::Arc::new(node.request("POST", "/hooks/flooded", b"{}")),
        connections: 400,
        lasts: std::time::Duration::from_secs(3),
        requests_max: 20_000,
    };
    let outcome = flowork_tests::load::run(&load).await?;
    ensure!(
        outcome.failed == 0,
        "{} requests were neither taken nor pushed back: {:?}",
        outcome.failed,
        outcome.first_failure
    );
    flowork_tests::bench::measure::all_ended(&node).await?;
    let counts = flowork_tests::bench::measure::counts(&node).await?;
    let succeeded = counts.get("succeeded").copied().unwrap_or(0);
    println!("{} taken, {} pushed back", outcome.done, outcome.pushed_back);
    ensure!(succeeded == outcome.done + 1, "{} were taken, {succeeded} succeeded", outcome.done + 1);
    node.stop().await
}
