//! The processes of a node and how each of them is.

use flowork_protocol::{ShardNo, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store;

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
    /// Which of the files that it works on give it trouble.
    pub troubles: Vec<Trouble>,
}

/// A file that a role cannot work with as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Trouble {
    /// Which, relative to the data directory.
    pub file: String,
    /// The shard that it is.
    pub shard: Option<ShardNo>,
    /// What is wrong, and what to do.
    pub problem: String,
    /// Whether all of it is out: nothing that is for this file goes on.
    pub is_out: bool,
    /// Whether the file is damaged, which does not pass by itself.
    pub is_damage: bool,
}

impl Trouble {
    /// What an error of the store says about a file.
    #[must_use]
    pub fn of(error: &store::Error, shard: Option<ShardNo>, is_out: bool) -> Self {
        Self {
            file: error.file().unwrap_or_default().to_owned(),
            shard,
            problem: error.to_string(),
            is_out,
            is_damage: matches!(error, store::Error::Damaged { .. }),
        }
    }
}
