//! A backup taken under load is a whole node: its jobs go on in a second data directory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use flowork_tests::node::command;
use serde_json::json;

use crate::{check_history, fire};

const PASSPHRASE: &str = "correct horse battery staple";

/// Runs the command line with the backup's passphrase.
fn with_passphrase(data: &Path, arguments: &[&str]) -> Result<String> {
    let output = command(data, arguments)?.env("FLOWORK_BACKUP_PASSPHRASE", PASSPHRASE).output()?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "flowork {}: {out}\n{err}", arguments.join(" "));
    Ok(out.into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_restores_and_its_jobs_go_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Arc::new(Node::start(&data).await?);
    let loaded = json!({
        "flowork": "preset/1", "name": "loaded",
        "triggers": { "hook": { "component": "webhook", "config": { "path": "loaded" } } },
        "steps": {
            "one": { "component": "set", "config": { "fields": { "a": "{{ $json.body.n }}" } } },
            "ask": { "component": "approval", "config": { "title": "Go on?" } },
            "two": { "component": "set", "config": { "fields": { "b": "{{ $json.a + 1 }}" } } }
        },
        "wires": ["hook -> one", "one -> ask", "ask:approved -> two"]
    });
    node.activate(&loaded).await?;
    let draft = node.read("/api/v1/presets").await?[0]["id"].as_str().context("there is a draft")?.to_owned();
    node.activate(&flowork_tests::bench::presets::ten_pure("busy", &json!({ "path": "busy" }))).await?;
    let mut before = Vec::new();
    for n in 0..20 {
        before.push((fire(&node, "loaded", &json!({ "n": n })).await?, n));
    }
    fire(&node, "busy", &json!({ "a": 1 })).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (node, stop) = (Arc::clone(&node), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                fire(&node, "busy", &json!({ "a": count })).await?;
                count += 1;
            }
            anyhow::Ok(count)
        })
    };
    let file = folder.path().join("node.backup");
    let name = file.display().to_string();
    let from = data.clone();
    tokio::task::spawn_blocking(move || with_passphrase(&from, &["backup", &name])).await??;
    stop.store(true, Ordering::Relaxed);
    println!("{} jobs were started beside the backup", load.await??);
    let bytes = std::fs::read(&file)?;
    ensure!(!bytes.windows(7).any(|window| window == b"SQLite "), "a backup is encrypted as a whole");
    Arc::into_inner(node).context("nobody else has the node")?.stop().await?;

    let second = folder.path().join("second");
    let to = second.display().to_string();
    with_passphrase(&second, &["restore", &file.display().to_string(), "--to", &to, "--as", "move"])?;
    let node = Node::start(&second).await?;
    for (job, n) in before {
        let request = node.request("POST", &format!("/api/v1/jobs/{job}/decide"), br#"{"run":"ask","approved":true}"#);
        let begun = std::time::Instant::now();
        // A job that was between acceptance and question when it was saved asks first.
        loop {
            let answer = node.send(&request).await?;
            if answer.status == 202 {
                break;
            }
            ensure!(answer.status == 409 && begun.elapsed().as_secs() < 30, "{} {}", answer.status, answer.text());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let row = node.ended(&job).await?;
        ensure!(row["state"] == "succeeded", "{row}");
        ensure!(node.given(&job, "two", "out").await?[0]["b"] == n + 1);
        check_history(&job, &node.history(&job).await?)?;
    }
    let kept = node.read(&format!("/api/v1/presets/{draft}")).await?;
    ensure!(kept["preset"]["steps"].as_object().is_some(), "the draft is there: {kept}");
    fire(&node, "loaded", &json!({ "n": 1 })).await?;
    node.stop().await
}

#[tokio::test]
async fn a_restore_asks_whether_the_old_node_is_gone_and_a_wrong_passphrase_opens_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let first_id = node.read("/api/v1/node").await?["id"].clone();
    let file = folder.path().join("node.backup").display().to_string();
    with_passphrase(&data, &["backup", &file])?;
    let to = folder.path().join("copy").display().to_string();
    let unsaid =
        command(&data, &["restore", &file, "--to", &to])?.env("FLOWORK_BACKUP_PASSPHRASE", PASSPHRASE).output()?;
    ensure!(unsaid.status.code() == Some(2), "{unsaid:?}");
    let wrong = command(&data, &["restore", &file, "--to", &to, "--as", "copy"])?
        .env("FLOWORK_BACKUP_PASSPHRASE", "wrong")
        .output()?;
    ensure!(!wrong.status.success() && !Path::new(&to).join("node.db").exists(), "{wrong:?}");
    let to = folder.path().join("copy2");
    with_passphrase(&data, &["restore", &file, "--to", &to.display().to_string(), "--as", "copy"])?;
    let copy = Node::start(&to).await?;
    let copy_id = copy.read("/api/v1/node").await?["id"].clone();
    ensure!(copy_id != first_id, "a copy has a key of its own");
    copy.stop().await?;
    node.stop().await
}
