//! `flowork engine …`: what this node lends.

use clap::{ArgGroup, Subcommand};
use flowork_ports::mesh::{Hours, Policy};
use serde_json::{Value, json};

use super::Context;
use super::client::{escape, with_query};
use super::fail::{Fail, USAGE};
use super::peer::rows;
use super::show::{table, text_of, time_of};

/// What says when an engine is lent.
const TERMS: [&str; 8] =
    ["hours", "not_while", "away", "not_full_screen", "memory_below", "gpu_below", "gpu_memory_below", "watts_below"];

/// Engines that this node lends; who may use them, grants say
#[derive(Debug, Subcommand)]
pub(crate) enum Engine {
    /// Lend presets, a single component or a model as an engine; what they do is frozen now
    #[command(group(ArgGroup::new("what").args(["run", "tool", "chat"]).required(true).multiple(true)))]
    Lend {
        /// The engine's name; one that is lent already can do these too
        engine: String,
        /// A preset that may be run, by name; may be said again
        #[arg(long, value_name = "PRESET")]
        run: Vec<String>,
        /// A single component that may be called, by name
        #[arg(long, value_name = "COMPONENT")]
        tool: Option<String>,
        /// How that component is set, as JSON; expressions in it see the caller's items
        #[arg(long, value_name = "JSON", requires = "tool")]
        config: Option<String>,
        /// A model that may be chatted with, of a server that runs on this machine; the only one unless named
        #[arg(long, value_name = "MODEL", num_args = 0..=1, default_missing_value = "")]
        chat: Option<String>,
        /// Where that server listens, such as http://127.0.0.1:11434; looked for at the usual ports unless said
        #[arg(long, value_name = "URL", requires = "chat")]
        at: Option<String>,
        /// How many calls it runs at once
        #[arg(long)]
        concurrent: Option<u32>,
    },
    /// Look for model servers that run on this machine
    Find {
        /// Only at this address, such as http://127.0.0.1:8080
        #[arg(long, value_name = "URL")]
        at: Option<String>,
    },
    /// List engines
    #[command(visible_alias = "list")]
    Ls,
    /// Lend an engine no more; runs that were begun go on
    Unlend {
        /// Which
        engine: String,
        /// Only this capability, such as run:summarise
        #[arg(long)]
        can: Option<String>,
    },
    /// Say when an engine takes calls of friends; runs of theirs are paused meanwhile. What is said takes the place of all
    /// that was said before
    #[command(group(ArgGroup::new("said").required(true).multiple(true).args(TERMS).args(["always", "watts_in_use"])))]
    Policy {
        /// Which
        engine: String,
        /// Only within these hours of each day, such as 22:00-07:00
        #[arg(long, value_name = "FROM-TO")]
        hours: Option<String>,
        /// Not while this program runs, by the name of its file, such as blender; may be said again
        #[arg(long, value_name = "PROGRAM")]
        not_while: Vec<String>,
        /// Only after nobody has used this machine for so many minutes
        #[arg(long, value_name = "MINUTES")]
        away: Option<u32>,
        /// Not while a program fills the screen
        #[arg(long)]
        not_full_screen: bool,
        /// Only while less than so much of the memory is in use, in percent; friends' runs count too
        #[arg(long, value_name = "PERCENT")]
        memory_below: Option<u8>,
        /// Only while the graphics card is less busy than this without friends' runs, in percent
        #[arg(long, value_name = "PERCENT")]
        gpu_below: Option<u8>,
        /// Only while less than so much of the graphics card's memory is in use, in percent; friends' runs count too
        #[arg(long, value_name = "PERCENT")]
        gpu_memory_below: Option<u8>,
        /// Only while the machine draws less than so many watts by its own meters; friends' runs count too
        #[arg(long, value_name = "WATTS")]
        watts_below: Option<u32>,
        /// What the machine draws more while this engine works: no condition, energy is reckoned with it; 0 forgets it
        #[arg(long, value_name = "WATTS")]
        watts_in_use: Option<u32>,
        /// At any time
        #[arg(long, conflicts_with_all = TERMS)]
        always: bool,
    },
    /// Take no calls for a while
    Pause {
        /// Which; all lending unless said
        engine: Option<String>,
    },
    /// Take calls again
    Resume {
        /// Which; all lending unless said
        engine: Option<String>,
    },
}

