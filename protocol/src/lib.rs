//! The nouns of Flowork and their exact forms: identifiers, presets, component manifests, items, job events, commands,
//! sealed secrets, login keys, link frames, grants, and what nodes say to each other.
//!
//! Goals: every crate of the node, its clients and its peers mean the same bytes by the same word.
//!
//! Non-goals: doing anything. Architecture invariant: this crate has no tokio, no I/O, no clock and no randomness of its
//! own; time and random bytes are arguments.

pub mod canonical;
pub mod certificate;
pub mod chat;
pub mod check;
pub mod command;
pub mod event;
pub mod failure;
pub mod form;
pub mod grant;
pub mod id;
pub mod invitation;
pub mod item;
pub mod job;
pub mod login;
pub mod manifest;
pub mod part;
pub mod peer;
pub mod plan;
pub mod presence;
pub mod preset;
pub mod receipt;
pub mod signed;
pub mod succession;
pub mod time;
pub mod view;
pub mod wire;

pub use failure::Failure;
pub use id::{BlobId, GrantId, JobId, NodeId, PersonId, PresetId, ShardNo, StepId, VersionId};
pub use item::{BlobRef, Item};
pub use time::Timestamp;
