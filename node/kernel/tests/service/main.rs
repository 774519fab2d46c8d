//! The kernel's service on a shard in memory that fails and loses as real ones may, with kills in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says so by breaking")]

mod components;
mod draw;
mod facts;
mod memory;
mod random;
mod world;
