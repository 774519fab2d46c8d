//! The gateway's ports in memory, and a client for it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use flowork_gateway::{Backup, BackupAsk, Handle, Options};
use flowork_ports::bell::{Bell, Ring};
use flowork_ports::blobs::{self, Blobs, ByteStream};
use flowork_ports::documents::{
    self, Change, Connection, Documents, Draft, DraftSummary, FrozenPreset, Present, Version, Visitor,
};
use flowork_ports::engines::{EngineCall, Given, News, NotGiven, Where};
use flowork_ports::roles::{Role as NodeRole, RoleStatus};
use flowork_ports::store::{self, Inbox, Logins, Page, Query, Reader, Stats};
use flowork_ports::vault::Seal;
use flowork_protocol::chat::{End, Piece};
use flowork_protocol::check::{Catalogue, ConfigProblem};
use flowork_protocol::command::{Activation, Command, Role, Submission, Token};
use flowork_protocol::event::{Emitted, Event, Outcome, Pairing, Response, Run, StepResult, What};
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::List;
use flowork_protocol::job::{State, Summary};
use flowork_protocol::login::{Enrolment, Key};
use flowork_protocol::manifest::{Effect, Example, Kind, Manifest, Permissions, Port, Ports};
use flowork_protocol::preset::Preset;
use flowork_protocol::{BlobId, Failure, Item, JobId, NodeId, PresetId, StepId, Timestamp, VersionId, canonical};
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

pub(crate) const LOCAL: &str = "the token of this machine";
pub(crate) const SHARDS: u16 = 4;

/// Stands for a kernel.
pub(crate) type Runs = fn(&Memory, &Submission);

/// A store in memory. Tests write events; it rings as the real one does.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) bell: Bell,
    pub(crate) commands: Mutex<Vec<Command>>,
    jobs: Mutex<BTreeMap<JobId, Vec<Event>>>,
    pub(crate) chunks: Mutex<BTreeMap<ChunkId, Vec<u8>>>,
    pub(crate) tokens: Mutex<Vec<Token>>,
    pub(crate) logins: Mutex<Logins>,
    pub(crate) activations: Mutex<Vec<Activation>>,
    settings: Mutex<BTreeMap<String, Value>>,
    /// What the next commands are refused with.
    pub(crate) refuse: Mutex<Option<store::Error>>,
    /// What runs a job as soon as it is submitted.
    pub(crate) runs: Mutex<Option<Runs>>,
}

impl Memory {
    pub(crate) fn push(&self, job: JobId, what: What) -> u64 {
        let seq = {
            let mut jobs = self.jobs.lock().unwrap();
            let events = jobs.entry(job).or_default();
            let seq = events.len() as u64 + 1;
            events.push(Event { seq, at: Timestamp(1_000 + seq as i64), what });
            seq
        };
        self.bell.ring(Ring::Shard(job.shard(), seq));
        seq
    }

    pub(crate) fn accept(&self, submission: Submission) {
        let job = submission.job;
        if !self.jobs.lock().unwrap().contains_key(&job) {
            self.push(job, What::Accepted(Box::new(submission)));
        }
    }

    /// As the store does it: the first key of a link is in.
    fn enrol(&self, Enrolment { link, public_key, label }: Enrolment) {
        let mut logins = self.logins.lock().unwrap();
        let Some(link) = logins.links.iter_mut().find(|it| it.id == link && it.used_by.is_none()) else { return };
        link.used_by = Some(public_key);
        let role = link.role;
        logins.keys.push(Key { id: public_key.id(), public_key, label, role, created_at: Timestamp(1) });
    }

    pub(crate) fn succeed(&self, job: JobId, step: &str, items: List, response: Option<Response>) -> u64 {
        self.push(job, succeeded(step, items, response))
    }

    pub(crate) fn end(&self, job: JobId, outcome: Outcome, output: &[(&str, Value)]) -> u64 {
        let list = |value: &Value| List::Inline(vec![Arc::new(Item::json(value.clone()))]);
        let output = output.iter().map(|(step, value)| (StepId::from(*step), list(value))).collect();
        self.push(job, What::Ended { outcome, output })
    }

    pub(crate) fn submissions(&self) -> Vec<Submission> {
        let commands = self.commands.lock().unwrap();
        commands
            .iter()
            .filter_map(|it| if let Command::Submit(it) = it { Some((**it).clone()) } else { None })
            .collect()
    }

