//! The hashes inside of files, by which each piece can be checked alone: made when a file is first given, and held.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bao_tree::BaoTree;
use bao_tree::io::outboard::PreOrderOutboard;
use bao_tree::io::sync::CreateOutboard as _;
use flowork_protocol::BlobId;
use iroh_blobs::store::IROH_BLOCK_SIZE;
use tokio::sync::OnceCell;

use crate::lock;

/// The most memory that they take: 16 GiB of files take as much.
const BYTES_MAX: usize = 64 << 20;
const READ_BYTES: usize = 1 << 20;

/// The hashes inside of one file.
pub(super) type Outboard = Arc<PreOrderOutboard<Vec<u8>>>;

/// See the module.
#[derive(Default)]
pub(super) struct Outboards(Mutex<Held>);

#[derive(Default)]
struct Held {
    cells: HashMap<BlobId, Arc<OnceCell<Outboard>>>,
    /// The oldest first.
    order: VecDeque<BlobId>,
    bytes: usize,
}

impl Outboards {
    /// The hashes inside of the file at `path`; made by one when several ask at once.
    ///
    /// # Errors
    /// When it does not read, or is not the file of that name.
    pub(super) async fn of(&self, blob: BlobId, path: PathBuf) -> io::Result<Outboard> {
        let cell = lock(&self.0).cells.entry(blob).or_default().clone();
        let make = || async {
            let made = tokio::task::spawn_blocking(move || make(blob, &path)).await.map_err(io::Error::other)??;
            lock(&self.0).hold(blob, made.data.len());
            Ok(Arc::new(made))
        };
        let made: io::Result<Outboard> = cell.get_or_try_init(make).await.cloned();
        if made.is_err() {
            lock(&self.0).cells.remove(&blob);
        }
        made
    }
}

impl Held {
    fn hold(&mut self, blob: BlobId, bytes: usize) {
        self.order.push_back(blob);
        self.bytes += bytes;
        while self.bytes > BYTES_MAX && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { return };
            let held = self.cells.remove(&oldest);
            self.bytes -= held.and_then(|cell| cell.get().map(|outboard| outboard.data.len())).unwrap_or(0);
        }
    }
}

fn make(blob: BlobId, path: &std::path::Path) -> io::Result<PreOrderOutboard<Vec<u8>>> {
    let file = std::fs::File::open(path)?;
    let tree = BaoTree::new(file.metadata()?.len(), IROH_BLOCK_SIZE);
    let mut outboard = PreOrderOutboard { root: blake3::Hash::from_bytes(blob.0), tree, data: Vec::new() };
    outboard.init_from(BufReader::with_capacity(READ_BYTES, file))?;
    if *outboard.root.as_bytes() != blob.0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file on disk is not what its name says"));
    }
    Ok(outboard)
}
