//! A table that fails on demand, blobs in memory and a small catalogue.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use flowork_documents::{Handle, Options};
use flowork_ports::blobs::{self, Blobs, ByteStream};
use flowork_ports::documents::DocumentTable;
use flowork_ports::store::Error;
use flowork_ports::sweep::{Kept, Rules, Sweeper, Swept};
use flowork_protocol::check::{Catalogue, ConfigProblem};
use flowork_protocol::manifest::{Effect, Manifest, Port, Ports};
use flowork_protocol::preset::Preset;
use flowork_protocol::{BlobId, Timestamp};
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What goes wrong with a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    Nothing,
    /// The process dies at write number `at`, after that write reached the disk or before.
    Kill {
        at: usize,
        written: bool,
    },
    /// Every put from number `at` on is refused.
    Full {
        at: usize,
    },
    /// Puts of keys that start with this are refused.
    FullFor(&'static str),
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<String, Vec<u8>>,
    damaged: BTreeSet<String>,
    writes: usize,
    dead: bool,
    removed: Vec<String>,
}

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    state: Mutex<State>,
    fault: Mutex<Fault>,
    pub killed: Notify,
    pub wrote: Notify,
}

impl Table {
    pub fn new(rows: BTreeMap<String, Vec<u8>>, fault: Fault) -> Arc<Self> {
        let state = Mutex::new(State { rows, ..State::default() });
        Arc::new(Self { state, fault: Mutex::new(fault), killed: Notify::new(), wrote: Notify::new() })
    }

    pub fn rows(&self) -> BTreeMap<String, Vec<u8>> {
        self.state.lock().unwrap().rows.clone()
    }

    pub fn keys_with(&self, part: &str) -> Vec<String> {
        self.state.lock().unwrap().rows.keys().filter(|key| key.contains(part)).cloned().collect()
    }

    pub fn removed(&self) -> Vec<String> {
        self.state.lock().unwrap().removed.clone()
    }

    pub fn is_dead(&self) -> bool {
        self.state.lock().unwrap().dead
    }

    pub fn damage(&self, key: &str) {
        self.state.lock().unwrap().damaged.insert(key.to_owned());
    }

    pub fn fail(&self, fault: Fault) {
        self.state.lock().unwrap().writes = 0;
        *self.fault.lock().unwrap() = fault;
    }

    async fn alive(&self) {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// Counts a write; says whether it is carried out and whether the process dies.
    fn count(&self) -> (bool, bool) {
        let mut state = self.state.lock().unwrap();
        state.writes += 1;
        match *self.fault.lock().unwrap() {
            Fault::Kill { at, written } if state.writes == at => {
                state.dead = true;
                (written, true)
            }
            _ => (true, false),
        }
    }

    async fn write(&self, with: impl FnOnce(&mut State)) {
        let (written, killed) = self.count();
        if written {
            with(&mut self.state.lock().unwrap());
            self.wrote.notify_one();
        }
        if killed {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

fn damage(key: &str) -> Error {
    Error::Damaged { file: "documents.db".to_owned(), detail: format!("the checksum of `{key}` is wrong") }
}

#[async_trait]
impl DocumentTable for Table {
    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.alive().await;
        let state = self.state.lock().unwrap();
        if state.damaged.contains(key) { Err(damage(key)) } else { Ok(state.rows.get(key).cloned()) }
    }

    async fn load_range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.alive().await;
        let state = self.state.lock().unwrap();
        let rows = state.rows.iter().filter(|(key, _)| key.starts_with(prefix));
        rows.map(
            |(key, bytes)| {
                if state.damaged.contains(key) { Err(damage(key)) } else { Ok((key.clone(), bytes.clone())) }
            },
        )
        .collect()
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.alive().await;
        Ok(self.state.lock().unwrap().rows.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.alive().await;
        let full = match *self.fault.lock().unwrap() {
            Fault::Full { at } => self.state.lock().unwrap().writes + 1 >= at,
            Fault::FullFor(prefix) => key.starts_with(prefix),
            _ => false,
        };
        if full {
            return Err(Error::Full { file: "documents.db".to_owned() });
        }
        self.write(|state| {
            state.damaged.remove(key);
            state.rows.insert(key.to_owned(), bytes);
        })
        .await;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        self.alive().await;
        self.write(|state| {
            state.rows.remove(key);
            state.damaged.remove(key);
            state.removed.push(key.to_owned());
        })
        .await;
        Ok(())
    }
}

/// Blobs in memory.
#[derive(Debug, Default)]
pub struct MemoryBlobs(Mutex<HashMap<BlobId, Bytes>>);

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, mut stream: ByteStream, _: u64) -> Result<(BlobId, u64), blobs::Error> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let size = bytes.len() as u64;
        Ok((self.put_bytes(bytes.into()).await?, size))
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<BlobId, blobs::Error> {
        let id = BlobId::of(&bytes);
        self.0.lock().unwrap().insert(id, bytes);
        Ok(id)
    }

    async fn get(&self, id: BlobId) -> Result<Bytes, blobs::Error> {
        self.0.lock().unwrap().get(&id).cloned().ok_or(blobs::Error::Missing(id))
    }

    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), blobs::Error> {
        let bytes = self.get(id).await?;
        let size = bytes.len() as u64;
        Ok((Box::pin(std::io::Cursor::new(bytes)), size))
    }

