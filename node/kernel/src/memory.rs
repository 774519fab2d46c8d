//! How much of a job's items is in memory, and how they leave it and come back.
//!
//! What steps gave stays in memory as long as there is room. Past a bound a job lets go of everything that no running step
//! reads: it is on disk, and comes back when a step needs it. When all jobs of the kernel together hold more than theirs,
//! each lets go of what it can, and no further job begins.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flowork_ports::component::Items;
use flowork_ports::store::Error;
use flowork_protocol::Item;
use flowork_protocol::event::What;
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::List;
use flowork_protocol::job::State;

use crate::call;
use crate::history::{Origin, PortData, RunData, weight};
use crate::load::{Refused, read};
use crate::machine::Key;
use crate::task::Task;

/// What the steps of one job gave may take this much memory, about; what running steps read is not counted.
pub(crate) const JOB_BYTES_MAX: usize = 64 << 20;
/// The same when the kernel as a whole holds too much.
const JOB_BYTES_MIN: usize = 1 << 20;
/// What the steps of all jobs gave may take this much memory, about.
pub(crate) const KERNEL_BYTES_MAX: usize = 512 << 20;
/// Lists so small that they lie in their events may take this much of a job's memory before they too are put into chunks.
const SMALL_LISTS_BYTES_MAX: usize = 8 << 20;

/// Counts the bytes of items in memory, for one job and with it for the whole kernel.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// What can be let go of.
    large: AtomicUsize,
    /// What lies in small lists.
    small: AtomicUsize,
    kernel: Arc<AtomicUsize>,
}

impl Gauge {
    /// A gauge of one job; `kernel` counts those of all.
    pub(crate) fn new(kernel: Arc<AtomicUsize>) -> Self {
        Self { large: AtomicUsize::new(0), small: AtomicUsize::new(0), kernel }
    }

    /// Counts what is now in memory.
    pub(crate) fn add(&self, data: &RunData) {
        let (large, small) = data.bytes();
        self.large.fetch_add(large, Ordering::Relaxed);
        self.small.fetch_add(small, Ordering::Relaxed);
        self.kernel.fetch_add(large + small, Ordering::Relaxed);
    }

    /// Counts what is no longer.
    pub(crate) fn take(&self, data: &RunData) {
        let (large, small) = data.bytes();
        self.large.fetch_sub(large, Ordering::Relaxed);
        self.small.fetch_sub(small, Ordering::Relaxed);
        self.kernel.fetch_sub(large + small, Ordering::Relaxed);
    }

    pub(crate) fn large(&self) -> usize {
        self.large.load(Ordering::Relaxed)
    }

    fn small(&self) -> usize {
        self.small.load(Ordering::Relaxed)
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.kernel.fetch_sub(self.large() + self.small(), Ordering::Relaxed);
    }
}

impl Task {
    /// Brings what these runs gave into memory.
    ///
    /// # Errors
    /// When the store cannot give it. A job whose items cannot be read is parked.
    pub(crate) async fn bring(&mut self, keys: &[Key]) -> Result<(), Error> {
        let is_away = |key: &Key| self.history.get(key).is_some_and(|data| data.is_away());
        if !keys.iter().any(is_away) {
            return Ok(());
        }
        // What an error port gave is made from the input of its run, which must come first.
        let mut chunks = HashMap::new();
        let mut open: Vec<(Key, bool)> = keys.iter().map(|key| (key.clone(), false)).collect();
        while let Some((key, has_input)) = open.pop() {
            let Some(data) = self.history.get(&key).filter(|data| data.is_away()) else { continue };
            let is_failed = |port: &PortData| port.is_away() && matches!(port.origin, Origin::Failed(_));
            if !has_input && data.ports.iter().any(is_failed) {
                let feeds = self.history.feeds(&key);
                open.push((key, true));
                open.extend(feeds.into_iter().map(|key| (key, false)));
                continue;
            }
            self.bring_one(&key, &mut chunks).await?;
        }
        Ok(())
    }

    async fn bring_one(&mut self, key: &Key, chunks: &mut HashMap<ChunkId, Vec<Arc<Item>>>) -> Result<(), Error> {
        let Some(data) = self.history.get(key) else { return Ok(()) };
        for (number, port) in data.ports.iter().enumerate().filter(|(_, port)| port.is_away()) {
            let items: Items = match &port.origin {
                Origin::Failed(error) => Arc::new(call::error_items(&self.history.inputs(key), error)),
                Origin::List(list) => match read(self.shard.as_ref(), self.job, list, chunks).await {
                    Ok(items) => {
                        self.remember_places(list, &items);
                        items
                    }
                    Err(Refused::Store(error)) => return Err(error),
                    Err(refused) => return Err(self.park(refused).await),
                },
            };
            let bytes = weight(&items);
            self.history.fill(key, number, items, bytes);
        }
        Ok(())
    }

    /// So that items which steps pass on unchanged are not written again.
    fn remember_places(&mut self, list: &List, items: &[Arc<Item>]) {
        let List::Chunked(list) = list else { return };
        let mut rest = items;
        for (chunk, first, len) in &list.runs {
            let (these, others) = rest.split_at((*len as usize).min(rest.len()));
            if let Some(id) = list.chunks.get(*chunk as usize) {
                self.packer.placed_at(*id, *first, these);
            }
            rest = others;
        }
    }

    /// Sets the job aside on disk. Gives the error that ends this task.
    async fn park(&mut self, refused: Refused) -> Error {
        let reason = match refused {
            Refused::Parked(reason) => reason,
            _ => "what an earlier step gave cannot be read".to_owned(),
        };
        let now = self.now();
        self.journal.record(now, vec![What::Parked { reason: reason.clone() }]);
        self.journal.row().state = Some(State::Parked);
        match self.journal.flush(&mut self.packer).await {
            Ok(()) => Error::Other { file: format!("job {}", self.job), detail: format!("it is parked: {reason}") },
            Err(error) => error,
        }
    }

    /// Lets go of items when there are too many in memory. They are on disk first.
    pub(crate) async fn spill(&mut self) -> Result<(), Error> {
        let kernel = self.context.memory.load(Ordering::Relaxed);
        let bound = if kernel > KERNEL_BYTES_MAX { JOB_BYTES_MIN } else { JOB_BYTES_MAX };
        let (large, small) = (self.history.gauge.large(), self.history.gauge.small());
        // What running steps hold cannot go; looking for more at every turn would take long.
        let is_large = large > bound.max(self.pinned_bytes + self.pinned_bytes / 4);
        if !is_large && small <= SMALL_LISTS_BYTES_MAX {
            return Ok(());
        }
        if small > SMALL_LISTS_BYTES_MAX {
            let chunked = self.history.chunk_small_lists(&mut self.packer);
            chunked.map_err(|error| Error::Other { file: format!("job {}", self.job), detail: error.message })?;
        }
        self.journal.flush(&mut self.packer).await?;
        let history = self.history.clone();
        let pinned: HashSet<&Key> = self.pins.values().flatten().collect();
        history.spill(&pinned);
        self.pinned_bytes = history.gauge.large();
        self.packer.trim();
        tracing::debug!(job = %self.job, before = large + small, after = self.pinned_bytes, "items left memory");
        Ok(())
    }
}
