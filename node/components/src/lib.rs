//! The components that come with a node, the expressions in their configs, and the library that knows them all.
//!
//! Goals: a component is one file in [`builtin`](crate::builtin()) with manifest, docs page, example and tests; the
//! shortest, `no_op.rs`, is the one to copy. A config is a Rust struct that gives its JSON Schema; fields that take
//! expressions are of a type of their own.
//!
//! Non-goals: running jobs (the kernel's), script languages (`workers`). Architecture invariant: this crate never writes
//! to the store and knows no other room.

mod builtin;
mod config;
mod dotted;
mod duration;
mod expression;
mod files;
mod kind;
mod library;
mod pairs;
mod preview;
mod problems;
mod rules;

pub use builtin::{Options, builtin};
pub use library::Library;
pub use preview::preview;

#[cfg(test)]
mod testing;

#[cfg(test)]
mod examples;
