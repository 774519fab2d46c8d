//! The command line: one file per command.

mod chat;
pub(crate) mod client;
mod completions;
mod component;
mod doctor;
mod engine;
pub(crate) mod fail;
mod follow;
mod grant;
mod id;
mod input;
mod job;
mod job_look;
mod login_link;
mod peer;
mod person;
mod place;
mod preset;
mod preset_check;
mod preset_file;
mod receipts;
mod run;
mod schema;
mod secret;
mod show;
mod status;
mod store_files;
mod token;
mod until;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use serde_json::Value;

use self::client::Client;
use self::fail::{EXIT_CODES, Fail};
use crate::config::Environment;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "flowork",
    version,
    about = "Your own workflow node: draw a workflow, it runs durably on your machine",
    after_help = EXIT_CODES,
    propagate_version = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The data directory [default: $FLOWORK_DATA, or flowork in your data folder]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the node and keep it running (what plain `flowork` does)
    Up(up::Up),
    /// Show how the node is
    Status,
    /// Look at what this machine offers and what is missing
    Doctor,
    /// Run a preset: a file, or one that the node knows by name
    Run(run::Run),
    /// List jobs, look at one, steer it
    #[command(subcommand)]
    Job(job::Job),
    /// Presets: drafts, versions, files
    #[command(subcommand)]
    Preset(preset::Preset),
    /// The kinds of steps that this node has
    #[command(subcommand)]
    Component(component::Component),
    /// Secrets that steps are given by name
    #[command(subcommand)]
    Secret(secret::Secret),
    /// Tokens that let programs use the HTTP API
    #[command(subcommand)]
    Token(token::Token),
    /// Other nodes: invite, join, list, remove
    #[command(subcommand)]
    Peer(peer::Peer),
    /// You as the owner of several nodes: a key of 24 words that says which nodes are yours
    #[command(subcommand)]
    Person(person::Person),
    /// Engines that this node lends; who may use them, grants say
    #[command(subcommand)]
    Engine(engine::Engine),
    /// Grants: who may use which engine, how much and until when
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Receipts of calls: what was done for others and by others
    Receipts(receipts::Receipts),
    /// Ask a model of this node, or of a friend who lends one
    Chat(chat::Chat),
    /// Make a one-time link that lets a browser in
    LoginLink(login_link::LoginLink),
    /// Write one encrypted file with everything, while the node runs
    Backup(store_files::Backup),
    /// Make a data directory from a backup
    Restore(store_files::Restore),
    /// Print a JSON Schema
    #[command(subcommand)]
    Schema(schema::Schema),
    /// Print completions for a shell
    Completions(completions::Completions),
    /// Print the node's id, or give the node a new key
    Id {
        #[command(subcommand)]
        what: Option<id::Id>,
    },
}

/// What commands work with.
pub(crate) struct Context {
    /// The environment.
    pub(crate) environment: Environment,
    /// Whether output is JSON.
    pub(crate) json: bool,
    /// `--data`.
    data: Option<PathBuf>,
}

impl Context {
    /// The data directory.
    pub(crate) fn data(&self) -> Result<PathBuf, Fail> {
        let data = self.data.clone().or_else(|| self.environment.data.clone());
        let data = data.ok_or_else(|| {
            Fail::usage("there is no data directory: neither --data nor FLOWORK_DATA nor HOME is set")
        })?;
        std::path::absolute(&data).map_err(|error| Fail::because(format!("cannot use {}", data.display()), &error))
    }

    /// The running node.
    pub(crate) fn client(&self) -> Result<Client, Fail> {
        Client::of_running(&self.data()?)
    }

    /// Prints an answer: as JSON, or as `text` makes it.
    pub(crate) fn print(&self, answer: &Value, text: impl FnOnce(&Value) -> String) {
        if self.json {
            print_json(answer);
        } else {
            print_text(&text(answer));
        }
    }
}

/// Prints JSON for people and programs.
pub(crate) fn print_json(value: &Value) {
    print_text(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()));
}

/// Whether this process goes on when nobody reads what it prints: a node does, a command does not.
static STAYS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Prints without failing when nobody reads any more (`flowork job list | head`).
pub(crate) fn print_text(text: &str) {
    use std::io::Write as _;
    let gone = std::io::stdout().lock().write_all(text.as_bytes()).is_err();
    if gone && !STAYS.load(std::sync::atomic::Ordering::Relaxed) {
        std::process::exit(0);
    }
}

/// Prints a remark to stderr. One that cannot be written is lost: it is not worth the command.
pub(crate) fn print_remark(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::read();
    let command = cli.command.unwrap_or_else(|| Command::Up(up::Up::default()));
    crate::init_log(&environment, matches!(command, Command::Up(_)));
    STAYS.store(matches!(command, Command::Up(_)), std::sync::atomic::Ordering::Relaxed);
    let json = cli.global.json;
    let context = Context { environment, json, data: cli.global.data };
    let runtime = match command {
        // An embedded node wants the cores; the supervisor must start its children from one thread that stays.
        Command::Run(_) => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    };
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            Fail::because("cannot start a runtime", &error).show(json);
            return ExitCode::from(fail::FAILED);
        }
    };
    let done = runtime.block_on(Box::pin(dispatch(command, context)));
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => {
            fail.show(json);
            ExitCode::from(fail.code)
        }
    }
}

async fn dispatch(command: Command, context: Context) -> Result<(), Fail> {
    match command {
        Command::Up(up) => up.run(context).await,
        Command::Status => status::run(&context).await,
        Command::Doctor => doctor::run(&context).await,
        Command::Run(run) => run.run(context).await,
        Command::Job(job) => job.run(context).await,
        Command::Preset(preset) => preset.run(context).await,
        Command::Component(component) => component.run(&context).await,
        Command::Secret(secret) => secret.run(&context).await,
        Command::Token(token) => token.run(&context).await,
        Command::Peer(peer) => peer.run(&context).await,
        Command::Person(person) => person.run(&context).await,
        Command::Engine(engine) => engine.run(&context).await,
        Command::Grant(grant) => grant.run(&context).await,
        Command::Receipts(receipts) => receipts.run(&context).await,
        Command::Chat(chat) => chat.run(&context).await,
        Command::LoginLink(link) => link.run(&context).await,
        Command::Backup(backup) => backup.run(&context).await,
        Command::Restore(restore) => restore.run(&context).await,
        Command::Schema(schema) => schema.run(&context),
        Command::Completions(completions) => completions.run(&mut Cli::command()),
        Command::Id { what } => id::run(what, &context).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn data_and_json_may_stand_behind_any_command() {
        let cli = Cli::try_parse_from(["flowork", "job", "list", "--json", "--data", "/x"]).unwrap();
        assert!(cli.global.json);
        assert_eq!(cli.global.data, Some(PathBuf::from("/x")));
        assert!(Cli::try_parse_from(["flowork"]).unwrap().command.is_none());
    }
}
