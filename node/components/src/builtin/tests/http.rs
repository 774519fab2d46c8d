use std::sync::{Arc, Mutex, PoisonError};

use flowork_protocol::Failure;
use flowork_protocol::check::Catalogue as _;
use flowork_protocol::manifest::Effect;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::testing::{call, on, output};
use crate::{Library, builtin};

/// A server that answers with one of these by the request's path, and keeps what it was sent.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn server() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap_or_else(|error| panic!("{error}"));
    let address = listener.local_addr().map(|address| format!("http://{address}")).unwrap_or_default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let request = read(&mut stream).await;
                let to = request.split("to=").nth(1).and_then(|rest| rest.split([' ', '&']).next()).unwrap_or_default();
                let answer = match request.split(' ').nth(1).unwrap_or_default() {
                    path if path.starts_with("/json") => ("200 OK", "application/json; charset=utf-8", "{\"ok\":true}"),
                    "/text" => ("200 OK", "text/plain", "{\"ok\":true}"),
                    "/none" => ("404 Not Found", "text/plain", "nothing here"),
                    "/busy" => ("503 Service Unavailable", "text/plain", "later"),
                    path if path.starts_with("/moved") => ("302 Found", to, ""),
                    path if path.starts_with("/same") => ("307 Temporary Redirect", to, ""),
                    "/hang" => return std::future::pending().await,
                    _ => ("200 OK", "application/octet-stream", "bytes"),
                };
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                let (status, media_type, body) = answer;
                let kind = if status.starts_with('3') { "location" } else { "content-type" };
                let text = format!(
                    "HTTP/1.1 {status}\r\n{kind}: {media_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(text.as_bytes()).await;
            });
        }
    });
    Server { address, seen, task }
}

async fn read(stream: &mut tokio::net::TcpStream) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let size = stream.read(&mut part).await.unwrap_or(0);
        text.extend_from_slice(&part[..size]);
        let shown = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = shown.split_once("\r\n\r\n") else {
            if size == 0 {
                return shown;
            }
            continue;
        };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if size == 0 || body.len() >= length.unwrap_or(0) {
            return shown;
        }
    }
}

impl Server {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fails(&self, config: Value) -> Failure {
        let call = call(&[("in", vec![json!({ "id": 1 }), json!({ "id": 2 })])]);
        match output("http-request", config, call).await {
            Err(failure) => failure,
            Ok(given) => panic!("it gave {given:?}"),
        }
    }
}