    fn summary(&self, id: JobId, events: &[Event]) -> Summary {
        let view = flowork_protocol::view::JobView::fold(events);
        let submission = view.submission.clone().unwrap();
        Summary {
            id,
            preset: submission.preset,
            name: submission.name,
            version: submission.version,
            state: view.state(),
            priority: submission.priority,
            trigger: submission.trigger,
            accepted_at: view.accepted_at.unwrap(),
            started_at: view.started_at,
            ended_at: view.ended_at,
            due_at: None,
            last_seq: view.last_seq,
            origin: submission.replay.map(|replay| replay.origin),
            parent: None,
            dry_run: submission.dry_run,
            error: view.error,
        }
    }
}

pub(crate) fn succeeded(step: &str, items: List, response: Option<Response>) -> What {
    What::StepSucceeded(Box::new(StepResult {
        run: Run::once(step.into()),
        attempt: 1,
        ports: BTreeMap::from([("out".to_owned(), Emitted { items, pairs: Pairing::None })]),
        items_in: 1,
        note: "1 in → 1 out".to_owned(),
        took_us: 100,
        now: Timestamp(5),
        seed: 7,
        secrets: Vec::new(),
        dry: false,
        from: None,
        response,
    }))
}

#[async_trait]
impl Inbox for Memory {
    async fn submit(&self, command: Command) -> Result<(), store::Error> {
        if let Some(error) = self.refuse.lock().unwrap().clone() {
            return Err(error);
        }
        self.commands.lock().unwrap().push(command.clone());
        match command {
            Command::Submit(submission) => {
                let run = *self.runs.lock().unwrap();
                self.accept((*submission).clone());
                if let Some(run) = run {
                    run(self, &submission);
                }
            }
            Command::Activate(activation) => self.activations.lock().unwrap().push(*activation),
            Command::Set { name, value } => drop(self.settings.lock().unwrap().insert(name, value)),
            Command::AddToken(token) => self.tokens.lock().unwrap().push(token),
            Command::RemoveToken(id) => self.tokens.lock().unwrap().retain(|token| token.id != id),
            Command::AddLoginLink(link) => self.logins.lock().unwrap().links.push(link),
            Command::EnrolKey(enrolment) => self.enrol(enrolment),
            Command::RemoveLoginKey(id) => {
                self.logins.lock().unwrap().keys.retain(|key| key.id != id);
                self.tokens.lock().unwrap().retain(|token| token.login_key.as_ref() != Some(&id));
            }
            _ => {}
        }
        self.bell.ring(Ring::Node);
        Ok(())
    }
    fn shards(&self) -> u16 {
        SHARDS
    }
}

