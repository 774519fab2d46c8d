//! A file that has not come whole: its bytes where they belong, and the hashes that prove them, so that what is here counts
//! after a crash too.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use bao_tree::io::outboard::PreOrderOutboard;
use bao_tree::io::sync::{OutboardMut as _, valid_ranges};
use bao_tree::{BaoTree, ChunkRanges, TreeNode};
use iroh_blobs::store::IROH_BLOCK_SIZE;

use super::Wanted;
use crate::lock;

/// How long one is kept that nobody goes on with.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3_600);

/// What was checked against the file's hash and is to be written.
#[derive(Default)]
pub(super) struct Checked {
    /// Where the bytes belong.
    pub(super) at: u64,
    pub(super) bytes: Vec<u8>,
    /// The hashes inside of the file that came with them.
    pub(super) pairs: Vec<(TreeNode, (blake3::Hash, blake3::Hash))>,
}

/// See the module.
pub(super) struct Partial {
    place: PathBuf,
    hashes: PathBuf,
    data: File,
    outboard: Mutex<PreOrderOutboard<File>>,
}

impl Partial {
    /// Goes on with what is there, or begins. Gives what is missing of it too.
    pub(super) fn open(incoming: &Path, wanted: Wanted) -> io::Result<(Self, ChunkRanges)> {
        let place = incoming.join(wanted.blob.to_string());
        let hashes = incoming.join(format!("{}.hashes", wanted.blob));
        let open = |path: &Path| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let was_begun = place.exists();
        let data = open(&place)?;
        let tree = BaoTree::new(wanted.size, IROH_BLOCK_SIZE);
        let root = blake3::Hash::from_bytes(wanted.blob.0);
        let outboard = PreOrderOutboard { root, tree, data: open(&hashes)? };
        let mut missing = ChunkRanges::from(..tree.chunks());
        if was_begun {
            let all = ChunkRanges::all();
            for valid in valid_ranges(&outboard, &data, &all) {
                missing -= ChunkRanges::from(valid?);
            }
        }
        Ok((Self { place, hashes, data, outboard: Mutex::new(outboard) }, missing))
    }

    /// Writes what was checked.
    pub(super) fn write(&self, checked: &Checked) -> io::Result<()> {
        self.data.write_all_at(&checked.bytes, checked.at)?;
        let mut outboard = lock(&self.outboard);
        checked.pairs.iter().try_for_each(|(node, pair)| outboard.save(*node, pair))
    }

    /// The file, whole now; what proved its pieces is of no more use.
    pub(super) fn finish(&self) -> io::Result<PathBuf> {
        std::fs::remove_file(&self.hashes)?;
        Ok(self.place.clone())
    }
}

/// Forgets what nobody went on with for a day.
pub(super) fn sweep(incoming: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(incoming)? {
        let entry = entry?;
        let age = entry.metadata()?.modified().map(|at| SystemTime::now().duration_since(at).unwrap_or_default())?;
        if age > KEPT_FOR {
            tracing::info!(file = %entry.file_name().display(), "a file that never came whole is forgotten");
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether some of a file is here.
#[cfg(test)]
pub(super) fn is_begun(incoming: &Path, blob: flowork_protocol::BlobId) -> bool {
    incoming.join(blob.to_string()).exists()
}
