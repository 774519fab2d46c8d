//! What is measured on a node.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::bench::presets::{self, INPUT};
use crate::bench::{Row, Table};
use crate::http::Connection;
use crate::load::{self, Load, Outcome};
use crate::node::{Node, PATIENCE, flowork, job_of};
use crate::process;

/// Our row for pure jobs under load.
pub const PURE_RATE: &str = "webhook, 10 pure steps, until all have ended";
/// Our row for external jobs under load.
pub const EXTERNAL_RATE: &str = "webhook, 10 external steps, until all have ended";
/// Our row for one job alone.
pub const ALONE: &str = "webhook, 10 pure steps, answered at its end, one at a time, p50";
/// Our row for memory under load.
pub const MEMORY_LOADED: &str = "memory of all roles after the load";

/// How old the counts may be that a node gives.
const COUNTS_AGE_MAX: Duration = Duration::from_millis(300);
const EVERY_STEP: &str = "every snapshot (synchronous=FULL)";
const EXTERNAL: &str = "every step, before the next begins (synchronous=FULL)";

/// How much is measured.
#[derive(Debug, Clone)]
pub struct Extent {
    /// How long each load lasts.
    pub lasts: Duration,
    /// How many connections send at once.
    pub connections: usize,
    /// How many single jobs a latency is taken from.
    pub singles: usize,
}

/// Cold start and idle memory, on a fresh data directory and on one that was used.
///
/// # Errors
/// When the node does not come up.
pub async fn start(table: &mut Table) -> Result<Node> {
    let folder = tempfile::Builder::new().prefix("flowork-bench-").tempdir()?;
    let data = folder.path().join("data");
    let first = Node::start(&data).await?;
    table.add(Row::ours("first start to ready, fresh data directory", ms(first.ready_after), "ms").below(300.0));
    first.stop().await?;
    let mut starts = Vec::new();
    for _ in 0..5 {
        let node = Node::start(&data).await?;
        starts.push(ms(node.ready_after));
        node.stop().await?;
    }
    starts.sort_by(f64::total_cmp);
    table.add(Row::ours("cold start to ready", starts[starts.len() / 2], "ms").below(300.0));
    let node = Node::fresh().await?;
    // Memory counts when the node has come to rest, which no bell tells.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let memory = process::memory_bytes(node.pid()) as f64 / 1e6;
    table.add(Row::ours("idle memory of all roles", memory, "MB").below(80.0));
    Ok(node)
}

/// One job alone: its whole time as a client sees it, and the time to its first step.
///
/// # Errors
/// When a job fails.
pub async fn alone(table: &mut Table, node: &Node, extent: &Extent) -> Result<()> {
    let config = json!({ "path": "bench-alone", "method": "POST", "respond": "when-done" });
    node.activate(&presets::ten_pure("bench-alone", &config)).await?;
    let post = node.request("POST", "/hooks/bench-alone", INPUT.as_bytes());
    warm(node, &post).await?;
    let whole = one_at_a_time(node, &post, extent.singles).await?;
    table.add(Row::ours(ALONE, quantile(&whole, 0.5), "ms").below(2.0).stores(EVERY_STEP));
    table.add(Row::ours("the same, p99", quantile(&whole, 0.99), "ms").stores(EVERY_STEP));

    let config = json!({ "path": "bench-first", "method": "POST" });
    node.activate(&presets::ten_pure("bench-first", &config)).await?;
    let post = node.request("POST", "/hooks/bench-first", INPUT.as_bytes());
    warm(node, &post).await?;
    let mut connection = Connection::open(node.address).await?;
    let mut first = load::histogram()?;
    for _ in 0..extent.singles.min(200) {
        let answer = connection.send(&post).await?;
        let job = job_of(&answer.json())?;
        node.ended(&job).await?;
        record(&mut first, to_first_step(&node.history(&job).await?)?);
    }
    table.add(Row::ours("enqueue to first step, idle node, p50 (whole ms)", quantile(&first, 0.5), "ms").below(3.0));
    table.add(Row::ours("enqueue to first step, idle node, p99 (whole ms)", quantile(&first, 0.99), "ms").below(10.0));
    Ok(())
}

