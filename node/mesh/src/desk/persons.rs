//! Whose node this is, and what peers hear and say of persons.

use std::sync::Arc;

use flowork_ports::mesh::Error;
use flowork_ports::people::Person;
use flowork_protocol::certificate;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::tell::{CERTIFICATES_MAX, Tell};
use flowork_protocol::signed::{self, Signed};
use flowork_protocol::{NodeId, PersonId, Timestamp};

use super::{Desk, invalid};
use crate::contacts::Contact;
use crate::lock;
use crate::tell::unwritten;

impl Desk {
    /// Keeps a certificate that the owner brings.
    pub(super) async fn certify(self: &Arc<Self>, text: &str, now: Timestamp) -> Result<Person, Error> {
        let signed = certificate::from_text(text).map_err(|error| invalid("certificate-invalid", error.to_string()))?;
        {
            let _writing = self.writing.lock().await;
            let said = self.persons.take(&signed, now).await.map_err(Error::Invalid)?;
            if said.is_revocation {
                self.end_of_person(said.person, said.node, now).await?;
            }
        }
        self.tell_all();
        Ok(self.persons.listed(&self.contacts, now))
    }

    pub(super) async fn leave_person(self: &Arc<Self>, now: Timestamp) -> Result<(), Error> {
        {
            let _writing = self.writing.lock().await;
            self.persons.leave(now).await?;
        }
        self.tell_all();
        Ok(())
    }

    /// A peer says whose node it is, and which nodes that person took back.
    pub(super) async fn hear_certificates(
        self: &Arc<Self>, peer: &Contact, told: &[Signed], now: Timestamp,
    ) -> Result<(), Refusal> {
        let mine = self.persons.mine(now);
        let told = &told[..told.len().min(CERTIFICATES_MAX)];
        for signed in told {
            let Ok(said) = certificate::said(signed) else { continue };
            let is_known = mine == Some(said.person)
                || self.contacts.all().iter().any(|contact| contact.person == Some(said.person));
            if said.is_revocation
                && is_known
                && self.persons.revoke(signed, &said, now).await.map_err(|error| unwritten(&error))?
            {
                self.end_of_person(said.person, said.node, now).await.map_err(|error| unwritten(&error))?;
            }
        }
        let is_good = |signed: &&Signed| !self.persons.of(peer.node, std::slice::from_ref(*signed), now).is_empty();
        let shown: Vec<Signed> = told.iter().filter(is_good).cloned().collect();
        // Who says now this and now that must not fill the disk.
        let is_noted = self.provider.refusals.is_news(peer.node, "person", now);
        if self
            .contacts
            .learn_person(peer.node, &shown, is_noted, now)
            .await
            .map_err(|error| unwritten(&error))?
            .is_some()
        {
            // Perhaps it is a further node of this node's person, which is told more.
            lock(&self.person_told).remove(&peer.node);
            tokio::spawn(self.clone().tell_of_person(peer.node));
        }
        Ok(())
    }

    /// A node is a person's no more: calls under that person's grants end.
    ///
    /// The room's writing lock is held.
    async fn end_of_person(&self, person: PersonId, node: NodeId, now: Timestamp) -> Result<(), Error> {
        if let Some(contact) = self.contacts.get(node).filter(|contact| contact.person == Some(person)) {
            // A later certificate stands.
            if self.persons.of_contact(&contact, now).is_some() {
                return Ok(());
            }
            self.contacts.learn_person(node, &[], true, now).await?;
        }
        let why = Refusal::new("node-revoked", "the person whose node it was took it back");
        let ended = self.provider.end_of_person(node, person, &why);
        tracing::info!(%node, %person, ended, "a node was taken back");
        Ok(())
    }

    /// Tells everybody who is connected what they have not heard.
    pub(super) fn tell_all(self: &Arc<Self>) {
        let connected: Vec<NodeId> = self.net.view().borrow().connections.keys().copied().collect();
        for node in connected {
            tokio::spawn(self.clone().tell_of_person(node));
        }
    }

    /// Who is connected and has not heard whose node this is as it is now.
    pub(super) fn unaware(&self) -> Vec<NodeId> {
        let now = (self.clock)();
        let (said, _) = self.said_of_person(now);
        let told = lock(&self.person_told);
        let view = self.net.view();
        let view = view.borrow();
        let is_unaware = |node: &NodeId| match told.get(node) {
            Some(before) => *before != said,
            None => said != Said::default(),
        };
        view.connections
            .keys()
            .filter(|node| self.contacts.get(**node).is_some() && is_unaware(node))
            .copied()
            .collect()
    }

    fn said_of_person(&self, now: Timestamp) -> (Said, Vec<Signed>) {
        let certificates = self.persons.told(now);
        if certificates.is_empty() {
            return (Said::default(), certificates);
        }
        let mut hasher = blake3::Hasher::new();
        for one in &certificates {
            hasher.update(&signed::encode(one));
        }
        for kept in self.persons.mine(now).map(|person| self.grants.held_for(person, now)).unwrap_or_default() {
            hasher.update(&kept.id.0);
        }
        (Said(*hasher.finalize().as_bytes()), certificates)
    }

    /// Tells a peer whose node this is; and a further node of the same person what that person may use.
    pub(super) async fn tell_of_person(self: Arc<Self>, node: NodeId) {
        let now = (self.clock)();
        let Some(contact) = self.contacts.get(node) else { return };
        let (said, certificates) = self.said_of_person(now);
        if lock(&self.person_told).get(&node).copied().unwrap_or_default() == said {
            return;
        }
        if !matches!(self.say(node, &Tell::Certificates(certificates)).await, Ok(Ok(()))) {
            return;
        }
        let mine = self.persons.mine(now).filter(|_| self.persons.is_mine(&contact, now));
        for kept in mine.map(|person| self.grants.held_for(person, now)).unwrap_or_default() {
            if kept.owner == node {
                continue;
            }
            match self.say(node, &Tell::PassedOn(self.passed_on(&kept))).await {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => {
                    tracing::debug!(%node, code = %refusal.code, "a node of mine does not take a grant")
                }
                Err(_) => return,
            }
        }
        lock(&self.person_told).insert(node, said);
    }
}

/// What was said to somebody of this node's person, as a hash; zeroes where there was nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Said([u8; 32]);
