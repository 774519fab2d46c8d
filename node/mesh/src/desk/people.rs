//! Invitations, joining, and parting.

use std::sync::Arc;
use std::time::Duration;

use flowork_ports::mesh::{Error, Invite, Invited, Parting, Peer, Preview};
use flowork_protocol::invitation::{Invitation, Secret};
use flowork_protocol::peer::pair::{Introduction, Join};
use flowork_protocol::peer::tell::Tell;
use flowork_protocol::peer::{Refusal, pair, tell};
use flowork_protocol::{Failure, NodeId, Timestamp};
use libp2p::Multiaddr;

use super::{Desk, invalid, random};
use crate::contacts::Contact;
use crate::grants::Kept;
use crate::pairing::{Comes, Joined};
use crate::serve::cut;
use crate::{frames, net, pairing};

/// The longest life of an invitation, in minutes.
const INVITE_MINUTES_MAX: u32 = 7 * 24 * 60;

impl Desk {
    pub(super) fn introduction(&self) -> Introduction {
        let addresses = self.net.view().borrow().addresses().iter().map(ToString::to_string).collect();
        Introduction { name: self.name.clone(), certificates: self.persons.shown((self.clock)()), addresses }
    }

    pub(super) async fn invite(&self, invite: Invite, now: Timestamp) -> Result<Invited, Error> {
        if invite.minutes == 0 || invite.minutes > INVITE_MINUTES_MAX {
            return Err(invalid("minutes-invalid", format!("an invitation holds 1 to {INVITE_MINUTES_MAX} minutes")));
        }
        if invite.name.as_ref().is_some_and(|name| !flowork_protocol::certificate::is_name(name)) {
            return Err(invalid("name-invalid", "a name has 1 to 64 bytes and nothing invisible"));
        }
        let ends_at = now.plus_ms(u64::from(invite.minutes) * 60_000);
        let secret = Secret(random()?);
        let (addresses, reachable) = {
            let view = self.net.view();
            let view = view.borrow();
            (view.addresses(), self.reachable(&view))
        };
        let _writing = self.writing.lock().await;
        self.contacts.invite(&secret, invite.name, now, ends_at).await?;
        let texts = addresses.iter().map(ToString::to_string).collect();
        let invitation = Invitation::new(self.me, self.name.clone(), secret, ends_at, texts);
        Ok(Invited {
            link: invitation.to_text(),
            ends_at: invitation.ends_at(),
            addresses: invitation.addresses,
            reach: reachable,
        })
    }

    pub(super) fn read(&self, link: &str, now: Timestamp) -> Result<Invitation, Error> {
        let invitation =
            Invitation::read(link, now).map_err(|error| invalid("invitation-invalid", error.to_string()))?;
        if invitation.node == self.me {
            let failure = Failure::new("invitation-own", "this invitation is by this node itself");
            return Err(Error::Invalid(failure.hint("give it to the one whom you want to pair with")));
        }
        Ok(invitation)
    }

    pub(super) fn preview(&self, link: &str, now: Timestamp) -> Result<Preview, Error> {
        let invitation = self.read(link, now)?;
        Ok(Preview {
            node: invitation.node,
            ends_at: invitation.ends_at(),
            known_as: self.contacts.get(invitation.node).map(|contact| contact.name),
            name: invitation.name,
            addresses: invitation.addresses,
        })
    }

