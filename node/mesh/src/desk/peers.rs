//! Looking after peers: what they are told and tell, where they are, and who is looked for.

use std::sync::Arc;
use std::time::Duration;

use flowork_ports::store;
use flowork_protocol::peer::tell::Tell;
use flowork_protocol::peer::{Refusal, tell};
use flowork_protocol::{GrantId, NodeId, Timestamp};
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Desk;
use crate::contacts::Contact;
use crate::looking::{LOOK_FIRST, LOOK_MAX};
use crate::net::Happened;
use crate::serve::cut;
use crate::tell::unwritten;
use crate::{lock, net};

/// How often this node goes to those who do not know it yet.
const GO_AGAIN: Duration = Duration::from_secs(30);
/// How many peers are looked for at once.
const LOOK_AT_ONCE: usize = 16;

impl Desk {
    /// Says one thing to a peer.
    pub(super) async fn say(&self, node: NodeId, what: &Tell) -> Result<Result<(), Refusal>, String> {
        let addresses = self.contacts.get(node).map(|contact| contact.multiaddrs()).unwrap_or_default();
        let stream = self.net.open(node, tell::PROTOCOL, addresses).await.map_err(|error| error.to_string())?;
        crate::tell::tell(stream, what).await.map_err(|error| error.to_string())
    }

    /// Tells a peer what it has not heard yet of its grants.
    pub(super) async fn tell_untold(self: Arc<Self>, node: NodeId) {
        for kept in self.grants.untold_to(node) {
            let what = match kept.revoked_at {
                Some(_) => Tell::Revoked(kept.id),
                None if kept.owner == self.me => Tell::Grant(kept.chain.clone()),
                None => Tell::PassedOn(self.passed_on(&kept)),
            };
            match self.say(node, &what).await {
                Ok(Ok(())) => {}
                // Not now, or not yet: one of the two has a new key, and the other has not heard of it.
                Ok(Err(refusal)) if refusal.code == "not-paired" || refusal.retry_after_ms.is_some() => {
                    tracing::debug!(%node, code = %cut(&refusal.code), "a peer is told later");
                    return;
                }
                Ok(Err(refusal)) => {
                    // It will say the same again; the grant can still be used by its name.
                    tracing::warn!(%node, code = %cut(&refusal.code), "a peer does not take a grant");
                }
                Err(why) => {
                    tracing::debug!(%node, why, "a peer is told later");
                    tokio::time::sleep(LOOK_FIRST).await;
                    self.look.notify_one();
                    return;
                }
            }
            let _writing = self.writing.lock().await;
            if let Err(error) = self.grants.told(&kept, node).await {
                tracing::warn!(%error, "that a peer was told could not be written down");
            }
        }
    }

    /// Takes the other end of [`Self::say`].
    pub(super) async fn hear(self: Arc<Self>, peer: NodeId, stream: net::Stream) {
        let take = async |told: Tell| {
            let Some(contact) = self.contacts.get(peer) else {
                return Err(Refusal::new("not-paired", "the two nodes are not paired"));
            };
            let now = (self.clock)();
            let try_again = |error: store::Error| unwritten(&error);
            if let Tell::Countersigned(said) = told {
                return self.provider.countersigned(peer, said).await.map_err(try_again);
            }
            let _writing = self.writing.lock().await;
            match told {
                Tell::Grant(chain) => match self.grants.hold(chain, (peer, peer), self.persons.mine(now), now).await {
                    Ok(_) => Ok(()),
                    Err(denied) => Err(Refusal::new(denied.code(), denied.to_string())),
                },
                Tell::PassedOn(told) => self.hear_passed_on(&contact, told, now).await,
                Tell::Certificates(told) => self.hear_certificates(&contact, &told, now).await,
                Tell::Request(asked) => self.requests.hear(peer, &contact.name, asked, now).await,
                Tell::Revoked(id) => self.hear_revoked(peer, id, now).await,
                Tell::Removed if contact.has_left => Ok(()),
                Tell::Removed => {
                    self.contacts.left(contact, now).await.map_err(try_again)?;
                    for kept in self.grants.held_of(peer) {
                        self.grants.lose(kept.id, peer, now).await.map_err(try_again)?;
                    }
                    Ok(())
                }
                Tell::Countersigned(_) | Tell::Heard | Tell::Refused(_) => {
                    Err(Refusal::new("protocol", "it came out of turn"))
                }
            }
        };
        if let Err(error) = crate::tell::hear(stream, take).await {
            tracing::debug!(%peer, %error, "a peer that had something to say went away");
        }
    }

