//! Nothing short of losing the disk makes a node forget a job.

use anyhow::{Context as _, Result, ensure};
use flowork_tests::{Node, process};
use serde_json::{Value, json};

use crate::{check_history, events_of, fire};

/// A chain of pure steps around a script that may be repeated and takes a while.
pub(crate) fn slow(path: &str, pause_s: f64) -> Value {
    json!({
        "flowork": "preset/1", "name": path,
        "triggers": { "hook": { "component": "webhook", "config": { "path": path } } },
        "steps": {
            "before": { "component": "set", "config": { "mode": "replace", "fields": { "n": "{{ $json.body.n + 1 }}" } } },
            "slow": { "component": "bash", "config": { "code": format!("sleep {pause_s}; cat"), "effect": "idempotent" } },
            "after": { "component": "set", "config": { "fields": { "n": "{{ $json.n + 1 }}" } } }
        },
        "wires": ["hook -> before", "before -> slow", "slow -> after"]
    })
}

async fn until_started(node: &Node, job: &str, step: &str) -> Result<()> {
    let mut feed = node.feed(&format!("/api/v1/jobs/{job}/events")).await?;
    while let Some(event) = feed.next().await? {
        if event["what"]["step_started"]["run"] == step {
            return Ok(());
        }
        ensure!(event["what"].get("ended").is_none(), "the job ended before `{step}` began: {event}");
    }
    anyhow::bail!("the feed ended before `{step}` began")
}

#[tokio::test]
async fn a_job_completes_although_the_kernel_is_killed_in_the_middle() -> Result<()> {
    let node = Node::fresh().await?;
    node.activate(&slow("mid", 0.4)).await?;
    let job = fire(&node, "mid", &json!({ "n": 1 })).await?;
    until_started(&node, &job, "slow").await?;
    let killed = node.kill("kernel").await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    ensure!(node.given(&job, "after", "out").await? == [json!({ "n": 3 })]);
    let history = node.history(&job).await?;
    check_history(&job, &history)?;
    let tries = events_of(&history, "slow").iter().filter(|word| *word == "step_started").count();
    ensure!(tries >= 2, "the killed try and the one that succeeded: {tries}");
    let kernel = node.back("kernel", killed).await?;
    ensure!(kernel != killed);
    node.stop().await
}

#[tokio::test]
async fn a_job_is_accepted_while_the_kernel_is_down_and_runs_when_it_is_back() -> Result<()> {
    let node = Node::fresh().await?;
    node.activate(&slow("later", 0.0)).await?;
    let first = fire(&node, "later", &json!({ "n": 1 })).await?;
    node.ended(&first).await?;
    let kernel = node.role("kernel").await?.context("the kernel runs")?;
    // A stopped process does what a dead one does, for as long as the test wants.
    process::stop_for_a_while(kernel)?;
    let job = fire(&node, "later", &json!({ "n": 5 })).await?;
    let row = node.read(&format!("/api/v1/jobs/{job}")).await?;
    ensure!(row["state"] == "queued", "{row}");
    process::kill_hard(kernel)?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    ensure!(node.given(&job, "after", "out").await? == [json!({ "n": 7 })]);
    node.stop().await
}

#[tokio::test]
async fn a_killed_gateway_comes_back_and_has_forgotten_nothing() -> Result<()> {
    let node = Node::fresh().await?;
    node.activate(&slow("gate", 0.2)).await?;
    let job = fire(&node, "gate", &json!({ "n": 1 })).await?;
    let killed = node.kill("gateway").await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    node.back("gateway", killed).await?;
    let job = fire(&node, "gate", &json!({ "n": 2 })).await?;
    ensure!(node.ended(&job).await?["state"] == "succeeded");
    node.stop().await
}

#[tokio::test]
async fn everything_accepted_is_there_after_a_power_cut() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    node.activate(&slow("cut", 0.05)).await?;
    let mut jobs = Vec::new();
    for n in 0..30 {
        jobs.push((fire(&node, "cut", &json!({ "n": n })).await?, n));
    }
    node.cut_power()?;
    let node = Node::start(&data).await?;
    for (job, n) in jobs {
        let row = node.ended(&job).await?;
        ensure!(row["state"] == "succeeded", "{row}");
        ensure!(node.given(&job, "after", "out").await? == [json!({ "n": n + 2 })]);
        check_history(&job, &node.history(&job).await?)?;
    }
    node.stop().await
}
