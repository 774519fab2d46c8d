//! The cage: what the binary becomes for its hidden subcommand. It makes the isolation and then starts the interpreter.
//!
//! Three processes: the *door* (started by the host, waits for either end), the *keeper* (process 1 inside, reaps, ends
//! with the script) and the *script* (the interpreter with its harness). When the host's end of the channel closes, for
//! whatever reason, the door ends the keeper, and with process 1 the system ends everything inside.
//!
//! A layer that the host system does not give is left out and named in the first frame, never silently.

mod filter;
mod layers;
pub(crate) mod spec;
mod sys;
mod view;

use std::ffi::OsString;
use std::fs;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};

use crate::frame::{self, tag};
pub(crate) use layers::Walls;
use spec::{BOOT, CONTROL_FD, Closed, DATA_FD, INSIDE, Layer, Missing, SPEC_BYTES_MAX, Spec, WORK};

const ALL_NAMESPACES: i32 =
    libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
/// The user and group of a script inside its user namespace.
const SCRIPT_USER: u32 = 1000;
/// How often a door without process ids of its own looks for processes that are left.
const SWEEPS_MAX: u32 = 1_000;

/// Why a folder with the node's own in it is not given where the script would see all of it.
const HIDES_NOTHING: &str = "the node's own data directory lies in it, and without a mount view it cannot be hidden; name the \
     folders beside it";
/// Why a script is not started where nothing would keep it from the node's files.
const UNCONFINED: &str = "this machine gives neither namespaces with a mount view nor Landlock, so a script could open whatever \
     the node's user can; `flowork doctor` says what to change, and how to allow it as it is";

/// Runs the cage. The binary calls this for its hidden subcommand, first of all and before it starts any thread; the host
/// is on the other end of standard input. `args` is kept for later versions and may be empty.
///
/// Does not return: the process ends with the script.
pub fn cage_main(_args: &[OsString]) -> ! {
    match door() {
        Ok(()) => exit(0),
        Err(error) => {
            // The host takes this line from stderr when no frame came.
            eprintln!("flowork cage: {error}");
            exit(70)
        }
    }
}

/// Which namespaces can be made here; an error says why not.
pub(crate) fn probe_namespaces(network: bool) -> io::Result<()> {
    sys::probe(ALL_NAMESPACES | if network { libc::CLONE_NEWNET } else { 0 })
}

/// How much of Landlock this kernel has; an error says why there is none.
pub(crate) fn probe_landlock() -> io::Result<Walls> {
    sys::landlock_version().map(Walls::of)
}

/// Hands the data channel's far end to the cage on the other end of `control`, ahead of everything else.
pub(crate) fn hand_over(control: BorrowedFd<'_>, data: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    let ends = [data];
    if !rights.push(SendAncillaryMessage::ScmRights(&ends)) {
        return Err(io::Error::other("there is no room for a descriptor"));
    }
    sendmsg(control, &[IoSlice::new(b"d")], &mut rights, SendFlags::empty())?;
    Ok(())
}

fn taken_over(control: &OwnedFd) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut rights = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut rights, RecvFlags::CMSG_CLOEXEC)?;
    let data = rights.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    data.ok_or_else(|| io::Error::other("no data channel was handed over"))
}

fn door() -> io::Result<()> {
    let channel = sys::take(CONTROL_FD)?;
    let data = taken_over(&channel)?;
    let spec = read_spec(&channel)?;
    let (mut mine, theirs) = std::os::unix::net::UnixStream::pair()?;
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let (namespaces, why) = namespaces(&spec);
    let Some(keeper) = namespaces.1 else {
        drop(mine);
        let ended = keeper(&spec, Ways { control: &channel, data }, theirs, namespaces.0, why);
        exit(ended.unwrap_or(70));
    };
    drop((theirs, data));
    // The script's own streams stay with the script.
    silence(&[1, 2])?;
    if namespaces.0 & libc::CLONE_NEWUSER != 0 {
        map_users(keeper, spec.run_as)?;
    }
    mine.write_all(b"m")?;
    drop(mine);
    wait_at_the_door(&channel, keeper)
}

