//! What every route can reach.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flowork_ports::Followers;
use flowork_ports::bell::LOOK_EVERY;
use flowork_ports::documents::FrozenPreset;
use flowork_ports::roles::{RoleStatus, Trouble};
use flowork_ports::store::{self, FileHealth, Stats};
use flowork_protocol::command::Command;
use flowork_protocol::{BlobId, JobId, ShardNo, Timestamp, VersionId};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::access::Grounds;
use crate::guard::Hosts;
use crate::known::Known;
use crate::login::Doors;
use crate::problem::Problem;
use crate::{Options, feed, guard, routes};

/// How long an answer waits for its command to be carried out, where it is worth nothing before.
const CARRIED_OUT_WITHIN: Duration = Duration::from_secs(10);

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct Ctx(Arc<Inner>);

/// See [`Ctx`].
pub(crate) struct Inner {
    /// What the gateway was made from.
    pub(crate) options: Options,
    /// When it came up.
    pub(crate) up_since: Instant,
    /// Ends every feed.
    pub(crate) cancel: CancellationToken,
    /// Which hosts and origins are this node.
    pub(crate) hosts: Hosts,
    /// Room for requests to the API.
    pub(crate) api_room: Semaphore,
    /// Room for webhooks that are being accepted.
    pub(crate) hook_room: Semaphore,
    /// Room for requests that wait for a job.
    pub(crate) wait_room: Semaphore,
    /// Room for live feeds.
    pub(crate) feed_room: Arc<Semaphore>,
    /// Room for connections to the documents.
    pub(crate) visit_room: Arc<Semaphore>,
    /// Room for expressions that are tried.
    pub(crate) trial_room: Semaphore,
    /// How people get in.
    pub(crate) doors: Doors,
    /// Feeds and waiting requests that follow jobs.
    pub(crate) followers: Followers,
    known: watch::Receiver<Arc<Known>>,
    next_shard: AtomicU64,
    stats: Mutex<Option<(Instant, Arc<Stats>)>>,
}

impl std::ops::Deref for Ctx {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Ctx {
    /// Puts it together.
    pub(crate) fn new(
        options: Options, addr: SocketAddr, known: watch::Receiver<Arc<Known>>, cancel: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            up_since: Instant::now(),
            hosts: Hosts::new(addr, &options.hosts),
            api_room: Semaphore::new(guard::API_IN_FLIGHT_MAX),
            hook_room: Semaphore::new(routes::hooks::IN_FLIGHT_MAX),
            wait_room: Semaphore::new(feed::WAITING_MAX),
            feed_room: Arc::new(Semaphore::new(feed::FEEDS_MAX)),
            visit_room: Arc::new(Semaphore::new(routes::sync::VISITS_MAX)),
            trial_room: Semaphore::new(routes::expressions::AT_ONCE_MAX),
            doors: Doors::new(rand::random()),
            followers: Followers::new(options.reader.clone(), options.bell.clone()),
            next_shard: AtomicU64::new(rand::random()),
            stats: Mutex::new(None),
            options,
            cancel,
            known,
        }))
    }

    /// Tokens and webhooks as last read.
    pub(crate) fn known(&self) -> Arc<Known> {
        self.known.borrow().clone()
    }

    /// The same, to be told of every change.
    pub(crate) fn watch_known(&self) -> watch::Receiver<Arc<Known>> {
        self.known.clone()
    }

    /// Keeps a command. Whoever calls it shows on what grounds.
    pub(crate) async fn command(&self, _grounds: &impl Grounds, command: Command) -> Result<(), Problem> {
        let kept = self.options.inbox.submit(command).await;
        if let Err(store::Error::Ended { .. }) = &kept {
            tracing::error!("nothing can be accepted any more; the gateway ends so that it is started again");
            self.cancel.cancel();
        }
        Ok(kept?)
    }

    /// Waits until what is known shows that a command was carried out; none when that takes too long. Cancel-safe.
    pub(crate) async fn carried_out<T>(&self, shows: impl Fn(&Known) -> Option<T>) -> Option<T> {
        let mut known = self.known.clone();
        let waits = async {
            loop {
                let now = known.borrow_and_update().clone();
                if let Some(found) = shows(&now) {
                    return Some(found);
                }
                known.changed().await.ok()?;
            }
        };
        tokio::time::timeout(CARRIED_OUT_WITHIN, waits).await.ok().flatten()
    }

    /// A new job id; jobs are spread over the shards in turn.
    pub(crate) fn fresh_job(&self) -> JobId {
        let turn = self.next_shard.fetch_add(1, Ordering::Relaxed);
        let shards = u64::from(self.options.inbox.shards().max(1));
        // The remainder is below a u16, so the cast keeps it.
        let in_turn = (0..shards).map(|step| ShardNo((turn.wrapping_add(step) % shards) as u16));
        let roles = self.options.roles.borrow();
        // With every shard out, what is accepted waits for the first that comes back.
        let shard = in_turn.clone().find(|shard| out(&roles, *shard).is_none()).or_else(|| in_turn.clone().next());
        JobId::fresh(now(), shard.unwrap_or(ShardNo(0)), rand::random())
    }

    /// Refuses what would wait for a shard that is out.
    pub(crate) fn check_shard(&self, job: JobId) -> Result<(), Problem> {
        match out(&self.options.roles.borrow(), job.shard()) {
            None => Ok(()),
            Some(trouble) => Err(Problem::shard_out(job, &trouble.problem)),
        }
    }

    /// What a version holds. Read from its blob, so that it is there while docs is away.
    pub(crate) async fn frozen(&self, version: VersionId) -> Result<FrozenPreset, Problem> {
        let read = self.options.blobs.get(BlobId(version.0)).await;
        if let Ok(frozen) =
            read.as_ref().map_err(|_| ()).and_then(|bytes| serde_json::from_slice(bytes).map_err(|_| ()))
        {
            return Ok(frozen);
        }
        Ok(self.options.documents.version(version).await?.1)
    }

    /// The store in numbers, at most [`LOOK_EVERY`] old: counting is not free, and pages ask for it often.
    pub(crate) async fn stats(&self) -> Result<Arc<Stats>, store::Error> {
        let mut kept = self.stats.lock().await;
        if let Some((at, stats)) = kept.as_ref().filter(|(at, _)| at.elapsed() < LOOK_EVERY) {
            tracing::trace!(age_ms = at.elapsed().as_millis(), "counts served from memory");
            return Ok(stats.clone());
        }
        let mut stats = self.options.reader.stats().await?;
        for trouble in self.options.roles.borrow().iter().flat_map(|role| &role.troubles) {
            name_trouble(&mut stats.files, trouble);
        }
        let stats = Arc::new(stats);
        *kept = Some((Instant::now(), stats.clone()));
        Ok(stats)
    }
}

/// Names what a role says about a file beside what is read here.
fn name_trouble(files: &mut Vec<FileHealth>, trouble: &Trouble) {
    match files.iter_mut().find(|it| it.file == trouble.file) {
        Some(file) => drop(file.problem.get_or_insert_with(|| trouble.problem.clone())),
        None => {
            files.push(FileHealth { file: trouble.file.clone(), bytes: 0, problem: Some(trouble.problem.clone()) });
        }
    }
}

/// What the kernel says about a shard that is out or damaged: new work is better kept elsewhere.
fn out(roles: &[RoleStatus], shard: ShardNo) -> Option<&Trouble> {
    roles.iter().flat_map(|role| &role.troubles).find(|it| (it.is_out || it.is_damage) && it.shard == Some(shard))
}

/// The time on this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
