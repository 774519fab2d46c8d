//! `kill -9` of any role at any moment, under load, as often as wanted: `FLOWORK_KILLS=1000` is the long form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use flowork_tests::node::job_of;
use flowork_tests::{Node, process};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::crashes::slow;
use crate::{check_history, events_of, fire};

/// How many processes are killed unless `FLOWORK_KILLS` says otherwise.
const KILLS: u64 = 16;
/// The pause between two requests of one client, in milliseconds.
const PAUSE_MS: u64 = 80;
/// How many clients look at histories at once.
const LOOKERS: usize = 4;
/// How long the node may take to end what it accepted, once it is left alone.
const QUIET_WITHIN: Duration = Duration::from_secs(240);
/// The file that every try of an external step leaves a line in.
const TRACES: &str = "traces.txt";

/// The presets that are started, each by its webhook.
const PATHS: [&str; 5] = ["kill-slow", "kill-pure", "kill-outside", "kill-parent", "kill-once"];

/// The seed of this run: `FLOWORK_SEED`, or a fresh one, which is printed.
pub(crate) fn seed() -> u64 {
    let said = std::env::var("FLOWORK_SEED").ok().and_then(|text| text.parse().ok());
    let seed = said.unwrap_or_else(rand::random);
    println!("seed {seed}; repeat with FLOWORK_SEED={seed}");
    seed
}

fn webhook(path: &str, steps: &Value, wires: &[&str]) -> Value {
    json!({
        "flowork": "preset/1", "name": path,
        "triggers": { "hook": { "component": "webhook", "config": { "path": path } } },
        "steps": steps, "wires": wires
    })
}

/// A step that acts outside and leaves a trace of every try, between two pure ones.
fn outside(path: &str, on_crash: &str) -> Value {
    let act = json!({
        "component": "write-file", "on_crash": on_crash,
        "config": { "path": TRACES, "what": "lines", "mode": "append", "text": "{{ $job }}" }
    });
    let pure = json!({ "component": "set", "config": { "fields": { "x": 1 } } });
    let steps = json!({ "before": pure, "act": act, "after": pure });
    webhook(path, &steps, &["hook -> before", "before -> act", "act -> after"])
}

async fn activate_all(node: &Node) -> Result<()> {
    node.activate(&slow("kill-slow", 0.05)).await?;
    node.activate(&flowork_tests::bench::presets::ten_pure("kill-pure", &json!({ "path": "kill-pure" }))).await?;
    node.activate(&outside("kill-outside", "retry")).await?;
    node.activate(&outside("kill-once", "fail")).await?;
    let child = json!({
        "flowork": "preset/1", "name": "kill-child",
        "steps": { "one": { "component": "set", "config": { "fields": { "child": true } } } }
    });
    node.activate(&child).await?;
    let call = json!({ "call": { "component": "sub-preset", "config": { "preset": "kill-child" } },
                       "after": { "component": "no-op" } });
    node.activate(&webhook("kill-parent", &call, &["hook -> call", "call -> after"])).await?;
    Ok(())
}

/// Who is killed together.
fn victims(random: &mut StdRng) -> &'static [&'static str] {
    match random.random_range(0..20) {
        0..6 => &["kernel"],
        6..11 => &["gateway"],
        11..15 => &["kernel", "gateway"],
        15..17 => &["docs"],
        17 => &["mesh"],
        18 => &["gateway", "docs"],
        _ => &["kernel", "gateway", "docs", "mesh"],
    }
}

/// Kills processes of the node until `kills` of them are dead; gives how many of each role.
async fn kill(node: &Node, random: &mut StdRng, kills: u64) -> Result<BTreeMap<&'static str, u64>> {
    let mut killed: BTreeMap<&'static str, u64> = BTreeMap::new();
    let begun = Instant::now();
    let mut told = begun;
    while killed.values().sum::<u64>() < kills {
        tokio::time::sleep(Duration::from_millis(random.random_range(10..400))).await;
        let running = process::roles(node.pid());
        // All looked up before the first dies, so that they die at once.
        for role in victims(random) {
            if let Some(pid) = running.get(*role) {
                process::kill_hard(*pid)?;
                *killed.entry(*role).or_default() += 1;
            }
        }
        ensure!(process::runs(node.pid()), "the supervisor is gone; log:\n{}", node.log_end());
        if told.elapsed() > Duration::from_secs(15) {
            told = Instant::now();
            println!("{:4.0} s: {killed:?}", begun.elapsed().as_secs_f64());
        }
    }
    Ok(killed)
}

