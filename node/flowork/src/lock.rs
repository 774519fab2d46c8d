//! The exclusive lock on a data directory: an advisory lock on `<data>/lock`, which holds the number of the process.
//!
//! The supervisor hands the open file to every role, so the lock lasts until the last process of a node is gone: a second
//! node never writes beside what is left of a first.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

/// How long roles that have lost their supervisor may take to end.
const LEFTOVERS_END_WITHIN: Duration = Duration::from_secs(5);

/// Why the data directory cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another node runs on it.
    #[error("{} is in use by the Flowork process {pid}; stop that one, or choose another directory with --data", .data.display())]
    Held {
        /// Which directory.
        data: PathBuf,
        /// Which process.
        pid: u32,
    },
    /// The lock file cannot be made.
    #[error("cannot lock {}; check that the directory may be written", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// The lock, held until this and every copy of its file is gone.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of `data`, which must exist.
    pub(crate) fn take(data: &Path) -> Result<Self, Error> {
        let path = data.join("lock");
        let io = |source: std::io::Error| Error::Io { path: path.clone(), source };
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        let begun = Instant::now();
        while let Err(error) = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(io(error.into()));
            }
            let pid = read_pid(&mut file).unwrap_or(0);
            // A killed supervisor's roles end by themselves: a moment is given them.
            if is_alive(pid) || begun.elapsed() > LEFTOVERS_END_WITHIN {
                return Err(Error::Held { data: data.to_owned(), pid });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        file.set_len(0).map_err(io)?;
        file.rewind().map_err(io)?;
        writeln!(file, "{}", std::process::id()).map_err(io)?;
        Ok(Self { file })
    }

    /// The process that holds the lock of `data`, if one does.
    pub(crate) fn holder(data: &Path) -> Option<u32> {
        let mut file = File::open(data.join("lock")).ok()?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => None,
            Err(_) => Some(read_pid(&mut file).unwrap_or(0)),
        }
    }

    /// A further hold on the same lock, for handing to another process.
    pub(crate) fn share(&self) -> std::io::Result<OwnedFd> {
        Ok(self.file.try_clone()?.into())
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn is_alive(pid: u32) -> bool {
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_the_directory() {
        let data = tempfile::tempdir().unwrap();
        let lock = Lock::take(data.path()).unwrap();
        assert_eq!(Lock::holder(data.path()), Some(std::process::id()));
        let error = Lock::take(data.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(lock);
        assert_eq!(Lock::holder(data.path()), None);
        assert!(Lock::take(data.path()).is_ok());
    }

    #[test]
    fn a_shared_hold_keeps_the_lock_when_the_first_is_gone() {
        let data = tempfile::tempdir().unwrap();
        let lock = Lock::take(data.path()).unwrap();
        let shared = lock.share().unwrap();
        drop(lock);
        assert!(Lock::holder(data.path()).is_some());
        drop(shared);
        assert!(Lock::holder(data.path()).is_none());
    }
}
