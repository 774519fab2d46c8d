//! `flowork grant …`: who may use what.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Context;
use super::client::escape;
use super::fail::{Fail, NOT_FOUND};
use super::peer::rows;
use super::show::{table, text_of, time_of};
use super::until;

/// Grants: who may use which engine, how much and until when
#[derive(Debug, Subcommand)]
pub(crate) enum Grant {
    /// Let a peer use an engine of this node
    Create {
        /// Who: a peer's name
        #[arg(long)]
        to: String,
        /// Which engine, from `flowork engine list`
        #[arg(long)]
        engine: String,
        /// What for, such as run:summarise; several with commas
        #[arg(long, value_delimiter = ',', required = true)]
        can: Vec<String>,
        /// Until when: friday, 3d, 12h, 2026-12-24 or 2026-12-24T18:00
        #[arg(long)]
        until: String,
        /// How many calls: 20/h
        #[arg(long, value_name = "N/h", value_parser = per_hour)]
        calls: Option<u64>,
        /// How many calls at once
        #[arg(long, value_name = "N")]
        concurrent: Option<u64>,
        /// How many bytes, either way: 50M/day
        #[arg(long, value_name = "N/day", value_parser = per_day)]
        bytes: Option<u64>,
        /// How many seconds of work: 600/day
        #[arg(long, value_name = "N/day", value_parser = per_day)]
        seconds: Option<u64>,
        /// How many tokens of models: 100k/day
        #[arg(long, value_name = "N/day", value_parser = per_day)]
        tokens: Option<u64>,
        /// How many times it may be passed on
        #[arg(long, default_value_t = 0, value_name = "TIMES")]
        pass_on: u8,
        /// Renew it by itself, for as long again, until it is taken back
        #[arg(long)]
        renews: bool,
        /// The request that this answers, from `flowork grant requests`
        #[arg(long)]
        request: Option<String>,
    },
    /// Let a grant hold for longer: a new one takes its place
    Renew {
        /// Its id, or the beginning of it
        grant: String,
        /// Until when; for as long again unless said
        #[arg(long)]
        until: Option<String>,
    },
    /// Pass on a grant that this node holds, within what it allows
    PassOn {
        /// Its id, or the beginning of it
        grant: String,
        /// To whom: a peer's name
        #[arg(long)]
        to: String,
        /// What for; all that it allows unless said
        #[arg(long, value_delimiter = ',')]
        can: Vec<String>,
        /// Until when; as long as it holds unless said
        #[arg(long)]
        until: Option<String>,
        /// How many calls: 20/h
        #[arg(long, value_name = "N/h", value_parser = per_hour)]
        calls: Option<u64>,
        /// How many calls at once
        #[arg(long, value_name = "N")]
        concurrent: Option<u64>,
        /// How many tokens of models: 100k/day
        #[arg(long, value_name = "N/day", value_parser = per_day)]
        tokens: Option<u64>,
        /// How many times it may be passed on further
        #[arg(long, default_value_t = 0, value_name = "TIMES")]
        pass_on: u8,
    },
    /// Ask a peer to be let use something of theirs
    Request {
        /// Whom: a peer's name
        peer: String,
        /// What for, such as chat or run:summarise; several with commas
        #[arg(long, value_delimiter = ',')]
        can: Vec<String>,
        /// Which of their engines, when you know it
        #[arg(long)]
        engine: Option<String>,
        /// Why, in your own words
        #[arg(long, default_value = "")]
        note: String,
    },
    /// List what peers would like to use
    Requests,
    /// Put a request away
    Refuse {
        /// Its id, or the beginning of it
        request: String,
    },
    /// List grants, given and held
    #[command(visible_alias = "list")]
    Ls,
    /// Show one grant
    Show {
        /// Its id, or the beginning of it
        grant: String,
    },
    /// Take a grant back; runs under it end
    Revoke {
        /// Its id, or the beginning of it
        grant: String,
    },
    /// Ask whether a peer may do something, and why
    Test {
        /// Who: a peer's name
        who: String,
        /// With which engine
        #[arg(long)]
        engine: String,
        /// What, such as run:summarise
        #[arg(long)]
        can: String,
    },
}

