//! Workers that are kept warm: started ahead, given one call at a time, ended when nobody needs them.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flowork_protocol::Failure;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use crate::Options;
use crate::cage::spec::{Layer, Spec};
use crate::folder::Folder;
use crate::interpreter;
use crate::language::Language;
use crate::watch;
use crate::worker::Worker;

/// Which calls may share workers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The language.
    pub(crate) language: Language,
    /// The script; none where a worker serves all scripts of a trust domain.
    pub(crate) script: Option<[u8; 32]>,
    /// Permissions and bounds, as text.
    pub(crate) rights: String,
    /// Whose code it is.
    pub(crate) domain: Arc<str>,
}

/// How to make a worker for a key.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// The key.
    pub(crate) key: Key,
    /// The script, for languages that compile it ahead.
    pub(crate) code: Arc<str>,
    /// What goes into the cage, but for the folders.
    pub(crate) spec: Spec,
    /// Calls until it is replaced.
    pub(crate) calls_max: u32,
    /// Memory at which it is replaced after a call.
    pub(crate) memory_bytes: u64,
}

/// How the workers are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Processes that are there: idle, in a call, or between two.
    pub alive: u64,
    /// Ready for a call.
    pub idle: u64,
    /// Started since the node came up.
    pub started: u64,
    /// Calls since the node came up.
    pub calls: u64,
    /// Replaced after many calls or much memory.
    pub recycled: u64,
    /// Ended in the middle of a call: timeout, cancel, a limit, a crash.
    pub killed: u64,
}

/// The workers of one node.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) options: Options,
    state: Mutex<State>,
    tracker: TaskTracker,
    calls: Arc<Semaphore>,
    serial: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    groups: HashMap<Key, Group>,
    stats: Stats,
    closed: bool,
    sweeping: bool,
    told: Vec<Layer>,
}

#[derive(Debug, Default)]
struct Group {
    idle: Vec<(Worker, Instant)>,
    alive: usize,
    waiting: VecDeque<oneshot::Sender<Result<Worker, Failure>>>,
}

