//! The gateway over real HTTP, on ports in memory.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod access;
mod bodies;
mod fake;
mod feeds;
mod gui;
mod hooks;
mod jobs;
mod login;
mod nouns;
mod openai;
mod sync;
