//! Reading a job: its view at an event, its lists of items, what went into a run.

use std::sync::Arc;

use axum::http::StatusCode;
use flowork_ports::documents::FrozenPreset;
use flowork_ports::list;
use flowork_protocol::event::{AfterFailure, Run};
use flowork_protocol::item::{Chunked, List};
use flowork_protocol::job::Summary;
use flowork_protocol::plan::{ERROR_PORT, LOOP_BACK, LOOP_BODY, Plan};
use flowork_protocol::view::JobView;
use flowork_protocol::{Item, JobId};

use crate::context::Ctx;
use crate::problem::Problem;

/// How many events are read at once.
const EVENTS_PAGE: usize = 1_000;
/// The most bytes of JSON that one page of items holds, counted by whole chunks.
const PAGE_BYTES_MAX: usize = 64 << 20;
/// How many items of a list an overview shows.
const OVERVIEW_ITEMS_MAX: usize = 20;
/// How large the JSON of a list may be to stand in an overview.
const OVERVIEW_BYTES_MAX: usize = 16 << 10;

/// One job's row, or 404.
pub(crate) async fn summary(ctx: &Ctx, job: JobId) -> Result<Summary, Problem> {
    ctx.options.reader.job(job).await?.ok_or_else(|| Problem::no_job(job))
}

/// One job's view after event `at`, or now.
pub(crate) async fn view(ctx: &Ctx, summary: &Summary, at: Option<u64>) -> Result<JobView, Problem> {
    let mut view = JobView { job: Some(summary.id), accepted_at: Some(summary.accepted_at), ..JobView::default() };
    let last = at.unwrap_or(u64::MAX);
    while view.last_seq < last {
        let events = ctx.options.reader.events(summary.id, view.last_seq, EVENTS_PAGE).await?;
        let before = view.last_seq;
        events.iter().take_while(|event| event.seq <= last).for_each(|event| view.apply(event));
        if view.last_seq == before || view.state().has_ended() {
            break;
        }
    }
    Ok(view)
}

/// The view with large lists left out: they keep their length, and `…/items` gives them page by page.
pub(crate) fn overview(mut view: JobView) -> JobView {
    let brief = |list: &mut List| {
        if let List::Inline(items) = list
            && (items.len() > OVERVIEW_ITEMS_MAX || bytes_of(items) > OVERVIEW_BYTES_MAX)
        {
            let len = items.len() as u64;
            *list = List::Chunked(Chunked { chunks: Vec::new(), runs: Vec::new(), len });
        }
    };
    view.output.values_mut().for_each(brief);
    for run in view.runs.values_mut() {
        run.ports.values_mut().for_each(|emitted| {
            brief(&mut emitted.items);
            emitted.pairs = flowork_protocol::event::Pairing::None;
        });
        run.rounds.values_mut().for_each(brief);
    }
    if let Some(submission) = &mut view.submission
        && serde_json::to_vec(&submission.input).map_or(usize::MAX, |text| text.len()) > OVERVIEW_BYTES_MAX
    {
        submission.input.clear();
    }
    view
}

fn bytes_of(items: &[Arc<Item>]) -> usize {
    serde_json::to_vec(items).map_or(usize::MAX, |text| text.len())
}

/// Items `offset .. offset + limit` of several lists read as one.
pub(crate) async fn page(
    ctx: &Ctx, job: JobId, lists: &[List], mut offset: u64, limit: usize,
) -> Result<Vec<Arc<Item>>, Problem> {
    let mut items = Vec::new();
    for list in lists {
        let room = limit - items.len();
        if room == 0 {
            break;
        }
        if offset < list.len() {
            let part = list::slice(&*ctx.options.reader, job, list, offset, room, PAGE_BYTES_MAX).await;
            items.extend(part.map_err(|error| unreadable(job, error))?);
        }
        offset = offset.saturating_sub(list.len());
    }
    Ok(items)
}

/// A list that cannot be read, as an answer.
fn unreadable(job: JobId, error: list::Error) -> Problem {
    match error {
        list::Error::Store(error) => error.into(),
        list::Error::Damaged { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "chunk-damaged", error.to_string())
                .hint("the rest of the job still reads; `flowork restore` brings the chunk back from a backup")
                .job(job)
        }
        list::Error::TooLarge(_) => {
            Problem::wrong("page-too-large", error.to_string()).hint("ask for fewer at once with `limit`")
        }
    }
}

/// What went into `run` on `port` (on all its ports when none is said), list by list in the order of the sources.
pub(crate) async fn inputs(ctx: &Ctx, view: &JobView, run: &Run, port: Option<&str>) -> Result<Vec<List>, Problem> {
    let Some(submission) = &view.submission else { return Ok(Vec::new()) };
    let FrozenPreset { preset, .. } = ctx.frozen(submission.version).await?;
    let (plan, _) = Plan::build(&preset, &*ctx.options.catalogue);
    let Some(at) = plan.vertex(&run.step) else { return Ok(Vec::new()) };
    let given = || List::Inline(submission.input.iter().cloned().map(Arc::new).collect());
    let vertex = &plan.vertices[at];
    if vertex.inputs.iter().all(|input| input.from.is_empty()) {
        return Ok(if submission.trigger.is_none() { vec![given()] } else { Vec::new() });
    }
    let mut lists = Vec::new();
    for input in vertex.inputs.iter().filter(|input| port.is_none_or(|port| input.name == port)) {
        let is_back = vertex.is_loop() && input.name == LOOP_BACK;
        for (source, output) in &input.from {
            let from = &plan.vertices[*source];
            let output = &from.outputs[*output].name;
            if from.is_trigger {
                lists.extend((submission.trigger.as_ref() == Some(&from.id)).then(given));
                continue;
            }
            let depth = from.scope.len().min(run.rounds.len());
            let outer = Run { step: from.id.clone(), rounds: run.rounds[..depth].into() };
            if from.is_loop() && output == LOOP_BODY && vertex.scope.contains(source) {
                let round = run.rounds.get(depth).copied().unwrap_or_default();
                lists.extend(view.runs.get(&outer).and_then(|head| head.rounds.get(&round)).cloned());
            } else if is_back {
                let total = view.runs.get(run).map_or(0, |head| head.rounds.len());
                for round in 0..u32::try_from(total).unwrap_or(u32::MAX) {
                    let mut inner = outer.clone();
                    inner.rounds.push(round);
                    lists.extend(given_by(view, &inner, output));
                }
            } else {
                lists.extend(given_by(view, &outer, output));
            }
        }
    }
    Ok(lists)
}

fn given_by(view: &JobView, run: &Run, port: &str) -> Option<List> {
    let run = view.runs.get(run)?;
    match run.ports.get(port) {
        Some(emitted) => Some(emitted.items.clone()),
        // A failure that went out of the error port is recorded once, as the failure; its items are the step's input with
        // the error beside them, and that is what is shown here.
        None if port == ERROR_PORT && run.after_failure == Some(AfterFailure::ErrorPort) => {
            let error = run.error.as_ref()?;
            Some(List::Inline(vec![Arc::new(Item::json(serde_json::json!({ "error": error })))]))
        }
        None => None,
    }
}
