//! Where jobs live. One conformance suite in `store` runs against every implementation.

use std::collections::BTreeMap;

use async_trait::async_trait;
use flowork_protocol::command::{Activation, Command, Signal, Submission, Token};
use flowork_protocol::event::Event;
use flowork_protocol::id::ChunkId;
use flowork_protocol::job::{State, Summary};
use flowork_protocol::login;
use flowork_protocol::{Failure, JobId, PresetId, ShardNo, Timestamp};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why the store cannot do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk is full. Nothing that was accepted is lost.
    #[error("the disk that holds {file} is full; free some space, nothing that was accepted is lost")]
    Full {
        /// Which file could not grow.
        file: String,
    },
    /// A file is damaged. Only what it holds is out.
    #[error("{file} is damaged ({detail}); everything else goes on; restore it from a backup")]
    Damaged {
        /// Which file.
        file: String,
        /// What SQLite said.
        detail: String,
    },
    /// Another process holds a file that this one must write.
    #[error("{file} is locked by another program; end it, or wait")]
    Locked {
        /// Which file.
        file: String,
    },
    /// Another kernel took the shard over; this one must stop writing.
    #[error("shard {shard} was taken over by another kernel")]
    Fenced {
        /// Which shard.
        shard: ShardNo,
    },
    /// There is no such job.
    #[error("there is no job {0}")]
    NoJob(JobId),
    /// The queue to the writer is full; try again.
    #[error("{0} has more to write than it can; try again in a moment")]
    Busy(String),
    /// What writes the file in this process broke by a fault in Flowork; only a fresh process writes it again.
    #[error("what writes {file} broke; the role that has it must be started again")]
    Ended {
        /// Which file.
        file: String,
    },
    /// Something else.
    #[error("{file}: {detail}")]
    Other {
        /// Which file.
        file: String,
        /// What happened.
        detail: String,
    },
}

impl Error {
    /// The file that it is about.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Full { file }
            | Self::Damaged { file, .. }
            | Self::Locked { file }
            | Self::Ended { file }
            | Self::Other { file, .. } => Some(file),
            Self::Busy(file) => Some(file),
            Self::Fenced { .. } | Self::NoJob(_) => None,
        }
    }

    /// Whether the same may well work a little later, with nothing lost meanwhile.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Locked { .. } | Self::Busy(_))
    }
}

/// The gateway's half: durable acceptance.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps a command. On disk when this returns; the bell has rung.
    async fn submit(&self, command: Command) -> Result<(), Error>;
    /// How many shards jobs are spread over. Fixed for a data directory.
    fn shards(&self) -> u16;
}

/// A job that this kernel now has.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// The number of its last event: 1, or more when it was paused and resumed before it began.
    pub last_seq: u64,
    /// What was asked.
    pub submission: Submission,
}

/// What one look into the inboxes brought.
#[derive(Debug, Default)]
pub struct Drained {
    /// Jobs claimed for running, best priority first. Their `Accepted` event is event 1.
    pub claimed: Vec<Claimed>,
    /// Jobs that have new signals ([`Shard::load`] gives them).
    pub signalled: Vec<JobId>,
    /// Presets that have jobs held by a concurrency limit, that limit and how many are held.
    pub held: Vec<(PresetId, u32, u64)>,
    /// Whether there is more to drain or claim.
    pub more: bool,
}

/// How the commit goes of what was told before it.
pub type Committed = BoxFuture<'static, Result<(), Error>>;

/// What a kernel adds to one job: all of it or nothing.
#[derive(Debug, Default, Clone)]
pub struct JobWrite {
    /// The job.
    pub job: Option<JobId>,
    /// The number of its first new event; must be one more than the last stored.
    pub first_seq: u64,
    /// The number of its last new event; `first_seq - 1` when there are none.
    pub last_seq: u64,
    /// The events, by `flowork_protocol::event::encode`. Empty when there are none.
    pub events: Vec<u8>,
    /// New item chunks of this job.
    pub chunks: Vec<(ChunkId, Vec<u8>)>,
    /// What changes in its row.
    pub row: RowChange,
    /// Jobs to accept in the same shard (children, error presets). One that exists already is left as it is.
    pub submissions: Vec<Submission>,
    /// Numbers of the signals that these events carry out.
    pub signals_done: Vec<u64>,
    /// Signals for other jobs of the shard.
    pub signals: Vec<(JobId, Signal)>,
    /// The folded state after `last_seq`, so that loading need not read everything.
    pub checkpoint: Option<Vec<u8>>,
}

