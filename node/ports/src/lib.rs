//! The traits where the rooms of a node meet.
//!
//! Rooms (`store`, `documents`, `components`, `kernel`, `mesh`, `gateway`) never import each other; each implements or
//! uses a trait from here, and the `flowork` binary wires them together.
//!
//! Non-goals: behaviour. What has a body here is plain data, a channel, or a rule that two rooms must share.

pub mod bell;
pub mod blobs;
pub mod component;
pub mod documents;
pub mod engines;
pub mod follow;
pub mod gui;
pub mod list;
pub mod mesh;
pub mod mesh_table;
pub mod models;
pub mod own_folder;
pub mod people;
pub mod policy;
pub mod roles;
pub mod store;
pub mod sweep;
pub mod vault;

pub use bell::{Bell, Ring};
pub use blobs::Blobs;
pub use component::Component;
pub use documents::Documents;
pub use engines::Engines;
pub use follow::{Follower, Followers};
pub use mesh::Mesh;
pub use mesh_table::MeshTable;
pub use models::Models;
pub use own_folder::OwnFolder;
pub use sweep::Sweeper;
