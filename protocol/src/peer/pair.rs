//! Pairing: the node that holds an invitation joins the node that made it.
//!
//! ```text
//! joining                         inviting
//!    │ ── Join{secret, name} ──────▶ │  the secret is known, unused and in time; it is used up now
//!    │ ◀── Welcome{name} ─────────── │  or Refused
//! ```
//!
//! A node that nobody invited may come as one that is known already: a further node of a person, the holder of a grant that was
//! passed on, or a peer with a new key. It says `Known` instead of `Join`.
//!
//! The channel has authenticated both nodes before: the joining one dials the NodeId of the invitation, and the inviting one
//! takes the peer of the channel for the one who joins.

use minicbor::{Decode, Encode};

use super::{Message, Refusal};
use crate::invitation::Secret;
use crate::signed::Signed;

/// What both ends agree on before the first frame.
pub const PROTOCOL: &str = "/flowork/pair/1";
/// The most certificates that a node shows.
pub const CERTIFICATES_MAX: usize = 4;

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Pair {
    /// I was invited.
    #[n(0)]
    Join(#[n(0)] Join),
    /// We know each other now.
    #[n(1)]
    Welcome(#[n(0)] Introduction),
    /// You are not let in.
    #[n(2)]
    Refused(#[n(0)] Refusal),
    /// You know me by a certificate, or by a grant.
    #[n(3)]
    Known(#[n(0)] Known),
}

/// The first words of a node that is known without an invitation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Known {
    /// Who comes, with the certificate of a person whom the other side knows.
    #[n(0)]
    pub introduction: Introduction,
    /// Or the bytes of a [`crate::grant::Chain`] that the other side began and that ends with who comes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub chain: Option<Vec<u8>>,
    /// Or the [`crate::succession::Succession`] by which it is a node that the other side knows by its old key.
    #[n(2)]
    pub succession: Option<Signed>,
}

impl Message for Pair {
    const BYTES_MAX: usize = 64 << 10;
}

/// The first words of the joining node.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Join {
    /// From the invitation.
    #[n(0)]
    pub secret: Secret,
    /// Who joins.
    #[n(1)]
    pub introduction: Introduction,
}

/// What a node says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Introduction {
    /// What it is called. Only its word.
    #[n(0)]
    pub name: String,
    /// By the persons whose node it is.
    #[n(1)]
    pub certificates: Vec<Signed>,
    /// Where else it may be reached: multiaddresses as text.
    #[n(2)]
    pub addresses: Vec<String>,
}
