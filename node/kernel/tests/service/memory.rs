//! A shard in memory that commits in groups, tells claims ahead of the disk and fails at random, as the real one may.
//!
//! What is committed outlives a kernel; what is not is gone with it. Every commit has a stamp, and so has everything that
//! steps do, so that a test can say what was on disk when a step acted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::store::{Claimed, Committed, Drained, Error, JobWrite, RetentionRules, Shard, Stored};
use flowork_protocol::command::{Command, Signal, Submission};
use flowork_protocol::event::{Event, What, decode, encode};
use flowork_protocol::id::{ChunkId, PresetId};
use flowork_protocol::job::{State, Summary};
use flowork_protocol::{Failure, JobId, ShardNo, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::oneshot;

/// How often things go wrong, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) commits: u32,
    pub(crate) reads: u32,
    /// The longest time that a transaction stays open, in milliseconds.
    pub(crate) open_ms_max: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    no: u64,
    pub(crate) summary: Summary,
    pub(crate) submission: Submission,
    batches: Vec<Arc<Vec<u8>>>,
    chunks: BTreeMap<ChunkId, Vec<u8>>,
    signals: Vec<(u64, Signal)>,
}

#[derive(Debug, Clone, Default)]
struct Tables {
    epoch: u64,
    commits: u64,
    cursor: usize,
    next_no: u64,
    jobs: BTreeMap<JobId, Arc<Row>>,
    limits: BTreeMap<PresetId, Option<u32>>,
    announce: BTreeSet<JobId>,
}

type Waiter = oneshot::Sender<Result<u64, Error>>;

struct Open {
    tables: Tables,
    waiters: Vec<Waiter>,
}

struct Inner {
    tables: Tables,
    open: Option<Open>,
    inbox: Vec<Command>,
    faults: Faults,
    random: StdRng,
    stamp: u64,
    /// When each event was committed.
    events: BTreeMap<(JobId, u64), u64>,
    /// Presets of which more jobs ran at once than their limit allows, at a commit.
    over_limit: Vec<PresetId>,
    /// What the next appends of these jobs are refused with.
    refuse: BTreeMap<JobId, Vec<Error>>,
    refuse_held: Vec<Error>,
}

/// What outlives a kernel.
pub(crate) struct Disk {
    inner: Mutex<Inner>,
}

pub(crate) const SHARD: ShardNo = ShardNo(0);

fn other(detail: impl Into<String>) -> Error {
    Error::Other { file: "shards/00.db".to_owned(), detail: detail.into() }
}

impl Disk {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                tables: Tables::default(),
                open: None,
                inbox: Vec::new(),
                faults: Faults::default(),
                random: StdRng::seed_from_u64(seed),
                stamp: 0,
                events: BTreeMap::new(),
                over_limit: Vec::new(),
                refuse: BTreeMap::new(),
                refuse_held: Vec::new(),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// The next append of `job` is refused with `error`, whatever it is.
    pub(crate) fn refuse(&self, job: JobId, error: Error) {
        self.lock().refuse.entry(job).or_default().push(error);
    }

    pub(crate) fn refuse_claim_held(&self, error: Error) {
        self.lock().refuse_held.push(error);
    }

    pub(crate) fn submit(&self, command: Command) {
        self.lock().inbox.push(command);
    }

    /// A number for what happens now, larger than all before.
    pub(crate) fn stamp(&self) -> u64 {
        let mut inner = self.lock();
        inner.stamp += 1;
        inner.stamp
    }

    pub(crate) fn rows(&self) -> Vec<Arc<Row>> {
        self.lock().tables.jobs.values().cloned().collect()
    }

    pub(crate) fn row(&self, job: JobId) -> Option<Arc<Row>> {
        self.lock().tables.jobs.get(&job).cloned()
    }

    pub(crate) fn has_read_all(&self) -> bool {
        let inner = self.lock();
        inner.tables.cursor == inner.inbox.len()
    }

    /// When event `seq` of `job` was committed.
    pub(crate) fn committed_at(&self, job: JobId, seq: u64) -> u64 {
        self.lock().events[&(job, seq)]
    }

    pub(crate) fn over_limit(&self) -> Vec<PresetId> {
        self.lock().over_limit.clone()
    }

    /// The kernel is dead: what it had not heard of may be on disk or not.
    pub(crate) fn power_cut(&self) {
        let committed = self.lock().random.random_bool(0.5);
        if committed {
            self.commit(false);
        } else {
            self.lock().open = None;
        }
    }

