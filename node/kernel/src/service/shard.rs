//! One shard's loop.
//!
//! Claimed jobs start before their claim is on disk: the store puts the claim and what the job does at once into one commit.
//! Nothing of that shows outside until it is committed (an external step waits for its start to be on disk, which is the same
//! commit or a later one); when the commit fails, the job's task is dropped and the job comes again.

use std::collections::{HashMap, VecDeque};
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
use tokio_util::sync::CancellationToken;

use super::SHARD_REST;
use super::limits::Limits;
use crate::history::Packer;
use crate::journal::Journal;
use crate::load::{Refused, load};
use crate::program::Program;
use crate::task::{Context, Left, Task};

/// How many inbox entries move into the shard in one transaction.
const DRAIN_MAX: usize = 256;
/// How many signals may wait for a job's task; one is enough to make it look.
const POKES_MAX: usize = 1;
/// The pause before a version that could not be read is tried again.
const VERSION_AGAIN: Duration = Duration::from_secs(1);

/// One shard's loop.
pub(super) struct Service {
    pub(super) context: Arc<Context>,
    pub(super) shard: Arc<dyn Shard>,
    pub(super) nudge: Arc<Notify>,
    pub(super) limits: Arc<Limits>,
    pub(super) active: Arc<AtomicUsize>,
    pub(super) jobs_max: usize,
}

/// What a task leaves behind.
struct Ended {
    job: JobId,
    left: Left,
    pokes: mpsc::Receiver<()>,
    limited: Option<PresetId>,
    parent: Option<JobId>,
}

/// How a job comes into memory.
enum Origin {
    Claimed(Box<Claimed>),
    /// Not on disk yet; cancelled when it never will be.
    ClaimedAhead(Box<Claimed>, CancellationToken),
    Stored,
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
    /// Jobs whose child ended while they were not in memory.
    signalled: Vec<JobId>,
    /// Whether a job may have become due earlier than is known.
    look_at_due: bool,
}

