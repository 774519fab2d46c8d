//! Two nodes on one machine: one lends, the other borrows.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flowork_protocol::receipt::Exported;
use flowork_tests::Node;
use flowork_tests::pair::{BORROWER, ENGINE, LOOPBACK, Pair};
use serde_json::{Value, json};

use crate::history::check_history;

/// Counts words, in Python.
fn count_words() -> Value {
    json!({
        "flowork": "preset/1", "name": "count-words",
        "steps": { "count": { "component": "python", "config": {
            "code": "return [{'json': {'words': len(item['json']['text'].split())}} for item in items]"
        } } },
        "wires": []
    })
}

/// Writes a line, waits for so long and gives its items back.
pub(crate) fn slow(name: &str, pause: &str) -> Value {
    json!({
        "flowork": "preset/1", "name": name,
        "steps": {
            "ran": { "component": "write-file", "config": {
                "path": "ran", "what": "lines", "text": "{{ JSON.stringify($json) }}", "mode": "append"
            } },
            "wait": { "component": "wait", "config": { "for": pause } }
        },
        "wires": ["ran -> wait"]
    })
}

/// A preset whose only step runs `preset` at Ben's.
pub(crate) fn borrow(preset: &str) -> Value {
    json!({
        "flowork": "preset/1", "name": "borrower",
        "steps": { "there": { "component": "borrow", "config": { "preset": preset, "peer": "Ben" } } },
        "wires": []
    })
}

/// The error of a job that failed.
pub(crate) fn why(row: &Value) -> String {
    format!("{} / {}", row["error"]["code"], row["error"]["message"])
}

#[tokio::test]
async fn a_friend_runs_a_lent_workflow_on_real_files_and_both_keep_a_receipt() -> Result<()> {
    let pair = Pair::friends().await?;
    let grant = pair.lend(&count_words(), &json!({ "calls_per_hour": 20, "concurrent": 2 })).await?;
    let sentence = grant["sentence"].as_str().unwrap_or_default();
    ensure!(sentence.starts_with("Ana may use box for count-words · 20 calls/h · 2 at once · until "), "{sentence}");
    let preset = json!({
        "flowork": "preset/1", "name": "count-there",
        "steps": {
            "read": { "component": "read-file", "config": { "path": "/etc/passwd" } },
            "there": { "component": "borrow", "config": { "preset": "count-words", "peer": "Ben" } }
        },
        "wires": ["read -> there"]
    });
    let job = pair.borrower.run(&preset, &[json!({})]).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let words = std::fs::read_to_string("/etc/passwd")?.split_whitespace().count();
    ensure!(pair.borrower.given(&job, "there", "out").await? == [json!({ "words": words })]);
    let history = pair.borrower.history(&job).await?;
    check_history(&job, &history)?;
    let text = serde_json::to_string(&history)?;
    ensure!(text.contains("by box of Ben in"), "the history says who did it: {text}");
    ensure!(text.contains("1 step is done"), "the history says what happened there: {text}");
    let by = pair.borrower.read("/api/v1/receipts").await?;
    let given = pair.lender.read("/api/v1/receipts").await?;
    ensure!(by[0]["call"] == given[0]["call"] && by[0]["grant"] == grant["id"], "{by} {given}");
    ensure!(by[0]["is_given"] == false && given[0]["is_given"] == true, "{by} {given}");
    ensure!(by[0]["usage"] == given[0]["usage"] && by[0]["usage"]["bytes_in"].as_u64() > Some(0), "{by}");
    for node in [&pair.borrower, &pair.lender] {
        // Whoever is shown it can check it without either node.
        let exported = node.read("/api/v1/receipts/export").await?;
        let line: Exported = serde_json::from_value(exported[0]["receipt"].clone())?;
        let proven = line.verify()?;
        ensure!(proven.receipt.call.to_string() == by[0]["call"].as_str().unwrap_or_default(), "{exported}");
        ensure!(proven.is_countersigned || !std::ptr::eq(node, &pair.borrower), "{exported}");
    }
    let totals = pair.lender.read("/api/v1/receipts/totals").await?;
    ensure!(totals[0]["calls"] == 1 && totals[0]["failed"] == 0, "{totals}");
    pair.lender
        .until("the lender keeps the receipt alone", async || {
            Ok(pair.lender.read("/api/v1/jobs?preset=count-words").await?["jobs"] == json!([]))
        })
        .await?;
    pair.stop().await
}

