//! Grants: a signed, expiring, narrowing permission to use one engine of one node.
//!
//! A grant travels as a [`Chain`]: the engine's owner signed the first link, each further one passes some of the link before
//! it on to somebody else. Checking has two halves. [`Chain::verify`] asks whether the links hang together, which never
//! changes and may be remembered by the chain's bytes. [`Verified::admit`] asks whether this caller may do this now, and gives
//! [`Admitted`], which nothing else gives.
//!
//! Non-goals: how much of a limit is used up, and whether a call was made before. Who serves the engine counts that, for every
//! link of an [`Admitted`].
//!
//! Source: shaped after UCAN (audience, attenuation, proofs by hash), with our own types and no tokens.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{GrantId, Key, NodeId, PersonId};
use crate::signed::{self, Signed, Statement};
use crate::time::{Timestamp, of_seconds};

mod check;
pub use check::{Admitted, Asked, Denied, Link, Verified};

/// The most links of a chain.
pub const LINKS_MAX: usize = 4;
/// The most capabilities of one grant.
pub const CAPABILITIES_MAX: usize = 64;
/// The longest capability, name of an engine or artifact type, in bytes.
pub const WORD_BYTES_MAX: usize = 128;
/// A limit that limits nothing. It has to be said: what a grant does not mention is zero.
pub const UNLIMITED: u64 = u64::MAX;

/// What may be done with an engine: `chat`, `embed`, `image`, `run:<preset>` or `tool:<component>`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize, schemars::JsonSchema,
)]
#[cbor(transparent)]
#[serde(transparent)]
pub struct Capability(#[n(0)] pub String);

impl Capability {
    /// Run the preset of this name.
    #[must_use]
    pub fn run(preset: &str) -> Self {
        Self(format!("run:{preset}"))
    }

    /// Call the component of this name.
    #[must_use]
    pub fn tool(component: &str) -> Self {
        Self(format!("tool:{component}"))
    }

    /// What stands before the colon, and what behind it.
    #[must_use]
    pub fn parts(&self) -> (&str, Option<&str>) {
        self.0.split_once(':').map_or((self.0.as_str(), None), |(kind, name)| (kind, Some(name)))
    }

    /// Whether what is sent and what comes are lists of items, which may name files.
    #[must_use]
    pub fn takes_items(&self) -> bool {
        matches!(self.parts().0, "run" | "tool")
    }

    /// Whether this program knows what it allows.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self.parts() {
            ("chat" | "embed" | "image", None) => true,
            ("run" | "tool", Some(name)) => !name.is_empty(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How much may be used. What is not there is zero; see [`UNLIMITED`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, schemars::JsonSchema)]
#[cbor(map)]
#[serde(default)]
pub struct Limits {
    /// Calls that may begin within any hour.
    #[cbor(n(0), default, skip_if = "is_zero")]
    pub calls_per_hour: u64,
    /// Calls that may run at once.
    #[cbor(n(1), default, skip_if = "is_zero")]
    pub concurrent: u64,
    /// Tokens of models, read and written, within a day.
    #[cbor(n(2), default, skip_if = "is_zero")]
    pub tokens_per_day: u64,
    /// Bytes that go either way within a day.
    #[cbor(n(3), default, skip_if = "is_zero")]
    pub bytes_per_day: u64,
    /// Seconds of work within a day.
    #[cbor(n(4), default, skip_if = "is_zero")]
    pub seconds_per_day: u64,
    /// Media types of files that may be given back, such as `image/png`; `*/*` is every type.
    #[cbor(n(5), default, skip_if = "Vec::is_empty")]
    pub artifact_types: Vec<String>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Limits {
    /// Nothing is limited.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            calls_per_hour: UNLIMITED,
            concurrent: UNLIMITED,
            tokens_per_day: UNLIMITED,
            bytes_per_day: UNLIMITED,
            seconds_per_day: UNLIMITED,
            artifact_types: vec!["*/*".to_owned()],
        }
    }

    /// The first limit that is wider than in `outer`, by name.
    fn wider_than(&self, outer: &Self) -> Option<&'static str> {
        let allows = |kind: &String| outer.artifact_types.iter().any(|allowed| allowed == kind || allowed == "*/*");
        [
            ("calls per hour", self.calls_per_hour > outer.calls_per_hour),
            ("calls at once", self.concurrent > outer.concurrent),
            ("tokens per day", self.tokens_per_day > outer.tokens_per_day),
            ("bytes per day", self.bytes_per_day > outer.bytes_per_day),
            ("seconds per day", self.seconds_per_day > outer.seconds_per_day),
            ("artifact types", !self.artifact_types.iter().all(allows)),
        ]
        .into_iter()
        .find_map(|(name, is_wider)| is_wider.then_some(name))
    }
}

