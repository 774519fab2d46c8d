//! Files between nodes: `/flowork/files/1`, one stream for each piece of a file.
//!
//! ```text
//! reader                                     keeper
//!   │ ── a Get of iroh-blobs, then no more ──▶ │  checks that this peer may read this file now
//!   │ ◀── Answer ──────────────────────────── │
//!   │ ◀── the response of iroh-blobs ──────── │  size, then hashes and bytes of the ranges asked for
//! ```
//!
//! What comes is checked against the file's hash (BLAKE3) in steps of 16 KiB while it comes. Request and response have the form
//! of iroh-blobs' protocol, version 4; what that says by resetting a stream is said by [`Answer`].

use minicbor::{Decode, Encode};

use super::{Message, Refusal};

/// What both ends agree on before the first byte.
pub const PROTOCOL: &str = "/flowork/files/1";
/// The longest request.
pub const REQUEST_BYTES_MAX: u64 = 64 << 10;
/// The most files that one call takes, or gives.
pub const FILES_MAX: usize = 10_000;

/// Whether the keeper gives what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// It follows.
    #[n(0)]
    Here,
    /// It does not.
    #[n(1)]
    No(#[n(0)] Refusal),
}

impl Message for Answer {
    const BYTES_MAX: usize = 4 << 10;
}