/// How long each of so many requests took that are answered when their job has ended.
pub(super) async fn one_at_a_time(node: &Node, post: &[u8], count: usize) -> Result<Histogram<u64>> {
    let mut connection = Connection::open(node.address).await?;
    let mut whole = load::histogram()?;
    for _ in 0..count {
        let sent = Instant::now();
        let answer = connection.send(post).await?;
        ensure!(answer.status == 200, "the webhook answered {}: {}", answer.status, answer.text());
        record(&mut whole, sent.elapsed());
    }
    Ok(whole)
}

/// From acceptance to the first step's start, by the history: events are stamped in milliseconds.
fn to_first_step(history: &[Value]) -> Result<Duration> {
    let at = |event: &Value| event["at"].as_i64().context("an event has a time");
    let accepted = at(history.first().context("a job has a history")?)?;
    let first = history
        .iter()
        .find(|event| event["what"].get("step_started").is_some() || event["what"].get("step_succeeded").is_some());
    let event = first.context("no step ran")?;
    let took_us = event["what"]["step_succeeded"]["took_us"].as_u64().unwrap_or(0);
    let since_ms = u64::try_from(at(event)? - accepted).unwrap_or(0);
    Ok(Duration::from_millis(since_ms).saturating_sub(Duration::from_micros(took_us)))
}

/// Jobs per second from the first request until every accepted job has ended on disk; enqueue latency meanwhile.
///
/// # Errors
/// When a job fails or is lost.
pub async fn throughput(table: &mut Table, node: &Node, extent: &Extent) -> Result<()> {
    let config = |path: &str| json!({ "path": path, "method": "POST" });
    let pure = presets::ten_pure("bench-pure", &config("bench-pure"));
    let (loaded, rate) = loaded(node, &pure, "bench-pure", extent).await?;
    table.add(Row::ours(PURE_RATE, rate, "jobs/s").stores(EVERY_STEP));
    table.add(Row::ours("enqueue under that load, p50", loaded.ms(0.5), "ms").stores("the job"));
    table.add(Row::ours("enqueue under that load, p99", loaded.ms(0.99), "ms").stores("the job").below(20.0));
    pushed_back(table, &loaded);
    let memory = process::memory_bytes(node.pid()) as f64 / 1e6;
    table.add(Row::ours(MEMORY_LOADED, memory, "MB"));

    let external = presets::ten_external("bench-external", &config("bench-external"));
    let (loaded, rate) = self::loaded(node, &external, "bench-external", extent).await?;
    table.add(Row::ours(EXTERNAL_RATE, rate, "jobs/s").stores(EXTERNAL));
    pushed_back(table, &loaded);
    Ok(())
}

fn pushed_back(table: &mut Table, loaded: &Outcome) {
    if loaded.pushed_back > 0 {
        table.add(Row::ours("requests told to come back later (429)", loaded.pushed_back as f64, ""));
    }
}

async fn loaded(node: &Node, preset: &Value, path: &str, extent: &Extent) -> Result<(Outcome, f64)> {
    node.activate(preset).await?;
    let post = node.request("POST", &format!("/hooks/{path}"), INPUT.as_bytes());
    warm(node, &post).await?;
    // Counts are served from memory for a quarter of a second; what counts as "before" must be younger than the warm-up.
    tokio::time::sleep(COUNTS_AGE_MAX).await;
    all_ended(node).await?;
    tokio::time::sleep(COUNTS_AGE_MAX).await;
    let before = counts(node).await?;
    let begun = Instant::now();
    let load = Load {
        address: node.address,
        request: Arc::new(post),
        connections: extent.connections,
        lasts: extent.lasts,
        requests_max: u64::MAX,
    };
    let outcome = load::run(&load).await?;
    all_ended(node).await?;
    let took = begun.elapsed();
    let after = counts(node).await?;
    let ended = count(&after, "succeeded") - count(&before, "succeeded");
    ensure!(outcome.failed == 0, "{} requests failed", outcome.failed);
    ensure!(ended == outcome.done, "{} jobs were accepted, {ended} succeeded: {after:?}", outcome.done);
    Ok((outcome, ended as f64 / took.as_secs_f64()))
}

