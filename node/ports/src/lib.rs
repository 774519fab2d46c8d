//! The traits where the rooms of a node meet.
//!
//! Rooms (`store`, `documents`, `components`, `kernel`, `mesh`, `gateway`) never import each other; each implements or
//! uses a trait from here, and the `flowork` binary wires them together.
//!
//! Non-goals: behaviour. What has a body here is either plain data or a channel.

pub mod bell;
pub mod blobs;
pub mod component;
pub mod documents;
pub mod roles;
pub mod store;
pub mod vault;

pub use bell::{Bell, Ring};
pub use blobs::Blobs;
pub use component::Component;
pub use documents::Documents;
