//! The rest of a node in memory: components whose acts are written down outside of the kernel, versions, and lives of a
//! kernel that end by a kill or in peace.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use flowork_kernel::{Clock, Handle, Options};
use flowork_ports::bell::{Bell, Ring};
use flowork_ports::blobs::{self, Blobs, ByteStream};
use flowork_ports::component::{Component, Library};
use flowork_ports::documents::FrozenPreset;
use flowork_ports::store::{Error, NodeTables, RetentionRules, Shard};
use flowork_ports::vault::Vault;
use flowork_protocol::check::{Catalogue, ConfigProblem};
use flowork_protocol::command::{Activation, Command, Signal, Submission};
use flowork_protocol::manifest::{Effect, Manifest, Ports};
use flowork_protocol::preset::Preset;
use flowork_protocol::view::JobView;
use flowork_protocol::{BlobId, Item, JobId, PresetId, Timestamp, VersionId};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::components;
use crate::memory::{Disk, Memory, Row, SHARD};

/// The longest that a life may take, on its own clock, before a test gives up.
const PATIENCE: Duration = Duration::from_secs(900);
/// The pause between two looks at the disk, on the clock of the life.
const LOOK: Duration = Duration::from_millis(20);

/// One act of a step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Act {
    pub(crate) stamp: u64,
    pub(crate) job: JobId,
    pub(crate) run: String,
    pub(crate) attempt: u32,
    pub(crate) effect: Effect,
    /// Whether it goes on after a wait.
    pub(crate) resumed: bool,
    pub(crate) input: Value,
}

/// A node without its kernel.
pub(crate) struct World {
    pub(crate) disk: Arc<Disk>,
    pub(crate) acts: Mutex<Vec<Act>>,
    versions: Mutex<HashMap<BlobId, Vec<u8>>>,
    active: Mutex<BTreeMap<String, Activation>>,
    /// The versions of components that this node has now, where they are not 1.
    pub(crate) component_versions: Mutex<BTreeMap<String, u32>>,
    /// Opening a secret breaks the task that does, once.
    pub(crate) vault_breaks: AtomicBool,
    now_ms: Arc<AtomicI64>,
}

/// One life of a kernel.
pub(crate) struct Life {
    pub(crate) world: Arc<World>,
    pub(crate) handle: Handle,
    pub(crate) bell: Bell,
    /// Keeps `Handle::stop` from being needed at the end of a life.
    _stop: CancellationToken,
}

impl World {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            disk: Disk::new(seed),
            acts: Mutex::default(),
            versions: Mutex::default(),
            active: Mutex::default(),
            component_versions: Mutex::default(),
            vault_breaks: AtomicBool::new(false),
            now_ms: Arc::new(AtomicI64::new(1_000_000)),
        })
    }

    /// Freezes and activates a preset.
    pub(crate) fn activate(&self, preset: &Preset) -> VersionId {
        let lock = preset.steps.values().map(|step| {
            let version = self.version_of(&step.component);
            (format!("{}@{version}", step.component), format!("{}-{version}", step.component))
        });
        let frozen = FrozenPreset { preset: preset.clone(), lock: lock.collect() };
        let bytes = serde_json::to_vec(&frozen).unwrap();
        let id = BlobId::of(&bytes);
        self.versions.lock().unwrap().insert(id, bytes);
        let header = Preset { steps: BTreeMap::new(), ..preset.clone() };
        let activation = Activation { preset: PresetId::from(preset.name.as_str()), version: VersionId(id.0), header };
        self.active.lock().unwrap().insert(preset.name.clone(), activation);
        VersionId(id.0)
    }

    /// Loses a version, as a disk would.
    pub(crate) fn lose(&self, version: VersionId) {
        self.versions.lock().unwrap().remove(&BlobId(version.0));
    }

    fn version_of(&self, component: &str) -> u32 {
        self.component_versions.lock().unwrap().get(component).copied().unwrap_or(1)
    }

    /// Accepts a job of an active preset.
    pub(crate) fn accept(&self, name: &str, n: u64) -> JobId {
        let job = JobId::fresh(Timestamp(1), SHARD, n + 1);
        let activation = self.active.lock().unwrap()[name].clone();
        let settings = &activation.header.settings;
        self.disk.submit(Command::Submit(Box::new(Submission {
            job,
            keyed: false,
            preset: activation.preset,
            name: name.to_owned(),
            version: activation.version,
            trigger: None,
            input: vec![Item::json(serde_json::json!({ "n": n }))],
            variables: BTreeMap::new(),
            priority: settings.priority,
            concurrency: settings.concurrency,
            dry_run: false,
            replay: None,
            parent: None,
            depth: 0,
        })));
        job
    }

    pub(crate) fn signal(&self, job: JobId, signal: Signal) {
        self.disk.submit(Command::Signal(job, signal));
    }

    pub(crate) fn acts(&self) -> Vec<Act> {
        self.acts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn acts_of(&self, job: JobId, run: &str) -> Vec<Act> {
        self.acts().into_iter().filter(|act| act.job == job && act.run == run).collect()
    }

    pub(crate) fn view(&self, job: JobId) -> Option<JobView> {
        self.disk.row(job).map(|row| JobView::fold(&row.events()))
    }

    /// Whether every accepted job has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.disk.has_read_all() && self.disk.rows().iter().all(|row| row.summary.state.has_ended())
    }

    fn options(self: &Arc<Self>, bell: Bell, clock: Clock) -> Options {
        Options {
            shards: vec![Arc::new(Memory::new(&self.disk)) as Arc<dyn Shard>],
            node: Arc::new(Node(Arc::clone(self))),
            library: Arc::new(Node(Arc::clone(self))),
            blobs: Arc::new(Node(Arc::clone(self))),
            vault: Arc::new(Node(Arc::clone(self))),
            bell,
            clock,
            jobs_per_shard_max: 8,
            troubles: tokio::sync::watch::Sender::default(),
        }
    }

    /// Runs a kernel for as long as `live` takes, then kills it. Its clock only runs while everybody waits.
    pub(crate) fn live<R, F: Future<Output = R>>(self: &Arc<Self>, live: impl FnOnce(Life) -> F) -> R {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let world = Arc::clone(self);
        let value = runtime.block_on(async {
            let (born, before) = (tokio::time::Instant::now(), world.now_ms.load(Ordering::Relaxed));
            let now = move || before + i64::try_from(born.elapsed().as_millis()).unwrap();
            let clock: Clock = Arc::new(move || Timestamp(now()));
            let (bell, stop) = (Bell::default(), CancellationToken::new());
            let handle = flowork_kernel::run(world.options(bell.clone(), clock), &stop);
            let value = live(Life { world: Arc::clone(&world), handle, bell, _stop: stop }).await;
            world.now_ms.store(now(), Ordering::Relaxed);
            value
        });
        // Everything that the kernel was doing ends where it stands.
        drop(runtime);
        self.disk.power_cut();
        value
    }

    /// Runs a kernel until every job has ended, and ends it in peace.
    pub(crate) fn finish(self: &Arc<Self>) {
        self.live(|life| async move {
            life.until(|world| world.is_done()).await;
            life.handle.stop().await;
        });
    }
}

