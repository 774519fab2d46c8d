//! Whose node this is, which other nodes are that person's, and which nodes persons took back.
//!
//! The person's key is never here: certificates are made elsewhere, and only kept and shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use flowork_ports::MeshTable;
use flowork_ports::mesh_table::Decision;
use flowork_ports::people::{OwnNode, Person};
use flowork_ports::store;
use flowork_protocol::certificate::{self, Certificate};
use flowork_protocol::peer::tell::CERTIFICATES_MAX;
use flowork_protocol::signed::Signed;
use flowork_protocol::time::of_seconds;
use flowork_protocol::{Failure, NodeId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contacts::{Contact, Contacts};
use crate::lock;
use crate::records::Records;

/// The most nodes of this node's person that are kept.
const OWN_MAX: usize = 32;
/// The most nodes that one person took back which are remembered, and of all persons but this node's own.
const REVOKED_OF_PERSON_MAX: usize = 64;
const REVOKED_MAX: usize = 4_096;
/// Certificates whose signature is remembered.
const SAID_MAX: usize = 4_096;

/// A certificate as it is kept: its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    signed: Vec<u8>,
}

impl Kept {
    fn of(signed: &Signed) -> Self {
        Self { signed: flowork_protocol::signed::encode(signed) }
    }
}

/// See the module.
pub(crate) struct Persons {
    me: NodeId,
    /// By this node's own person, by node.
    own: Records<Kept>,
    /// Nodes that were taken back, by person and node.
    revoked: Records<Kept>,
    /// What was read before, by the certificate's hash: what a person signed they signed for ever.
    said: Mutex<HashMap<[u8; 32], Certificate>>,
}

impl Persons {
    pub(crate) async fn load(me: NodeId, table: &Arc<dyn MeshTable>) -> Result<Self, store::Error> {
        Ok(Self {
            me,
            own: Records::load("own-node", table.clone()).await?,
            revoked: Records::load("revoked-node", table.clone()).await?,
            said: Mutex::default(),
        })
    }

    /// What a certificate says, checked once.
    fn said(&self, signed: &Signed) -> Option<Certificate> {
        let key = signed.hash().0;
        if let Some(said) = lock(&self.said).get(&key) {
            return Some(said.clone());
        }
        let said = certificate::said(signed).ok()?;
        let mut known = lock(&self.said);
        if known.len() >= SAID_MAX {
            known.clear();
        }
        known.insert(key, said.clone());
        Some(said)
    }

    fn read(&self, kept: &Kept) -> Option<(Signed, Certificate)> {
        let signed: Signed = minicbor::decode(&kept.signed).ok()?;
        let said = self.said(&signed)?;
        Some((signed, said))
    }

    /// Whether `person` took `node` back at or after `at`, in seconds.
    fn is_revoked(&self, person: PersonId, node: NodeId, at: u64) -> bool {
        let revoked = self.revoked.get(&key(person, node));
        revoked.and_then(|kept| self.read(&kept)).is_some_and(|(_, said)| said.at >= at)
    }

    /// The certificate, when it says that `node` is somebody's now.
    fn good(&self, signed: &Signed, node: NodeId, now: Timestamp) -> Option<Certificate> {
        let said = self.said(signed)?.holding(node, now).ok()?;
        (!self.is_revoked(said.person, node, said.at)).then_some(said)
    }

    /// The certificate of this node itself.
    pub(crate) fn own(&self, now: Timestamp) -> Option<(Signed, Certificate)> {
        let (signed, _) = self.read(&self.own.get(&self.me.to_string())?)?;
        self.good(&signed, self.me, now).map(|said| (signed, said))
    }

    /// Who this node's person is.
    pub(crate) fn mine(&self, now: Timestamp) -> Option<PersonId> {
        self.own(now).map(|(_, said)| said.person)
    }

    /// Whether any person took a node back, ever.
    pub(crate) fn was_taken_back(&self, node: NodeId) -> bool {
        self.revoked.find(|kept| self.read(kept).filter(|(_, said)| said.node == node).map(drop)).is_some()
    }

    /// What this node shows to others of whose it is.
    pub(crate) fn shown(&self, now: Timestamp) -> Vec<Signed> {
        self.own(now).map(|(signed, _)| signed).into_iter().collect()
    }

    /// What peers are told: whose this node is, and what that person took back.
    pub(crate) fn told(&self, now: Timestamp) -> Vec<Signed> {
        let mine = self.mine(now);
        let by_mine =
            |kept: Kept| self.read(&kept).filter(|(_, said)| Some(said.person) == mine).map(|(signed, _)| signed);
        self.shown(now)
            .into_iter()
            .chain(self.revoked.all().into_iter().filter_map(by_mine))
            .take(CERTIFICATES_MAX)
            .collect()
    }

    /// The persons whose node `node` is, by what it shows.
    pub(crate) fn of(&self, node: NodeId, shown: &[Signed], now: Timestamp) -> Vec<Certificate> {
        shown.iter().filter_map(|signed| self.good(signed, node, now)).collect()
    }

    /// The person whose node a contact is, as it showed when it was last heard of it.
    pub(crate) fn of_contact(&self, contact: &Contact, now: Timestamp) -> Option<Certificate> {
        let signed: Signed = minicbor::decode(contact.certificate.as_deref()?).ok()?;
        self.good(&signed, contact.node, now)
    }

    /// Whether a contact is a further node of this node's own person.
    pub(crate) fn is_mine(&self, contact: &Contact, now: Timestamp) -> bool {
        self.mine(now).is_some_and(|mine| self.of_contact(contact, now).is_some_and(|said| said.person == mine))
    }

