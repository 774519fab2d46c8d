//! The binary: config, keystore, supervisor, links, command line. The only place that wires rooms together.
//!
//! `flowork up` runs one process per role (`roles`) under a supervisor (`supervisor`); commands speak HTTP to that node, or to
//! one that runs inside their own process (`embedded`).

mod backup;
mod cli;
mod config;
mod documents_link;
mod embedded;
mod keystore;
mod link;
mod lock;
mod mesh_link;
mod mesh_plan;
mod node_files;
mod prepare;
mod roles;
mod rooms;
mod supervisor;
mod vault;
mod visits_link;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use flowork_protocol::Timestamp;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The hidden subcommand that cages a script.
const CAGE: &str = "__cage";
/// The hidden subcommand of the supervisor's children.
const ROLE: &str = "__role";
/// The hidden subcommand that writes a backup.
const BACKUP: &str = "__backup";

fn main() -> ExitCode {
    // A role needs a few megabytes; huge pages round each heap up by as many again. Children inherit it. Where the system
    // does not know it, the node is only larger.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let mut args = std::env::args_os().skip(1);
    // These three are started by Flowork itself, often, and do without the command line's machinery.
    match args.next() {
        Some(first) if first == CAGE => {
            let rest: Vec<_> = args.collect();
            flowork_workers::cage_main(&rest)
        }
        Some(first) if first == ROLE => roles::main(args),
        Some(first) if first == BACKUP => backup::main(args),
        _ => cli::main(),
    }
}

/// The time. Every room that needs it is handed this.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// An error with what caused it, as one sentence.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Transparent wrappers say the same thing twice.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Sends the log of this process to stderr.
fn init_log(environment: &config::Environment, of_the_node: bool) {
    use std::io::IsTerminal as _;
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(environment.log_filter(of_the_node)).unwrap_or_else(|error| {
        eprintln!("FLOWORK_LOG is not a filter ({error}); logging errors only");
        EnvFilter::new("error")
    });
    let colours = std::io::stderr().is_terminal() && !environment.no_color;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        // A line that cannot be written (a full disk, a closed pipe) would be complained about on stderr, which panics then.
        .log_internal_errors(false);
    // A second call (there is none) would leave the first in place.
    let _ = log.try_init();
}
