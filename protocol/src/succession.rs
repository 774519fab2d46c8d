//! A node's word that it has a new key.
//!
//! Whoever holds a node's key can say so, a thief too. Where a person certified the node, their word is asked for as well.

use minicbor::{Decode, Encode};

use crate::id::NodeId;
use crate::signed::{self, Signed, Statement};

/// `old` says: from now on I am `new`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Succession {
    /// 1.
    #[n(0)]
    pub v: u16,
    /// Who says it, and signs.
    #[n(1)]
    pub old: NodeId,
    /// The new key.
    #[n(2)]
    pub new: NodeId,
    /// When it was signed, in seconds since the Unix epoch.
    #[n(3)]
    pub at: u64,
}

impl Statement for Succession {
    const DOMAIN: &'static str = "flowork succession v1";
    const VERSION: u16 = 1;
    const NOUN: &'static str = "succession";

    fn version(&self) -> u16 {
        self.v
    }
}

/// What a succession says, when its old key signed it and it is about `new`; none otherwise.
///
/// # Errors
/// When it is none, or somebody else signed it.
pub fn check(signed: &Signed, new: NodeId) -> Result<Option<Succession>, signed::Error> {
    let said = signed.open::<Succession>(signed.peek::<Succession>()?.old)?;
    Ok((said.new == new && said.old != new).then_some(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(seed: u8) -> NodeId {
        NodeId(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes())
    }

    #[test]
    fn a_new_key_is_a_nodes_by_the_word_of_its_old_one_alone() {
        let said = Succession { v: 1, old: node(1), new: node(2), at: 1_800_000_000 };
        let signed = Signed::with_seed(&said, &[1; 32]).unwrap();
        assert_eq!(check(&signed, node(2)), Ok(Some(said.clone())));
        assert_eq!(check(&signed, node(3)), Ok(None));
        assert!(check(&Signed::with_seed(&said, &[2; 32]).unwrap(), node(2)).is_err());
        let itself = Succession { new: node(1), ..said };
        assert_eq!(check(&Signed::with_seed(&itself, &[1; 32]).unwrap(), node(1)), Ok(None));
    }
}
