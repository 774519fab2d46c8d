//! Builds the rooms of a node from a data directory. Role processes and the embedded node use the same builders; nothing
//! else wires rooms together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowork_components::Library;
use flowork_engines::Adopted;
use flowork_ports::roles::{RoleStatus, Trouble};
use flowork_ports::store::Reader;
use flowork_ports::{Bell, Documents, Engines, Mesh, OwnFolder, Ring};
use flowork_protocol::NodeId;
use flowork_store::Layout;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::backup::ChildBackup;
use crate::mesh_plan::MeshPlan;
use crate::supervisor::start::{MeshStart, Start};
use crate::vault::{AgeSeal, AgeVault};

/// The name of the gateway's inbox. A second gateway would have another.
const INBOX: &str = "main";
/// The name of the inbox of mesh.
const MESH_INBOX: &str = "mesh";
/// Where the word of the node's old key lies, when it was given a new one.
pub(crate) const SUCCESSION: &str = "succession";
/// Files from other nodes that have not come whole, in the data folder.
const INCOMING: &str = "incoming";
/// With a file of this name in the data directory the owner says that scripts may run where nothing keeps them from the
/// node's files. A file, so that it holds for every way in which this node is started, and no step can make it.
pub(crate) const ALLOW_UNCONFINED: &str = "allow-unconfined-scripts";
/// How many jobs each shard keeps in memory at once.
const JOBS_PER_SHARD_MAX: usize = 256;

