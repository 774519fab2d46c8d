//! One shard's loop.
//!
//! Claimed jobs start before their claim is on disk: the store puts the claim and what the job does at once into one commit.
//! Nothing of that shows outside until it is committed (an external step waits for its start to be on disk, which is the same
//! commit or a later one); when the commit fails, the job's task is dropped and the job comes again.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flowork_ports::bell::LOOK_EVERY;
use flowork_ports::store::{Claimed, Committed, Error, Shard};
use flowork_protocol::command::Submission;
use flowork_protocol::event::{Outcome, What};
use flowork_protocol::job::State;
use flowork_protocol::{Failure, JobId, PresetId, Timestamp};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::SHARD_REST;
use super::health::Health;
use super::limits::{Limits, Place};
use crate::history::Packer;
use crate::journal::Journal;
use crate::load::{Refused, load};
use crate::memory::KERNEL_BYTES_MAX;
use crate::program::{COMPONENT_GONE, Program};
use crate::task::{Context, Left, STOP_WITHIN, Task};

/// How many inbox entries move into the shard in one transaction.
const DRAIN_MAX: usize = 256;
/// How many signals may wait for a job's task; one is enough to make it look.
const POKES_MAX: usize = 1;
/// The pause before a version that could not be read is tried again.
const VERSION_AGAIN: Duration = Duration::from_secs(1);
/// The first rest of a job that could not be written or read, or whose task broke; every further one is twice as long.
const LOST_REST: Duration = Duration::from_secs(1);
/// The longest such rest.
const LOST_REST_MAX: Duration = Duration::from_secs(60);
/// How often such a job is taken up again before it is parked.
const LOST_TRIES_MAX: u32 = 8;

/// One shard's loop.
pub(super) struct Service {
    pub(super) context: Arc<Context>,
    pub(super) shard: Arc<dyn Shard>,
    pub(super) nudge: Arc<Notify>,
    pub(super) limits: Arc<Limits>,
    pub(super) active: Arc<AtomicUsize>,
    pub(super) jobs_max: usize,
    /// Held until this shard's running jobs are counted against their limits, or it is clear that they cannot run.
    pub(super) counting: Option<Arc<DropGuard>>,
    /// Cancelled when no shard counts any more: before, nothing that is limited may be claimed.
    pub(super) counted: CancellationToken,
    pub(super) health: Health,
}

/// What a task leaves behind.
struct Ended {
    job: JobId,
    left: Left,
    pokes: mpsc::Receiver<()>,
    place: Option<Place>,
    parent: Option<JobId>,
}

/// How a job comes into memory.
enum Origin {
    Claimed(Box<Claimed>),
    /// Not on disk yet; cancelled when it never will be.
    ClaimedAhead(Box<Claimed>, CancellationToken),
    Stored,
    /// It was lost too often, for this reason.
    GivenUp(String),
}

/// A claim that is on its way to the disk.
struct Ahead {
    jobs: Vec<JobId>,
    undone: CancellationToken,
    end: Result<(), Error>,
}

#[derive(Default)]
struct Jobs {
    active: HashMap<JobId, mpsc::Sender<()>>,
    tasks: JoinSet<Ended>,
    waiting: VecDeque<JobId>,
    held: Vec<(PresetId, u32, u64)>,
    ahead: FuturesUnordered<BoxFuture<'static, Ahead>>,
    /// Jobs that signals came for and that have not been told yet.
    signalled: VecDeque<JobId>,
    /// The places of running jobs that are not in memory.
    places: HashMap<JobId, Place>,
    /// How often in a row a job was lost, and why the last time.
    lost: HashMap<JobId, (u32, String)>,
    /// Lost jobs at rest.
    again: FuturesUnordered<BoxFuture<'static, JobId>>,
    counting: Option<Arc<DropGuard>>,
    /// Whether a job may have become due earlier than is known.
    look_at_due: bool,
}

