//! Processes as the system sees them: who descends from whom, what they hold in memory, what they wrote.
//!
//! Linux only: reads `/proc`.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Sends SIGKILL to one process. A process that is gone already is fine.
///
/// # Errors
/// When the number is not a process id.
pub fn kill_hard(pid: u32) -> Result<()> {
    // The only other outcome is that it has ended already.
    let _ = kill_process(id(pid)?, Signal::KILL);
    Ok(())
}

/// Asks one process to end.
///
/// # Errors
/// When the number is not a process id.
pub fn ask_to_end(pid: u32) -> Result<()> {
    let _ = kill_process(id(pid)?, Signal::TERM);
    Ok(())
}

/// Stops a process until [`go_on`].
///
/// # Errors
/// When the number is not a process id.
pub fn stop_for_a_while(pid: u32) -> Result<()> {
    let _ = kill_process(id(pid)?, Signal::STOP);
    Ok(())
}

/// Lets a stopped process go on.
///
/// # Errors
/// When the number is not a process id.
pub fn go_on(pid: u32) -> Result<()> {
    let _ = kill_process(id(pid)?, Signal::CONT);
    Ok(())
}

/// Sends SIGKILL to a process group that [`std::os::unix::process::CommandExt::process_group`] made.
///
/// # Errors
/// When the number is not a process id.
pub fn kill_group(leader: u32) -> Result<()> {
    let _ = kill_process_group(id(leader)?, Signal::KILL);
    Ok(())
}

fn id(pid: u32) -> Result<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).with_context(|| format!("{pid} is no process id"))
}

/// Whether a process runs (a dead one whose parent has not looked counts as gone).
#[must_use]
pub fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|(_, state)| state != 'Z' && state != 'X')
}

/// Parent and state of a process.
fn stat(pid: u32) -> Option<(u32, char)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, so what counts begins after the last one.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

/// A process and all that descend from it.
#[must_use]
pub fn tree(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some((parent, _)) = stat(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut looked = 0;
    while let Some(pid) = found.get(looked).copied() {
        found.extend(children.get(&pid).into_iter().flatten());
        looked += 1;
    }
    found
}

/// The roles that a supervisor runs now, by their word. Asks the system and not the node, so it works whoever is down.
#[must_use]
pub fn roles(supervisor: u32) -> BTreeMap<String, u32> {
    let role_of = |pid: u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0).skip_while(|word| *word != b"__role").skip(1);
        Some((String::from_utf8_lossy(words.next()?).into_owned(), pid))
    };
    let is_child = |pid: &u32| stat(*pid).is_some_and(|(parent, state)| parent == supervisor && state != 'Z');
    tree(supervisor).into_iter().filter(is_child).filter_map(role_of).collect()
}

/// Bytes of memory that a process tree takes: its private pages and its share of the shared ones (PSS).
#[must_use]
pub fn memory_bytes(root: u32) -> u64 {
    tree(root).into_iter().map(memory_bytes_of).sum()
}

/// Bytes of memory that one process takes (PSS).
#[must_use]
pub fn memory_bytes_of(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// The most bytes of memory that one process had resident since its start, or since [`forget_most_memory`]; the pages of its
/// binary are among them. The system keeps it, so that no peak is missed.
#[must_use]
pub fn most_memory_bytes_of(pid: u32) -> u64 {
    status_bytes(pid, "VmHWM:")
}

/// Bytes of memory that one process has resident now, the pages of its binary among them.
#[must_use]
pub fn resident_bytes_of(pid: u32) -> u64 {
    status_bytes(pid, "VmRSS:")
}

/// Lets [`most_memory_bytes_of`] begin anew. Where the system refuses, it goes on from the process's start.
pub fn forget_most_memory(pid: u32) {
    let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

fn status_bytes(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// Bytes that the processes of a tree have caused to be written to disk so far.
#[must_use]
pub fn written_bytes(root: u32) -> u64 {
    let of = |pid: u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        text.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse::<u64>().ok()).unwrap_or(0)
    };
    tree(root).into_iter().map(of).sum()
}
