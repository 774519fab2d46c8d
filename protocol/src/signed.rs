//! Statements that somebody signed: exact bytes with one ed25519 signature over them (RFC 8032), and what they say.
//!
//! A statement's bytes are CBOR (RFC 8949) with integer keys, in the one form that [`encode`] writes; another spelling of the
//! same statement is refused, so that a statement has one hash. Signatures are checked strictly over the bytes that came,
//! never over a form made anew, and in the domain of the statement's type: a grant's signature is worth nothing on a receipt.
//!
//! Non-goals: whether the signer may say such a thing. Each statement's own module knows that.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};

use crate::id::Key;

/// The longest domain string, in bytes: its length goes into the signed bytes as one byte.
pub const DOMAIN_BYTES_MAX: usize = 255;
/// The longest signed statement, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 8 << 10;

/// Something that is said under a signature.
pub trait Statement: Encode<()> + for<'b> Decode<'b, ()> {
    /// What no other statement's domain is.
    const DOMAIN: &'static str;
    /// The only version that this program reads and writes, the statement's first field.
    const VERSION: u16;
    /// What people call it, for messages: `grant`.
    const NOUN: &'static str;

    /// The version that it says it has.
    fn version(&self) -> u16;
}

/// Why signed bytes are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A domain string without bytes or with too many.
    #[error("a domain string has 1 to {DOMAIN_BYTES_MAX} bytes, this one has {0}")]
    Domain(usize),
    /// The key is none.
    #[error("{0} is not a usable ed25519 key")]
    Key(Key),
    /// Somebody else signed, or something else was signed.
    #[error("the signature is not one of {0} over these bytes")]
    Forged(Key),
    /// Longer than any statement.
    #[error("a signed {noun} has at most {STATEMENT_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// What it should have been.
        noun: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// Bytes that are no such statement, or another spelling of one.
    #[error("these bytes are no {noun}: {why}")]
    Form {
        /// What it should have been.
        noun: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A version of another program.
    #[error("this {noun} has version {version}, which this program does not know; a newer Flowork may")]
    Version {
        /// What it is.
        noun: &'static str,
        /// Its version.
        version: u16,
    },
}

/// BLAKE3 of a signed statement with its signature: what names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// A statement as it travels: its exact bytes and the signature over them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Signed {
    #[cbor(n(0), with = "minicbor::bytes")]
    bytes: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

impl Signed {
    /// Signs `statement`. `sign` is asked for a signature over the bytes of [`message`].
    ///
    /// # Errors
    /// What `sign` says; [`Error::TooLong`] when the statement is too long to travel.
    pub fn by<S: Statement, E: From<Error>>(
        statement: &S, sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<Self, E> {
        let bytes = encode(statement);
        if bytes.len() > STATEMENT_BYTES_MAX {
            return Err(Error::TooLong { noun: S::NOUN, bytes: bytes.len() }.into());
        }
        let signature = sign(&message(S::DOMAIN, &bytes)?)?;
        Ok(Self { bytes, signature })
    }

    /// [`Self::by`] with a key at hand.
    ///
    /// # Errors
    /// [`Error::TooLong`] when the statement is too long to travel.
    pub fn with_seed<S: Statement>(statement: &S, seed: &[u8; 32]) -> Result<Self, Error> {
        Self::by(statement, |bytes| Ok(SigningKey::from_bytes(seed).sign(bytes).to_bytes()))
    }

    /// What it says, without asking who signed: for showing it. Nothing may be allowed on its word.
    ///
    /// # Errors
    /// When the bytes are no such statement.
    pub fn peek<S: Statement>(&self) -> Result<S, Error> {
        if self.bytes.len() > STATEMENT_BYTES_MAX {
            return Err(Error::TooLong { noun: S::NOUN, bytes: self.bytes.len() });
        }
        let form = |why: String| Error::Form { noun: S::NOUN, why };
        // The version first: what a newer program wrote need not read as ours.
        let version = minicbor::Decoder::new(&self.bytes);
        if let Some(version) = version_of(version).filter(|version| *version != S::VERSION) {
            return Err(Error::Version { noun: S::NOUN, version });
        }
        let statement: S = minicbor::decode(&self.bytes).map_err(|error| form(error.to_string()))?;
        if statement.version() != S::VERSION {
            return Err(Error::Version { noun: S::NOUN, version: statement.version() });
        }
        if encode(&statement) != self.bytes {
            return Err(form("it is spelled in another way than this program spells it".to_owned()));
        }
        Ok(statement)
    }

    /// What it says, when `by` signed it.
    ///
    /// # Errors
    /// When the bytes are no such statement, or `by` did not sign them.
    pub fn open<S: Statement>(&self, by: impl Into<Key>) -> Result<S, Error> {
        let statement = self.peek::<S>()?;
        verify(by.into(), S::DOMAIN, &self.bytes, &self.signature)?;
        Ok(statement)
    }

    /// What names it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.bytes.len() as u64).to_le_bytes());
        hasher.update(&self.bytes);
        hasher.update(&self.signature);
        Hash(*hasher.finalize().as_bytes())
    }

