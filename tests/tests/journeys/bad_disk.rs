//! A full disk and damaged files: named, nothing else touched, nothing accepted lost.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use flowork_tests::disk::SmallDisk;
use flowork_tests::node::{PATIENCE, flowork, job_of};
use serde_json::{Value, json};

use crate::bad_input::is_problem;
use crate::{check_history, fire};

/// A preset that a webhook starts and whose jobs write what they are sent.
fn kept(path: &str) -> Value {
    json!({
        "flowork": "preset/1", "name": path,
        "triggers": { "hook": { "component": "webhook", "config": { "path": path } } },
        "steps": {
            "keep": { "component": "set", "config": { "fields": { "kept": "{{ $json.body.text }}" } } },
            "pause": { "component": "wait", "config": { "for": "3s" } },
            "end": { "component": "set", "config": { "fields": { "again": "{{ $json.kept }}" } } }
        },
        "wires": ["hook -> keep", "keep -> pause", "pause -> end"]
    })
}

/// Text that does not compress.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::with_capacity(bytes);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text
}

/// What the command line tells of the node, whatever its exit code.
fn told(data: &Path, command: &str) -> Result<String> {
    let output = flowork(data, &[command])?;
    Ok([output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat())
}

/// Overwrites a part of a file with what no database holds.
fn damage(path: &Path, from: u64, bytes: u64) -> Result<()> {
    let mut file = File::options().write(true).open(path).with_context(|| path.display().to_string())?;
    file.seek(SeekFrom::Start(from))?;
    file.write_all(&vec![0xA5; usize::try_from(bytes)?])?;
    Ok(file.sync_all()?)
}

fn damage_all(path: &Path) -> Result<()> {
    let bytes = fs::metadata(path)?.len();
    // What lies in the log would be put over the damage again.
    for ending in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{ending}", path.display()));
    }
    damage(path, 0, bytes)
}

