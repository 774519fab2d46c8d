//! What a job's events make of it, and the checkpoints that keep this so that not all events have to be read again.
//!
//! A checkpoint is the fold of a job's first events and nothing else: who has one and the events after it stands where one
//! stands who has all events. One that is damaged, or of a form that this kernel does not know, is passed over; the events
//! are all there.

use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::store::{Shard, Stored};
use flowork_protocol::command::Submission;
use flowork_protocol::event::{AfterFailure, Event, Pairing, Run, What, decode};
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::{Item, List};
use flowork_protocol::plan::LOOP_BODY;
use flowork_protocol::{Failure, JobId, VersionId};
use serde::{Deserialize, Serialize};

use crate::history::{History, Origin, PortData, RunData};
use crate::load::Refused;
use crate::machine::{self, Key, Machine};
use crate::memory::Gauge;
use crate::program::Program;

/// The form of checkpoints. To be raised with every change of what a fold holds or how events are folded.
const VERSION: u32 = 1;
/// How many items a manual run without input is given.
const EMPTY_INPUT_ITEMS: usize = 1;

/// What the events so far say.
pub(crate) struct Fold {
    pub(crate) machine: Machine,
    pub(crate) history: History,
    pub(crate) presets: BTreeMap<String, VersionId>,
}

/// A fold as a checkpoint holds it.
#[derive(Serialize, Deserialize)]
struct Saved {
    machine: machine::Saved,
    runs: Vec<(Run, Vec<SavedPort>)>,
    presets: BTreeMap<String, VersionId>,
}

#[derive(Serialize, Deserialize)]
struct SavedPort {
    name: String,
    len: usize,
    from: SavedOrigin,
    pairs: Pairing,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedOrigin {
    List(List),
    Failed(Box<Failure>),
}

impl Fold {
    /// Of a job's first event alone.
    pub(crate) fn new(program: Arc<Program>, submission: &Submission, gauge: Gauge) -> Self {
        let mut input: Vec<Arc<Item>> = submission.input.iter().cloned().map(Arc::new).collect();
        if input.is_empty() {
            let nothing = Item::json(serde_json::Value::Object(serde_json::Map::new()));
            input.resize(EMPTY_INPUT_ITEMS, Arc::new(nothing));
        }
        let mut machine = Machine::new(program.rules.clone());
        machine.accept(submission);
        Self { machine, history: History::new(program, Arc::new(input), gauge), presets: BTreeMap::new() }
    }

    /// Folds one event.
    pub(crate) fn apply(&mut self, what: &What) {
        let key = flowork_protocol::view::run_of(what).and_then(|run| self.machine.key(run));
        match (what, key) {
            (What::Started { presets }, _) => self.presets = presets.clone(),
            (What::StepSucceeded(result), Some(key)) => {
                let port = |(name, given): (&String, &flowork_protocol::event::Emitted)| {
                    PortData::stored(name.clone(), given.items.clone(), given.pairs.clone())
                };
                if self.history.is_loop(&key) {
                    self.history.forget_inside(&key);
                }
                self.history.put(key, RunData { ports: result.ports.iter().map(port).collect() });
            }
            (What::StepFailed { error, then: AfterFailure::ErrorPort, .. }, Some(key)) => {
                let len = usize::try_from(self.machine.items_in(&key)).unwrap_or(usize::MAX);
                self.history.put(key, RunData::of(PortData::failed(error.clone(), len)));
            }
            (What::LoopRound { round, items, .. }, Some(key)) => {
                self.history.forget_rounds(&key, *round);
                let batch = PortData::stored(LOOP_BODY.to_owned(), items.clone(), Pairing::None);
                self.history.put(key.batch(*round), RunData::of(batch));
            }
            _ => {}
        }
        self.machine.apply(what);
    }

    /// As a checkpoint.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(crate) fn save(&self) -> Result<Vec<u8>, serde_json::Error> {
        let port = |port: &PortData| SavedPort {
            name: port.name.clone(),
            len: port.len(),
            from: match &port.origin {
                Origin::List(list) => SavedOrigin::List(list.clone()),
                Origin::Failed(error) => SavedOrigin::Failed(error.clone()),
            },
            pairs: port.pairs.clone(),
        };
        let run = |(key, data): (Key, Arc<RunData>)| (self.machine.run(&key), data.ports.iter().map(port).collect());
        let saved = Saved {
            machine: self.machine.save(),
            runs: self.history.all().into_iter().map(run).collect(),
            presets: self.presets.clone(),
        };
        let body = serde_json::to_vec(&(VERSION, saved))?;
        // A bit that flips on the disk must not become another state of the job.
        Ok([&ChunkId::of(&body).0[..], &body].concat())
    }