#[async_trait]
impl Reader for Memory {
    async fn jobs(&self, query: &Query) -> Result<Page, store::Error> {
        let jobs = self.jobs.lock().unwrap();
        let all = jobs.iter().rev().map(|(id, events)| self.summary(*id, events));
        let wanted = all.filter(|job| query.states.is_empty() || query.states.contains(&job.state));
        Ok(Page { jobs: wanted.take(query.limit).collect(), ..Page::default() })
    }
    async fn job(&self, job: JobId) -> Result<Option<Summary>, store::Error> {
        Ok(self.jobs.lock().unwrap().get(&job).map(|events| self.summary(job, events)))
    }
    async fn events(&self, job: JobId, after: u64, max: usize) -> Result<Vec<Event>, store::Error> {
        let jobs = self.jobs.lock().unwrap();
        let events = jobs.get(&job).map(Vec::as_slice).unwrap_or_default();
        Ok(events.iter().filter(|event| event.seq > after).take(max).cloned().collect())
    }
    async fn chunks(&self, _: JobId, ids: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, store::Error> {
        let chunks = self.chunks.lock().unwrap();
        Ok(ids.into_iter().filter_map(|id| Some((id, chunks.get(&id)?.clone()))).collect())
    }
    async fn stats(&self) -> Result<Stats, store::Error> {
        let mut stats = Stats { free_bytes: 1 << 40, ..Stats::default() };
        for (id, events) in self.jobs.lock().unwrap().iter() {
            *stats.jobs.entry(self.summary(*id, events).state.word().to_owned()).or_default() += 1;
        }
        Ok(stats)
    }
    async fn activations(&self) -> Result<Vec<Activation>, store::Error> {
        Ok(self.activations.lock().unwrap().clone())
    }
    async fn tokens(&self) -> Result<Vec<Token>, store::Error> {
        Ok(self.tokens.lock().unwrap().clone())
    }
    async fn logins(&self) -> Result<Logins, store::Error> {
        Ok(self.logins.lock().unwrap().clone())
    }
    async fn secrets(&self) -> Result<Vec<(String, Timestamp)>, store::Error> {
        Ok(vec![("mail".to_owned(), Timestamp(1))])
    }
    async fn settings(&self) -> Result<BTreeMap<String, Value>, store::Error> {
        Ok(self.settings.lock().unwrap().clone())
    }
}

/// Blobs in memory.
#[derive(Default)]
pub(crate) struct Bytestore(pub(crate) Mutex<BTreeMap<BlobId, Bytes>>);

#[async_trait]
impl Blobs for Bytestore {
    async fn put(&self, mut stream: ByteStream, limit_bytes: u64) -> Result<(BlobId, u64), blobs::Error> {
        let mut all = Vec::new();
        let read = (&mut stream).take(limit_bytes + 1).read_to_end(&mut all).await;
        read.map_err(|source| blobs::Error::Io { doing: "read the upload", source })?;
        if all.len() as u64 > limit_bytes {
            return Err(blobs::Error::TooLarge { limit_bytes });
        }
        let size = all.len() as u64;
        Ok((self.put_bytes(all.into()).await?, size))
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
    async fn path(&self, id: BlobId) -> Result<std::path::PathBuf, blobs::Error> {
        Err(blobs::Error::Missing(id))
    }
    async fn has(&self, id: BlobId) -> Result<bool, blobs::Error> {
        Ok(self.0.lock().unwrap().contains_key(&id))
    }
}

/// Drafts in memory, one version each.
pub(crate) struct Drafts {
    pub(crate) all: Mutex<BTreeMap<String, Preset>>,
    pub(crate) away: AtomicBool,
    pub(crate) blobs: Arc<Bytestore>,
}

impl Drafts {
    fn here(&self) -> Result<(), documents::Error> {
        if self.away.load(Ordering::Relaxed) { Err(documents::Error::Away("stopped".to_owned())) } else { Ok(()) }
    }
    fn find(&self, which: &str) -> Result<Preset, documents::Error> {
        self.here()?;
        let found = self.all.lock().unwrap().get(which.trim_start_matches("id-")).cloned();
        found.ok_or_else(|| documents::Error::Missing(which.to_owned()))
    }
    fn draft(preset: Preset) -> Draft {
        let id = PresetId(format!("id-{}", preset.name));
        Draft { id, preset, heads: vec!["aa".to_owned()], repairs: Vec::new() }
    }
    fn store(&self, preset: &Preset) -> Version {
        let frozen = FrozenPreset { preset: preset.clone(), lock: BTreeMap::new() };
        let bytes = canonical::to_vec(&frozen).unwrap();
        let id = BlobId::of(&bytes);
        self.blobs.0.lock().unwrap().insert(id, bytes.into());
        let preset = PresetId(format!("id-{}", preset.name));
        Version { id: VersionId(id.0), preset, frozen_at: Timestamp(1), heads: vec!["aa".to_owned()], label: None }
    }
}

/// Gives back what it is to try, and fails on `fail`.
struct Echo;

impl flowork_ports::component::Preview for Echo {
    fn preview(&self, trial: flowork_ports::component::Trial) -> Result<Option<Value>, Failure> {
        match trial.text.as_str() {
            "fail" => Err(Failure::new("expression-syntax", "no")),
            "nothing" => Ok(None),
            text => Ok(Some(json!({ "text": text, "items": trial.input.len(), "item": trial.item }))),
        }
    }
}

#[async_trait]
impl Documents for Drafts {
    async fn create(&self, preset: Preset) -> Result<Draft, documents::Error> {
        self.here()?;
        let taken = self.all.lock().unwrap().insert(preset.name.clone(), preset.clone()).is_some();
        if taken { Err(documents::Error::NameTaken(preset.name)) } else { Ok(Self::draft(preset)) }
    }
    async fn list(&self) -> Result<Vec<DraftSummary>, documents::Error> {
        self.here()?;
        Ok(Vec::new())
    }
    async fn get(&self, which: &str) -> Result<Draft, documents::Error> {
        Ok(Self::draft(self.find(which)?))
    }
    async fn update(&self, which: &str, preset: Preset, _: Option<String>) -> Result<Draft, documents::Error> {
        self.find(which)?;
        self.all.lock().unwrap().insert(which.to_owned(), preset.clone());
        Ok(Self::draft(preset))
    }
    async fn delete(&self, which: &str) -> Result<(), documents::Error> {
        self.find(which)?;
        self.all.lock().unwrap().remove(which);
        Ok(())
    }
    async fn history(&self, which: &str, _: usize) -> Result<Vec<Change>, documents::Error> {
        self.find(which).map(|_| Vec::new())
    }
    async fn at(&self, which: &str, _: Vec<String>) -> Result<Draft, documents::Error> {
        self.get(which).await
    }
    async fn freeze(
        &self, which: &str, heads: Vec<String>, _: Option<String>,
    ) -> Result<(Version, Preset), documents::Error> {
        let preset = self.find(which)?;
        if heads.iter().any(|head| head != "aa") {
            return Err(documents::Error::HeadsMissing(heads.join(",")));
        }
        Ok((self.store(&preset), preset))
    }
    async fn freeze_file(&self, preset: Preset) -> Result<(Version, Preset), documents::Error> {
        self.here()?;
        let problems = flowork_protocol::check::check(&preset, &Kinds);
        if problems.iter().any(|it| it.severity == flowork_protocol::check::Severity::Error) {
            return Err(documents::Error::Problems(problems));
        }
        Ok((self.store(&preset), preset))
    }
    async fn versions(&self, which: &str) -> Result<Vec<Version>, documents::Error> {
        self.find(which).map(|preset| vec![self.store(&preset)])
    }
    async fn connect(&self, visitor: Visitor) -> Result<Connection, documents::Error> {
        self.here()?;
        let (to_docs, mut incoming) = tokio::sync::mpsc::channel::<Vec<u8>>(8);
        let (outgoing, from_docs) = tokio::sync::mpsc::channel(8);
        // Says who came, then gives back what it is sent.
        tokio::spawn(async move {
            let _ = outgoing.send(format!("{}:{}", visitor.name, visitor.may_edit).into_bytes()).await;
            while let Some(message) = incoming.recv().await {
                if outgoing.send(message).await.is_err() {
                    break;
                }
            }
        });
        Ok(Connection { to_docs, from_docs })
    }
    async fn present(&self, which: &str) -> Result<Vec<Present>, documents::Error> {
        self.find(which).map(|_| Vec::new())
    }
    async fn version(&self, id: VersionId) -> Result<(Version, FrozenPreset), documents::Error> {
        self.here()?;
        let bytes = self.blobs.0.lock().unwrap().get(&BlobId(id.0)).cloned();
        let bytes = bytes.ok_or_else(|| documents::Error::Missing(id.to_string()))?;
        let frozen: FrozenPreset = serde_json::from_slice(&bytes).unwrap();
        Ok((self.store(&frozen.preset), frozen))
    }
}

/// Three components.
pub(crate) struct Kinds;

impl Catalogue for Kinds {
    fn names(&self) -> Vec<String> {
        ["manual", "set", "webhook"].map(str::to_owned).to_vec()
    }
    fn manifest(&self, name: &str) -> Option<Manifest> {
        self.names().iter().any(|known| known == name).then(|| Manifest {
            name: name.to_owned(),
            version: 1,
            title: name.to_owned(),
            summary: String::new(),
            docs: String::new(),
            category: "test".to_owned(),
            kind: if name == "set" { Kind::Module } else { Kind::Trigger },
            inputs: if name == "set" { vec![Port::new("in", "")] } else { Vec::new() },
            outputs: vec![Port::new("out", "")],
            config: json!({ "type": "object" }),
            effect: Effect::Pure,
            permissions: Permissions::default(),
            example: Example {
                title: String::new(),
                config: json!({}),
                input: BTreeMap::new(),
                output: BTreeMap::new(),
            },
        })
    }
    fn ports(&self, name: &str, _: &Map<String, Value>) -> Option<Ports> {
        self.manifest(name).map(|it| Ports { inputs: it.inputs, outputs: it.outputs })
    }
    fn effect(&self, name: &str, _: &Map<String, Value>) -> Option<Effect> {
        self.manifest(name).map(|it| it.effect)
    }
    fn check_config(&self, _: &str, _: &Map<String, Value>) -> Vec<ConfigProblem> {
        Vec::new()
    }
    fn digest(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }
}

struct Reversed;

impl Seal for Reversed {
    fn seal(&self, plain: &str) -> Result<Vec<u8>, String> {
        Ok(plain.bytes().rev().collect())
    }
}

struct Tape;

#[async_trait]
impl Backup for Tape {
    async fn begin(&self, ask: BackupAsk) -> Result<ByteStream, String> {
        ask.passphrase.ok_or("it needs a passphrase")?;
        Ok(Box::pin(std::io::Cursor::new(b"everything".to_vec())))
    }
}

/// A gateway on the ports above, and what talks to it.
pub(crate) struct Node {
    pub(crate) store: Arc<Memory>,
    pub(crate) drafts: Arc<Drafts>,
    pub(crate) blobs: Arc<Bytestore>,
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) cancel: CancellationToken,
    pub(crate) handle: Option<Handle>,
    pub(crate) roles: tokio::sync::watch::Sender<Vec<RoleStatus>>,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
    /// The stable word of a problem, after checking its form.
    pub(crate) fn problem(&self) -> String {
        // Routes of OpenAI's format say it as its clients read it.
        if let Some(code) = self.json()["error"]["code"].as_str() {
            return code.to_owned();
        }
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status);
        assert!(body["title"].is_string() && body["detail"].is_string(), "{body}");
        body["type"].as_str().unwrap().trim_start_matches("urn:flowork:problem:").to_owned()
    }
    pub(crate) fn job(&self) -> JobId {
        self.json()["job"].as_str().unwrap_or_else(|| panic!("no job in {}", self.text)).parse().unwrap()
    }
}

