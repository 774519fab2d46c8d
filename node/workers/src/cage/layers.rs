//! What is put on the script's own process, last before the interpreter starts.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
    path_beneath_rules,
};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::filter;
use super::spec::{Bounds, INSIDE, Spec};

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

/// Closes files and sockets to what the step was given.
pub(super) fn landlock(spec: &Spec, own_mounts: bool) -> Result<(), String> {
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
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("the kernel does not offer it".to_owned()),
        RulesetStatus::PartiallyEnforced | RulesetStatus::FullyEnforced => Ok(()),
    }
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
    read.extend(spec.prefixes.iter().chain(&spec.read).cloned());
    write.extend(spec.write.iter().cloned());
    (read, write)
}

/// Refuses dangerous system calls from here on.
pub(super) fn seccomp() -> Result<(), String> {
    for program in filter::programs()? {
        seccompiler::apply_filter(&program).map_err(|error| error.to_string())?;
    }
    Ok(())
}
