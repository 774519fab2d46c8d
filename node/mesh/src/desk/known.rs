//! Who comes without an invitation because it is known, and to whom this node goes so: further nodes of persons, and holders
//! of grants that were passed on.

use std::sync::Arc;

use flowork_ports::mesh::Error;
use flowork_ports::mesh_table::{Change, Decision};
use flowork_protocol::certificate::{Certificate, is_name};
use flowork_protocol::grant::Chain;
use flowork_protocol::id::Key;
use flowork_protocol::peer::pair::{Introduction, Known};
use flowork_protocol::peer::tell::PassedOn;
use flowork_protocol::peer::{Refusal, pair};
use flowork_protocol::{GrantId, NodeId, Timestamp, succession};
use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

use super::{Desk, random};
use crate::contacts::Contact;
use crate::grants::Kept;
use crate::lock;
use crate::pairing::{self, Comes, Joined};
use crate::serve::cut;
use crate::tell::unwritten;

/// The most nodes that this node means to go to.
const UNMET_MAX: usize = 256;
/// The most of which one peer tells it.
const UNMET_OF_PEER_MAX: usize = 32;
/// The most nodes of one person, and holders of what was passed on of one grant, that come without an invitation.
const UNINVITED_MAX: usize = 32;
/// How long it tries.
const UNMET_FOR_MS: u64 = 31 * 24 * 3_600_000;
/// The most addresses that are kept of one.
const ADDRESSES_MAX: usize = 16;

/// A node that this node means to go to: it may use something of it, or has a new key that is to be known there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unmet {
    node: NodeId,
    name: String,
    addresses: Vec<String>,
    /// The bytes of the chain by which it knows this node; none when it knows this node by its old key.
    chain: Option<Vec<u8>>,
    /// Who said where it is.
    #[serde(default)]
    by: Option<NodeId>,
    at: Timestamp,
}

impl Desk {
    /// What a node said of itself, without what is not to be believed.
    pub(super) fn believed(&self, said: Introduction, node: NodeId, now: Timestamp) -> Introduction {
        let certificates = said
            .certificates
            .iter()
            .filter(|signed| !self.persons.of(node, std::slice::from_ref(*signed), now).is_empty())
            .cloned()
            .collect();
        Introduction { certificates, ..said }
    }

    /// Lets in who is known by a certificate or by a grant. The room's writing lock is held.
    pub(super) async fn let_in_known(
        self: &Arc<Self>, peer: NodeId, known: Known, now: Timestamp,
    ) -> Result<Contact, Refusal> {
        let Known { mut introduction, chain, succession } = known;
        // Each costs a signature.
        introduction.certificates.truncate(pair::CERTIFICATES_MAX);
        if self.contacts.is_shut_out(peer) {
            return Err(Refusal::new("not-known", "this node removed yours; ask for an invitation"));
        }
        let shown = self.persons.of(peer, &introduction.certificates, now);
        let succeeds = succession.and_then(|signed| succession::check(&signed, peer).ok().flatten());
        if let Some(before) = succeeds.and_then(|said| self.contacts.get(said.old)) {
            return self.succeed(before, peer, introduction, &shown, now).await;
        }
        let mut under = None;
        let (name, why) = match (self.of_known_person(&shown, now), chain) {
            (Some((said, whom)), _) => {
                let others = self.contacts.count(|contact| contact.person == Some(said.person) && contact.node != peer);
                if others >= UNINVITED_MAX {
                    let why = format!("this node is paired with {UNINVITED_MAX} nodes of that person already");
                    return Err(Refusal::new("contacts-full", why));
                }
                // By the name under which the person is known here, not by what a certificate says.
                (format!("{whom} ({})", said.node_name), format!("it is a node of {whom}, says their certificate"))
            }
            (None, Some(chain)) => {
                let (by, root) = self.by_grant(peer, &shown, &chain, now)?;
                let others = self.contacts.count(|contact| contact.under == Some(root) && contact.node != peer);
                if others >= UNINVITED_MAX {
                    let why = format!("{UNINVITED_MAX} nodes hold something of that grant already");
                    return Err(Refusal::new("contacts-full", why));
                }
                under = Some(root);
                (introduction.name.clone(), format!("{by} passed a grant of this node on to it"))
            }
            (None, None) => return Err(Refusal::new("not-known", "this node knows yours by nothing that it shows")),
        };
        let name = if is_name(&name) { name } else { introduction.name.clone() };
        let before = self.contacts.get(peer).map(|contact| contact.name);
        let said = self.believed(introduction, peer, now);
        let decided = Decision::new(now, "let-in-known", Some(peer), format!("{name} was let in: {why}"));
        let also = vec![Change::Decision(decided)];
        let paired = self.contacts.pair(peer, &said, Some(&before.unwrap_or(name)), Vec::new(), now, also).await;
        let contact = paired.map_err(refused)?;
        match under {
            Some(root) => self.contacts.came_under(contact, root).await.map_err(refused),
            None => Ok(contact),
        }
    }

