//! The HTTP surface of a node: the API, live feeds, webhooks, and who may use them.
//!
//! `Options → run → Handle`. Everything that the gateway knows it reads from the store, and everything that it accepts is
//! on disk in its inbox before it says so.
//!
//! Non-goals: running jobs, opening secrets, keeping drafts.
//!
//! Architecture invariants: the gateway holds no job state, so any number of them may serve one node and each may die at
//! any moment. It can seal a secret and cannot open one. No command reaches the inbox without a permit.

mod access;
mod api;
mod body;
mod context;
mod extract;
mod feed;
mod guard;
mod gui;
mod history;
mod hook;
mod known;
mod linger;
mod login;
mod origins;
mod page;
mod problem;
mod routes;
mod serve;
mod submit;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::blobs::{Blobs, ByteStream};
use flowork_ports::component::Preview;
use flowork_ports::gui::Files;
use flowork_ports::roles::RoleStatus;
use flowork_ports::store::{Inbox, Reader};
use flowork_ports::vault::Seal;
use flowork_ports::{Bell, Documents, Engines, Mesh};
use flowork_protocol::NodeId;
use flowork_protocol::check::Catalogue;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use routes::backup::BackupAsk;

/// How large an uploaded file may be unless [`Options::upload_bytes_max`] says otherwise.
pub const UPLOAD_BYTES_MAX: u64 = 2 << 30;

/// How long a gateway waits for a client that is slow.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the whole head of a request; as long an idle connection stays open.
    pub head: Duration,
    /// Between two pieces of a body.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(30), pause: Duration::from_secs(30) }
    }
}

/// What a gateway needs.
pub struct Options {
    /// Where to listen. Port 0 picks a free one. Ignored when there is a `listener`.
    pub listen: SocketAddr,
    /// A socket that listens already.
    pub listener: Option<std::net::TcpListener>,
    /// Takes what it accepts.
    pub inbox: Arc<dyn Inbox>,
    /// Reads what is committed.
    pub reader: Arc<dyn Reader>,
    /// Drafts and versions.
    pub documents: Arc<dyn Documents>,
    /// Other nodes.
    pub mesh: Arc<dyn Mesh>,
    /// Engines, of this node and of others.
    pub engines: Arc<dyn Engines>,
    /// Files, and the bytes of versions.
    pub blobs: Arc<dyn Blobs>,
    /// The components that presets are checked against.
    pub catalogue: Arc<dyn Catalogue>,
    /// Tries expressions.
    pub preview: Arc<dyn Preview>,
    /// Seals secrets.
    pub seal: Arc<dyn Seal>,
    /// Says when to look.
    pub bell: Bell,
    /// How the processes of the node are.
    pub roles: watch::Receiver<Vec<RoleStatus>>,
    /// Which node this is.
    pub node_id: NodeId,
    /// The version of Flowork.
    pub version: String,
    /// BLAKE3 of the admin token that the command line of this machine uses, hex.
    pub local_token_hash: Option<String>,
    /// Hosts beside the loopback names that requests may be for, as `name` or `name:port`.
    pub hosts: Vec<String>,
    /// Writes backups.
    pub backup: Arc<dyn Backup>,
    /// The data directory, to show.
    pub data_dir: String,
    /// How large an uploaded file may be.
    pub upload_bytes_max: u64,
    /// How long a slow client is waited for.
    pub patience: Patience,
    /// The web GUI, when the binary has it.
    pub gui: Option<Files>,
}

/// Writes backups of the whole node. The binary implements it, because only it knows all rooms.
#[async_trait]
pub trait Backup: Send + Sync {
    /// Begins a backup and gives the file as it is written. An error inside the stream ends the download early, so that a
    /// cut backup is never taken for a whole one.
    ///
    /// # Errors
    /// Why it cannot begin, for people.
    async fn begin(&self, ask: BackupAsk) -> Result<ByteStream, String>;
}

/// Why a gateway does not come up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken or not allowed.
    #[error("cannot listen on {addr}; end what uses it, or pass --listen 127.0.0.1:0 to pick a free port")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The socket that was handed in is no good.
    #[error("the listening socket that was handed over cannot be used")]
    Listener(#[source] std::io::Error),
}

/// A gateway that serves.
#[derive(Debug)]
pub struct Handle {
    /// Where it listens.
    pub addr: SocketAddr,
    ended: CancellationToken,
}

impl Handle {
    /// Waits until every connection has ended: after the cancellation, or because the gateway broke. Then only a fresh one
    /// helps.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

/// Comes up: binds, reads who may come in, serves until `cancel`.
///
/// A store that cannot be read does not stop it: requests then say what is wrong with the store.
///
/// # Errors
/// [`Error::Listen`] when the address cannot be had.
pub async fn run(mut options: Options, cancel: CancellationToken) -> Result<Handle, Error> {
    let listener = match options.listener.take() {
        Some(listener) => {
            listener.set_nonblocking(true).map_err(Error::Listener)?;
            tokio::net::TcpListener::from_std(listener).map_err(Error::Listener)?
        }
        None => {
            let addr = options.listen;
            tokio::net::TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?
        }
    };
    let addr = listener.local_addr().map_err(Error::Listener)?;
    let head_within = options.patience.head;
    let stop = cancel.child_token();
    let (known, keeper) = known::start(options.reader.clone(), options.bell.clone(), stop.clone()).await;
    let context = context::Ctx::new(options, addr, known, stop.clone());
    let router = api::router(context);
    let ended = CancellationToken::new();
    // Also when a panic ends the task.
    let guard = ended.clone().drop_guard();
    tokio::spawn(async move {
        let _guard = guard;
        let keeping = async {
            let kept = keeper.await;
            if kept.is_err() || !stop.is_cancelled() {
                tracing::error!(?kept, "the keeper of tokens and activations broke; the gateway ends");
                stop.cancel();
            }
        };
        tokio::join!(keeping, serve::serve(listener, router, head_within, stop.clone()));
    });
    Ok(Handle { addr, ended })
}

/// The OpenAPI document of the API, as `GET /api/v1/openapi.json` gives it.
#[must_use]
pub fn openapi(version: &str) -> serde_json::Value {
    api::document(version)
}