impl Service {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut jobs = Jobs { counting: self.counting.take(), ..Jobs::default() };
        while !stop.is_cancelled() {
            let turn = self.turn(&mut jobs, &stop).await;
            // A shard that cannot be taken runs nothing that would have to be counted.
            jobs.counting = None;
            match turn {
                Ok(()) => {}
                Err(error @ Error::Fenced { .. }) => {
                    tracing::error!(%error, "letting the shard go");
                    break;
                }
                Err(error @ Error::Ended { .. }) => {
                    tracing::error!(shard = %self.shard.no(), %error, "the shard cannot be written any more");
                    return;
                }
                Err(error) => {
                    tracing::error!(shard = %self.shard.no(), %error, "the shard rests");
                    self.health.rests(self.shard.no(), &error);
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(SHARD_REST) => {}
                    }
                }
            }
        }
        stop.cancelled().await;
        let quiet = async { while jobs.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WITHIN, quiet).await.is_err() {
            // They wait for a store that does not take their writes. What counts is on disk; they go on from there.
            tracing::warn!(shard = %self.shard.no(), jobs = jobs.tasks.len(), "jobs were let go in the middle of a write");
            jobs.tasks.shutdown().await;
        }
    }

    /// Leases the shard and works until something is wrong.
    async fn turn(&self, jobs: &mut Jobs, stop: &CancellationToken) -> Result<(), Error> {
        while let Some(ahead) = jobs.ahead.next().await {
            // Why it failed is what the last turn ended with.
            let _ = self.settle(jobs, ahead).await;
        }
        if jobs.active.is_empty() {
            jobs.waiting = self.shard.take().await?.into();
            let limited = self.shard.limited().await?;
            jobs.places = limited.iter().map(|(job, preset)| (*job, self.limits.force(preset))).collect();
        }
        jobs.counting = None;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = self.counted.cancelled() => {}
        }
        let mut due = self.context.clock.clone()();
        let mut looked_at = due;
        loop {
            self.start_waiting(jobs, stop);
            let room = self.room(jobs);
            let (drained, committed) = self.shard.drain_ahead(DRAIN_MAX, room).await?;
            let more = drained.more && room > 0;
            jobs.held = drained.held;
            if drained.claimed.is_empty() {
                committed.await?;
                self.health.works(self.shard.no());
            } else {
                self.start_claimed(jobs, drained.claimed, committed, stop);
            }
            jobs.signalled.extend(drained.signalled);
            self.signal_all(jobs).await?;
            self.claim_held(jobs, stop).await?;
            let now = (self.context.clock)();
            // A clock that went back says nothing about when the next look was to be.
            if now >= due || now < looked_at || std::mem::take(&mut jobs.look_at_due) {
                looked_at = now;
                let room = self.room(jobs);
                jobs.waiting.extend(self.shard.claim_due(now, room).await?);
                let next = self.shard.next_due().await?;
                due = next.map_or(now.plus_ms(1_000), |at| at.min(now.plus_ms(1_000)));
                due = due.max(now.plus_ms(1));
            }
            if more || (!jobs.waiting.is_empty() && self.room(jobs) > 0) {
                self.reap_ready(jobs);
                while let Some(Some(ahead)) = jobs.ahead.next().now_or_never() {
                    self.settle(jobs, ahead).await?;
                }
                tokio::task::yield_now().await;
                if stop.is_cancelled() {
                    return Ok(());
                }
                continue;
            }
            let pause = Duration::from_millis(due.since_ms(now)).min(LOOK_EVERY);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.nudge.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(ended) = jobs.tasks.join_next() => self.ended(jobs, ended),
                Some(ahead) = jobs.ahead.next() => self.settle(jobs, ahead).await?,
                Some(job) = jobs.again.next() => jobs.waiting.push_back(job),
            }
            self.reap_ready(jobs);
        }
    }

    /// How many further jobs may come into memory. None while those that are there hold too much.
    fn room(&self, jobs: &Jobs) -> usize {
        if self.context.memory.load(Ordering::Relaxed) > KERNEL_BYTES_MAX && !jobs.active.is_empty() {
            return 0;
        }
        self.jobs_max.saturating_sub(jobs.active.len())
    }

    fn start_claimed(&self, jobs: &mut Jobs, claimed: Vec<Claimed>, committed: Committed, stop: &CancellationToken) {
        let undone = CancellationToken::new();
        let ids = claimed.iter().map(|it| it.submission.job).collect();
        for claimed in claimed {
            let job = claimed.submission.job;
            self.spawn(jobs, job, Origin::ClaimedAhead(Box::new(claimed), undone.clone()), stop);
        }
        let ahead = async move { Ahead { jobs: ids, undone, end: committed.await } };
        jobs.ahead.push(Box::pin(ahead));
    }

    async fn settle_all(&self, jobs: &mut Jobs) -> Result<(), Error> {
        while let Some(ahead) = jobs.ahead.next().await {
            self.settle(jobs, ahead).await?;
        }
        Ok(())
    }

    /// When claims did not reach the disk, their jobs leave memory before anything else is drained: they come again.
    async fn settle(&self, jobs: &mut Jobs, ahead: Ahead) -> Result<(), Error> {
        if ahead.end.is_ok() {
            self.health.works(self.shard.no());
        } else {
            ahead.undone.cancel();
            while ahead.jobs.iter().any(|job| jobs.active.contains_key(job)) {
                let Some(ended) = jobs.tasks.join_next().await else { break };
                self.ended(jobs, ended);
            }
        }
        ahead.end
    }

    fn reap_ready(&self, jobs: &mut Jobs) {
        while let Some(ended) = jobs.tasks.try_join_next() {
            self.ended(jobs, ended);
        }
    }

    fn ended(&self, jobs: &mut Jobs, ended: Result<Ended, tokio::task::JoinError>) {
        self.active.fetch_sub(1, Ordering::Relaxed);
        let Ended { job, left, mut pokes, place, parent } = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // A panic of a job is caught in its task, so this is the end of the runtime.
                tracing::error!(shard = %self.shard.no(), %error, "a job's task was ended");
                jobs.active.retain(|_, pokes| !pokes.is_closed());
                return;
            }
        };
        jobs.active.remove(&job);
        if let Some(parent) = parent {
            match jobs.active.get(&parent) {
                Some(poke) => drop(poke.try_send(())),
                None => jobs.signalled.push_back(parent),
            }
        }
        match left {
            Left::Lost(error) => self.lost(jobs, job, error, place),
            Left::Resting => {
                jobs.look_at_due = true;
                jobs.lost.remove(&job);
                if pokes.try_recv().is_ok() {
                    jobs.signalled.push_back(job);
                }
            }
            Left::Ended | Left::Stopped | Left::Undone => drop(jobs.lost.remove(&job)),
        }
        self.nudge.notify_one();
    }

    /// The job is as it is on disk, running. It rests, keeping its place, and is taken up again; one that is lost time after
    /// time is parked.
    fn lost(&self, jobs: &mut Jobs, job: JobId, error: Error, place: Option<Place>) {
        let before = jobs.lost.get(&job).map_or(0, |it| it.0);
        // What passes by itself, like a full disk, is waited for as long as it takes.
        let tries = if error.passes() { before.max(1) } else { before + 1 };
        if !error.passes() {
            self.health.met(self.shard.no(), &error);
        }
        let why = error.to_string();
        if tries > LOST_TRIES_MAX + 1 {
            tracing::error!(%job, %why, "a job could not even be parked; it waits for the next start of this kernel");
            jobs.lost.remove(&job);
            return;
        }
        tracing::error!(%job, %why, tries, "a job could not go on and is taken up again");
        jobs.lost.insert(job, (tries, why));
        jobs.places.extend(place.map(|place| (job, place)));
        let rest = LOST_REST.saturating_mul(1 << (tries - 1).min(16)).min(LOST_REST_MAX);
        jobs.again.push(Box::pin(async move {
            tokio::time::sleep(rest).await;
            job
        }));
    }

    /// The store tells of a signal once, so one that cannot be passed on now is kept for the next turn.
    async fn signal_all(&self, jobs: &mut Jobs) -> Result<(), Error> {
        if !jobs.signalled.is_empty() {
            // What a signal says is read from the disk.
            self.settle_all(jobs).await?;
        }
        while let Some(job) = jobs.signalled.front().copied() {
            match self.signal(jobs, job).await {
                Ok(()) => {}
                // Its row cannot be read: that one is out, and must not be in the way of the others.
                Err(error @ Error::Damaged { .. }) => tracing::error!(%job, %error, "a job cannot be woken"),
                Err(error) => return Err(error),
            }
            jobs.signalled.pop_front();
        }
        Ok(())
    }

    async fn signal(&self, jobs: &mut Jobs, job: JobId) -> Result<(), Error> {
        match jobs.active.get(&job) {
            Some(poke) => drop(poke.try_send(())),
            None => {
                if self.shard.wake(job).await? {
                    jobs.waiting.push_back(job);
                }
            }
        }
        Ok(())
    }

    fn start_waiting(&self, jobs: &mut Jobs, stop: &CancellationToken) {
        while self.room(jobs) > 0 {
            let Some(job) = jobs.waiting.pop_front() else { return };
            let origin = match jobs.lost.get(&job) {
                Some((tries, why)) if *tries > LOST_TRIES_MAX => Origin::GivenUp(why.clone()),
                _ => Origin::Stored,
            };
            self.spawn(jobs, job, origin, stop);
        }
    }

    async fn claim_held(&self, jobs: &mut Jobs, stop: &CancellationToken) -> Result<(), Error> {
        for (preset, limit, held) in std::mem::take(&mut jobs.held) {
            let room = self.room(jobs).min(usize::try_from(held).unwrap_or(usize::MAX));
            let mut places = self.limits.reserve(&preset, limit, u32::try_from(room).unwrap_or(u32::MAX));
            if places.is_empty() {
                continue;
            }
            for claimed in self.shard.claim_held(&preset, places.len()).await? {
                let job = claimed.submission.job;
                jobs.places.extend(places.pop().map(|place| (job, place)));
                self.spawn(jobs, job, Origin::Claimed(Box::new(claimed)), stop);
            }
        }
        Ok(())
    }

    fn spawn(&self, jobs: &mut Jobs, job: JobId, origin: Origin, stop: &CancellationToken) {
        if jobs.active.contains_key(&job) {
            return;
        }
        let (poke, pokes) = mpsc::channel(POKES_MAX);
        jobs.active.insert(job, poke);
        self.active.fetch_add(1, Ordering::Relaxed);
        let one = One {
            context: self.context.clone(),
            shard: self.shard.clone(),
            limits: self.limits.clone(),
            job,
            place: jobs.places.remove(&job),
            pokes,
            stop: stop.clone(),
        };
        jobs.tasks.spawn(one.run(origin));
    }
}

