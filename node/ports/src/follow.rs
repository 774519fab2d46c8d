//! Following a job: its events as they are committed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flowork_protocol::event::{Event, What};
use flowork_protocol::{JobId, ShardNo};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{Instant, sleep_until};

use crate::bell::{Bell, LOOK_EVERY, Ring};
use crate::store::{Error, Reader};

/// How many events one look reads.
const LOOK_EVENTS: usize = 256;
/// The least time between two looks of one follower, for each [`FOLLOWERS_AT_ONCE`] followers.
const LOOK_PAUSE: Duration = Duration::from_millis(1);
/// So many followers may look every [`LOOK_PAUSE`]; more of them look less often, so that looking never drowns writing.
const FOLLOWERS_AT_ONCE: usize = 8;

/// Makes followers, and knows how many there are: a crowd looks less often. Clones share the count.
#[derive(Clone)]
pub struct Followers {
    reader: Arc<dyn Reader>,
    bell: Bell,
    count: Arc<AtomicUsize>,
}

impl Followers {
    /// Followers that read from `reader` when `bell` rings.
    #[must_use]
    pub fn new(reader: Arc<dyn Reader>, bell: Bell) -> Self {
        Self { reader, bell, count: Arc::default() }
    }

    /// Follows `job` from after event `after`. Call it before the job is submitted and no ring is missed.
    #[must_use]
    pub fn follow(&self, job: JobId, after: u64) -> Follower {
        self.count.fetch_add(1, Ordering::Relaxed);
        Follower {
            rings: self.bell.listen(),
            all: self.clone(),
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
    #[must_use]
    pub fn follow_fresh(&self, job: JobId) -> Follower {
        let mut follower = self.follow(job, 0);
        follower.is_fresh = true;
        follower
    }
}

/// Reads the events of one job as they are committed.
pub struct Follower {
    all: Followers,
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
    /// The next event; none after the job's end. Waits for as long as it takes. Cancel-safe.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
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
            let events = self.all.reader.events(self.job, self.seen, LOOK_EVENTS).await?;
            self.last_look = Some(Instant::now());
            self.pending.extend(events);
            if self.pending.is_empty() {
                self.rang().await;
            }
        }
    }

    async fn pause(&self) {
        let Some(last_look) = self.last_look else { return };
        let crowd = self.all.count.load(Ordering::Relaxed) / FOLLOWERS_AT_ONCE;
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
        self.all.count.fetch_sub(1, Ordering::Relaxed);
    }
}
