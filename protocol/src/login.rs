//! Logging in by key: what a browser signs, how the signature is checked, and what the node keeps of links and keys.
//!
//! Non-goals: nonces, sessions, who is let in. Those are the gateway's.
//!
//! Bytes are base64url without padding in JSON (RFC 4648, section 5). Signatures are ed25519 (RFC 8032), checked strictly: no
//! keys of small order, no second form of the same signature.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::command::Role;
use crate::id::{LoginKeyId, LoginLinkId, NodeId};
use crate::time::Timestamp;

/// The first line of what a browser signs to open a session, so that no other signature can stand for it.
pub const SESSION_DOMAIN: &str = "flowork login session v1";
/// Hex digits of a key's id.
const ID_DIGITS: usize = 24;

/// The exact bytes that a browser signs to open a session: four lines, UTF-8, without an end of the last one.
///
/// `nonce` is as it stands in the challenge. None of the four parts can hold an end of a line, so no two calls with
/// different arguments give the same bytes, as long as the caller has taken `nonce` apart before.
#[must_use]
pub fn session_message(node: NodeId, key: PublicKey, nonce: &str) -> Vec<u8> {
    format!("{SESSION_DOMAIN}\n{node}\n{key}\n{nonce}").into_bytes()
}

/// Signs as a browser does, with the private half whose seed is `seed`; gives the public half and the signature. For clients:
/// the node signs no logins.
///
/// # Errors
/// [`KeyError::Weak`] never in practice: a seed makes a key of full order.
pub fn sign_session(seed: &[u8; 32], node: NodeId, nonce: &str) -> Result<(PublicKey, [u8; 64]), KeyError> {
    let key = SigningKey::from_bytes(seed);
    let public_key = PublicKey::new(key.verifying_key().to_bytes())?;
    Ok((public_key, key.sign(&session_message(node, public_key, nonce)).to_bytes()))
}

/// Bytes as JSON holds them.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Exactly `N` bytes from their form in JSON; none for anything else, other spellings of the same bytes included.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Why a text is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not 32 bytes in base64url.
    #[error("a public key is 32 bytes in base64url without padding")]
    Form,
    /// No key of a person looks like this.
    #[error("these 32 bytes are no ed25519 key that can be used")]
    Weak,
}

/// The public half of a login key. There is none that is weak.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Takes raw bytes.
    ///
    /// # Errors
    /// [`KeyError::Weak`] for bytes that are no point of the curve, or one of small order.
    pub fn new(bytes: [u8; 32]) -> Result<Self, KeyError> {
        match VerifyingKey::from_bytes(&bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(bytes)),
            _ => Err(KeyError::Weak),
        }
    }

    /// Its name in lists: the same for the same key.
    #[must_use]
    pub fn id(&self) -> LoginKeyId {
        let hash = blake3::hash(&self.0).to_hex();
        LoginKeyId(hash.chars().take(ID_DIGITS).collect())
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` over `message` was made with the private half.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::new(decode(text).ok_or(KeyError::Form)?)
    }
}

impl TryFrom<String> for PublicKey {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

/// A one-time link that lets one key in, as the node keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub id: LoginLinkId,
    /// BLAKE3 of its token, hex.
    pub secret_hash: String,
    /// What the key may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// The key that it let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<PublicKey>,
}

/// A key that may open sessions, as the node keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name in lists.
    pub id: LoginKeyId,
    /// Its public half.
    pub public_key: PublicKey,
    /// What people call the browser that holds it.
    pub label: String,
    /// What its sessions may do.
    pub role: Role,
    /// When it was let in first.
    pub created_at: Timestamp,
}

/// A key that came with a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The link.
    pub link: LoginLinkId,
    /// The key.
    pub public_key: PublicKey,
    /// What people call the browser that holds it.
    pub label: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(seed: u8) -> (SigningKey, PublicKey) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public_key = PublicKey::new(key.verifying_key().to_bytes()).unwrap();
        (key, public_key)
    }

    #[test]
    fn a_signature_holds_for_its_key_and_message_only() {
        let ((key, public_key), (_, other)) = (pair(1), pair(2));
        let message = session_message(NodeId([7; 32]), public_key, "bm9uY2U");
        let signature = key.sign(&message).to_bytes();
        assert!(public_key.verifies(&message, &signature));
        assert!(!other.verifies(&message, &signature));
        for wrong in [
            session_message(NodeId([8; 32]), public_key, "bm9uY2U"),
            session_message(NodeId([7; 32]), other, "bm9uY2U"),
            session_message(NodeId([7; 32]), public_key, "bm9uY2V"),
        ] {
            assert!(!public_key.verifies(&wrong, &signature));
        }
    }

    #[test]
    fn only_one_spelling_of_a_usable_key_reads() {
        let (_, key) = pair(1);
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        assert_eq!(key.id(), key.id());
        assert_eq!(key.id().as_str().len(), ID_DIGITS);
        for wrong in [format!("{text}="), text[..42].to_owned(), text.replace(|_| true, "!"), String::new()] {
            assert_eq!(wrong.parse::<PublicKey>(), Err(KeyError::Form), "{wrong}");
        }
        // The neutral point: every message has a signature that a lenient check takes.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(encode(&neutral).parse::<PublicKey>(), Err(KeyError::Weak));
    }
}
