//! What a step does when whom it asks is away: it waits, asks its owner, goes to another friend, or does it here.

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use flowork_tests::pair::{BORROWER, ENGINE, LENDER, LOOPBACK, Pair};
use serde_json::{Value, json};

use crate::lending::{slow, why};

/// A preset whose only step runs `echo` at Ben's, and says what to do when he is away.
fn asks_ben(config: &Value) -> Value {
    let mut all = json!({ "preset": "echo", "peer": LENDER, "wait": "100ms" });
    if let (Some(all), Some(more)) = (all.as_object_mut(), config.as_object()) {
        all.extend(more.clone());
    }
    json!({ "flowork": "preset/1", "name": "asker", "steps": { "there": { "component": "borrow", "config": all } }, "wires": [] })
}

/// Gives its items back and says who ran it.
fn echo(who: &str) -> Value {
    json!({
        "flowork": "preset/1", "name": "echo",
        "steps": { "say": { "component": "set", "config": { "fields": { "by": who } } } },
        "wires": []
    })
}

/// Lends `preset` at `node` itself, for its own steps.
async fn lend_here(node: &Node, preset: &Value) -> Result<()> {
    node.make("/api/v1/presets", preset).await?;
    let body = json!({ "run": [preset["name"]] }).to_string();
    node.insist(&node.request("PUT", "/api/v1/engines/own", body.as_bytes())).await?;
    Ok(())
}

/// Ben, who lent `echo`, is away.
async fn without_ben() -> Result<(Node, tempfile::TempDir)> {
    let pair = Pair::friends().await?;
    pair.lend(&echo("Ben"), &json!({})).await?;
    let Pair { lender, borrower, folder } = pair;
    lender.stop().await?;
    Ok((borrower, folder))
}

async fn by_whom(node: &Node, preset: &Value) -> Result<Value> {
    let job = node.run(preset, &[json!({ "n": 1 })]).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    Ok(node.given(&job, "there", "out").await?[0]["by"].clone())
}

#[tokio::test]
async fn an_engine_of_this_node_takes_over_only_where_the_step_says_so() -> Result<()> {
    let (node, _folder) = without_ben().await?;
    lend_here(&node, &echo("me")).await?;
    let job = node.run(&asks_ben(&json!({})), &[json!({})]).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "failed" && row["error"]["code"] == "peer-away", "{}", why(&row));
    ensure!(by_whom(&node, &asks_ben(&json!({ "when_away": "here" }))).await? == "me");
    let here = json!({
        "flowork": "preset/1", "name": "here",
        "steps": { "there": { "component": "borrow", "config": { "preset": "echo", "at": "here" } } }, "wires": []
    });
    ensure!(by_whom(&node, &here).await? == "me");
    // What is done here leaves no receipt: nobody else had to sign.
    ensure!(node.read("/api/v1/receipts").await? == json!([]));
    node.stop().await
}

#[tokio::test]
async fn what_never_leaves_this_machine_may_name_nobody_else() -> Result<()> {
    let node = Node::start_with(&tempfile::tempdir()?.path().join("node"), &LOOPBACK).await?;
    let preset = asks_ben(&json!({ "at": "here", "when_away": "other" }));
    let answer = node.post("/api/v1/jobs", &json!({ "inline": preset, "input": [] })).await?;
    let text = answer.text();
    ensure!(answer.status == 422 && text.contains("nothing leaves this machine"), "{} {text}", answer.status);
    ensure!(text.contains("/steps/there/config/peer") && text.contains("/steps/there/config/when_away"), "{text}");
    node.stop().await
}

#[tokio::test]
async fn its_owner_is_asked_before_anybody_else_sees_the_data() -> Result<()> {
    let (node, _folder) = without_ben().await?;
    lend_here(&node, &echo("me")).await?;
    for (answer, state) in [(false, "failed"), (true, "succeeded")] {
        let job = node.run(&asks_ben(&json!({ "when_away": "ask" })), &[json!({})]).await?;
        let path = format!("/api/v1/jobs/{job}");
        node.until("the owner is asked", async || Ok(node.read(&path).await?["state"] == "waiting")).await?;
        let asked = serde_json::to_string(&node.history(&job).await?)?;
        ensure!(asked.contains("May somebody else do it?") && asked.contains("box of Ben"), "{asked}");
        node.make(&format!("{path}/decide"), &json!({ "run": "there", "approved": answer })).await?;
        let row = node.ended(&job).await?;
        ensure!(row["state"] == state, "{}", why(&row));
        if !answer {
            ensure!(row["error"]["code"] == "not-elsewhere", "{}", why(&row));
        }
    }
    node.stop().await
}