    async fn path(&self, id: BlobId) -> Result<PathBuf, blobs::Error> {
        Err(blobs::Error::Missing(id))
    }

    async fn has(&self, id: BlobId) -> Result<bool, blobs::Error> {
        Ok(self.0.lock().unwrap().contains_key(&id))
    }
}

/// What jobs name, said by the test. Notes what it is asked to keep.
#[derive(Debug, Default)]
pub struct Names {
    pub named: Mutex<HashSet<BlobId>>,
    pub versions_for: Mutex<std::time::Duration>,
    pub kept: Mutex<Kept>,
}

#[async_trait]
impl Sweeper for Names {
    async fn rules(&self) -> Result<Rules, Error> {
        Ok(Rules { grace: std::time::Duration::ZERO, versions: *self.versions_for.lock().unwrap() })
    }

    async fn named(&self) -> Result<HashSet<BlobId>, Error> {
        Ok(self.named.lock().unwrap().clone())
    }

    async fn sweep(&self, _: Rules, kept: Kept) -> Result<Swept, Error> {
        *self.kept.lock().unwrap() = kept;
        Ok(Swept::default())
    }
}

/// Knows `no-op` and the trigger `manual`.
pub struct Small;

impl Catalogue for Small {
    fn names(&self) -> Vec<String> {
        vec!["manual".to_owned(), "no-op".to_owned()]
    }

    fn manifest(&self, name: &str) -> Option<Manifest> {
        let trigger = match name {
            "manual" => true,
            "no-op" => false,
            _ => return None,
        };
        let ports = self.ports(name, &Map::new())?;
        let manifest = json!({
            "name": name, "version": 3, "title": name, "summary": "", "docs": "", "category": "test",
            "kind": if trigger { "trigger" } else { "module" },
            "inputs": ports.inputs, "outputs": ports.outputs, "config": {}, "effect": "pure", "permissions": {},
            "example": { "title": "", "config": {} }
        });
        Some(serde_json::from_value(manifest).unwrap())
    }

    fn ports(&self, name: &str, _: &Map<String, Value>) -> Option<Ports> {
        let inputs = if name == "manual" { Vec::new() } else { vec![Port::new("in", "")] };
        Some(Ports { inputs, outputs: vec![Port::new("out", "")] })
    }

    fn effect(&self, _: &str, _: &Map<String, Value>) -> Option<Effect> {
        Some(Effect::Pure)
    }

    fn check_config(&self, _: &str, _: &Map<String, Value>) -> Vec<ConfigProblem> {
        Vec::new()
    }

    fn digest(&self, name: &str) -> Option<String> {
        Some(format!("digest of {name}"))
    }
}

/// One process of the docs role.
pub struct Node {
    pub documents: Handle,
    pub table: Arc<Table>,
    pub fatal: tokio::sync::mpsc::UnboundedReceiver<String>,
    pub clock: Arc<AtomicI64>,
    pub names: Arc<Names>,
    cancel: CancellationToken,
}

impl Node {
    pub async fn start(table: Arc<Table>) -> Self {
        Self::start_with(table, Arc::new(MemoryBlobs::default())).await
    }

    pub async fn start_with(table: Arc<Table>, blobs: Arc<MemoryBlobs>) -> Self {
        Self::start_at(table, blobs, 1_790_000_000_000).await
    }

    pub async fn start_at(table: Arc<Table>, blobs: Arc<MemoryBlobs>, now: i64) -> Self {
        let (sender, fatal) = tokio::sync::mpsc::unbounded_channel();
        let clock = Arc::new(AtomicI64::new(now));
        let cancel = CancellationToken::new();
        let names = Arc::new(Names::default());
        let options = Options {
            table: table.clone(),
            blobs,
            sweeper: names.clone(),
            catalogue: Arc::new(Small),
            bell: flowork_ports::bell::Bell::default(),
            clock: {
                let clock = clock.clone();
                Arc::new(move || Timestamp(clock.fetch_add(1_000, Ordering::Relaxed)))
            },
            on_fatal: Arc::new(move |why| drop(sender.send(why))),
        };
        let documents = flowork_documents::run(options, cancel.clone()).await.unwrap();
        Self { documents, table, fatal, clock, names, cancel }
    }

    /// Ends in good order.
    pub async fn stop(self) -> BTreeMap<String, Vec<u8>> {
        self.cancel.cancel();
        self.documents.ended().await;
        self.table.rows()
    }

    /// Ends without a word, as after `kill -9`: what is on disk now is what the next process finds.
    pub fn kill(self) -> BTreeMap<String, Vec<u8>> {
        self.table.state.lock().unwrap().dead = true;
        self.table.rows()
    }
}

pub fn preset(name: &str, note: &str) -> Preset {
    let value = json!({
        "flowork": "preset/1", "name": name, "title": "A test",
        "steps": {
            "one": { "component": "no-op", "config": { "a": 1, "b": [1.5, null, "x"] }, "note": note },
            "two": { "component": "no-op" }
        },
        "wires": ["start -> one", "one -> two"],
        "triggers": { "start": { "component": "manual" } }
    });
    serde_json::from_value(value).unwrap()
}

/// A runtime of one thread that can be dropped with everything on it, as a killed process is.
pub fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}
