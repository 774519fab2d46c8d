//! Nothing short of losing the disk makes a node forget a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flowork_tests::node::job_of;
use flowork_tests::{Node, process};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{check_history, events_of, fire};

/// The seed of this run: `FLOWORK_SEED`, or a fresh one, which is printed.
pub(crate) fn seed() -> u64 {
    let said = std::env::var("FLOWORK_SEED").ok().and_then(|text| text.parse().ok());
    let seed = said.unwrap_or_else(rand::random);
    println!("seed {seed}; repeat with FLOWORK_SEED={seed}");
    seed
}

/// A chain of pure steps around a script that may be repeated and takes a while.
fn slow(path: &str, pause_s: f64) -> Value {
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

/// Sends webhooks until told to stop; keeps the ids of what was accepted.
async fn load(
    node: Arc<Node>, path: &'static str, stop: Arc<AtomicBool>, sent: Arc<AtomicU64>,
) -> Result<Vec<(String, u64)>> {
    let mut accepted = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let n = sent.fetch_add(1, Ordering::Relaxed);
        let key = format!("kill-{path}-{n}");
        let bearer = format!("Bearer {}", node.token);
        let host = node.address.to_string();
        let headers =
            [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Idempotency-Key", &key)];
        let body = json!({ "n": n }).to_string();
        let request = flowork_tests::http::request("POST", &format!("/hooks/{path}"), &host, &headers, body.as_bytes());
        // A client that hears nothing sends again; the key makes both the same job.
        let answer = node.insist(&request).await?;
        accepted.push((job_of(&answer)?, n));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(accepted)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_random_under_load_loses_no_job_and_repeats_no_committed_step() -> Result<()> {
    let kills: u64 = std::env::var("FLOWORK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let node = Arc::new(Node::fresh().await?);
    node.activate(&slow("kill-slow", 0.05)).await?;
    node.activate(&flowork_tests::bench::presets::ten_pure("kill-pure", &json!({ "path": "kill-pure" }))).await?;
    fire(&node, "kill-slow", &json!({ "n": 0 })).await?;
    fire(&node, "kill-pure", &json!({ "a": 0 })).await?;

    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(1));
    let loads: Vec<_> = ["kill-slow", "kill-pure", "kill-pure"]
        .into_iter()
        .map(|path| tokio::spawn(load(Arc::clone(&node), path, Arc::clone(&stop), Arc::clone(&sent))))
        .collect();
    let killed = Mutex::new(0_u64);
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..500))).await;
        let roles: &[&str] = match random.random_range(0..10) {
            0..4 => &["kernel"],
            4..7 => &["gateway"],
            7..9 => &["kernel", "gateway"],
            _ => &["docs"],
        };
        // Asked before the first dies, so that both die at once.
        let mut pids = Vec::new();
        for role in roles {
            if let Ok(Some(pid)) = node.role(role).await {
                pids.push(pid);
            }
        }
        for pid in pids {
            process::kill_hard(pid)?;
            *killed.lock().await += 1;
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut accepted = Vec::new();
    for load in loads {
        accepted.extend(load.await??);
    }
    println!("{} processes killed, {} jobs accepted", killed.lock().await, accepted.len());
    ensure!(!accepted.is_empty() && *killed.lock().await > 0, "seed {seed}: nothing happened");
    for (job, n) in &accepted {
        let row = node.ended(job).await.with_context(|| format!("seed {seed}, job {n}"))?;
        ensure!(row["state"] == "succeeded", "seed {seed}, job {n}: {row}");
        check_history(job, &node.history(job).await?).with_context(|| format!("seed {seed}"))?;
    }
    let node = Arc::into_inner(node).context("nobody else has the node any more")?;
    node.stop().await
}
