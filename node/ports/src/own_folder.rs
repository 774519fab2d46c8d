//! The node's own data directory, as something that no step may reach into.
//!
//! Keys, tokens, stores and blobs lie there. One area of it is for steps: the files folder. Paths are compared after every
//! link in them has been followed; a hard link has no path to follow and is not seen.

use std::path::{Path, PathBuf};

/// What steps may not touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFolder {
    data: PathBuf,
    files: PathBuf,
}

impl OwnFolder {
    /// Everything in `data` apart from `files`.
    #[must_use]
    pub fn new(data: PathBuf, files: PathBuf) -> Self {
        Self { data, files }
    }

    /// Whether `real`, a path without links, lies in it. Blocks shortly: the folders' own links are followed.
    #[must_use]
    pub fn holds(&self, real: &Path) -> bool {
        // Both may be made, moved or linked while the node runs.
        let (data, files) = (real_path(&self.data), real_path(&self.files));
        real.starts_with(&data) && !(real.starts_with(&files) && files != data)
    }

    /// Where it lies in `real`, a path without links: who is given that folder would be given this one too.
    #[must_use]
    pub fn place_in(&self, real: &Path) -> Option<PathBuf> {
        real_path(&self.data).strip_prefix(real).ok().map(Path::to_owned)
    }
}

/// The path without links; as it is where there is nothing yet.
fn real_path(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