    /// A peer has a new key: it takes the place of the old one, with the same name, and what it was granted is given to it.
    async fn succeed(
        self: &Arc<Self>, before: Contact, peer: NodeId, introduction: Introduction, shown: &[Certificate],
        now: Timestamp,
    ) -> Result<Contact, Refusal> {
        if self.persons.was_taken_back(before.node) {
            return Err(Refusal::new("not-known", "its person took that node back"));
        }
        if before.guardian.is_some_and(|person| !shown.iter().any(|said| said.person == person)) {
            let why =
                "it was a person's node: that person has to say that the new one is theirs (`flowork person certify`)";
            return Err(Refusal::new("not-certified", why));
        }
        let said = self.believed(introduction, peer, now);
        let text = format!("{} has a new key: {peer}", before.name);
        let also = vec![Change::Decision(Decision::new(now, "key-changed", Some(peer), text))];
        let contact =
            self.contacts.pair(peer, &said, None, before.addresses.clone(), now, also).await.map_err(refused)?;
        for kept in self.grants.given_to(before.node) {
            let moved = self.grants.give_to_successor(&self.keeper, &kept, (before.node, peer), random, now).await;
            if let Some(moved) = moved.map_err(refused)? {
                lock(&self.provider.meter).carry_over(kept.id, moved.id);
            }
        }
        self.grants.forget_held(before.node).await.map_err(|error| unwritten(&error))?;
        self.contacts.remove(&before, now).await.map_err(|error| unwritten(&error))?;
        self.requests.forget(before.node).await.map_err(|error| unwritten(&error))?;
        self.provider.end_of(before.node, &Refusal::new("not-paired", "this node has a new key now"));
        let contact = self.contacts.rename(&contact.node.to_string(), &before.name).await.map_err(refused)?;
        tokio::spawn(self.clone().tell_untold(peer));
        Ok(contact)
    }

