//! Files between nodes: what belongs to a call goes to the other end of it, and to nobody else.
//!
//! A file is named by its hash, and a hash is no permission: a peer reads a file for as long as something here says that it
//! may ([`Share`]). What comes is checked as it comes and resumes where it broke off, also after a crash; see [`fetch`].

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowork_ports::{Blobs, blobs};
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::files::FILES_MAX;
use flowork_protocol::{BlobId, Item, NodeId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::sync::Semaphore;

use crate::contacts::Contacts;
use crate::net::Net;
use crate::{lock, net};

mod fetch;
mod outboards;
mod partial;
mod serve;
mod streams;

/// Pieces that are given at once, to everybody.
const SERVED_AT_ONCE: usize = 32;
/// What is said about files that come: each time that so many hundredths of them did.
const SAID_EVERY: u64 = 10;
/// Fewer bytes are not worth a word.
const SAID_FROM_BYTES: u64 = 4 << 20;
/// How long the other end may be silent.
const SILENT_FOR: Duration = Duration::from_secs(30);

/// A file that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) blob: BlobId,
    /// In bytes, as the other end says; another size is not taken.
    pub(crate) size: u64,
}

/// Why a file is not here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The other end says no.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// There is no way to the other end now.
    #[error("{0}")]
    Net(#[from] net::Error),
    /// The way broke.
    #[error("the stream of a file broke: {0}")]
    Broke(String),
    /// What came is not what was asked for.
    #[error("what came is not the file that was named: {0}")]
    Wrong(String),
    /// This node's disk.
    #[error("a file that comes from another node cannot be kept")]
    Disk(#[source] std::io::Error),
    /// The file store.
    #[error("the file store of this node cannot be used")]
    Store(#[from] blobs::Error),
    /// There is no room.
    #[error("there is no room for {bytes} more bytes on this node's disk")]
    Full {
        /// How many.
        bytes: u64,
    },
}

impl Error {
    /// Whether the same may work a moment later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Net(_) | Self::Broke(_) => true,
            Self::Refused(refusal) => refusal.retry_after_ms.is_some(),
            Self::Wrong(_) | Self::Disk(_) | Self::Store(_) | Self::Full { .. } => false,
        }
    }
}

/// The files of this node, as other nodes read them and as they are read from other nodes.
pub(crate) struct Files {
    store: Arc<dyn Blobs>,
    incoming: PathBuf,
    contacts: Arc<Contacts>,
    net: Net,
    shared: Arc<Mutex<Shared>>,
    outboards: outboards::Outboards,
    serving: Semaphore,
    coming: Mutex<HashMap<BlobId, Arc<tokio::sync::Mutex<()>>>>,
}

/// Who may read what, by how many calls.
type Shared = HashMap<(NodeId, BlobId), usize>;

/// A peer may read these files for as long as this is held.
pub(crate) struct Share {
    shared: Arc<Mutex<Shared>>,
    peer: NodeId,
    files: Vec<BlobId>,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        for blob in &self.files {
            let key = (self.peer, *blob);
            if let Some(count) = shared.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    shared.remove(&key);
                }
            }
        }
    }
}

impl Files {
    /// `incoming` holds what has not come whole.
    ///
    /// # Errors
    /// When that folder cannot be made.
    pub(crate) fn new(
        store: Arc<dyn Blobs>, incoming: PathBuf, contacts: Arc<Contacts>, net: Net,
    ) -> std::io::Result<Self> {
        std::fs::create_dir_all(&incoming)?;
        Ok(Self {
            store,
            incoming,
            contacts,
            net,
            shared: Arc::default(),
            outboards: outboards::Outboards::default(),
            serving: Semaphore::new(SERVED_AT_ONCE),
            coming: Mutex::default(),
        })
    }

    /// Lets a peer read files.
    pub(crate) fn share(&self, peer: NodeId, files: &[Wanted]) -> Share {
        let files: Vec<BlobId> = files.iter().map(|file| file.blob).collect();
        let mut shared = lock(&self.shared);
        for blob in &files {
            *shared.entry((peer, *blob)).or_default() += 1;
        }
        Share { shared: self.shared.clone(), peer, files }
    }

    fn may_read(&self, peer: NodeId, blob: BlobId) -> bool {
        lock(&self.shared).contains_key(&(peer, blob))
    }
}

/// The files that items name, each once.
///
/// # Errors
/// When they name more files than a call takes, or one with two sizes.
pub(crate) fn named_by(items: &[impl Borrow<Item>]) -> Result<Vec<Wanted>, String> {
    let files = items.iter().flat_map(|item| item.borrow().files.values());
    each_once(files.map(|file| Wanted { blob: file.blob, size: file.size }))
}

/// [`named_by`], of items that nobody has read yet: only what is asked about is kept of them.
///
/// # Errors
/// The same, and when the bytes are no list of items.
pub(crate) fn named_in(items: &[u8]) -> Result<Vec<Wanted>, String> {
    #[derive(Deserialize)]
    struct Naming {
        #[serde(default, rename = "json")]
        _json: IgnoredAny,
        #[serde(default)]
        files: BTreeMap<String, Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        blob: BlobId,
        size: u64,
    }
    let items: Vec<Naming> = serde_json::from_slice(items).map_err(|error| error.to_string())?;
    let files = items.iter().flat_map(|item| item.files.values());
    each_once(files.map(|file| Wanted { blob: file.blob, size: file.size }))
}

fn each_once(files: impl Iterator<Item = Wanted>) -> Result<Vec<Wanted>, String> {
    let mut named = BTreeMap::new();
    for file in files {
        if *named.entry(file.blob).or_insert(file.size) != file.size {
            return Err(format!("the file {} has two sizes", file.blob));
        }
    }
    if named.len() > FILES_MAX {
        return Err(format!("a call has at most {FILES_MAX} files, this one has {}", named.len()));
    }
    Ok(named.into_iter().map(|(blob, size)| Wanted { blob, size }).collect())
}

/// The bytes of all files.
pub(crate) fn bytes_of(files: &[Wanted]) -> u64 {
    files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size))
}

/// How much of some files came, in words now and then.
pub(crate) struct Came {
    all: u64,
    so_far: AtomicU64,
    said: AtomicU64,
}

impl Came {
    pub(crate) fn new(files: &[Wanted]) -> Self {
        Self { all: bytes_of(files), so_far: AtomicU64::new(0), said: AtomicU64::new(0) }
    }

    /// Something to say, when enough came since the last words.
    pub(crate) fn add(&self, bytes: u64) -> Option<String> {
        let so_far = self.so_far.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let hundredths = so_far.saturating_mul(100) / self.all.max(1);
        let step = hundredths / SAID_EVERY;
        let is_news = self.all >= SAID_FROM_BYTES && self.said.fetch_max(step, Ordering::Relaxed) < step;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        is_news.then(|| format!("{:.1} of {:.1} MB of files came", megabytes(so_far), megabytes(self.all)))
    }
}

#[cfg(test)]
mod tests;