impl Node {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let store = Arc::new(Memory::default());
        let blobs = Arc::new(Bytestore::default());
        let drafts = Arc::new(Drafts { all: Mutex::default(), away: AtomicBool::new(false), blobs: blobs.clone() });
        let role = RoleStatus {
            role: NodeRole::Kernel,
            pid: Some(1),
            since: Timestamp(1),
            restarts: 0,
            ready: true,
            last_end: None,
            again_at: None,
            troubles: Vec::new(),
        };
        let (roles, receiver) = tokio::sync::watch::channel(vec![role]);
        let mut options = Options {
            listen: ([127, 0, 0, 1], 0).into(),
            listener: None,
            inbox: store.clone(),
            reader: store.clone(),
            documents: drafts.clone(),
            mesh: Arc::new(Alone),
            engines: Arc::new(Parrot),
            blobs: blobs.clone(),
            catalogue: Arc::new(Kinds),
            preview: Arc::new(Echo),
            seal: Arc::new(Reversed),
            bell: store.bell.clone(),
            roles: receiver,
            node_id: NodeId([7; 32]),
            version: "0.1.0 <test>".to_owned(),
            local_token_hash: Some(blake3::hash(LOCAL.as_bytes()).to_hex().to_string()),
            hosts: vec!["box.lan".to_owned()],
            backup: Arc::new(Tape),
            data_dir: "/data/flowork".to_owned(),
            upload_bytes_max: 1 << 20,
            patience: flowork_gateway::Patience::default(),
            gui: None,
        };
        change(&mut options);
        for (secret, role) in ROLES {
            store.tokens.lock().unwrap().push(token(secret, role, None));
        }
        let cancel = CancellationToken::new();
        let handle = flowork_gateway::run(options, cancel.clone()).await.unwrap();
        let base = format!("http://{}", handle.addr);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { store, drafts, blobs, http, base, cancel, handle: Some(handle), roles }
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), format!("{}{path}", self.base))
    }

    /// A request as the command line of this machine sends it.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Got {
        let request = self.ask(method, path).bearer_auth(LOCAL);
        let request = match body {
            Value::Null => request,
            body => request.header("content-type", "application/json").body(body.to_string()),
        };
        got(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.call("GET", path, Value::Null).await
    }

    /// Makes a draft with one step and a variable.
    pub(crate) fn draft(&self, name: &str) -> Preset {
        let preset = preset(name);
        self.drafts.all.lock().unwrap().insert(name.to_owned(), preset.clone());
        preset
    }

    /// Activates a preset with one webhook of this config, and waits until the gateway knows it.
    pub(crate) async fn hook(&self, name: &str, config: Value) {
        let mut preset = self.draft(name);
        preset.triggers =
            serde_json::from_value(json!({ "hook": { "component": "webhook", "config": config } })).unwrap();
        self.drafts.all.lock().unwrap().insert(name.to_owned(), preset);
        let before = self.get("/api/v1/node").await.json()["webhooks"].as_u64().unwrap();
        let got = self.call("POST", &format!("/api/v1/presets/{name}/activate"), json!({})).await;
        assert_eq!(got.status, 202, "{}", got.text);
        while self.get("/api/v1/node").await.json()["webhooks"].as_u64().unwrap() == before {
            tokio::task::yield_now().await;
        }
    }

    /// Accepts and begins a job without going through HTTP.
    pub(crate) fn job(&self, number: u64) -> JobId {
        let preset = preset("p");
        let version = self.drafts.store(&preset);
        let job = JobId::fresh(Timestamp(1_000), flowork_protocol::ShardNo(1), number);
        let submission = json!({
            "job": job, "preset": "id-p", "name": "p", "version": version.id,
            "input": [{ "json": { "n": 1 } }], "variables": { "rate": 1 },
        });
        self.store.accept(serde_json::from_value(submission).unwrap());
        self.store.push(job, What::Started { presets: BTreeMap::new() });
        job
    }
}