    /// The certificate of a person whom this node knows already, or whose node it is itself; and what they are called here.
    fn of_known_person<'a>(&self, shown: &'a [Certificate], now: Timestamp) -> Option<(&'a Certificate, String)> {
        let mine = self.persons.mine(now);
        let contacts = self.contacts.all();
        shown.iter().find_map(|said| {
            if mine == Some(said.person) {
                return Some((said, said.person_name.clone()));
            }
            let is_theirs = |contact: &&Contact| {
                contact.person == Some(said.person) && self.persons.of_contact(contact, now).is_some()
            };
            // The one who was invited, before those who came by their word.
            let knows = contacts.iter().filter(is_theirs).min_by_key(|contact| contact.paired_at)?;
            Some((said, knows.name.clone()))
        })
    }

    /// Who passed a grant of this node on to `peer`, by name, and which one, when it may be used.
    fn by_grant(
        &self, peer: NodeId, shown: &[Certificate], chain: &[u8], now: Timestamp,
    ) -> Result<(String, GrantId), Refusal> {
        let verified =
            self.grants.verify(chain, self.me).map_err(|denied| Refusal::new(denied.code(), denied.to_string()))?;
        let leaf = &verified.leaf().grant;
        let is_theirs = leaf.aud == Key::from(peer) || shown.iter().any(|said| Key::from(said.person) == leaf.aud);
        let is_now = verified.links().iter().all(|link| link.grant.begins_at() <= now && now < link.grant.ends_at());
        if !is_theirs || !is_now || !self.grants.stands(&verified) {
            return Err(Refusal::new("not-known", "the grant that it shows is not good now, or somebody else's"));
        }
        let root = verified.links().first().map_or(GrantId([0; 32]), |link| link.id);
        Ok((self.contacts.whom(leaf.iss, self.me), root))
    }

    /// A peer says that this node may use an engine of somebody else.
    pub(super) async fn hear_passed_on(&self, peer: &Contact, told: PassedOn, now: Timestamp) -> Result<(), Refusal> {
        let denied = |denied: flowork_protocol::grant::Denied| Refusal::new(denied.code(), denied.to_string());
        let chain = Chain::from_bytes(&told.chain).map_err(denied)?;
        let Some(owner) = chain.owner().filter(|owner| *owner != self.me) else {
            return Err(Refusal::new("grant-not-yours", "it is for an engine of this node itself"));
        };
        if self.contacts.is_shut_out(owner) {
            return Err(Refusal::new("owner-removed", "this node removed the engine's owner"));
        }
        let verified = self.grants.verify(&told.chain, owner).map_err(denied)?;
        let gave = verified.leaf().grant.iss == Key::from(peer.node);
        if !gave && !self.persons.is_mine(peer, now) {
            return Err(Refusal::new("grant-not-yours", "it was passed on by somebody else"));
        }
        let kept =
            self.grants.hold(told.chain, (peer.node, owner), self.persons.mine(now), now).await.map_err(denied)?;
        let all = self.unmet.all();
        let by_peer = all.iter().filter(|unmet| unmet.by == Some(peer.node)).count();
        let has_room = all.len() < UNMET_MAX && by_peer < UNMET_OF_PEER_MAX;
        if self.contacts.get(owner).is_none() && has_room {
            let is_address = |text: &String| text.parse::<Multiaddr>().is_ok();
            let unmet = Unmet {
                node: owner,
                name: if is_name(&told.owner_name) { told.owner_name } else { crate::contacts::short(owner) },
                addresses: told.owner_addresses.into_iter().filter(is_address).take(ADDRESSES_MAX).collect(),
                chain: Some(kept.chain),
                by: Some(peer.node),
                at: now,
            };
            let put = self.unmet.put(owner.to_string(), unmet, None).await;
            put.map_err(|error| unwritten(&error))?;
            self.look.notify_one();
        }
        Ok(())
    }

    /// What is said to `node` of a grant of somebody else's engine.
    pub(super) fn passed_on(&self, kept: &Kept) -> PassedOn {
        let owner = self.contacts.get(kept.owner);
        let (owner_name, owner_addresses) = owner.map(|owner| (owner.own_name, owner.addresses)).unwrap_or_default();
        PassedOn { chain: kept.chain.clone(), owner_name, owner_addresses }
    }

    /// Goes to those whom this node may use something of and has not met.
    pub(super) async fn go_to_unmet(self: Arc<Self>) {
        let Ok(_going) = self.going.try_lock() else { return };
        let now = (self.clock)();
        let is_over = |unmet: &Unmet| {
            let was_met = unmet.chain.is_some() && self.contacts.get(unmet.node).is_some();
            was_met || unmet.at.plus_ms(UNMET_FOR_MS) <= now
        };
        if let Err(error) = self.unmet.forget_where(is_over).await {
            tracing::warn!(%error, "nodes that were met could not be forgotten");
        }
        let going = self.unmet.all().into_iter().map(|unmet| self.go_to(unmet));
        futures::future::join_all(going).await;
    }

    async fn go_to(self: &Arc<Self>, unmet: Unmet) {
        let addresses = unmet.addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let Ok(stream) = self.net.open(unmet.node, pair::PROTOCOL, addresses).await else { return };
        let succession = self.succession.clone().filter(|_| unmet.chain.is_none());
        let known = Known { introduction: self.introduction(), chain: unmet.chain.clone(), succession };
        let said = match pairing::come(stream, Comes::Known(known)).await {
            Ok(Joined::Welcome(said)) => said,
            Ok(Joined::Refused(refusal)) => {
                let (code, why) = (cut(&refusal.code), cut(&refusal.message));
                tracing::info!(node = %unmet.node, code, why, "a node does not let this one in");
                return;
            }
            Err(error) => {
                tracing::debug!(node = %unmet.node, %error, "a node is asked later to let this one in");
                return;
            }
        };
        let now = (self.clock)();
        let said = self.believed(said, unmet.node, now);
        let _writing = self.writing.lock().await;
        // Removed meanwhile: then by invitation alone.
        if self.unmet.get(&unmet.node.to_string()).is_none() || self.contacts.is_shut_out(unmet.node) {
            return;
        }
        match self.contacts.pair(unmet.node, &said, Some(&unmet.name), unmet.addresses, now, Vec::new()).await {
            Ok(contact) => {
                tracing::info!(node = %contact.node, name = %contact.name, "this node was let in");
                if let Err(error) = self.unmet.forget(&[unmet.node.to_string()], None).await {
                    tracing::warn!(%error, "that a node was met could not be written down");
                }
                self.learn_known();
                // What it could not be told by the old key.
                tokio::spawn(self.clone().tell_untold(unmet.node));
            }
            Err(error) => tracing::warn!(%error, "a node that let this one in could not be written down"),
        }
    }

    /// This node has a new key, by the word of its old one: everybody is to know, and what it granted is granted anew.
    pub(crate) async fn move_in(self: &Arc<Self>, old: NodeId) -> Result<(), Error> {
        let now = (self.clock)();
        let _writing = self.writing.lock().await;
        if self.moves.get(&old.to_string()).is_some() {
            return Ok(());
        }
        self.grants.move_from(&self.keeper, old, random, now).await?;
        for contact in self.contacts.all() {
            let Contact { node, name, addresses, .. } = contact;
            self.unmet
                .put(node.to_string(), Unmet { node, name, addresses, chain: None, by: None, at: now }, None)
                .await?;
        }
        let text = format!("this node has a new key; its old one was {old}");
        self.moves.put(old.to_string(), now, Some(Decision::new(now, "own-key-changed", Some(self.me), text))).await?;
        self.look.notify_one();
        Ok(())
    }
}

fn refused(error: Error) -> Refusal {
    match error {
        Error::Invalid(failure) => Refusal::new(failure.code, failure.message),
        error => unwritten(&error),
    }
}
