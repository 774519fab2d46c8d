//! The kernel's service: one loop per shard that drains, claims and hands jobs to tasks, and one for the node's tables.

mod health;
mod limits;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flowork_ports::Blobs;
use flowork_ports::bell::{Bell, LOOK_EVERY, Ring};
use flowork_ports::component::Library;
use flowork_ports::roles::Trouble;
use flowork_ports::store::{Error, NodeTables, Shard};
use flowork_ports::vault::Vault;
use flowork_protocol::ShardNo;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Clock;
use crate::program::Programs;
use crate::task::Context;
use health::Health;
use limits::Limits;

/// How often old jobs are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// How many jobs are forgotten in one transaction, so that others get their turn.
const FORGET_AT_ONCE: usize = 256;
/// How long a shard that refused rests before it is tried again.
const SHARD_REST: Duration = Duration::from_secs(2);

/// What a kernel is made of.
pub struct Options {
    /// The shards that this kernel runs. Each is leased first.
    pub shards: Vec<Arc<dyn Shard>>,
    /// The node's own tables.
    pub node: Arc<dyn NodeTables>,
    /// All components.
    pub library: Arc<dyn Library>,
    /// Files and versions.
    pub blobs: Arc<dyn Blobs>,
    /// Opens secrets.
    pub vault: Arc<dyn Vault>,
    /// Hints from and for the other roles.
    pub bell: Bell,
    /// Tells the time.
    pub clock: Clock,
    /// How many jobs each shard keeps in memory at once; the others wait in their queue.
    pub jobs_per_shard_max: usize,
    /// Told which shards give trouble. What it holds at first stays.
    pub troubles: watch::Sender<Vec<Trouble>>,
}

/// A running kernel.
#[derive(Clone)]
pub struct Handle {
    active: Arc<AtomicUsize>,
    memory: Arc<AtomicUsize>,
    stop: CancellationToken,
    done: CancellationToken,
}

impl Handle {
    /// How many bytes the items in memory take that steps gave, about.
    #[must_use]
    pub fn items_bytes(&self) -> usize {
        self.memory.load(Ordering::Relaxed)
    }

    /// How many jobs are in memory now.
    #[must_use]
    pub fn active_jobs(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Waits until it is quiet: after [`Self::stop`], or because a part of it broke. Then nothing of it goes on, and only a
    /// fresh kernel helps.
    pub async fn ended(&self) {
        self.done.cancelled().await;
    }

    /// Takes no further job, lets go of those in memory (they go on at the next start) and returns when all is quiet. What
    /// acts on the world is given a few seconds to finish, and what it gave is written down.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.done.cancelled().await;
    }
}

/// Starts the kernel. It runs until `stop` is cancelled; what it had in memory then goes on at the next start.
#[must_use]
pub fn run(options: Options, stop: &CancellationToken) -> Handle {
    let stop = stop.child_token();
    let active = Arc::new(AtomicUsize::new(0));
    let done = CancellationToken::new();
    let memory = Arc::new(AtomicUsize::new(0));
    let handle = Handle { active: active.clone(), memory: memory.clone(), stop: stop.clone(), done: done.clone() };
    let shards: BTreeMap<u16, Arc<dyn Shard>> = options.shards.iter().map(|it| (it.no().0, it.clone())).collect();
    let context = Arc::new(Context {
        programs: Programs::new(options.library, options.blobs.clone()),
        blobs: options.blobs,
        vault: options.vault,
        node: options.node,
        shards: shards.clone(),
        clock: options.clock,
        memory,
    });
    let limits = Arc::new(Limits::default());
    let health = Health::new(options.troubles);
    let nudges: BTreeMap<u16, Arc<Notify>> = shards.keys().map(|number| (*number, Arc::new(Notify::new()))).collect();
    let counted = CancellationToken::new();
    let counting = Arc::new(counted.clone().drop_guard());
    let mut tasks = JoinSet::new();
    tasks.spawn(listen(options.bell.clone(), nudges.clone(), stop.clone()));
    tasks.spawn(node_tables(context.clone(), options.bell, stop.clone()));
    tasks.spawn(forget(context.clone(), stop.clone()));
    for (number, shard) in shards {
        let Some(nudge) = nudges.get(&number) else { continue };
        let it = shard::Service {
            context: context.clone(),
            shard,
            nudge: nudge.clone(),
            limits: limits.clone(),
            active: active.clone(),
            jobs_max: options.jobs_per_shard_max.max(1),
            counting: Some(counting.clone()),
            counted: counted.clone(),
            health: health.clone(),
        };
        tasks.spawn(it.run(stop.clone()));
    }
    drop(counting);
    tokio::spawn(async move {
        while let Some(ended) = tasks.join_next().await {
            let why = match ended {
                Err(error) => error.to_string(),
                Ok(()) if stop.is_cancelled() => continue,
                Ok(()) => "it ended before its time".to_owned(),
            };
            // A loop of the kernel that breaks is not mended here: the supervisor starts a fresh kernel.
            tracing::error!(why, "a part of the kernel broke; stopping so that it is started again");
            stop.cancel();
        }
        done.cancel();
    });
    handle
}

/// Turns rings into nudges of the shard they are for.
async fn listen(bell: Bell, nudges: BTreeMap<u16, Arc<Notify>>, stop: CancellationToken) {
    let mut rings = bell.listen();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            ring = rings.recv() => match ring {
                Ok(Ring::Inbox(shard)) => {
                    if let Some(nudge) = nudges.get(&shard.0) {
                        nudge.notify_one();
                    }
                }
                Ok(_) => {}
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => nudges.values().for_each(|it| it.notify_one()),
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
        }
    }
}

/// Carries out the commands for the node's own tables.
async fn node_tables(context: Arc<Context>, bell: Bell, stop: CancellationToken) {
    let mut rings = bell.listen();
    loop {
        match context.node.drain().await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error @ Error::Ended { .. }) => {
                tracing::error!(%error, "the node's own tables cannot be written any more");
                return;
            }
            Err(error) => {
                tracing::error!(%error, "commands for the node's own tables wait");
                tokio::time::sleep(SHARD_REST).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = heard(&mut rings) => {}
        }
    }
}

async fn heard(rings: &mut tokio::sync::broadcast::Receiver<Ring>) {
    loop {
        match rings.recv().await {
            Ok(Ring::Inbox(ShardNo::NODE)) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// Forgets ended jobs that the rules no longer cover.
async fn forget(context: Arc<Context>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(FORGET_EVERY) => {}
        }
        if let Err(error) = forget_once(&context, &stop).await {
            tracing::warn!(%error, "old jobs could not be forgotten");
        }
    }
}

async fn forget_once(context: &Context, stop: &CancellationToken) -> Result<(), Error> {
    let rules = context.node.retention().await?;
    for shard in context.shards.values() {
        while !stop.is_cancelled() && shard.forget(&rules, (context.clock)(), FORGET_AT_ONCE).await? > 0 {}
    }
    Ok(())
}
