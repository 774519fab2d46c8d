//! Where mesh keeps what it knows: small records that it holds in memory too, and two lists that grow, of receipts and of what
//! was decided. Implemented by `store`, which owns the SQL; mesh is the only one that writes.

use async_trait::async_trait;
use flowork_protocol::grant::Capability;
use flowork_protocol::peer::call::CallId;
use flowork_protocol::receipt::Usage;
use flowork_protocol::{GrantId, NodeId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::Error;

/// One change. What is written together is on disk together.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Keeps a record, in place of the one with the same kind and key.
    Put {
        /// What kind of thing it is, such as `contact`.
        kind: &'static str,
        /// Which.
        key: String,
        /// All about it.
        body: Vec<u8>,
    },
    /// Forgets a record.
    Forget {
        /// What kind of thing it is.
        kind: &'static str,
        /// Which.
        key: String,
    },
    /// Keeps a receipt. A second one of the same peer, direction and call takes the place of the first.
    Receipt(Box<StoredReceipt>),
    /// Adds to what was decided.
    Decision(Decision),
}

/// A receipt with what lists and sums of receipts need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StoredReceipt {
    /// Whether this node did it; else it was done for this node.
    pub is_given: bool,
    /// The other node.
    pub peer: NodeId,
    /// Which call, 32 hexadecimal digits.
    #[serde(with = "call_text")]
    #[schemars(with = "String")]
    pub call: CallId,
    /// Under which grant.
    pub grant: GrantId,
    /// The engine's name at its owner.
    pub engine: String,
    /// What was done.
    pub capability: Capability,
    /// When it ended, by the provider's clock.
    pub ended_at: Timestamp,
    /// What was used.
    pub usage: Usage,
    /// The code of its failure; none when it went well.
    pub failure: Option<String>,
    /// The signed receipt as it travelled.
    #[serde(skip)]
    pub signed: Vec<u8>,
    /// The caller's signature over it, when it is there.
    #[serde(skip)]
    pub countersignature: Option<Vec<u8>>,
}

mod call_text {
    use flowork_protocol::peer::call::CallId;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(call: &CallId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(call)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CallId, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..32).step_by(2).map(digits).collect();
        bytes
            .filter(|_| text.len() == 32)
            .and_then(|bytes| bytes.try_into().ok())
            .map(CallId)
            .ok_or_else(|| D::Error::custom("a call has 32 hexadecimal digits"))
    }
}

/// Something that was decided about a peer: who was let in, refused, given or denied something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// A stable kebab-case word, such as `grant-created` or `call-denied`.
    pub kind: String,
    /// About whom.
    pub peer: Option<NodeId>,
    /// A sentence.
    pub text: String,
}

impl Decision {
    /// Something that was decided now.
    pub fn new(at: Timestamp, kind: impl Into<String>, peer: Option<NodeId>, text: impl Into<String>) -> Self {
        Self { at, kind: kind.into(), peer, text: text.into() }
    }
}

/// Sums of receipts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Total {
    /// The month, as `2026-11` (UTC).
    pub month: String,
    /// Whether this node did it.
    pub is_given: bool,
    /// The other node.
    pub peer: NodeId,
    /// Under which grant.
    pub grant: GrantId,
    /// How many calls.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// What they used together.
    pub usage: Usage,
    /// An estimate of the energy that this node took for them, in watt hours: what the machine drew more, as the engine's owner
    /// says or a power meter showed, while it worked for them. None where neither is known.
    #[serde(default)]
    pub watt_hours: Option<f64>,
}

/// Which receipts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReceiptQuery {
    /// Only with this node.
    pub peer: Option<NodeId>,
    /// Only under this grant.
    pub grant: Option<GrantId>,
    /// Only those that ended at or after.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Only those that ended before.
    pub before: Option<Timestamp>,
    /// At most so many, newest first.
    pub limit: usize,
}

/// What mesh keeps.
#[async_trait]
pub trait MeshTable: Send + Sync {
    /// All records of one kind, by key.
    async fn records(&self, kind: &'static str) -> Result<Vec<(String, Vec<u8>)>, Error>;
    /// Carries out the changes, all or none. On disk when this returns.
    async fn write(&self, changes: Vec<Change>) -> Result<(), Error>;
    /// Receipts, newest first.
    async fn receipts(&self, query: &ReceiptQuery) -> Result<Vec<StoredReceipt>, Error>;
    /// One receipt, by who did it, the other node and the call.
    async fn receipt(&self, is_given: bool, peer: NodeId, call: CallId) -> Result<Option<StoredReceipt>, Error>;
    /// Sums per month, direction, peer and grant, newest month first.
    async fn totals(&self) -> Result<Vec<Total>, Error>;
    /// What was decided, newest first, at most `limit`, before number `before` when that is said; each with its number.
    async fn decisions(&self, before: Option<u64>, limit: usize) -> Result<Vec<(u64, Decision)>, Error>;
}