#[tokio::test]
async fn a_request_per_item_is_sent_and_answers_keep_their_order() -> Result<(), Failure> {
    let server = server().await;
    let config = json!({
        "method": "POST",
        "url": format!("{}/json/{{{{ $json.id }}}}", server.address),
        "query": { "tag": ["a", "b c"], "none": null },
        "auth": { "bearer": "token" },
        "body": { "json": { "id": "{{ $json.id }}" } },
    });
    let given = output("http-request", config, call(&[("in", vec![json!({ "id": 1 }), json!({ "id": 2 })])])).await?;
    let answers = on(&given, "out");
    assert_eq!(answers.len(), 2);
    assert_eq!((&answers[0]["status"], &answers[0]["body"]), (&json!(200), &json!({ "ok": true })));
    let mut seen = server.seen();
    seen.sort();
    assert!(seen[0].starts_with("POST /json/1?tag=a&tag=b+c HTTP/1.1"), "{}", seen[0]);
    for part in
        ["authorization: Bearer s3cret", "idempotency-key: key-0", "content-type: application/json", "{\"id\":1}"]
    {
        assert!(seen[0].contains(part), "{part} is missing in {}", seen[0]);
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_becomes_a_value_a_text_or_a_file() -> Result<(), Failure> {
    let server = server().await;
    let get = async |config: Value| output("http-request", config, call(&[("in", vec![json!({})])])).await;
    let text = get(json!({ "url": format!("{}/text", server.address) })).await?;
    assert_eq!(on(&text, "out")[0]["body"], "{\"ok\":true}");
    let value = get(json!({ "url": format!("{}/text", server.address), "response": "json" })).await?;
    assert_eq!(on(&value, "out")[0]["body"], json!({ "ok": true }));
    let file = get(json!({ "url": format!("{}/some/name.bin", server.address), "response": "file" })).await?;
    let file = &file.ports[0].1.items[0].files["data"];
    assert_eq!((file.name.as_str(), file.size), ("name.bin", 5));
    let form = json!({ "method": "POST", "url": server.address, "body": { "form": { "a": "1 2" } } });
    get(form).await?;
    assert!(server.seen().last().is_some_and(|request| request.ends_with("a=1+2")));
    Ok(())
}

#[tokio::test]
async fn errors_name_the_item_and_say_whether_trying_again_helps() {
    let server = server().await;
    let url = |path: &str| json!({ "url": format!("{}{path}", server.address) });
    let none = server.fails(url("/none")).await;
    assert_eq!((none.code.as_str(), none.item, none.retryable), ("http-status", Some(0), false));
    assert_eq!(none.detail.as_deref(), Some("nothing here"));
    let busy = server.fails(url("/busy")).await;
    assert!(busy.retryable && busy.message.contains("503"));
    let mut hang = url("/hang");
    hang["timeout_ms"] = json!(50);
    assert_eq!(server.fails(hang).await.code, "http-timeout");
    let closed = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr());
    let port = closed.map(|address| address.port()).unwrap_or_default();
    let refused = server.fails(json!({ "url": format!("http://127.0.0.1:{port}/?key=hidden") })).await;
    assert!(refused.retryable && refused.code == "http-connect");
    assert!(!refused.message.contains("hidden"), "an error must not show the query: {}", refused.message);
    let secret = server.fails(json!({ "url": server.address, "auth": { "bearer": "other" } })).await;
    assert!(
        secret.code == "secret-missing" && secret.hint.is_some_and(|hint| hint.contains("flowork secret set other"))
    );
}

#[tokio::test]
async fn a_redirect_to_another_origin_takes_no_secret_along() -> Result<(), Failure> {
    let (here, there) = (server().await, server().await);
    let ask = async |way: &str, to: &Server, config: Value| {
        let mut whole = json!({ "url": format!("{}/{way}?to={}/json", here.address, to.address) });
        if let (Value::Object(whole), Value::Object(more)) = (&mut whole, config) {
            whole.extend(more);
        }
        output("http-request", whole, call(&[("in", vec![json!({ "s": "s3cret" })])])).await
    };
    let headers = json!({ "X-Key": "a {{ $json.s }}", "Authorization": "mine", "Cookie": "c=1", "Accept": "*/*" });
    ask("moved", &there, json!({ "headers": headers })).await?;
    ask("moved", &there, json!({ "auth": { "header": { "name": "X-Api-Key", "secret": "token" } } })).await?;
    ask("moved", &there, json!({ "auth": { "bearer": "token" }, "method": "POST", "body": { "text": "s3cret" } }))
        .await?;
    let seen = there.seen();
    assert_eq!(seen.len(), 3);
    for request in &seen {
        let request = request.to_lowercase();
        assert!(request.starts_with("get /json") && request.contains("accept: */*"), "{request}");
        for word in ["s3cret", "authorization", "cookie", "referer", "x-key", "x-api-key"] {
            assert!(!request.contains(word), "{word} went along: {request}");
        }
    }
    let body = json!({ "method": "POST", "body": { "text": "s3cret" } });
    let refused = ask("same", &there, body.clone()).await;
    assert_eq!(refused.map_err(|failure| failure.code), Err("http-redirect-secret".to_owned()));
    assert_eq!(there.seen().len(), 3);
    ask("same", &there, json!({ "method": "POST", "body": { "text": "plain" } })).await?;
    assert!(there.seen()[3].starts_with("POST /json") && there.seen()[3].ends_with("plain"));

    ask("same", &here, json!({ "auth": { "bearer": "token" }, "method": "POST", "body": { "text": "s3cret" } }))
        .await?;
    let last = here.seen().pop().unwrap_or_default();
    assert!(last.contains("Bearer s3cret") && last.ends_with("s3cret"), "the same origin gets all: {last}");
    let round = ask("moved", &here, json!({ "max_redirects": 0 })).await;
    assert_eq!(round.map_err(|failure| failure.code), Err("http-redirects".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_dry_run_sends_only_what_reads() -> Result<(), Failure> {
    let server = server().await;
    let mut call = call(&[("in", vec![json!({})])]);
    call.dry_run = true;
    let given = output("http-request", json!({ "method": "DELETE", "url": server.address }), call.clone()).await?;
    assert!(given.note.is_some_and(|note| note.starts_with("dry run: would have sent DELETE http://127.0.0.1")));
    assert_eq!(server.seen().len(), 0);
    output("http-request", json!({ "url": server.address }), call).await?;
    assert_eq!(server.seen().len(), 1);
    Ok(())
}

#[test]
fn reading_may_be_repeated_and_anything_else_not() {
    let library = Library::new(builtin(super::options()));
    let effect = |method: &str| {
        let config = json!({ "method": method, "url": "http://x" });
        config.as_object().and_then(|config| library.effect("http-request", config))
    };
    assert_eq!(effect("GET"), Some(Effect::Idempotent));
    assert_eq!(effect("POST"), Some(Effect::External));
}
