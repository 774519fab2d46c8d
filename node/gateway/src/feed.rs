//! Following a job: one that looks when its shard commits, and the waits and live feeds made from it.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Duration;

use flowork_ports::bell::{LOOK_EVERY, Ring};
use flowork_protocol::event::{Event, Outcome, Response, What};
use flowork_protocol::{JobId, ShardNo};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};

use crate::context::Ctx;
use crate::problem::Problem;

/// How many live feeds may be open at once.
pub(crate) const FEEDS_MAX: usize = 512;
/// How many requests may wait for a job's end at once.
pub(crate) const WAITING_MAX: usize = 512;
/// The longest that a request may wait for a job.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);
/// How many events one look reads.
const LOOK_EVENTS: usize = 256;
/// The least time between two looks of one follower, for each [`FOLLOWERS_AT_ONCE`] followers.
const LOOK_PAUSE: Duration = Duration::from_millis(1);
/// So many followers may look every [`LOOK_PAUSE`]; more of them look less often, so that looking never drowns writing.
const FOLLOWERS_AT_ONCE: usize = 8;

/// Reads the events of one job as they are committed.
pub(crate) struct Follower {
    ctx: Ctx,
    job: JobId,
    shard: ShardNo,
    rings: Receiver<Ring>,
    seen: u64,
    last_look: Option<Instant>,
    pending: VecDeque<Event>,
    ended: bool,
    /// There is nothing to see before the shard commits.
    is_fresh: bool,
}

impl Follower {
    /// Follows `job` from after event `after`. Make it before the job is submitted and no ring is missed.
    pub(crate) fn new(ctx: &Ctx, job: JobId, after: u64) -> Self {
        ctx.lookers.fetch_add(1, Ordering::Relaxed);
        Self {
            rings: ctx.options.bell.listen(),
            ctx: ctx.clone(),
            job,
            shard: job.shard(),
            seen: after,
            last_look: None,
            pending: VecDeque::new(),
            ended: false,
            is_fresh: false,
        }
    }

    /// Follows a job that nobody has seen yet and that is about to be submitted.
    pub(crate) fn fresh(ctx: &Ctx, job: JobId) -> Self {
        let mut follower = Self::new(ctx, job, 0);
        follower.is_fresh = true;
        follower
    }

    /// The next event; none after the job's end. Waits for as long as it takes. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Problem> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                self.seen = event.seq;
                self.ended |= matches!(event.what, What::Ended { .. });
                return Ok(Some(event));
            }
            if self.ended {
                return Ok(None);
            }
            if std::mem::take(&mut self.is_fresh) {
                self.rang().await;
            }
            self.pause().await;
            // Rings from before this look are answered by it.
            while !matches!(self.rings.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
            let events = self.ctx.options.reader.events(self.job, self.seen, LOOK_EVENTS).await?;
            self.last_look = Some(Instant::now());
            self.pending.extend(events);
            if self.pending.is_empty() {
                self.rang().await;
            }
        }
    }

    async fn pause(&self) {
        let Some(last_look) = self.last_look else { return };
        let crowd = self.ctx.lookers.load(Ordering::Relaxed) / FOLLOWERS_AT_ONCE;
        let pause = LOOK_PAUSE * u32::try_from(crowd).unwrap_or(u32::MAX);
        sleep_until(last_look + pause.min(LOOK_EVERY)).await;
    }

    /// Waits until the shard commits, or for [`LOOK_EVERY`] in case that hint was lost.
    async fn rang(&mut self) {
        let look = tokio::time::sleep(LOOK_EVERY);
        tokio::pin!(look);
        loop {
            tokio::select! {
                () = &mut look => return,
                ring = self.rings.recv() => match ring {
                    Ok(Ring::Shard(shard, _)) if shard == self.shard => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => {
                        look.await;
                        return;
                    }
                },
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.ctx.lookers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a wait for a job brought.
pub(crate) enum Waited {
    /// The job ended.
    Ended(Box<(Outcome, std::collections::BTreeMap<flowork_protocol::StepId, flowork_protocol::item::List>)>),
    /// A step gave the answer for the webhook.
    Answered(Box<Response>),
    /// The time is over, and the job is not.
    TimedOut,
}

/// Waits for the job's end, or for a step's answer when `for_answer`.
pub(crate) async fn wait(mut follower: Follower, for_answer: bool, time: Duration) -> Result<Waited, Problem> {
    let cancel = follower.ctx.cancel.clone();
    let come = async {
        while let Some(event) = follower.next().await? {
            match event.what {
                What::StepSucceeded(result) if for_answer => {
                    if let Some(response) = result.response {
                        return Ok(Waited::Answered(Box::new(response)));
                    }
                }
                What::Ended { outcome, output } => return Ok(Waited::Ended(Box::new((outcome, output)))),
                _ => {}
            }
        }
        Ok(Waited::TimedOut)
    };
    tokio::select! {
        waited = come => waited,
        () = tokio::time::sleep(time.min(WAIT_MAX)) => Ok(Waited::TimedOut),
        () = cancel.cancelled() => Ok(Waited::TimedOut),
    }
}
