//! `flowork receipts …`: what was done for others and by others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use flowork_protocol::receipt::{Exported, Proven, Unproven};
use serde_json::{Value, json};

use super::client::{Client, with_query};
use super::fail::{FAILED, Fail};
use super::peer::rows;
use super::show::{bytes, table, text_of, time_of};
use super::{Context, print_text};

/// Receipts that are asked for at once.
const PAGE: usize = 1_000;

/// Receipts of calls: what was done for others and by others
#[derive(Debug, Args)]
pub(crate) struct Receipts {
    #[command(subcommand)]
    what: Option<What>,
    /// At most so many
    #[arg(long, default_value_t = 50, global = true)]
    limit: usize,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Sums per month, peer and grant
    Totals,
    /// Write receipts with their signatures into a file, a line each
    Export {
        /// Where to; the terminal unless said
        file: Option<PathBuf>,
    },
    /// Check a file of exported receipts; needs no node
    Verify {
        /// Which file; - is what comes in
        file: PathBuf,
    },
    /// Who was let in, refused, given or denied something
    Decisions,
}

impl Receipts {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        if let Some(What::Verify { file }) = &self.what {
            return verify(context, file);
        }
        let client = context.client()?;
        let limit = [("limit", Some(self.limit.to_string()))];
        match self.what {
            None => {
                let list = client.get(&with_query("/api/v1/receipts", &limit)).await?;
                let names = names(&client.get("/api/v1/peers").await?);
                context.print(&list, |list| {
                    let rows = rows(list, |one| {
                        vec![
                            time_of(&one["ended_at"]),
                            direction(one),
                            names(&one["peer"]),
                            format!("{} of {}", text_of(&one["capability"]), text_of(&one["engine"])),
                            used(&one["usage"]),
                            one["failure"].as_str().unwrap_or("well").to_owned(),
                            text_of(&one["call"]),
                        ]
                    });
                    table(&["ENDED", "", "PEER", "WHAT", "USED", "WENT", "CALL"], &rows)
                });
            }
            Some(What::Totals) => {
                let list = client.get("/api/v1/receipts/totals").await?;
                let names = names(&client.get("/api/v1/peers").await?);
                context.print(&list, |list| {
                    let rows = rows(list, |one| {
                        vec![
                            text_of(&one["month"]),
                            direction(one),
                            names(&one["peer"]),
                            text_of(&one["grant"]).chars().take(12).collect(),
                            format!("{}, {} failed", one["calls"], one["failed"]),
                            used(&one["usage"]),
                            one["watt_hours"].as_f64().map(energy).unwrap_or_default(),
                        ]
                    });
                    table(&["MONTH", "", "PEER", "GRANT", "CALLS", "USED", "ENERGY"], &rows)
                });
            }
            Some(What::Export { file }) => export(context, &client, file).await?,
            Some(What::Verify { .. }) => {}
            Some(What::Decisions) => {
                let list = client.get(&with_query("/api/v1/mesh/decisions", &limit)).await?;
                context.print(&list, |list| {
                    let rows =
                        rows(list, |one| vec![time_of(&one["at"]), text_of(&one["kind"]), text_of(&one["text"])]);
                    table(&["WHEN", "KIND", "WHAT"], &rows)
                });
            }
        }
        Ok(())
    }
}

/// All receipts, page by page. A page begins where the last one ended, so what ended in the same moment may come twice.
async fn export(context: &Context, client: &Client, file: Option<PathBuf>) -> Result<(), Fail> {
    let (mut before, mut seen, mut lines) = (None::<i64>, BTreeSet::new(), String::new());
    loop {
        let query = [("limit", Some(PAGE.to_string())), ("before", before.map(|at| at.to_string()))];
        let page = client.get(&with_query("/api/v1/receipts/export", &query)).await?;
        let page = page.as_array().cloned().unwrap_or_default();
        let count = seen.len();
        for one in &page {
            if seen.insert(text_of(&one["receipt"]["signed"])) {
                lines.push_str(&one["receipt"].to_string());
                lines.push('\n');
            }
        }
        before = page.last().and_then(|one| one["ended_at"].as_i64()).map(|at| at + 1);
        if page.len() < PAGE || seen.len() == count {
            break;
        }
    }
    let Some(file) = file else {
        print_text(&lines);
        return Ok(());
    };
    std::fs::write(&file, &lines)
        .map_err(|error| Fail::because(format!("{} cannot be written", file.display()), &error))?;
    context.print(&json!({ "file": file, "receipts": seen.len() }), |_| {
        format!("{} receipts in {}; check them with `flowork receipts verify`\n", seen.len(), file.display())
    });
    Ok(())
}

