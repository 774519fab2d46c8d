//! Drafts survive what kills the role that keeps them.

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::kills::seed;

fn draft(edit: u64) -> Value {
    json!({
        "flowork": "preset/1", "name": "edited",
        "docs": format!("edit {edit}"),
        "steps": { "only": { "component": "set", "config": { "fields": { "edit": edit } } } },
        "wires": {}
    })
}

#[tokio::test]
async fn an_edit_that_was_answered_is_there_after_the_docs_role_was_killed() -> Result<()> {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let made = node.make("/api/v1/presets", &draft(0)).await?;
    let id = made["id"].as_str().context("a draft has an id")?.to_owned();
    let path = format!("/api/v1/presets/{id}");
    let kills = [random.random_range(3..8), random.random_range(10..16), random.random_range(18..24)];
    for edit in 1..=25_u64 {
        let request = node.request("PUT", &path, draft(edit).to_string().as_bytes());
        if kills.contains(&edit) {
            // Either the edit is answered before the kill, or it is sent again after it; both must end well.
            let (_, sent) = tokio::join!(node.kill("docs"), node.send(&request));
            if !sent.is_ok_and(|answer| answer.status == 200) {
                node.insist(&request).await?;
            }
        } else {
            node.insist(&request).await?;
        }
        let read = node.insist(&node.request("GET", &path, b"")).await?;
        ensure!(read["preset"] == draft(edit), "seed {seed}: after edit {edit} the draft is {}", read["preset"]);
    }
    node.cut_power()?;
    let node = Node::start(&data).await?;
    let read = node.insist(&node.request("GET", &path, b"")).await?;
    ensure!(read["preset"]["docs"] == "edit 25", "seed {seed}: {}", read["preset"]);
    let history = node.read(&format!("{path}/history")).await?;
    ensure!(history.as_array().is_some_and(|changes| changes.len() >= 25), "seed {seed}: {history}");
    node.stop().await
}

#[tokio::test]
async fn activated_webhooks_fire_while_the_docs_role_is_away() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "firm",
        "triggers": { "hook": { "component": "webhook", "config": { "path": "firm" } } },
        "steps": { "only": { "component": "no-op" } }, "wires": ["hook -> only"]
    });
    node.activate(&preset).await?;
    crate::fire(&node, "firm", &json!({})).await?;
    let docs = node.role("docs").await?.context("docs runs")?;
    flowork_tests::process::stop_for_a_while(docs)?;
    let job = crate::fire(&node, "firm", &json!({})).await?;
    let row = node.ended(&job).await;
    flowork_tests::process::go_on(docs)?;
    ensure!(row?["state"] == "succeeded");
    node.stop().await
}