/// Sends a request until its webhook is known and its version is prepared, then a few more.
pub(super) async fn warm(node: &Node, post: &[u8]) -> Result<()> {
    let begun = Instant::now();
    let mut taken = 0;
    while taken < 20 {
        let answer = node.send(post).await?;
        match answer.status {
            200..300 => taken += 1,
            404 if begun.elapsed() < Duration::from_secs(10) => tokio::time::sleep(Duration::from_millis(10)).await,
            status => bail!("the webhook answered {status}: {}", answer.text()),
        }
    }
    Ok(())
}

/// How many jobs are in each state.
///
/// # Errors
/// When the node cannot be asked.
pub async fn counts(node: &Node) -> Result<BTreeMap<String, u64>> {
    let status = node.read("/api/v1/node").await?;
    let jobs = status["stats"]["jobs"].as_object();
    let jobs = jobs.with_context(|| format!("no counts in {status}"))?;
    Ok(jobs.iter().map(|(state, count)| (state.clone(), count.as_u64().unwrap_or(0))).collect())
}

fn count(counts: &BTreeMap<String, u64>, state: &str) -> u64 {
    counts.get(state).copied().unwrap_or(0)
}

/// Waits until no job is queued or running.
///
/// # Errors
/// When the node stops making progress.
pub async fn all_ended(node: &Node) -> Result<()> {
    let mut last = (0, Instant::now());
    loop {
        let counts = counts(node).await?;
        let open: u64 = ["queued", "held", "running", "waiting"].iter().map(|state| count(&counts, state)).sum();
        if open == 0 {
            return Ok(());
        }
        if open != last.0 {
            last = (open, Instant::now());
        }
        ensure!(last.1.elapsed() < PATIENCE, "no progress any more: {counts:?}; log:\n{}", node.log_end());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Overhead of one script step on a warm worker, for each language that is installed.
///
/// # Errors
/// When the node goes away.
pub async fn scripts(table: &mut Table, node: &Node, extent: &Extent) -> Result<()> {
    for (language, code) in presets::LANGUAGES {
        if let Err(error) = script(table, node, language, code, extent).await {
            table.miss(format!("{language}: {error:#}"));
        }
    }
    Ok(())
}

async fn script(table: &mut Table, node: &Node, language: &str, code: &str, extent: &Extent) -> Result<()> {
    node.activate(&presets::script(language, code)).await?;
    let post = node.request("POST", &format!("/hooks/bench-{language}"), INPUT.as_bytes());
    warm(node, &post).await?;
    all_ended(node).await?;
    let mut took = load::histogram()?;
    for _ in 0..extent.singles.min(200) {
        let job = job_of(&node.send(&post).await?.json())?;
        let row = node.ended(&job).await?;
        ensure!(row["state"] == "succeeded", "the job failed: {row}");
        let history = node.history(&job).await?;
        let results = history.iter().filter_map(|event| event["what"]["step_succeeded"]["took_us"].as_u64());
        record(&mut took, Duration::from_micros(results.max().context("no step ran")?));
    }
    table.add(
        Row::ours(format!("{language} step that passes its items on, warm, p50"), quantile(&took, 0.5), "ms")
            .below(1.0),
    );
    table.add(Row::ours(format!("{language}, the same, p99"), quantile(&took, 0.99), "ms"));
    Ok(())
}

/// Items that pass through ten steps unchanged: what reaches the disk.
///
/// # Errors
/// When the job fails.
pub async fn shared_items(table: &mut Table, node: &Node) -> Result<()> {
    const ITEMS: u64 = 100_000;
    const BYTES: usize = 200;
    let before = (folder_bytes(node.data()), process::written_bytes(node.pid()));
    let begun = Instant::now();
    let job = node.run(&presets::many_items(ITEMS, BYTES), &[]).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "the job failed: {}", row["error"]);
    let took = begun.elapsed();
    let grown = folder_bytes(node.data()).saturating_sub(before.0);
    let written = process::written_bytes(node.pid()).saturating_sub(before.1);
    let payload = ITEMS as f64 * BYTES as f64 / 1e6;
    table.add(Row::ours("100 000 items of 200 bytes, made and passed through ten steps", took.as_secs_f64(), "s"));
    table.add(Row::ours(format!("…data directory grew by ({payload:.0} MB of items)"), grown as f64 / 1e6, "MB"));
    table.add(Row::ours("…bytes sent to the disk, log included", written as f64 / 1e6, "MB"));
    Ok(())
}

/// The rate at which jobs are claimed with `count` jobs queued, beside that of an empty store.
///
/// # Errors
/// When a job is lost.
pub async fn backlog(table: &mut Table, count: u64, extent: &Extent) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("flowork-backlog-").tempdir()?;
    let node = Node::start(&folder.path().join("data")).await?;
    let config = json!({ "path": "backlog", "method": "POST" });
    node.activate(&presets::chain("backlog", vec![json!({ "component": "no-op" })], &config)).await?;
    let post = node.request("POST", "/hooks/backlog", INPUT.as_bytes());
    warm(&node, &post).await?;
    all_ended(&node).await?;
    let few = Load {
        address: node.address,
        request: Arc::new(post),
        connections: extent.connections,
        lasts: PATIENCE,
        requests_max: (count / 20).max(1_000),
    };
    let many = Load { requests_max: count, lasts: PATIENCE * 30, ..few.clone() };
    let small = drained(&node, &few).await?;
    table.add(Row::ours(format!("jobs of one step, {} queued, ended per second", few.requests_max), small, "jobs/s"));
    let memory_before = process::memory_bytes(node.pid());
    let large = drained(&node, &many).await?;
    let memory_after = process::memory_bytes(node.pid());
    table.add(Row::ours(format!("jobs of one step, {count} queued, ended per second"), large, "jobs/s"));
    table.add(Row::ours("…of the rate with few queued", 100.0 * large / small, "%").at_least(90.0));
    let later = drained(&node, &few).await?;
    let queued = few.requests_max;
    table.add(Row::ours(format!("the same with {queued} queued and {count} finished"), later, "jobs/s"));
    table.add(Row::ours("…of the rate before them", 100.0 * later / small, "%").at_least(90.0));
    let grown = (memory_after as f64 - memory_before as f64) / 1e6;
    table.add(Row::ours("…memory grew by", grown, "MB"));
    node.stop().await
}

/// Accepts jobs while the kernel is stopped, then counts how fast they end.
async fn drained(node: &Node, load: &Load) -> Result<f64> {
    let kernel = node.role("kernel").await?.context("the kernel runs")?;
    process::stop_for_a_while(kernel)?;
    let accepted = load::run(load).await;
    process::go_on(kernel)?;
    let begun = Instant::now();
    let accepted = accepted?;
    all_ended(node).await?;
    Ok(accepted.done as f64 / begun.elapsed().as_secs_f64())
}

/// One-shot `flowork run` of an example without a running node.
///
/// # Errors
/// When it fails.
pub fn embedded(table: &mut Table, preset: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let output = flowork(&folder.path().join("data"), &["run", &preset.display().to_string(), "--json"])?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        times.push(ms(begun.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    table.add(Row::ours("flowork run without a running node, whole command", times[times.len() / 2], "ms"));
    Ok(())
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => folder_bytes(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

fn record(histogram: &mut Histogram<u64>, took: Duration) {
    histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1));
}

pub(super) fn quantile(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1_000.0
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
