//! What it costs to run a workflow at a friend's rather than here. Two nodes on one machine, over loopback.

use std::time::Instant;

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::measure::{Extent, one_at_a_time, quantile, warm};
use super::presets::{INPUT, chain};
use super::{Row, Table};
use crate::Node;
use crate::http::Connection;
use crate::pair::{ENGINE, LENDER, Pair};

/// The workflow that does nothing.
const NOTHING: &str = "nothing";
/// How many borrowed runs are under way at once.
const AT_ONCE: usize = 1_000;

/// Measures a borrowed run beside the same run here.
///
/// # Errors
/// When a run fails.
pub async fn lending(table: &mut Table, extent: &Extent) -> Result<()> {
    let pair = Pair::friends().await?;
    let nothing = json!({
        "flowork": "preset/1", "name": NOTHING,
        "steps": { "nothing": { "component": "no-op" } }, "wires": []
    });
    pair.lend(&nothing, &json!({})).await?;
    let ask = json!({ "run": [NOTHING], "concurrent": 64 }).to_string();
    let lent = pair.lender.request("PUT", &format!("/api/v1/engines/{ENGINE}"), ask.as_bytes());
    pair.lender.insist(&lent).await?;
    pair.borrower.activate(&nothing).await?;
    let here = json!({ "component": "sub-preset", "config": { "preset": NOTHING } });
    let there = json!({ "component": "borrow", "config": { "preset": NOTHING, "peer": LENDER } });
    let here = alone(&pair.borrower, "here", here, extent).await?;
    let there = alone(&pair.borrower, "there", there, extent).await?;
    for (name, at, limit) in [("p50", 0.5, 1.0), ("p99", 0.99, 3.0)] {
        let (one, other) = (quantile(&here, at), quantile(&there, at));
        table.add(Row::ours(format!("webhook, a preset as its one step, on this node, {name}"), one, "ms"));
        table.add(Row::ours(format!("the same preset lent by a peer, over loopback, {name}"), other, "ms"));
        table.add(Row::ours(format!("…more than here, {name}"), other - one, "ms").below(limit));
    }
    let rate = many(&pair.borrower).await?;
    table.add(Row::ours(format!("{AT_ONCE} borrowed runs at once, until all have ended"), rate, "runs/s"));
    pair.stop().await
}

fn hooked(name: &str, step: Value, respond: &str) -> Value {
    chain(name, vec![step], &json!({ "path": name, "method": "POST", "respond": respond }))
}

async fn alone(node: &Node, name: &str, step: Value, extent: &Extent) -> Result<Histogram<u64>> {
    node.activate(&hooked(name, step, "when-done")).await?;
    let post = node.request("POST", &format!("/hooks/{name}"), INPUT.as_bytes());
    warm(node, &post).await?;
    one_at_a_time(node, &post, extent.singles).await
}

/// Runs per second of a crowd.
async fn many(node: &Node) -> Result<f64> {
    let there = json!({ "component": "borrow", "config": { "preset": NOTHING, "peer": LENDER, "wait": "10m" } });
    node.activate(&hooked("crowd", there, "immediately")).await?;
    let post = node.request("POST", "/hooks/crowd", INPUT.as_bytes());
    warm(node, &post).await?;
    super::measure::all_ended(node).await?;
    let begun = Instant::now();
    let mut connection = Connection::open(node.address).await?;
    for _ in 0..AT_ONCE {
        let answer = connection.send(&post).await?;
        ensure!(answer.status == 202, "the webhook answered {}: {}", answer.status, answer.text());
    }
    super::measure::all_ended(node).await?;
    let took = begun.elapsed().as_secs_f64();
    let failed = super::measure::counts(node).await?.get("failed").copied().unwrap_or(0);
    ensure!(failed == 0, "{failed} runs failed");
    Ok(AT_ONCE as f64 / took)
}