impl Engine {
    /// Carries it out.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Fail> {
        let client = context.client()?;
        match self {
            Self::Lend { engine, run, tool, config, chat, at, concurrent } => {
                let path = format!("/api/v1/engines/{}", escape(&engine));
                let model = |name: String| (!name.is_empty()).then_some(name);
                let chat = chat.map(|name| json!({ "server": at, "model": model(name) }));
                let config: Value = match &config {
                    None => json!({}),
                    Some(text) => serde_json::from_str(text).map_err(|error| {
                        Fail::new(USAGE, format!("--config is no JSON: {error}"))
                            .hint("write an object as in '{ \"field\": \"{{ $json.text }}\" }'")
                    })?,
                };
                let tool: Vec<Value> = tool.iter().map(|name| json!({ "component": name, "config": config })).collect();
                let ask = json!({ "run": run, "tool": tool, "chat": chat, "concurrent": concurrent });
                let lent = client.put(&path, &ask).await?;
                context.print(&lent, |lent| {
                    let can = abilities(lent);
                    format!(
                        "{engine} is lent for {}, {} calls at once\nnobody may use it before you say who: flowork grant create --to PEER --engine {engine} --can {} --until friday\n",
                        can.join(", "),
                        lent["concurrent"],
                        can.join(",")
                    )
                });
            }
            Self::Ls => {
                let list = client.get("/api/v1/engines").await?;
                context.print(&list, |list| {
                    let rows = rows(list, |engine| {
                        vec![
                            text_of(&engine["name"]),
                            told(engine),
                            format!("{} of {}", engine["running"], engine["concurrent"]),
                            state(engine),
                            time_of(&engine["made_at"]),
                        ]
                    });
                    table(&["ENGINE", "CAN", "RUNNING", "STATE", "SINCE"], &rows)
                });
            }
            Self::Find { at } => {
                let found = client.get(&with_query("/api/v1/model-servers", &[("at", at)])).await?;
                context.print(&found, servers);
            }
            Self::Unlend { engine, can } => {
                let path = with_query(&format!("/api/v1/engines/{}", escape(&engine)), &[("capability", can.clone())]);
                client.delete(&path).await?;
                context.print(&json!({ "unlent": engine, "capability": can }), |_| {
                    format!(
                        "{}{engine} is lent no more\n",
                        can.as_ref().map(|can| format!("{can} of ")).unwrap_or_default()
                    )
                });
            }
            Self::Policy {
                engine,
                hours,
                not_while,
                away,
                not_full_screen,
                memory_below,
                gpu_below,
                gpu_memory_below,
                watts_below,
                watts_in_use,
                always,
            } => {
                let mut policy = Policy {
                    hours: hours.as_deref().map(read_hours).transpose()?,
                    not_while,
                    not_full_screen,
                    away_minutes: away,
                    memory_percent: memory_below,
                    gpu_percent: gpu_below,
                    gpu_memory_percent: gpu_memory_below,
                    watts: watts_below,
                    power_watts: None,
                };
                // What the machine draws is no term: one can be said without the other.
                let before = policy_of(&client.get("/api/v1/engines").await?, &engine);
                if policy == Policy::default() && !always {
                    policy = before.clone();
                }
                policy.power_watts = watts_in_use.or(before.power_watts).filter(|watts| *watts > 0);
                let path = format!("/api/v1/engines/{}/policy", escape(&engine));
                let set = client.put(&path, &json!(policy)).await?;
                context.print(&set, |set| format!("{engine} is lent {}; now it is {}\n", terms(set), state(set)));
            }
            Self::Pause { engine } => pause(context, engine, true).await?,
            Self::Resume { engine } => pause(context, engine, false).await?,
        }
        Ok(())
    }
}

fn read_hours(hours: &str) -> Result<Hours, Fail> {
    let (from, to) = hours
        .split_once('-')
        .ok_or_else(|| Fail::new(USAGE, format!("`{hours}` are no hours")).hint("write them as in `22:00-07:00`"))?;
    Ok(Hours { from: from.trim().to_owned(), to: to.trim().to_owned() })
}

/// The policy of one of the engines; at any time where there is none of that name.
fn policy_of(engines: &Value, name: &str) -> Policy {
    let engine = engines.as_array().into_iter().flatten().find(|engine| engine["name"] == name);
    engine.and_then(|engine| serde_json::from_value(engine["policy"].clone()).ok()).unwrap_or_default()
}

/// When it is lent.
fn terms(engine: &Value) -> String {
    serde_json::from_value::<Policy>(engine["policy"].clone()).unwrap_or_default().to_string()
}

/// Whether it takes calls of others now, and if not, why.
fn state(engine: &Value) -> String {
    match engine["held"].as_str() {
        _ if engine["is_paused"] == true => "paused".to_owned(),
        Some(why) => format!("held {why}"),
        None => "lent".to_owned(),
    }
}

/// What it can do.
fn abilities(engine: &Value) -> Vec<String> {
    engine["offers"].as_object().into_iter().flatten().map(|(can, _)| can.clone()).collect()
}

/// What it can do, with the model that answers.
fn told(engine: &Value) -> String {
    let all = engine["offers"].as_object().into_iter().flatten().map(|(can, offer)| match offer["model"].as_str() {
        Some(model) => format!("{can} ({model} at {})", text_of(&offer["server"])),
        None => can.clone(),
    });
    all.collect::<Vec<_>>().join(", ")
}

fn servers(found: &Value) -> String {
    let servers = found.as_array().map(Vec::as_slice).unwrap_or_default();
    if servers.is_empty() {
        return "no model server runs at a usual port of this machine\nstart Ollama, llama.cpp, LM Studio or another one; or name its address: flowork engine find --at URL\n".to_owned();
    }
    let rows = rows(found, |server| {
        let models: Vec<String> = server["models"].as_array().into_iter().flatten().map(text_of).collect();
        vec![text_of(&server["url"]), text_of(&server["software"]), models.join(", ")]
    });
    let list = table(&["ADDRESS", "SOFTWARE", "MODELS"], &rows);
    let (server, model) = (&servers[0], &servers[0]["models"][0]);
    let how = match model.as_str() {
        Some(model) => format!("lend one: flowork engine lend gpu --chat {model} --at {}\n", text_of(&server["url"])),
        None => String::new(),
    };
    format!("{list}{how}")
}

async fn pause(context: &Context, engine: Option<String>, paused: bool) -> Result<(), Fail> {
    let path = match &engine {
        Some(engine) => format!("/api/v1/engines/{}/lending", escape(engine)),
        None => "/api/v1/lending".to_owned(),
    };
    context.client()?.put(&path, &json!({ "paused": paused })).await?;
    context.print(&json!({ "engine": engine, "paused": paused }), |_| {
        let what = engine.clone().unwrap_or_else(|| "all lending".to_owned());
        format!("{what} is {}\n", if paused { "paused; runs that were begun go on" } else { "resumed" })
    });
    Ok(())
}
