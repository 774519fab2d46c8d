//! What the host tells a cage before it closes: one frame over the channel.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where things lie inside a cage that has its own mounts.
pub(crate) const INSIDE: &str = "/flowork";
/// Stands for the folder of the harness in [`Spec::args`]; the cage knows where that is once its mounts are made.
pub(crate) const BOOT: &str = "{boot}";
/// Stands for the folder that the script may write.
pub(crate) const WORK: &str = "{work}";
/// The descriptor on which a harness gets calls and speaks for itself. It moves it elsewhere at once, and the process of a
/// call closes it before the script begins.
pub(crate) const CONTROL_FD: i32 = 0;
/// The descriptor on which the process of a call gives what its script gives.
pub(crate) const DATA_FD: i32 = 3;
/// The largest frame that carries a [`Spec`].
pub(crate) const SPEC_BYTES_MAX: usize = 1 << 20;

/// One cage: what runs in it, what it sees and what it may use.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The program.
    pub(crate) interpreter: PathBuf,
    /// Its arguments, with [`BOOT`] and [`WORK`] in place of folders.
    pub(crate) args: Vec<String>,
    /// Its whole environment.
    pub(crate) env: Vec<(String, String)>,
    /// The folder of this worker on the host: `root`, `boot`, `in` and `work` lie in it.
    pub(crate) folder: PathBuf,
    /// Folders outside the system's own that the interpreter needs.
    pub(crate) prefixes: Vec<PathBuf>,
    /// What the script may read beside the system.
    pub(crate) read: Vec<Granted>,
    /// What the script may write beside its own folder.
    pub(crate) write: Vec<Granted>,
    /// Whether it shares the host's network.
    pub(crate) network: bool,
    /// The user it runs as, when the node runs as root.
    pub(crate) run_as: Option<u32>,
    /// Bounds of its processes.
    pub(crate) limits: Bounds,
    /// Whether it may start where nothing keeps it from the node's files.
    pub(crate) unconfined: bool,
    /// Layers to leave out though the system gives them.
    pub(crate) without: Vec<Layer>,
}

/// A folder or file that a script is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Granted {
    /// Where it is. No part of it is a link: what was allowed is what is given, also when somebody puts a link there since.
    pub(crate) real: PathBuf,
    /// Where the script sees it.
    pub(crate) at: PathBuf,
    /// What the script is not shown of it: the node's own folder, as a path inside.
    pub(crate) hide: Option<PathBuf>,
}

/// Bounds of the processes in a cage.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// Private memory of one process, in bytes.
    pub(crate) data_bytes: u64,
    /// Processes and threads.
    pub(crate) processes: u64,
    /// The largest file it may write, in bytes.
    pub(crate) file_bytes: u64,
    /// Open files of one process.
    pub(crate) open_files: u64,
    /// Processor time of one process, in seconds.
    pub(crate) cpu_s: u64,
    /// All files in its own folder together, in bytes.
    pub(crate) scratch_bytes: u64,
}

/// What holds a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// User, pid, ipc, uts and mount namespaces.
    Namespaces,
    /// A view of the file system with nothing in it but the system's programs and what the step was given.
    Mounts,
    /// A process list of its own.
    Proc,
    /// A network without anything in it, unless hosts are declared.
    Network,
    /// Landlock: the second wall around files and sockets.
    Landlock,
    /// seccomp: dangerous system calls are refused.
    Seccomp,
    /// No program may raise its rights.
    NoNewPrivileges,
    /// Bounds on memory, processes, file size, open files and processor time.
    Limits,
}

impl Layer {
    /// Every layer.
    pub const ALL: [Self; 8] = [
        Self::Namespaces,
        Self::Mounts,
        Self::Proc,
        Self::Network,
        Self::Landlock,
        Self::Seccomp,
        Self::NoNewPrivileges,
        Self::Limits,
    ];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Mounts => "minimal mount view",
            Self::Proc => "own /proc",
            Self::Network => "network namespace",
            Self::Landlock => "Landlock",
            Self::Seccomp => "seccomp",
            Self::NoNewPrivileges => "no new privileges",
            Self::Limits => "resource limits",
        }
    }
}

/// A layer that this host does not give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// Which.
    pub(crate) layer: Layer,
    /// What the system said.
    pub(crate) why: String,
}

/// What a closed cage says about itself, before the interpreter starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Closed {
    /// Whether it has its own mounts, so that paths start with [`INSIDE`].
    pub(crate) mounts: bool,
    /// Whether it has its own process ids, so that leftovers can be ended between calls.
    pub(crate) pids: bool,
    /// What it lacks.
    pub(crate) missing: Vec<Missing>,
}
