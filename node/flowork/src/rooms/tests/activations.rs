//! A job sees what was activated before it was accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::Bell;
use flowork_ports::Documents as _;
use flowork_ports::store::{Error, NodeTables, Reader, RetentionRules};
use flowork_protocol::JobId;
use flowork_protocol::command::{Activation, Command, Submission};
use flowork_protocol::job::{State, Summary};
use flowork_protocol::preset::Preset;
use flowork_store::Layout;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{NoSecrets, preset};
use crate::rooms::{self, Folders};

/// Tables that the kernel's own loop never gets to drain: it is always later than the job.
struct Late {
    tables: Arc<dyn NodeTables>,
    loop_has_come: AtomicBool,
    release: CancellationToken,
}

#[async_trait]
impl NodeTables for Late {
    async fn drain(&self) -> Result<usize, Error> {
        if !self.loop_has_come.swap(true, Ordering::Relaxed) {
            self.release.cancelled().await;
        }
        self.tables.drain().await
    }
    async fn sealed_secret(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.tables.sealed_secret(name).await
    }
    async fn activation_by_name(&self, name: &str) -> Result<Option<Activation>, Error> {
        self.tables.activation_by_name(name).await
    }
    async fn setting(&self, name: &str) -> Result<Option<Value>, Error> {
        self.tables.setting(name).await
    }
    async fn retention(&self) -> Result<RetentionRules, Error> {
        self.tables.retention().await
    }
}

async fn ended(reader: &dyn Reader, bell: &Bell, job: JobId) -> Summary {
    let mut rings = bell.listen();
    loop {
        if let Some(row) = reader.job(job).await.unwrap()
            && row.state.has_ended()
        {
            return row;
        }
        let ring = tokio::time::timeout(Duration::from_secs(60), rings.recv()).await;
        assert!(ring.is_ok(), "the job does not end");
    }
}

// One thread: the kernel's loop for these tables is spawned first, so it comes first.
#[tokio::test]
async fn a_job_accepted_right_after_an_activation_runs_what_was_activated() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let bell = Bell::default();
    let stop = CancellationToken::new();
    let (library, workers) = rooms::library(
        &Folders { data: dir.path().to_owned(), home: dir.path().to_owned() },
        Arc::new(crate::mesh_link::NoMesh),
    );
    let docs = rooms::docs(&layout, library.clone(), bell.clone(), stop.clone()).await.unwrap();
    let store = layout.kernel(bell.clone()).unwrap();
    let inbox = layout.inbox("gateway", bell.clone()).unwrap();
    let greeting = |text: &str| {
        preset(json!({
            "flowork": "preset/1", "name": "greet",
            "steps": { "say": { "component": "set", "config": { "fields": { "said": text } } } }, "wires": {}
        }))
    };
    let activate = async |text: &str| {
        let (version, frozen) = docs.freeze_file(greeting(text)).await.unwrap();
        let header = Preset { steps: Default::default(), wires: Default::default(), ..frozen };
        let activation = Activation { preset: version.preset, version: version.id, header };
        inbox.submit(Command::Activate(Box::new(activation))).await.unwrap();
        version.id
    };
    let old = activate("old").await;
    assert_eq!(store.node.drain().await.unwrap(), 1);
    let new = activate("new").await;
    assert_ne!(old, new);
    let caller = json!({
        "flowork": "preset/1", "name": "caller",
        "steps": { "call": { "component": "sub-preset", "config": { "preset": "greet" } } }, "wires": {}
    });
    let (version, frozen) = docs.freeze_file(preset(caller)).await.unwrap();
    let submission = json!({
        "job": JobId::keyed("test", b"1", inbox.shards()), "preset": version.preset, "name": frozen.name,
        "version": version.id
    });
    let submission: Submission = serde_json::from_value(submission).unwrap();
    let job = submission.job;
    inbox.submit(Command::Submit(Box::new(submission))).await.unwrap();

    let late = Arc::new(Late {
        tables: store.node.clone(),
        loop_has_come: AtomicBool::new(false),
        release: CancellationToken::new(),
    });
    let kernel = flowork_kernel::run(
        flowork_kernel::Options {
            shards: store.shards,
            node: late.clone(),
            library,
            blobs: layout.blobs(),
            vault: Arc::new(NoSecrets),
            bell: bell.clone(),
            clock: Arc::new(crate::now),
            jobs_per_shard_max: 8,
            troubles: tokio::sync::watch::Sender::default(),
        },
        &stop,
    );
    let reader = layout.reader();
    let row = ended(&*reader, &bell, job).await;
    let events = reader.events(job, 0, 1_000).await.unwrap();
    assert_eq!(row.state, State::Succeeded, "{events:?}");
    let text = serde_json::to_string(&events).unwrap();
    assert!(text.contains("\"new\"") && !text.contains("\"old\""), "{text}");
    late.release.cancel();
    kernel.stop().await;
    workers.shutdown().await;
    stop.cancel();
    docs.ended().await;
}
