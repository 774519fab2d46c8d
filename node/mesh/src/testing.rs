//! A node's store as the mesh sees it, in memory: jobs end at once with the items that they were given.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use flowork_ports::blobs::{self, ByteStream};
use flowork_ports::mesh::Offer;
use flowork_ports::mesh_table::{Change, Decision, MeshTable, ReceiptQuery, StoredReceipt, Total};
use flowork_ports::models::{ModelAt, ModelServer};
use flowork_ports::store::{Error, Inbox, Logins, Page, Query, Reader, Stats};
use flowork_ports::{Bell, Blobs, Models, Ring};
use flowork_protocol::chat::{Chat, Content, End, Piece};
use flowork_protocol::command::{Activation, Command, Signal, Submission, Token};
use flowork_protocol::event::{Event, Outcome, What};
use flowork_protocol::grant::Capability;
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::List;
use flowork_protocol::job::Summary;
use flowork_protocol::peer::call::CallId;
use flowork_protocol::{BlobId, Failure, JobId, NodeId, PresetId, StepId, Timestamp, VersionId};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::machine::{Machine, Needs, Seen};
use crate::net::{self, Net};
use crate::{Seed, keys, lock};

/// Files in a folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(dir: PathBuf) -> Self {
        std::fs::create_dir_all(&dir).expect("a test can use its folder");
        Self(dir)
    }
}

#[async_trait]
impl Blobs for Folder {
    async fn put(&self, mut stream: ByteStream, _: u64) -> Result<(BlobId, u64), blobs::Error> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("a test can use its folder");
        let size = bytes.len() as u64;
        Ok((self.put_bytes(bytes.into()).await?, size))
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<BlobId, blobs::Error> {
        let id = BlobId::of(&bytes);
        std::fs::write(self.0.join(id.to_string()), bytes).expect("a test can use its folder");
        Ok(id)
    }

    async fn get(&self, id: BlobId) -> Result<Bytes, blobs::Error> {
        std::fs::read(self.0.join(id.to_string())).map(Bytes::from).map_err(|_| blobs::Error::Missing(id))
    }

    async fn open(&self, id: BlobId) -> Result<(ByteStream, u64), blobs::Error> {
        let bytes = self.get(id).await?;
        let size = bytes.len() as u64;
        Ok((Box::pin(std::io::Cursor::new(bytes)), size))
    }

    async fn path(&self, id: BlobId) -> Result<PathBuf, blobs::Error> {
        let place = self.0.join(id.to_string());
        if place.exists() { Ok(place) } else { Err(blobs::Error::Missing(id)) }
    }

    async fn has(&self, id: BlobId) -> Result<bool, blobs::Error> {
        Ok(self.0.join(id.to_string()).exists())
    }
}

/// What the lenders of tests lend: `run:echo`, `run:hangs` and a model that counts.
pub(crate) fn offers() -> BTreeMap<Capability, Offer> {
    let offer = |name: &str| Offer::Run {
        preset: PresetId::from(name),
        name: name.to_owned(),
        version: VersionId([7; 32]),
        concurrency: None,
    };
    let mut offers = BTreeMap::from(["echo", "hangs"].map(|name| (Capability::run(name), offer(name))));
    let at = ModelAt { server: "http://127.0.0.1:1".to_owned(), model: "counts".to_owned() };
    offers.insert(Capability("chat".to_owned()), Offer::Chat(at));
    offers
}

