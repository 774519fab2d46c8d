//! `flowork job …`: list jobs, look at one, steer it.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Client, with_query};
use super::fail::{Fail, NOT_FOUND};
use super::{Context, input, job_look, run, show};

/// List jobs, look at one, steer it
#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// List jobs, newest first
    List {
        /// Only these states: queued, held, running, waiting, paused, parked, succeeded, failed, cancelled
        #[arg(long, value_delimiter = ',', value_name = "STATE")]
        state: Vec<String>,
        /// Only of this preset: name or id
        #[arg(long)]
        preset: Option<String>,
        /// Only those whose items, logs or errors hold these words
        #[arg(long, value_name = "WORDS")]
        text: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Go on after this one, as the list before said
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
    },
    /// Show one job, step by step
    Show {
        /// The job
        job: String,
        /// As it was after this event
        #[arg(long, value_name = "SEQ")]
        at: Option<u64>,
    },
    /// Show the history of a job
    Events {
        /// The job
        job: String,
        /// Only after this event
        #[arg(long, default_value_t = 0, value_name = "SEQ")]
        after: u64,
    },
    /// Show items that went into or came out of a step
    Items {
        /// The job
        job: String,
        /// The run: `step`, or `step[2]` in a loop
        run: String,
        /// The port
        #[arg(long)]
        port: Option<String>,
        /// What went in instead of what came out
        #[arg(long)]
        inputs: bool,
        /// The first item, counted from 0
        #[arg(long, default_value_t = 0)]
        offset: u64,
        /// At most so many, 1 to 1000
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// End a job; running steps are stopped
    Cancel {
        /// The job
        job: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Start no further step until resumed
    Pause {
        /// The job
        job: String,
    },
    /// Let a paused job go on
    Resume {
        /// The job
        job: String,
    },
    /// Start a new job that goes on from a step of an ended one
    Replay {
        /// The job that ran before; it is left untouched
        job: String,
        /// The first step to run again; what comes before keeps its results
        #[arg(long, value_name = "STEP")]
        from: Option<String>,
        /// Change a variable. May be repeated
        #[arg(long = "var", value_name = "NAME=VALUE")]
        variables: Vec<String>,
        /// A JSON file with the items that kept steps give instead: { step: { port: [items] } }
        #[arg(long, value_name = "FILE")]
        edits: Option<String>,
        /// Replay with another version of the preset
        #[arg(long, value_name = "HASH")]
        version_id: Option<String>,
        /// Show the steps as they happen
        #[arg(long, short)]
        follow: bool,
        /// Wait for the end
        #[arg(long, short)]
        wait: bool,
    },
    /// List what waits for an answer
    Approvals,
    /// Say yes to a step that waits for approval
    Approve(Answer),
    /// Say no to a step that waits for approval
    Reject(Answer),
    /// Show what is not the same in two jobs
    Diff {
        /// One job
        job: String,
        /// Another
        other: String,
    },
    /// Forget an ended job and all it holds
    Delete {
        /// The job
        job: String,
    },
    /// Show the steps of a job as they happen, then what came out
    Watch {
        /// The job
        job: String,
    },
}

/// An answer to an approval.
#[derive(Debug, clap::Args)]
pub(crate) struct Answer {
    /// The job
    job: String,
    /// The run that asks; may be left out when only one does
    #[arg(long)]
    run: Option<String>,
    /// A remark
    #[arg(long, default_value = "")]
    note: String,
}

impl Job {
    /// Carries it out.
    pub(crate) async fn run(self, context: Context) -> Result<(), Fail> {
        let client = context.client()?;
        match self {
            Self::List { state, preset, text, limit, after } => {
                let states = (!state.is_empty()).then(|| state.join(","));
                let query = [
                    ("state", states),
                    ("preset", preset),
                    ("text", text),
                    ("limit", Some(limit.to_string())),
                    ("after", after),
                ];
                context.print(&client.get(&with_query("/api/v1/jobs", &query)).await?, job_look::list);
            }
            Self::Show { job, at } => show_one(&client, &context, &job, at).await?,
            Self::Events { job, after } => events(&client, &context, &job, after).await?,
            Self::Items { job, run, port, inputs, offset, limit } => {
                let query = [
                    ("run", Some(run)),
                    ("port", port),
                    ("side", inputs.then(|| "in".to_owned())),
                    ("offset", Some(offset.to_string())),
                    ("limit", Some(limit.to_string())),
                ];
                let page = client.get(&with_query(&format!("/api/v1/jobs/{job}/items"), &query)).await?;
                context.print(&page, |page| job_look::items(page, limit));
            }
            Self::Cancel { job, reason } => {
                signal(&client, &context, &job, "cancel", &json!({ "reason": reason })).await?
            }
            Self::Pause { job } => signal(&client, &context, &job, "pause", &json!({})).await?,
            Self::Resume { job } => signal(&client, &context, &job, "resume", &json!({})).await?,
            Self::Replay { job, from, variables, edits, version_id, follow, wait } => {
                let mut ask = json!({ "variables": input::variables(&variables)? });
                if let Some(from) = from {
                    ask["from"] = json!(from);
                }
                if let Some(version) = version_id {
                    ask["version"] = json!(version);
                }
                if let Some(file) = edits {
                    ask["edits"] = read_edits(&file)?;
                }
                let started = client.post(&format!("/api/v1/jobs/{job}/replay"), &ask).await?;
                let fresh = show::text_of(&started["job"]);
                if follow || wait {
                    return run::finish(&client, &context, &fresh, follow).await;
                }
                context.print(&started, |_| format!("{fresh}\n"));
            }
            Self::Approvals => context.print(&client.get("/api/v1/approvals").await?, job_look::approvals),
            Self::Approve(answer) => decide(&client, &context, answer, true).await?,
            Self::Reject(answer) => decide(&client, &context, answer, false).await?,
            Self::Diff { job, other } => {
                let found = client.get(&format!("/api/v1/jobs/{job}/diff/{other}")).await?;
                context.print(&found, job_look::differences);
            }
            Self::Delete { job } => {
                let gone = client.delete(&format!("/api/v1/jobs/{job}")).await?;
                context.print(&gone, |_| format!("job {job} is forgotten\n"));
            }
            Self::Watch { job } => return run::finish(&client, &context, &job, true).await,
        }
        Ok(())
    }
}

fn read_edits(file: &str) -> Result<Value, Fail> {
    let text = std::fs::read_to_string(file).map_err(|error| Fail::usage(format!("cannot read {file}: {error}")))?;
    serde_json::from_str(&text).map_err(|error| input::not_json(file, &error))
}

async fn show_one(client: &Client, context: &Context, job: &str, at: Option<u64>) -> Result<(), Fail> {
    let Some(at) = at else {
        let detail = client.get(&format!("/api/v1/jobs/{job}")).await?;
        context.print(&detail, |detail| job_look::job(detail, &detail["view"]));
        return Ok(());
    };
    let view =
        client.get(&with_query(&format!("/api/v1/jobs/{job}/snapshot"), &[("at", Some(at.to_string()))])).await?;
    context.print(&view, |view| job_look::job(&json!({ "id": job, "state": view["state"] }), view));
    Ok(())
}

async fn events(client: &Client, context: &Context, job: &str, mut after: u64) -> Result<(), Fail> {
    let mut all = Vec::new();
    loop {
        let page = client
            .get(&with_query(&format!("/api/v1/jobs/{job}/events"), &[("after", Some(after.to_string()))]))
            .await?;
        let Value::Array(events) = page else { break };
        let Some(last) = events.last().and_then(|event| event["seq"].as_u64()) else { break };
        after = last;
        if context.json {
            all.extend(events);
        } else {
            super::print_text(&job_look::events(&events));
        }
    }
    if context.json {
        super::print_json(&Value::Array(all));
    }
    Ok(())
}

async fn signal(client: &Client, context: &Context, job: &str, verb: &str, body: &Value) -> Result<(), Fail> {
    let accepted = client.post(&format!("/api/v1/jobs/{job}/{verb}"), body).await?;
    context.print(&accepted, |_| format!("job {job}: {verb} is on disk\n"));
    Ok(())
}

async fn decide(client: &Client, context: &Context, answer: Answer, approved: bool) -> Result<(), Fail> {
    let job = &answer.job;
    let run = match answer.run {
        Some(run) => run,
        None => lone_question(client, job).await?,
    };
    let body = json!({ "run": run, "approved": approved, "note": answer.note });
    let accepted = client.post(&format!("/api/v1/jobs/{job}/decide"), &body).await?;
    let word = if approved { "approved" } else { "rejected" };
    context.print(&accepted, |_| format!("job {job}: `{run}` is {word}\n"));
    Ok(())
}

async fn lone_question(client: &Client, job: &str) -> Result<String, Fail> {
    let detail = client.get(&format!("/api/v1/jobs/{job}")).await?;
    let asking: Vec<String> = detail["view"]["runs"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, run)| ["approval", "rerun"].iter().any(|kind| run["wait"].get(kind).is_some()))
        .map(|(run, _)| run.clone())
        .collect();
    match asking.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Fail::new(NOT_FOUND, format!("no step of job {job} waits for approval"))
            .hint("`flowork job approvals` lists what waits for an answer")),
        several => Err(Fail::usage(format!("several steps of job {job} wait for approval"))
            .hint(format!("name one with --run: {}", several.join(", ")))),
    }
}