    fn commit(&self, may_fail: bool) {
        let mut inner = self.lock();
        let Some(Open { tables, waiters }) = inner.open.take() else { return };
        let rate = inner.faults.commits;
        let failed = may_fail && inner.random.random_ratio(rate.min(1_000), 1_000);
        if failed {
            let file = "shards/00.db".to_owned();
            let error = match inner.random.random_range(0..3) {
                0 => Error::Full { file },
                1 => Error::Busy(file),
                _ => other("the commit failed"),
            };
            drop(inner);
            waiters.into_iter().for_each(|waiter| drop(waiter.send(Err(error.clone()))));
            return;
        }
        inner.stamp += 1;
        let before = std::mem::replace(&mut inner.tables, tables);
        inner.tables.commits += 1;
        note(&mut inner, &before);
        let number = inner.tables.commits;
        drop(inner);
        waiters.into_iter().for_each(|waiter| drop(waiter.send(Ok(number))));
    }

    /// Runs one operation in the open transaction, or in a new one.
    fn enter<R>(
        self: &Arc<Self>, run: impl FnOnce(&mut Tables, &[Command]) -> Result<R, Error>,
    ) -> Result<(R, oneshot::Receiver<Result<u64, Error>>), Error> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let mut tables = inner.open.as_ref().map_or(&inner.tables, |open| &open.tables).clone();
        let value = run(&mut tables, &inner.inbox)?;
        let (waiter, committed) = oneshot::channel();
        match &mut inner.open {
            Some(open) => {
                open.tables = tables;
                open.waiters.push(waiter);
            }
            None => {
                inner.open = Some(Open { tables, waiters: vec![waiter] });
                let pause = Duration::from_millis(inner.random.random_range(0..=inner.faults.open_ms_max));
                let disk = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    disk.commit(true);
                });
            }
        }
        Ok((value, committed))
    }

    async fn call<R>(
        self: &Arc<Self>, run: impl FnOnce(&mut Tables, &[Command]) -> Result<R, Error>,
    ) -> Result<(R, u64), Error> {
        let (value, committed) = self.enter(run)?;
        let number = committed.await.unwrap_or_else(|_| Err(other("its writer has ended")))?;
        Ok((value, number))
    }

    /// Reads may fail as well.
    async fn reads(&self) -> Result<(), Error> {
        let failed = {
            let mut inner = self.lock();
            let rate = inner.faults.reads;
            inner.random.random_ratio(rate.min(1_000), 1_000)
        };
        tokio::task::yield_now().await;
        if failed { Err(Error::Locked { file: "shards/00.db".to_owned() }) } else { Ok(()) }
    }
}

/// Writes down what a commit brought.
fn note(inner: &mut Inner, before: &Tables) {
    let mut running: BTreeMap<PresetId, u32> = BTreeMap::new();
    for (job, row) in &inner.tables.jobs {
        let known = before.jobs.get(job).map_or(0, |row| row.batches.len());
        for batch in &row.batches[known..] {
            for event in decode(batch).unwrap() {
                inner.events.insert((*job, event.seq), inner.stamp);
            }
        }
        if row.summary.state == State::Running && row.submission.concurrency.is_some() {
            *running.entry(row.summary.preset.clone()).or_default() += 1;
        }
    }
    for (preset, count) in running {
        if inner.tables.limits.get(&preset).copied().flatten().is_some_and(|limit| count > limit) {
            inner.over_limit.push(preset);
        }
    }
}

impl Row {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.batches.iter().flat_map(|batch| decode(batch).unwrap()).collect()
    }

    pub(crate) fn first(&self) -> Claimed {
        Claimed {
            accepted_at: self.summary.accepted_at,
            last_seq: self.summary.last_seq,
            submission: self.submission.clone(),
        }
    }
}

impl Tables {
    fn accept(&mut self, submission: &Submission, state: State) -> bool {
        let job = submission.job;
        if self.jobs.contains_key(&job) {
            return false;
        }
        self.next_no += 1;
        let accepted = Event { seq: 1, at: Timestamp(1), what: What::Accepted(Box::new(submission.clone())) };
        if submission.depth == 0 {
            self.limits.insert(submission.preset.clone(), submission.concurrency);
        }
        let row = Row {
            no: self.next_no,
            summary: Summary {
                id: job,
                preset: submission.preset.clone(),
                name: submission.name.clone(),
                version: submission.version,
                state,
                priority: submission.priority,
                trigger: None,
                accepted_at: Timestamp(1),
                started_at: None,
                ended_at: None,
                due_at: None,
                last_seq: 1,
                origin: None,
                parent: submission.parent.as_ref().map(|it| it.0),
                dry_run: submission.dry_run,
                error: None,
            },
            submission: submission.clone(),
            batches: vec![Arc::new(encode(&[accepted]).unwrap())],
            chunks: BTreeMap::new(),
            signals: Vec::new(),
        };
        self.jobs.insert(job, Arc::new(row));
        true
    }

    fn change(&mut self, job: JobId) -> Option<&mut Row> {
        self.jobs.get_mut(&job).map(Arc::make_mut)
    }

