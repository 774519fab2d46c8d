//! Where a node is now: its own signed word, kept for it by nodes that anybody can reach.
//!
//! Whoever knows a node's id can look it up and try the addresses; who answers there still has to prove that they are that
//! node. The keeper learns that the node exists and where, nothing else.

use minicbor::{Decode, Encode};

use crate::id::NodeId;
use crate::invitation::{ADDRESS_BYTES_MAX, ADDRESSES_MAX};
use crate::signed::{self, Signed, Statement};
use crate::time::{Timestamp, of_seconds};

/// How long a presence holds at most, in seconds.
pub const SECONDS_MAX: u64 = 24 * 3_600;
/// The longest presence, in bytes.
pub const BYTES_MAX: usize = 4 << 10;

/// `node` says: I am at these addresses.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Presence {
    /// 1.
    #[n(0)]
    pub v: u16,
    /// Who says it, and signs.
    #[n(1)]
    pub node: NodeId,
    /// When it was signed, in seconds since the Unix epoch. The later of two counts.
    #[n(2)]
    pub at: u64,
    /// Until when it holds, in seconds since the Unix epoch.
    #[n(3)]
    pub exp: u64,
    /// Multiaddresses as text, without the node's id.
    #[n(4)]
    pub addresses: Vec<String>,
}

impl Statement for Presence {
    const DOMAIN: &'static str = "flowork presence v1";
    const VERSION: u16 = 1;
    const NOUN: &'static str = "presence";

    fn version(&self) -> u16 {
        self.v
    }
}

/// Why a presence is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is none, or its signature does not hold.
    #[error(transparent)]
    Signed(#[from] signed::Error),
    /// It stands where another node's belongs.
    #[error("it is about another node, {0}")]
    OtherNode(NodeId),
    /// Its time is over, has not begun, or is too long.
    #[error("it does not hold now")]
    Time,
    /// Too many or too long addresses.
    #[error("it lists too many or too long addresses")]
    Addresses,
}

/// Under which key a node's presence is kept: it does not tell the node to whom does not know it.
#[must_use]
pub fn key(node: NodeId) -> [u8; 32] {
    blake3::derive_key("flowork presence key v1", &node.0)
}

impl Presence {
    /// What `node` says at `now`, for so many seconds; addresses that do not fit are left out.
    #[must_use]
    pub fn new(node: NodeId, addresses: Vec<String>, now: Timestamp, seconds: u64) -> Self {
        let addresses =
            addresses.into_iter().filter(|text| text.len() <= ADDRESS_BYTES_MAX).take(ADDRESSES_MAX).collect();
        let at = now.seconds();
        Self { v: 1, node, at, exp: at + seconds.min(SECONDS_MAX), addresses }
    }

    /// Until when it holds.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        of_seconds(self.exp)
    }

    /// Reads what was kept under `key`, when it holds at `now`. Clocks may differ by an hour.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn read(bytes: &[u8], kept_under: &[u8], now: Timestamp) -> Result<Self, Error> {
        let signed = signed_of(bytes)?;
        let said = signed.peek::<Self>()?;
        let presence = signed.open::<Self>(said.node)?;
        if key(presence.node) != kept_under {
            return Err(Error::OtherNode(presence.node));
        }
        let now = now.seconds();
        let is_in_time = presence.exp > now
            && presence.at <= now + 3_600
            && presence.exp.checked_sub(presence.at).is_some_and(|length| length <= SECONDS_MAX);
        if !is_in_time {
            return Err(Error::Time);
        }
        let too_long = presence.addresses.iter().any(|address| address.len() > ADDRESS_BYTES_MAX);
        if presence.addresses.len() > ADDRESSES_MAX || too_long {
            return Err(Error::Addresses);
        }
        Ok(presence)
    }
}

fn signed_of(bytes: &[u8]) -> Result<Signed, Error> {
    let form = |why: String| Error::Signed(signed::Error::Form { noun: Presence::NOUN, why });
    if bytes.len() > BYTES_MAX {
        return Err(Error::Signed(signed::Error::TooLong { noun: Presence::NOUN, bytes: bytes.len() }));
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let signed = decoder.decode().map_err(|error| form(error.to_string()))?;
    if decoder.position() != bytes.len() {
        return Err(form("something follows it".to_owned()));
    }
    Ok(signed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn public(seed: u8) -> NodeId {
        NodeId(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes())
    }

    fn presence() -> Presence {
        Presence::new(public(1), vec!["/ip4/5.5.0.1/tcp/4142".to_owned()], NOW, 3_600)
    }

    fn bytes(presence: &Presence, seed: u8) -> Vec<u8> {
        signed::encode(&Signed::with_seed(presence, &[seed; 32]).unwrap())
    }

    #[test]
    fn a_presence_reads_back_for_its_node_while_it_holds() {
        let good = presence();
        let key = key(good.node);
        assert_eq!(Presence::read(&bytes(&good, 1), &key, NOW), Ok(good.clone()));
        assert_eq!(Presence::read(&bytes(&good, 1), &key, good.ends_at()), Err(Error::Time));
        assert_eq!(Presence::read(&bytes(&good, 1), &super::key(public(2)), NOW), Err(Error::OtherNode(good.node)));
    }

    #[test]
    fn nobody_says_where_another_node_is() {
        let good = presence();
        assert!(matches!(Presence::read(&bytes(&good, 2), &key(good.node), NOW), Err(Error::Signed(_))));
    }

    #[test]
    fn a_presence_that_holds_too_long_or_lists_too_much_is_refused() {
        let key = key(presence().node);
        let long = Presence { exp: presence().at + SECONDS_MAX + 1, ..presence() };
        assert_eq!(Presence::read(&bytes(&long, 1), &key, NOW), Err(Error::Time));
        let early = Presence { at: NOW.seconds() + 7_200, exp: NOW.seconds() + 7_300, ..presence() };
        assert_eq!(Presence::read(&bytes(&early, 1), &key, NOW), Err(Error::Time));
        let many = Presence { addresses: vec!["/ip4/5.5.0.1".to_owned(); ADDRESSES_MAX + 1], ..presence() };
        assert_eq!(Presence::read(&bytes(&many, 1), &key, NOW), Err(Error::Addresses));
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            proptest::prop_assert!(Presence::read(&bytes, &[0; 32], NOW).is_err());
        }
    }
}
