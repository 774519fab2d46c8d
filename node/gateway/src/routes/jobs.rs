//! Jobs: starting, listing, looking at one, comparing two, forgetting.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use flowork_ports::store::{Page, Query as JobQuery};
use flowork_protocol::command::{Command, Role};
use flowork_protocol::item::List;
use flowork_protocol::job::{State as JobState, Summary};
use flowork_protocol::view::{Difference, JobView, diff};
use flowork_protocol::{JobId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{self, Editor, Permit, Runner, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path, Query};
use crate::feed::{self, Waited};
use crate::history;
use crate::problem::Problem;
use crate::submit::{self, Says, StartJob, Started};

/// How many jobs a list holds unless it is said.
const LIMIT_DEFAULT: usize = 50;
/// The most jobs that a list holds.
const LIMIT_MAX: usize = 1_000;
/// The most items of one list that a comparison reads; longer lists are compared by their chunks.
const DIFF_ITEMS_MAX: u64 = 10_000;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/api/v1/jobs", Role::Runner, "Starts a job; with `inline`, for editors.", start)
            .query::<Wait>()
            .body::<StartJob>()
            .reply::<Started>(202, "The job is on disk and will run.")
            .reply::<Detail>(200, "With `wait_ms`: the job has ended."),
        Route::new(Method::GET, "/api/v1/jobs", Role::Viewer, "Lists jobs, newest first.", list)
            .query::<ListQuery>()
            .reply::<Page>(200, "One page of jobs."),
        Route::new(Method::GET, "/api/v1/jobs/{job}", Role::Viewer, "One job, large lists left out.", show)
            .reply::<Detail>(200, "The job."),
        Route::new(
            Method::GET,
            "/api/v1/jobs/{job}/snapshot",
            Role::Viewer,
            "One job as it was after an event.",
            snapshot,
        )
        .query::<At>()
        .reply::<JobView>(200, "The fold of its events up to there."),
        Route::new(
            Method::GET,
            "/api/v1/jobs/{job}/diff/{other}",
            Role::Viewer,
            "What is not the same in two jobs, step by step.",
            compare,
        )
        .reply::<Vec<Difference>>(200, "The differences; none when the jobs did the same."),
        Route::new(Method::DELETE, "/api/v1/jobs/{job}", Role::Runner, "Forgets an ended job.", forget)
            .reply::<Started>(202, "It will be forgotten."),
    ]
}

/// How long to wait for the end.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Wait {
    /// Wait up to so many milliseconds (at most 60 000) for the job's end.
    wait_ms: Option<u64>,
}

/// Which jobs a list should hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ListQuery {
    /// Only these states, separated by commas.
    state: Option<String>,
    /// Only of this preset: id or name.
    preset: Option<String>,
    /// Only those whose items, logs or errors hold these words.
    text: Option<String>,
    /// Only accepted at or after, in milliseconds since 1970.
    since: Option<i64>,
    /// Only accepted before, in milliseconds since 1970.
    until: Option<i64>,
    /// Only children of this job.
    parent: Option<JobId>,
    /// Go on after this one: the `next` of the page before.
    after: Option<String>,
    /// At most so many, 1 to 1000; 50 unless said.
    limit: Option<usize>,
}

/// The event up to which a job is folded.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct At {
    /// The event's number; the last one unless said.
    at: Option<u64>,
}

/// One job.
#[derive(Debug, Serialize, JsonSchema)]
struct Detail {
    /// Its line in lists.
    #[serde(flatten)]
    summary: Summary,
    /// Everything that its events say. Large lists are left out: they keep their length and have no chunks.
    view: JobView,
}

async fn start(
    State(ctx): State<Ctx>, permit: Permit<Runner>, Query(wait): Query<Wait>, headers: HeaderMap,
    Json(mut ask): Json<StartJob>,
) -> Result<Response, Problem> {
    let _room = match wait.wait_ms {
        Some(_) => {
            Some(ctx.wait_room.try_acquire().map_err(|_| Problem::flooded("waiting requests", feed::WAITING_MAX))?)
        }
        None => None,
    };
    if ask.inline.is_some() || !ask.pins.is_empty() {
        // Who brings steps of their own decides what this node does, as who edits a draft.
        let hint = "`inline` and `pins` change what runs: use an editor's token, or start a preset by its name";
        access::admit::<Editor>(&ctx, &headers).map_err(|problem| problem.hint(hint))?;
    }
    let key = key(&headers)?;
    let says = Says::of(&ask);
    let chosen = submit::choose(&ctx, &mut ask).await?;
    let submission = submit::submission(&ctx, ask, key, &chosen).await?;
    let (job, mut version) = (submission.job, submission.version);
    let before = if submission.keyed { submit::earlier(&ctx, job).await } else { None };
    let follower = wait.wait_ms.map(|ms| (ctx.followers.follow(job, 0), Duration::from_millis(ms)));
    match before {
        // It is on disk already; the draft may have changed since.
        Some(before) => {
            if let Some(what) = says.difference(&before, &submission) {
                return Err(submit::other_request(job, what));
            }
            version = before.version;
        }
        None => ctx.command(&permit, Command::Submit(Box::new(submission))).await?,
    }
    if let Some((follower, time)) = follower
        && !matches!(feed::wait(&ctx, follower, false, time).await?, Waited::TimedOut)
    {
        return Ok((StatusCode::OK, Json(detail(&ctx, job).await?)).into_response());
    }
    let version = Some(version);
    Ok((StatusCode::ACCEPTED, [("location", format!("/api/v1/jobs/{job}"))], Json(Started { job, version }))
        .into_response())
}

