//! The few system calls of the cage that have no safe wrapper.
//!
//! Everything here runs in a process of one thread: `cage_main` is called before anything starts another.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::Pid;

/// A new process in new namespaces (`flags` of clone(2)); none in the child.
pub(super) fn clone(flags: i32) -> io::Result<Option<Pid>> {
    // SAFETY: without CLONE_VM and with a null stack, clone(2) is fork(2) into new namespaces. The caller has one
    // thread, so no lock is held by a thread that the child lacks.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone, libc::c_long::from(flags | libc::SIGCHLD), 0_usize, 0_usize, 0_usize, 0_usize)
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw))
}

/// Whether namespaces with these flags can be made. Safe in a process with threads: the child ends at once.
pub(super) fn probe(flags: i32) -> io::Result<()> {
    // SAFETY: as in `clone`; the child calls nothing but _exit(2), which is async-signal-safe.
    let pid = unsafe {
        let pid = libc::syscall(
            libc::SYS_clone,
            libc::c_long::from(flags | libc::SIGCHLD),
            0_usize,
            0_usize,
            0_usize,
            0_usize,
        );
        if pid == 0 {
            libc::_exit(0);
        }
        pid
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
    }
    Ok(())
}

/// Makes `to` name the same open file as `from`, open across exec.
pub(super) fn install(from: i32, to: i32) -> io::Result<()> {
    // SAFETY: dup2(2) and fcntl(2) with F_SETFD touch the descriptor table alone; no owner in this process holds `to` as an
    // `OwnedFd`. On itself dup2 does nothing, and so would leave the descriptor to be closed on exec.
    if unsafe { if from == to { libc::fcntl(to, libc::F_SETFD, 0) } else { libc::dup2(from, to) } } < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// The version of Landlock that the kernel speaks; none when it has none.
pub(super) fn landlock_version() -> io::Result<i32> {
    const VERSION: u32 = 1;
    // SAFETY: with this flag a null pointer and a size of zero are what the call asks for.
    let version = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, VERSION) };
    if version < 0 { Err(io::Error::last_os_error()) } else { Ok(i32::try_from(version).unwrap_or(i32::MAX)) }
}

/// Takes over a descriptor that the host handed down.
pub(super) fn take(fd: i32) -> io::Result<OwnedFd> {
    // SAFETY: fcntl(2) with F_GETFD only asks whether the descriptor is open.
    if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is open (asked above), was handed to this process at its start, and is taken once.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Becomes `id`, user and group, for good.
pub(super) fn become_user(id: u32) -> io::Result<()> {
    // SAFETY: these calls change the credentials of the calling process and touch no memory of it.
    let failed = unsafe { libc::setresgid(id, id, id) < 0 || libc::setresuid(id, id, id) < 0 };
    if failed { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives up the supplementary groups.
pub(super) fn drop_groups() -> io::Result<()> {
    // SAFETY: a length of zero means that the pointer is not read.
    if unsafe { libc::setgroups(0, std::ptr::null()) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sets mount attributes (`MOUNT_ATTR_*`) on everything mounted at and below `path`.
pub(super) fn restrict_mounts(path: &Path, set: u64) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: path and attributes live through the call, and the size is that of the struct passed.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            std::ptr::from_ref(&attributes),
            size_of::<libc::mount_attr>(),
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