/// Why a room does not come up, for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The store cannot be opened.
    #[error("the store cannot be opened")]
    Layout(#[from] flowork_store::layout::Error),
    /// A file of the store cannot be opened.
    #[error("the store cannot be opened")]
    Store(#[from] flowork_ports::store::Error),
    /// The documents cannot be read.
    #[error("docs cannot start")]
    Documents(#[from] flowork_documents::Error),
    /// The mesh does not come up.
    #[error("the mesh cannot start")]
    Mesh(#[from] flowork_mesh::Error),
    /// The gateway does not come up.
    #[error("the gateway cannot start")]
    Gateway(#[from] flowork_gateway::Error),
    /// No model server could be asked.
    #[error("{0}")]
    Models(flowork_protocol::Failure),
    /// A key is not one.
    #[error("a key cannot be used: {0}")]
    Key(String),
}

/// Where components find their way.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// What `~` stands for in presets.
    pub(crate) home: PathBuf,
}

/// Every component of this node, and the workers of the scripts among them (none are started).
pub(crate) fn library(folders: &Folders, engines: Arc<dyn Engines>) -> (Arc<Library>, flowork_workers::Handle) {
    let launcher = flowork_workers::Launcher {
        // This very program, also when the file it was started from has been replaced meanwhile.
        program: "/proc/self/exe".into(),
        args: vec![crate::CAGE.into()],
    };
    let scratch = folders.data.join("scratch");
    let files = folders.data.join("files");
    let own_folder = OwnFolder::new(folders.data.clone(), files.clone());
    let (scripts, workers) = flowork_workers::components(flowork_workers::Options {
        unconfined: folders.data.join(ALLOW_UNCONFINED).exists(),
        ..flowork_workers::Options::new(launcher, scratch, own_folder.clone())
    });
    let mut components = flowork_components::builtin(flowork_components::Options {
        files_dir: files,
        home_dir: folders.home.clone(),
        own_folder,
        engines,
    });
    components.extend(scripts);
    (Arc::new(Library::new(components)), workers)
}

/// The keeper of drafts.
pub(crate) async fn docs(
    layout: &Layout, library: Arc<Library>, bell: Bell, cancel: CancellationToken,
) -> Result<flowork_documents::Handle, Error> {
    let options = flowork_documents::Options {
        table: layout.document_table()?,
        blobs: layout.blobs(),
        sweeper: layout.sweeper(),
        catalogue: library,
        bell,
        clock: Arc::new(crate::now),
        on_fatal: Arc::new(|why| {
            tracing::error!(why, "docs ends so that no edit is lost");
            std::process::exit(i32::from(crate::cli::fail::FAILED));
        }),
    };
    Ok(flowork_documents::run(options, cancel).await?)
}

/// A running kernel and what belongs to it.
pub(crate) struct Kernel {
    handle: flowork_kernel::Handle,
    /// Which files give it trouble.
    pub(crate) troubles: watch::Receiver<Vec<Trouble>>,
    workers: flowork_workers::Handle,
    /// Ends when dropped.
    indexer: Option<Box<dyn std::any::Any + Send>>,
}

impl Kernel {
    /// Waits until it runs no job any more, because it was stopped or broke.
    pub(crate) async fn ended(&self) {
        self.handle.ended().await;
    }

    /// Lets go of every job in memory and ends every worker.
    pub(crate) async fn stop(self) {
        self.handle.stop().await;
        self.workers.shutdown().await;
        drop(self.indexer);
    }
}

/// The runner of jobs.
pub(crate) fn kernel(
    layout: &Layout, (library, workers): (Arc<Library>, flowork_workers::Handle), vault_identity: &str, bell: Bell,
    cancel: &CancellationToken,
) -> Result<Kernel, Error> {
    let store = layout.kernel(bell.clone())?;
    let (troubles, told) = watch::channel(store.failures);
    let vault = AgeVault::new(vault_identity, store.node.clone()).map_err(Error::Key)?;
    let options = flowork_kernel::Options {
        shards: store.shards,
        node: store.node,
        library,
        blobs: layout.blobs(),
        vault: Arc::new(vault),
        bell,
        clock: Arc::new(crate::now),
        jobs_per_shard_max: JOBS_PER_SHARD_MAX,
        troubles,
    };
    let handle = flowork_kernel::run(options, cancel);
    let indexer = store.indexer.map(|indexer| Box::new(indexer) as Box<dyn std::any::Any + Send>);
    Ok(Kernel { handle, troubles: told, workers, indexer })
}

/// What speaks to other nodes, and what waits until it should be started anew, because its settings changed.
pub(crate) async fn mesh(
    layout: &Layout, seed: flowork_mesh::Seed, start: &MeshStart, bell: Bell, cancel: CancellationToken,
) -> Result<(flowork_mesh::Handle, impl Future<Output = ()> + Send + use<>), Error> {
    let reader = layout.reader();
    let rings = bell.listen();
    let plan = MeshPlan::of(start, &reader.settings().await?);
    let changed = changed(plan.clone(), start.clone(), reader.clone(), rings);
    let options = flowork_mesh::Options {
        seed,
        // What is not there was never rotated; what does not read is of no use.
        succession: std::fs::read(layout.dir().join(SUCCESSION)).ok(),
        name: plan.name,
        version: env!("CARGO_PKG_VERSION"),
        listen: plan.listen,
        lan: plan.lan,
        upnp: plan.upnp,
        relay: plan.relay.then(flowork_mesh::Budgets::default),
        external: plan.external,
        table: layout.mesh_table()?,
        inbox: layout.inbox(MESH_INBOX, bell.clone())?,
        blobs: layout.blobs(),
        models: Arc::new(Adopted::new().map_err(Error::Models)?),
        incoming: layout.dir().join(INCOMING),
        reader,
        bell,
        clock: Arc::new(crate::now),
        desktop: crate::config::desktop(),
    };
    Ok((flowork_mesh::run(options, cancel).await?, changed))
}

async fn changed(plan: MeshPlan, start: MeshStart, reader: Arc<dyn Reader>, mut rings: broadcast::Receiver<Ring>) {
    loop {
        let is_news = match rings.recv().await {
            Ok(ring) => ring == Ring::Node,
            Err(RecvError::Lagged(_)) => true,
            Err(RecvError::Closed) => return std::future::pending().await,
        };
        if is_news {
            match reader.settings().await {
                Ok(settings) if MeshPlan::of(&start, &settings) == plan => {}
                Ok(_) => return,
                Err(error) => tracing::warn!(%error, "settings of the mesh could not be read again"),
            }
        }
    }
}

/// What the gateway is told beside the rooms it reads from.
pub(crate) struct GatewayParts {
    /// What every role is told.
    pub(crate) start: Start,
    /// The socket, when somebody else opened it.
    pub(crate) listener: Option<std::net::TcpListener>,
    /// Drafts.
    pub(crate) documents: Arc<dyn Documents>,
    /// Other nodes.
    pub(crate) mesh: Arc<dyn Mesh>,
    /// Engines, here and there.
    pub(crate) engines: Arc<dyn Engines>,
    /// How the processes of the node are.
    pub(crate) roles: watch::Receiver<Vec<RoleStatus>>,
}

/// The one who speaks HTTP.
pub(crate) async fn gateway(
    layout: &Layout, library: Arc<Library>, parts: GatewayParts, bell: Bell, cancel: CancellationToken,
) -> Result<flowork_gateway::Handle, Error> {
    let Start { node_id, vault_recipient, local_token_hash, hosts, .. } = parts.start;
    let options = flowork_gateway::Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        listener: parts.listener,
        inbox: layout.inbox(INBOX, bell.clone())?,
        reader: layout.reader(),
        documents: parts.documents,
        mesh: parts.mesh,
        engines: parts.engines,
        blobs: layout.blobs(),
        catalogue: library,
        preview: flowork_components::preview(layout.blobs()),
        seal: Arc::new(AgeSeal::new(&vault_recipient).map_err(Error::Key)?),
        bell,
        roles: parts.roles,
        node_id,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        local_token_hash: Some(local_token_hash),
        hosts,
        backup: Arc::new(ChildBackup::new(layout.dir())),
        data_dir: layout.dir().display().to_string(),
        upload_bytes_max: flowork_gateway::UPLOAD_BYTES_MAX,
        patience: flowork_gateway::Patience::default(),
        gui: flowork_gui::files(),
    };
    Ok(flowork_gateway::run(options, cancel).await?)
}

/// What every role of a node is told, and the local admin token that it is told the hash of.
pub(crate) fn start(folders: &Folders, node_id: NodeId, vault_recipient: String) -> Result<(Start, String), String> {
    let token = crate::node_files::fresh_token()?;
    let start = Start {
        wire: flowork_protocol::wire::VERSION,
        data: folders.data.clone(),
        home: folders.home.clone(),
        node_id,
        vault_recipient,
        local_token_hash: blake3::hash(token.as_bytes()).to_hex().to_string(),
        hosts: Vec::new(),
        mesh: MeshStart { is_off: true, host_name: crate::mesh_plan::host_name(), ..MeshStart::default() },
    };
    Ok((start, token))
}

/// The folders that presets' relative paths lead to, made.
pub(crate) fn make_folders(data: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(data.join("files"))
}

#[cfg(test)]
mod tests;
