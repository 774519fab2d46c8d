//! What it costs to stream an answer from a friend's model rather than from one's own. Two nodes on one machine, over loopback.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Row, Table};
use crate::Node;
use crate::model::ModelServer;
use crate::pair::{ENGINE, LENDER, Pair};

/// Words of one answer, a chunk each. A model server of this machine writes some 50 to 100 tokens a second.
const WORDS: usize = 4_000;
/// How long the model server takes for a word where it is not as fast as it can be.
const PACE_US: u64 = 500;
/// Answers of which the fastest counts.
const ROUNDS: usize = 5;

/// Measures the rate at which words come.
///
/// # Errors
/// When an answer does not come whole.
pub async fn chat(table: &mut Table) -> Result<()> {
    let (pair, model) = (Pair::friends().await?, ModelServer::start().await?);
    pair.lend_model(&model.url(), &json!({})).await?;
    for (pace, prompt, aim) in [
        ("a word each 0.5 ms", format!("say {WORDS} words pausing {PACE_US} us"), Some(95.0)),
        ("as fast as it goes", format!("say {WORDS} words"), None),
    ] {
        let here = rate(&pair.lender, ENGINE, &prompt).await?;
        let there = rate(&pair.borrower, &format!("{ENGINE}@{LENDER}"), &prompt).await?;
        table.add(Row::ours(format!("streamed words of a model of this node, {pace}"), here, "words/s"));
        table.add(Row::ours(format!("the same model lent by a peer, over loopback, {pace}"), there, "words/s"));
        let share = Row::ours(format!("…share of the rate here, {pace}"), 100.0 * there / here, "%");
        table.add(match aim {
            Some(aim) => share.at_least(aim),
            None => share,
        });
    }
    pair.stop().await
}

/// Words per second of the fastest of some answers.
async fn rate(node: &Node, engine: &str, prompt: &str) -> Result<f64> {
    let ask = json!({ "model": engine, "stream": true, "messages": [{ "role": "user", "content": prompt }] });
    let request = node.request("POST", "/v1/chat/completions", ask.to_string().as_bytes());
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let answer = node.send(&request).await?;
        let took = begun.elapsed().as_secs_f64();
        let words = answer.text().matches("\"content\":\"w").count();
        ensure!(words == WORDS, "{words} of {WORDS} words came: {}", answer.status);
        best = best.max(WORDS as f64 / took);
    }
    Ok(best)
}
