//! Going on from a step of another job: what came before it keeps its results, as events of the new job.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use flowork_ports::component::{Given, Output};
use flowork_ports::store::Error;
use flowork_protocol::command::Replay;
use flowork_protocol::event::{AfterFailure, Event, Source, StepResult, What};
use flowork_protocol::plan::Plan;
use flowork_protocol::{Failure, StepId};

use crate::call::{self, Meta};
use crate::child::shared;
use crate::load::{Refused, read};
use crate::machine::{Input, Key};
use crate::task::{Context, Task};

/// Records the kept results of the job that `task` replays. What cannot be kept fails the new job and says why.
pub(crate) async fn keep(task: &mut Task) -> Result<(), Error> {
    let Some(replay) = task.submission.replay.clone() else { return Ok(()) };
    match kept_events(task, &replay).await {
        Ok(events) => {
            for event in events {
                keep_one(task, &replay, &event).await?;
                task.spill().await?;
            }
            Ok(())
        }
        Err(Refused::Store(error @ Error::NoJob(_))) => {
            fail(task, &format!("the job to replay is gone: {error}"));
            Ok(())
        }
        Err(Refused::Store(error)) => Err(error),
        Err(Refused::Parked(why)) => {
            fail(task, &why);
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

fn fail(task: &mut Task, why: &str) {
    let reason = format!("cannot replay: {why}");
    task.decide(Input::Signal(flowork_protocol::command::Signal::Cancel { reason }));
}

/// The vertices whose results are computed anew.
fn fresh(plan: &Plan, replay: &Replay) -> BTreeSet<usize> {
    let Some(from) = &replay.from else {
        return match replay.edits.is_empty() {
            true => (0..plan.vertices.len()).collect(),
            false => edited_successors(plan, replay),
        };
    };
    let Some(mut from) = plan.vertex(from) else { return (0..plan.vertices.len()).collect() };
    // A step inside a loop is run again with the whole loop.
    if let Some(head) = plan.vertices[from].scope.first() {
        from = *head;
    }
    let mut fresh = plan.downstream(from);
    fresh.extend(edited_successors(plan, replay));
    fresh
}

fn edited_successors(plan: &Plan, replay: &Replay) -> BTreeSet<usize> {
    let edited: Vec<usize> = replay.edits.keys().filter_map(|id| plan.vertex(id)).collect();
    let mut after: BTreeSet<usize> = BTreeSet::new();
    for vertex in &edited {
        after.extend(plan.downstream(*vertex));
    }
    // The edited steps themselves give what the person wrote.
    edited.iter().for_each(|vertex| {
        after.remove(vertex);
    });
    after
}

async fn kept_events(task: &mut Task, replay: &Replay) -> Result<Vec<Event>, Refused> {
    let shard = task.context.shards.get(&replay.origin.shard().0).cloned().ok_or_else(|| {
        Refused::Parked(format!("shard {} of the job to replay is out of order", replay.origin.shard()))
    })?;
    let mut events = crate::fold::events(&shard.history(replay.origin).await?, 0)?;
    let plan = task.program.plan();
    let fresh = fresh(plan, replay);
    let is_kept = |event: &Event| {
        let run = match &event.what {
            What::StepSucceeded(result) => &result.run,
            What::StepFailed { run, then: AfterFailure::Continue | AfterFailure::ErrorPort, .. } => run,
            _ => return false,
        };
        run.rounds.is_empty()
            && plan
                .vertex(&run.step)
                .is_some_and(|vertex| !fresh.contains(&vertex) && plan.vertices[vertex].scope.is_empty())
    };
    events.retain(is_kept);
    Ok(events)
}

async fn keep_one(task: &mut Task, replay: &Replay, event: &Event) -> Result<(), Error> {
    match &event.what {
        What::StepSucceeded(result) => {
            let Some(vertex) = task.program.plan().vertex(&result.run.step) else { return Ok(()) };
            let key = Key::once(vertex);
            let output = match output(&task.context.clone(), replay, result).await {
                Ok(output) => output,
                Err(Refused::Store(error)) => return Err(error),
                Err(_) => {
                    fail(task, "items of the job to replay cannot be read");
                    return Ok(());
                }
            };
            let source = match replay.edits.contains_key(&result.run.step) {
                true => Source::Edited,
                false => Source::Kept(replay.origin),
            };
            let meta = Meta {
                items_in: result.items_in,
                now: result.now,
                seed: result.seed,
                took: std::time::Duration::from_micros(result.took_us),
                secrets: Arc::default(),
            };
            let note = result.note.clone();
            task.output(key, result.attempt, output, &meta, |mut kept| {
                kept.note = note;
                call::marked(kept, source)
            });
        }
        What::StepFailed { run, attempt, error, .. } => {
            if let Some(vertex) = task.program.plan().vertex(&run.step) {
                let error = Failure { retryable: false, ..error.clone() };
                task.keep_failure(Key::once(vertex), *attempt, error);
            }
        }
        _ => {}
    }
    Ok(())
}

async fn output(context: &Context, replay: &Replay, result: &StepResult) -> Result<Output, Refused> {
    let none: BTreeMap<String, Vec<flowork_protocol::Item>> = BTreeMap::new();
    let edits = replay.edits.get::<StepId>(&result.run.step).unwrap_or(&none);
    let mut output = Output { response: result.response.clone(), ..Output::default() };
    let Some(shard) = context.shards.get(&replay.origin.shard().0) else { return Ok(output) };
    let mut chunks = HashMap::new();
    for (name, given) in &result.ports {
        if !edits.contains_key(name) {
            let items = read(shard.as_ref(), replay.origin, &given.items, &mut chunks).await?;
            output.ports.push((name.clone(), Given { items: items.as_ref().clone(), pairs: given.pairs.clone() }));
        }
    }
    for (name, items) in edits {
        output = output.and(name, shared(items.clone()).as_ref().clone(), flowork_protocol::event::Pairing::None);
    }
    Ok(output)
}
