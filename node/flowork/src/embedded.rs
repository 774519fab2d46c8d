//! A node inside this very process, for one command: every role as tasks on the same store, under the same lock.

use std::path::Path;
use std::sync::Arc;

use flowork_ports::Bell;
use flowork_ports::roles::{Role, RoleStatus};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::cli::client::Client;
use crate::cli::fail::Fail;
use crate::mesh_link::NoMesh;
use crate::node_files::NodeFiles;
use crate::prepare::{self, Prepared};
use crate::rooms;
use crate::supervisor::start::ROLES;

/// A node in this process. [`Embedded::stop`] ends it in good order.
pub(crate) struct Embedded {
    /// Calls it.
    pub(crate) client: Client,
    cancel: CancellationToken,
    gateway: flowork_gateway::Handle,
    kernel: rooms::Kernel,
    documents: flowork_documents::Handle,
    _files: NodeFiles,
    _prepared: Prepared,
}

impl Embedded {
    /// Takes the lock on `data` and starts every role.
    pub(crate) async fn start(data: &Path, home: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<Self, Fail> {
        let prepared = prepare::prepare(data, home, passphrase)?;
        let bell = Bell::default();
        let cancel = CancellationToken::new();
        let fail = |error: rooms::Error| Fail::because("the node cannot start", &error);
        let (library, workers) = rooms::library(&prepared.folders, Arc::new(NoMesh));
        let documents =
            rooms::docs(&prepared.layout, library.clone(), bell.clone(), cancel.clone()).await.map_err(fail)?;
        let kernel = rooms::kernel(
            &prepared.layout,
            (library.clone(), workers),
            &prepared.keys.vault_identity,
            bell.clone(),
            &cancel,
        )
        .map_err(fail)?;
        let since = crate::now();
        let here = |role: Role| RoleStatus {
            role,
            pid: Some(std::process::id()),
            since,
            restarts: 0,
            ready: true,
            last_end: None,
            again_at: None,
            troubles: if role == Role::Kernel { kernel.troubles.borrow().clone() } else { Vec::new() },
        };
        let (_, roles) = watch::channel(ROLES.map(here).to_vec());
        let parts = rooms::GatewayParts {
            start: prepared.start.clone(),
            listener: None,
            documents: Arc::new(documents.clone()),
            mesh: Arc::new(NoMesh),
            engines: Arc::new(NoMesh),
            roles,
        };
        let gateway = rooms::gateway(&prepared.layout, library, parts, bell, cancel.clone()).await.map_err(fail)?;
        let files = NodeFiles::write(data, gateway.addr, &prepared.token)
            .map_err(|error| Fail::because("cannot say where the node listens", &error))?;
        let client = Client::new(gateway.addr, prepared.token.clone())?;
        Ok(Self { client, cancel, gateway, kernel, documents, _files: files, _prepared: prepared })
    }

    /// Waits until a part of it ends by itself, and says which.
    pub(crate) async fn broke(&self) -> &'static str {
        tokio::select! {
            () = self.kernel.ended() => "kernel",
            () = self.gateway.ended() => "gateway",
            () = self.documents.over() => "docs",
        }
    }

    /// Ends it; jobs that have not ended go on at the next start.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        // Connections that this process keeps open would be waited for.
        drop(self.client);
        self.gateway.ended().await;
        self.kernel.stop().await;
        self.documents.ended().await;
    }
}
