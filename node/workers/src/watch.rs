//! What a worker's processes use, read from `/proc` while a call runs.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the processes below one process use together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// How many there are.
    pub(crate) processes: u64,
    /// Memory of their own, in bytes: pages that files back are not counted.
    pub(crate) memory_bytes: u64,
}

/// The most processes that are looked at; more are over any bound anyway.
const LOOKED_AT_MAX: u64 = 4_096;

/// The most files that are looked at; more count as too much.
const FILES_LOOKED_AT_MAX: u64 = 131_072;

/// What everything below `root` uses. Processes that end meanwhile count as nothing, and memory that several share
/// counts for each.
pub(crate) fn below(root: u32) -> Usage {
    sum(root, memory_bytes)
}

/// The memory of everything below `root`, in bytes, with shared pages counted once. Slow: the system walks all pages.
pub(crate) fn exact_memory_bytes(root: u32) -> u64 {
    sum(root, share_bytes).memory_bytes
}

fn sum(root: u32, memory_bytes: impl Fn(u32) -> u64) -> Usage {
    let mut usage = Usage::default();
    let mut open = children(root);
    while let Some(pid) = open.pop() {
        usage.processes += 1;
        if usage.processes > LOOKED_AT_MAX {
            break;
        }
        usage.memory_bytes += memory_bytes(pid);
        open.extend(children(pid));
    }
    usage
}

/// The first process that `pid` started and that is still there.
pub(crate) fn first_child(pid: u32) -> Option<u32> {
    children(pid).first().copied()
}

/// How many bytes of a disk the files below `folder` take. Files that are open and have no name any more are not seen.
pub(crate) fn disk_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut left = vec![folder.to_owned()];
    let mut seen = 0;
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(at).into_iter().flatten().filter_map(Result::ok) {
            let Ok(meta) = entry.metadata() else { continue };
            seen += 1;
            if seen > FILES_LOOKED_AT_MAX {
                return u64::MAX;
            }
            bytes += meta.blocks() * 512;
            if meta.is_dir() {
                left.push(entry.path());
            }
        }
    }
    bytes
}

fn children(pid: u32) -> Vec<u32> {
    // A process with several threads has children under each of them.
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .filter_map(Result::ok)
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>())
        .collect()
}

fn memory_bytes(pid: u32) -> u64 {
    fields(&format!("/proc/{pid}/status"), ["RssAnon:", "RssShmem:"]).unwrap_or(0)
}

/// A process's proportional share; where the system does not tell it, all that it maps.
fn share_bytes(pid: u32) -> u64 {
    fields(&format!("/proc/{pid}/smaps_rollup"), ["Pss_Anon:", "Pss_Shmem:"]).unwrap_or_else(|| memory_bytes(pid))
}

/// The sum of fields that are given in kB, in bytes.
fn fields(path: &str, names: [&str; 2]) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    Some(names.iter().filter_map(|name| field(name)).sum::<u64>() << 10)
}
