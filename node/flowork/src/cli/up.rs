//! `flowork up`: prepares the data directory, starts the supervisor, says where the node is, and stays until it is told to end.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::client::Client;
use super::fail::{FAILED, Fail, REFUSED};
use super::follow::{self, Show};
use super::{Context, login_link, print_text, show};
use crate::config::LISTEN;
use crate::node_files::NodeFiles;
use crate::prepare::{Prepared, prepare};
use crate::supervisor::{self, handover};

/// What a fresh node runs first.
const WELCOME: &str = include_str!("../../../../examples/welcome.json");

/// Start the node and keep it running
#[derive(Debug, Default, Args)]
pub(crate) struct Up {
    /// Where to listen, on this machine only [default: 127.0.0.1:4141]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// A further name of this node, as the proxy or tunnel before it is called: flow.example.org; may be said again
    #[arg(long = "host", value_name = "NAME[:PORT]", value_parser = host_name)]
    hosts: Vec<String>,
    /// Where other nodes may reach this one: ADDRESS:PORT or a multiaddress; may be said again [default: every address, port 4142]
    #[arg(long = "mesh-listen", value_name = "ADDRESS")]
    mesh_listen: Vec<String>,
    /// Listen for no other node, and announce nothing on the local network
    #[arg(long, conflicts_with = "mesh_listen")]
    no_mesh: bool,
    /// Do not run the welcome preset in a fresh data directory
    #[arg(long)]
    no_welcome: bool,
    /// Open the web GUI in the browser of this machine, signed in
    #[arg(long)]
    open: bool,
    /// A file whose first line is the keys' passphrase [default: $FLOWORK_PASSPHRASE]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Up {
    /// Runs the node.
    pub(crate) async fn run(self, context: Context) -> Result<(), Fail> {
        let begun = Instant::now();
        let data = context.data()?;
        let passphrase = match &self.passphrase_file {
            Some(file) => Some(read_passphrase(file)?),
            None => context.environment.passphrase.clone(),
        };
        let mut prepared = prepare(&data, &context.environment.home, passphrase.as_ref())?;
        prepared.start.hosts.clone_from(&self.hosts);
        prepared.start.mesh.is_off = self.no_mesh || (context.environment.is_mesh_off && self.mesh_listen.is_empty());
        prepared.start.mesh.listen.clone_from(&self.mesh_listen);
        let listen = self.listen.as_deref().or(context.environment.listen.as_deref()).unwrap_or(LISTEN);
        let (listener, address) = bind(listen)?;
        let cancel = CancellationToken::new();
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signal)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
        let node = supervisor::run(options(&prepared, listener)?, cancel.clone());
        let files = NodeFiles::write(&prepared.folders.data, address, &prepared.token)
            .map_err(|error| Fail::because("cannot say where the node listens", &error))?;
        tokio::select! {
            told = self.greet(&context, &prepared, &node, address, begun) => {
                if let Err(fail) = told {
                    fail.show(context.json);
                }
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            }
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
        drop(files);
        cancel.cancel();
        tokio::select! {
            () = node.ended() => Ok(()),
            _ = interrupt.recv() => Err(Fail::new(FAILED, "interrupted again; roles that still run are ended hard")),
        }
    }

    async fn greet(
        &self, context: &Context, prepared: &Prepared, node: &supervisor::Handle, address: SocketAddr, begun: Instant,
    ) -> Result<(), Fail> {
        node.ready().await;
        let ready_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let id = prepared.start.node_id;
        let data = prepared.folders.data.display();
        let client = Client::new(address, prepared.token.clone())?;
        let link = if context.json {
            // One line tells a program everything.
            let link = login(&client).await;
            let data = data.to_string();
            let told = json!({ "address": address, "node": id, "data": data, "ready_ms": ready_ms, "login": link });
            print_text(&format!("{told}\n"));
            self.welcome(context, prepared, &client).await?;
            link
        } else {
            print_text(&format!(
                "Flowork {} is up at http://{address} ({ready_ms} ms)\n  node {id}\n  data {data}\n",
                env!("CARGO_PKG_VERSION")
            ));
            let welcomed = self.welcome(context, prepared, &client).await;
            // Last, so that it is in sight, and whatever became of the first workflow.
            let link = login(&client).await;
            print_text(&match &link {
                Some(link) => format!("Log in, once, in the next 15 minutes: {link}\n"),
                None if flowork_gui::files().is_none() => {
                    "There is no web GUI in this build; the address above says how to get it.\n".to_owned()
                }
                None => "`flowork login-link` makes a link to log in by.\n".to_owned(),
            });
            welcomed?;
            print_text(
                "Press Ctrl-C to stop. In another terminal: flowork run FILE, flowork job list, flowork --help\n",
            );
            link
        };
        match link {
            Some(link) if self.open => login_link::open(context, &prepared.folders.data, &link).await,
            _ => Ok(()),
        }
    }

    async fn welcome(&self, context: &Context, prepared: &Prepared, client: &Client) -> Result<(), Fail> {
        match prepared.is_fresh && !self.no_welcome {
            true => welcome(context, client).await,
            false => Ok(()),
        }
    }
}