pub(crate) const ROLES: [(&str, Role); 5] = [
    ("hook", Role::Hook),
    ("viewer", Role::Viewer),
    ("runner", Role::Runner),
    ("editor", Role::Editor),
    ("admin", Role::Admin),
];

pub(crate) fn token(secret: &str, role: Role, expires_at: Option<i64>) -> Token {
    Token {
        id: secret.into(),
        label: secret.to_owned(),
        secret_hash: blake3::hash(secret.as_bytes()).to_hex().to_string(),
        role,
        created_at: Timestamp(0),
        expires_at: expires_at.map(Timestamp),
        login_key: None,
    }
}

pub(crate) fn preset(name: &str) -> Preset {
    serde_json::from_value(json!({
        "flowork": "preset/1", "name": name,
        "steps": { "a": { "component": "set" }, "b": { "component": "set" } },
        "wires": ["a -> b"],
        "variables": { "rate": { "value": 1 } },
    }))
    .unwrap()
}

pub(crate) fn inline(values: &[Value]) -> List {
    List::Inline(values.iter().map(|value| Arc::new(Item::json(value.clone()))).collect())
}

pub(crate) async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Got { status, headers, text: response.text().await.unwrap() }
}

pub(crate) fn failed(message: &str) -> Outcome {
    Outcome::Failed(Failure::new("broken", message).hint("mend it"))
}