/// Gives each file back in capitals, under its own name, and says how long it was.
fn shout() -> Value {
    json!({
        "flowork": "preset/1", "name": "shout",
        "steps": { "shout": { "component": "python", "config": {
            "code": "out = []\nfor item in items:\n    text = open(item['files']['data']['path']).read()\n    with open('LOUD.txt', 'w') as loud:\n        loud.write(text.upper())\n    out.append({'json': {'length': len(text)}, 'files': {'loud': 'LOUD.txt'}})\nreturn out"
        } } },
        "wires": []
    })
}

/// Sends one file to the lender's [`shout`] and writes what comes back.
fn shout_there(from: &Path, to: &Path) -> Value {
    json!({
        "flowork": "preset/1", "name": "shout-there",
        "steps": {
            "read": { "component": "read-file", "config": { "path": from, "as": "file", "max_bytes": 1_000_000_000 } },
            "there": { "component": "borrow", "config": { "preset": "shout", "peer": "Ben" } },
            "write": { "component": "write-file", "config": { "path": to, "what": "file", "name": "loud" } }
        },
        "wires": ["read -> there", "there -> write"]
    })
}

#[tokio::test]
async fn files_go_to_a_friend_and_what_becomes_of_them_comes_back() -> Result<()> {
    let pair = Pair::friends().await?;
    let grant = pair.lend(&shout(), &json!({ "bytes_per_day": 100_000_000 })).await?;
    let (from, to) = (pair.folder.path().join("quiet.txt"), pair.folder.path().join("loud.txt"));
    // More than goes with a call, and more than one chunk of hashes.
    let quiet: String = (0..400_000).map(|n| format!("line {n}\n")).collect();
    std::fs::write(&from, &quiet)?;
    let job = pair.borrower.run(&shout_there(&from, &to), &[json!({})]).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    ensure!(std::fs::read_to_string(&to)? == quiet.to_uppercase());
    let history = pair.borrower.history(&job).await?;
    check_history(&job, &history)?;
    let text = serde_json::to_string(&history)?;
    ensure!(text.contains("MB of files came"), "the history says how the files came: {text}");
    let by = pair.borrower.read("/api/v1/receipts").await?;
    let bytes = quiet.len() as u64;
    for which in ["bytes_in", "bytes_out"] {
        let charged = by[0]["usage"][which].as_u64().unwrap_or(0);
        ensure!((bytes..bytes + 10_000).contains(&charged), "{which}: {charged} of {bytes}");
    }
    let given = pair.lender.read("/api/v1/grants").await?;
    ensure!(given[0]["id"] == grant["id"], "{given}");
    pair.lender
        .until("the lender keeps the receipt alone", async || {
            Ok(pair.lender.read("/api/v1/jobs?preset=shout").await?["jobs"] == json!([]))
        })
        .await?;
    pair.stop().await
}

#[tokio::test]
async fn files_come_whole_whoever_dies_while_they_are_on_their_way() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&shout(), &json!({})).await?;
    for (who, role) in [(0, "mesh"), (1, "mesh"), (0, "kernel"), (1, "kernel")] {
        let (from, to) = (pair.folder.path().join("quiet.bin"), pair.folder.path().join("loud.bin"));
        let quiet: String = (0..6_000_000).map(|n| format!("{who}{role}{n}\n")).collect();
        std::fs::write(&from, &quiet)?;
        let job = pair.borrower.run(&shout_there(&from, &to), &[json!({})]).await?;
        pair.borrower
            .until("the first of the file is there", async || {
                let history = pair.borrower.history(&job).await?;
                Ok(serde_json::to_string(&history)?.contains("MB of files came"))
            })
            .await?;
        let node = if who == 0 { &pair.borrower } else { &pair.lender };
        let killed = node.kill(role).await?;
        let row = pair.borrower.ended(&job).await?;
        ensure!(row["state"] == "succeeded", "{role} of {who}: {}", why(&row));
        ensure!(std::fs::read_to_string(&to)? == quiet.to_uppercase(), "{role} of {who}");
        node.back(role, killed).await?;
    }
    pair.stop().await
}

