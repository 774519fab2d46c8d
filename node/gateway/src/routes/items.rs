//! The items that went into and came out of a run, page by page.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Method;
use flowork_protocol::command::Role;
use flowork_protocol::event::Run;
use flowork_protocol::item::List;
use flowork_protocol::{Item, JobId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path, Query};
use crate::history;
use crate::problem::Problem;

/// How many items a page holds unless it is said.
const LIMIT_DEFAULT: usize = 100;
/// The most items that a page holds.
const LIMIT_MAX: usize = 1_000;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/jobs/{job}/items", Role::Viewer, "Items of a run, page by page.", list)
            .query::<Ask>()
            .reply::<Page>(200, "One page of items."),
    ]
}

/// Which items.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ask {
    /// The run, as `step` or `step[2]`.
    run: Run,
    /// The port. All input ports, or the first output port that gave something, unless said.
    port: Option<String>,
    /// What went in or what came out.
    #[serde(default)]
    side: Side,
    /// As it was after this event; the last one unless said.
    at: Option<u64>,
    /// The first item, counted from 0.
    #[serde(default)]
    offset: u64,
    /// At most so many, 1 to 1000; 100 unless said.
    limit: Option<usize>,
}

/// Which side of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Side {
    /// What went in.
    In,
    /// What came out.
    #[default]
    Out,
}

/// One page of items.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ItemPage")]
struct Page {
    /// The items.
    items: Vec<Arc<Item>>,
    /// The place of the first one.
    offset: u64,
    /// How many there are in all.
    total: u64,
}

async fn list(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(job): Path<JobId>, Query(ask): Query<Ask>,
) -> Result<Json<Page>, Problem> {
    let summary = history::summary(&ctx, job).await?;
    let view = history::view(&ctx, &summary, ask.at).await?;
    let port = ask.port.as_deref();
    let lists: Vec<List> = match ask.side {
        Side::In => history::inputs(&ctx, &view, &ask.run, port).await?,
        Side::Out => {
            let run = view.runs.get(&ask.run).ok_or_else(|| {
                Problem::missing("no-run", format!("nothing was heard of `{}` in job {job} up to there", ask.run))
                    .hint("`runs` of GET /api/v1/jobs/{job} names those that there are")
                    .job(job)
            })?;
            let emitted = match port {
                Some(port) => run.ports.get(port),
                None => run.ports.values().find(|emitted| !emitted.items.is_empty()),
            };
            emitted.map(|emitted| emitted.items.clone()).into_iter().collect()
        }
    };
    let limit = ask.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let total = lists.iter().map(List::len).sum();
    let items = history::page(&ctx, job, &lists, ask.offset, limit).await?;
    Ok(Json(Page { items, offset: ask.offset, total }))
}
