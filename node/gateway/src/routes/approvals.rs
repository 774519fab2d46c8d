//! What waits for a person's answer.

use axum::extract::State;
use axum::http::Method;
use flowork_ports::store::Query as JobQuery;
use flowork_protocol::command::Role;
use flowork_protocol::event::{Run, Wait};
use flowork_protocol::job::State as JobState;
use flowork_protocol::{JobId, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::{Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::Json;
use crate::history;
use crate::problem::Problem;

/// How many open jobs are looked through, newest first.
const JOBS_MAX: usize = 500;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/approvals", Role::Viewer, "What waits for a person's answer.", list)
            .reply::<Approvals>(200, "The approvals, newest job first."),
    ]
}

/// What waits for a person's answer.
#[derive(Debug, Serialize, JsonSchema)]
struct Approvals {
    /// The approvals.
    approvals: Vec<Approval>,
    /// Whether there are more open jobs than were looked through.
    more: bool,
}

/// One question to a person.
#[derive(Debug, Serialize, JsonSchema)]
struct Approval {
    /// The job that asks.
    job: JobId,
    /// Its preset's name.
    preset: String,
    /// The run that asks.
    run: Run,
    /// What is asked.
    title: String,
    /// What will happen on yes, and what is at stake.
    message: String,
    /// Since when.
    since: Timestamp,
    /// When it stops waiting.
    expires_at: Option<Timestamp>,
    /// What counts then: true is yes.
    on_expiry: bool,
}
/// What is at stake when a step that a crash cut off is to run again.
const RERUN_MESSAGE: &str = "The node was stopped while the step ran, so nobody saw whether it acted. Look at what it acts on: \
yes runs it again, no lets it count as failed.";

fn rerun_title(run: &Run, attempt: u32) -> String {
    format!("Run `{run}` again? Try {attempt} was cut off")
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Approvals>, Problem> {
    let states = vec![JobState::Waiting, JobState::Running, JobState::Paused];
    let page = ctx.options.reader.jobs(&JobQuery { states, limit: JOBS_MAX, ..JobQuery::default() }).await?;
    let mut approvals = Vec::new();
    for summary in &page.jobs {
        let view = history::view(&ctx, summary, None).await?;
        for (run, state) in view.runs_in_order() {
            let (title, message, expires_at, on_expiry) = match &state.wait {
                Some(Wait::Approval { title, message, expires_at, on_expiry }) => {
                    (title.clone(), message.clone(), *expires_at, *on_expiry)
                }
                Some(Wait::Rerun { attempt }) => (rerun_title(run, *attempt), RERUN_MESSAGE.to_owned(), None, false),
                _ => continue,
            };
            approvals.push(Approval {
                job: summary.id,
                preset: summary.name.clone(),
                run: run.clone(),
                title,
                message,
                since: state.changed_at,
                expires_at,
                on_expiry,
            });
        }
    }
    Ok(Json(Approvals { approvals, more: page.next.is_some() }))
}
