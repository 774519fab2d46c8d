//! What the mesh can be asked about persons, and about wishes: who wants to use what.

use flowork_protocol::grant::Capability;
use flowork_protocol::{NodeId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::mesh::GrantLimits;

/// The person whose node this is, with all nodes that they certified as far as this node knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Person {
    /// Who; none when nobody certified this node.
    pub person: Option<PersonId>,
    /// What they call themselves.
    pub name: Option<String>,
    /// Their nodes.
    pub nodes: Vec<OwnNode>,
}

/// A node of this node's own person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OwnNode {
    /// Which.
    pub node: NodeId,
    /// What its person calls it.
    pub name: String,
    /// Whether it is this one.
    pub is_this: bool,
    /// When it was certified.
    pub at: Timestamp,
    /// Until when that holds.
    pub ends_at: Timestamp,
    /// When its person took it back.
    pub revoked_at: Option<Timestamp>,
    /// What it is called among the peers of this node, when it is one.
    pub peer: Option<String>,
}

/// A certificate as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateText {
    /// `flowork-certificate:` and its bytes.
    pub certificate: String,
}

/// Passes a grant on that this node holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PassOn {
    /// To whom: a peer's name here, or its node id.
    pub to: String,
    /// What for; all that the grant allows unless said.
    #[serde(default)]
    pub can: Vec<Capability>,
    /// How much; as much as the grant allows unless said.
    #[serde(default)]
    pub limits: GrantLimits,
    /// Until when; as long as the grant holds unless said.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// How many times it may be passed on further; 0 unless said.
    #[serde(default)]
    pub depth: u8,
}

/// Renews a grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// Until when; for as long again as it held unless said.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// Asks a peer to be let use something of theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// Which of their engines, when it is known.
    #[serde(default)]
    pub engine: Option<String>,
    /// What for, such as `chat` or `run:summarise`; may be empty when the note says it.
    #[serde(default)]
    pub can: Vec<Capability>,
    /// Why, in own words: at most 500 characters.
    #[serde(default)]
    pub note: String,
}

/// A request that came from a peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Request {
    /// Its id.
    pub id: String,
    /// Who asks.
    pub node: NodeId,
    /// What they are called here.
    pub from: String,
    /// Which engine, in their words.
    pub engine: Option<String>,
    /// What for.
    pub can: Vec<Capability>,
    /// Why, in their words.
    pub note: String,
    /// When it came.
    pub at: Timestamp,
}
