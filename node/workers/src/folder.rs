//! A worker's folder on the host: what its cage shows as `/flowork`, and a fresh part of it for every call.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use flowork_ports::Blobs;
use flowork_protocol::{BlobRef, Failure, Item};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use serde_json::{Map, Value, json};

use crate::cage::spec::INSIDE;
use crate::watch;

/// The folder of one worker. Gone when dropped.
///
/// What the script may write is never trusted: it may rename what it was given and leave links in its place, so the host
/// goes through descriptors that it opened before the script began.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Where the script sees it.
    seen_at: PathBuf,
    /// The user that the script runs as, when that is not the node's own.
    user: Option<u32>,
    work: Work,
    call: u64,
}

/// The part that the script may write.
#[derive(Debug)]
struct Work {
    all: OwnedFd,
    tmp: OwnedFd,
    shm: OwnedFd,
}

impl Work {
    fn open(path: &Path) -> io::Result<Self> {
        let all = rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?;
        let part = |name| rustix::fs::openat2(&all, name, FOLDER, Mode::empty(), BELOW);
        Ok(Self { tmp: part("tmp")?, shm: part("shm")?, all })
    }

    /// Its path, whatever a script made of the way there.
    fn path(&self) -> PathBuf {
        at(&self.all)
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Nothing that a script can place leads out.
const BELOW: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// The path of what a descriptor has open.
fn at(folder: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()))
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
        let work = Work::open(&path.join("work"))?;
        let folder = Self { seen_at: path.clone(), path, user, work, call: 0 };
        folder.fresh()?;
        Ok(folder)
    }

    /// Says that the cage has its own mounts, and with them a work folder of its own: the one that its process `keeper`
    /// sees.
    pub(crate) fn shown_inside(&mut self, keeper: Option<u32>) -> io::Result<()> {
        let keeper = keeper.ok_or_else(|| io::Error::other("nothing runs in it"))?;
        self.seen_at = PathBuf::from(INSIDE);
        self.work = Work::open(&PathBuf::from(format!("/proc/{keeper}/root{INSIDE}/work")))?;
        self.fresh()
    }

    /// Whether the script sees its folders through mounts of its own, `in` read-only and `work` of a fixed size.
    pub(crate) fn closed(&self) -> bool {
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

    fn here_in(&self) -> PathBuf {
        self.path.join("in").join(self.call.to_string())
    }

    /// Whether nothing more can be written into the work folder, or more than `bytes_max` was.
    pub(crate) fn is_full(&self, bytes_max: u64) -> bool {
        if !self.closed() {
            return watch::disk_bytes(&self.work.path()) > bytes_max;
        }
        rustix::fs::fstatvfs(&self.work.all).is_ok_and(|about| about.f_bavail == 0 || about.f_ffree == 0)
    }

    /// Takes away all that the last call left, and makes room for the next one. Nothing of the last call runs any more.
    pub(crate) fn renew(&mut self) -> io::Result<()> {
        let last = self.here_in();
        if last.exists() {
            fs::remove_dir_all(last)?;
        }
        for entry in fs::read_dir(self.work.path())? {
            let entry = entry?;
            let kept = [("tmp", &self.work.tmp), ("shm", &self.work.shm)];
            match kept.into_iter().find(|(name, _)| entry.file_name() == *name) {
                // Another one in its place, perhaps a link: this worker is not to be used again.
                Some((_, part)) if !is_same(&entry, part)? => return Err(io::Error::other("its folders were moved")),
                Some(_) => {}
                None => remove(&entry)?,
            }
        }
        for part in [&self.work.all, &self.work.tmp, &self.work.shm] {
            blank(part)?;
        }
        for part in [&self.work.tmp, &self.work.shm] {
            fs::read_dir(at(part))?.try_for_each(|entry| remove(&entry?))?;
        }
        // A part that was moved away is gone with what it was moved into.
        for name in ["tmp", "shm"] {
            fs::symlink_metadata(self.work.path().join(name))?;
        }
        self.call += 1;
        self.fresh()
    }

    fn fresh(&self) -> io::Result<()> {
        let here = self.work.path().join(self.call.to_string());
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
        let folder = rustix::fs::openat2(&self.work.all, self.call.to_string(), FOLDER, Mode::empty(), BELOW)?;
        // NONBLOCK: opening a FIFO that the script made must not wait for a writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::openat2(folder, path, flags, Mode::empty(), BELOW)?;
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

/// Whether an entry is the folder that a descriptor has open.
fn is_same(entry: &fs::DirEntry, folder: &OwnedFd) -> io::Result<bool> {
    let (named, open) = (entry.metadata()?, rustix::fs::fstat(folder)?);
    Ok((named.dev(), named.ino()) == (open.st_dev, open.st_ino))
}

/// Takes away what a folder itself can carry from one call to the next: its mode, its attributes, its times.
fn blank(folder: &OwnedFd) -> io::Result<()> {
    rustix::fs::fchmod(folder, Mode::RWXU)?;
    let mut names = [0_u8; 4096];
    // A file system without attributes has none to take away; one with more than fit here is not used again.
    let size = match rustix::fs::flistxattr(folder, &mut names) {
        Err(rustix::io::Errno::NOTSUP) => 0,
        other => other?,
    };
    for name in names.get(..size).unwrap_or_default().split(|byte| *byte == 0).filter(|name| name.starts_with(b"user."))
    {
        rustix::fs::fremovexattr(folder, name)?;
    }
    let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
    Ok(rustix::fs::futimens(folder, &rustix::fs::Timestamps { last_access: now, last_modification: now })?)
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
