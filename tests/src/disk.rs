//! A small disk for tests: a tmpfs in a mount namespace of the calling thread and the processes that it starts. Nothing of it
//! is left when these have ended.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustix::thread::UnshareFlags;

/// A disk that only this thread and the processes that it starts see.
#[derive(Debug)]
pub struct SmallDisk {
    point: tempfile::TempDir,
}

impl SmallDisk {
    /// A disk of so many MiB. Call it on the thread that starts the node, before it does.
    ///
    /// # Errors
    /// When this user or this machine may not mount; the text says why.
    #[allow(unsafe_code)]
    pub fn new(mib: u32) -> Result<Self> {
        let point = tempfile::tempdir()?;
        // SAFETY: only where files are found changes, and only for this thread; no descriptor and no memory does.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.context("no mount namespace of its own")?;
        run(Command::new("mount").args(["--make-rprivate", "/"]))?;
        let size = format!("size={mib}m,mode=700");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "small"]).arg(point.path()))?;
        Ok(Self { point })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.point.path()
    }

    /// Fills it with a file until so many bytes are left.
    ///
    /// # Errors
    /// When the system refuses for another reason than that it is full.
    pub fn fill(&self, file: &Path, left: u64) -> Result<()> {
        let mut ballast = File::create(file)?;
        loop {
            let about = rustix::fs::statvfs(self.path())?;
            let free = about.f_bavail.saturating_mul(about.f_frsize);
            if free <= left {
                return Ok(());
            }
            let piece = vec![0x5A; usize::try_from((free - left).min(1 << 20))?];
            match ballast.write_all(&piece) {
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
                written => written?,
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process of the node may still be ending. What the namespace holds goes with its last process anyway.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
