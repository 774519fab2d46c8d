//! Which programs run.

use std::collections::BTreeSet;
use std::path::Path;

/// Where Linux tells which programs run.
pub(crate) const PROCESSES: &str = "/proc";

/// Which of the programs `names` run on this machine now: by the name of their file, or the one that they gave themselves.
pub(super) fn running(names: &BTreeSet<String>) -> BTreeSet<String> {
    let Ok(processes) = std::fs::read_dir(PROCESSES) else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for process in processes.flatten() {
        if !process.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // People write `Blender` where the file is called `blender`.
        let called = names_of(&process.path());
        let is_meant = |name: &&String| called.iter().any(|other| other.eq_ignore_ascii_case(name));
        found.extend(names.iter().filter(is_meant).cloned());
    }
    found
}

fn names_of(process: &Path) -> Vec<String> {
    let file_name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    // A process that has just ended, or is another user's, tells less.
    let own = std::fs::read_to_string(process.join("comm")).unwrap_or_default().trim_end().to_owned();
    let called = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let first = called.split(|byte| *byte == 0).next().map(String::from_utf8_lossy).unwrap_or_default();
    let program = std::fs::read_link(process.join("exe")).map(|path| path.to_string_lossy().into_owned());
    [own, file_name(&first), file_name(&program.unwrap_or_default())]
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_is_seen_to_run() {
        let own = std::env::current_exe().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let (own, loud) = (own.clone(), own.to_uppercase());
        let names = BTreeSet::from([own.clone(), loud.clone(), "nothing-is-called-so".to_owned()]);
        assert_eq!(running(&names), BTreeSet::from([own, loud]));
    }
}
