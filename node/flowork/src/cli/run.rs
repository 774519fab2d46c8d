//! `flowork run FILE|NAME`: starts a job, on the running node or on one inside this process.

use clap::Args;
use serde_json::{Value, json};

use super::client::Client;
use super::fail::{FAILED, Fail, NO_NODE};
use super::follow::{self, Show};
use super::preset_file::{PresetFile, is_file};
use super::{Context, input, print_json, print_remark, print_text, show};
use crate::embedded::Embedded;
use crate::lock::Lock;

/// What becomes of a job whose command ended before it.
const GOES_ON: &str = "the job is kept and goes on when a node runs on this data directory: `flowork up`";

/// Run a preset: a file, or one that the node knows by name
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A preset file, or the name or id of a preset on the node
    #[arg(value_name = "FILE|NAME")]
    preset: String,
    /// The input: a JSON list (an item each), an object, lines of JSON, or any other file; - is standard input
    #[arg(long, short, value_name = "FILE")]
    input: Option<String>,
    /// Set a variable; JSON where it reads as JSON, otherwise a text. May be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// The trigger whose place this start takes
    #[arg(long, value_name = "ID")]
    trigger: Option<String>,
    /// Run this frozen version instead of the draft as it is now
    #[arg(long, value_name = "HASH")]
    version_id: Option<String>,
    /// Jobs of a higher priority start first, -100 to 100
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
    priority: Option<i32>,
    /// Perform no external effect; say what would have been done
    #[arg(long)]
    dry_run: bool,
    /// Show the steps as they happen, then what came out
    #[arg(long, short)]
    follow: bool,
    /// Wait for the end, then show what came out
    #[arg(long, short)]
    wait: bool,
    /// The same key starts one job only, however often it is sent
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

impl Run {
    /// Starts the job, and waits for it where asked to.
    pub(crate) async fn run(self, context: Context) -> Result<(), Fail> {
        // Before anything is started or made: a file with a mistake needs no node.
        let file = if is_file(&self.preset) { Some(PresetFile::read(&self.preset)?) } else { None };
        let data = context.data()?;
        match context.client() {
            Ok(client) => self.on(&client, &context, file, self.follow || self.wait).await,
            Err(fail) if fail.code == NO_NODE && Lock::holder(&data).is_none() => {
                let passphrase = context.environment.passphrase.as_ref();
                let node = Embedded::start(&data, &context.environment.home, passphrase).await?;
                let client = node.client.clone();
                let interrupted = tokio::signal::ctrl_c();
                let done = tokio::select! {
                    done = Box::pin(self.on(&client, &context, file, true)) => done,
                    _ = interrupted => Err(Fail::new(FAILED, "interrupted").hint(GOES_ON)),
                    part = node.broke() => {
                        Err(Fail::new(FAILED, format!("the {part} of the node inside this command broke")).hint(GOES_ON))
                    }
                };
                drop(client);
                node.stop().await;
                done
            }
            Err(fail) => Err(fail),
        }
    }

    async fn on(&self, client: &Client, context: &Context, file: Option<PresetFile>, waits: bool) -> Result<(), Fail> {
        let items = match &self.input {
            Some(source) => input::read(client, source).await?,
            None => Vec::new(),
        };
        let mut ask =
            json!({ "input": items, "variables": input::variables(&self.variables)?, "dry_run": self.dry_run });
        match &file {
            Some(file) => {
                ask["inline"] = serde_json::to_value(&file.preset)
                    .map_err(|error| Fail::because("the preset cannot be sent", &error))?;
            }
            None => ask["preset"] = json!(self.preset),
        }
        let said = [
            ("trigger", self.trigger.as_ref().map(|it| json!(it))),
            ("version", self.version_id.as_ref().map(|it| json!(it))),
            ("priority", self.priority.map(|it| json!(it))),
            ("idempotency_key", self.key.as_ref().map(|it| json!(it))),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                ask[name] = value;
            }
        }
        let started = client.post("/api/v1/jobs", &ask).await.map_err(|fail| match &file {
            Some(file) => file.locate(fail),
            None => fail,
        })?;
        let job = show::text_of(&started["job"]);
        if !waits {
            context.print(&started, |_| format!("{job}\n"));
            if !context.json {
                print_remark(&format!("accepted; watch it with: flowork job watch {job}"));
            }
            return Ok(());
        }
        finish(client, context, &job, self.follow).await
    }
}

/// Waits for the end of a job, shows what it gave, and fails when it did.
pub(crate) async fn finish(client: &Client, context: &Context, job: &str, steps: bool) -> Result<(), Fail> {
    let look = match (steps, context.json) {
        (false, _) => Show::Nothing,
        (true, false) => Show::Steps,
        (true, true) => Show::Json,
    };
    let view = follow::follow(client, job, look).await?;
    if context.json {
        // Followed as JSON, the last event has said it all.
        if !steps {
            let output: serde_json::Map<String, Value> = follow::output(client, job, &view)
                .await?
                .into_iter()
                .map(|(step, items, total)| (step, json!({ "items": items, "total": total })))
                .collect();
            print_json(&json!({ "job": job, "state": view.state().word(), "output": output, "error": view.error }));
        }
    } else {
        if !steps {
            let took = view.ended_at.zip(view.accepted_at).map_or(0, |(end, begin)| end.since_ms(begin));
            print_remark(&format!(
                "job {job} {} after {}",
                view.state().word(),
                show::micros(took.saturating_mul(1_000))
            ));
        } else {
            print_text("");
        }
        follow::print_output(client, job, &view).await?;
    }
    follow::verdict(job, &view)
}
