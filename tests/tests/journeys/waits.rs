//! What waits for a person or a time waits over restarts.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use flowork_tests::{Node, process};
use serde_json::{Value, json};

use crate::crashes::slow;
use crate::{check_history, fire};

/// Waits until a job stands at a state.
async fn stands(node: &Node, job: &str, state: &str) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let row = node.insist(&node.request("GET", &format!("/api/v1/jobs/{job}"), b"")).await?;
        if row["state"] == state {
            return Ok(row);
        }
        if begun.elapsed() > Duration::from_secs(30) {
            bail!("job {job} is not {state}: {row}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn asks() -> Value {
    json!({
        "flowork": "preset/1", "name": "asks",
        "steps": {
            "ask": { "component": "approval", "config": { "title": "Pay {{ $json.amount }}?" } },
            "pay": { "component": "set", "config": { "fields": { "paid": true } } },
            "drop": { "component": "set", "config": { "fields": { "paid": false } } }
        },
        "wires": ["ask:approved -> pay", "ask:rejected -> drop"]
    })
}

#[tokio::test]
async fn an_approval_waits_over_a_power_cut_and_goes_on_with_the_answer() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let yes = node.run(&asks(), &[json!({ "amount": 120 })]).await?;
    let no = node.run(&asks(), &[json!({ "amount": 9_000 })]).await?;
    stands(&node, &yes, "waiting").await?;
    stands(&node, &no, "waiting").await?;
    node.cut_power()?;

    let node = Node::start(&data).await?;
    stands(&node, &yes, "waiting").await?;
    node.make(&format!("/api/v1/jobs/{yes}/decide"), &json!({ "run": "ask", "approved": true, "note": "fine" }))
        .await?;
    node.make(&format!("/api/v1/jobs/{no}/decide"), &json!({ "run": "ask", "approved": false })).await?;
    for (job, step) in [(&yes, "pay"), (&no, "drop")] {
        let row = node.ended(job).await?;
        ensure!(row["state"] == "succeeded", "{row}");
        ensure!(node.given(job, step, "out").await?.len() == 1, "`{step}` ran");
        check_history(job, &node.history(job).await?)?;
    }
    let again = node.post(&format!("/api/v1/jobs/{yes}/decide"), &json!({ "run": "ask", "approved": true })).await?;
    ensure!(again.status == 409, "a second answer is refused: {} {}", again.status, again.text());
    node.stop().await
}

#[tokio::test]
async fn a_wait_ends_at_its_time_also_when_the_node_was_away() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let preset = json!({
        "flowork": "preset/1", "name": "naps",
        "steps": { "nap": { "component": "wait", "config": { "for": "700ms" } }, "after": { "component": "no-op" } },
        "wires": ["nap -> after"]
    });
    let job = node.run(&preset, &[json!({})]).await?;
    node.cut_power()?;
    let node = Node::start(&data).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    let (accepted, ended) = (row["accepted_at"].as_i64().unwrap_or(0), row["ended_at"].as_i64().unwrap_or(0));
    ensure!(ended - accepted >= 700, "it waited {} ms", ended - accepted);
    node.stop().await
}

#[tokio::test]
async fn a_job_that_is_paused_before_its_turn_begins_when_it_is_resumed_and_not_before() -> Result<()> {
    let node = Node::fresh().await?;
    node.activate(&slow("early", 0.0)).await?;
    let first = fire(&node, "early", &json!({ "n": 1 })).await?;
    node.ended(&first).await?;
    let kernel = node.role("kernel").await?.context("the kernel runs")?;
    // A stopped kernel begins nothing, so the pause comes before the job's turn for sure.
    process::stop_for_a_while(kernel)?;
    let job = fire(&node, "early", &json!({ "n": 5 })).await?;
    node.make(&format!("/api/v1/jobs/{job}/pause"), &json!({})).await?;
    process::kill_hard(kernel)?;
    stands(&node, &job, "paused").await?;
    let words = async || -> Result<Vec<String>> {
        let history = node.history(&job).await?;
        Ok(history.iter().map(|event| word(&event["what"])).collect())
    };
    ensure!(words().await? == ["accepted", "paused"]);
    node.make(&format!("/api/v1/jobs/{job}/resume"), &json!({})).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    ensure!(words().await?[..4] == ["accepted", "paused", "resumed", "started"]);
    ensure!(node.given(&job, "after", "out").await? == [json!({ "n": 7 })]);
    check_history(&job, &node.history(&job).await?)?;
    node.stop().await
}