    fn signal(&mut self, job: JobId, signal: Signal) {
        self.next_no += 1;
        let no = self.next_no;
        let Some(row) = self.change(job).filter(|row| !row.summary.state.has_ended()) else { return };
        row.signals.push((no, signal));
        self.announce.insert(job);
    }

    fn in_state(&self, state: State) -> Vec<JobId> {
        let mut found: Vec<_> = self.jobs.values().filter(|row| row.summary.state == state).collect();
        found.sort_by_key(|row| (-i64::from(row.summary.priority), row.no));
        found.into_iter().map(|row| row.summary.id).collect()
    }

    fn claim(&mut self, jobs: Vec<JobId>) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        for job in jobs {
            let Some(row) = self.change(job) else { continue };
            row.summary.state = State::Running;
            claimed.push(row.first());
            if !row.signals.is_empty() {
                self.announce.insert(job);
            }
        }
        claimed
    }

    fn drain(&mut self, inbox: &[Command], max: usize, room: usize) -> Drained {
        let mut drained = Drained::default();
        for command in inbox.iter().skip(self.cursor).take(max) {
            self.cursor += 1;
            match command {
                Command::Submit(submission) => {
                    let held = submission.concurrency.is_some();
                    self.accept(submission, if held { State::Held } else { State::Queued });
                }
                Command::Signal(job, signal) => self.signal(*job, signal.clone()),
                _ => {}
            }
        }
        let queued = self.in_state(State::Queued);
        drained.more = queued.len() > room || self.cursor < inbox.len();
        drained.claimed = self.claim(queued.into_iter().take(room).collect());
        drained.signalled = std::mem::take(&mut self.announce).into_iter().collect();
        let mut held: BTreeMap<PresetId, u64> = BTreeMap::new();
        for job in self.in_state(State::Held) {
            *held.entry(self.jobs[&job].summary.preset.clone()).or_default() += 1;
        }
        let limit = |preset: &PresetId| self.limits.get(preset).copied().flatten().unwrap_or(u32::MAX);
        drained.held = held.into_iter().map(|(preset, count)| (preset.clone(), limit(&preset), count)).collect();
        drained
    }

    fn append(&mut self, write: JobWrite) -> Result<(), Error> {
        if let Some(job) = write.job {
            self.write_job(job, &write)?;
        }
        for submission in &write.submissions {
            let held = submission.concurrency.is_some();
            self.accept(submission, if held { State::Held } else { State::Queued });
        }
        for (job, signal) in write.signals {
            self.signal(job, signal);
        }
        Ok(())
    }

    fn write_job(&mut self, job: JobId, write: &JobWrite) -> Result<(), Error> {
        let row = self.change(job).ok_or(Error::NoJob(job))?;
        if write.first_seq != row.summary.last_seq + 1 {
            return Err(other(format!(
                "job {job}: event {} does not follow {}",
                write.first_seq, row.summary.last_seq
            )));
        }
        if row.summary.state != State::Running && (!write.events.is_empty() || write.row.state.is_some()) {
            return Err(other(format!("job {job} is {} and not running", row.summary.state.word())));
        }
        if !write.events.is_empty() {
            row.batches.push(Arc::new(write.events.clone()));
        }
        row.summary.last_seq = write.last_seq;
        row.chunks.extend(write.chunks.iter().cloned());
        row.signals.retain(|(no, _)| !write.signals_done.contains(no));
        let summary = &mut row.summary;
        summary.state = write.row.state.unwrap_or(summary.state);
        summary.due_at = write.row.due_at.unwrap_or(summary.due_at);
        summary.error = write.row.error.clone().or_else(|| summary.error.take());
        if summary.state.has_ended() {
            row.signals.clear();
        }
        Ok(())
    }
}

/// The shard as one kernel has it.
pub(crate) struct Memory {
    pub(crate) disk: Arc<Disk>,
    lease: Mutex<u64>,
}

impl Memory {
    pub(crate) fn new(disk: &Arc<Disk>) -> Self {
        Self { disk: Arc::clone(disk), lease: Mutex::default() }
    }

