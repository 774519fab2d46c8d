//! `flowork engine …`: what this node lends.

use clap::Subcommand;
use serde_json::json;

use super::Context;
use super::client::{escape, with_query};
use super::fail::Fail;
use super::peer::rows;
use super::show::{table, text_of, time_of};

/// Engines that this node lends; who may use them, grants say
#[derive(Debug, Subcommand)]
pub(crate) enum Engine {
    /// Lend presets as an engine; what they do is frozen now
    Lend {
        /// The engine's name; one that is lent already can do these too
        engine: String,
        /// A preset that may be run, by name; may be said again
        #[arg(long, required = true, value_name = "PRESET")]
        run: Vec<String>,
        /// How many calls it runs at once
        #[arg(long)]
        concurrent: Option<u32>,
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
            Self::Lend { engine, run, concurrent } => {
                let path = format!("/api/v1/engines/{}", escape(&engine));
                let lent = client.put(&path, &json!({ "run": run, "concurrent": concurrent })).await?;
                context.print(&lent, |lent| {
                    let can: Vec<String> = lent["offers"].as_object().into_iter().flatten().map(|(can, _)| can.clone()).collect();
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
                        let can: Vec<String> =
                            engine["offers"].as_object().into_iter().flatten().map(|(can, _)| can.clone()).collect();
                        vec![
                            text_of(&engine["name"]),
                            can.join(", "),
                            format!("{} of {}", engine["running"], engine["concurrent"]),
                            if engine["is_paused"] == true { "paused".to_owned() } else { "lent".to_owned() },
                            time_of(&engine["made_at"]),
                        ]
                    });
                    table(&["ENGINE", "CAN", "RUNNING", "STATE", "SINCE"], &rows)
                });
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
            Self::Pause { engine } => pause(context, engine, true).await?,
            Self::Resume { engine } => pause(context, engine, false).await?,
        }
        Ok(())
    }
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
