//! A node in miniature for tests: a call with its neighbours in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use flowork_ports::blobs::{Blobs, ByteStream, Error};
use flowork_ports::component::{Body, Call, Log, Output, StepContext, Yield};
use flowork_ports::{Component, OwnFolder, engines};
use flowork_protocol::event::Level;
use flowork_protocol::{BlobId, Failure, Item, JobId, StepId, Timestamp, VersionId};
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::preview::Given;
use crate::{Options, builtin};

/// Log lines in memory.
#[derive(Default)]
pub(crate) struct Lines(pub(crate) Mutex<Vec<(Level, String)>>);

impl Log for Lines {
    fn line(&self, level: Level, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((level, text.to_owned()));
    }
}

/// Blobs in memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<BTreeMap<BlobId, Bytes>>);

#[async_trait]
impl Blobs for Memory {
    async fn put(&self, mut stream: ByteStream, limit_bytes: u64) -> Result<(BlobId, u64), Error> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.map_err(|source| Error::Io { doing: "read", source })?;
        if bytes.len() as u64 > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        let size = bytes.len() as u64;
        Ok((self.put_bytes(bytes.into()).await?, size))
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<BlobId, Error> {
        let id = BlobId::of(&bytes);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id, bytes);
        Ok(id)
    }

    async fn get(&self, id: BlobId) -> Result<Bytes, Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned().ok_or(Error::Missing(id))
    }

    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), Error> {
        let bytes = self.get(id).await?;
        let size = bytes.len() as u64;
        Ok((Box::pin(std::io::Cursor::new(bytes)), size))
    }

    async fn path(&self, id: BlobId) -> Result<PathBuf, Error> {
        Err(Error::Missing(id))
    }

    async fn has(&self, id: BlobId) -> Result<bool, Error> {
        Ok(self.get(id).await.is_ok())
    }
}

/// A call with these items by port.
pub(crate) fn call(inputs: &[(&str, Vec<Value>)]) -> Call {
    Call {
        job: JobId::keyed("test", b"job", 1),
        version: VersionId::of(b"version"),
        preset: "test".into(),
        domain: "test".into(),
        step: StepId::from("step"),
        run: "step".into(),
        attempt: 1,
        key: "key".into(),
        inputs: inputs
            .iter()
            .map(|(port, items)| {
                let items = items.iter().cloned().map(|json| Arc::new(Item::json(json))).collect();
                ((*port).to_owned(), Arc::new(items))
            })
            .collect(),
        variables: Arc::new(BTreeMap::from([("rate".to_owned(), json!(2)), ("name".to_owned(), json!("Ada"))])),
        secrets: Arc::new(BTreeMap::from([("token".to_owned(), "s3cret".to_owned())])),
        now: Timestamp(1_790_000_000_123),
        seed: 7,
        round: None,
        dry_run: false,
        resume: None,
        view: Arc::new(Given::default()),
        log: Arc::new(Lines::default()),
        blobs: Arc::new(Memory::default()),
        cancel: CancellationToken::new(),
        deadline: None,
    }
}

/// Options whose files and home are `folder`; the node's own folder is elsewhere.
pub(crate) fn options(folder: &std::path::Path) -> Options {
    let own_folder = OwnFolder::new(folder.join("data"), folder.join("data/files"));
    Options { files_dir: folder.to_owned(), home_dir: folder.join("home"), own_folder, engines: Arc::new(NoEngines) }
}

/// The built-in component of that name, with folders of this machine.
pub(crate) fn component(name: &str) -> Arc<dyn Component> {
    let found = builtin(options(&std::env::temp_dir())).into_iter().find(|component| component.manifest().name == name);
    found.unwrap_or_else(|| panic!("there is no component {name}"))
}

/// Runs a component once.
pub(crate) async fn run(component: &dyn Component, config: Value, call: Call) -> Result<Yield, Failure> {
    let Value::Object(config) = config else { panic!("a config is an object") };
    let config: Map<String, Value> = config;
    let step = StepId::from("step");
    match component.prepare(&StepContext { version: call.version, step: &step, config: &config })? {
        Body::Now(body) | Body::Busy(body) => body.run(&call),
        Body::Later(body) => body.run(call).await,
    }
}

/// Runs the component of that name and gives its output.
pub(crate) async fn output(name: &str, config: Value, call: Call) -> Result<Output, Failure> {
    match run(&*component(name), config, call).await? {
        Yield::Output(output) => Ok(output),
        other => panic!("{name} gives {other:?}"),
    }
}

/// The JSON of the items on a port.
pub(crate) fn on(output: &Output, port: &str) -> Vec<Value> {
    let given = output.ports.iter().find(|(name, _)| name == port);
    given.map(|(_, given)| given.items.iter().map(|item| item.json.clone()).collect()).unwrap_or_default()
}

/// Engines where nobody lends anything.
struct NoEngines;

#[async_trait]
impl engines::Engines for NoEngines {
    async fn call(
        &self, _: engines::EngineCall, _: mpsc::Sender<engines::News>, _: CancellationToken,
    ) -> Result<engines::Given, engines::NotGiven> {
        Err(Failure::new("no-mesh", "there are no other nodes in this test").into())
    }
}