/// One job on its task.
struct One {
    context: Arc<Context>,
    shard: Arc<dyn Shard>,
    limits: Arc<Limits>,
    job: JobId,
    place: Option<Place>,
    pokes: mpsc::Receiver<()>,
    stop: CancellationToken,
}

impl One {
    /// Runs it. What it holds comes back also when its task breaks.
    async fn run(mut self, origin: Origin) -> Ended {
        let (left, parent) = match AssertUnwindSafe(self.work(origin)).catch_unwind().await {
            Ok(done) => done,
            Err(_) => {
                let detail = format!("the task of job {} broke, which is a bug in Flowork", self.job);
                (Left::Lost(Error::Other { file: String::new(), detail }), None)
            }
        };
        Ended { job: self.job, left, pokes: self.pokes, place: self.place, parent }
    }

    async fn work(&mut self, origin: Origin) -> (Left, Option<JobId>) {
        let (task, undone) = match origin {
            Origin::Claimed(claimed) => (claim(&self.context, &self.shard, *claimed, &self.stop).await, None),
            Origin::ClaimedAhead(claimed, undone) => {
                (claim(&self.context, &self.shard, *claimed, &self.stop).await, Some(undone))
            }
            Origin::Stored => (take_up(&self.context, &self.shard, self.job, &self.stop).await, None),
            Origin::GivenUp(why) => {
                let reason = format!("it could not go on, time after time: {why}; resume it when that is mended");
                (Err(park_stored(&self.context, &self.shard, self.job, reason).await), None)
            }
        };
        let task = match task {
            Ok(task) => task,
            Err(left) => return (left, None),
        };
        self.place = match (task.submission.concurrency, self.place.take()) {
            (None, _) => None,
            (Some(_), None) => Some(self.limits.force(&task.submission.preset)),
            (Some(_), place) => place,
        };
        let parent = task.submission.parent.as_ref().map(|it| it.0);
        let running = Box::pin(task.run(&mut self.pokes, &self.stop));
        let left = match &undone {
            None => running.await,
            Some(undone) => tokio::select! {
                biased;
                left = running => left,
                () = undone.cancelled() => Left::Undone,
            },
        };
        let parent = parent.filter(|_| matches!(left, Left::Ended));
        (left, parent)
    }
}

