//! The job machine and its service: it drains the inboxes, runs jobs, journals what they decide, and keeps time.
//!
//! Invariants: the kernel never opens the node key and never speaks to peers; it writes only through the store's ports;
//! nothing external happens before it is on disk that it would.

mod call;
mod child;
mod fold;
mod history;
mod journal;
mod load;
pub mod machine;
mod memory;
mod program;
mod redact;
mod replay;
mod service;
mod task;

use std::sync::Arc;

use flowork_protocol::Timestamp;

pub use service::{Handle, Options, run};

/// Tells the time. The kernel reads it nowhere else.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