impl Life {
    /// Waits until the disk says so.
    pub(crate) async fn until(&self, is_so: impl Fn(&World) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while !is_so(&self.world) {
                tokio::time::sleep(LOOK).await;
            }
        });
        if waited.await.is_err() {
            let rows = self.world.disk.rows();
            let open: Vec<&Arc<Row>> = rows.iter().filter(|row| !row.summary.state.has_ended()).collect();
            let told: Vec<String> = open
                .iter()
                .map(|row| {
                    let last: Vec<_> = row.events().into_iter().rev().take(4).collect();
                    format!("{} {:?}: {last:?}", row.summary.id, row.summary.state)
                })
                .collect();
            panic!("it takes too long; not ended: {}", told.join("\n"));
        }
    }

    pub(crate) fn ring(&self) {
        self.bell.ring(Ring::Inbox(SHARD));
    }
}

/// What the kernel sees of the world.
struct Node(Arc<World>);

#[async_trait]
impl NodeTables for Node {
    async fn drain(&self) -> Result<usize, Error> {
        Ok(0)
    }
    async fn sealed_secret(&self, _: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
    async fn activation_by_name(&self, name: &str) -> Result<Option<Activation>, Error> {
        Ok(self.0.active.lock().unwrap().get(name).cloned())
    }
    async fn setting(&self, _: &str) -> Result<Option<Value>, Error> {
        Ok(None)
    }
    async fn retention(&self) -> Result<RetentionRules, Error> {
        Ok(RetentionRules::default())
    }
}

impl Catalogue for Node {
    fn names(&self) -> Vec<String> {
        components::NAMES.map(str::to_owned).to_vec()
    }
    fn manifest(&self, name: &str) -> Option<Manifest> {
        let mut manifest = self.component(name)?.manifest().clone();
        manifest.version = self.0.version_of(name);
        Some(manifest)
    }
    fn ports(&self, name: &str, config: &Map<String, Value>) -> Option<Ports> {
        Some(self.component(name)?.ports(config))
    }
    fn effect(&self, name: &str, _: &Map<String, Value>) -> Option<Effect> {
        Some(self.component(name)?.manifest().effect)
    }
    fn check_config(&self, _: &str, _: &Map<String, Value>) -> Vec<ConfigProblem> {
        Vec::new()
    }
    fn digest(&self, name: &str) -> Option<String> {
        Some(format!("{name}-{}", self.0.version_of(name)))
    }
}

impl Library for Node {
    fn component(&self, name: &str) -> Option<Arc<dyn Component>> {
        components::component(&self.0, name)
    }
}

#[async_trait]
impl Vault for Node {
    async fn open(&self, _: &str) -> Result<Option<String>, String> {
        assert!(!self.0.vault_breaks.swap(false, Ordering::Relaxed), "the vault breaks the task that asks");
        Ok(Some("a secret".to_owned()))
    }
}

#[async_trait]
impl Blobs for Node {
    async fn put(&self, _: ByteStream, _: u64) -> Result<(BlobId, u64), blobs::Error> {
        Err(blobs::Error::TooLarge { limit_bytes: 0 })
    }
    async fn put_bytes(&self, _: bytes::Bytes) -> Result<BlobId, blobs::Error> {
        Err(blobs::Error::TooLarge { limit_bytes: 0 })
    }
    async fn get(&self, id: BlobId) -> Result<bytes::Bytes, blobs::Error> {
        let found = self.0.versions.lock().unwrap().get(&id).cloned();
        found.map(Into::into).ok_or(blobs::Error::Missing(id))
    }
    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), blobs::Error> {
        Err(blobs::Error::Missing(id))
    }
    async fn path(&self, id: BlobId) -> Result<PathBuf, blobs::Error> {
        Err(blobs::Error::Missing(id))
    }
    async fn has(&self, id: BlobId) -> Result<bool, blobs::Error> {
        Ok(self.0.versions.lock().unwrap().contains_key(&id))
    }
}