/// A free address in memory; no two nodes of one process share one.
pub(crate) fn address() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("/memory/{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A network in memory that knows nobody.
pub(crate) fn memory_net(seed: &Seed, at: &str, stop: CancellationToken) -> Net {
    let options = net::Options {
        keypair: keys::Keeper::new(seed).keypair().expect("an address and a key of a test are good"),
        listen: vec![at.parse().expect("an address and a key of a test are good")],
        lan: false,
        upnp: false,
        serves: None,
        reserves: false,
        external: Vec::new(),
        present: Box::new(|_| None),
        agent: "test".to_owned(),
        clock: Arc::new(|| Timestamp(0)),
        known: watch::channel(BTreeSet::new()).1,
        happened: mpsc::channel(1).0,
    };
    net::start(options, stop).expect("an address and a key of a test are good")
}

/// A model that says as many words as it is asked to: `3`. With `3 and hangs` or `3 and breaks` it does that then.
#[derive(Default)]
pub(crate) struct CountingModel {
    /// How often it was asked, and the most tokens that it was to write.
    pub(crate) asked: Mutex<Vec<Option<u64>>>,
}

#[async_trait]
impl Models for CountingModel {
    async fn find(&self, _: Option<&str>) -> Result<Vec<ModelServer>, Failure> {
        Ok(Vec::new())
    }

    async fn chat(&self, at: &ModelAt, chat: &Chat, pieces: mpsc::Sender<Piece>) -> Result<(), Failure> {
        lock(&self.asked).push(chat.max_tokens);
        let asked = match &chat.messages[0].content {
            Some(Content::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let (words, then) = asked.split_once(" and ").unwrap_or((&asked, ""));
        let words: u64 = words.parse().expect("a test asks for so many words");
        for word in 0..words {
            // Who does not listen any more is a test's own business.
            let _ = pieces.send(Piece::Text(format!("w{word} "))).await;
        }
        match then {
            "hangs" => std::future::pending().await,
            "breaks" => Err(Failure::new("model-broke", "the model server broke off").retryable()),
            _ => {
                let (finish, model) = ("stop".to_owned(), at.model.clone());
                let end = End { finish, model, tokens_in: 5, tokens_out: words, is_counted: true };
                let _ = pieces.send(Piece::End(end)).await;
                Ok(())
            }
        }
    }
}

/// What mesh keeps, in memory.
#[derive(Default)]
pub(crate) struct MemoryTable {
    records: Mutex<BTreeMap<(&'static str, String), Vec<u8>>>,
    receipts: Mutex<Vec<StoredReceipt>>,
    pub(crate) decisions: Mutex<Vec<Decision>>,
}

#[async_trait]
impl MeshTable for MemoryTable {
    async fn records(&self, kind: &'static str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let all = lock(&self.records);
        Ok(all.iter().filter(|((of, _), _)| *of == kind).map(|((_, key), body)| (key.clone(), body.clone())).collect())
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), Error> {
        for change in changes {
            match change {
                Change::Put { kind, key, body } => drop(lock(&self.records).insert((kind, key), body)),
                Change::Forget { kind, key } => drop(lock(&self.records).remove(&(kind, key))),
                Change::Receipt(receipt) => {
                    let mut receipts = lock(&self.receipts);
                    receipts.retain(|other| other.call != receipt.call || other.peer != receipt.peer);
                    receipts.push(*receipt);
                }
                Change::Decision(decision) => lock(&self.decisions).push(decision),
            }
        }
        Ok(())
    }

    async fn receipts(&self, _: &ReceiptQuery) -> Result<Vec<StoredReceipt>, Error> {
        Ok(lock(&self.receipts).clone())
    }

    async fn receipt(&self, is_given: bool, peer: NodeId, call: CallId) -> Result<Option<StoredReceipt>, Error> {
        let is_it = |one: &&StoredReceipt| one.is_given == is_given && one.peer == peer && one.call == call;
        Ok(lock(&self.receipts).iter().find(is_it).cloned())
    }

    async fn totals(&self) -> Result<Vec<Total>, Error> {
        Ok(Vec::new())
    }

    async fn decisions(&self, _: Option<u64>, _: usize) -> Result<Vec<(u64, Decision)>, Error> {
        Ok(Vec::new())
    }
}

/// A machine that tells what it is told to tell.
#[derive(Default)]
pub(crate) struct ToldMachine(pub(crate) Mutex<Seen>);

#[async_trait]
impl Machine for ToldMachine {
    async fn look(&self, _: &Needs) -> Seen {
        lock(&self.0).clone()
    }
}

/// Jobs in memory. A job whose preset is called `hangs` does not end before it is cancelled.
#[derive(Clone, Default)]
pub(crate) struct Jobs {
    events: Arc<Mutex<HashMap<JobId, Vec<Event>>>>,
    pub(crate) submitted: Arc<Mutex<Vec<Submission>>>,
    pub(crate) bell: Bell,
}

impl Jobs {
    fn add(&self, job: JobId, what: Vec<What>) {
        let mut events = lock(&self.events);
        let events = events.entry(job).or_default();
        for what in what {
            events.push(Event { seq: events.len() as u64 + 1, at: Timestamp(0), what });
        }
        self.bell.ring(Ring::Shard(job.shard(), 1));
    }
}

#[async_trait]
impl Inbox for Jobs {
    async fn submit(&self, command: Command) -> Result<(), Error> {
        match command {
            Command::Submit(submission) => {
                let job = submission.job;
                let is_known = lock(&self.events).contains_key(&job);
                if is_known {
                    return Ok(());
                }
                let items = submission.input.iter().cloned().map(Arc::new).collect();
                let output = BTreeMap::from([(StepId::from("last"), List::Inline(items))]);
                let mut what = vec![What::Accepted(submission.clone()), What::Started { presets: BTreeMap::new() }];
                if submission.name != "hangs" {
                    what.push(What::Ended { outcome: Outcome::Succeeded, output });
                }
                lock(&self.submitted).push(*submission);
                self.add(job, what);
            }
            Command::Signal(job, Signal::Cancel { reason }) => {
                self.add(job, vec![What::Ended { outcome: Outcome::Cancelled { reason }, output: BTreeMap::new() }]);
            }
            Command::DeleteJob(job) => drop(lock(&self.events).remove(&job)),
            _ => {}
        }
        Ok(())
    }

    fn shards(&self) -> u16 {
        2
    }
}

#[async_trait]
impl Reader for Jobs {
    async fn jobs(&self, _: &Query) -> Result<Page, Error> {
        Ok(Page::default())
    }

    async fn job(&self, _: JobId) -> Result<Option<Summary>, Error> {
        Ok(None)
    }

    async fn events(&self, job: JobId, after: u64, _: usize) -> Result<Vec<Event>, Error> {
        let events = lock(&self.events);
        Ok(events.get(&job).into_iter().flatten().filter(|event| event.seq > after).cloned().collect())
    }

    async fn chunks(&self, _: JobId, _: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, Error> {
        Ok(Vec::new())
    }

    async fn stats(&self) -> Result<Stats, Error> {
        Ok(Stats::default())
    }

    async fn activations(&self) -> Result<Vec<Activation>, Error> {
        Ok(Vec::new())
    }

    async fn tokens(&self) -> Result<Vec<Token>, Error> {
        Ok(Vec::new())
    }

    async fn logins(&self) -> Result<Logins, Error> {
        Ok(Logins::default())
    }

    async fn secrets(&self) -> Result<Vec<(String, Timestamp)>, Error> {
        Ok(Vec::new())
    }

    async fn settings(&self) -> Result<BTreeMap<String, Value>, Error> {
        Ok(BTreeMap::new())
    }
}