#[tokio::test]
async fn a_grant_that_is_taken_back_ends_the_run_under_it_and_refuses_the_next() -> Result<()> {
    let pair = Pair::friends().await?;
    let grant = pair.lend(&slow("slow", "10m"), &json!({})).await?;
    let job = pair.borrower.run(&borrow("slow"), &[json!({ "n": 1 })]).await?;
    pair.borrower
        .until("the run waits at the lender", async || {
            let history = pair.borrower.history(&job).await?;
            Ok(serde_json::to_string(&history)?.contains("it waits for something"))
        })
        .await?;
    pair.revoke(&grant).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "failed" && row["error"]["code"] == "engine-grant-revoked", "{}", why(&row));
    ensure!(row["error"]["message"] == "box of Ben: the grant was taken back by its owner", "{}", why(&row));
    pair.lender
        .until("the run has ended at the lender", async || {
            let all = pair.lender.read("/api/v1/jobs?preset=slow").await?;
            let is_over = |job: &Value| job["state"] == "cancelled";
            Ok(all["jobs"].as_array().is_some_and(|all| all.iter().all(is_over)))
        })
        .await?;
    let job = pair.borrower.run(&borrow("slow"), &[json!({ "n": 2 })]).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "failed", "{row}");
    ensure!(
        matches!(row["error"]["code"].as_str(), Some("no-grant" | "grant-revoked")) && !row["error"]["hint"].is_null(),
        "{}",
        why(&row)
    );
    ensure!(pair.ran() == 1, "nothing ran for the second");
    pair.stop().await
}

#[tokio::test]
async fn a_borrowed_run_survives_the_death_of_any_role_and_runs_once() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&slow("nap", "3s"), &json!({})).await?;
    for (who, role) in [(0, "mesh"), (0, "kernel"), (1, "mesh"), (1, "kernel")] {
        let before = pair.ran();
        let job = pair.borrower.run(&borrow("nap"), &[json!({ "role": role, "who": who })]).await?;
        // Its line is on disk as a step's result then: a kernel that dies before would write it again.
        pair.lender
            .until("the run waits at the lender", async || {
                Ok(pair.lender.read("/api/v1/jobs?preset=nap").await?["jobs"][0]["state"] == "waiting")
            })
            .await?;
        let node = if who == 0 { &pair.borrower } else { &pair.lender };
        let killed = node.kill(role).await?;
        let row = pair.borrower.ended(&job).await?;
        ensure!(row["state"] == "succeeded", "{role} of {who}: {}", why(&row));
        let given = pair.borrower.given(&job, "there", "out").await?;
        ensure!(given.len() == 1 && given[0]["role"] == role && given[0]["who"] == who, "{given:?}");
        ensure!(pair.ran() == before + 1, "{role} of {who}: it ran once");
        node.back(role, killed).await?;
    }
    pair.stop().await
}

#[tokio::test]
async fn a_lender_that_loses_power_is_waited_for_and_runs_what_it_took_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("lender");
    // The same port again, as a node has it outside of tests.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let listen = format!("127.0.0.1:{port}");
    let lender = Node::start_with(&data, &["--mesh-listen", &listen]).await?;
    let borrower = Node::start_with(&folder.path().join("borrower"), &LOOPBACK).await?;
    let pair = Pair { lender, borrower, folder };
    let invited = pair.invite().await?;
    pair.borrower.make("/api/v1/peers", &json!({ "link": invited["link"], "name": "Ben" })).await?;
    pair.lend(&slow("nap", "3s"), &json!({})).await?;
    let job = pair.borrower.run(&borrow("nap"), &[json!({ "n": 1 })]).await?;
    // Its line is on disk as a step's result then: a node that dies before would write it again.
    pair.lender
        .until("the run waits at the lender", async || {
            Ok(pair.lender.read("/api/v1/jobs?preset=nap").await?["jobs"][0]["state"] == "waiting")
        })
        .await?;
    let Pair { lender, borrower, folder } = pair;
    lender.cut_power()?;
    let lender = Node::start_with(&data, &["--mesh-listen", &listen]).await?;
    let pair = Pair { lender, borrower, folder };
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    ensure!(pair.ran() == 1);
    pair.stop().await
}

