//! What people do to jobs that exist: cancel, pause, resume, decide, replay.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::command::{Command, Replay, Role, Signal, Submission};
use flowork_protocol::event::{Run, Wait, What};
use flowork_protocol::job::Summary;
use flowork_protocol::{JobId, StepId, VersionId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::access::{Permit, Runner};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::{Json, Path};
use crate::history;
use crate::problem::Problem;
use crate::submit::{self, Started};

/// The most characters of a reason or remark.
const NOTE_CHARS_MAX: usize = 4_000;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    let accepted = "It is on disk and will be done.";
    vec![
        Route::new(
            Method::POST,
            "/api/v1/jobs/{job}/cancel",
            Role::Runner,
            "Ends a job. Running steps are stopped.",
            cancel,
        )
        .body::<Cancel>()
        .reply::<Started>(202, accepted),
        Route::new(
            Method::POST,
            "/api/v1/jobs/{job}/pause",
            Role::Runner,
            "Starts no further step until resumed.",
            pause,
        )
        .reply::<Started>(202, accepted),
        Route::new(Method::POST, "/api/v1/jobs/{job}/resume", Role::Runner, "Lets a paused job go on.", resume)
            .reply::<Started>(202, accepted),
        Route::new(
            Method::POST,
            "/api/v1/jobs/{job}/decide",
            Role::Runner,
            "Answers an approval, or whether a try that a crash cut off runs again.",
            decide,
        )
        .body::<Decide>()
        .reply::<Started>(202, accepted),
        Route::new(
            Method::POST,
            "/api/v1/jobs/{job}/replay",
            Role::Runner,
            "Starts a new job that goes on from a step of this one.",
            replay,
        )
        .body::<AskReplay>()
        .reply::<Started>(202, "The new job is on disk and will run."),
    ]
}

/// Why a job is to end.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Cancel {
    /// Why, for people.
    reason: String,
}

/// An answer to an approval.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Decide {
    /// The run that asks, as `step` or `step[2]`.
    run: Run,
    /// Yes or no.
    approved: bool,
    /// A remark.
    #[serde(default)]
    note: String,
}

/// From where to go on, and with what changed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct AskReplay {
    /// The first step to run again; what comes before it keeps its results. None runs everything again.
    from: Option<StepId>,
    /// Items that a kept step gives instead, by step and port: items, or plain JSON values.
    edits: BTreeMap<StepId, BTreeMap<String, Vec<Value>>>,
    /// Variables that change.
    variables: BTreeMap<String, Value>,
    /// Another version of the same preset; the job's own unless said.
    version: Option<VersionId>,
}

type Accepted = Result<(StatusCode, Json<Started>), Problem>;

async fn signal(ctx: &Ctx, permit: &Permit<Runner>, job: JobId, signal: Signal) -> Accepted {
    ctx.command(permit, Command::Signal(job, signal)).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { job, version: None })))
}

async fn open(ctx: &Ctx, job: JobId) -> Result<Summary, Problem> {
    let summary = history::summary(ctx, job).await?;
    if summary.state.has_ended() {
        return Err(Problem::conflict("ended", format!("job {job} has ended, it {}", how(&summary)))
            .hint(format!("to run it again: POST /api/v1/jobs/{job}/replay"))
            .job(job));
    }
    Ok(summary)
}

fn how(summary: &Summary) -> &'static str {
    match summary.state {
        flowork_protocol::job::State::Cancelled => "was cancelled",
        state => state.word(),
    }
}

fn note(text: &str) -> String {
    text.chars().take(NOTE_CHARS_MAX).collect()
}

async fn cancel(
    State(ctx): State<Ctx>, permit: Permit<Runner>, Path(job): Path<JobId>, Json(ask): Json<Cancel>,
) -> Accepted {
    open(&ctx, job).await?;
    signal(&ctx, &permit, job, Signal::Cancel { reason: note(&ask.reason) }).await
}

async fn pause(State(ctx): State<Ctx>, permit: Permit<Runner>, Path(job): Path<JobId>) -> Accepted {
    open(&ctx, job).await?;
    signal(&ctx, &permit, job, Signal::Pause).await
}

async fn resume(State(ctx): State<Ctx>, permit: Permit<Runner>, Path(job): Path<JobId>) -> Accepted {
    open(&ctx, job).await?;
    signal(&ctx, &permit, job, Signal::Resume).await
}