#[tokio::test]
async fn a_full_disk_is_named_and_when_there_is_room_again_everything_goes_on_by_itself() -> Result<()> {
    let disk = match SmallDisk::new(48) {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped: this machine lends no small disk ({why:#})");
            return Ok(());
        }
    };
    let data = disk.path().join("data");
    let node = Node::start(&data).await?;
    node.activate(&kept("filling")).await?;
    let mut accepted = vec![fire(&node, "filling", &json!({ "text": "first" })).await?];

    let ballast = disk.path().join("ballast");
    disk.fill(&ballast, 6 << 20)?;
    let mut refusals = 0;
    for number in 0..400 {
        let body = json!({ "text": noise(number, 200_000) }).to_string();
        let answer = node.send(&node.request("POST", "/hooks/filling", body.as_bytes())).await?;
        match answer.status {
            202 => accepted.push(job_of(&answer.json())?),
            _ => {
                is_problem(&answer, 507)?;
                let hint = answer.json()["hint"].as_str().unwrap_or_default().to_owned();
                ensure!(hint.contains("free"), "nothing about what to do: {}", answer.text());
                refusals += 1;
                if refusals == 3 {
                    break;
                }
            }
        }
    }
    ensure!(refusals == 3, "the disk never filled up");
    // The last bytes as well, so that everything that still runs meets the end of the disk.
    let begun = Instant::now();
    loop {
        // Logs that are folded into their files give pages back, which count as room.
        disk.fill(&disk.path().join("last"), 0)?;
        let answer = node.send(&node.request("POST", "/hooks/filling", noise(7, 100_000).as_bytes())).await?;
        if answer.status != 202 {
            is_problem(&answer, 507)?;
            break;
        }
        accepted.push(job_of(&answer.json())?);
        ensure!(begun.elapsed() < PATIENCE, "a full disk takes job after job");
    }
    let begun = Instant::now();
    loop {
        disk.fill(&disk.path().join("last"), 0)?;
        let ready = node.get("/readyz").await?.text();
        if ready.contains("full") {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "/readyz: {ready}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for command in ["status", "doctor"] {
        let text = told(&data, command)?;
        ensure!(text.contains("✘") && text.contains("free; on a full disk"), "{command}: {text}");
    }
    println!("{} were accepted before the disk was full", accepted.len());

    for file in [ballast, disk.path().join("last")] {
        fs::remove_file(file)?;
    }
    let after = node.insist(&node.request("POST", "/hooks/filling", br#"{"text":"there is room"}"#)).await?;
    accepted.push(job_of(&after)?);
    for job in &accepted {
        let row = node.ended(job).await?;
        ensure!(row["state"] == "succeeded", "{row}");
        check_history(job, &node.history(job).await?)?;
    }
    let counts = flowork_tests::bench::measure::counts(&node).await?;
    ensure!(counts.values().sum::<u64>() == accepted.len() as u64, "{} accepted, {counts:?}", accepted.len());
    node.stop().await
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    // The journeys keep a node's log beside its data directory.
    std::os::unix::fs::symlink("/dev/full", data.with_extension("log"))?;
    let node = Node::start(&data).await?;
    node.activate(&quick("unlogged")).await?;
    let job = fire(&node, "unlogged", &json!({ "text": "nobody is told" })).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    check_history(&job, &node.history(&job).await?)?;
    node.stop().await
}

/// Jobs that ended, at least one on every shard; gives them all.
async fn jobs_everywhere(node: &Node, path: &str) -> Result<Vec<String>> {
    let mut jobs = vec![fire(node, path, &json!({ "text": noise(1, 4_000) })).await?];
    for number in 0..39 {
        jobs.push(fire(node, path, &json!({ "text": noise(number, 4_000) })).await?);
    }
    for job in &jobs {
        let row = node.ended(job).await?;
        ensure!(row["state"] == "succeeded", "{row}");
    }
    Ok(jobs)
}

fn quick(path: &str) -> Value {
    let mut preset = kept(path);
    preset["steps"] =
        json!({ "keep": { "component": "set", "config": { "fields": { "kept": "{{ $json.body.text }}" } } } });
    preset["wires"] = json!(["hook -> keep"]);
    preset
}

/// Which of the jobs can be read, and the error that the others get.
async fn readable(node: &Node, jobs: &[String]) -> Result<(usize, BTreeSet<String>)> {
    let (mut read, mut errors) = (0, BTreeSet::new());
    for job in jobs {
        let answer = node.get(&format!("/api/v1/jobs/{job}/events?after=0")).await?;
        match answer.status {
            200 => read += 1,
            _ => {
                is_problem(&answer, 503)?;
                errors.insert(answer.json()["detail"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    Ok((read, errors))
}

async fn names(node: &Node, file: &str) -> Result<()> {
    node.until(&format!("that /readyz names {file}"), async || Ok(node.get("/readyz").await?.text().contains(file)))
        .await?;
    for command in ["status", "doctor"] {
        let text = told(node.data(), command)?;
        let line = text.lines().find(|line| line.contains('✘') && line.contains(file));
        ensure!(line.is_some(), "`{command}` does not name {file}: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_shard_that_is_garbage_is_named_and_the_others_take_all_the_work() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    node.activate(&quick("sharded")).await?;
    let jobs = jobs_everywhere(&node, "sharded").await?;
    node.stop().await?;
    damage_all(&data.join("shards/01.db"))?;

    let node = Node::start_despite(&data, &["gateway", "kernel", "docs", "mesh"]).await?;
    names(&node, "shards/01.db").await?;
    let (read, errors) = readable(&node, &jobs).await?;
    ensure!(read == 30, "{read} of 40 jobs can be read: {errors:?}");
    ensure!(errors.iter().all(|error| error.contains("shards/01.db")), "{errors:?}");
    // New work goes to the shards that work.
    for number in 0..12 {
        let job = fire(&node, "sharded", &json!({ "text": number })).await?;
        ensure!(node.ended(&job).await?["state"] == "succeeded");
    }
    // A key decides the shard: of many, some fall on the one that is out, and are told so.
    let mut told_out = 0;
    for number in 0..24 {
        let key = format!("key {number}");
        let headers = [("Idempotency-Key", key.as_str()), ("Content-Type", "application/json")];
        let request =
            flowork_tests::http::request("POST", "/hooks/sharded", &node.address.to_string(), &headers, b"{}");
        let answer = node.send(&request).await?;
        if answer.status != 202 {
            is_problem(&answer, 503)?;
            ensure!(answer.text().contains("shards/01.db"), "{}", answer.text());
            told_out += 1;
        }
    }
    ensure!((1..24).contains(&told_out), "{told_out} of 24 keys fell on the damaged shard");
    node.stop().await
}

#[tokio::test]
async fn pages_that_are_damaged_while_the_node_is_up_cost_only_what_they_hold() -> Result<()> {
    let node = Node::fresh().await?;
    node.activate(&quick("paged")).await?;
    let jobs = jobs_everywhere(&node, "paged").await?;
    let path = node.data().join("shards/02.db");
    // A fresh process of each role has nothing of the file in memory. The log goes with the file.
    let bytes = fs::metadata(&path)?.len().max(64 << 10);
    let log = fs::metadata(node.data().join("shards/02.db-wal"))?.len();
    damage(&path, 16 << 10, bytes.saturating_sub(16 << 10))?;
    if log > 0 {
        damage(&node.data().join("shards/02.db-wal"), 32, log.saturating_sub(32))?;
    }
    for role in ["kernel", "gateway"] {
        let before = node.kill(role).await?;
        node.until(&format!("that {role} is back"), async || {
            Ok(node.role(role).await?.is_some_and(|pid| pid != before))
        })
        .await?;
    }
    // Some of these may meet the damage, which is how it becomes known.
    for number in 0..8 {
        fire(&node, "paged", &json!({ "text": number })).await?;
    }
    names(&node, "shards/02.db").await?;
    let (read, errors) = readable(&node, &jobs).await?;
    ensure!(read >= 30, "{read} of 40 jobs can be read: {errors:?}");
    ensure!(errors.iter().all(|error| error.contains("shards/02.db")), "{errors:?}");
    for number in 0..12 {
        let job = fire(&node, "paged", &json!({ "text": number })).await?;
        ensure!(node.ended(&job).await?["state"] == "succeeded");
    }
    node.stop().await
}

#[tokio::test]
async fn a_damaged_search_index_heals_by_itself() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    node.activate(&quick("sought")).await?;
    fire(&node, "sought", &json!({ "text": "needle in a haystack" })).await?;
    let found = async |node: &Node| {
        let page = node.read("/api/v1/jobs?text=needle").await?;
        anyhow::Ok(page["jobs"].as_array().is_some_and(|jobs| jobs.len() == 1))
    };
    node.until("that the job is found", async || found(&node).await).await?;
    // While it is up: the readers meet it first, and tell who writes.
    let path = data.join("search.db");
    damage_all(&path)?;
    node.until("that the job is found in an index made anew", async || found(&node).await).await?;
    node.stop().await?;
    damage_all(&path)?;
    let node = Node::start(&data).await?;
    node.until("that the job is found after a restart", async || found(&node).await).await?;
    node.stop().await
}

#[tokio::test]
async fn a_damaged_inbox_is_named_and_a_further_one_takes_what_comes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    node.activate(&quick("boxed")).await?;
    let before = fire(&node, "boxed", &json!({ "text": "before" })).await?;
    node.ended(&before).await?;
    node.stop().await?;
    damage_all(&data.join("inbox/main.db"))?;
    let node = Node::start_despite(&data, &["gateway", "kernel", "docs", "mesh"]).await?;
    names(&node, "inbox/main.db").await?;
    ensure!(node.ended(&before).await?["state"] == "succeeded");
    let after = fire(&node, "boxed", &json!({ "text": "after" })).await?;
    ensure!(node.ended(&after).await?["state"] == "succeeded");
    node.stop().await
}

#[tokio::test]
async fn damaged_documents_are_named_and_activated_presets_go_on() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    node.activate(&quick("drafted")).await?;
    let before = fire(&node, "drafted", &json!({ "text": "before" })).await?;
    node.ended(&before).await?;
    node.stop().await?;
    damage_all(&data.join("documents.db"))?;
    let node = Node::start_despite(&data, &["gateway", "kernel", "mesh"]).await?;
    names(&node, "documents.db").await?;
    is_problem(&node.get("/api/v1/presets").await?, 503)?;
    let after = fire(&node, "drafted", &json!({ "text": "after" })).await?;
    ensure!(node.ended(&after).await?["state"] == "succeeded");
    ensure!(node.ended(&before).await?["state"] == "succeeded");
    node.stop().await
}
