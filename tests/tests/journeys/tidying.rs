//! What nothing names any more goes, and how much is kept is shown.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use flowork_tests::Node;
use flowork_tests::node::{PATIENCE, flowork, job_of};
use serde_json::{Value, json};

async fn upload(node: &Node, bytes: &[u8]) -> Result<Value> {
    let answer = node.send(&node.request("POST", "/api/v1/files?name=f.bin", bytes)).await?;
    ensure!(answer.status == 201, "{} {}", answer.status, answer.text());
    Ok(answer.json())
}

async fn status_of(node: &Node, file: &Value) -> Result<u16> {
    let blob = file["blob"].as_str().context("a file has a hash")?;
    Ok(node.get(&format!("/api/v1/files/{blob}")).await?.status)
}

async fn set(node: &Node, settings: Value) -> Result<()> {
    node.insist(&node.request("PUT", "/api/v1/settings", settings.to_string().as_bytes())).await?;
    until("the settings count", async || Ok(node.read("/api/v1/settings").await? == settings)).await
}

/// Looks again and again at what rings no bell for clients.
async fn until(what: &str, is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_so().await? {
        if begun.elapsed() > PATIENCE {
            bail!("waited in vain until {what}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn run_with(node: &Node, file: &Value, name: &str) -> Result<String> {
    let preset =
        json!({ "flowork": "preset/1", "name": name, "steps": { "keep": { "component": "no-op" } }, "wires": [] });
    let input = json!([{ "json": {}, "files": { "f": file } }]);
    let job = job_of(&node.make("/api/v1/jobs", &json!({ "inline": preset, "input": input })).await?)?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    Ok(job)
}

#[tokio::test]
async fn files_of_forgotten_jobs_and_unused_uploads_go_and_all_others_stay() -> Result<()> {
    let node = Node::fresh().await?;
    let (forgotten, kept) =
        (upload(&node, b"of a job that is forgotten").await?, upload(&node, b"of a kept job").await?);
    let (drafted, unused) = (upload(&node, b"pinned in a draft").await?, upload(&node, b"nobody used it").await?);
    let job = run_with(&node, &forgotten, "first").await?;
    run_with(&node, &kept, "second").await?;
    let pin = json!({ "out": [{ "json": {}, "files": { "f": drafted } }] });
    let draft = json!({
        "flowork": "preset/1", "name": "drafted", "steps": { "a": { "component": "no-op", "pin": pin } }, "wires": []
    });
    node.make("/api/v1/presets", &draft).await?;
    set(&node, json!({ "retention.files_hours": 0, "retention.versions_days": 0 })).await?;
    let answer = node.send(&node.request("DELETE", &format!("/api/v1/jobs/{job}"), b"")).await?;
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
    until("both files are gone", async || {
        Ok(status_of(&node, &forgotten).await? == 404 && status_of(&node, &unused).await? == 404)
    })
    .await?;
    ensure!(status_of(&node, &kept).await? == 200, "the file of a kept job is there");
    ensure!(status_of(&node, &drafted).await? == 200, "the file of a draft is there");
    // The versions are needed, so they still run.
    ensure!(node.ended(&run_with(&node, &kept, "second").await?).await?["state"] == "succeeded");
    node.stop().await
}

#[tokio::test]
async fn disk_use_is_shown_against_what_is_allowed() -> Result<()> {
    let node = Node::fresh().await?;
    upload(&node, &vec![7; 3_000_000]).await?;
    set(&node, json!({ "disk.budget_bytes": 1_000_000 })).await?;
    let stats = async || Ok::<_, anyhow::Error>(node.read("/api/v1/node").await?["stats"].clone());
    until("the numbers are fresh", async || Ok(stats().await?["blob_bytes"].as_u64() >= Some(3_000_000))).await?;
    let stats = stats().await?;
    ensure!(stats["budget_bytes"] == 1_000_000 && stats["free_bytes"].as_u64() > Some(0), "{stats}");
    for file in stats["files"].as_array().context("files")? {
        let name = file["file"].as_str().context("a name")?;
        let on_disk = std::fs::metadata(node.data().join(name))?.len();
        ensure!(file["bytes"].as_u64() >= Some(on_disk.min(4096)), "{name}: {file}, {on_disk} on disk");
    }
    let shown = flowork(node.data(), &["status"])?;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    ensure!(text.contains("allowed") && text.contains("disk.budget_bytes"), "{text}");
    node.stop().await
}