    /// Keeps a certificate that the owner brings: of this node, of another of theirs, or one that takes a node back.
    pub(crate) async fn take(&self, signed: &Signed, now: Timestamp) -> Result<Certificate, Failure> {
        let invalid = |text: String| Failure::new("certificate-invalid", text);
        let said = certificate::said(signed).map_err(|error| invalid(error.to_string()))?;
        let mine = self.mine(now);
        let is_this = said.node == self.me;
        if mine.is_none() && !is_this {
            return Err(invalid("this node belongs to nobody yet".to_owned())
                .hint("bring the certificate of this node first: `flowork person certify`"));
        }
        if mine.is_some_and(|mine| mine != said.person) {
            return Err(invalid("it is by another person than the one whose node this is".to_owned())
                .hint("`flowork person leave` makes this node nobody's"));
        }
        if said.is_revocation {
            let is_kept = self.revoke(signed, &said, now).await.map_err(|error| unwritten(&error))?;
            if !is_kept && !self.is_revoked(said.person, said.node, said.at) {
                return Err(invalid(format!(
                    "this node remembers {REVOKED_OF_PERSON_MAX} nodes that one person took back"
                )));
            }
            return Ok(said);
        }
        if said.at > now.seconds() + 24 * 3_600 {
            return Err(invalid("it was signed in the future; is a clock wrong?".to_owned()));
        }
        if of_seconds(said.exp) <= now {
            return Err(invalid(certificate::Error::Expired(of_seconds(said.exp)).to_string()));
        }
        if self.is_revoked(said.person, said.node, said.at) {
            return Err(invalid("its person took this node back after it was signed".to_owned()));
        }
        if self.own.all().len() >= OWN_MAX && self.own.get(&said.node.to_string()).is_none() {
            return Err(invalid(format!("this node keeps {OWN_MAX} nodes of one person at most")));
        }
        let text = format!("{} says: {} is my node", said.person_name, said.node_name);
        let decided = Decision::new(now, "node-certified", Some(said.node), text);
        let put = self.own.put(said.node.to_string(), Kept::of(signed), Some(decided)).await;
        put.map_err(|error| unwritten(&error))?;
        Ok(said)
    }

    /// Remembers that a person took a node back. What is older than what is known changes nothing; gives whether it was news.
    pub(crate) async fn revoke(
        &self, signed: &Signed, said: &Certificate, now: Timestamp,
    ) -> Result<bool, store::Error> {
        let key = key(said.person, said.node);
        let known = self.revoked.get(&key).and_then(|kept| self.read(&kept));
        if known.as_ref().is_some_and(|(_, known)| known.at >= said.at) {
            return Ok(false);
        }
        if known.is_none() {
            let all = self.revoked.all();
            let of_person =
                all.iter().filter_map(|kept| self.read(kept)).filter(|(_, one)| one.person == said.person).count();
            let is_full = all.len() >= REVOKED_MAX && self.mine(now) != Some(said.person);
            if of_person >= REVOKED_OF_PERSON_MAX || is_full {
                return Ok(false);
            }
        }
        let text = format!("{} took the node {} back", said.person_name, said.node_name);
        // Said again and later it is no news.
        let decided = known.is_none().then(|| Decision::new(now, "node-revoked", Some(said.node), text));
        self.revoked.put(key, Kept::of(signed), decided).await?;
        Ok(true)
    }

    /// This node is nobody's from now on.
    pub(crate) async fn leave(&self, now: Timestamp) -> Result<(), store::Error> {
        let keys: Vec<String> = self
            .own
            .all()
            .into_iter()
            .filter_map(|kept| self.read(&kept))
            .map(|(_, said)| said.node.to_string())
            .collect();
        let decided = Decision::new(now, "person-left", None, "this node is nobody's from now on".to_owned());
        self.own.forget(&keys, Some(decided)).await
    }

    /// As people see it.
    pub(crate) fn listed(&self, contacts: &Contacts, now: Timestamp) -> Person {
        let Some((_, own)) = self.own(now) else { return Person { person: None, name: None, nodes: Vec::new() } };
        let mut all: Vec<Certificate> =
            self.own.all().into_iter().filter_map(|kept| self.read(&kept)).map(|(_, said)| said).collect();
        // Peers that showed whose they are need not be brought by hand.
        let shown = contacts.all().into_iter().filter_map(|contact| self.of_contact(&contact, now));
        all.extend(shown.filter(|said| said.person == own.person));
        all.sort_by_key(|said| (said.node != self.me, said.node, std::cmp::Reverse(said.at)));
        all.dedup_by_key(|said| said.node);
        let nodes = all
            .into_iter()
            .filter(|said| said.person == own.person)
            .map(|said| OwnNode {
                node: said.node,
                is_this: said.node == self.me,
                at: of_seconds(said.at),
                ends_at: of_seconds(said.exp),
                revoked_at: self.revoked_at(said.person, said.node, said.at),
                peer: contacts.get(said.node).map(|contact| contact.name),
                name: said.node_name,
            })
            .collect();
        Person { person: Some(own.person), name: Some(own.person_name), nodes }
    }

    fn revoked_at(&self, person: PersonId, node: NodeId, at: u64) -> Option<Timestamp> {
        let (_, said) = self.read(&self.revoked.get(&key(person, node))?)?;
        (said.at >= at).then(|| of_seconds(said.at))
    }
}

fn unwritten(error: &store::Error) -> Failure {
    Failure::new("try-again", format!("it cannot be written down now: {error}")).retryable()
}

fn key(person: PersonId, node: NodeId) -> String {
    format!("{person}/{node}")
}
