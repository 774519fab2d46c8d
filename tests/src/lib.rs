//! What the journeys and the benchmark drive a node with: its binary, its command line and its HTTP API, from outside.
//!
//! Journeys are in `tests/journeys`, house rules in `tests/tidy.rs`, the benchmark in `src/bin/flowork-bench.rs`.
//!
//! Non-goals: knowing how a node works inside. Architecture invariant: of the node's crates this one sees `protocol` alone.

pub mod bench;
pub mod disk;
pub mod http;
pub mod load;
pub mod model;
pub mod node;
pub mod pair;
pub mod process;
pub mod town;

pub use node::Node;
