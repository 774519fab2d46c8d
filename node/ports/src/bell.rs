//! Hints that something was committed. A hint may be lost: who listens re-reads the store, and looks every
//! [`LOOK_EVERY`] anyway.

use std::time::Duration;

use flowork_protocol::ShardNo;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

/// How often a listener looks without a hint.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many hints a slow listener may fall behind before it only learns that it did.
const RINGS_MAX: usize = 4_096;

/// One hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ring {
    /// An inbox has new entries for this shard ([`ShardNo::NODE`] for the node's own tables).
    Inbox(ShardNo),
    /// This shard committed, and the number of that commit.
    Shard(ShardNo, u64),
    /// The node's own tables changed.
    Node,
    /// Documents changed.
    Documents,
    /// Whole jobs were forgotten: what only they named may go.
    Forgotten,
}

/// The bell of one process. Clones ring the same bell; the binary carries rings between processes over links.
#[derive(Debug, Clone)]
pub struct Bell {
    sender: broadcast::Sender<Ring>,
}

impl Default for Bell {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(RINGS_MAX) }
    }
}

impl Bell {
    /// Tells whoever listens now. Never blocks.
    pub fn ring(&self, ring: Ring) {
        // No listener is a fine state of affairs: a ring is a hint.
        let _ = self.sender.send(ring);
    }

    /// Hears every ring from now on. `Lagged` means: re-read everything.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Ring> {
        self.sender.subscribe()
    }
}
