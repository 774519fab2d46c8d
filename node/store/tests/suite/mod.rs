//! What every store must do, over the traits of `flowork-ports` alone.

#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, dead_code)]

pub mod facts;
pub mod model;

use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::store::{Claimed, Drained, Inbox, JobWrite, NodeTables, Reader, RowChange, Shard};
use flowork_protocol::command::{Command, Signal, Submission};
use flowork_protocol::event::{self, Event, Outcome, What};
use flowork_protocol::job::State;
use flowork_protocol::{Item, JobId, PresetId, ShardNo, Timestamp, VersionId};

/// The halves of one open store.
pub struct Open {
    pub inbox: Arc<dyn Inbox>,
    /// The inbox of a second gateway.
    pub other: Arc<dyn Inbox>,
    pub shards: Vec<Arc<dyn Shard>>,
    pub node: Arc<dyn NodeTables>,
    pub reader: Arc<dyn Reader>,
}

/// A kind of store, holding some data. Opening it again after everything was dropped finds what was committed.
pub trait Backend {
    /// Opens the same data.
    fn open(&self) -> Open;
}

impl Open {
    pub fn shard(&self, job: JobId) -> &Arc<dyn Shard> {
        self.shards.iter().find(|shard| shard.no() == job.shard()).unwrap()
    }

    pub async fn take(&self) {
        for shard in &self.shards {
            shard.take().await.unwrap();
        }
    }

    pub async fn submit(&self, submission: Submission) {
        self.inbox.submit(Command::Submit(Box::new(submission))).await.unwrap();
    }

    pub async fn signal(&self, job: JobId, signal: Signal) {
        self.inbox.submit(Command::Signal(job, signal)).await.unwrap();
    }

    /// Drains every shard until nothing more comes of it.
    pub async fn drain(&self, room: usize) -> Drained {
        let mut all = Drained::default();
        for shard in &self.shards {
            loop {
                let one = shard.drain(1_000, room.saturating_sub(all.claimed.len())).await.unwrap();
                // Queued jobs without room are "more" for ever.
                let goes_on = one.more && !(one.claimed.is_empty() && one.signalled.is_empty());
                all.claimed.extend(one.claimed);
                all.signalled.extend(one.signalled);
                if !goes_on {
                    break;
                }
            }
        }
        all
    }

    pub async fn end(&self, job: JobId, at: Timestamp) {
        let stored = self.shard(job).load(job).await.unwrap();
        let events = vec![Event {
            seq: stored.summary.last_seq + 1,
            at,
            what: What::Ended { outcome: Outcome::Succeeded, output: BTreeMap::new() },
        }];
        let row = RowChange { state: Some(State::Succeeded), ended_at: Some(at), ..RowChange::default() };
        self.shard(job).append(write(job, &events, row)).await.unwrap();
    }
}

pub const T0: Timestamp = Timestamp(1_790_000_000_000);

/// Job number `n` of shard `shard`.
pub fn id(shard: u16, n: u64) -> JobId {
    JobId::fresh(T0.plus_ms(n), ShardNo(shard), n)
}

pub fn submission(job: JobId) -> Submission {
    Submission {
        job,
        keyed: false,
        preset: PresetId::from("preset-1"),
        name: "orders".to_owned(),
        version: VersionId::of(b"v1"),
        trigger: None,
        input: vec![Item::json(serde_json::json!({ "order": job.to_string() }))],
        variables: BTreeMap::new(),
        priority: 0,
        concurrency: None,
        dry_run: false,
        replay: None,
        parent: None,
        depth: 0,
    }
}

pub fn log(seq: u64, text: &str) -> Event {
    Event { seq, at: T0, what: What::Parked { reason: text.to_owned() } }
}

pub fn write(job: JobId, events: &[Event], row: RowChange) -> JobWrite {
    let first = events.first().unwrap().seq;
    let last = events.last().unwrap().seq;
    JobWrite {
        job: Some(job),
        first_seq: first,
        last_seq: last,
        events: event::encode(events).unwrap(),
        row,
        ..JobWrite::default()
    }
}

pub fn state(state: State) -> RowChange {
    RowChange { state: Some(state), ..RowChange::default() }
}

pub fn ids(claimed: &[Claimed]) -> Vec<JobId> {
    claimed.iter().map(|one| one.submission.job).collect()
}
