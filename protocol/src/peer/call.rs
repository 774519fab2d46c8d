//! Calling an engine of another node: `/flowork/engine/1`, one stream for each call.
//!
//! ```text
//! caller                                     provider
//!   │ ── Open{call, grant, engine, …} ────────▶ │  checks the grant, reserves its limits; a short request is in it
//!   │ ◀── Accept | Reject{code, retry_after} ── │
//!   │ ── Data{seq, bytes, is_last} … ─────────▶ │  a longer request
//!   │ ◀── Progress{seq, …} · Data{seq, …} … ─── │  as fast as Credit allows
//!   │ ◀── End{outcome, usage, receipt} ──────── │  after what it says is on the provider's disk
//! ```
//!
//! Once its caller has what a call gave on its own disk, it countersigns the receipt ([`super::tell::Tell::Countersigned`]); the
//! provider keeps only the receipt from then on.
//!
//! Either end sends `Ping` when it has been quiet. A stream that breaks detaches the call: it goes on at the provider, and an
//! `Open` with the same call id takes its output up again from `resume_from`. `Cancel` ends it. Deadlines are durations, so
//! that the clocks of two nodes need not agree. Within one provider a call id of one caller runs once, whatever is opened.

use minicbor::{Decode, Encode};

use super::{Message, Refusal};
use crate::grant::Capability;
use crate::id::GrantId;
use crate::signed::Signed;

/// What both ends agree on before the first frame.
pub const PROTOCOL: &str = "/flowork/engine/1";
/// The most bytes of one [`Frame::Data`].
pub const DATA_BYTES_MAX: usize = 256 << 10;
/// How many bytes of [`Frame::Data`] may be under way before the first [`Frame::Credit`].
pub const CREDIT_BYTES: u64 = 1 << 20;
/// The longest request that goes with [`Frame::Open`].
pub const REQUEST_INLINE_BYTES_MAX: usize = 32 << 10;
/// The longest request or output, over all its frames. What is larger travels as files.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// One call, chosen by its caller. The same call opened again is the same call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct CallId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl std::fmt::Display for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CallId({self})")
    }
}

/// What is said on a call's stream.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Frame {
    /// Caller: this is what I want.
    #[n(0)]
    Open(#[n(0)] Box<Open>),
    /// Provider: it runs, now or already.
    #[n(1)]
    Accept(#[n(0)] Accept),
    /// Provider: no.
    #[n(2)]
    Reject(#[n(0)] Refusal),
    /// A piece of the request or of the output.
    #[n(3)]
    Data(#[n(0)] Data),
    /// Provider: what happens meanwhile.
    #[n(4)]
    Progress(#[n(0)] Progress),
    /// So many more bytes of data may come.
    #[n(5)]
    Credit(#[n(0)] u64),
    /// Are you there?
    #[n(6)]
    Ping(#[n(0)] u64),
    /// I am.
    #[n(7)]
    Pong(#[n(0)] u64),
    /// Caller: end it. What was done is charged.
    #[n(8)]
    Cancel(#[n(0)] String),
    /// Provider: it has ended.
    #[n(9)]
    End(#[n(0)] Box<End>),
}

impl Message for Frame {
    const BYTES_MAX: usize = super::FRAME_BYTES_MAX;
}

/// The first words of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Open {
    /// Which call.
    #[n(0)]
    pub call: CallId,
    /// What allows it.
    #[n(1)]
    pub grant: GrantRef,
    /// The engine's name at the provider.
    #[n(2)]
    pub engine: String,
    /// What to do with it.
    #[n(3)]
    pub capability: Capability,
    /// How long the caller waits, in milliseconds from when this is read.
    #[n(4)]
    pub deadline_ms: u64,
    /// The first piece of output that the caller has not: 0 for a fresh call.
    #[n(5)]
    pub resume_from: u64,
    /// By the persons whose node the caller is, when the grant was given to one of them.
    #[n(6)]
    pub certificates: Vec<Signed>,
    /// How long the request is, in bytes.
    #[n(7)]
    pub request_bytes: u64,
    /// BLAKE3 of the request.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub request_hash: [u8; 32],
    /// The request, when it is no longer than [`REQUEST_INLINE_BYTES_MAX`]: it need not wait for the answer.
    #[cbor(n(9), with = "minicbor::bytes")]
    pub request: Option<Vec<u8>>,
}

/// A grant, or its name when the provider has seen it before.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum GrantRef {
    /// The bytes of a [`crate::grant::Chain`].
    #[n(0)]
    Chain(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// A grant that the provider itself gave, and so has.
    #[n(1)]
    Known(#[n(0)] GrantId),
}

/// It runs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Accept {
    /// Whether the request is there already: it came with [`Frame::Open`], or the call was opened before.
    #[n(0)]
    pub has_request: bool,
    /// How many pieces of data may be under way, in bytes.
    #[n(1)]
    pub credit: u64,
}

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Data {
    /// Its number, from 0, without gaps.
    #[n(0)]
    pub seq: u64,
    /// At most [`DATA_BYTES_MAX`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
    /// Whether the body ends with it.
    #[n(2)]
    pub is_last: bool,
}

/// What happens at the provider, as far as the grant lets it be seen.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Progress {
    /// What it is about, such as `step` or `waiting`.
    #[n(0)]
    pub kind: String,
    /// A sentence, in the provider's words.
    #[n(1)]
    pub text: String,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct End {
    /// Whether the output is whole; else why not.
    #[n(0)]
    pub failure: Option<Refusal>,
    /// A signed [`crate::receipt::Receipt`].
    #[n(1)]
    pub receipt: Signed,
}