    fn lease(&self) -> u64 {
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leased(tables: &Tables, lease: u64) -> Result<(), Error> {
    if tables.epoch == lease { Ok(()) } else { Err(Error::Fenced { shard: SHARD }) }
}

#[async_trait]
impl Shard for Memory {
    fn no(&self) -> ShardNo {
        SHARD
    }

    async fn take(&self) -> Result<Vec<JobId>, Error> {
        let taken = self.disk.call(|tables, _| {
            tables.epoch += 1;
            let signalled = tables.jobs.values().filter(|row| !row.signals.is_empty()).map(|row| row.summary.id);
            tables.announce = signalled.collect();
            Ok((tables.epoch, tables.in_state(State::Running)))
        });
        let ((epoch, running), _) = taken.await?;
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = epoch;
        Ok(running)
    }

    async fn limited(&self) -> Result<Vec<(JobId, PresetId)>, Error> {
        self.disk.reads().await?;
        let rows = self.disk.rows();
        let counts = |row: &&Arc<Row>| row.summary.state == State::Running && row.submission.concurrency.is_some();
        Ok(rows.iter().filter(counts).map(|row| (row.summary.id, row.summary.preset.clone())).collect())
    }

    async fn drain_ahead(&self, max: usize, room: usize) -> Result<(Drained, Committed), Error> {
        let lease = self.lease();
        let (drained, committed) = self.disk.enter(|tables, inbox| {
            leased(tables, lease)?;
            Ok(tables.drain(inbox, max, room))
        })?;
        let committed = async move { committed.await.unwrap_or_else(|_| Err(other("gone"))).map(drop) };
        Ok((drained, Box::pin(committed)))
    }

    async fn claim_held(&self, preset: &PresetId, room: usize) -> Result<Vec<Claimed>, Error> {
        if let Some(error) = self.disk.lock().refuse_held.pop() {
            return Err(error);
        }
        let (lease, preset) = (self.lease(), preset.clone());
        let claim = move |tables: &mut Tables, _: &[Command]| {
            leased(tables, lease)?;
            let held = tables.in_state(State::Held).into_iter().filter(|job| tables.jobs[job].summary.preset == preset);
            let chosen = held.take(room).collect();
            Ok(tables.claim(chosen))
        };
        Ok(self.disk.call(claim).await?.0)
    }

    async fn append(&self, write: JobWrite) -> Result<u64, Error> {
        let refused = write.job.and_then(|job| self.disk.lock().refuse.get_mut(&job).and_then(Vec::pop));
        if let Some(error) = refused {
            return Err(error);
        }
        let lease = self.lease();
        let append = |tables: &mut Tables, _: &[Command]| {
            leased(tables, lease)?;
            tables.append(write)
        };
        Ok(self.disk.call(append).await?.1)
    }

    async fn load(&self, job: JobId) -> Result<Stored, Error> {
        self.disk.reads().await?;
        let row = self.disk.row(job).ok_or(Error::NoJob(job))?;
        Ok(Stored {
            summary: row.summary.clone(),
            checkpoint: None,
            batches: row.batches.iter().map(|batch| batch.as_ref().clone()).collect(),
            signals: row.signals.clone(),
        })
    }

    async fn history(&self, job: JobId) -> Result<Vec<Vec<u8>>, Error> {
        Ok(self.load(job).await?.batches)
    }

    async fn chunks(&self, job: JobId, ids: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, Error> {
        self.disk.reads().await?;
        let row = self.disk.row(job).ok_or(Error::NoJob(job))?;
        Ok(ids.iter().filter_map(|id| row.chunks.get(id).map(|bytes| (*id, bytes.clone()))).collect())
    }

    async fn claim_due(&self, now: Timestamp, max: usize) -> Result<Vec<JobId>, Error> {
        let lease = self.lease();
        let claim = |tables: &mut Tables, _: &[Command]| {
            leased(tables, lease)?;
            let is_due = |job: &JobId| tables.jobs[job].summary.due_at.is_some_and(|at| at <= now);
            let due: Vec<JobId> = tables.in_state(State::Waiting).into_iter().filter(is_due).take(max).collect();
            for job in &due {
                tables.change(*job).unwrap().summary.state = State::Running;
            }
            Ok(due)
        };
        Ok(self.disk.call(claim).await?.0)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.disk.reads().await?;
        let rows = self.disk.rows();
        Ok(rows.iter().filter(|row| row.summary.state == State::Waiting).filter_map(|row| row.summary.due_at).min())
    }

    async fn wake(&self, job: JobId) -> Result<bool, Error> {
        let lease = self.lease();
        let wake = |tables: &mut Tables, _: &[Command]| {
            leased(tables, lease)?;
            let Some(row) = tables.change(job) else { return Ok(false) };
            let is_cancelled = row.signals.iter().any(|(_, it)| matches!(it, Signal::Cancel { .. }));
            let takes = match row.summary.state {
                State::Waiting | State::Paused | State::Parked => true,
                State::Queued | State::Held => is_cancelled,
                _ => false,
            };
            if takes {
                row.summary.state = State::Running;
            }
            Ok(takes)
        };
        Ok(self.disk.call(wake).await?.0)
    }

    async fn forget(&self, _: &RetentionRules, _: Timestamp, _: usize) -> Result<u64, Error> {
        Ok(0)
    }

    async fn delete(&self, _: JobId) -> Result<bool, Error> {
        Ok(false)
    }
}

/// How a failed job says why.
pub(crate) fn failure(row: &Row) -> Option<&Failure> {
    row.summary.error.as_ref()
}
