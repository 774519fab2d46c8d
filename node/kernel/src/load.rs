//! A job taken up again from what the store holds: after a restart, when a wait is over, when a signal comes.

use std::collections::HashMap;
use std::sync::Arc;

use flowork_ports::component::Items;
use flowork_ports::store::{Error, Shard, Stored};
use flowork_protocol::event::{AfterFailure, Event, What, decode};
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::{Item, List};
use flowork_protocol::job::State;
use flowork_protocol::plan::{ERROR_PORT, LOOP_BODY};
use flowork_protocol::{Failure, JobId};

use crate::call;
use crate::history::{Held, PortData, RunData};
use crate::machine::{Input, Key};
use crate::task::{Context, Task};

/// How many chunks are read at once.
const CHUNKS_AT_ONCE: usize = 64;

/// Why a job cannot be taken up again.
pub(crate) enum Refused {
    /// The store refuses.
    Store(Error),
    /// This kernel does not understand it: it is parked.
    Parked(String),
    /// Its version cannot be had.
    Program(Box<(flowork_protocol::command::Submission, flowork_protocol::Timestamp, u64)>),
    /// It has ended.
    Ended,
    /// It is not this kernel's to run now: its claim was undone, or it rests.
    NotRunning,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// The job where its events say it stands, with its open signals carried out.
pub(crate) async fn load(context: &Arc<Context>, shard: &Arc<dyn Shard>, job: JobId) -> Result<Task, Refused> {
    let stored = shard.load(job).await?;
    if stored.summary.state.has_ended() {
        return Err(Refused::Ended);
    }
    if stored.summary.state != State::Running {
        return Err(Refused::NotRunning);
    }
    let events = events(&stored)?;
    let Some(Event { what: What::Accepted(submission), at, .. }) = events.first() else {
        return Err(Refused::Parked("its first event is missing; restore the shard from a backup".to_owned()));
    };
    let last_seq = events.last().map_or(0, |event| event.seq);
    let program = context
        .programs
        .get(submission.version)
        .await
        .map_err(|_| Refused::Program(Box::new((submission.as_ref().clone(), *at, last_seq))))?;
    let mut task =
        Task::new(context.clone(), shard.clone(), Arc::new(submission.as_ref().clone()), *at, program, last_seq);
    let failed = fold(&mut task, &events[1..]);
    materialise(&mut task).await?;
    for (key, error) in failed {
        let items = call::error_items(&task.history.inputs(&key), &error);
        task.history.put(key, RunData { ports: vec![port(ERROR_PORT, Held::Here(Arc::new(items)))] });
    }
    if task.machine.has_begun() {
        task.decide(Input::Recovered);
    }
    for (number, signal) in stored.signals {
        task.journal.extra.signals_done.push(number);
        task.decide(Input::Signal(signal));
    }
    Ok(task)
}

fn events(stored: &Stored) -> Result<Vec<Event>, Refused> {
    let mut events = Vec::new();
    for batch in &stored.batches {
        events.extend(decode(batch).map_err(|error| Refused::Parked(error.to_string()))?);
    }
    Ok(events)
}

fn port(name: &str, items: Held) -> PortData {
    PortData { name: name.to_owned(), items, pairs: flowork_protocol::event::Pairing::None }
}

/// Folds events into machine and history. Gives the runs whose input went out of their error port.
fn fold(task: &mut Task, events: &[Event]) -> Vec<(Key, Failure)> {
    let mut failed = Vec::new();
    for event in events {
        let key = flowork_protocol::view::run_of(&event.what).and_then(|run| task.machine.key(run));
        match (&event.what, key) {
            (What::Started { presets }, _) => task.presets = presets.clone(),
            (What::StepSucceeded(result), Some(key)) => {
                let ports = result.ports.iter().map(|(name, given)| PortData {
                    name: name.clone(),
                    items: Held::Stored(given.items.clone()),
                    pairs: given.pairs.clone(),
                });
                task.history.put(key, RunData { ports: ports.collect() });
            }
            (What::StepFailed { error, then: AfterFailure::ErrorPort, .. }, Some(key)) => {
                failed.push((key, error.clone()));
            }
            (What::LoopRound { round, items, .. }, Some(key)) => {
                task.history
                    .put(key.batch(*round), RunData { ports: vec![port(LOOP_BODY, Held::Stored(items.clone()))] });
                task.history.forget_rounds(&key, *round);
                failed.retain(|(it, _): &(Key, Failure)| task.history.keeps(it, &key, *round));
            }
            _ => {}
        }
        task.machine.apply(&event.what);
    }
    failed
}

/// Brings every stored list that may still be needed into memory.
async fn materialise(task: &mut Task) -> Result<(), Refused> {
    let mut chunks: HashMap<ChunkId, Vec<Arc<Item>>> = HashMap::new();
    for key in task.history.stored_runs() {
        let Some(data) = task.history.get(&key) else { continue };
        let mut ports = Vec::with_capacity(data.ports.len());
        for it in &data.ports {
            let items = match &it.items {
                Held::Here(items) => items.clone(),
                Held::Stored(list) => {
                    let items = read(task.shard.as_ref(), task.job, list, &mut chunks).await?;
                    for (id, items) in &chunks {
                        task.packer.placed_at(*id, items);
                    }
                    items
                }
            };
            ports.push(PortData { name: it.name.clone(), items: Held::Here(items), pairs: it.pairs.clone() });
        }
        task.history.put(key, RunData { ports });
    }
    Ok(())
}

/// The items of a list. Chunks that were read stay in `chunks`, so that lists share their items.
pub(crate) async fn read(
    shard: &dyn Shard, job: JobId, list: &List, chunks: &mut HashMap<ChunkId, Vec<Arc<Item>>>,
) -> Result<Items, Refused> {
    let list = match list {
        List::Inline(items) => return Ok(Arc::new(items.clone())),
        List::Chunked(list) => list,
    };
    let missing: Vec<ChunkId> = list.chunks.iter().filter(|id| !chunks.contains_key(id)).copied().collect();
    for ids in missing.chunks(CHUNKS_AT_ONCE) {
        for (id, bytes) in shard.chunks(job, ids.to_vec()).await? {
            let items: Vec<Arc<Item>> = serde_json::from_slice(&bytes)
                .map_err(|error| Refused::Parked(format!("a chunk of its items does not read: {error}")))?;
            chunks.insert(id, items);
        }
    }
    let mut items = Vec::with_capacity(usize::try_from(list.len).unwrap_or(0));
    for (chunk, first, len) in &list.runs {
        let slice = list
            .chunks
            .get(*chunk as usize)
            .and_then(|id| chunks.get(id))
            .and_then(|chunk| chunk.get(*first as usize..(*first as usize).checked_add(*len as usize)?))
            .ok_or_else(|| {
                Refused::Parked("items of an earlier step are missing; restore the shard from a backup".to_owned())
            })?;
        items.extend(slice.iter().cloned());
    }
    Ok(Arc::new(items))
}
