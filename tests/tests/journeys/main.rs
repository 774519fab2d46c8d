//! Whole-node journeys: real processes, driven from outside as people and programs drive them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

mod backup;
mod bad_disk;
mod bad_files;
mod bad_input;
mod bad_scripts;
mod command_line;
mod crashes;
mod drafts;
mod elsewhere;
mod examples;
mod history;
mod kills;
mod languages;
mod lending;
mod login;
mod models;
mod people;
mod tidying;
mod town;
mod waits;
mod workflow;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use flowork_tests::Node;
use flowork_tests::node::job_of;
use serde_json::Value;

use history::{check_history, events_of};

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
