//! What is put on the script's own process, last before the interpreter starts.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
    path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::filter;
use super::spec::{Bounds, Granted, INSIDE, Layer, Spec};
use super::sys;

/// The rights that are handled when the kernel knows them; older kernels handle fewer.
const KNOWN: ABI = ABI::V6;

/// Sets the limits. `own_users` says that the count of processes is this cage's own.
pub(super) fn limits(bounds: &Bounds, own_users: bool) -> Result<(), String> {
    let mut all = vec![
        (Resource::Data, bounds.data_bytes),
        (Resource::Fsize, bounds.file_bytes),
        (Resource::Nofile, bounds.open_files),
        (Resource::Cpu, bounds.cpu_s),
        (Resource::Core, 0),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    if own_users {
        all.push((Resource::Nproc, bounds.processes));
    }
    for (resource, value) in all {
        setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
            .map_err(|error| format!("{resource:?}: {error}"))?;
    }
    Ok(())
}

/// How much of Landlock a kernel has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Walls {
    /// Nothing is held back, and why.
    None(String),
    /// What this version does not hold back.
    Partial(i32, Vec<&'static str>),
    /// All that is asked for.
    Whole,
}

/// From which version on something is held back, and what it is.
const SINCE: [(i32, &str); 5] = [
    (2, "files can be moved between the folders that a script is given"),
    (3, "files that it may read can be truncated where their mode allows it"),
    (4, "connections over TCP"),
    (5, "commands to devices (ioctl)"),
    (6, "signals to other processes of the same user, and abstract UNIX sockets"),
];

impl Walls {
    /// What version `version` of Landlock holds back.
    pub(crate) fn of(version: i32) -> Self {
        let open: Vec<_> = SINCE.iter().filter(|(since, _)| version < *since).map(|(_, what)| *what).collect();
        if open.is_empty() { Self::Whole } else { Self::Partial(version, open) }
    }

    /// An error says what is missing.
    pub(crate) fn whole(self) -> Result<(), String> {
        match self {
            Self::None(why) => Err(why),
            Self::Partial(version, open) => {
                Err(format!("only version {version} of it, which does not hold back: {}", open.join("; ")))
            }
            Self::Whole => Ok(()),
        }
    }
}

/// Closes files and sockets to what the step was given.
pub(super) fn landlock(spec: &Spec, own_mounts: bool) -> Result<Walls, String> {
    if spec.without.contains(&Layer::Landlock) {
        return Ok(Walls::None("it was left out".to_owned()));
    }
    let (read, write) = paths(spec, own_mounts);
    let mut rules = Ruleset::default().handle_access(AccessFs::from_all(KNOWN)).map_err(text)?;
    if !spec.network {
        rules = rules.handle_access(AccessNet::from_all(KNOWN)).map_err(text)?;
    }
    let status = rules
        .scope(Scope::from_all(KNOWN))
        .map_err(text)?
        .create()
        .map_err(text)?
        .add_rules(path_beneath_rules(read, AccessFs::from_read(KNOWN)))
        .map_err(text)?
        .add_rules(path_beneath_rules(write, AccessFs::from_all(KNOWN)))
        .map_err(text)?
        .restrict_self()
        .map_err(text)?;
    Ok(match status.ruleset {
        RulesetStatus::NotEnforced => Walls::None("the kernel does not offer it".to_owned()),
        RulesetStatus::FullyEnforced => Walls::Whole,
        RulesetStatus::PartiallyEnforced => sys::landlock_version().map_or(Walls::Whole, Walls::of),
    })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn paths(spec: &Spec, own_mounts: bool) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut write: Vec<PathBuf> = ["/dev/null", "/dev/zero", "/dev/full"].map(PathBuf::from).to_vec();
    let mut read: Vec<PathBuf> = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/proc", "/dev"]
        .map(PathBuf::from)
        .to_vec();
    if own_mounts {
        read.extend([PathBuf::from("/etc"), Path::new(INSIDE).join("boot"), Path::new(INSIDE).join("in")]);
        write.extend([Path::new(INSIDE).join("work"), "/tmp".into(), "/dev/shm".into()]);
    } else {
        // Without a view of its own a script must not see all of /etc.
        read.extend(
            ["ld.so.cache", "ssl", "alternatives", "php", "perl", "localtime", "nsswitch.conf", "resolv.conf", "hosts"]
                .map(|name| Path::new("/etc").join(name)),
        );
        read.extend([spec.folder.join("boot"), spec.folder.join("in")]);
        write.push(spec.folder.join("work"));
    }
    let granted = |granted: &Granted| if own_mounts { granted.at.clone() } else { granted.real.clone() };
    read.extend(spec.prefixes.iter().cloned().chain(spec.read.iter().map(granted)));
    write.extend(spec.write.iter().map(granted));
    (read, write)
}

/// Refuses dangerous system calls from here on.
pub(super) fn seccomp() -> Result<(), String> {
    for program in filter::programs()? {
        seccompiler::apply_filter(&program).map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_landlock_names_what_it_does_not_hold_back() {
        assert_eq!(Walls::of(6), Walls::Whole);
        let old = Walls::of(3).whole().unwrap_err();
        assert!(old.contains("version 3") && old.contains("TCP") && old.contains("signals"), "{old}");
        assert!(!old.contains("truncated"), "{old}");
        assert!(Walls::of(1).whole().unwrap_err().contains("truncated"));
    }
}
