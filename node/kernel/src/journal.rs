//! A job's events on their way to the store: numbered, gathered, written one write at a time.

use std::sync::Arc;
use std::time::Duration;

use flowork_ports::store::{Error, JobWrite, RowChange, Shard};
use flowork_protocol::event::{self, Event, What};
use flowork_protocol::{JobId, Timestamp};
use futures::future::BoxFuture;

use crate::fold::{CHECKPOINT_EVERY, Checkpointer, next_checkpoint};
use crate::history::Packer;

/// The first pause before a write is tried again that the store refused for a while.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// The longest such pause.
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(5);

/// The unwritten part of a job's history.
pub(crate) struct Journal {
    shard: Arc<dyn Shard>,
    job: JobId,
    next_seq: u64,
    events: Vec<Event>,
    /// What else the next write changes.
    pub(crate) extra: JobWrite,
    writing: Option<BoxFuture<'static, Result<Written, Error>>>,
    checkpointer: Option<Checkpointer>,
    /// The event after which the next checkpoint is due.
    checkpoint_at: u64,
}

/// What a write did beside keeping events.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    /// The event after which a checkpoint was made, and its length.
    checkpoint: Option<(u64, usize)>,
}

impl Journal {
    /// A journal that goes on after event `last_seq`.
    pub(crate) fn new(shard: Arc<dyn Shard>, job: JobId, last_seq: u64) -> Self {
        Self {
            shard,
            job,
            next_seq: last_seq + 1,
            events: Vec::new(),
            extra: JobWrite::default(),
            writing: None,
            checkpointer: None,
            checkpoint_at: CHECKPOINT_EVERY,
        }
    }

    /// The same, with checkpoints from time to time.
    pub(crate) fn with_checkpoints(self, checkpointer: Checkpointer) -> Self {
        Self { checkpointer: Some(checkpointer), ..self }
    }

    /// Says after which event the newest checkpoint was made, and its length.
    pub(crate) fn last_checkpoint(&mut self, checkpoint: Option<(u64, usize)>) {
        if let Some((seq, bytes)) = checkpoint {
            self.checkpoint_at = next_checkpoint(seq, bytes);
        }
    }

    pub(crate) fn record(&mut self, at: Timestamp, decisions: Vec<What>) {
        for what in decisions {
            self.events.push(Event { seq: self.next_seq, at, what });
            self.next_seq += 1;
        }
    }

    pub(crate) fn row(&mut self) -> &mut RowChange {
        &mut self.extra.row
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.events.is_empty() && self.extra.signals_done.is_empty() && self.extra.submissions.is_empty()
    }

    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// Starts writing what is gathered, unless a write is on its way: then it goes with the next.
    pub(crate) fn start(&mut self, packer: &mut Packer) -> Result<(), Error> {
        if self.writing.is_some() || self.is_clean() {
            return Ok(());
        }
        let write = self.take(packer)?;
        self.writing = Some(Box::pin(self.persist(write)));
        Ok(())
    }

    /// Waits for the write on its way. Pending for ever when there is none. Cancel-safe.
    pub(crate) async fn written(&mut self) -> Result<(), Error> {
        let Some(writing) = &mut self.writing else { return std::future::pending().await };
        let result = writing.await;
        self.writing = None;
        self.last_checkpoint(result?.checkpoint);
        Ok(())
    }

    /// Everything gathered is on disk when this returns.
    pub(crate) async fn flush(&mut self, packer: &mut Packer) -> Result<(), Error> {
        if self.writing.is_some() {
            self.written().await?;
        }
        if self.is_clean() && self.extra.row.state.is_none() && packer.chunks.is_empty() {
            return Ok(());
        }
        let write = self.take(packer)?;
        let written = self.persist(write).await?;
        self.last_checkpoint(written.checkpoint);
        Ok(())
    }

    /// Writes, with a checkpoint when one is due. Everything before is on disk.
    fn persist(&mut self, write: JobWrite) -> impl Future<Output = Result<Written, Error>> + Send + use<> {
        let has_ended = write.row.state.is_some_and(flowork_protocol::job::State::has_ended);
        let is_due = write.last_seq >= self.checkpoint_at && !write.events.is_empty() && !has_ended;
        let checkpointer = self.checkpointer.clone().filter(|_| is_due);
        if is_due {
            // When it cannot be made now, it is tried again later.
            self.checkpoint_at = write.last_seq + CHECKPOINT_EVERY;
        }
        let shard = self.shard.clone();
        async move {
            let mut write = write;
            if let Some(checkpointer) = checkpointer {
                write.checkpoint = checkpointer.make(&write.events).await;
            }
            let checkpoint = write.checkpoint.as_ref().map(|bytes| (write.last_seq, bytes.len()));
            persist(shard, write).await?;
            Ok(Written { checkpoint })
        }
    }

    fn take(&mut self, packer: &mut Packer) -> Result<JobWrite, Error> {
        let mut write = std::mem::take(&mut self.extra);
        let events = std::mem::take(&mut self.events);
        write.job = Some(self.job);
        write.last_seq = self.next_seq - 1;
        write.first_seq = self.next_seq - events.len() as u64;
        if !events.is_empty() {
            write.events = event::encode(&events).map_err(|error| Error::Other {
                file: format!("job {}", self.job),
                detail: format!("an event cannot be written: {error}"),
            })?;
        }
        write.chunks = std::mem::take(&mut packer.chunks);
        Ok(write)
    }
}

/// Writes, and tries again for as long as the store says that trying again can help. Nothing is given up meanwhile: the
/// job keeps what it has in memory.
async fn persist(shard: Arc<dyn Shard>, write: JobWrite) -> Result<(), Error> {
    let mut pause = AGAIN_AFTER;
    loop {
        match shard.append(write.clone()).await {
            Ok(_) => return Ok(()),
            Err(error @ (Error::Full { .. } | Error::Busy(_) | Error::Locked { .. })) => {
                tracing::warn!(shard = %shard.no(), %error, "a write waits for the store");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(AGAIN_AFTER_MAX);
            }
            Err(error) => return Err(error),
        }
    }
}
