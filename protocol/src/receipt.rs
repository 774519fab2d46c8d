//! A receipt: what a provider says it did in one call, signed after it was on its disk.
//!
//! The caller compares it with what it sent and got, and signs the same bytes too. A receipt proves what was claimed and
//! agreed to. It does not prove that a certain program or model ran.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::grant::Capability;
use crate::id::{GrantId, NodeId};
use crate::peer::call::CallId;
use crate::signed::{self, Signed, Statement};

/// The domain of a caller's signature over the bytes of a receipt.
pub const COUNTERSIGN_DOMAIN: &str = "flowork receipt countersignature v1";

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// 1.
    #[n(0)]
    pub v: u16,
    /// Who did it, and signs.
    #[n(1)]
    pub provider: NodeId,
    /// For whom.
    #[n(2)]
    pub caller: NodeId,
    /// Which call.
    #[n(3)]
    pub call: CallId,
    /// Under which grant.
    #[n(4)]
    pub grant: GrantId,
    /// With which engine.
    #[n(5)]
    pub engine: String,
    /// What.
    #[n(6)]
    pub capability: Capability,
    /// BLAKE3 of the request.
    #[cbor(n(7), with = "minicbor::bytes")]
    pub request_hash: [u8; 32],
    /// BLAKE3 of the output, as far as it was sent.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub output_hash: [u8; 32],
    /// When it began, in milliseconds since the Unix epoch, by the provider's clock.
    #[n(9)]
    pub began_at: u64,
    /// When it ended, likewise.
    #[n(10)]
    pub ended_at: u64,
    /// What was used.
    #[n(11)]
    pub usage: Usage,
    /// The code of its failure; none when it went well.
    #[n(12)]
    pub failure: Option<String>,
}

/// What a call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, schemars::JsonSchema)]
#[cbor(map)]
pub struct Usage {
    /// Bytes of the request.
    #[n(0)]
    pub bytes_in: u64,
    /// Bytes of the output.
    #[n(1)]
    pub bytes_out: u64,
    /// Milliseconds of work.
    #[n(2)]
    pub work_ms: u64,
    /// Tokens that a model read.
    #[n(3)]
    pub tokens_in: u64,
    /// Tokens that a model wrote.
    #[n(4)]
    pub tokens_out: u64,
}

impl Statement for Receipt {
    const DOMAIN: &'static str = "flowork receipt v1";
    const VERSION: u16 = 1;
    const NOUN: &'static str = "receipt";

    fn version(&self) -> u16 {
        self.v
    }
}

/// Why a receipt is not countersigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is none, or the provider did not sign it.
    #[error(transparent)]
    Signed(#[from] signed::Error),
    /// It says something else than what happened here.
    #[error("the receipt names another {0} than the call had")]
    Differs(&'static str),
}

/// What the caller knows about its call.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Who was called.
    pub provider: NodeId,
    /// Who called.
    pub caller: NodeId,
    /// Which call.
    pub call: CallId,
    /// Under which grant.
    pub grant: GrantId,
    /// With which engine.
    pub engine: &'a str,
    /// What.
    pub capability: &'a Capability,
    /// BLAKE3 of what was sent.
    pub request_hash: [u8; 32],
    /// BLAKE3 of what came; none when the output did not come whole.
    pub output_hash: Option<[u8; 32]>,
}

/// The receipt, when it says what the caller knows.
///
/// # Errors
/// What differs.
pub fn check(signed: &Signed, known: &Known<'_>) -> Result<Receipt, Error> {
    let receipt: Receipt = signed.open(known.provider)?;
    let differs = [
        ("provider", receipt.provider != known.provider),
        ("caller", receipt.caller != known.caller),
        ("call", receipt.call != known.call),
        ("grant", receipt.grant != known.grant),
        ("engine", receipt.engine != known.engine || receipt.capability != *known.capability),
        ("request", receipt.request_hash != known.request_hash),
        ("output", known.output_hash.is_some_and(|hash| receipt.output_hash != hash)),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((what, _)) => Err(Error::Differs(what)),
        None => Ok(receipt),
    }
}

/// What [`Exported::flowork`] says.
const EXPORTED: &str = "receipt/1";

/// A receipt as it lies in a file, for whoever has to be shown it: one line of JSON. It can be checked without a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Exported {
    /// `receipt/1`.
    pub flowork: String,
    /// The provider's signed receipt, in base64url.
    pub signed: String,
    /// The caller's signature over it, in base64url, when it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersignature: Option<String>,
}

/// What an exported receipt proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What the provider signed.
    pub receipt: Receipt,
    /// Whether the caller signed it too.
    pub is_countersigned: bool,
}

