//! An invitation: a link by which two nodes come to know each other.
//!
//! Whoever holds the link may join once, before it ends. All that it says is in it, so that it can be read before a packet is
//! sent. The text is `flowork://join/` and base64url (RFC 4648, section 5) of CBOR (RFC 8949) and four bytes of its BLAKE3, so
//! that a link that lost a letter on its way is told from one that was never valid.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decode, Encode};

use crate::certificate;
use crate::id::NodeId;
use crate::signed;
use crate::time::{Timestamp, of_seconds};

/// What every invitation starts with.
pub const SCHEME: &str = "flowork://join/";
/// The most addresses of an invitation: more do not fit a QR code that a phone reads from a terminal.
pub const ADDRESSES_MAX: usize = 8;
/// The longest address, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 256;
/// The longest invitation, in characters.
pub const TEXT_BYTES_MAX: usize = 4096;
const VERSION: u16 = 1;
const CHECK_BYTES: usize = 4;

/// What proves that somebody was invited. Its holder may join.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Secret(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl Secret {
    /// What the inviting node keeps of it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        blake3::derive_key("flowork invitation v1", &self.0)
    }

    /// The name of its invitation: the hash, hex. It lets nobody in.
    #[must_use]
    pub fn name(&self) -> String {
        blake3::Hash::from_bytes(self.hash()).to_hex().to_string()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What an invitation says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Invitation {
    #[n(0)]
    v: u16,
    /// Who invites.
    #[n(1)]
    pub node: NodeId,
    /// What the inviting node is called. Only its word.
    #[n(2)]
    pub name: String,
    /// What lets in.
    #[n(3)]
    pub secret: Secret,
    /// When it ends, in seconds since the Unix epoch.
    #[n(4)]
    pub exp: u64,
    /// Where the inviting node may be reached: multiaddresses as text, the best first, without its id.
    #[n(5)]
    pub addresses: Vec<String>,
}

/// Why a text is no invitation that can be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It starts in another way.
    #[error("an invitation starts with {SCHEME}")]
    Scheme,
    /// Letters are missing or changed.
    #[error("the invitation is not whole; copy all of it, from {SCHEME} to its last letter")]
    Torn,
    /// A newer program made it.
    #[error("the invitation has version {0}, which this program does not know; a newer Flowork may")]
    Version(u16),
    /// It holds something that no invitation holds.
    #[error("the invitation cannot be used: {0}")]
    Form(String),
    /// Its time is over.
    #[error("the invitation has ended; ask for a new one")]
    Late {
        /// When.
        ended_at: Timestamp,
    },
}

impl Invitation {
    /// An invitation; addresses beyond [`ADDRESSES_MAX`] and overlong ones are left out.
    #[must_use]
    pub fn new(node: NodeId, name: String, secret: Secret, ends_at: Timestamp, addresses: Vec<String>) -> Self {
        let addresses =
            addresses.into_iter().filter(|address| address.len() <= ADDRESS_BYTES_MAX).take(ADDRESSES_MAX).collect();
        Self { v: VERSION, node, name, secret, exp: ends_at.seconds(), addresses }
    }

    /// When it ends.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        of_seconds(self.exp)
    }

    /// The link.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = signed::encode(self);
        let check = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&check[..CHECK_BYTES]);
        format!("{SCHEME}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a link. Line breaks and spaces that a mail put into it are let pass.
    ///
    /// # Errors
    /// Why it cannot be followed at `now`.
    pub fn read(text: &str, now: Timestamp) -> Result<Self, Error> {
        if text.len() > 2 * TEXT_BYTES_MAX {
            return Err(Error::Torn);
        }
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let body = text.strip_prefix(SCHEME).ok_or(Error::Scheme)?;
        let bytes = URL_SAFE_NO_PAD.decode(body).map_err(|_| Error::Torn)?;
        let (bytes, check) = bytes.split_at_checked(bytes.len().saturating_sub(CHECK_BYTES)).ok_or(Error::Torn)?;
        if check != &blake3::hash(bytes).as_bytes()[..CHECK_BYTES] {
            return Err(Error::Torn);
        }
        let form = |why: String| Error::Form(why);
        let mut decoder = minicbor::Decoder::new(bytes);
        let invitation: Self = decoder.decode().map_err(|error| form(error.to_string()))?;
        if invitation.v != VERSION {
            return Err(Error::Version(invitation.v));
        }
        if !certificate::is_name(&invitation.name) {
            return Err(form("it names its node in a way that cannot be shown".to_owned()));
        }
        if invitation.addresses.len() > ADDRESSES_MAX
            || invitation.addresses.iter().any(|address| address.len() > ADDRESS_BYTES_MAX)
        {
            return Err(form("it lists too many or too long addresses".to_owned()));
        }
        if invitation.ends_at() <= now {
            return Err(Error::Late { ended_at: invitation.ends_at() });
        }
        Ok(invitation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn invitation() -> Invitation {
        Invitation::new(
            NodeId([5; 32]),
            "Ana's desk".to_owned(),
            Secret([7; 16]),
            NOW.plus_ms(600_000),
            vec!["/ip4/192.168.1.7/tcp/4748".to_owned(), "/ip4/192.168.1.7/udp/4748/quic-v1".to_owned()],
        )
    }

    #[test]
    fn an_invitation_reads_back_also_when_a_mail_broke_its_line() {
        let text = invitation().to_text();
        assert_eq!(Invitation::read(&text, NOW), Ok(invitation()));
        let broken = format!(" {}\r\n{} ", &text[..40], &text[40..]);
        assert_eq!(Invitation::read(&broken, NOW), Ok(invitation()));
        assert!(text.len() < 300, "it fits a QR code: {} letters", text.len());
    }

    #[test]
    fn a_letter_that_is_missing_or_changed_is_noticed() {
        let text = invitation().to_text();
        assert_eq!(Invitation::read(&text[..text.len() - 1], NOW), Err(Error::Torn));
        for at in (SCHEME.len()..text.len()).step_by(7) {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(Invitation::read(&changed, NOW), Err(Error::Torn), "{at}");
        }
        assert_eq!(Invitation::read("https://example.org", NOW), Err(Error::Scheme));
    }

    #[test]
    fn an_invitation_ends() {
        let text = invitation().to_text();
        assert!(matches!(Invitation::read(&text, NOW.plus_ms(600_000)), Err(Error::Late { .. })));
    }

    #[test]
    fn the_secret_is_not_in_the_debug_text_and_its_hash_does_not_give_it_away() {
        assert!(!format!("{:?}", invitation()).contains("7, 7"));
        assert_ne!(invitation().secret.hash()[..16], [7; 16]);
    }

    proptest::proptest! {
        #[test]
        fn garbage_is_refused_without_a_panic(text in ".{0,200}") {
            let _ = Invitation::read(&text, NOW);
            let _ = Invitation::read(&format!("{SCHEME}{text}"), NOW);
        }
    }
}