impl Service {
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut jobs = Jobs::default();
        while !stop.is_cancelled() {
            match self.turn(&mut jobs, &stop).await {
                Ok(()) => {}
                Err(error @ Error::Fenced { .. }) => {
                    tracing::error!(%error, "letting the shard go");
                    break;
                }
                Err(error) => {
                    tracing::error!(shard = %self.shard.no(), %error, "the shard rests");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(SHARD_REST) => {}
                    }
                }
            }
        }
        stop.cancelled().await;
        while jobs.tasks.join_next().await.is_some() {}
    }

    /// Leases the shard and works until something is wrong.
    async fn turn(&self, jobs: &mut Jobs, stop: &CancellationToken) -> Result<(), Error> {
        while let Some(ahead) = jobs.ahead.next().await {
            // Why it failed is what the last turn ended with.
            let _ = self.settle(jobs, ahead).await;
        }
        if jobs.active.is_empty() {
            jobs.waiting = self.shard.take().await?.into();
        }
        let mut due = self.context.clock.clone()();
        loop {
            self.start_waiting(jobs, stop);
            let room = self.jobs_max.saturating_sub(jobs.active.len());
            let (drained, committed) = self.shard.drain_ahead(DRAIN_MAX, room).await?;
            let more = drained.more && room > 0;
            jobs.held = drained.held;
            if drained.claimed.is_empty() {
                committed.await?;
            } else {
                self.start_claimed(jobs, drained.claimed, committed, stop);
            }
            if !drained.signalled.is_empty() {
                // What a signal says is read from the disk.
                self.settle_all(jobs).await?;
            }
            let signalled = std::mem::take(&mut jobs.signalled);
            for job in drained.signalled.into_iter().chain(signalled) {
                self.signal(jobs, job).await?;
            }
            self.claim_held(jobs, stop).await?;
            let now = (self.context.clock)();
            if now >= due || std::mem::take(&mut jobs.look_at_due) {
                let room = self.jobs_max.saturating_sub(jobs.active.len());
                jobs.waiting.extend(self.shard.claim_due(now, room).await?);
                let next = self.shard.next_due().await?;
                due = next.map_or(now.plus_ms(1_000), |at| at.min(now.plus_ms(1_000)));
                due = due.max(now.plus_ms(1));
            }
            if more || (!jobs.waiting.is_empty() && jobs.active.len() < self.jobs_max) {
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
            }
            self.reap_ready(jobs);
        }
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
        if ahead.end.is_err() {
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
        let ended = match ended {
            Ok(ended) => ended,
            Err(error) => {
                // The job stays `running` on disk and is taken up again by the next kernel.
                tracing::error!(shard = %self.shard.no(), %error, "a job's task broke");
                jobs.active.retain(|_, pokes| !pokes.is_closed());
                return;
            }
        };
        let Ended { job, left, mut pokes, limited, parent } = ended;
        jobs.active.remove(&job);
        if let Some(preset) = limited {
            self.limits.release(&preset, 1);
        }
        if let Some(parent) = parent {
            match jobs.active.get(&parent) {
                Some(poke) => drop(poke.try_send(())),
                None => jobs.signalled.push(parent),
            }
        }
        match left {
            Left::Lost(why) => tracing::error!(%job, %why, "a job could not be written and waits for the next start"),
            Left::Resting => {
                jobs.look_at_due = true;
                if pokes.try_recv().is_ok() {
                    jobs.signalled.push(job);
                }
            }
            _ => {}
        }
        self.nudge.notify_one();
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
        while jobs.active.len() < self.jobs_max {
            let Some(job) = jobs.waiting.pop_front() else { return };
            self.spawn(jobs, job, Origin::Stored, stop);
        }
    }

    async fn claim_held(&self, jobs: &mut Jobs, stop: &CancellationToken) -> Result<(), Error> {
        for (preset, limit, held) in std::mem::take(&mut jobs.held) {
            let room = self.jobs_max.saturating_sub(jobs.active.len()).min(usize::try_from(held).unwrap_or(usize::MAX));
            let got = self.limits.reserve(&preset, limit, u32::try_from(room).unwrap_or(u32::MAX));
            if got == 0 {
                continue;
            }
            let claimed = self.shard.claim_held(&preset, got as usize).await?;
            let unused = got.saturating_sub(u32::try_from(claimed.len()).unwrap_or(u32::MAX));
            self.limits.release(&preset, unused);
            for claimed in claimed {
                self.spawn(jobs, claimed.submission.job, Origin::Claimed(Box::new(claimed)), stop);
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
        let (context, shard, limits) = (self.context.clone(), self.shard.clone(), self.limits.clone());
        let stop = stop.clone();
        jobs.tasks.spawn(run_one(context, shard, limits, job, origin, pokes, stop));
    }
}

async fn run_one(
    context: Arc<Context>, shard: Arc<dyn Shard>, limits: Arc<Limits>, job: JobId, origin: Origin,
    mut pokes: mpsc::Receiver<()>, stop: CancellationToken,
) -> Ended {
    let mut ended = Ended { job, left: Left::Stopped, pokes: mpsc::channel(POKES_MAX).1, limited: None, parent: None };
    let mut undone = None;
    let task = match origin {
        Origin::Claimed(claimed) => {
            let limited = claimed.submission.concurrency.is_some().then(|| claimed.submission.preset.clone());
            ended.limited = limited;
            claim(&context, &shard, *claimed, &stop).await
        }
        Origin::ClaimedAhead(claimed, token) => {
            undone = Some(token);
            claim(&context, &shard, *claimed, &stop).await
        }
        Origin::Stored => {
            let task = take_up(&context, &shard, job, &stop).await;
            if let Ok(task) = &task
                && task.submission.concurrency.is_some()
            {
                limits.force(&task.submission.preset);
                ended.limited = Some(task.submission.preset.clone());
            }
            task
        }
    };
    match task {
        Ok(task) => {
            let parent = task.submission.parent.as_ref().map(|it| it.0);
            let running = Box::pin(task.run(&mut pokes, &stop));
            ended.left = match &undone {
                None => running.await,
                Some(undone) => tokio::select! {
                    biased;
                    left = running => left,
                    () = undone.cancelled() => Left::Undone,
                },
            };
            ended.parent = parent.filter(|_| ended.left == Left::Ended);
        }
        Err(left) => ended.left = left,
    }
    ended.pokes = pokes;
    ended
}

async fn claim(
    context: &Arc<Context>, shard: &Arc<dyn Shard>, claimed: Claimed, stop: &CancellationToken,
) -> Result<Task, Left> {
    let Claimed { accepted_at, submission } = claimed;
    let program = program(context, shard, &submission, accepted_at, 1, stop).await?;
    Ok(Task::new(context.clone(), shard.clone(), Arc::new(submission), accepted_at, program, 1))
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
    if let Some((parent, run)) = submission.parent.clone() {
        let outcome = Box::new(flowork_protocol::command::ChildOutcome::Failed(failure));
        let signal = flowork_protocol::command::Signal::ChildEnded { run, child: submission.job, outcome };
        journal.extra.signals.push((parent, signal));
    }
    match journal.flush(&mut Packer::default()).await {
        Ok(()) => Left::Ended,
        Err(error) => Left::Lost(error.to_string()),
    }
}

async fn take_up(
    context: &Arc<Context>, shard: &Arc<dyn Shard>, job: JobId, stop: &CancellationToken,
) -> Result<Task, Left> {
    match load(context, shard, job).await {
        Ok(task) => Ok(task),
        Err(Refused::Ended) => Err(Left::Ended),
        Err(Refused::Store(error)) => Err(Left::Lost(error.to_string())),
        Err(Refused::Parked(reason)) => Err(park(context, shard, job, reason).await),
        Err(Refused::Program(program_error)) => {
            let (submission, accepted_at, last_seq, failure) = *program_error;
            if failure.retryable {
                let again = program(context, shard, &submission, accepted_at, last_seq, stop).await;
                again?;
                return Box::pin(take_up(context, shard, job, stop)).await;
            }
            Err(fail_before_start(context, shard, &submission, last_seq, failure).await)
        }
    }
}

/// Sets a job aside that this kernel does not understand. Nothing of it is lost; a newer kernel takes it up on a signal.
async fn park(context: &Arc<Context>, shard: &Arc<dyn Shard>, job: JobId, reason: String) -> Left {
    tracing::error!(%job, %reason, "a job is parked");
    let last_seq = match shard.load(job).await {
        Ok(stored) => stored.summary.last_seq,
        Err(error) => return Left::Lost(error.to_string()),
    };
    let mut journal = Journal::new(shard.clone(), job, last_seq);
    journal.record((context.clock)(), vec![What::Parked { reason }]);
    journal.row().state = Some(State::Parked);
    match journal.flush(&mut Packer::default()).await {
        Ok(()) => Left::Resting,
        Err(error) => Left::Lost(error.to_string()),
    }
}