    /// Puts the state of a checkpoint in the place of this one. False, and nothing has changed, when it is not one that can
    /// be used.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> bool {
        let Some((sum, body)) = bytes.split_at_checked(size_of::<ChunkId>()) else { return false };
        if ChunkId::of(body).0 != sum {
            return false;
        }
        let Ok((VERSION, saved)) = serde_json::from_slice::<(u32, Saved)>(body) else { return false };
        let Some(machine) = Machine::restore(self.machine.rules(), saved.machine) else { return false };
        let mut runs = Vec::with_capacity(saved.runs.len());
        for (run, ports) in saved.runs {
            let Some(key) = self.machine.key_or_batch(&run) else { return false };
            let port = |port: SavedPort| match port.from {
                SavedOrigin::List(list) => PortData::stored(port.name, list, port.pairs),
                SavedOrigin::Failed(error) => PortData::failed(*error, port.len),
            };
            runs.push((key, RunData { ports: ports.into_iter().map(port).collect() }));
        }
        runs.into_iter().for_each(|(key, data)| self.history.put(key, data));
        (self.machine, self.presets) = (machine, saved.presets);
        true
    }
}

/// The events in these batches, those after `after` only.
pub(crate) fn events(batches: &[Vec<u8>], after: u64) -> Result<Vec<Event>, Refused> {
    let mut events = Vec::new();
    for batch in batches {
        let batch = decode(batch).map_err(|error| Refused::Parked(error.to_string()))?;
        events.extend(batch.into_iter().filter(|event| event.seq > after));
    }
    Ok(events)
}

/// The fold of everything that is stored of a job, and the length of the checkpoint that helped.
pub(crate) async fn fold(
    shard: &dyn Shard, job: JobId, stored: &Stored, mut fold: Fold,
) -> Result<(Fold, Option<(u64, usize)>), Refused> {
    if let Some((seq, bytes)) = &stored.checkpoint {
        if fold.restore(bytes) {
            events(&stored.batches, *seq)?.iter().for_each(|event| fold.apply(&event.what));
            return Ok((fold, Some((*seq, bytes.len()))));
        }
        tracing::warn!(%job, seq, "a checkpoint cannot be used; all events are read instead");
        let all = shard.history(job).await?;
        events(&all, 1)?.iter().for_each(|event| fold.apply(&event.what));
        return Ok((fold, None));
    }
    events(&stored.batches, 1)?.iter().for_each(|event| fold.apply(&event.what));
    Ok((fold, None))
}

/// How many events lie between two checkpoints at least.
pub(crate) const CHECKPOINT_EVERY: u64 = 256;
/// What an event takes on disk, about. A checkpoint is made when the events since the last take as much as that one did: so
/// what is written for checkpoints stays in proportion to the events, however much a job has to remember.
const EVENT_BYTES: u64 = 256;

/// The event after which the next checkpoint is due, when the last was made after event `seq` and took `bytes`.
pub(crate) fn next_checkpoint(seq: u64, bytes: usize) -> u64 {
    seq + CHECKPOINT_EVERY.max(bytes as u64 / EVENT_BYTES)
}

/// Makes the checkpoints of one job, from what is on disk: exactly what a later kernel would read.
#[derive(Clone)]
pub(crate) struct Checkpointer {
    pub(crate) shard: Arc<dyn Shard>,
    pub(crate) program: Arc<Program>,
    pub(crate) submission: Arc<Submission>,
}

impl Checkpointer {
    /// The checkpoint after `batch`, which comes right after everything that is on disk. None when it cannot be made now.
    pub(crate) async fn make(&self, batch: &[u8]) -> Option<Vec<u8>> {
        let job = self.submission.job;
        let made = async {
            let stored = self.shard.load(job).await?;
            let begin = Fold::new(self.program.clone(), &self.submission, Gauge::default());
            let (mut fold, _) = fold(self.shard.as_ref(), job, &stored, begin).await?;
            for event in decode(batch).map_err(|error| Refused::Parked(error.to_string()))? {
                fold.apply(&event.what);
            }
            fold.save().map_err(|error| Refused::Parked(error.to_string()))
        };
        match made.await {
            Ok(bytes) => Some(bytes),
            Err(refused) => {
                tracing::warn!(%job, %refused, "no checkpoint can be made now");
                None
            }
        }
    }
}