fn asks(wait: Option<&Wait>) -> bool {
    matches!(wait, Some(Wait::Approval { .. } | Wait::Rerun { .. }))
}

async fn decide(
    State(ctx): State<Ctx>, permit: Permit<Runner>, Path(job): Path<JobId>, Json(ask): Json<Decide>,
) -> Accepted {
    let summary = open(&ctx, job).await?;
    let view = history::view(&ctx, &summary, None).await?;
    let is_asking = view.runs.get(&ask.run).is_some_and(|run| asks(run.wait.as_ref()));
    if !is_asking {
        return Err(Problem::conflict(
            "no-approval",
            format!("`{}` of job {job} does not ask for an approval now", ask.run),
        )
        .hint("GET /api/v1/approvals lists what waits for an answer")
        .job(job));
    }
    let decision = Signal::Decide {
        run: ask.run.to_string(),
        approved: ask.approved,
        by: permit.who().to_owned(),
        note: note(&ask.note),
    };
    signal(&ctx, &permit, job, decision).await
}

async fn replay(
    State(ctx): State<Ctx>, permit: Permit<Runner>, Path(origin): Path<JobId>, Json(ask): Json<AskReplay>,
) -> Accepted {
    let summary = history::summary(&ctx, origin).await?;
    if !summary.state.has_ended() {
        return Err(Problem::conflict(
            "not-ended",
            format!("job {origin} has not ended, it is {}", summary.state.word()),
        )
        .hint("wait for its end, or cancel it, then replay it")
        .job(origin));
    }
    let before = accepted(&ctx, origin).await?;
    let version = ask.version.unwrap_or(before.version);
    let frozen = ctx.frozen(version).await?;
    if frozen.preset.name != before.name && ask.version.is_some() {
        let (ours, theirs) = (&before.name, &frozen.preset.name);
        return Err(Problem::conflict(
            "other-preset",
            format!("job {origin} ran `{ours}`, that version is of `{theirs}`"),
        )
        .hint("replay with a version of the same preset, or start a new job"));
    }
    for step in ask.from.iter().chain(ask.edits.keys()) {
        let is_trigger = frozen.preset.triggers.contains_key(step);
        if !frozen.preset.steps.contains_key(step) && !is_trigger {
            return Err(Problem::wrong(
                "unknown-step",
                format!("the preset `{}` has no step `{step}`", frozen.preset.name),
            )
            .hint("GET /api/v1/versions/{version} shows its steps"));
        }
    }
    submit::check_variables(&frozen.preset, &ask.variables)?;
    let edits = edits(&ctx, ask.edits).await?;
    let mut variables = before.variables;
    variables.extend(ask.variables);
    // Variables that another version no longer has are not an error of who replays.
    variables.retain(|name, _| frozen.preset.variables.contains_key(name));
    // The same shard, so that the kernel that has it can read what is kept.
    let job = JobId::fresh(now(), origin.shard(), rand::random());
    let submission = Submission {
        job,
        keyed: false,
        version,
        variables,
        replay: Some(Replay { origin, from: ask.from, edits }),
        parent: None,
        depth: 0,
        ..before
    };
    ctx.command(&permit, Command::Submit(Box::new(submission))).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { job, version: Some(version) })))
}

async fn accepted(ctx: &Ctx, job: JobId) -> Result<Submission, Problem> {
    let first = ctx.options.reader.events(job, 0, 1).await?.into_iter().next();
    match first.map(|event| event.what) {
        Some(What::Accepted(submission)) => Ok(*submission),
        _ => Err(Problem::no_job(job)),
    }
}

type Edits = BTreeMap<StepId, BTreeMap<String, Vec<flowork_protocol::Item>>>;

async fn edits(ctx: &Ctx, asked: BTreeMap<StepId, BTreeMap<String, Vec<Value>>>) -> Result<Edits, Problem> {
    let mut edits = Edits::new();
    for (step, ports) in asked {
        let mut by_port = BTreeMap::new();
        for (port, values) in ports {
            let items = submit::items(values)?;
            submit::check_files(ctx, &items).await?;
            by_port.insert(port, items);
        }
        edits.insert(step, by_port);
    }
    Ok(edits)
}
