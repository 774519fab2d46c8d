//! A person's word that a node is theirs.
//!
//! A person key may stay offline; it is needed to certify a node, not to run one. What is granted to a person may be used by
//! each node that holds such a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decode, Encode};

use crate::id::{NodeId, PersonId};
use crate::signed::{self, Signed, Statement};
use crate::time::Timestamp;

/// The longest name of a node or person, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// What a certificate's text starts with.
pub const SCHEME: &str = "flowork-certificate:";
/// The longest text of a certificate, in characters.
pub const TEXT_BYTES_MAX: usize = 2_048;
const CHECK_BYTES: usize = 4;

/// `person` says: this node is mine.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Certificate {
    /// 1.
    #[n(0)]
    pub v: u16,
    /// Who says it, and signs.
    #[n(1)]
    pub person: PersonId,
    /// What the person is called.
    #[n(2)]
    pub person_name: String,
    /// Whose key it is about.
    #[n(3)]
    pub node: NodeId,
    /// What the person calls the node.
    #[n(4)]
    pub node_name: String,
    /// When it was signed, in seconds since the Unix epoch. Of two about one node the later counts.
    #[n(5)]
    pub at: u64,
    /// Until when it holds, in seconds since the Unix epoch.
    #[n(6)]
    pub exp: u64,
    /// Whether it takes the node back instead: it is no longer mine.
    #[n(7)]
    pub is_revocation: bool,
}

impl Statement for Certificate {
    const DOMAIN: &'static str = "flowork node certificate v1";
    const VERSION: u16 = 1;
    const NOUN: &'static str = "certificate";

    fn version(&self) -> u16 {
        self.v
    }
}

/// Why a certificate is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is none, or its signature does not hold.
    #[error(transparent)]
    Signed(#[from] signed::Error),
    /// It is about another node than the one that shows it.
    #[error("the certificate is about another node, {0}")]
    OtherNode(NodeId),
    /// Its time is over.
    #[error("the certificate held until {} only; its person has to renew it", .0.0)]
    Expired(Timestamp),
    /// It takes the node back.
    #[error("its person took this node back")]
    TakenBack,
    /// It is no certificate's text, or not all of it.
    #[error("this is no whole certificate; copy all of it, from {SCHEME} to its last letter")]
    Text,
    /// A name that is empty, too long or holds what people cannot see.
    #[error("the certificate names somebody in a way that cannot be shown")]
    Name,
}

/// What a certificate says, when the person whom it names signed it, whatever it is about and however old it is.
///
/// # Errors
/// When it is none, or somebody else signed it.
pub fn said(signed: &Signed) -> Result<Certificate, Error> {
    let certificate = signed.open::<Certificate>(signed.peek::<Certificate>()?.person)?;
    if !is_name(&certificate.person_name) || !is_name(&certificate.node_name) {
        return Err(Error::Name);
    }
    Ok(certificate)
}

/// A certificate as a text that can be copied from one machine to another. It is no secret.
#[must_use]
pub fn to_text(signed: &Signed) -> String {
    let mut bytes = signed::encode(signed);
    let check = blake3::hash(&bytes);
    bytes.extend_from_slice(&check.as_bytes()[..CHECK_BYTES]);
    format!("{SCHEME}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// The certificate of a text from [`to_text`]. Nothing is believed yet.
///
/// # Errors
/// [`Error::Text`] when it is none, or letters are missing.
pub fn from_text(text: &str) -> Result<Signed, Error> {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::Text);
    }
    let coded = text.strip_prefix(SCHEME).ok_or(Error::Text)?;
    let bytes = URL_SAFE_NO_PAD.decode(coded).map_err(|_| Error::Text)?;
    let (body, check) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(Error::Text)?;
    if blake3::hash(body).as_bytes()[..CHECK_BYTES] != *check {
        return Err(Error::Text);
    }
    minicbor::decode(body).map_err(|_| Error::Text)
}