/// Starts the keeper in as many namespaces as the system gives: the flags it got, its id (none in the keeper itself), and
/// why flags are missing.
fn namespaces(spec: &Spec) -> ((i32, Option<Pid>), Option<String>) {
    let network = if spec.network { 0 } else { libc::CLONE_NEWNET };
    let full = ALL_NAMESPACES | network;
    let mut why = None;
    // Real root can do without a user namespace.
    let ways = [full, full & !libc::CLONE_NEWUSER, libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWNS, 0];
    let left_out = if spec.without.contains(&Layer::Namespaces) { ways.len() - 1 } else { 0 };
    for flags in ways.into_iter().skip(left_out) {
        match sys::clone(flags) {
            Ok(keeper) => return ((flags, keeper), why),
            Err(error) => why = Some(why.unwrap_or_else(|| error.to_string())),
        }
    }
    eprintln!("flowork cage: no process can be started: {}", why.unwrap_or_default());
    exit(70)
}

fn map_users(keeper: Pid, run_as: Option<u32>) -> io::Result<()> {
    let folder = PathBuf::from(format!("/proc/{}", keeper.as_raw_nonzero()));
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    if let Some(nobody) = run_as {
        fs::write(folder.join("uid_map"), format!("0 {user} 1\n{SCRIPT_USER} {nobody} 1\n"))?;
        return fs::write(folder.join("gid_map"), format!("0 {group} 1\n{SCRIPT_USER} {nobody} 1\n"));
    }
    fs::write(folder.join("setgroups"), "deny")?;
    fs::write(folder.join("uid_map"), format!("{SCRIPT_USER} {user} 1\n"))?;
    fs::write(folder.join("gid_map"), format!("{SCRIPT_USER} {group} 1\n"))
}

/// Waits until the keeper has ended, or the host is gone; then ends what is left.
fn wait_at_the_door(channel: &OwnedFd, keeper: Pid) -> io::Result<()> {
    let watched = pidfd_open(keeper, PidfdFlags::empty())?;
    loop {
        let mut ends = [PollFd::new(channel, PollFlags::RDHUP), PollFd::new(&watched, PollFlags::IN)];
        match poll(&mut ends, None) {
            Err(rustix::io::Errno::INTR) => continue,
            other => other?,
        };
        let _ = kill_process(keeper, Signal::KILL);
        let _ = waitpid(Some(keeper), WaitOptions::empty());
        sweep();
        return Ok(());
    }
}

