//! Live feeds: the events of one job, and what changes on the whole node.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::sse::{Event as Sent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use flowork_ports::bell::Ring;
use flowork_ports::store::Query as JobQuery;
use flowork_protocol::JobId;
use flowork_protocol::command::Role;
use flowork_protocol::event::Event;
use flowork_protocol::job::{State as JobState, Summary};
use futures::stream::{self, Stream, StreamExt as _};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::access::{Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path, Query};
use crate::feed::FEEDS_MAX;
use crate::history;
use crate::problem::Problem;

/// How many events one answer holds unless it is said.
const EVENTS_DEFAULT: usize = 1_000;
/// The most events that one answer holds.
const EVENTS_MAX: usize = 10_000;
/// How often an idle feed shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the node's feed looks at most.
const NODE_PAUSE: Duration = Duration::from_millis(200);
/// How many of the newest jobs the node's feed watches.
const NODE_JOBS: usize = 200;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/api/v1/jobs/{job}/events",
            Role::Viewer,
            "Events of a job after a number; live with `Accept: text/event-stream`.",
            of_job,
        )
        .query::<After>()
        .reply::<Vec<Event>>(200, "The events in order; as a feed, one message each with its number as id.")
        .reply_as(204, "The feed has nothing more to give: the job has ended.", "text/plain"),
        Route::new(
            Method::GET,
            "/api/v1/events",
            Role::Viewer,
            "A feed of what changes on the node: messages `job` (a job's line), `node` and `documents`.",
            of_node,
        )
        .reply_as(200, "The feed.", "text/event-stream"),
    ]
}

/// Where the events start.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct After {
    /// The number of the last event that is known already. A feed takes the header `Last-Event-ID` first.
    after: u64,
    /// At most about so many; 1000 unless said. Not for feeds.
    max: Option<usize>,
}

async fn of_job(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(job): Path<JobId>, Query(ask): Query<After>, headers: HeaderMap,
) -> Result<Response, Problem> {
    let summary = history::summary(&ctx, job).await?;
    let wants = |kind: &str| {
        headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains(kind))
    };
    if !wants("text/event-stream") {
        let max = ask.max.unwrap_or(EVENTS_DEFAULT).clamp(1, EVENTS_MAX);
        return Ok(Json(ctx.options.reader.events(job, ask.after, max).await?).into_response());
    }
    let after = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.trim().parse().ok()).unwrap_or(ask.after);
    if summary.state.has_ended() && after >= summary.last_seq {
        // The one answer that stops a browser from connecting again.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let room = room(&ctx)?;
    let follower = ctx.followers.follow(job, after);
    let events = stream::unfold(Some((follower, room)), |state| async move {
        let (mut follower, room) = state?;
        match follower.next().await {
            Ok(Some(event)) => Some((message(&event), Some((follower, room)))),
            Ok(None) => None,
            // The client resumes from the last number that it saw.
            Err(error) => Some((Ok(trouble(&error.into())), None)),
        }
    });
    Ok(feed(&ctx, events))
}

fn message(event: &Event) -> Result<Sent, Infallible> {
    let sent = Sent::default().id(event.seq.to_string()).event("event");
    Ok(sent.json_data(event).unwrap_or_else(|error| Sent::default().event("problem").data(error.to_string())))
}

fn trouble(problem: &Problem) -> Sent {
    Sent::default().event("problem").data(problem.detail().replace(['\r', '\n'], " "))
}

pub(super) fn room(ctx: &Ctx) -> Result<OwnedSemaphorePermit, Problem> {
    ctx.feed_room.clone().try_acquire_owned().map_err(|_| Problem::flooded("feeds", FEEDS_MAX))
}

pub(super) fn feed(ctx: &Ctx, events: impl Stream<Item = Result<Sent, Infallible>> + Send + 'static) -> Response {
    let until = ctx.cancel.clone().cancelled_owned();
    // A browser has no answer before its first bytes come, and a quiet feed may have nothing to say for long.
    let hello = stream::once(std::future::ready(Ok(Sent::default().comment("hello"))));
    Sse::new(hello.chain(events.take_until(until))).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

/// One feed of the whole node.
struct Watch {
    ctx: Ctx,
    rings: Receiver<Ring>,
    known: HashMap<JobId, (JobState, u64)>,
    pending: Vec<Sent>,
    is_first: bool,
    _room: OwnedSemaphorePermit,
}

async fn of_node(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Response, Problem> {
    let rings = ctx.options.bell.listen();
    let room = room(&ctx)?;
    let watch =
        Watch { rings, known: HashMap::new(), pending: Vec::new(), is_first: true, _room: room, ctx: ctx.clone() };
    let events = stream::unfold(watch, |mut watch| async move {
        let sent = watch.next().await;
        Some((Ok(sent), watch))
    });
    Ok(feed(&ctx, events))
}

impl Watch {
    async fn next(&mut self) -> Sent {
        loop {
            if let Some(sent) = self.pending.pop() {
                return sent;
            }
            if std::mem::take(&mut self.is_first) {
                self.look_at_jobs().await;
                continue;
            }
            let mut rings = vec![self.rings.recv().await];
            tokio::time::sleep(NODE_PAUSE).await;
            loop {
                match self.rings.try_recv() {
                    Ok(ring) => rings.push(Ok(ring)),
                    Err(TryRecvError::Lagged(missed)) => rings.push(Err(RecvError::Lagged(missed))),
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            let any = |is: fn(&Ring) -> bool| rings.iter().any(|ring| ring.as_ref().map_or(true, is));
            if any(|ring| matches!(ring, Ring::Node)) {
                self.pending.push(Sent::default().event("node").data("{}"));
            }
            if any(|ring| matches!(ring, Ring::Documents)) {
                self.pending.push(Sent::default().event("documents").data("{}"));
            }
            if any(|ring| matches!(ring, Ring::Shard(..) | Ring::Inbox(_))) {
                self.look_at_jobs().await;
            }
        }
    }

    /// Reads the newest jobs and tells of those that are not as they were.
    async fn look_at_jobs(&mut self) {
        let query = JobQuery { limit: NODE_JOBS, ..JobQuery::default() };
        let page = match self.ctx.options.reader.jobs(&query).await {
            Ok(page) => page,
            Err(error) => {
                self.pending.push(trouble(&error.into()));
                return;
            }
        };
        let before = std::mem::take(&mut self.known);
        // Newest first in the page, and taken from the end: the oldest change is told first.
        for job in page.jobs {
            let now = (job.state, job.last_seq);
            if before.get(&job.id) != Some(&now) {
                self.pending.push(line(&job));
            }
            self.known.insert(job.id, now);
        }
    }
}

fn line(job: &Summary) -> Sent {
    Sent::default()
        .event("job")
        .json_data(job)
        .unwrap_or_else(|error| Sent::default().event("problem").data(error.to_string()))
}