/// A link to log in by, where there is a GUI to log in to. The node is up without it.
async fn login(client: &Client) -> Option<String> {
    flowork_gui::files()?;
    match login_link::make(client, "admin").await {
        Ok(made) => Some(show::text_of(&made["link"])),
        Err(fail) => {
            tracing::warn!(why = fail.message, "no login link was made; `flowork login-link` makes one");
            None
        }
    }
}

/// A host as it stands in a request, without scheme and path.
fn host_name(text: &str) -> Result<String, String> {
    let (name, port) = text.rsplit_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_name = !name.is_empty() && name.len() <= 253 && name.chars().all(good);
    if is_name && port.is_none_or(|port| port.parse::<u16>().is_ok()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err("a name such as flow.example.org or flow.example.org:8443, without https:// and without a path".to_owned())
}

/// Runs the welcome preset and shows what it gives.
async fn welcome(context: &Context, client: &Client) -> Result<(), Fail> {
    let preset: serde_json::Value =
        serde_json::from_str(WELCOME).map_err(|error| Fail::because("the welcome preset does not read", &error))?;
    let name = preset["name"].as_str().unwrap_or("welcome").to_owned();
    // Kept as a draft too, so that there is something to look at and to change.
    match client.post("/api/v1/presets", &preset).await {
        Ok(_) => {}
        Err(fail) => tracing::warn!(why = fail.message, "the welcome preset is not kept as a draft"),
    }
    let asked = json!({ "inline": preset, "idempotency_key": "welcome" });
    let started = client.post("/api/v1/jobs", &asked).await?;
    let job = show::text_of(&started["job"]);
    if !context.json {
        print_text(&format!("\nA first workflow, `{name}`, runs as job {job}:\n"));
    }
    let view = follow::follow(client, &job, if context.json { Show::Nothing } else { Show::Steps }).await?;
    follow::verdict(&job, &view)?;
    if !context.json {
        print_text("\n");
        follow::print_output(client, &job, &view).await?;
        print_text("\n");
    }
    Ok(())
}

fn options(prepared: &Prepared, listener: TcpListener) -> Result<supervisor::Options, Fail> {
    let fail = |error: std::io::Error| Fail::because("cannot hand the roles what they need", &error);
    Ok(supervisor::Options {
        start: prepared.start.clone(),
        lock: prepared.lock.share().map_err(fail)?,
        listener: OwnedFd::from(listener),
        node_key: handover::seal_key("flowork node key", prepared.keys.node_seed.as_slice()).map_err(fail)?,
        vault_key: handover::seal_key("flowork vault key", prepared.keys.vault_identity.as_bytes()).map_err(fail)?,
    })
}

fn no_signal(error: std::io::Error) -> Fail {
    Fail::because("cannot listen to signals", &error)
}

/// Opens the socket that every gateway of this node will serve.
pub(crate) fn bind(listen: &str) -> Result<(TcpListener, SocketAddr), Fail> {
    let wrong = || {
        Fail::usage(format!("`{listen}` is not an address with a port"))
            .hint("write it like 127.0.0.1:4141; port 0 picks a free one")
    };
    let address = listen.to_socket_addrs().map_err(|_| wrong())?.next().ok_or_else(wrong)?;
    if !address.ip().is_loopback() {
        return Err(Fail::new(
            REFUSED,
            format!("{address} can be reached from other machines, and this node is for this one only"),
        )
        .hint("listen on 127.0.0.1; to reach it from elsewhere use an SSH tunnel: ssh -L 4141:127.0.0.1:4141 HOST"));
    }
    let listener = TcpListener::bind(address).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            Fail::new(REFUSED, format!("port {} is taken by another program", address.port()))
                .hint("pass --listen 127.0.0.1:0 to pick a free one")
        }
        std::io::ErrorKind::PermissionDenied => {
            Fail::new(REFUSED, format!("this user may not listen on port {}", address.port()))
                .hint("pass --listen 127.0.0.1:0 to pick a free one")
        }
        _ => Fail::because(format!("cannot listen on {address}"), &error),
    })?;
    let bound = listener.local_addr().and_then(|bound| listener.set_nonblocking(true).map(|()| bound));
    let bound = bound.map_err(|error| Fail::because(format!("cannot listen on {address}"), &error))?;
    Ok((listener, bound))
}

/// The first line of a file.
pub(super) fn read_passphrase(file: &std::path::Path) -> Result<Zeroizing<String>, Fail> {
    let text = std::fs::read_to_string(file)
        .map(Zeroizing::new)
        .map_err(|error| Fail::because(format!("cannot read the passphrase from {}", file.display()), &error))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Fail::usage(format!("the first line of {} is empty; it should be the passphrase", file.display())));
    }
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_a_way_out() {
        let (_held, address) = bind("127.0.0.1:0").unwrap();
        let fail = bind(&address.to_string()).unwrap_err();
        assert_eq!(fail.message, format!("port {} is taken by another program", address.port()));
        assert_eq!(fail.hint.as_deref(), Some("pass --listen 127.0.0.1:0 to pick a free one"));
    }

    #[test]
    fn an_address_that_others_can_reach_is_refused() {
        assert_eq!(bind("0.0.0.0:0").unwrap_err().code, REFUSED);
        assert_eq!(bind("nonsense").unwrap_err().code, super::super::fail::USAGE);
    }
}