/// What changes in a job's row. `None` leaves a column as it is.
#[derive(Debug, Default, Clone)]
pub struct RowChange {
    /// Where it stands.
    pub state: Option<State>,
    /// When its first step could start.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it wants to be looked at again; `Some(None)` never.
    pub due_at: Option<Option<Timestamp>>,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// Everything about one job that a kernel needs to go on with it.
#[derive(Debug)]
pub struct Stored {
    /// Its row.
    pub summary: Summary,
    /// The newest checkpoint and the event it was made after. None when there is none that can be read.
    pub checkpoint: Option<(u64, Vec<u8>)>,
    /// The events, as batches: the one with event 1, and those with events after the checkpoint.
    pub batches: Vec<Vec<u8>>,
    /// Signals not carried out yet, oldest first.
    pub signals: Vec<(u64, Signal)>,
}

/// The kernel's half: one shard under a lease.
#[async_trait]
pub trait Shard: Send + Sync {
    /// Which.
    fn no(&self) -> ShardNo;
    /// Leases the shard; every later write of an earlier holder is refused with [`Error::Fenced`]. Gives the jobs that the
    /// last holder left running.
    async fn take(&self) -> Result<Vec<JobId>, Error>;
    /// The running jobs that count against the concurrency limit of their preset. Asked once after [`Self::take`].
    async fn limited(&self) -> Result<Vec<(JobId, PresetId)>, Error>;
    /// Moves up to `max` inbox entries into the shard, carries out the pausing and resuming of jobs that have not begun (as
    /// events of theirs: a paused one is not claimed, a resumed one waits in its old place), and claims up to `room` queued
    /// jobs, in one transaction.
    /// Tells what it took before that is on disk, so that what follows from it can share the transaction.
    ///
    /// Until [`Committed`] says so, nothing may be done with it that shows outside of this process. When the commit fails,
    /// nothing was taken: the jobs are as they were and come again with a later call.
    async fn drain_ahead(&self, max: usize, room: usize) -> Result<(Drained, Committed), Error>;
    /// [`Self::drain_ahead`], on disk when this returns.
    async fn drain(&self, max: usize, room: usize) -> Result<Drained, Error> {
        let (drained, committed) = self.drain_ahead(max, room).await?;
        committed.await?;
        Ok(drained)
    }
    /// Claims up to `room` held jobs of one preset.
    async fn claim_held(&self, preset: &PresetId, room: usize) -> Result<Vec<Claimed>, Error>;
    /// Commits. Writes wait for each other and share commits; for one job they are done in the order of the calls. Gives
    /// the number of the commit. When this returns it is on disk and the bell has rung.
    async fn append(&self, write: JobWrite) -> Result<u64, Error>;
    /// One job.
    async fn load(&self, job: JobId) -> Result<Stored, Error>;
    /// All events of one job, as batches.
    async fn history(&self, job: JobId) -> Result<Vec<Vec<u8>>, Error>;
    /// Chunks of one job.
    async fn chunks(&self, job: JobId, ids: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, Error>;
    /// Takes up to `max` waiting jobs that are due, as running.
    async fn claim_due(&self, now: Timestamp, max: usize) -> Result<Vec<JobId>, Error>;
    /// When the next waiting job is due.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error>;
    /// Takes one waiting, paused or parked job because a signal came, as running; a queued or held one only to cancel it.
    /// False when it is none of these.
    async fn wake(&self, job: JobId) -> Result<bool, Error>;
    /// Forgets ended jobs that retention no longer covers, whole jobs, at most `max`; gives how many. The file shrinks.
    async fn forget(&self, rules: &RetentionRules, now: Timestamp, max: usize) -> Result<u64, Error>;
    /// Forgets one ended job.
    async fn delete(&self, job: JobId) -> Result<bool, Error>;
}

/// How long ended jobs are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RetentionRules {
    /// Days after the end, for every preset without a rule of its own; none keeps them.
    pub days: Option<u32>,
    /// Bytes that all shards together may take; the oldest ended jobs go first.
    pub bytes: Option<u64>,
    /// Rules of single presets.
    pub presets: BTreeMap<PresetId, flowork_protocol::preset::Retention>,
}

/// The kernel's half of the node's own tables.
#[async_trait]
pub trait NodeTables: Send + Sync {
    /// Carries out the inbox entries that are for the node's own tables; gives how many. The bell has rung.
    async fn drain(&self) -> Result<usize, Error>;
    /// The sealed form of a secret.
    async fn sealed_secret(&self, name: &str) -> Result<Option<Vec<u8>>, Error>;
    /// The version and name of an activated preset, by preset name (for sub-presets and error presets).
    async fn activation_by_name(&self, name: &str) -> Result<Option<Activation>, Error>;
    /// A setting; none is the default.
    async fn setting(&self, name: &str) -> Result<Option<Value>, Error>;
    /// What retention rules the settings and activated presets ask for.
    async fn retention(&self) -> Result<RetentionRules, Error>;
}

/// What a list of jobs should hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Only these states; empty is all.
    pub states: Vec<State>,
    /// Only of this preset: id or name.
    pub preset: Option<String>,
    /// Only accepted at or after.
    pub since: Option<Timestamp>,
    /// Only accepted before.
    pub until: Option<Timestamp>,
    /// Only those whose items, logs or errors hold these words (full-text search).
    pub text: Option<String>,
    /// Only children of this job.
    pub parent: Option<JobId>,
    /// Go on after this one (the `next` of the page before).
    pub after: Option<String>,
    /// At most so many, 1–1000.
    pub limit: usize,
}

