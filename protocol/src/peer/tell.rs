//! Telling a paired node something that it keeps: a grant, or that one ended. One message and its answer for each stream.

use minicbor::{Decode, Encode};

use super::call::CallId;
use super::{Message, Refusal};
use crate::grant::Capability;
use crate::id::GrantId;
use crate::signed::Signed;

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
    /// You may use an engine of somebody else: I pass a grant on, or we are nodes of one person and it was given to that
    /// person.
    #[n(6)]
    PassedOn(#[n(0)] PassedOn),
    /// Whose node I am, and which nodes that person took back. At most [`CERTIFICATES_MAX`].
    #[n(7)]
    Certificates(#[n(0)] Vec<Signed>),
    /// Please let me use something of yours.
    #[n(8)]
    Request(#[n(0)] AccessRequest),
}

/// The most certificates of one message.
pub const CERTIFICATES_MAX: usize = 64;
/// The longest note of a request, in bytes.
pub const NOTE_BYTES_MAX: usize = 2_000;

/// A grant of another node's engine.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PassedOn {
    /// The bytes of a [`crate::grant::Chain`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub chain: Vec<u8>,
    /// What the engine's owner is called. Only the teller's word.
    #[n(1)]
    pub owner_name: String,
    /// Where the owner may be reached: multiaddresses as text.
    #[n(2)]
    pub owner_addresses: Vec<String>,
}

/// What somebody would like to use.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AccessRequest {
    /// Which engine, when it is known.
    #[n(0)]
    pub engine: Option<String>,
    /// What for.
    #[n(1)]
    pub can: Vec<Capability>,
    /// Why, in own words.
    #[n(2)]
    pub note: String,
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
