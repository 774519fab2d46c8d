//! The file system that a script sees: the system's programs read-only, its own folders, and what its step was given.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, unmount,
};

use super::spec::{Granted, INSIDE, Spec};
use super::sys;

const NO_WRITE: u64 = libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;
const NO_RAISE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// Folders of programs and libraries. Where one is a link (`/bin` on most systems), it stays a link.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store"];

/// The settings that interpreters and their libraries read. Nothing here holds a secret.
const SETTINGS: [&str; 24] = [
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "gai.conf",
    "host.conf",
    "hosts",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "locale.conf",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "perl",
    "php",
    "pki",
    "protocols",
    "python3",
    "resolv.conf",
    "services",
    "ssl",
];

/// The most files in the folder that a script may write.
const SCRATCH_FILES_MAX: u32 = 131_072;

const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// What could not be had though the view as a whole stands.
pub(super) struct Built {
    /// Why there is no `/proc`, when there is none.
    pub(super) proc: Option<String>,
}

/// Builds the view in the worker's `root` folder and moves into it. The caller has a mount namespace of its own.
pub(super) fn build(spec: &Spec, own_users: bool) -> io::Result<Built> {
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    let root = spec.folder.join("root");
    mount("flowork", &root, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"size=1m,mode=755"))?;
    for folder in SYSTEM {
        system_folder(&root, Path::new(folder))?;
    }
    for prefix in &spec.prefixes {
        bind(&root, prefix, prefix, NO_WRITE)?;
    }
    settings(&root)?;
    devices(&root)?;
    fs::create_dir_all(root.join("proc"))?;
    let proc = mount(
        "proc",
        root.join("proc"),
        "proc",
        MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY,
        None,
    );
    scratch(spec, own_users)?;
    own_folders(&root, &spec.folder)?;
    for given in &spec.read {
        bind_granted(&root, given, NO_WRITE).map_err(|error| naming(&error, &given.at))?;
    }
    for given in &spec.write {
        bind_granted(&root, given, NO_RAISE).map_err(|error| naming(&error, &given.at))?;
    }
    rustix::process::chdir(&root)?;
    rustix::process::pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")?;
    // The tmpfs itself becomes read-only; what is mounted on it keeps its own rights.
    rustix::mount::mount_remount(
        "/",
        MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV,
        c"",
    )?;
    Ok(Built { proc: proc.err().map(|error| error.to_string()) })
}

fn naming(error: &io::Error, path: &Path) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn system_folder(root: &Path, folder: &Path) -> io::Result<()> {
    let Ok(meta) = fs::symlink_metadata(folder) else { return Ok(()) };
    if meta.is_symlink() {
        return symlink(fs::read_link(folder)?, within(root, folder));
    }
    bind(root, folder, folder, NO_WRITE)
}

fn settings(root: &Path) -> io::Result<()> {
    let etc = root.join("etc");
    fs::create_dir_all(&etc)?;
    for name in SETTINGS {
        let source = Path::new("/etc").join(name);
        let Ok(meta) = fs::symlink_metadata(&source) else { continue };
        if meta.is_symlink() && fs::metadata(&source).is_err() {
            continue;
        }
        // Through links: /etc/resolv.conf and /etc/localtime often are some.
        let real = fs::canonicalize(&source)?;
        bind(root, &real, &source, NO_WRITE)?;
    }
    fs::write(etc.join("passwd"), format!("root:x:0:0::/:/bin/sh\nscript:x:1000:1000::{INSIDE}/work:/bin/sh\n"))?;
    fs::write(etc.join("group"), "root:x:0:\nscript:x:1000:\n")
}

fn devices(root: &Path) -> io::Result<()> {
    let dev = root.join("dev");
    fs::create_dir_all(&dev)?;
    for name in DEVICES {
        let source = Path::new("/dev").join(name);
        if !source.exists() {
            continue;
        }
        fs::write(dev.join(name), "")?;
        mount_bind_recursive(&source, dev.join(name))?;
        sys::restrict_mounts(&dev.join(name), libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, dev.join(name))?;
    }
    Ok(())
}

/// The folder that the script may write, of a fixed size and in memory: what it fills is its own, and not the node's disk.
/// The host reaches it through this process.
fn scratch(spec: &Spec, own_users: bool) -> io::Result<()> {
    let work = spec.folder.join("work");
    let owner = match (spec.run_as, own_users) {
        (None, _) => String::new(),
        (Some(_), true) => format!(",uid={user},gid={user}", user = super::SCRIPT_USER),
        (Some(user), false) => format!(",uid={user},gid={user}"),
    };
    let options = format!("size={},nr_inodes={SCRATCH_FILES_MAX},mode=700{owner}", spec.limits.scratch_bytes);
    let options = std::ffi::CString::new(options)?;
    mount("scratch", &work, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(options.as_c_str()))?;
    let meta = fs::metadata(&work)?;
    for part in ["tmp", "shm"] {
        let part = work.join(part);
        fs::create_dir(&part)?;
        fs::set_permissions(&part, fs::Permissions::from_mode(0o700))?;
        std::os::unix::fs::chown(&part, Some(meta.uid()), Some(meta.gid()))?;
    }
    Ok(())
}

/// The worker's own folders. `in` is read-only as a mount, not by mode: its files may be the blobs themselves.
fn own_folders(root: &Path, folder: &Path) -> io::Result<()> {
    let inside = Path::new(INSIDE);
    bind(root, &folder.join("boot"), &inside.join("boot"), NO_WRITE)?;
    bind(root, &folder.join("in"), &inside.join("in"), NO_WRITE | libc::MOUNT_ATTR_NOEXEC)?;
    bind(root, &folder.join("work"), &inside.join("work"), NO_RAISE)?;
    bind(root, &folder.join("work/tmp"), Path::new("/tmp"), NO_RAISE)?;
    bind(root, &folder.join("work/shm"), Path::new("/dev/shm"), NO_RAISE)
}

/// Shows what a script was given. The path has no links: where one stands in it now, somebody put it there since.
fn bind_granted(root: &Path, Granted { real, at, hide }: &Granted, set: u64) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let source = rustix::fs::openat2(CWD, real, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
    bind(root, &PathBuf::from(format!("/proc/self/fd/{}", source.as_raw_fd())), at, set)?;
    let Some(hidden) = hide else { return Ok(()) };
    let nothing = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("nothing", within(root, &at.join(hidden)), "tmpfs", nothing, Some(c"size=4k,mode=555"))
        .map_err(io::Error::from)
}

/// Shows `source` at `at` inside the view.
fn bind(root: &Path, source: &Path, at: &Path, set: u64) -> io::Result<()> {
    let target = within(root, at);
    if fs::metadata(source)?.is_dir() {
        fs::create_dir_all(&target)?;
    } else {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if !target.exists() {
            fs::write(&target, "")?;
        }
    }
    mount_bind_recursive(source, &target)?;
    sys::restrict_mounts(&target, set)
}

/// `path` below `root`. Only plain names count, so that nothing climbs out.
fn within(root: &Path, path: &Path) -> PathBuf {
    let mut inside = root.to_owned();
    inside.extend(path.components().filter(|part| matches!(part, Component::Normal(_))));
    inside
}