#[tokio::test]
async fn a_limit_refuses_in_words_on_both_sides() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&count_words(), &json!({ "calls_per_hour": 1 })).await?;
    let run = async || -> Result<Value> {
        let mut preset = borrow("count-words");
        preset["steps"]["there"]["config"]["wait"] = json!("0s");
        let job = pair.borrower.run(&preset, &[json!({ "text": "one two" })]).await?;
        pair.borrower.ended(&job).await
    };
    let first = run().await?;
    ensure!(first["state"] == "succeeded", "{}", why(&first));
    let second = run().await?;
    ensure!(second["error"]["code"] == "limit-reached", "{}", why(&second));
    ensure!(second["error"]["message"] == "box of Ben: the grant allows 1 call per hour", "{}", why(&second));
    let decisions = pair.lender.read("/api/v1/mesh/decisions").await?;
    let text = decisions[0]["text"].as_str().unwrap_or_default();
    ensure!(text == "Ana was refused run:count-words of the engine box: the grant allows 1 call per hour", "{text}");
    let test = json!({ "who": "Ana", "engine": "box", "can": "run:count-words" });
    let tested = pair.lender.make("/api/v1/grants/test", &test).await?;
    ensure!(tested["allowed"] == false && tested["reasons"].to_string().contains("used up"), "{tested}");
    pair.stop().await
}

#[tokio::test]
async fn an_invitation_is_read_before_anything_is_sent_and_lets_one_node_in_once() -> Result<()> {
    let pair = Pair::strangers().await?;
    let invited = pair.invite().await?;
    let link = invited["link"].as_str().context("a link")?;
    ensure!(invited["reach"] == "this machine only", "{invited}");
    let preview = pair.borrower.make("/api/v1/peers/preview", &json!({ "link": link })).await?;
    ensure!(preview["node"] == pair.lender.read("/api/v1/mesh").await?["node"], "{preview}");
    ensure!(pair.lender.read("/api/v1/peers").await? == json!([]), "reading it told nobody");
    for (wrong, words) in
        [(&link[..link.len() - 3], "not whole"), ("https://example.org/", "an invitation starts with flowork://join/")]
    {
        let answer = pair.borrower.post("/api/v1/peers", &json!({ "link": wrong })).await?;
        ensure!(answer.status == 422 && answer.text().contains(words), "{} {}", answer.status, answer.text());
    }
    let own = pair.lender.post("/api/v1/peers", &json!({ "link": link })).await?;
    ensure!(own.status == 422 && own.text().contains("by this node itself"), "{}", own.text());
    pair.borrower.make("/api/v1/peers", &json!({ "link": link })).await?;
    let folder = tempfile::tempdir()?;
    let third = Node::start_with(&folder.path().join("third"), &LOOPBACK).await?;
    let late = third.post("/api/v1/peers", &json!({ "link": link })).await?;
    ensure!(late.status == 502 && late.text().contains("was used already"), "{} {}", late.status, late.text());
    ensure!(pair.lender.read("/api/v1/peers").await?.as_array().is_some_and(|all| all.len() == 1));
    third.stop().await?;
    pair.stop().await
}

#[tokio::test]
async fn a_removed_friend_is_shut_out_at_once() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&slow("slow", "10m"), &json!({})).await?;
    let job = pair.borrower.run(&borrow("slow"), &[json!({})]).await?;
    pair.lender.until("the lender has the run", async || Ok(pair.ran() == 1)).await?;
    let parting = pair.lender.read("/api/v1/peers/Ana/parting").await?;
    ensure!(parting["given"].as_array().is_some_and(|all| all.len() == 1), "{parting}");
    let removed = pair.lender.send(&pair.lender.request("DELETE", "/api/v1/peers/Ana", b"")).await?;
    ensure!(removed.status == 200, "{}", removed.text());
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "failed", "{row}");
    let mut again = borrow("slow");
    again["steps"]["there"]["config"]["wait"] = json!("0s");
    let job = pair.borrower.run(&again, &[json!({})]).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "failed", "{row}");
    ensure!(pair.ran() == 1, "nothing more ran");
    pair.stop().await
}

/// A program of the owner's that does nothing, under the name `own-work`.
struct OwnWork(std::process::Child);

impl OwnWork {
    fn start(folder: &Path) -> Result<Self> {
        let program = folder.join("own-work");
        std::fs::copy("/bin/sleep", &program)?;
        Ok(Self(std::process::Command::new(program).arg("600").spawn()?))
    }

