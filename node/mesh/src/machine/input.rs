//! When the machine was used last: what was typed at its terminals, and what the desktop says.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Told;

/// Terminals of desktops and of those who came from elsewhere.
const PSEUDO_TERMINALS: &str = "/dev/pts";
/// Where the consoles of this machine are.
const DEVICES: &str = "/dev";

/// For how long nobody has typed at any terminal, as `w` tells it; none where there is no terminal.
///
/// The kernel writes down when a terminal was read last, to about eight seconds. What programs print there does not count.
pub(super) fn terminals() -> Option<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let read = newest_read(
        &files(Path::new(PSEUDO_TERMINALS), is_number)
            .chain(files(Path::new(DEVICES), |name| name.strip_prefix("tty").is_some_and(is_number)))
            .collect::<Vec<_>>(),
    )?;
    Some(now.saturating_sub(read))
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

fn files(folder: &Path, is_meant: impl Fn(&str) -> bool) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(move |entry| entry.file_name().to_str().is_some_and(&is_meant)).map(|entry| entry.path())
}

/// When one of the files was read last, since the Unix epoch.
fn newest_read(files: &[PathBuf]) -> Option<Duration> {
    let read = |file: &PathBuf| u64::try_from(std::fs::metadata(file).ok()?.atime()).ok();
    files.iter().filter_map(read).max().map(Duration::from_secs)
}

/// For how long nobody has used the machine: neither terminals nor desktop.
pub(super) fn newest(terminals: Option<Duration>, desktop: Told<Option<Duration>>) -> Told<Duration> {
    let desktop = desktop?;
    let told = [terminals, desktop].into_iter().flatten().min();
    told.ok_or_else(|| "this system has no terminals and no desktop that tell when they were used last".to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::fs::{Timespec, Timestamps, futimens};

    use super::*;

    #[test]
    fn the_terminal_that_was_read_last_counts_and_not_what_is_printed() {
        let dir = tempfile::tempdir().unwrap();
        for (name, read, written) in [("0", 1_000, 9_000), ("1", 2_000, 3_000), ("ptmx", 8_000, 8_000)] {
            let file = std::fs::File::create(dir.path().join(name)).unwrap();
            let at = |tv_sec| Timespec { tv_sec, tv_nsec: 0 };
            futimens(file.as_fd(), &Timestamps { last_access: at(read), last_modification: at(written) }).unwrap();
        }
        let found: Vec<PathBuf> = files(dir.path(), is_number).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(newest_read(&found), Some(Duration::from_secs(2_000)));
        assert_eq!(newest_read(&[]), None);
    }

    #[test]
    fn a_desktop_that_does_not_tell_is_not_overheard_by_a_quiet_terminal() {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
        assert_eq!(newest(Some(hour), Ok(Some(minute))), Ok(minute));
        assert_eq!(newest(Some(minute), Ok(Some(hour))), Ok(minute));
        assert_eq!(newest(Some(hour), Ok(None)), Ok(hour));
        assert_eq!(newest(Some(hour), Err("no".to_owned())), Err("no".to_owned()));
        assert!(newest(None, Ok(None)).is_err());
    }
}