/// One link: `iss` lets `aud` use `engine` of `sub`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Grant {
    /// 1.
    #[n(0)]
    pub v: u16,
    /// Who gives, and signs.
    #[n(1)]
    pub iss: Key,
    /// Who may: a node, or a person with every node that is certified to be theirs.
    #[n(2)]
    pub aud: Key,
    /// The node whose engine it is.
    #[n(3)]
    pub sub: NodeId,
    /// The engine's name there.
    #[n(4)]
    pub engine: String,
    /// What may be done with it, sorted, each once.
    #[n(5)]
    pub caps: Vec<Capability>,
    /// How much.
    #[n(6)]
    pub limits: Limits,
    /// From when, in seconds since the Unix epoch.
    #[n(7)]
    pub nbf: u64,
    /// Until before when, in seconds since the Unix epoch.
    #[n(8)]
    pub exp: u64,
    /// How many further links may follow: with 0 it may not be passed on.
    #[n(9)]
    pub depth: u8,
    /// Makes two grants that say the same two grants.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// The link before it.
    #[n(11)]
    pub parent: Option<GrantId>,
}

impl Statement for Grant {
    const DOMAIN: &'static str = "flowork grant v1";
    const VERSION: u16 = 1;
    const NOUN: &'static str = "grant";

    fn version(&self) -> u16 {
        self.v
    }
}

impl Grant {
    /// From when.
    #[must_use]
    pub fn begins_at(&self) -> Timestamp {
        of_seconds(self.nbf)
    }

    /// Until before when.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        of_seconds(self.exp)
    }
}

/// A grant with what it hangs on, the owner's link first.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Chain(#[n(0)] Vec<Signed>);

impl Chain {
    /// The owner's own link.
    #[must_use]
    pub fn of(root: Signed) -> Self {
        Self(vec![root])
    }

    /// With one more link at its end, which has to name this chain's last link as its parent.
    #[must_use]
    pub fn and(mut self, link: Signed) -> Self {
        self.0.push(link);
        self
    }

    /// With another link in the place of its last one.
    #[must_use]
    pub fn with_last(mut self, link: Signed) -> Self {
        self.0.pop();
        self.and(link)
    }

    /// The chain from its bytes. Nothing is believed yet.
    ///
    /// # Errors
    /// When they are none, or of more than [`LINKS_MAX`] links.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Denied> {
        let limit = LINKS_MAX * (signed::STATEMENT_BYTES_MAX + 128);
        if bytes.len() > limit {
            return Err(Denied::Form(format!(
                "a chain of grants has at most {limit} bytes, this one has {}",
                bytes.len()
            )));
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let chain: Self = decoder.decode().map_err(|error| Denied::Form(error.to_string()))?;
        if decoder.position() != bytes.len() {
            return Err(Denied::Form("bytes follow its end".to_owned()));
        }
        if chain.0.is_empty() || chain.0.len() > LINKS_MAX {
            return Err(Denied::Links(chain.0.len()));
        }
        Ok(chain)
    }

    /// The bytes that [`Self::from_bytes`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        signed::encode(self)
    }

    /// The links, the owner's first.
    #[must_use]
    pub fn links(&self) -> &[Signed] {
        &self.0
    }

    /// Whose engine the first link says it is for; none when that link is no grant. Nothing is believed yet.
    #[must_use]
    pub fn owner(&self) -> Option<NodeId> {
        self.0.first()?.peek::<Grant>().ok().map(|grant| grant.sub)
    }

    /// The last link's name: what this grant is called.
    #[must_use]
    pub fn id(&self) -> Option<GrantId> {
        self.0.last().map(|link| GrantId(link.hash().0))
    }
}

#[cfg(test)]
mod tests;