    /// The bytes that were signed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The first field of a map with integer keys, where that is a small number under key 0.
fn version_of(mut decoder: minicbor::Decoder<'_>) -> Option<u16> {
    decoder.map().ok()?.filter(|fields| *fields > 0)?;
    (decoder.u8().ok()? == 0).then(|| decoder.u16().ok())?
}

/// `value` in CBOR, the same bytes each time.
///
/// # Panics
/// Never: a vector takes every byte, and our types write themselves without a fault of their own.
#[must_use]
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("a vector takes every byte")
}

/// Domain length (one byte), domain, message: no two pairs of domain and message give the same bytes.
///
/// # Errors
/// [`Error::Domain`] when the domain string is empty or too long.
pub fn message(domain: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u8::try_from(domain.len()).ok().filter(|length| *length > 0).ok_or(Error::Domain(domain.len()))?;
    let mut message = Vec::with_capacity(1 + domain.len() + bytes.len());
    message.push(length);
    message.extend_from_slice(domain.as_bytes());
    message.extend_from_slice(bytes);
    Ok(message)
}

/// Checks a signature over [`message`] of `domain` and `bytes`, strictly: no keys of small order, one form of each signature.
///
/// # Errors
/// [`Error::Forged`] when it does not hold.
pub fn verify(by: Key, domain: &str, bytes: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
    let key = VerifyingKey::from_bytes(&by.0).map_err(|_| Error::Key(by))?;
    key.verify_strict(&message(domain, bytes)?, &Signature::from_bytes(signature)).map_err(|_| Error::Forged(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Encode, Decode)]
    #[cbor(map)]
    struct Greeting {
        #[n(0)]
        v: u16,
        #[n(1)]
        to: String,
    }

    impl Statement for Greeting {
        const DOMAIN: &'static str = "flowork test greeting v1";
        const VERSION: u16 = 1;
        const NOUN: &'static str = "greeting";
        fn version(&self) -> u16 {
            self.v
        }
    }

    #[derive(Debug, Clone, PartialEq, Encode, Decode)]
    #[cbor(map)]
    struct Threat {
        #[n(0)]
        v: u16,
        #[n(1)]
        to: String,
    }

    impl Statement for Threat {
        const DOMAIN: &'static str = "flowork test threat v1";
        const VERSION: u16 = 1;
        const NOUN: &'static str = "threat";
        fn version(&self) -> u16 {
            self.v
        }
    }

    fn key(seed: u8) -> Key {
        Key(SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes())
    }

    fn hello() -> Greeting {
        Greeting { v: 1, to: "Ana".to_owned() }
    }

    #[test]
    fn a_statement_holds_for_its_signer_and_its_kind_only() {
        let signed = Signed::with_seed(&hello(), &[1; 32]).unwrap();
        assert_eq!(signed.open::<Greeting>(key(1)), Ok(hello()));
        assert_eq!(signed.open::<Greeting>(key(2)), Err(Error::Forged(key(2))));
        assert_eq!(signed.open::<Threat>(key(1)), Err(Error::Forged(key(1))));
    }

    #[test]
    fn every_changed_bit_breaks_it() {
        let signed = Signed::with_seed(&hello(), &[1; 32]).unwrap();
        for bit in 0..signed.bytes.len() * 8 {
            let mut changed = signed.clone();
            changed.bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(changed.open::<Greeting>(key(1)).is_err(), "bit {bit}");
        }
        for bit in 0..512 {
            let mut changed = signed.clone();
            changed.signature[bit / 8] ^= 1 << (bit % 8);
            assert!(changed.open::<Greeting>(key(1)).is_err(), "bit {bit} of the signature");
        }
    }

    #[test]
    fn another_spelling_of_the_same_statement_is_refused_although_it_is_signed() {
        // { 1: "Ana", 0: 1 }: the fields in another order.
        let mut bytes = vec![0xa2, 0x01, 0x63];
        bytes.extend_from_slice(b"Ana");
        bytes.extend_from_slice(&[0x00, 0x01]);
        let signature = SigningKey::from_bytes(&[1; 32]).sign(&message(Greeting::DOMAIN, &bytes).unwrap()).to_bytes();
        let signed = Signed { bytes, signature };
        assert!(matches!(signed.open::<Greeting>(key(1)), Err(Error::Form { .. })));
    }

    #[test]
    fn a_newer_version_is_named_and_not_guessed_at() {
        let signed = Signed::with_seed(&Greeting { v: 2, ..hello() }, &[1; 32]).unwrap();
        assert_eq!(signed.open::<Greeting>(key(1)), Err(Error::Version { noun: "greeting", version: 2 }));
    }

    #[test]
    fn an_overlong_statement_is_neither_signed_nor_read() {
        let long = Greeting { v: 1, to: "a".repeat(STATEMENT_BYTES_MAX) };
        assert!(matches!(Signed::with_seed(&long, &[1; 32]), Err(Error::TooLong { .. })));
    }

    #[test]
    fn the_border_between_domain_and_message_is_signed() {
        assert_ne!(message("ab", b"c").unwrap(), message("a", b"bc").unwrap());
        assert_eq!(message("", b"").unwrap_err(), Error::Domain(0));
        assert_eq!(message(&"d".repeat(256), b"").unwrap_err(), Error::Domain(256));
    }
}
