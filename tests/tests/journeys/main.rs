//! Whole-node journeys: real processes, driven from outside as people and programs drive them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

mod backup;
mod bad_input;
mod command_line;
mod crashes;
mod drafts;
mod examples;
mod languages;
mod waits;
mod workflow;

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use flowork_tests::Node;
use flowork_tests::node::job_of;
use serde_json::Value;

/// Fires a webhook until the node takes it (its activation is carried out by the kernel); gives the job's id.
async fn fire(node: &Node, path: &str, body: &Value) -> Result<String> {
    let request = node.request("POST", &format!("/hooks/{path}"), body.to_string().as_bytes());
    let begun = Instant::now();
    loop {
        let answer = node.send(&request).await?;
        match answer.status {
            200..300 => return job_of(&answer.json()),
            404 if begun.elapsed() < Duration::from_secs(20) => tokio::time::sleep(Duration::from_millis(5)).await,
            status => bail!("the webhook answered {status}: {}", answer.text()),
        }
    }
}

/// What a whole history must look like: numbered without gaps, begun by its acceptance, ended once and last, and no run's
/// result committed twice.
fn check_history(job: &str, history: &[Value]) -> Result<()> {
    ensure!(!history.is_empty(), "job {job} has no history");
    let mut succeeded = std::collections::BTreeSet::new();
    for (index, event) in history.iter().enumerate() {
        ensure!(event["seq"].as_u64() == Some(index as u64 + 1), "job {job}: event {index} is {event}");
        let what = &event["what"];
        ensure!((index == 0) == what.get("accepted").is_some(), "job {job}: event {index} is {event}");
        let last = index + 1 == history.len();
        ensure!(last == what.get("ended").is_some(), "job {job}: event {index} of {} is {event}", history.len());
        if let Some(run) = what["step_succeeded"]["run"].as_str() {
            ensure!(succeeded.insert(run.to_owned()), "job {job}: `{run}` was committed twice");
        }
    }
    Ok(())
}

/// The words of the events of one run, in order.
fn events_of(history: &[Value], run: &str) -> Vec<String> {
    let mut words = Vec::new();
    for event in history {
        for (word, detail) in event["what"].as_object().into_iter().flatten() {
            if detail["run"] == run {
                words.push(word.clone());
            }
        }
    }
    words
}
