//! The nouns of Flowork and their exact forms: identifiers, presets, component manifests, items, job events, commands,
//! sealed secrets, login keys and link frames.
//!
//! Goals: every crate of the node, its clients and its peers mean the same bytes by the same word.
//!
//! Non-goals: doing anything. Architecture invariant: this crate has no tokio, no I/O, no clock and no randomness of its
//! own; time and random bytes are arguments.

pub mod canonical;
pub mod check;
pub mod command;
pub mod event;
pub mod failure;
pub mod form;
pub mod id;
pub mod item;
pub mod job;
pub mod login;
pub mod manifest;
pub mod part;
pub mod plan;
pub mod preset;
pub mod time;
pub mod view;
pub mod wire;

pub use failure::Failure;
pub use id::{BlobId, JobId, NodeId, PresetId, ShardNo, StepId, VersionId};
pub use item::{BlobRef, Item};
pub use time::Timestamp;