/// Why an exported receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// It is no exported receipt.
    #[error("it is no receipt as `flowork receipts export` writes it: {0}")]
    Form(String),
    /// It is none, or the provider that it names did not sign it.
    #[error("the provider's signature does not hold: {0}")]
    Provider(#[source] signed::Error),
    /// The caller that it names did not sign it.
    #[error("the caller's signature does not hold: {0}")]
    Caller(#[source] signed::Error),
}

impl Exported {
    /// Of a signed receipt's bytes as they are kept.
    #[must_use]
    pub fn new(signed: &[u8], countersignature: Option<&[u8]>) -> Self {
        Self {
            flowork: EXPORTED.to_owned(),
            signed: URL_SAFE_NO_PAD.encode(signed),
            countersignature: countersignature.map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
        }
    }

    /// What it proves: that the nodes that it names signed what it says.
    ///
    /// # Errors
    /// Why it proves nothing.
    pub fn verify(&self) -> Result<Proven, Unproven> {
        let form = |why: &dyn std::fmt::Display| Unproven::Form(why.to_string());
        if self.flowork != EXPORTED {
            return Err(form(&format!("it says `{}`, not `{EXPORTED}`", self.flowork)));
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.signed).map_err(|error| form(&error))?;
        let signed: Signed = minicbor::decode(&bytes).map_err(|error| form(&error))?;
        let said: Receipt = signed.peek().map_err(Unproven::Provider)?;
        let receipt: Receipt = signed.open(said.provider).map_err(Unproven::Provider)?;
        if let Some(countersignature) = &self.countersignature {
            let bytes = URL_SAFE_NO_PAD.decode(countersignature).map_err(|error| form(&error))?;
            let signature: [u8; 64] = bytes.try_into().map_err(|_| form(&"a signature has 64 bytes"))?;
            signed::verify(receipt.caller.into(), COUNTERSIGN_DOMAIN, signed.bytes(), &signature)
                .map_err(Unproven::Caller)?;
        }
        Ok(Proven { receipt, is_countersigned: self.countersignature.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    fn public(seed: u8) -> NodeId {
        NodeId(SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes())
    }

    fn receipt() -> Receipt {
        Receipt {
            v: 1,
            provider: public(1),
            caller: public(2),
            call: CallId([3; 16]),
            grant: GrantId([4; 32]),
            engine: "gpu".to_owned(),
            capability: Capability::run("summarise"),
            request_hash: [5; 32],
            output_hash: [6; 32],
            began_at: 1_800_000_000_000,
            ended_at: 1_800_000_000_250,
            usage: Usage { bytes_in: 10, bytes_out: 20, work_ms: 250, ..Usage::default() },
            failure: None,
        }
    }

    fn check_it(receipt: &Receipt, seed: u8) -> Result<Receipt, Error> {
        let capability = Capability::run("summarise");
        let known = Known {
            provider: public(1),
            caller: public(2),
            call: CallId([3; 16]),
            grant: GrantId([4; 32]),
            engine: "gpu",
            capability: &capability,
            request_hash: [5; 32],
            output_hash: Some([6; 32]),
        };
        check(&Signed::with_seed(receipt, &[seed; 32]).unwrap(), &known)
    }

    #[test]
    fn a_receipt_that_says_what_happened_is_agreed_to() {
        assert_eq!(check_it(&receipt(), 1), Ok(receipt()));
    }

    #[test]
    fn a_receipt_that_says_something_else_is_not() {
        let good = receipt;
        assert!(matches!(check_it(&good(), 2), Err(Error::Signed(_))));
        let wrong = [
            ("caller", Receipt { caller: public(3), ..good() }),
            ("call", Receipt { call: CallId([0; 16]), ..good() }),
            ("grant", Receipt { grant: GrantId([0; 32]), ..good() }),
            ("engine", Receipt { engine: "cpu".to_owned(), ..good() }),
            ("engine", Receipt { capability: Capability::run("other"), ..good() }),
            ("request", Receipt { request_hash: [0; 32], ..good() }),
            ("output", Receipt { output_hash: [0; 32], ..good() }),
        ];
        for (what, receipt) in wrong {
            assert_eq!(check_it(&receipt, 1), Err(Error::Differs(what)));
        }
    }

    /// As a node keeps it, signed by the provider, and by the caller with `caller`'s key.
    fn exported(receipt: &Receipt, caller: u8) -> Exported {
        let signed = Signed::with_seed(receipt, &[1; 32]).unwrap();
        let message = signed::message(COUNTERSIGN_DOMAIN, signed.bytes()).unwrap();
        let countersignature = SigningKey::from_bytes(&[caller; 32]).sign(&message).to_bytes();
        Exported::new(&signed::encode(&signed), Some(&countersignature))
    }

    #[test]
    fn an_exported_receipt_is_checked_without_a_node() {
        let line = serde_json::to_string(&exported(&receipt(), 2)).unwrap();
        let read: Exported = serde_json::from_str(&line).unwrap();
        assert_eq!(read.verify(), Ok(Proven { receipt: receipt(), is_countersigned: true }));
        let alone = Exported { countersignature: None, ..read };
        assert_eq!(alone.verify().map(|proven| proven.is_countersigned), Ok(false));
    }

    #[test]
    fn an_exported_receipt_that_was_changed_proves_nothing() {
        let good = exported(&receipt(), 2);
        assert!(matches!(exported(&receipt(), 3).verify(), Err(Unproven::Caller(_))));
        let others = exported(&Receipt { provider: public(9), ..receipt() }, 2);
        assert!(matches!(others.verify(), Err(Unproven::Provider(_))));
        for changed in [
            Exported { flowork: "receipt/2".to_owned(), ..good.clone() },
            Exported { signed: "!".to_owned(), ..good.clone() },
            Exported { countersignature: Some("AAAA".to_owned()), ..good.clone() },
        ] {
            assert!(matches!(changed.verify(), Err(Unproven::Form(_))), "{changed:?}");
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(&good.signed).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let changed = Exported { signed: URL_SAFE_NO_PAD.encode(&bytes), ..good.clone() };
            assert!(changed.verify().is_err(), "byte {at}");
            bytes[at] ^= 1;
        }
    }
}