/// The idempotency key in the headers.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let bad = |_| {
        Problem::new(StatusCode::BAD_REQUEST, "bad-key", "the Idempotency-Key is not readable text")
            .hint("use letters, digits and dashes; a random UUID is a good one")
    };
    value.to_str().map(Some).map_err(bad)
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>, Query(ask): Query<ListQuery>) -> Result<Json<Page>, Problem> {
    let limit = ask.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::wrong("wrong-limit", format!("{limit} is not a limit")).hint("use 1 to 1000"));
    }
    let query = JobQuery {
        states: states(ask.state.as_deref().unwrap_or_default())?,
        preset: ask.preset,
        since: ask.since.map(Timestamp),
        until: ask.until.map(Timestamp),
        text: ask.text.filter(|text| !text.trim().is_empty()),
        parent: ask.parent,
        after: ask.after,
        limit,
    };
    Ok(Json(ctx.options.reader.jobs(&query).await?))
}

fn states(text: &str) -> Result<Vec<JobState>, Problem> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            JobState::ALL.into_iter().find(|state| state.word() == word).ok_or_else(|| {
                let all: Vec<&str> = JobState::ALL.iter().map(|state| state.word()).collect();
                Problem::wrong("unknown-state", format!("`{word}` is not a state of a job"))
                    .hint(format!("the states are {}", all.join(", ")))
            })
        })
        .collect()
}

async fn detail(ctx: &Ctx, job: JobId) -> Result<Detail, Problem> {
    let summary = history::summary(ctx, job).await?;
    let view = history::overview(history::view(ctx, &summary, None).await?);
    Ok(Detail { summary, view })
}

async fn show(State(ctx): State<Ctx>, _: Permit<Viewer>, Path(job): Path<JobId>) -> Result<Json<Detail>, Problem> {
    Ok(Json(detail(&ctx, job).await?))
}

async fn snapshot(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(job): Path<JobId>, Query(ask): Query<At>,
) -> Result<Json<JobView>, Problem> {
    let summary = history::summary(&ctx, job).await?;
    Ok(Json(history::view(&ctx, &summary, ask.at).await?))
}

async fn compare(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path((job, other)): Path<(JobId, JobId)>,
) -> Result<Json<Vec<Difference>>, Problem> {
    let before = history::summary(&ctx, job).await?;
    let after = history::summary(&ctx, other).await?;
    let mut before = history::view(&ctx, &before, None).await?;
    let mut after = history::view(&ctx, &after, None).await?;
    read_unequal(&ctx, (job, &mut before), (other, &mut after)).await?;
    for view in [&mut before, &mut after] {
        say_defaults(&ctx, view).await;
    }
    Ok(Json(diff(&before, &after)))
}

/// Puts the values that a job took from its version beside those that it was given, so that both are compared.
async fn say_defaults(ctx: &Ctx, view: &mut JobView) {
    let Some(submission) = &mut view.submission else { return };
    // A version that cannot be read now leaves only what was given, which is true as well.
    let Ok(frozen) = ctx.frozen(submission.version).await else { return };
    for (name, variable) in &frozen.preset.variables {
        submission.variables.entry(name.clone()).or_insert_with(|| variable.value.clone());
    }
}

/// Reads the lists that are kept in different chunks into place, so that they are compared by value.
async fn read_unequal(ctx: &Ctx, one: (JobId, &mut JobView), two: (JobId, &mut JobView)) -> Result<(), Problem> {
    for (run, before) in &mut one.1.runs {
        let Some(after) = two.1.runs.get_mut(run) else { continue };
        for (port, first) in &mut before.ports {
            let Some(second) = after.ports.get_mut(port) else { continue };
            let (first, second) = (&mut first.items, &mut second.items);
            let both_inline = matches!((&*first, &*second), (List::Inline(_), List::Inline(_)));
            if both_inline || first == second || first.len().max(second.len()) > DIFF_ITEMS_MAX {
                continue;
            }
            for (job, list) in [(one.0, first), (two.0, second)] {
                let whole = std::slice::from_ref(&*list);
                *list = List::Inline(history::page(ctx, job, whole, 0, DIFF_ITEMS_MAX as usize).await?);
            }
        }
    }
    Ok(())
}

async fn forget(
    State(ctx): State<Ctx>, permit: Permit<Runner>, Path(job): Path<JobId>,
) -> Result<(StatusCode, Json<Started>), Problem> {
    let summary = history::summary(&ctx, job).await?;
    if !summary.state.has_ended() {
        return Err(Problem::conflict("not-ended", format!("job {job} has not ended, it is {}", summary.state.word()))
            .hint(format!("cancel it first: POST /api/v1/jobs/{job}/cancel"))
            .job(job));
    }
    ctx.command(&permit, Command::DeleteJob(job)).await?;
    Ok((StatusCode::ACCEPTED, Json(Started { job, version: None })))
}