async fn claim(
    context: &Arc<Context>, shard: &Arc<dyn Shard>, claimed: Claimed, stop: &CancellationToken,
) -> Result<Task, Left> {
    let Claimed { accepted_at, last_seq, submission } = claimed;
    let program = program(context, shard, &submission, accepted_at, last_seq, stop).await?;
    Ok(Task::new(context.clone(), shard.clone(), Arc::new(submission), accepted_at, program, last_seq))
}

/// The program of a job; a job whose version cannot be had ends, and says why.
async fn program(
    context: &Arc<Context>, shard: &Arc<dyn Shard>, submission: &Submission, accepted_at: Timestamp, last_seq: u64,
    stop: &CancellationToken,
) -> Result<Arc<Program>, Left> {
    loop {
        match context.programs.get(submission.version).await {
            Ok(program) => return Ok(program),
            Err(failure) if failure.retryable => {
                tracing::warn!(job = %submission.job, error = %failure, "a version cannot be read now");
                tokio::select! {
                    () = stop.cancelled() => return Err(Left::Stopped),
                    () = tokio::time::sleep(VERSION_AGAIN) => {}
                }
            }
            Err(failure) if failure.code == COMPONENT_GONE => {
                let hint = failure.hint.as_deref().unwrap_or_default();
                let reason = format!("{}; {hint}, then `flowork job resume {}`", failure.message, submission.job);
                return Err(park(context, shard, submission.job, last_seq, reason).await);
            }
            Err(failure) => {
                let left = fail_before_start(context, shard, submission, last_seq, failure).await;
                tracing::info!(job = %submission.job, accepted_at = accepted_at.0, "a job could not be started");
                return Err(left);
            }
        }
    }
}