impl Grant {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        match self {
            Self::Create {
                to,
                engine,
                can,
                until,
                calls,
                concurrent,
                bytes,
                seconds,
                tokens,
                pass_on,
                renews,
                request,
            } => {
                let until = until::read(&until, crate::now()).map_err(Fail::usage)?;
                let ask = json!({
                    "to": to, "engine": engine, "can": can, "until": until, "depth": pass_on,
                    "renews": renews, "request": request,
                    "limits": {
                        "calls_per_hour": calls, "concurrent": concurrent, "bytes_per_day": bytes,
                        "seconds_per_day": seconds, "tokens_per_day": tokens,
                    },
                });
                let made = client.post("/api/v1/grants", &ask).await?;
                context.print(&made, given);
            }
            Self::Renew { grant, until } => {
                let until = read_until(until.as_deref())?;
                let path = format!("/api/v1/grants/{}/renew", escape(&grant));
                let made = client.post(&path, &json!({ "until": until })).await?;
                context.print(&made, |made| format!("{}\ngrant {}\n", text_of(&made["sentence"]), id(made)));
            }
            Self::PassOn { grant, to, can, until, calls, concurrent, tokens, pass_on } => {
                let until = read_until(until.as_deref())?;
                let path = format!("/api/v1/grants/{}/pass-on", escape(&grant));
                let ask = json!({
                    "to": to, "can": can, "until": until, "depth": pass_on,
                    "limits": { "calls_per_hour": calls, "concurrent": concurrent, "tokens_per_day": tokens },
                });
                let made = client.post(&path, &ask).await?;
                context.print(&made, given);
            }
            Self::Request { peer, can, engine, note } => {
                let path = format!("/api/v1/peers/{}/requests", escape(&peer));
                client.post(&path, &json!({ "can": can, "engine": engine, "note": note })).await?;
                context.print(&json!({ "asked": peer }), |_| {
                    format!("{peer} has it; what they give shows in `flowork grant list`\n")
                });
            }
            Self::Requests => {
                let list = client.get("/api/v1/requests").await?;
                context.print(&list, |list| {
                    let rows = rows(list, |one| {
                        let can: Vec<String> = rows(&one["can"], |can| vec![text_of(can)]).concat();
                        vec![
                            text_of(&one["id"]),
                            text_of(&one["from"]),
                            can.join(", "),
                            text_of(&one["engine"]),
                            text_of(&one["note"]),
                            time_of(&one["at"]),
                        ]
                    });
                    table(&["REQUEST", "FROM", "FOR", "ENGINE", "NOTE", "SINCE"], &rows)
                });
            }
            Self::Refuse { request } => {
                client.delete(&format!("/api/v1/requests/{}", escape(&request))).await?;
                context.print(&json!({ "refused": request }), |_| "put away\n".to_owned());
            }
            Self::Ls => {
                let list = client.get("/api/v1/grants").await?;
                context.print(&list, |list| {
                    let rows = rows(list, |grant| {
                        vec![id(grant), kind(grant).to_owned(), state(grant), used(grant), text_of(&grant["sentence"])]
                    });
                    table(&["GRANT", "", "STATE", "USED", "WHAT"], &rows)
                });
            }
            Self::Show { grant } => {
                let list = client.get("/api/v1/grants").await?;
                let found = list
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|one| one["id"].as_str().is_some_and(|id| grant.len() >= 4 && id.starts_with(&grant)))
                    .cloned()
                    .ok_or_else(|| {
                        Fail::new(NOT_FOUND, format!("there is no grant `{grant}`"))
                            .hint("`flowork grant list` shows them")
                    })?;
                context.print(&found, shown);
            }
            Self::Revoke { grant } => {
                let revoked = client.delete(&format!("/api/v1/grants/{}", escape(&grant))).await?;
                context.print(&revoked, |revoked| {
                    format!(
                        "taken back: {}\nno call begins under it any more, and those that ran were ended\n",
                        text_of(&revoked["sentence"])
                    )
                });
            }
            Self::Test { who, engine, can } => {
                let tested =
                    client.post("/api/v1/grants/test", &json!({ "who": who, "engine": engine, "can": can })).await?;
                context.print(&tested, |tested| {
                    let head = if tested["allowed"] == true { "yes" } else { "no" };
                    let reasons: Vec<String> =
                        rows(&tested["reasons"], |reason| vec![format!("  {}\n", text_of(reason))]).concat();
                    format!("{head}\n{}", reasons.concat())
                });
            }
        }
        Ok(())
    }
}