#[tokio::test]
async fn another_friend_takes_over_where_the_step_lets_them_see_the_data() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&echo("Ben"), &json!({})).await?;
    let cleo = Node::start_with(&pair.folder.path().join("cleo"), &LOOPBACK).await?;
    cleo.until("Cleo listens", async || {
        Ok(cleo.read("/api/v1/mesh").await?["listens"].as_array().is_some_and(|all| all.len() >= 2))
    })
    .await?;
    let invited = cleo.make("/api/v1/peers/invitations", &json!({ "name": BORROWER })).await?;
    pair.borrower.make("/api/v1/peers", &json!({ "link": invited["link"], "name": "Cleo" })).await?;
    let Pair { lender, borrower, folder } = pair;
    let third = Pair { lender: cleo, borrower, folder };
    third.lend(&echo("Cleo"), &json!({})).await?;
    ensure!(by_whom(&third.borrower, &asks_ben(&json!({ "when_away": "other" }))).await? == "Ben");
    lender.stop().await?;
    ensure!(by_whom(&third.borrower, &asks_ben(&json!({ "when_away": "other" }))).await? == "Cleo");
    let job = third.borrower.run(&asks_ben(&json!({})), &[json!({})]).await?;
    ensure!(third.borrower.ended(&job).await?["state"] == "failed", "nobody else is asked unless the step says so");
    third.stop().await
}

#[tokio::test]
async fn a_friend_who_goes_away_in_the_middle_is_left_where_the_step_says_so() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&slow("echo", "10m"), &json!({})).await?;
    lend_here(&pair.borrower, &echo("me")).await?;
    let job = pair.borrower.run(&asks_ben(&json!({ "when_away": "here" })), &[json!({})]).await?;
    pair.lender
        .until("the run waits at the lender", async || {
            Ok(pair.lender.read("/api/v1/jobs?preset=echo").await?["jobs"][0]["state"] == "waiting")
        })
        .await?;
    let Pair { lender, borrower, folder: _folder } = pair;
    lender.cut_power()?;
    let row = borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    ensure!(borrower.given(&job, "there", "out").await?[0]["by"] == "me");
    borrower.stop().await
}

#[tokio::test]
async fn a_single_component_is_lent_with_its_owners_settings() -> Result<()> {
    let pair = Pair::friends().await?;
    let grant = pair.lend_tool("set", &json!({ "fields": { "loud": "{{ $json.text.toUpperCase() }}" } })).await?;
    let sentence = grant["sentence"].as_str().context("a grant is a sentence")?;
    ensure!(sentence.starts_with("Ana may use box for the component set"), "{sentence}");
    let tool = json!({
        "flowork": "preset/1", "name": "caller",
        "steps": { "there": { "component": "borrow", "config": { "tool": "set", "peer": LENDER } } }, "wires": []
    });
    let job = pair.borrower.run(&tool, &[json!({ "text": "hello" })]).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let given = pair.borrower.given(&job, "there", "out").await?;
    ensure!(given[0]["loud"] == "HELLO", "{given:?}");
    let receipts = pair.lender.read("/api/v1/receipts").await?;
    ensure!(receipts[0]["capability"] == "tool:set" && receipts[0]["engine"] == ENGINE, "{receipts}");
    // The settings are the lender's: an item cannot say what else is to be done.
    let unknown = json!({ "tool": [{ "component": "nothing", "config": {} }] }).to_string();
    let answer = pair.lender.send(&pair.lender.request("PUT", "/api/v1/engines/box", unknown.as_bytes())).await?;
    ensure!(answer.status == 422 && answer.text().contains("there is no component `nothing`"), "{}", answer.text());
    pair.stop().await
}

#[tokio::test]
async fn a_dry_run_sends_nothing_to_a_friend() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&slow("echo", "1ms"), &json!({})).await?;
    let body = json!({ "inline": asks_ben(&json!({})), "input": [{ "json": { "n": 1 } }], "dry_run": true });
    let answer = pair.borrower.make("/api/v1/jobs", &body).await?;
    let job = flowork_tests::node::job_of(&answer)?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    ensure!(pair.borrower.given(&job, "there", "out").await? == [json!({ "n": 1 })]);
    ensure!(pair.ran() == 0 && pair.lender.read("/api/v1/receipts").await? == json!([]));
    pair.stop().await
}
