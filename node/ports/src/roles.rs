//! The processes of a node and how each of them is.

use flowork_protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// One process of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NodeRole")]
pub enum Role {
    /// Speaks HTTP. Holds no job state.
    Gateway,
    /// Runs jobs. Opens the vault key and starts scripts.
    Kernel,
    /// Keeps drafts. The only one that opens documents.
    Docs,
    /// Keeps the node key and, later, speaks to peers.
    Mesh,
}

/// How a role is, as its supervisor sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RoleStatus {
    /// Which.
    pub role: Role,
    /// Its process, when it runs.
    pub pid: Option<u32>,
    /// Since when it is as it is.
    pub since: Timestamp,
    /// How often it was restarted since the node came up.
    pub restarts: u32,
    /// Whether it said that it is ready.
    pub ready: bool,
    /// Why it last ended.
    pub last_end: Option<String>,
    /// When it is started again, while it is down: a role that cannot stay up is tried less and less often.
    #[serde(default)]
    pub again_at: Option<Timestamp>,
}