/// One page of jobs, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<Summary>,
    /// Where the next page starts; none at the end.
    pub next: Option<String>,
    /// Shards that could not be asked, and why.
    pub missing: Vec<FileHealth>,
    /// How many events the text search index is behind; 0 without a text search.
    pub index_lag: u64,
}

/// How a file of the store is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileHealth {
    /// Which, relative to the data directory.
    pub file: String,
    /// Its size with its write-ahead log.
    pub bytes: u64,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

/// The store in numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Stats {
    /// How many jobs are in each state. Accepted ones that no kernel has drained count as queued.
    pub jobs: BTreeMap<String, u64>,
    /// Every file.
    pub files: Vec<FileHealth>,
    /// Bytes of all blobs.
    pub blob_bytes: u64,
    /// Bytes free on the disk that holds the data directory.
    pub free_bytes: u64,
    /// What the owner allows the data directory to take.
    pub budget_bytes: Option<u64>,
}

/// Who may log in by key, and the links that let keys in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logins {
    /// The keys, oldest first.
    pub keys: Vec<login::Key>,
    /// The links, oldest first; used and late ones for a while too.
    pub links: Vec<login::Link>,
}

/// Everyone's half: reading what is committed.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Jobs, newest first.
    async fn jobs(&self, query: &Query) -> Result<Page, Error>;
    /// One job, also when no kernel has drained it yet.
    async fn job(&self, job: JobId) -> Result<Option<Summary>, Error>;
    /// Events of a job after `after`, at most about `max`, in order.
    async fn events(&self, job: JobId, after: u64, max: usize) -> Result<Vec<Event>, Error>;
    /// Chunks of one job.
    async fn chunks(&self, job: JobId, ids: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, Error>;
    /// Numbers.
    async fn stats(&self) -> Result<Stats, Error>;
    /// All activations.
    async fn activations(&self) -> Result<Vec<Activation>, Error>;
    /// All tokens, sessions among them.
    async fn tokens(&self) -> Result<Vec<Token>, Error>;
    /// Login keys and login links.
    async fn logins(&self) -> Result<Logins, Error>;
    /// The names of all secrets, and when each was last set.
    async fn secrets(&self) -> Result<Vec<(String, Timestamp)>, Error>;
    /// Settings that differ from the default.
    async fn settings(&self) -> Result<BTreeMap<String, Value>, Error>;
}