    /// A peer took back what it gave or passed on: to this node, or of this node's engines to somebody else.
    async fn hear_revoked(self: &Arc<Self>, peer: NodeId, id: GrantId, now: Timestamp) -> Result<(), Refusal> {
        self.grants.lose(id, peer, now).await.map_err(|error| unwritten(&error))?;
        // What was passed on of it here has ended with it.
        for kept in self.grants.passed_on_of(id, peer) {
            let revoked = self.grants.revoke(&kept, ": what it hangs on was taken back", now).await;
            let revoked = revoked.map_err(|error| unwritten(&error))?;
            tokio::spawn(self.clone().tell_untold(revoked.holder));
        }
        if self.grants.take_back(id, peer, now).await? {
            self.provider.end_under(id, &Refusal::new("grant-revoked", "the grant was taken back by who passed it on"));
        }
        Ok(())
    }

    /// Hears what the network saw.
    pub(super) async fn listen(self: Arc<Self>, mut happenings: mpsc::Receiver<Happened>) {
        while let Some(happened) = happenings.recv().await {
            match happened {
                Happened::Connected(node) => {
                    lock(&self.looking).connected(node, Instant::now());
                    tokio::spawn(self.clone().tell_untold(node));
                    tokio::spawn(self.clone().tell_of_person(node));
                }
                Happened::Lost(node) => {
                    lock(&self.looking).lost(node, Instant::now());
                    self.look.notify_one();
                }
                Happened::Moved => {
                    lock(&self.looking).moved();
                    self.look.notify_one();
                }
                Happened::Addresses(node, addresses) => {
                    let texts = addresses.into_iter().map(|address| net::without_peer(address).to_string()).collect();
                    let _writing = self.writing.lock().await;
                    if let Err(error) = self.contacts.learn_addresses(node, texts).await {
                        tracing::warn!(%error, "where a peer is could not be written down");
                    }
                }
            }
        }
    }

    /// Keeps a connection to every peer that can be reached, less and less eagerly, and tidies up in between.
    pub(super) async fn look_for_peers(self: Arc<Self>) {
        loop {
            let now = Instant::now();
            let due: Vec<Contact> = {
                let view = self.net.view();
                let view = view.borrow();
                let is_away = |contact: &Contact| !contact.has_left && !view.connections.contains_key(&contact.node);
                let away: Vec<Contact> = self.contacts.all().into_iter().filter(is_away).collect();
                let mut looking = lock(&self.looking);
                looking.keep(away.iter().map(|contact| contact.node).collect());
                away.into_iter().filter(|contact| looking.is_due(contact.node, now)).collect()
            };
            futures::stream::iter(due)
                .for_each_concurrent(LOOK_AT_ONCE, async |contact| {
                    let found = self.net.connect(contact.node, contact.multiaddrs()).await;
                    if found.is_err() {
                        lock(&self.looking).missed(contact.node, Instant::now());
                    }
                })
                .await;
            // Who is there and did not hear something: the stream broke, or its disk was full.
            let untold = self.grants.untold();
            let deaf: Vec<NodeId> = {
                let view = self.net.view();
                let view = view.borrow();
                untold.into_iter().filter(|node| view.connections.contains_key(node)).collect()
            };
            for node in &deaf {
                tokio::spawn(self.clone().tell_untold(*node));
            }
            for node in self.unaware() {
                tokio::spawn(self.clone().tell_of_person(node));
            }
            // Beside this: who is away holds nobody up.
            tokio::spawn(self.clone().go_to_unmet());
            self.renew_due().await;
            self.provider.sweep((self.clock)()).await;
            self.caller.sweep((self.clock)()).await;
            let at_most = match (deaf.is_empty(), self.unmet.find(|_| Some(()))) {
                (true, None) => LOOK_MAX,
                (true, Some(())) => GO_AGAIN,
                (false, _) => LOOK_FIRST,
            };
            let next = lock(&self.looking).next().unwrap_or(now + at_most).min(now + at_most);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.look.notified() => {}
            }
        }
    }
}
