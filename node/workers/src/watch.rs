//! What a worker's processes use, read from `/proc` while a call runs.

use std::fs;

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

/// What everything below `root` uses. Processes that end meanwhile count as nothing.
pub(crate) fn below(root: u32) -> Usage {
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
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return 0 };
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    (field("RssAnon:").unwrap_or(0) + field("RssShmem:").unwrap_or(0)) << 10
}