    pub(super) async fn join(&self, link: &str, name: Option<String>, now: Timestamp) -> Result<Peer, Error> {
        let invitation = self.read(link, now)?;
        let whom = invitation.name.clone();
        let peer_error = |code: &str, text: String, hint: &str| Error::Peer(Failure::new(code, text).hint(hint));
        let addresses: Vec<Multiaddr> = invitation.addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let mut is_again = false;
        let joined = loop {
            let stream = self.net.open(invitation.node, pair::PROTOCOL, addresses.clone()).await.map_err(|error| {
                peer_error(
                    "peer-away",
                    format!("{whom} cannot be reached: {error}"),
                    "is it running, and in the same network? Otherwise let it be the one who joins: `flowork peer invite` here",
                )
            })?;
            let join = Join { secret: invitation.secret.clone(), introduction: self.introduction() };
            match pairing::come(stream, Comes::Invited(join)).await {
                Ok(joined) => break joined,
                // The same node may say the same again: a connection that broke in between does no harm.
                Err(frames::Error::Io(_) | frames::Error::Closed) if !is_again => is_again = true,
                Err(error) => {
                    return Err(peer_error("peer-broke", format!("{whom} did not answer: {error}"), "try again"));
                }
            }
        };
        let said = match joined {
            Joined::Welcome(said) => said,
            Joined::Refused(refusal) => {
                let text = format!("{whom} does not let this node in: {}", cut(&refusal.message));
                return Err(peer_error(&cut(&refusal.code), text, "ask for a new invitation"));
            }
        };
        let said = self.believed(said, invitation.node, now);
        let _writing = self.writing.lock().await;
        let addresses = invitation.addresses;
        let contact = self.contacts.pair_by_invitation(invitation.node, &said, name.as_deref(), addresses, now).await?;
        self.learn_known();
        Ok(self.peer(contact))
    }

    /// Takes the other end of [`Self::join`].
    pub(super) async fn let_in(self: Arc<Self>, peer: NodeId, stream: net::Stream) {
        let admit = async |comes: Comes| {
            let now = (self.clock)();
            let _writing = self.writing.lock().await;
            let admitted = match comes {
                Comes::Invited(Join { secret, introduction }) => {
                    let said = self.believed(introduction, peer, now);
                    let admitted = self.contacts.admit(peer, &secret, &said, Vec::new(), now).await;
                    admitted.map_err(|why| Refusal::new(why.code(), why.to_string()))
                }
                Comes::Known(known) => self.let_in_known(peer, known, now).await,
            };
            match admitted {
                Ok(contact) => {
                    tracing::info!(%peer, name = %contact.name, "a node was let in");
                    self.learn_known();
                    Ok(self.introduction())
                }
                Err(refusal) => {
                    tracing::info!(%peer, code = %refusal.code, "a node was not let in");
                    Err(refusal)
                }
            }
        };
        if let Err(error) = pairing::receive(stream, admit).await {
            tracing::debug!(%peer, %error, "a node that wanted to join went away");
        }
    }

    /// Tells the network who is paired now.
    pub(super) fn learn_known(&self) {
        self.known.send_replace(self.contacts.all().into_iter().map(|contact| contact.node).collect());
    }

    pub(super) fn parting(&self, contact: &Contact) -> Parting {
        let name = |kept: &Kept| self.grants.listed(kept, &self.contacts, |_| flowork_ports::mesh::Used::default());
        let sentences = |all: Vec<Kept>| {
            all.iter().filter(|kept| kept.revoked_at.is_none()).filter_map(name).map(|grant| grant.sentence).collect()
        };
        Parting {
            name: contact.name.clone(),
            given: sentences(self.grants.given_to(contact.node)),
            held: sentences(self.grants.held_of(contact.node)),
            running: u32::try_from(self.provider.running_of(contact.node)).unwrap_or(u32::MAX),
            // Which these are the gateway knows.
            workflows: Vec::new(),
            they_keep: "what their runs were given before, and the receipts that both signed".to_owned(),
        }
    }

    pub(super) async fn remove(self: &Arc<Self>, who: &str, now: Timestamp) -> Result<Parting, Error> {
        let contact = self.contacts.named(who)?;
        let parting = self.parting(&contact);
        {
            let _writing = self.writing.lock().await;
            for kept in self.grants.given_to(contact.node) {
                self.grants.revoke(&kept, &format!(": {} was removed", contact.name), now).await?;
            }
            self.grants.forget_held(contact.node).await?;
            self.contacts.remove(&contact, now).await?;
            self.unmet.forget(&[contact.node.to_string()], None).await?;
        }
        self.requests.forget(contact.node).await?;
        self.learn_known();
        self.provider.end_of(contact.node, &Refusal::new("not-paired", "the two nodes are not paired any more"));
        // Only now, when nothing can be changed by it any more: so that the other side reads why, within a moment.
        let telling = async {
            let stream = self.net.open(contact.node, tell::PROTOCOL, contact.multiaddrs()).await.ok()?;
            crate::tell::tell(stream, &Tell::Removed).await.ok()
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), telling).await;
        self.net.disconnect(contact.node).await;
        Ok(parting)
    }
}
