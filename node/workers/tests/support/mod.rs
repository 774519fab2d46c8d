//! Runs one script as the kernel would, with real interpreters in real cages.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use flowork_ports::OwnFolder;
use flowork_ports::blobs::{Blobs, ByteStream, Error};
use flowork_ports::component::{Body, Call, Component, Items, Log, Output, RunLater, StepContext, View, Yield};
use flowork_protocol::event::Level;
use flowork_protocol::{BlobId, Failure, Item, JobId, StepId, Timestamp, VersionId};
use flowork_workers::{Handle, Language, Launcher, Options, components};
use serde_json::{Map, Value};
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

pub(crate) struct Files(pub(crate) PathBuf);

fn io(source: std::io::Error) -> Error {
    Error::Io { doing: "do what the test asks", source }
}

#[async_trait]
impl Blobs for Files {
    async fn put(&self, stream: ByteStream, limit_bytes: u64) -> Result<(BlobId, u64), Error> {
        let mut bytes = Vec::new();
        stream.take(limit_bytes + 1).read_to_end(&mut bytes).await.map_err(io)?;
        if bytes.len() as u64 > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        let size = bytes.len() as u64;
        Ok((self.put_bytes(bytes.into()).await?, size))
    }
    async fn put_bytes(&self, bytes: Bytes) -> Result<BlobId, Error> {
        let id = BlobId::of(&bytes);
        std::fs::write(self.0.join(id.to_string()), &bytes).map_err(io)?;
        Ok(id)
    }
    async fn get(&self, id: BlobId) -> Result<Bytes, Error> {
        std::fs::read(self.0.join(id.to_string())).map(Bytes::from).map_err(io)
    }
    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), Error> {
        let bytes = self.get(id).await?;
        let size = bytes.len() as u64;
        Ok((Box::pin(std::io::Cursor::new(bytes)), size))
    }
    async fn path(&self, id: BlobId) -> Result<PathBuf, Error> {
        Ok(self.0.join(id.to_string()))
    }
    async fn has(&self, id: BlobId) -> Result<bool, Error> {
        Ok(self.0.join(id.to_string()).exists())
    }
}

/// Keeps lines, and tells who waits for one.
#[derive(Default)]
pub(crate) struct Kept {
    lines: Mutex<Vec<(Level, String)>>,
    heard: tokio::sync::Notify,
}

impl Log for Kept {
    fn line(&self, level: Level, text: &str) {
        self.lines.lock().expect("no test panics while it holds this").push((level, text.to_owned()));
        self.heard.notify_waiters();
    }
}

impl Kept {
    pub(crate) fn lines(&self) -> Vec<(Level, String)> {
        self.lines.lock().expect("no test panics while it holds this").clone()
    }
    pub(crate) fn texts(&self) -> Vec<String> {
        self.lines().into_iter().map(|(_, text)| text).collect()
    }
    /// The first line that starts so, when it has come.
    pub(crate) async fn hear(&self, start: &str) -> String {
        loop {
            let heard = self.heard.notified();
            if let Some(line) = self.texts().into_iter().find(|line| line.starts_with(start)) {
                return line;
            }
            heard.await;
        }
    }
}

struct Nothing;

impl View for Nothing {
    fn given(&self, _: &str, _: Option<&str>) -> Option<Items> {
        None
    }
    fn paired(&self, _: &str, _: usize) -> Option<Arc<Item>> {
        None
    }
}

/// A node's scripts, without the node.
pub(crate) struct Bench {
    pub(crate) components: Vec<Arc<dyn Component>>,
    pub(crate) handle: Handle,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) blobs: Arc<Files>,
}

/// One run of one script.
pub(crate) struct Run {
    pub(crate) result: Result<Output, Failure>,
    pub(crate) log: Arc<Kept>,
}

impl Run {
    pub(crate) fn output(self) -> Output {
        self.result.unwrap_or_else(|failure| panic!("{failure:#?} {:?}", self.log.texts()))
    }
    pub(crate) fn failure(self) -> Failure {
        match self.result {
            Err(failure) => failure,
            Ok(output) => panic!("it did not fail: {output:?}"),
        }
    }
    pub(crate) fn items(self) -> Vec<Value> {
        items(&self.output(), "out")
    }
}

pub(crate) fn items(output: &Output, port: &str) -> Vec<Value> {
    let given = output.ports.iter().find(|(name, _)| name == port);
    given.map(|(_, given)| given.items.iter().map(|item| item.json.clone()).collect()).unwrap_or_default()
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let blobs = folder.path().join("blobs");
        std::fs::create_dir(&blobs).expect("a folder for blobs");
        let launcher = Launcher { program: cage(), args: Vec::new() };
        let data = folder.path().join("data");
        let own_folder = OwnFolder::new(data.clone(), data.join("files"));
        let mut options = Options::new(launcher, folder.path().join("scratch"), own_folder);
        change(&mut options);
        let (components, handle) = components(options);
        Self { components, handle, folder, blobs: Arc::new(Files(blobs)) }
    }

    pub(crate) fn body(&self, language: Language, config: &Value) -> Arc<dyn RunLater> {
        let config: Map<String, Value> = config.as_object().cloned().expect("a config is an object");
        let component =
            self.components.iter().find(|one| one.manifest().name == language.name()).expect("six languages");
        assert!(component.check(&config).is_empty(), "{:?}", component.check(&config));
        let context = StepContext { version: VersionId([7; 32]), step: &"s".into(), config: &config };
        match component.prepare(&context).expect("the config is right") {
            Body::Later(body) => body,
            _ => panic!("a script waits"),
        }
    }

    pub(crate) fn call(&self, items: Vec<Item>, log: Arc<Kept>) -> Call {
        Call {
            job: JobId([1; 16]),
            version: VersionId([7; 32]),
            preset: "test".into(),
            domain: "test".into(),
            step: StepId::from("s"),
            run: "s".into(),
            attempt: 1,
            key: "key".into(),
            inputs: vec![("in".to_owned(), Arc::new(items.into_iter().map(Arc::new).collect()))],
            variables: Arc::new(BTreeMap::from([("city".to_owned(), Value::from("Zürich 東京 🦊"))])),
            secrets: Arc::new(BTreeMap::from([("token".to_owned(), "s3cr'et $x".to_owned())])),
            now: Timestamp(0),
            seed: 42,
            round: None,
            dry_run: false,
            resume: None,
            view: Arc::new(Nothing),
            log,
            blobs: Arc::<Files>::clone(&self.blobs),
            cancel: CancellationToken::new(),
            deadline: None,
        }
    }

    pub(crate) async fn run_items(&self, language: Language, config: Value, items: Vec<Item>) -> Run {
        let log = Arc::new(Kept::default());
        let call = self.call(items, Arc::clone(&log));
        let result = self.body(language, &config).run(call).await.map(|given| match given {
            Yield::Output(output) => output,
            other => panic!("a script gives output: {other:?}"),
        });
        Run { result, log }
    }

    pub(crate) async fn run(&self, language: Language, config: Value, items: &[Value]) -> Run {
        self.run_items(language, config, items.iter().cloned().map(Item::json).collect()).await
    }
}

/// The program that is the cage: beside the tests, or beside the benchmark.
fn cage() -> PathBuf {
    if let Some(path) = option_env!("CARGO_BIN_EXE_flowork-cage") {
        return Path::new(path).to_owned();
    }
    let here = std::env::current_exe().expect("a program knows itself");
    here.ancestors().nth(2).expect("target/debug/examples").join("flowork-cage")
}
