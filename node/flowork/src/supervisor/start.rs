//! The first notice on a link: all that a role needs to know that is no secret.

use std::path::PathBuf;

use flowork_ports::roles::Role;
use flowork_protocol::NodeId;
use flowork_protocol::wire::Party;
use serde::{Deserialize, Serialize};

/// What a role is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Start {
    /// The version of the link's form.
    pub(crate) wire: u32,
    /// The data directory.
    pub(crate) data: PathBuf,
    /// What `~` stands for in presets.
    pub(crate) home: PathBuf,
    /// Which node this is.
    pub(crate) node_id: NodeId,
    /// To what the gateway seals secrets.
    pub(crate) vault_recipient: String,
    /// BLAKE3 of the local admin token, hex.
    pub(crate) local_token_hash: String,
    /// Hosts beside the loopback names that requests may be for.
    pub(crate) hosts: Vec<String>,
    /// How to take part in the mesh.
    pub(crate) mesh: MeshStart,
}

/// What the mesh role is told beside its settings, which the command line goes before.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MeshStart {
    /// Whether to listen for nobody and announce nothing.
    pub(crate) is_off: bool,
    /// Where to listen; as set, or the default, when nothing is said.
    pub(crate) listen: Vec<String>,
    /// What the node is called, where nobody set it: the machine's name.
    pub(crate) host_name: String,
}

/// The party that a role is on links.
pub(crate) const fn party(role: Role) -> Party {
    match role {
        Role::Gateway => Party::Gateway,
        Role::Kernel => Party::Kernel,
        Role::Docs => Party::Docs,
        Role::Mesh => Party::Mesh,
    }
}

/// Every role, in the order in which they are stopped: first who takes work in, then who does it.
pub(crate) const ROLES: [Role; 4] = [Role::Gateway, Role::Kernel, Role::Docs, Role::Mesh];
