//! What nothing names any more goes: blobs, and versions that nobody needs.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use flowork_protocol::{BlobId, VersionId};
use serde::{Deserialize, Serialize};

use crate::store::Error;

/// How long what nothing names is kept all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A blob goes when nothing has named it for this long and it was last stored before that. Longer than the longest time
    /// between storing a blob and the commit that names it.
    pub grace: Duration,
    /// A version that was frozen or asked for within this time is kept.
    pub versions: Duration,
}

/// What docs knows to be needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Versions; what they name in turn is kept too.
    pub versions: HashSet<VersionId>,
    /// What drafts name.
    pub blobs: HashSet<BlobId>,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// Blobs that are named somewhere, or too young to judge.
    pub kept: u64,
    /// Blobs removed.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
}

/// Finds what the store names, and removes blobs. Used by docs, which alone knows what drafts and versions name.
#[async_trait]
pub trait Sweeper: Send + Sync {
    /// What the owner's settings ask for.
    async fn rules(&self) -> Result<Rules, Error>;
    /// Every blob, versions among them, that a kept job, an accepted command or an activation names.
    ///
    /// # Errors
    /// When a file that may name blobs cannot be read: then nothing may be removed.
    async fn named(&self) -> Result<HashSet<BlobId>, Error>;
    /// Removes the blobs that are neither [`Self::named`] nor in `kept`, and were not for as long as the rules say.
    ///
    /// # Errors
    /// As [`Self::named`]; nothing was removed then.
    async fn sweep(&self, rules: Rules, kept: Kept) -> Result<Swept, Error>;
}