fn verify(context: &Context, file: &Path) -> Result<(), Fail> {
    let text =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| Fail::because(format!("{} cannot be read", file.display()), &error))?;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let read = serde_json::from_str::<Exported>(line).map_err(|error| Unproven::Form(error.to_string()));
        match read.and_then(|exported| exported.verify()) {
            Ok(proven) => good.push((number, proven)),
            Err(why) => bad.push((number, why.to_string())),
        }
    }
    let proven: Vec<Value> = good
        .iter()
        .map(|(number, Proven { receipt, is_countersigned })| {
            json!({
                "line": number, "provider": receipt.provider, "caller": receipt.caller, "call": receipt.call.to_string(),
                "engine": receipt.engine, "capability": receipt.capability, "ended_at": receipt.ended_at,
                "usage": receipt.usage, "failure": receipt.failure, "is_countersigned": is_countersigned,
            })
        })
        .collect();
    let unproven: Vec<Value> = bad.iter().map(|(number, why)| json!({ "line": number, "why": why })).collect();
    context.print(&json!({ "good": proven, "bad": unproven }), |_| {
        let rows: Vec<Vec<String>> = proven
            .iter()
            .map(|one| {
                vec![
                    one["line"].to_string(),
                    time_of(&one["ended_at"]),
                    end_of(&text_of(&one["provider"])),
                    end_of(&text_of(&one["caller"])),
                    format!("{} of {}", text_of(&one["capability"]), text_of(&one["engine"])),
                    used(&one["usage"]),
                    one["failure"].as_str().unwrap_or("well").to_owned(),
                    if one["is_countersigned"] == true { "both" } else { "provider" }.to_owned(),
                ]
            })
            .collect();
        table(&["LINE", "ENDED", "PROVIDER", "CALLER", "WHAT", "USED", "WENT", "SIGNED BY"], &rows)
    });
    match bad.as_slice() {
        [] => Ok(()),
        [(line, why), more @ ..] => {
            let others = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
            Err(Fail::new(FAILED, format!("line {line} proves nothing: {why}{others}")))
        }
    }
}

fn direction(one: &Value) -> String {
    if one["is_given"] == true { "for".to_owned() } else { "by".to_owned() }
}

fn used(usage: &Value) -> String {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let mut text =
        format!("{} ms, {} in, {} out", count("work_ms"), bytes(count("bytes_in")), bytes(count("bytes_out")));
    if count("tokens_out") > 0 {
        text = format!("{text}, {} tokens read, {} written", count("tokens_in"), count("tokens_out"));
    }
    text
}

/// An estimate: no more digits than it is good for.
fn energy(watt_hours: f64) -> String {
    match watt_hours {
        some if some < 10.0 => format!("about {some:.1} Wh"),
        some if some < 1_000.0 => format!("about {some:.0} Wh"),
        much => format!("about {:.1} kWh", much / 1_000.0),
    }
}

/// What a peer is called, from the list of peers; the end of its id where it is none any more.
fn names(peers: &Value) -> impl Fn(&Value) -> String + use<> {
    let known: Vec<(String, String)> =
        peers.as_array().into_iter().flatten().map(|peer| (text_of(&peer["node"]), text_of(&peer["name"]))).collect();
    move |node| {
        let node = text_of(node);
        known.iter().find(|(id, _)| *id == node).map_or_else(|| end_of(&node), |(_, name)| name.clone())
    }
}

/// The end of a node's id.
fn end_of(node: &str) -> String {
    format!("…{}", node.get(node.len().saturating_sub(8)..).unwrap_or_default())
}