fn given(made: &Value) -> String {
    let id = id(made);
    format!("{}\ngrant {id}; take it back with `flowork grant revoke {id}`\n", text_of(&made["sentence"]))
}

fn read_until(text: Option<&str>) -> Result<Option<flowork_protocol::Timestamp>, Fail> {
    text.map(|text| until::read(text, crate::now()).map_err(Fail::usage)).transpose()
}

fn kind(grant: &Value) -> &'static str {
    match (grant["is_given"] == true, grant["owner_name"].is_null()) {
        (true, true) => "given",
        (true, false) => "passed on",
        (false, _) => "held",
    }
}

fn id(grant: &Value) -> String {
    text_of(&grant["id"]).chars().take(12).collect()
}

/// Of a given grant, what is used; of a held one, how calls under it went.
fn used(grant: &Value) -> String {
    let (used, lately) = (&grant["used"], &grant["experience"]);
    match (grant["is_given"] == true, lately["calls"].as_u64()) {
        (true, _) => {
            let tokens = used["tokens_today"].as_u64().filter(|tokens| *tokens > 0);
            let tokens = tokens.map(|tokens| format!(", {tokens} tokens today")).unwrap_or_default();
            format!("{} running, {} this hour{tokens}", used["running"], used["calls_this_hour"])
        }
        (false, None) => "not used yet".to_owned(),
        (false, Some(calls)) => {
            let typically = lately["typical_ms"].as_u64().map(|ms| format!(", typically {ms} ms")).unwrap_or_default();
            format!("{calls} lately, {} failed{typically}", lately["failed"])
        }
    }
}

fn state(grant: &Value) -> String {
    let now = crate::now().0;
    if !grant["revoked_at"].is_null() {
        "taken back".to_owned()
    } else if grant["ends_at"].as_i64().is_some_and(|at| at <= now) {
        "ended".to_owned()
    } else if !grant["renewed_as"].is_null() {
        "renewed".to_owned()
    } else if grant["renews"] == true {
        "good, renews".to_owned()
    } else {
        "good".to_owned()
    }
}

fn shown(grant: &Value) -> String {
    let used = &grant["used"];
    format!(
        "{}\n\ngrant  {}\nstate  {}\nowner  {}\nchain  {}\nbegins {}\nends   {}\nused   {} running, {} calls this hour, {} bytes and {} s of work today\n",
        text_of(&grant["sentence"]),
        text_of(&grant["id"]),
        state(grant),
        text_of(&grant["owner"]),
        chain(grant),
        time_of(&grant["begins_at"]),
        time_of(&grant["ends_at"]),
        used["running"],
        used["calls_this_hour"],
        used["bytes_today"],
        used["seconds_today"]
    )
}

/// The links it hangs on, the owner's first.
fn chain(grant: &Value) -> String {
    let links: Vec<String> = rows(&grant["links"], |link| vec![text_of(link)]).concat();
    let drawn = links.iter().enumerate().map(|(at, link)| match at {
        0 => link.clone(),
        _ => format!("       {}└ {link}", "  ".repeat(at - 1)),
    });
    drawn.collect::<Vec<_>>().join("\n")
}

/// `20/h`, or only the number.
fn per_hour(text: &str) -> Result<u64, String> {
    number(text.strip_suffix("/h").unwrap_or(text)).ok_or_else(|| "write a number of calls per hour: 20/h".to_owned())
}

/// `50M/day`, or only the number.
fn per_day(text: &str) -> Result<u64, String> {
    let bare = text.strip_suffix("/day").or_else(|| text.strip_suffix("/d")).unwrap_or(text);
    number(bare).ok_or_else(|| "write an amount per day: 100k/day, 50M/day".to_owned())
}

fn number(text: &str) -> Option<u64> {
    let (digits, factor) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 1_000),
        'M' => (&text[..text.len() - 1], 1_000_000),
        'G' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_as_people_say_them() {
        assert_eq!(per_hour("20/h"), Ok(20));
        assert_eq!(per_day("100k/day"), Ok(100_000));
        assert_eq!(per_day("50M"), Ok(50_000_000));
        assert!(per_day("many").is_err() && per_hour("").is_err());
    }
}