/// Ends everything that was handed to this process when its parent ended. With a pid namespace nothing is.
fn sweep() {
    let me = rustix::process::getpid().as_raw_nonzero();
    for _ in 0..SWEEPS_MAX {
        let children = fs::read_to_string(format!("/proc/self/task/{me}/children")).unwrap_or_default();
        for pid in children.split_whitespace().filter_map(|text| text.parse().ok()).filter_map(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        match waitpid(None, WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// The two channels to the host.
struct Ways<'a> {
    control: &'a OwnedFd,
    data: OwnedFd,
}

/// The keeper: closes the cage, starts the script and ends with it.
fn keeper(
    spec: &Spec, ways: Ways<'_>, mut go: std::os::unix::net::UnixStream, flags: i32, why: Option<String>,
) -> io::Result<i32> {
    let channel = ways.control;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The door has written the user map when this byte comes; its end means that the door is gone.
    let mut byte = [0];
    go.read_exact(&mut byte)?;
    drop(go);
    let mut closed = Closed { pids: flags & libc::CLONE_NEWPID != 0, ..Closed::default() };
    let mut lacks = |layer, why: String| closed.missing.push(Missing { layer, why });
    let why = why.unwrap_or_default();
    if flags & libc::CLONE_NEWUSER == 0 {
        lacks(Layer::Namespaces, why.clone());
    }
    if flags & libc::CLONE_NEWNET == 0 && !spec.network {
        lacks(Layer::Network, why.clone());
    }
    let mut mounts = false;
    if flags & libc::CLONE_NEWNS == 0 {
        lacks(Layer::Mounts, why);
    } else {
        match view::build(spec, flags & libc::CLONE_NEWUSER != 0) {
            Ok(built) => {
                mounts = true;
                if let Some(why) = built.proc {
                    lacks(Layer::Proc, why);
                }
            }
            // Half a view is none: the script must not start in it.
            Err(error) => {
                send(channel.as_fd(), tag::REFUSED, &serde_json::json!({ "why": error.to_string() }))?;
                return Ok(70);
            }
        }
    }
    closed.mounts = mounts;
    let Some(script) = sys::clone(0)? else {
        let error = script(spec, &ways, flags, closed);
        let _ = send(channel.as_fd(), tag::REFUSED, &serde_json::json!({ "why": error.to_string() }));
        exit(70)
    };
    silence(&[1, 2])?;
    drop(ways.data);
    reap_until(script, channel)
}

/// Reaps whatever ends inside; ends when the script has, after saying how.
fn reap_until(script: Pid, channel: &OwnedFd) -> io::Result<i32> {
    loop {
        match waitpid(None, WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == script => {
                let end = serde_json::json!({
                    "code": status.exit_status(), "signal": status.terminating_signal(),
                });
                let _ = send(channel.as_fd(), tag::EXIT, &end);
                return Ok(status.exit_status().unwrap_or(71));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The script's process: the last layers, then the interpreter. Comes back only with what went wrong.
fn script(spec: &Spec, ways: &Ways<'_>, flags: i32, closed: Closed) -> io::Error {
    match prepare(spec, ways, flags, closed) {
        Ok(mut command) => command.exec(),
        Err(error) => error,
    }
}

fn prepare(spec: &Spec, ways: &Ways<'_>, flags: i32, mut closed: Closed) -> io::Result<Command> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let own_users = flags & libc::CLONE_NEWUSER != 0;
    let mut lacks = |layer, done: Result<(), String>| {
        if let Err(why) = done {
            closed.missing.push(Missing { layer, why });
        }
    };
    let text = |error: rustix::io::Errno| error.to_string();
    lacks(Layer::Limits, layers::limits(&spec.limits, own_users));
    if spec.run_as.is_some() || (!own_users && rustix::process::geteuid().is_root()) {
        sys::drop_groups()?;
        // Inside a user namespace the script's user stands for `run_as`; without one it is that user itself.
        sys::become_user(if own_users { SCRIPT_USER } else { spec.run_as.unwrap_or(65_534) })?;
        // Changing the user clears this, and the end of the keeper must reach the script.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    }
    lacks(Layer::NoNewPrivileges, rustix::thread::set_no_new_privs(true).map_err(text));
    let (boot, work) = if closed.mounts {
        (Path::new(INSIDE).join("boot"), Path::new(INSIDE).join("work"))
    } else {
        (spec.folder.join("boot"), spec.folder.join("work"))
    };
    rustix::process::chdir(&work)?;
    let fill = |text: &str| text.replace(BOOT, &boot.to_string_lossy()).replace(WORK, &work.to_string_lossy());
    let mut command = Command::new(&spec.interpreter);
    command.args(spec.args.iter().map(|arg| fill(arg))).env_clear();
    command.envs(spec.env.iter().map(|(name, value)| (name, fill(value))));
    command.env("TMPDIR", if closed.mounts { PathBuf::from("/tmp") } else { work.join("tmp") });
    let walls = layers::landlock(spec, closed.mounts);
    let has_none = matches!(walls, Err(_) | Ok(Walls::None(_)));
    if has_none && !closed.mounts && !spec.unconfined {
        return Err(io::Error::other(UNCONFINED));
    }
    if let Some(given) = spec.read.iter().find(|given| given.hide.is_some() && !closed.mounts) {
        return Err(io::Error::other(format!("{}: {HIDES_NOTHING}", given.at.display())));
    }
    lacks(Layer::Landlock, walls.and_then(Walls::whole));
    lacks(Layer::Seccomp, layers::seccomp());
    send(ways.control.as_fd(), tag::CLOSED, &serde_json::json!(closed))?;
    sys::install(ways.control.as_raw_fd(), CONTROL_FD)?;
    sys::install(ways.data.as_raw_fd(), DATA_FD)?;
    Ok(command)
}

/// Points descriptors at nothing.
fn silence(descriptors: &[i32]) -> io::Result<()> {
    let nothing = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    descriptors.iter().try_for_each(|fd| sys::install(nothing.as_raw_fd(), *fd))
}

fn read_spec(channel: &OwnedFd) -> io::Result<Spec> {
    let mut size = [0; 4];
    read_exact(channel.as_fd(), &mut size)?;
    let size = u32::from_be_bytes(size) as usize;
    if size > SPEC_BYTES_MAX {
        return Err(io::Error::other(format!("the first frame has {size} bytes")));
    }
    let mut bytes = vec![0; size];
    read_exact(channel.as_fd(), &mut bytes)?;
    serde_json::from_slice(&bytes).map_err(io::Error::other)
}

fn read_exact(channel: BorrowedFd<'_>, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match rustix::io::read(channel, &mut *into) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => into = into.get_mut(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn send(channel: BorrowedFd<'_>, tag: u8, body: &serde_json::Value) -> io::Result<()> {
    let bytes = frame::encode(tag, &serde_json::to_vec(body)?).map_err(io::Error::other)?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        match rustix::io::write(channel, rest) {
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
