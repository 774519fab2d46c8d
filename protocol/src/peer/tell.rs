//! Telling a paired node something that it keeps: a grant, or that one ended. One message and its answer for each stream.

use minicbor::{Decode, Encode};

use super::call::CallId;
use super::{Message, Refusal};
use crate::id::GrantId;

/// What both ends agree on before the first frame.
pub const PROTOCOL: &str = "/flowork/tell/1";

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Tell {
    /// You may use an engine of mine: the bytes of a [`crate::grant::Chain`].
    #[n(0)]
    Grant(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// I took this grant back.
    #[n(1)]
    Revoked(#[n(0)] GrantId),
    /// We are not paired any more.
    #[n(2)]
    Removed,
    /// The answer: I have written it down.
    #[n(3)]
    Heard,
    /// The answer: no.
    #[n(4)]
    Refused(#[n(0)] Refusal),
    /// I have what these calls gave and agree to their receipts; the calls may be forgotten. At most
    /// [`COUNTERSIGNED_MAX`].
    #[n(5)]
    Countersigned(#[n(0)] Vec<Countersigned>),
}

/// The most countersignatures of one message.
pub const COUNTERSIGNED_MAX: usize = 500;

/// A caller's signature on the receipt of one of its calls.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Countersigned {
    /// Which call.
    #[n(0)]
    pub call: CallId,
    /// Over the receipt's bytes, in the domain of countersignatures ([`crate::receipt::COUNTERSIGN_DOMAIN`]).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl Message for Tell {
    const BYTES_MAX: usize = 64 << 10;
}