async fn fail_before_start(
    context: &Arc<Context>, shard: &Arc<dyn Shard>, submission: &Submission, last_seq: u64, failure: Failure,
) -> Left {
    let now = (context.clock)();
    let mut journal = Journal::new(shard.clone(), submission.job, last_seq);
    let outcome = Outcome::Failed(failure.clone());
    journal.record(now, vec![What::Ended { outcome, output: std::collections::BTreeMap::new() }]);
    let row = journal.row();
    row.state = Some(State::Failed);
    row.ended_at = Some(now);
    row.error = Some(failure.clone());
    match crate::child::after_failed_start(context, submission, &failure).await {
        Ok(error_preset) => journal.extra.submissions.extend(error_preset),
        Err(error) => return Left::Lost(error),
    }
    if let Some((parent, run)) = submission.parent.clone() {
        let outcome = Box::new(flowork_protocol::command::ChildOutcome::Failed(failure));
        let signal = flowork_protocol::command::Signal::ChildEnded { run, child: submission.job, outcome };
        journal.extra.signals.push((parent, signal));
    }
    match journal.flush(&mut Packer::default()).await {
        Ok(()) => Left::Ended,
        Err(error) => Left::Lost(error),
    }
}

async fn take_up(
    context: &Arc<Context>, shard: &Arc<dyn Shard>, job: JobId, stop: &CancellationToken,
) -> Result<Task, Left> {
    match load(context, shard, job).await {
        Ok(task) => Ok(task),
        Err(Refused::Ended) => Err(Left::Ended),
        Err(Refused::Store(error)) => Err(Left::Lost(error)),
        Err(Refused::NotRunning) => Err(Left::Undone),
        Err(Refused::Parked(reason)) => Err(park_stored(context, shard, job, reason).await),
        Err(Refused::Program(it)) => {
            let (submission, accepted_at, last_seq) = *it;
            program(context, shard, &submission, accepted_at, last_seq, stop).await?;
            Box::pin(take_up(context, shard, job, stop)).await
        }
    }
}

async fn park_stored(context: &Arc<Context>, shard: &Arc<dyn Shard>, job: JobId, reason: String) -> Left {
    match shard.load(job).await {
        Ok(stored) => park(context, shard, job, stored.summary.last_seq, reason).await,
        Err(error) => Left::Lost(error),
    }
}

/// Sets a job aside that this kernel does not understand. Nothing of it is lost; a newer kernel takes it up on a signal.
async fn park(context: &Arc<Context>, shard: &Arc<dyn Shard>, job: JobId, last_seq: u64, reason: String) -> Left {
    tracing::error!(%job, %reason, "a job is parked");
    let mut journal = Journal::new(shard.clone(), job, last_seq);
    journal.record((context.clock)(), vec![What::Parked { reason }]);
    journal.row().state = Some(State::Parked);
    match journal.flush(&mut Packer::default()).await {
        Ok(()) => Left::Resting,
        Err(error) => Left::Lost(error),
    }
}
