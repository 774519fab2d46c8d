//! `flowork receipts …`: what was done for others and by others.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Context;
use super::client::with_query;
use super::fail::Fail;
use super::peer::rows;
use super::show::{bytes, table, text_of, time_of};

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
    /// Who was let in, refused, given or denied something
    Decisions,
}

impl Receipts {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
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
                        ]
                    });
                    table(&["MONTH", "", "PEER", "GRANT", "CALLS", "USED"], &rows)
                });
            }
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

fn direction(one: &Value) -> String {
    if one["is_given"] == true { "for".to_owned() } else { "by".to_owned() }
}

fn used(usage: &Value) -> String {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let mut text = format!("{} ms, {} in, {} out", count("work_ms"), bytes(count("bytes_in")), bytes(count("bytes_out")));
    if count("tokens_out") > 0 {
        text = format!("{text}, {} tokens read, {} written", count("tokens_in"), count("tokens_out"));
    }
    text
}

/// What a peer is called, from the list of peers; the end of its id where it is none any more.
fn names(peers: &Value) -> impl Fn(&Value) -> String + use<> {
    let known: Vec<(String, String)> =
        peers.as_array().into_iter().flatten().map(|peer| (text_of(&peer["node"]), text_of(&peer["name"]))).collect();
    move |node| {
        let node = text_of(node);
        known.iter().find(|(id, _)| *id == node).map_or_else(
            || format!("…{}", node.get(node.len().saturating_sub(8)..).unwrap_or_default()),
            |(_, name)| name.clone(),
        )
    }
}
