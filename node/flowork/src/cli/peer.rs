//! `flowork peer …`: other nodes that this one is paired with.

use std::io::{IsTerminal as _, Write as _};

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::escape;
use super::fail::{Fail, REFUSED};
use super::show::{table, text_of, time_of};
use super::{Context, print_remark};

/// Other nodes: invite, join, list, remove
#[derive(Debug, Subcommand)]
pub(crate) enum Peer {
    /// Make an invitation: a link that lets one node pair with this one
    Invite {
        /// What whoever joins is to be called here; what they call themselves unless said
        #[arg(long)]
        name: Option<String>,
        /// How many minutes it holds
        #[arg(long, default_value_t = 60)]
        minutes: u32,
    },
    /// Join the node that made an invitation
    Join {
        /// The link: flowork://join/…
        link: String,
        /// What they are to be called here; what they call themselves unless said
        #[arg(long)]
        name: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// List the nodes that this one is paired with
    #[command(visible_alias = "list")]
    Ls,
    /// List nodes on this network that are not paired
    Nearby,
    /// List invitations, without their secrets
    Invitations,
    /// Take an invitation back
    Uninvite {
        /// Its id, from `flowork peer invitations`
        invitation: String,
    },
    /// Call a peer something else
    Rename {
        /// Who
        peer: String,
        /// What
        name: String,
    },
    /// Remove a peer: grants and calls between the two nodes end
    Rm {
        /// Who
        peer: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Peer {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        match self {
            Self::Invite { name, minutes } => {
                let made =
                    client.post("/api/v1/peers/invitations", &json!({ "name": name, "minutes": minutes })).await?;
                context.print(&made, invited);
            }
            Self::Join { link, name, yes } => {
                // Read here, before anything is sent to anybody.
                let preview = client.post("/api/v1/peers/preview", &json!({ "link": link })).await?;
                if !yes {
                    confirm(&previewed(&preview), "join", context)?;
                }
                let peer = client.post("/api/v1/peers", &json!({ "link": link, "name": name })).await?;
                context.print(&peer, |peer| {
                    let name = text_of(&peer["name"]);
                    format!("{name} and this node are paired, {}\n", reached(&peer["reach"]))
                });
            }
            Self::Ls => {
                let list = client.get("/api/v1/peers").await?;
                context.print(&list, |list| {
                    let rows = rows(list, |peer| {
                        vec![
                            match peer["is_mine"] == true {
                                true => format!("{} (yours)", text_of(&peer["name"])),
                                false => text_of(&peer["name"]),
                            },
                            format!("{}{}", reached(&peer["reach"]), relaying(&peer["relay"])),
                            time_of(&peer["seen_at"]),
                            time_of(&peer["paired_at"]),
                            text_of(&peer["node"]),
                        ]
                    });
                    table(&["PEER", "REACHED", "SEEN", "PAIRED", "NODE"], &rows)
                });
            }
            Self::Nearby => {
                let list = client.get("/api/v1/peers/nearby").await?;
                context.print(&list, |list| {
                    let first = |node: &Value| text_of(&node["addresses"][0]);
                    table(&["NODE", "ADDRESS"], &rows(list, |node| vec![text_of(&node["node"]), first(node)]))
                });
            }
            Self::Invitations => {
                let list = client.get("/api/v1/peers/invitations").await?;
                context.print(&list, |list| {
                    let rows = rows(list, |one| {
                        vec![
                            text_of(&one["id"]),
                            text_of(&one["name"]),
                            time_of(&one["made_at"]),
                            time_of(&one["ends_at"]),
                            if one["used_by"].is_null() { "–".to_owned() } else { text_of(&one["used_by"]) },
                        ]
                    });
                    table(&["INVITATION", "FOR", "MADE", "ENDS", "USED BY"], &rows)
                });
            }
            Self::Uninvite { invitation } => {
                client.delete(&format!("/api/v1/peers/invitations/{}", escape(&invitation))).await?;
                context.print(&json!({ "removed": invitation }), |_| "nobody comes in by it any more\n".to_owned());
            }
            Self::Rename { peer, name } => {
                let path = format!("/api/v1/peers/{}", escape(&peer));
                let renamed = client.patch(&path, &json!({ "name": name })).await?;
                context.print(&renamed, |renamed| format!("{peer} is called {} now\n", text_of(&renamed["name"])));
            }
            Self::Rm { peer, yes } => {
                let path = format!("/api/v1/peers/{}", escape(&peer));
                if !yes {
                    let parting = client.get(&format!("{path}/parting")).await?;
                    confirm(&parted(&parting, "ends"), "remove", context)?;
                }
                let parting = client.delete(&path).await?;
                context.print(&parting, |parting| format!("removed\n{}", parted(parting, "ended")));
            }
        }
        Ok(())
    }
}

/// One row for each entry of a list.
pub(super) fn rows(list: &Value, row: impl Fn(&Value) -> Vec<String>) -> Vec<Vec<String>> {
    list.as_array().into_iter().flatten().map(row).collect()
}

/// Asks the person at the terminal; without one it is refused.
fn confirm(what: &str, verb: &str, context: &Context) -> Result<(), Fail> {
    if context.json || !std::io::stdin().is_terminal() {
        return Err(Fail::new(REFUSED, format!("not without being asked: nothing was done\n{what}"))
            .hint(format!("read the above; to {verb}, say --yes")));
    }
    print_remark(what);
    eprint!("{verb}? [y/N] ");
    // A prompt that is not seen is answered with Enter, which is no.
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_err() || !matches!(answer.trim(), "y" | "Y" | "yes") {
        return Err(Fail::new(REFUSED, "nothing was done"));
    }
    Ok(())
}

fn invited(made: &Value) -> String {
    let link = text_of(&made["link"]);
    let mut text = format!("{link}\n\n");
    if std::io::stdout().is_terminal()
        && let Ok(code) = qrcode::QrCode::with_error_correction_level(link.as_bytes(), qrcode::EcLevel::L)
    {
        text += &code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build();
        text += "\n\n";
    }
    let addresses: Vec<String> = rows(&made["addresses"], |address| vec![text_of(address)]).concat();
    text + &format!(
        "Give it to the one whom you want to pair with; it works once, until {}.\nThe other side says: flowork peer join LINK\nCan be reached from {}{}\n",
        time_of(&made["ends_at"]),
        text_of(&made["reach"]),
        if addresses.is_empty() { String::new() } else { format!("\n  {}", addresses.join("\n  ")) }
    )
}

fn previewed(preview: &Value) -> String {
    let known = match preview["known_as"].as_str() {
        Some(name) => format!("\nThis node knows it already, as {name}."),
        None => String::new(),
    };
    let addresses: Vec<String> = rows(&preview["addresses"], |address| vec![text_of(address)]).concat();
    format!(
        "An invitation by {}, as that node calls itself; until {}\n  node {}\n  at {}{known}\nNothing was sent yet. Joining pairs the two nodes; it lets nobody use anything before somebody gives a grant.",
        text_of(&preview["name"]),
        time_of(&preview["ends_at"]),
        text_of(&preview["node"]),
        addresses.join("\n     ")
    )
}

fn parted(parting: &Value, verb: &str) -> String {
    let lines = |list: &Value, head: &str| {
        let all: Vec<String> = rows(list, |sentence| vec![format!("  {}", text_of(sentence))]).concat();
        if all.is_empty() { String::new() } else { format!("{head}\n{}\n", all.join("\n")) }
    };
    let running = parting["running"].as_u64().unwrap_or(0);
    format!(
        "With {} {verb}:\n{}{}{}{}They keep {}.\n",
        text_of(&parting["name"]),
        lines(&parting["given"], "what they may use here"),
        lines(&parting["held"], "what this node may use of theirs"),
        lines(&parting["workflows"], "workflows of yours that ask them; they stay, and that step of them fails"),
        if running > 0 { format!("{running} of their runs here\n") } else { String::new() },
        text_of(&parting["they_keep"])
    )
}

/// How a peer is reached, in a few words.
fn reached(reach: &Value) -> String {
    let latency = reach["latency_ms"].as_f64().map(|ms| format!(", {ms:.1} ms")).unwrap_or_default();
    match reach["state"].as_str() {
        Some("direct") => format!("direct{latency}"),
        Some("relayed") => {
            let through = reach["through"].as_str().map(|name| format!(" through {name}")).unwrap_or_default();
            let why = reach["why"].as_str().map(|why| format!("; not directly: {why}")).unwrap_or_default();
            format!("relayed{through}{latency}{why}")
        }
        _ => match reach["why"].as_str() {
            Some(why) => format!("away: {why}"),
            None => "away".to_owned(),
        },
    }
}

/// Whether this node is reached through a peer, in a few words.
fn relaying(relay: &Value) -> String {
    match relay["state"].as_str() {
        Some("reserved") => "; this node is reached through it".to_owned(),
        Some("asked") => "; it is asked to relay".to_owned(),
        Some("refused") => format!("; it does not relay: {}", text_of(&relay["why"])),
        _ => String::new(),
    }
}