/// The word of an event: most hold more, some are a word alone.
fn word(what: &Value) -> String {
    let key = what.as_object().and_then(|map| map.keys().next()).map(String::as_str);
    key.or(what.as_str()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_paused_job_starts_no_step_until_resumed_and_a_cancelled_one_ends() -> Result<()> {
    let node = Node::fresh().await?;
    let job = node.run(&asks(), &[json!({ "amount": 1 })]).await?;
    stands(&node, &job, "waiting").await?;
    node.make(&format!("/api/v1/jobs/{job}/pause"), &json!({})).await?;
    stands(&node, &job, "paused").await?;
    node.make(&format!("/api/v1/jobs/{job}/resume"), &json!({})).await?;
    stands(&node, &job, "waiting").await?;
    node.make(&format!("/api/v1/jobs/{job}/cancel"), &json!({ "reason": "no longer needed" })).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "cancelled", "{row}");
    check_history(&job, &node.history(&job).await?)?;
    node.stop().await
}

/// A script that acts and then takes its time, and asks what to do when a crash cuts it off.
fn asks_after_a_crash(acts: &std::path::Path) -> Value {
    let code = format!("echo acted >> {}; [ $FLOWORK_ATTEMPT -gt 1 ] || sleep 60; cat", acts.display());
    json!({
        "flowork": "preset/1", "name": "asks-after-a-crash",
        "steps": {
            "act": { "component": "bash", "on_crash": "ask", "config": {
                "code": code, "permissions": { "write": [acts.parent()] } } },
            "after": { "component": "no-op" }
        },
        "wires": ["act -> after"]
    })
}

#[tokio::test]
async fn a_step_that_a_crash_cut_off_asks_and_runs_again_or_not_as_a_person_says() -> Result<()> {
    let node = Node::fresh().await?;
    let folder = tempfile::tempdir()?;
    let acts = folder.path().join("acts");
    let preset = asks_after_a_crash(&acts);
    let yes = node.run(&preset, &[json!({ "n": 1 })]).await?;
    let no = node.run(&preset, &[json!({ "n": 2 })]).await?;
    let began = || std::fs::read_to_string(&acts).unwrap_or_default().lines().count();
    let both = async {
        while began() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(flowork_tests::node::PATIENCE, both).await?;
    let killed = node.kill("kernel").await?;
    node.back("kernel", killed).await?;
    for job in [&yes, &no] {
        stands(&node, job, "waiting").await?;
        let detail = node.read(&format!("/api/v1/jobs/{job}")).await?;
        let run = &detail["view"]["runs"]["act"];
        ensure!(run["status"] == "waiting" && run["wait"]["rerun"]["attempt"] == 1, "{run}");
    }
    let asked = node.read("/api/v1/approvals").await?;
    let asking: Vec<&str> =
        asked["approvals"].as_array().into_iter().flatten().filter_map(|it| it["job"].as_str()).collect();
    ensure!(asking.contains(&yes.as_str()) && asking.contains(&no.as_str()), "{asked}");
    ensure!(asked["approvals"][0]["message"].as_str().is_some_and(|text| text.contains("whether it acted")), "{asked}");
    // The command line finds the only question by itself.
    let said = flowork_tests::node::flowork(node.data(), &["job", "approve", &yes])?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said = flowork_tests::node::flowork(node.data(), &["job", "reject", &no])?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let row = node.ended(&yes).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    let row = node.ended(&no).await?;
    ensure!(row["state"] == "failed" && row["error"]["code"] == "interrupted", "{row}");
    ensure!(began() == 3, "only the approved one acted again: {}", began());
    check_history(&yes, &node.history(&yes).await?)?;
    check_history(&no, &node.history(&no).await?)?;
    node.stop().await
}
