//! A worker's folder on the host: what its cage shows as `/flowork`, and a fresh part of it for every call.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use flowork_ports::Blobs;
use flowork_protocol::{BlobRef, Failure, Item};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use serde_json::{Map, Value, json};

use crate::cage::spec::INSIDE;

/// The folder of one worker. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Where the script sees it.
    seen_at: PathBuf,
    /// The user that the script runs as, when that is not the node's own.
    user: Option<u32>,
    call: u64,
}

impl Folder {
    /// Makes the folder, with `files` in its read-only part.
    pub(crate) fn make(path: PathBuf, user: Option<u32>, files: &[(&str, &str)]) -> io::Result<Self> {
        for part in ["root", "boot", "in", "work/tmp", "work/shm"] {
            fs::create_dir_all(path.join(part))?;
        }
        for part in ["boot", "in"] {
            fs::set_permissions(path.join(part), fs::Permissions::from_mode(0o755))?;
        }
        for (name, text) in files {
            fs::write(path.join("boot").join(name), text)?;
            fs::set_permissions(path.join("boot").join(name), fs::Permissions::from_mode(0o644))?;
        }
        for part in ["work", "work/tmp", "work/shm"] {
            give(&path.join(part), user, 0o700)?;
        }
        let mut folder = Self { seen_at: path.clone(), path, user, call: 0 };
        folder.fresh()?;
        Ok(folder)
    }

    /// Says that the cage has its own mounts.
    pub(crate) fn shown_inside(&mut self) {
        self.seen_at = PathBuf::from(INSIDE);
    }

    /// Whether the script sees its folders through mounts of its own, `in` read-only.
    fn closed(&self) -> bool {
        self.seen_at != self.path
    }

    /// The folder of this call, as the script sees it.
    pub(crate) fn seen(&self) -> String {
        self.seen_at.join("work").join(self.call.to_string()).to_string_lossy().into_owned()
    }

    /// The folder of what this call was given, as the script sees it.
    pub(crate) fn seen_in(&self) -> PathBuf {
        self.seen_at.join("in").join(self.call.to_string())
    }

    /// The folder of this call on the host.
    fn here(&self) -> PathBuf {
        self.path.join("work").join(self.call.to_string())
    }

    fn here_in(&self) -> PathBuf {
        self.path.join("in").join(self.call.to_string())
    }

    /// Takes away all that the last call left, and makes room for the next one.
    pub(crate) fn renew(&mut self) -> io::Result<()> {
        let last = self.here_in();
        if last.exists() {
            fs::remove_dir_all(last)?;
        }
        for entry in fs::read_dir(self.path.join("work"))? {
            let entry = entry?;
            if entry.file_name() == "tmp" || entry.file_name() == "shm" {
                empty(&entry.path())?;
            } else {
                remove(&entry)?;
            }
        }
        self.call += 1;
        self.fresh()
    }

    fn fresh(&mut self) -> io::Result<()> {
        let here = self.here();
        fs::create_dir(&here)?;
        fs::create_dir(here.join("out"))?;
        give(&here.join("out"), self.user, 0o700)?;
        give(&here, self.user, 0o700)
    }

    /// Writes a file for this call to read.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let folder = self.here_in();
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o644))?;
        Ok(self.seen_in().join(name))
    }

    /// Opens a regular file below this call's folder; nothing that a script can place there leads out of it.
    pub(crate) fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let folder =
            rustix::fs::openat(CWD, self.here(), OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let below = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        // NONBLOCK: opening a FIFO that the script made must not wait for a writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::openat2(folder, path, flags, Mode::empty(), below)?;
        let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        if !kind.is_file() {
            return Err(io::Error::other("it is not a plain file"));
        }
        Ok(file)
    }

    /// `path`, as a script names it, relative to this call's folder; none when it lies elsewhere.
    pub(crate) fn relative(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path);
        if path.is_relative() {
            return Some(path.to_owned());
        }
        path.strip_prefix(self.seen()).ok().map(Path::to_owned)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is removed when the next kernel starts.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn give(path: &Path, user: Option<u32>, mode: u32) -> io::Result<()> {
    if user.is_some() {
        chown(path, user, user)?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn empty(folder: &Path) -> io::Result<()> {
    fs::read_dir(folder)?.try_for_each(|entry| remove(&entry?))
}

fn remove(entry: &fs::DirEntry) -> io::Result<()> {
    if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }
}

/// The files that came in with the items of one call, by the path that the script sees.
pub(crate) type Given = HashMap<String, BlobRef>;

/// The items as the script sees them, their files placed where it can read them.
pub(crate) async fn place(
    items: &[std::sync::Arc<Item>], folder: &Folder, blobs: &dyn Blobs,
) -> Result<(Vec<Value>, Given), Failure> {
    let mut given = Given::new();
    let mut seen = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut files = Map::new();
        for (number, (name, blob)) in item.files.iter().enumerate() {
            let source = blobs.path(blob.blob).await.map_err(|error| {
                Failure::new("blob-missing", format!("the file `{name}` cannot be read: {error}")).item(index)
            })?;
            let local = format!("{index}-{number}-{}", plain(&blob.name));
            link(&source, &folder.here_in(), &local, folder.closed()).map_err(|error| {
                Failure::new("script-files", format!("the file `{name}` cannot be placed for the script: {error}"))
                    .hint("free some disk space, or look at the rights of the scratch folder")
                    .item(index)
            })?;
            let path = folder.seen_in().join(&local).to_string_lossy().into_owned();
            let entry = json!({ "path": path, "name": blob.name, "size": blob.size, "media_type": blob.media_type });
            files.insert(name.clone(), entry);
            given.insert(path, blob.clone());
        }
        seen.push(json!({ "json": item.json, "files": files }));
    }
    Ok((seen, given))
}

/// A hard link where the cage shows it read-only and anybody may read the blob anyway, else a copy.
fn link(source: &Path, folder: &Path, name: &str, closed: bool) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let target = folder.join(name);
    if closed && fs::metadata(source)?.permissions().mode() & 0o004 != 0 && fs::hard_link(source, &target).is_ok() {
        return Ok(());
    }
    fs::copy(source, &target)?;
    fs::set_permissions(&target, fs::Permissions::from_mode(0o444))
}

/// A name for display as a name on disk.
fn plain(name: &str) -> String {
    const KEPT: usize = 80;
    let keep = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    let kept: String = name.chars().rev().take(KEPT).map(keep).collect();
    kept.chars().rev().collect()
}
