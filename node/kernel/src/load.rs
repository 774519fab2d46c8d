//! A job taken up again from what the store holds: after a restart, when a wait is over, when a signal comes.

use std::collections::HashMap;
use std::sync::Arc;

use flowork_ports::component::Items;
use flowork_ports::store::{Error, Shard};
use flowork_protocol::JobId;
use flowork_protocol::event::{Event, What};
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::{Item, List};
use flowork_protocol::job::State;

use crate::fold::{self, Fold};
use crate::machine::Input;
use crate::memory::Gauge;
use crate::task::{Context, Task};

/// How many chunks are read at once.
const CHUNKS_AT_ONCE: usize = 64;

/// Why a job cannot be taken up again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] Error),
    /// This kernel does not understand it: it is parked.
    #[error("{0}")]
    Parked(String),
    /// Its version cannot be had.
    #[error("its version cannot be had")]
    Program(Box<(flowork_protocol::command::Submission, flowork_protocol::Timestamp, u64)>),
    /// It has ended.
    #[error("it has ended")]
    Ended,
    /// It is not this kernel's to run now: its claim was undone, or it rests.
    #[error("it is not to run now")]
    NotRunning,
}

/// The job where its events say it stands, with its open signals carried out. Items stay on disk until a step needs them.
pub(crate) async fn load(context: &Arc<Context>, shard: &Arc<dyn Shard>, job: JobId) -> Result<Task, Refused> {
    let stored = shard.load(job).await?;
    if stored.summary.state.has_ended() {
        return Err(Refused::Ended);
    }
    if stored.summary.state != State::Running {
        return Err(Refused::NotRunning);
    }
    let first = stored.batches.first().map(std::slice::from_ref).unwrap_or_default();
    let first = fold::events(first, 0)?;
    let Some(Event { what: What::Accepted(submission), at, .. }) = first.first() else {
        return Err(Refused::Parked("its first event is missing; restore the shard from a backup".to_owned()));
    };
    let last_seq = stored.summary.last_seq;
    let program = context
        .programs
        .get(submission.version)
        .await
        .map_err(|_| Refused::Program(Box::new((submission.as_ref().clone(), *at, last_seq))))?;
    let submission = Arc::new(submission.as_ref().clone());
    let begin = Fold::new(program.clone(), &submission, Gauge::new(context.memory.clone()));
    let (folded, checkpoint) = fold::fold(shard.as_ref(), job, &stored, begin).await?;
    let mut task = Task::new(context.clone(), shard.clone(), submission, *at, program, last_seq).standing(folded);
    task.journal.last_checkpoint(checkpoint);
    if task.machine.has_begun() {
        task.decide(Input::Recovered);
    }
    for (number, signal) in stored.signals {
        task.journal.extra.signals_done.push(number);
        task.decide(Input::Signal(signal));
    }
    Ok(task)
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
