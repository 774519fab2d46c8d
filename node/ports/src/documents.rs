//! Drafts as live documents, and the versions frozen from them.

use async_trait::async_trait;
use flowork_protocol::check::Problem;
use flowork_protocol::preset::Preset;
use flowork_protocol::{PresetId, Timestamp, VersionId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// Why a document cannot be had or changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// There is none by that id or name.
    #[error("there is no preset `{0}`; `flowork preset list` shows what there is")]
    Missing(String),
    /// Another draft has that name.
    #[error("another preset is named `{0}`; choose another name")]
    NameTaken(String),
    /// The heads asked for are not here (yet).
    #[error("the draft does not hold the edits {0} yet; try again when they have arrived")]
    HeadsMissing(String),
    /// Freezing found problems that stop it.
    #[error("the preset has {}", counted(.0.len()))]
    Problems(Vec<Problem>),
    /// The document was set aside because loading it failed.
    #[error("the draft `{preset}` was set aside: {why}")]
    Quarantined {
        /// Which.
        preset: String,
        /// Why.
        why: String,
    },
    /// Its stored form is damaged.
    #[error("the stored draft is damaged: {0}")]
    Damaged(String),
    /// The docs role is not there now.
    #[error("the documents are not to be had right now ({0}); the node restarts them, try again")]
    Away(String),
}

fn counted(problems: usize) -> String {
    if problems == 1 { "a problem".to_owned() } else { format!("{problems} problems") }
}

/// One draft in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DraftSummary {
    /// Which.
    pub id: PresetId,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// How many steps it has.
    pub steps: usize,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// The version whose triggers fire, as docs last heard.
    pub latest_version: Option<VersionId>,
}

/// One draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Draft {
    /// Which.
    pub id: PresetId,
    /// As JSON, after repair.
    pub preset: Preset,
    /// The Automerge heads it was read at, hex.
    pub heads: Vec<String>,
    /// What repair had to do, for people.
    pub repairs: Vec<String>,
}

/// One change in a draft's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Change {
    /// Its Automerge hash, hex.
    pub hash: String,
    /// Who made it: an Automerge actor, hex.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// What they said about it.
    pub message: Option<String>,
}

/// One frozen version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Version {
    /// Its name: the BLAKE3 of its canonical JSON, which is the blob of the same hash.
    pub id: VersionId,
    /// The draft it was frozen from.
    pub preset: PresetId,
    /// When.
    pub frozen_at: Timestamp,
    /// The heads it was frozen at, hex.
    pub heads: Vec<String>,
    /// What people call it.
    pub label: Option<String>,
}

/// What a version is on disk: canonical JSON of this, stored as the blob that its [`VersionId`] names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrozenPreset {
    /// The preset, every step with its component version.
    pub preset: Preset,
    /// For each component that it uses `name@version` → digest.
    pub lock: std::collections::BTreeMap<String, String>,
}

/// Who comes to look at drafts, or to edit them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visitor {
    /// The token or session that let them in. Two connections of one session may take each other's place.
    pub session: String,
    /// What others call them.
    pub name: String,
    /// Whether their edits are taken.
    pub may_edit: bool,
}

/// Somebody who has a draft open now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Present {
    /// Their connection's id in automerge-repo's protocol. They chose it themselves; nobody else has it meanwhile.
    pub peer_id: String,
    /// What the node calls them: never what they say of themselves.
    pub name: String,
    /// Whether their edits are taken.
    pub may_edit: bool,
}

/// The longest message on a [`Connection`], in bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 << 20;
/// How many messages may wait on a [`Connection`], each way.
pub const MESSAGES_WAITING_MAX: usize = 32;

/// A visitor's way to the drafts: whole messages of automerge-repo's protocol (version 1, CBOR), both ways. Either side ends
/// it by dropping its half.
#[derive(Debug)]
pub struct Connection {
    /// To the documents.
    pub to_docs: mpsc::Sender<Vec<u8>>,
    /// From the documents. What they say about heads of theirs is on disk.
    pub from_docs: mpsc::Receiver<Vec<u8>>,
}

/// Drafts and versions. `which` is an id or a name throughout.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Makes a draft; its name must be free. Problems are allowed in drafts.
    async fn create(&self, preset: Preset) -> Result<Draft, Error>;
    /// All drafts, by name.
    async fn list(&self) -> Result<Vec<DraftSummary>, Error>;
    /// One draft.
    async fn get(&self, which: &str) -> Result<Draft, Error>;
    /// Makes the draft read as `preset`, as the smallest edit that does, and so that concurrent edits elsewhere survive.
    async fn update(&self, which: &str, preset: Preset, message: Option<String>) -> Result<Draft, Error>;
    /// Takes the draft away. Its versions and jobs stay.
    async fn delete(&self, which: &str) -> Result<(), Error>;
    /// The changes of a draft, newest first, at most `max`.
    async fn history(&self, which: &str, max: usize) -> Result<Vec<Change>, Error>;
    /// The draft as it was at `heads`.
    async fn at(&self, which: &str, heads: Vec<String>) -> Result<Draft, Error>;
    /// Freezes the draft at `heads` (now, when empty). The same content gives the same version. Durable when it returns.
    async fn freeze(&self, which: &str, heads: Vec<String>, label: Option<String>) -> Result<(Version, Preset), Error>;
    /// Stores a preset as a version without keeping a draft (what `flowork run FILE` does). Its id is derived from its name.
    async fn freeze_file(&self, preset: Preset) -> Result<(Version, Preset), Error>;
    /// The versions of a draft, newest first.
    async fn versions(&self, which: &str) -> Result<Vec<Version>, Error>;
    /// One version with its content.
    async fn version(&self, id: VersionId) -> Result<(Version, FrozenPreset), Error>;
    /// Lets a visitor in. What goes wrong later ends the connection.
    async fn connect(&self, visitor: Visitor) -> Result<Connection, Error>;
    /// Who has a draft open now, over any connection.
    async fn present(&self, which: &str) -> Result<Vec<Present>, Error>;
}

/// Where documents keep their bytes: a durable map from key to bytes. Implemented by `store`, which owns the SQL.
#[async_trait]
pub trait DocumentTable: Send + Sync {
    /// The bytes under `key`, checked against the checksum stored with them.
    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, crate::store::Error>;
    /// All entries whose key starts with `prefix`. [`crate::store::Error::Damaged`] when one of them is damaged; `keys`
    /// and `load` then tell which, and give the others.
    async fn load_range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, crate::store::Error>;
    /// The keys that start with `prefix`, in order, those of damaged entries too: no entry is read.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, crate::store::Error>;
    /// Keeps `bytes` under `key`. On disk when this returns.
    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), crate::store::Error>;
    /// Removes one entry. On disk when this returns.
    async fn delete(&self, key: &str) -> Result<(), crate::store::Error>;
}