/// What a certificate says, when it holds for `node` at `now`.
///
/// # Errors
/// Why it does not.
pub fn check(signed: &Signed, node: NodeId, now: Timestamp) -> Result<Certificate, Error> {
    said(signed)?.holding(node, now)
}

impl Certificate {
    /// It, when it holds for `node` at `now`. Who signed it was checked by [`said`].
    ///
    /// # Errors
    /// Why it does not hold.
    pub fn holding(self, node: NodeId, now: Timestamp) -> Result<Self, Error> {
        if self.node != node {
            return Err(Error::OtherNode(self.node));
        }
        if self.is_revocation {
            return Err(Error::TakenBack);
        }
        let until = crate::time::of_seconds(self.exp);
        if until <= now {
            return Err(Error::Expired(until));
        }
        Ok(self)
    }
}

/// Whether `text` can stand for somebody in a sentence: 1 to [`NAME_BYTES_MAX`] bytes, no control characters, nothing that
/// changes the direction of what follows, no space at an end.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let is_hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.trim() == text && !text.chars().any(is_hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 86_400;
    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn public(seed: u8) -> [u8; 32] {
        ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes()
    }

    fn certificate() -> Certificate {
        Certificate {
            v: 1,
            person: PersonId(public(9)),
            person_name: "Ana".to_owned(),
            node: NodeId(public(1)),
            node_name: "desk".to_owned(),
            at: 1_800_000_000 - DAY_S,
            exp: 1_800_000_000 + DAY_S,
            is_revocation: false,
        }
    }

    fn check_it(certificate: &Certificate, seed: u8, node: NodeId) -> Result<Certificate, Error> {
        check(&Signed::with_seed(certificate, &[seed; 32]).unwrap(), node, NOW)
    }

    #[test]
    fn a_certificate_holds_for_its_node_until_its_end() {
        let good = certificate();
        assert_eq!(check_it(&good, 9, good.node), Ok(good.clone()));
        assert_eq!(check_it(&good, 9, NodeId(public(2))), Err(Error::OtherNode(good.node)));
        assert!(matches!(
            check_it(&Certificate { exp: 1_800_000_000, ..good.clone() }, 9, good.node),
            Err(Error::Expired(_))
        ));
        assert_eq!(check_it(&Certificate { is_revocation: true, ..good.clone() }, 9, good.node), Err(Error::TakenBack));
    }

    #[test]
    fn a_node_cannot_certify_itself_in_somebodys_name() {
        let good = certificate();
        assert!(matches!(check_it(&good, 1, good.node), Err(Error::Signed(signed::Error::Forged(_)))));
    }

    #[test]
    fn a_certificate_travels_as_text_and_one_that_lost_a_letter_is_told() {
        let signed = Signed::with_seed(&certificate(), &[9; 32]).unwrap();
        let text = to_text(&signed);
        assert_eq!(from_text(&format!(" {text}\n")), Ok(signed));
        assert!(text.len() < 500, "{}", text.len());
        let mut letters: Vec<char> = text.chars().collect();
        letters.remove(40);
        let torn: String = letters.into_iter().collect();
        for wrong in [torn.as_str(), "", "flowork-certificate:", &text[1..], &"a".repeat(5_000)] {
            assert_eq!(from_text(wrong), Err(Error::Text), "{wrong}");
        }
    }

    #[test]
    fn what_a_revocation_says_is_believed_of_its_person_alone() {
        let back = Certificate { is_revocation: true, ..certificate() };
        assert_eq!(said(&Signed::with_seed(&back, &[9; 32]).unwrap()), Ok(back.clone()));
        assert!(said(&Signed::with_seed(&back, &[1; 32]).unwrap()).is_err());
    }

    #[test]
    fn a_name_that_hides_something_is_refused() {
        for name in ["", " Ana", "Ana\n", "Ana\u{202e}gpj", "A\u{200b}na", &"a".repeat(65)] {
            let named = Certificate { person_name: name.to_owned(), ..certificate() };
            assert_eq!(check_it(&named, 9, named.node), Err(Error::Name), "{name:?}");
        }
        assert!(is_name("Åsa 李 (laptop)"));
    }
}