/// Sends webhooks until told to stop; gives the ids of what was accepted.
async fn load(
    node: Arc<Node>, path: &'static str, stop: Arc<AtomicBool>, sent: Arc<AtomicU64>,
) -> Result<BTreeMap<String, u64>> {
    let mut accepted = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        let n = sent.fetch_add(1, Ordering::Relaxed);
        // A client that hears nothing sends again; the key makes both the same job.
        let job = job_of(&node.insist(&keyed(&node, path, n)).await?)?;
        ensure!(accepted.insert(job, n).is_none(), "two keys gave one job");
        tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
    }
    Ok(accepted)
}

fn keyed(node: &Node, path: &str, n: u64) -> Vec<u8> {
    let (bearer, host, key) = (format!("Bearer {}", node.token), node.address.to_string(), format!("{path}-{n}"));
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Idempotency-Key", &key)];
    let body = json!({ "n": n, "a": n }).to_string();
    flowork_tests::http::request("POST", &format!("/hooks/{path}"), &host, &headers, body.as_bytes())
}

/// Makes drafts until told to stop; gives the names of those that are said to be kept.
async fn draw(node: Arc<Node>, stop: Arc<AtomicBool>) -> Result<Vec<String>> {
    let mut kept = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let name = format!("draft-{}", kept.len());
        let preset = json!({ "flowork": "preset/1", "name": name, "steps": { "a": { "component": "no-op" } } });
        let begun = Instant::now();
        loop {
            match node.post("/api/v1/presets", &preset).await {
                // The name is taken when an earlier try was carried out and its answer got lost.
                Ok(answer) if matches!(answer.status, 200..300 | 409) => break,
                Ok(answer) if answer.status < 500 && answer.status != 429 => bail!("a draft: {}", answer.text()),
                _ => ensure!(begun.elapsed() < QUIET_WITHIN, "no draft is taken; log:\n{}", node.log_end()),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        kept.push(name);
        tokio::time::sleep(Duration::from_millis(4 * PAUSE_MS)).await;
    }
    Ok(kept)
}

async fn read(node: &Node, path: &str) -> Result<Value> {
    node.insist(&node.request("GET", path, b"")).await
}

/// Waits until nothing is under way any more; gives every job that the node knows.
async fn quiet(node: &Node) -> Result<Vec<Value>> {
    let begun = Instant::now();
    loop {
        let open = read(node, "/api/v1/jobs?state=queued,held,running,waiting,paused,parked&limit=5").await?;
        if open["jobs"].as_array().is_some_and(Vec::is_empty) {
            break;
        }
        ensure!(begun.elapsed() < QUIET_WITHIN, "still open: {open}; log:\n{}", node.log_end());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("quiet {:.1} s after the last kill", begun.elapsed().as_secs_f64());
    let mut jobs = Vec::new();
    let mut after = String::new();
    loop {
        let page = read(node, &format!("/api/v1/jobs?limit=1000{after}")).await?;
        jobs.extend(page["jobs"].as_array().cloned().unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(jobs),
        }
    }
}

/// Looks at one ended job; gives how many tries of its external step are on record.
async fn check_job(node: &Node, row: &Value) -> Result<(String, usize)> {
    let job = row["id"].as_str().context("a job has an id")?.to_owned();
    let history = node.history(&job).await?;
    check_history(&job, &history)?;
    let state = row["state"].as_str().unwrap_or_default();
    // What acts at most once fails when it was interrupted; everything else gets to its end.
    let interrupted = row["name"] == "kill-once" && state == "failed" && row["error"]["code"] == "interrupted";
    ensure!(state == "succeeded" || interrupted, "job {job}: {row}");
    let tries = events_of(&history, "act").iter().filter(|word| *word == "step_started").count();
    Ok((job, tries))
}

async fn check_all(node: &Arc<Node>, rows: Vec<Value>) -> Result<BTreeMap<String, usize>> {
    let rows = Arc::new(std::sync::Mutex::new(rows));
    let mut lookers = JoinSet::new();
    for _ in 0..LOOKERS {
        let (node, rows) = (Arc::clone(node), Arc::clone(&rows));
        lookers.spawn(async move {
            let mut tries = Vec::new();
            loop {
                let next = rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
                let Some(row) = next else { return anyhow::Ok(tries) };
                tries.push(check_job(&node, &row).await?);
            }
        });
    }
    let mut all = BTreeMap::new();
    while let Some(tries) = lookers.join_next().await {
        all.extend(tries??);
    }
    Ok(all)
}

/// Every try that acted has a start on record: what was committed did not act once more.
fn check_traces(node: &Node, tries: &BTreeMap<String, usize>) -> Result<usize> {
    let text = std::fs::read_to_string(node.data().join("files").join(TRACES)).context("no step left a trace")?;
    let mut traces: BTreeMap<&str, usize> = BTreeMap::new();
    for job in text.lines() {
        *traces.entry(job).or_default() += 1;
    }
    for (job, acted) in &traces {
        let started = tries.get(*job).copied().unwrap_or(0);
        ensure!(*acted <= started, "job {job}: {acted} tries acted, {started} are on record");
    }
    Ok(traces.values().filter(|acted| **acted > 1).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_at_random_under_load_loses_no_job_and_repeats_no_committed_step() -> Result<()> {
    let kills: u64 = std::env::var("FLOWORK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let seed = seed();
    survive(kills, seed).await.with_context(|| format!("FLOWORK_SEED={seed} FLOWORK_KILLS={kills}"))
}

async fn survive(kills: u64, seed: u64) -> Result<()> {
    let begun = Instant::now();
    let node = Arc::new(Node::fresh().await?);
    activate_all(&node).await?;
    let mut expected = BTreeSet::new();
    for path in PATHS {
        expected.insert(fire(&node, path, &json!({ "n": 0, "a": 0 })).await?);
    }
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(1)));
    let loads: Vec<_> = PATHS
        .into_iter()
        .map(|path| (path, tokio::spawn(load(Arc::clone(&node), path, Arc::clone(&stop), Arc::clone(&sent)))))
        .collect();
    let drafts = tokio::spawn(draw(Arc::clone(&node), Arc::clone(&stop)));
    let killed = kill(&node, &mut StdRng::seed_from_u64(seed), kills).await;
    stop.store(true, Ordering::Relaxed);
    let killed = killed?;
    println!("{} processes killed in {:.1} s: {killed:?}", killed.values().sum::<u64>(), begun.elapsed().as_secs_f64());

    let mut some_keys = Vec::new();
    for (path, load) in loads {
        let accepted = load.await??;
        some_keys.extend(accepted.iter().take(8).map(|(job, n)| (path, job.clone(), *n)));
        expected.extend(accepted.into_keys());
    }
    // The same key again, now that nothing is killed, is still the same job.
    for (path, job, n) in some_keys {
        ensure!(job_of(&node.insist(&keyed(&node, path, n)).await?)? == job, "key {path}-{n} gave another job");
    }
    let rows = quiet(&node).await?;
    let (children, own): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| !row["parent"].is_null());
    let known: BTreeSet<String> = own.iter().filter_map(|row| row["id"].as_str()).map(str::to_owned).collect();
    ensure!(own.len() == known.len(), "a job is listed twice");
    let lost: Vec<&String> = expected.difference(&known).collect();
    ensure!(lost.is_empty(), "{} accepted jobs are lost: {lost:?}", lost.len());
    let more: Vec<&String> = known.difference(&expected).collect();
    ensure!(more.is_empty(), "{} jobs run that nobody was told of: {more:?}", more.len());
    let parents = own.iter().filter(|row| row["name"] == "kill-parent").count();
    ensure!(children.len() == parents, "{parents} parents have {} children", children.len());
    let count = rows.len();
    let tries = check_all(&node, rows).await?;
    let acted_again = check_traces(&node, &tries)?;
    let retried = tries.values().filter(|tries| **tries > 1).count();

    let drafts = drafts.await??;
    let list = read(&node, "/api/v1/presets").await?;
    let names: Vec<&str> = list.as_array().into_iter().flatten().filter_map(|draft| draft["name"].as_str()).collect();
    for draft in &drafts {
        let found = names.iter().filter(|name| *name == draft).count();
        ensure!(found == 1, "the draft {draft} is there {found} times");
    }
    println!(
        "{count} jobs and {} drafts are there and sound; {retried} external steps were interrupted, {acted_again} of them had \
         acted; {:.1} s in all",
        drafts.len(),
        begun.elapsed().as_secs_f64()
    );
    let node = Arc::into_inner(node).context("nobody else has the node any more")?;
    node.stop().await
}
