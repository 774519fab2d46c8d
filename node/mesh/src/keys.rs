//! The keeper of the node key: it says who the node is and signs.
//!
//! Architecture invariant: no other role is given the node key, and nothing here gives it out.

use std::sync::Arc;

use ed25519_dalek::{Signer as _, SigningKey};
use flowork_protocol::NodeId;
use flowork_protocol::signed::{self, Signed, Statement};
use zeroize::Zeroizing;

/// The secret half of the node key, wiped from memory when dropped.
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// A seed from its bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Who has this key.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        Keeper::new(self).node_id()
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// Signs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keeper {
    key: Arc<SigningKey>,
}

impl Keeper {
    pub(crate) fn new(seed: &Seed) -> Self {
        Self { key: Arc::new(SigningKey::from_bytes(&seed.0)) }
    }

    pub(crate) fn node_id(&self) -> NodeId {
        NodeId(self.key.verifying_key().to_bytes())
    }

    /// Signs `message` in `domain`: a signature made for one purpose is worth nothing for another.
    pub(crate) fn sign(&self, domain: &str, message: &[u8]) -> Result<[u8; 64], signed::Error> {
        Ok(self.key.sign(&signed::message(domain, message)?).to_bytes())
    }

    /// Signs a statement.
    pub(crate) fn state<S: Statement>(&self, statement: &S) -> Result<Signed, signed::Error> {
        Signed::by(statement, |bytes| Ok::<_, signed::Error>(self.key.sign(bytes).to_bytes()))
    }

    /// The key as libp2p has it.
    pub(crate) fn keypair(&self) -> Result<libp2p::identity::Keypair, libp2p::identity::DecodingError> {
        // It wipes what it is given.
        libp2p::identity::Keypair::ed25519_from_bytes(self.key.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_not_in_the_debug_text() {
        let text = format!("{:?}", Seed::new([7; 32]));
        assert!(!text.contains("[7, 7"), "{text}");
    }

    #[test]
    fn the_node_id_of_a_seed_never_changes_and_is_the_peer_id() {
        // RFC 8032, 7.1, test 1.
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
            0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let keeper = Keeper::new(&Seed::new(seed));
        let public: String = keeper.node_id().0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(public, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let peer = keeper.keypair().unwrap().public().to_peer_id();
        assert_eq!(peer.to_string(), keeper.node_id().to_string());
    }

    #[test]
    fn a_signature_holds_for_its_node_domain_and_bytes_only() {
        let keeper = Keeper::new(&Seed::new([1; 32]));
        let signature = keeper.sign("flowork receipt v1", b"did it").unwrap();
        let check = |by: NodeId, domain, message: &[u8]| signed::verify(by.into(), domain, message, &signature);
        assert_eq!(check(keeper.node_id(), "flowork receipt v1", b"did it"), Ok(()));
        assert!(check(keeper.node_id(), "flowork receipt v2", b"did it").is_err());
        assert!(check(keeper.node_id(), "flowork receipt v1", b"did it not").is_err());
        assert!(check(Keeper::new(&Seed::new([2; 32])).node_id(), "flowork receipt v1", b"did it").is_err());
    }
}