    fn end(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

#[tokio::test]
async fn the_owners_own_work_goes_first_and_a_friends_run_goes_on_after_it() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&slow("slow", "5s"), &json!({})).await?;
    let policy = json!({ "not_while": ["own-work"] }).to_string();
    let path = format!("/api/v1/engines/{ENGINE}/policy");
    let engine = pair.lender.insist(&pair.lender.request("PUT", &path, policy.as_bytes())).await?;
    ensure!(engine["held"] == Value::Null, "{engine}");
    let job = pair.borrower.run(&borrow("slow"), &[json!({})]).await?;
    pair.lender.until("it runs", async || Ok(pair.ran() == 1)).await?;
    let work = OwnWork::start(pair.folder.path())?;
    let paused = "/api/v1/jobs?preset=slow&state=paused";
    pair.lender
        .until("it is held", async || {
            Ok(pair.lender.read(paused).await?["jobs"].as_array().is_some_and(|jobs| jobs.len() == 1))
        })
        .await?;
    let engines = pair.lender.read("/api/v1/engines").await?;
    ensure!(engines[0]["held"] == "while own-work runs", "{engines}");
    let could = json!({ "who": BORROWER, "engine": ENGINE, "can": "run:slow" });
    let tested = pair.lender.post("/api/v1/grants/test", &could).await?.json();
    ensure!(tested["allowed"] == false && tested["reasons"].to_string().contains("while own-work runs"), "{tested}");
    // What begins meanwhile waits, and reads why; it is not told what runs there.
    let second = pair.borrower.run(&borrow("slow"), &[json!({})]).await?;
    pair.borrower
        .until("the borrower reads why", async || {
            let history = serde_json::to_string(&pair.borrower.history(&second).await?)?;
            Ok(history.contains("waits for box of Ben: its owner needs the machine now"))
        })
        .await?;
    // Who is started anew meanwhile lets it go on all the same.
    let before = pair.lender.kill("mesh").await?;
    pair.lender.back("mesh", before).await?;
    work.end()?;
    for job in [&job, &second] {
        let row = pair.borrower.ended(job).await?;
        ensure!(row["state"] == "succeeded", "{}", why(&row));
    }
    let history = serde_json::to_string(&pair.borrower.history(&job).await?)?;
    ensure!(history.contains("paused: its owner needs the machine now"), "{history}");
    ensure!(!history.contains("own-work"), "{history}");
    ensure!(pair.ran() == 2);
    pair.stop().await
}

#[tokio::test]
async fn a_cap_that_is_reached_holds_an_engine_and_what_a_run_draws_is_in_the_sums() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&slow("slow", "3s"), &json!({})).await?;
    let path = format!("/api/v1/engines/{ENGINE}/policy");
    let set = async |policy: Value| {
        let policy = policy.to_string();
        pair.lender.insist(&pair.lender.request("PUT", &path, policy.as_bytes())).await
    };
    // There is no machine on which less than one percent is in use.
    let engine = set(json!({ "memory_percent": 1 })).await?;
    let held = engine["held"].as_str().unwrap_or_default();
    ensure!(held.starts_with("while ") && held.ends_with(" % of its memory is in use"), "{engine}");
    let job = pair.borrower.run(&borrow("slow"), &[json!({})]).await?;
    pair.borrower
        .until("the borrower reads why", async || {
            let history = serde_json::to_string(&pair.borrower.history(&job).await?)?;
            Ok(history.contains("waits for box of Ben: its owner needs the machine now"))
        })
        .await?;
    let engine = set(json!({ "power_watts": 3_600 })).await?;
    ensure!(engine["held"] == Value::Null && engine["policy"]["memory_percent"] == Value::Null, "{engine}");
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    // A watt hour a second, for about three.
    pair.lender
        .until("the energy is in the sums", async || {
            let totals = pair.lender.read("/api/v1/receipts/totals").await?;
            Ok(totals[0]["watt_hours"].as_f64().is_some_and(|energy| energy > 0.5))
        })
        .await?;
    let totals = pair.borrower.read("/api/v1/receipts/totals").await?;
    ensure!(totals[0]["is_given"] == false && totals[0]["watt_hours"] == Value::Null, "{totals}");
    pair.stop().await
}