pub(crate) const SUCCEEDED: State = State::Succeeded;

/// A mesh that is away.
struct Alone;

#[async_trait]
impl flowork_ports::Mesh for Alone {
    async fn ask(&self, _: flowork_ports::mesh::Ask) -> Result<flowork_ports::mesh::Gave, flowork_ports::mesh::Error> {
        Err(flowork_ports::mesh::Error::Away("it is stopped".to_owned()))
    }
}

/// An engine `gpu` that says hello.
struct Parrot;

#[async_trait]
impl flowork_ports::Engines for Parrot {
    async fn call(
        &self, call: EngineCall, news: tokio::sync::mpsc::Sender<News>, _: CancellationToken,
    ) -> Result<Given, NotGiven> {
        if call.at != [Where::Here { engine: Some("gpu".to_owned()) }] {
            return Err(NotGiven::not_taken(Failure::new("no-engine-here", "there is no such engine")));
        }
        let end = End { finish: "stop".into(), tokens_in: 3, tokens_out: 2, is_counted: true, ..End::default() };
        let pieces = [Piece::Text("Hello".into()), Piece::Text(" you".into()), Piece::End(end)];
        for (seq, piece) in (0..).zip(&pieces) {
            news.send(News::Piece { seq, bytes: piece.line() }).await.unwrap();
        }
        let output = pieces.iter().flat_map(Piece::line).collect();
        Ok(Given { output, note: String::new(), call: None })
    }
}