/// A worker for one call. Dropped before [`Lease::finish`], it takes everything the call started with it.
#[derive(Debug)]
pub(crate) struct Lease {
    worker: Option<Worker>,
    recipe: Arc<Recipe>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        let calls = Arc::new(Semaphore::new(options.workers_max.max(1)));
        Arc::new(Self {
            options,
            state: Mutex::default(),
            tracker: TaskTracker::new(),
            calls,
            serial: AtomicU64::new(0),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this; the counts are right at any moment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> Stats {
        let state = self.state();
        let idle = state.groups.values().map(|group| group.idle.len() as u64).sum();
        let alive = state.groups.values().map(|group| group.alive as u64).sum();
        Stats { alive, idle, ..state.stats }
    }

    /// A worker for one call: a warm one, or the first that becomes ready.
    pub(crate) async fn lease(self: &Arc<Self>, recipe: &Arc<Recipe>) -> Result<Lease, Failure> {
        let permit = Arc::clone(&self.calls).acquire_owned().await.map_err(|_| closed())?;
        let waiting = {
            let mut state = self.state();
            if state.closed {
                return Err(closed());
            }
            state.stats.calls += 1;
            let group = state.groups.entry(recipe.key.clone()).or_default();
            // The newest is the warmest.
            while let Some((mut worker, _)) = group.idle.pop() {
                if worker.alive() {
                    drop(state);
                    return Ok(self.lent(worker, recipe, permit));
                }
                // Somebody ended it from outside while it was idle.
                group.alive -= 1;
                self.tracker.spawn(worker.end());
            }
            let (sender, receiver) = oneshot::channel();
            group.waiting.push_back(sender);
            self.grow(&mut state, recipe);
            receiver
        };
        let worker = waiting.await.map_err(|_| closed())??;
        Ok(self.lent(worker, recipe, permit))
    }

    fn lent(self: &Arc<Self>, mut worker: Worker, recipe: &Arc<Recipe>, permit: OwnedSemaphorePermit) -> Lease {
        worker.calls += 1;
        Lease { worker: Some(worker), recipe: Arc::clone(recipe), pool: Arc::clone(self), _permit: permit }
    }

    /// Starts another worker of this kind when there is room.
    fn grow(self: &Arc<Self>, state: &mut State, recipe: &Arc<Recipe>) {
        if state.closed {
            return;
        }
        let Some(group) = state.groups.get_mut(&recipe.key) else { return };
        if group.alive >= self.options.workers_per_script_max {
            return;
        }
        group.alive += 1;
        state.stats.started += 1;
        self.make_room(state);
        let (pool, recipe) = (Arc::clone(self), Arc::clone(recipe));
        self.tracker.spawn(async move {
            let started = pool.start(&recipe).await;
            pool.arrived(&recipe, started);
        });
    }

    /// Ends the longest idle workers while there are too many in all.
    fn make_room(self: &Arc<Self>, state: &mut State) {
        let mut alive: usize = state.groups.values().map(|group| group.alive).sum();
        while alive > self.options.workers_max {
            let oldest = state
                .groups
                .values_mut()
                .filter(|group| !group.idle.is_empty())
                .min_by_key(|group| group.idle.first().map(|(_, since)| *since));
            let Some(group) = oldest else { return };
            let (worker, _) = group.idle.remove(0);
            group.alive -= 1;
            alive -= 1;
            self.tracker.spawn(worker.end());
        }
    }

    async fn start(&self, recipe: &Recipe) -> Result<Worker, Failure> {
        let language = recipe.key.language;
        let search = self.options.path.clone();
        let found = tokio::task::spawn_blocking(move || interpreter::find(language, search.as_deref()));
        let found = found.await.ok().flatten().ok_or_else(|| interpreter::missing(language))?;
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let path: PathBuf = self.options.scratch_dir.join(format!("w-{}-{serial}", std::process::id()));
        let mut spec = recipe.spec.clone();
        spec.interpreter = found.program;
        spec.prefixes.extend(found.prefix);
        spec.folder.clone_from(&path);
        let user = spec.run_as;
        let folder = Folder::make(path, user, &[("harness", language.harness()), ("script", &recipe.code)]);
        let folder = folder.map_err(|error| {
            Failure::new("script-worker", format!("the script's folder cannot be made: {error}"))
                .hint("free some disk space, or look at the rights of the scratch folder")
                .retryable()
        })?;
        let worker = Worker::start(&self.options.launcher, &spec, folder).await?;
        self.tell_missing(&worker);
        Ok(worker)
    }

    /// Names each missing layer once.
    fn tell_missing(&self, worker: &Worker) {
        for missing in &worker.closed.missing {
            let mut state = self.state();
            if !state.told.contains(&missing.layer) {
                state.told.push(missing.layer);
                tracing::warn!(layer = missing.layer.name(), why = %missing.why, "scripts run without a layer of their sandbox");
            }
        }
    }

    /// A worker has become ready, or has not.
    fn arrived(self: &Arc<Self>, recipe: &Arc<Recipe>, started: Result<Worker, Failure>) {
        match started {
            Ok(worker) => self.ready(recipe, worker),
            Err(failure) => {
                let mut state = self.state();
                let Some(group) = state.groups.get_mut(&recipe.key) else { return };
                group.alive -= 1;
                if group.alive > 0 {
                    // Another one is on its way to those who wait.
                    return;
                }
                for waiting in group.waiting.drain(..) {
                    let _ = waiting.send(Err(failure.clone()));
                }
                forget_empty(&mut state);
            }
        }
    }

    fn ready(self: &Arc<Self>, recipe: &Arc<Recipe>, mut worker: Worker) {
        let mut state = self.state();
        let closed = state.closed;
        let Some(group) = state.groups.get_mut(&recipe.key) else { return };
        while let Some(waiting) = group.waiting.pop_front() {
            match waiting.send(Ok(worker)) {
                Ok(()) => return,
                // That caller has gone.
                Err(Ok(back)) => worker = back,
                Err(Err(_)) => return,
            }
        }
        if closed {
            group.alive -= 1;
            drop(state);
            self.tracker.spawn(worker.end());
            return;
        }
        group.idle.push((worker, Instant::now()));
        self.make_room(&mut state);
        if !state.sweeping {
            state.sweeping = true;
            let pool = Arc::clone(self);
            self.tracker.spawn(async move { pool.sweep().await });
        }
    }

    /// Ends workers that nobody has needed for a while. Itself ends when none is left.
    async fn sweep(self: Arc<Self>) {
        let every = (self.options.idle / 4).clamp(Duration::from_millis(20), Duration::from_secs(5));
        loop {
            tokio::time::sleep(every).await;
            let mut old = Vec::new();
            {
                let mut state = self.state();
                for group in state.groups.values_mut() {
                    while group.idle.first().is_some_and(|(_, since)| since.elapsed() >= self.options.idle) {
                        old.push(group.idle.remove(0).0);
                        group.alive -= 1;
                    }
                }
                forget_empty(&mut state);
                if state.closed || state.groups.values().all(|group| group.idle.is_empty()) {
                    state.sweeping = false;
                }
                if !state.sweeping && old.is_empty() {
                    return;
                }
            }
            futures::future::join_all(old.into_iter().map(Worker::end)).await;
            if !self.state().sweeping {
                return;
            }
        }
    }

    /// A worker is gone for good.
    fn lost(self: &Arc<Self>, recipe: &Arc<Recipe>, worker: Worker, killed: bool) {
        {
            let mut state = self.state();
            if killed {
                state.stats.killed += 1;
            } else {
                state.stats.recycled += 1;
            }
            if let Some(group) = state.groups.get_mut(&recipe.key) {
                group.alive -= 1;
                group.waiting.retain(|waiting| !waiting.is_closed());
                // Replaced ahead when it did its work, so that the next call finds one.
                if !group.waiting.is_empty() || !killed {
                    self.grow(&mut state, recipe);
                }
            }
            forget_empty(&mut state);
        }
        if tokio::runtime::Handle::try_current().is_ok() {
            self.tracker.spawn(worker.end());
        }
    }

    /// Ends all workers and waits for it. Calls that run are cut off.
    pub(crate) async fn shutdown(&self) {
        self.calls.close();
        let idle: Vec<Worker> = {
            let mut state = self.state();
            state.closed = true;
            let groups = state.groups.values_mut();
            groups
                .flat_map(|group| {
                    group.waiting.clear();
                    group.alive -= group.idle.len();
                    group.idle.drain(..).map(|(worker, _)| worker)
                })
                .collect()
        };
        futures::future::join_all(idle.into_iter().map(Worker::end)).await;
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn forget_empty(state: &mut State) {
    state.groups.retain(|_, group| group.alive > 0 || !group.waiting.is_empty());
}

fn closed() -> Failure {
    Failure::new("script-worker", "the node is shutting down and starts no more scripts").retryable()
}

impl Lease {
    /// The worker.
    pub(crate) fn worker(&mut self) -> &mut Worker {
        self.worker.as_mut().expect("a lease holds its worker until it is finished or dropped")
    }

    /// The call is done; the worker is made ready for the next one meanwhile.
    pub(crate) fn finish(mut self) {
        let Some(mut worker) = self.worker.take() else { return };
        let (pool, recipe) = (Arc::clone(&self.pool), Arc::clone(&self.recipe));
        self.pool.tracker.spawn(async move {
            let spent = worker.calls >= recipe.calls_max;
            if spent
                || !worker.reset().await
                || worker.pid().is_some_and(|pid| watch::below(pid).memory_bytes > recipe.memory_bytes / 4 * 3)
            {
                pool.lost(&recipe, worker, false);
            } else {
                pool.ready(&recipe, worker);
            }
        });
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool.lost(&self.recipe, worker, true);
        }
    }
}
