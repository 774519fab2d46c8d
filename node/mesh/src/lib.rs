//! The keeper of the node key. It says who the node is and signs, under a domain string, what other roles may have signed.
//!
//! Non-goals, for now: peers. Nothing here opens a socket.
//!
//! Architecture invariant: no other role is given the node key, and nothing here gives it out.
//!
//! ```
//! let mesh = flowork_mesh::run(flowork_mesh::Options { seed: flowork_mesh::Seed::new([7; 32]) });
//! let signature = mesh.sign("flowork receipt v1", b"what was done")?;
//! flowork_mesh::verify(mesh.node_id(), "flowork receipt v1", b"what was done", &signature)?;
//! # Ok::<(), flowork_mesh::Error>(())
//! ```

use std::sync::Arc;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use flowork_protocol::NodeId;
use zeroize::Zeroizing;

/// The longest domain string, in bytes: its length goes into the signed bytes as one byte.
pub const DOMAIN_BYTES_MAX: usize = 255;

/// The secret half of the node key, wiped from memory when dropped.
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// A seed from its bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What the keeper needs.
#[derive(Debug)]
pub struct Options {
    /// The secret half of the node key.
    pub seed: Seed,
}

/// Why something is not signed, or a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An empty or overlong domain string.
    #[error("a domain string has 1 to {DOMAIN_BYTES_MAX} bytes, this one has {0}")]
    Domain(usize),
    /// The node id is no ed25519 key.
    #[error("{0} is not a usable ed25519 key")]
    Key(NodeId),
    /// Somebody else signed, or something else was signed.
    #[error("the signature is not one of {0} over these bytes in this domain")]
    Forged(NodeId),
}

/// Asks the keeper. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    key: Arc<SigningKey>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("node_id", &self.node_id()).finish_non_exhaustive()
    }
}

/// Takes the key into keeping.
#[must_use]
pub fn run(options: Options) -> Handle {
    Handle { key: Arc::new(SigningKey::from_bytes(&options.seed.0)) }
}

impl Handle {
    /// Who this node is.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        NodeId(self.key.verifying_key().to_bytes())
    }

    /// Signs `message` in `domain`, such as `flowork receipt v1`: a signature made for one purpose is worth nothing for
    /// another.
    ///
    /// # Errors
    /// [`Error::Domain`] when the domain string is empty or too long.
    pub fn sign(&self, domain: &str, message: &[u8]) -> Result<[u8; 64], Error> {
        Ok(self.key.sign(&signed_bytes(domain, message)?).to_bytes())
    }
}

/// Checks a signature that [`Handle::sign`] of the node `by` gave.
///
/// # Errors
/// [`Error::Forged`] when it does not hold.
pub fn verify(by: NodeId, domain: &str, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
    let key = VerifyingKey::from_bytes(&by.0).map_err(|_| Error::Key(by))?;
    key.verify_strict(&signed_bytes(domain, message)?, &Signature::from_bytes(signature)).map_err(|_| Error::Forged(by))
}

/// Domain length (one byte), domain, message: no two pairs of domain and message give the same bytes.
fn signed_bytes(domain: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u8::try_from(domain.len()).ok().filter(|length| *length > 0).ok_or(Error::Domain(domain.len()))?;
    let mut bytes = Vec::with_capacity(1 + domain.len() + message.len());
    bytes.push(length);
    bytes.extend_from_slice(domain.as_bytes());
    bytes.extend_from_slice(message);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(seed: u8) -> Handle {
        run(Options { seed: Seed::new([seed; 32]) })
    }

    #[test]
    fn a_signature_holds_for_its_node_domain_and_bytes_only() {
        let mesh = keeper(1);
        let signature = mesh.sign("flowork receipt v1", b"did it").unwrap();
        let check = |by: NodeId, domain, message: &[u8]| verify(by, domain, message, &signature);
        assert_eq!(check(mesh.node_id(), "flowork receipt v1", b"did it"), Ok(()));
        assert!(check(mesh.node_id(), "flowork receipt v2", b"did it").is_err());
        assert!(check(mesh.node_id(), "flowork receipt v1", b"did it not").is_err());
        assert!(check(keeper(2).node_id(), "flowork receipt v1", b"did it").is_err());
    }

    #[test]
    fn the_border_between_domain_and_message_is_signed() {
        let mesh = keeper(1);
        let signature = mesh.sign("ab", b"c").unwrap();
        assert!(verify(mesh.node_id(), "a", b"bc", &signature).is_err());
    }

    #[test]
    fn an_empty_or_overlong_domain_is_refused() {
        assert_eq!(keeper(1).sign("", b""), Err(Error::Domain(0)));
        assert_eq!(keeper(1).sign(&"d".repeat(256), b""), Err(Error::Domain(256)));
    }

    #[test]
    fn the_key_is_not_in_the_debug_text() {
        let text = format!("{:?} {:?}", keeper(7), Seed::new([7; 32]));
        assert!(!text.contains("[7, 7"), "{text}");
    }

    #[test]
    fn the_node_id_of_a_seed_never_changes() {
        // RFC 8032, 7.1, test 1.
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
            0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let public: String =
            run(Options { seed: Seed::new(seed) }).node_id().0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(public, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    }
}
