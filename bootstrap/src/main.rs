//! `flowork-bootstrap`: a public host through which nodes find and reach each other.
//!
//! Who has a machine that everybody can reach runs this on it, invites their own and their friends' nodes, and those can be
//! reached from anywhere, also behind routers: relayed at first, directly once both sides got through. It keeps no jobs and no
//! engines, and what it passes on is encrypted between the nodes (docs/security.md says what its operator sees).

mod config;
mod host_key;
mod members;
mod metrics;
mod serve;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand};
use flowork_protocol::{NodeId, Timestamp};

use config::Config;
use members::Folder;

/// A public host through which Flowork nodes find and reach each other
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// The configuration: TOML. /etc/flowork/bootstrap.toml when that is there, else the defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host; what happens without a command
    Run,
    /// Make an invitation: a link by which one node becomes a member, with `flowork peer join LINK`
    Invite {
        /// How many minutes it holds
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
        minutes: u32,
    },
    /// List the members
    Members,
    /// Let a member go; within a second when the host runs
    Remove {
        /// Its name, or its node id
        member: String,
    },
    /// Say which node this is
    Id,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let colours = std::io::stderr().is_terminal();
    let filter = tracing_subscriber::EnvFilter::try_from_env("FLOWORK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A line that cannot be written is not complained about where it cannot be written either.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .log_internal_errors(false)
        .init();
    match carry_out(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flowork-bootstrap: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(cli: Cli) -> anyhow::Result<()> {
    let config = Config::read(cli.config.as_deref())?;
    match cli.command.unwrap_or(Command::Run) {
        Command::Run => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(serve::run(config))
        }
        Command::Invite { minutes } => invite(&config, minutes),
        Command::Members => {
            for member in Folder::open(&config.data)?.list() {
                say(&format!("{}  {}", member.node, member.name));
            }
            Ok(())
        }
        Command::Remove { member } => {
            let folder = Folder::open(&config.data)?;
            let found: Vec<_> =
                folder.list().into_iter().filter(|one| one.name == member || one.node.to_string() == member).collect();
            match found.as_slice() {
                [] => bail!("there is no member `{member}`; `flowork-bootstrap members` lists them"),
                [one] => {
                    folder.forget(one.node)?;
                    say(&format!("{} ({}) is no member any more", one.name, one.node));
                    Ok(())
                }
                several => bail!("{} members are called `{member}`; say the node id", several.len()),
            }
        }
        Command::Id => {
            say(&host_key::node_id(&*host_key::open(&config.data)?).to_string());
            Ok(())
        }
    }
}

fn invite(config: &Config, minutes: u32) -> anyhow::Result<()> {
    let node: NodeId = host_key::node_id(&*host_key::open(&config.data)?);
    let addresses = serve::addresses(config)?;
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
    let ends_at = now().plus_ms(u64::from(minutes) * 60_000);
    let (link, id) = flowork_mesh::host::invitation(node, config.name.clone(), secret, ends_at, addresses.clone());
    Folder::open(&config.data)?.invite(&id, ends_at).context("the invitation cannot be written down")?;
    say(&format!("{link}\n"));
    if std::io::stdout().is_terminal()
        && let Ok(code) = qrcode::QrCode::with_error_correction_level(link.as_bytes(), qrcode::EcLevel::L)
    {
        say(&format!("{}\n", code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build()));
    }
    say(&format!("It lets one node in, within {minutes} minutes. There: flowork peer join LINK"));
    say(&format!("This host is at\n  {}", addresses.join("\n  ")));
    Ok(())
}

/// Prints a line. Who reads no further (`| head -1`) has read enough.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
