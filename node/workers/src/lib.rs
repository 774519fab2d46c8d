//! Script workers for six languages, and the sandbox they run in.
//!
//! Goals: Python, JavaScript, Bash, PHP, Perl and Ruby as kinds of steps with one contract; interpreters that are kept
//! warm, and yet nothing of one job is seen by the next; nothing that a script does can harm the node or read what the
//! step was not given.
//!
//! Non-goals: expressions and the quick JavaScript of the code component (those are in `components`), and the egress
//! proxy: a script with declared hosts shares the host's network.
//!
//! ```text
//! component ─ Call ─▶ call ─▶ pool ─▶ worker ══ channel, stdout, stderr ══ cage: door ─ keeper ─ interpreter
//! ```
//!
//! Architecture invariant: the only `unsafe` of this crate is in `cage::sys`.

mod cage;
mod call;
mod component;
mod config;
mod doctor;
mod failure;
mod folder;
mod frame;
mod given;
mod interpreter;
mod language;
mod lines;
mod pool;
mod watch;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flowork_ports::{Component, OwnFolder};

pub use cage::cage_main;
pub use cage::spec::Layer;
pub use doctor::{About, Finding, doctor};
pub use language::Language;
pub use pool::Stats;

/// How to start a cage: a program that calls [`cage_main`] first of all.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The program: in production the node's own binary.
    pub program: PathBuf,
    /// Its arguments, such as the hidden subcommand `__cage`.
    pub args: Vec<OsString>,
}

/// What the workers of a node are told.
#[derive(Debug, Clone)]
pub struct Options {
    /// How to start a cage.
    pub launcher: Launcher,
    /// Where the folders of calls are. Made when absent; this crate alone writes here. Fastest on a memory file system.
    pub scratch_dir: PathBuf,
    /// Where interpreters are looked for before the system's folders, as in `PATH`.
    pub path: Option<OsString>,
    /// The user that scripts run as when the node runs as root; `None` runs them as the node's user.
    pub run_as: Option<u32>,
    /// The most calls at once, and the most workers that are kept.
    pub workers_max: usize,
    /// The most workers for one script.
    pub workers_per_script_max: usize,
    /// How long a worker that nobody needs is kept.
    pub idle: Duration,
    /// Bounds of every script.
    pub limits: Limits,
    /// What no script is given, whatever its permissions say.
    pub own_folder: OwnFolder,
    /// Whether scripts run also where nothing keeps them from the node's files: the owner's word. Without it such a machine
    /// refuses them.
    pub unconfined: bool,
    /// Layers that are left out though this machine gives them: for tests of what happens on a poorer one.
    pub without: Vec<Layer>,
}

/// Bounds of every script; memory and time are said in each step's config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads of one script.
    pub processes: u64,
    /// The largest file it may write or give, in bytes.
    pub file_bytes: u64,
    /// All files in its own folder together, in bytes. They are in memory where the sandbox has mounts of its own.
    pub scratch_bytes: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Processor time of one process, in seconds.
    pub cpu_s: u64,
    /// What it may write to stdout, stderr and its log together in one call, in bytes.
    pub output_bytes: u64,
    /// Calls until a worker is replaced.
    pub calls: u32,
    /// Calls until a worker that serves several scripts is replaced.
    pub calls_shared: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            processes: 128,
            file_bytes: 1 << 30,
            scratch_bytes: 1 << 30,
            open_files: 1_024,
            cpu_s: 24 * 3_600,
            output_bytes: 64 << 20,
            calls: 10_000,
            calls_shared: 1_000,
        }
    }
}

/// The part of this machine's memory that the files of one script may take.
const SCRATCH_OF_MEMORY: u64 = 4;

fn memory_bytes() -> u64 {
    let about = rustix::system::sysinfo();
    about.totalram.saturating_mul(u64::from(about.mem_unit))
}

/// The user without rights (`nobody`), as every Linux has it.
const NOBODY: u32 = 65_534;

impl Options {
    /// The usual: as many workers as make sense on this machine, and scripts as `nobody` when the node runs as root.
    #[must_use]
    pub fn new(launcher: Launcher, scratch_dir: PathBuf, own_folder: OwnFolder) -> Self {
        let mut limits = Limits::default();
        limits.scratch_bytes = limits.scratch_bytes.min(memory_bytes() / SCRATCH_OF_MEMORY);
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            launcher,
            scratch_dir,
            path: None,
            run_as: rustix::process::geteuid().is_root().then_some(NOBODY),
            workers_max: (cores * 4).clamp(8, 64),
            workers_per_script_max: cores.clamp(2, 16),
            idle: Duration::from_secs(30),
            limits,
            own_folder,
            unconfined: false,
            without: Vec::new(),
        }
    }
}

/// Speaks to the workers of a node. Clones speak to the same.
#[derive(Debug, Clone)]
pub struct Handle {
    pool: Arc<pool::Pool>,
}

impl Handle {
    /// How the workers are.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.pool.stats()
    }

    /// Ends all workers and waits until they have ended. Calls that still run fail.
    pub async fn shutdown(&self) {
        self.pool.shutdown().await;
    }
}

/// The six script components, and a handle on their workers. Starts nothing: the first call does, inside a tokio runtime.
#[must_use]
pub fn components(options: Options) -> (Vec<Arc<dyn Component>>, Handle) {
    clear(&options.scratch_dir);
    let pool = pool::Pool::new(options);
    let components = Language::ALL
        .into_iter()
        .map(|language| Arc::new(component::Script::new(language, Arc::clone(&pool))) as Arc<dyn Component>)
        .collect();
    (components, Handle { pool })
}

/// Removes folders whose process is gone: a kernel that was killed could not.
fn clear(scratch_dir: &std::path::Path) {
    let Ok(entries) = std::fs::read_dir(scratch_dir) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix("w-")?.split('-').next()?.parse::<u32>().ok());
        let gone = owner
            .is_some_and(|pid| pid == std::process::id() || !std::path::Path::new(&format!("/proc/{pid}")).exists());
        if gone {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
