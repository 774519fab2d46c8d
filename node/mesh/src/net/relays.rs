//! Being reached through others, and getting rid of them: a paired node that relays is asked for a place as long as this
//! node cannot be reached directly; once there is a direct connection to a peer, the one through a relay is closed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use flowork_protocol::NodeId;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, dcutr, identify, relay};
use tokio_util::time::DelayQueue;

use super::task::Task;
use super::{Error, Relay, RelayState, innermost, is_relayed, node_id, peer_id, without_peer};
use crate::reach::{Far, far};

/// After how long a relay is asked again, at first and at most.
const ASK_FIRST: Duration = Duration::from_secs(5);
const ASK_MAX: Duration = Duration::from_secs(600);
/// After how long a direct connection is tried again, and how many times: what others saw of a router comes in slowly.
const PUNCH_AGAIN: [Duration; 3] = [Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(600)];

/// How long a connection through a relay stays beside a direct one.
const TIDY_AFTER: Duration = Duration::from_secs(3);

/// What is to be done later.
#[derive(Debug, Clone, Copy)]
pub(super) enum Again {
    /// A place at this relay.
    Reserve(NodeId),
    /// A direct connection to this peer.
    Punch(NodeId),
    /// Closing what leads through relays to this peer, when there is a direct connection.
    Tidy(NodeId),
}

/// A peer that relays.
#[derive(Debug, Clone)]
struct Offer {
    /// Where others find it.
    address: Multiaddr,
    /// Where it listens, as it says.
    listens: Vec<Multiaddr>,
}

/// The relays that this node knows.
#[derive(Default)]
pub(super) struct Relays {
    /// Who is connected and offers it.
    offers: BTreeMap<NodeId, Offer>,
    listeners: HashMap<ListenerId, NodeId>,
    refused: HashMap<NodeId, u32>,
    punched: HashMap<NodeId, usize>,
    /// For whom a further try is due.
    punching: HashSet<NodeId>,
    pub(super) again: DelayQueue<Again>,
}

impl Relays {
    pub(super) fn is_one(&self, listener: ListenerId) -> bool {
        self.listeners.contains_key(&listener)
    }
}

impl Task {
    /// Hears what a peer offers. It counts once the peer is known, which it may become later.
    pub(super) fn meet_relay(&mut self, node: NodeId, info: &identify::Info) {
        if !info.protocols.contains(&relay::HOP_PROTOCOL_NAME) {
            self.relays.offers.remove(&node);
            if !self.relays.listeners.values().any(|other| *other == node) {
                self.view.send_if_modified(|view| view.relays.remove(&node).is_some());
            }
            return;
        }
        let dialed = self.view.borrow().connection(node).map(|connection| without_peer(connection.address.clone()));
        let said = info.listen_addrs.iter().cloned().map(without_peer);
        // Of equally far ones the one that works already.
        let direct: Vec<Multiaddr> = dialed.into_iter().chain(said).filter(|address| !is_relayed(address)).collect();
        let best = direct.into_iter().rev().max_by_key(far);
        if let Some(address) = best {
            self.relays.offers.insert(node, Offer { address, listens: info.listen_addrs.clone() });
            self.accept_offer(node);
        }
    }

    /// Makes use of what a peer offers, once it is known.
    fn accept_offer(&mut self, node: NodeId) {
        if self.reserves && self.knows(node) {
            self.reserve(node);
            self.call_by_each_transport(node);
        }
    }

    /// What others see of this node's router differs by transport, and two nodes get through to each other by one of which
    /// both know that. So a relay is called by each.
    fn call_by_each_transport(&mut self, node: NodeId) {
        let (Some(offer), Some(peer)) = (self.relays.offers.get(&node), peer_id(node)) else { return };
        let used: Vec<bool> = {
            let view = self.view.borrow();
            view.connections_to(node).filter(|one| !one.is_relayed).map(|one| is_quic(&one.address)).collect()
        };
        // One transport works; the other one is of use when it leads as far.
        let [only] = used.as_slice() else { return };
        let reaches = far(&offer.address);
        let others: Vec<Multiaddr> = offer
            .listens
            .iter()
            .filter(|address| is_quic(address) != *only && !is_relayed(address) && far(address) >= reaches)
            .cloned()
            .collect();
        if others.is_empty() {
            return;
        }
        let dial = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(others).build();
        if let Err(error) = self.swarm.dial(dial) {
            tracing::debug!(%node, %error, "a relay is called by one transport only");
        }
    }

    /// Looks again at what peers offer, because others are known now.
    pub(super) fn meet_known_relays(&mut self) {
        let offers: Vec<NodeId> = self.relays.offers.keys().copied().collect();
        for node in offers {
            self.accept_offer(node);
        }
    }

    /// A peer that is gone offers nothing.
    pub(super) fn forget_offer(&mut self, node: NodeId) {
        self.relays.offers.remove(&node);
        if !self.knows(node) {
            self.view.send_if_modified(|view| view.relays.remove(&node).is_some());
        }
    }

    /// Asks a relay for a place, when this node needs one and has none.
    fn reserve(&mut self, node: NodeId) {
        let Some(Offer { address, .. }) = self.relays.offers.get(&node).cloned() else { return };
        let is_public =
            self.view.borrow().external.iter().any(|address| !is_relayed(address) && far(address) == Far::Anywhere);
        if is_public || self.relays.listeners.values().any(|other| *other == node) {
            return;
        }
        let Some(peer) = peer_id(node) else { return };
        let through = address.clone().with(Protocol::P2p(peer)).with(Protocol::P2pCircuit);
        let state = match self.swarm.listen_on(through) {
            Ok(listener) => {
                self.relays.listeners.insert(listener, node);
                RelayState::Asked
            }
            Err(error) => RelayState::Refused(innermost(&error)),
        };
        self.view.send_modify(|view| drop(view.relays.insert(node, Relay { address, state })));
    }

    pub(super) fn reserved(&mut self, peer: &PeerId) {
        let Some(node) = node_id(peer) else { return };
        self.relays.refused.remove(&node);
        self.view.send_if_modified(|view| {
            let Some(relay) = view.relays.get_mut(&node) else { return false };
            let is_news = relay.state != RelayState::Reserved;
            relay.state = RelayState::Reserved;
            is_news
        });
    }

    pub(super) fn lose_relay(&mut self, listener: ListenerId, why: Option<std::io::Error>) {
        let Some(node) = self.relays.listeners.remove(&listener) else { return };
        let why = why.map_or_else(|| "the connection to it is gone".to_owned(), |error| innermost(&error));
        tracing::info!(%node, why, "this node is not reached through a relay any more");
        let tries = self.relays.refused.entry(node).or_default();
        *tries += 1;
        let pause = ASK_FIRST.saturating_mul(1 << (*tries - 1).min(10)).min(ASK_MAX);
        self.relays.again.insert(Again::Reserve(node), pause);
        self.view.send_modify(|view| {
            if let Some(relay) = view.relays.get_mut(&node) {
                relay.state = RelayState::Refused(why);
            }
        });
    }

    pub(super) fn try_again(&mut self, again: Again) {
        match again {
            // When it is away, it is asked once it is back.
            Again::Reserve(node) if self.knows(node) => self.reserve(node),
            Again::Reserve(_) => {}
            Again::Punch(node) => self.punch(node),
            Again::Tidy(node) => self.close_relayed(node),
        }
    }

    /// Tries once more for a direct connection: whoever is called through a relay begins with that.
    fn punch(&mut self, node: NodeId) {
        self.relays.punching.remove(&node);
        let through = {
            let view = self.view.borrow();
            view.connection(node).filter(|connection| connection.is_relayed).map(|relayed| relayed.address.clone())
        };
        let (Some(address), Some(peer)) = (through, peer_id(node)) else { return };
        let dial = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(vec![address]).build();
        if let Err(error) = self.swarm.dial(dial) {
            tracing::debug!(%node, %error, "no direct connection was tried");
        }
    }

    /// Hears how it went.
    pub(super) fn punched(&mut self, event: dcutr::Event) {
        let Some(node) = node_id(&event.remote_peer_id) else { return };
        let Err(error) = event.result else {
            self.relays.punched.remove(&node);
            self.view.send_if_modified(|view| view.not_direct.remove(&node).is_some());
            return;
        };
        self.not_direct(node, innermost(&error));
    }

    /// Hears that a peer was dialed in vain. When it is connected through a relay, that was the try for a direct way.
    pub(super) fn missed_directly(&mut self, node: NodeId, why: &Error) {
        let is_relayed = self.view.borrow().connection(node).is_some_and(|connection| connection.is_relayed);
        if is_relayed {
            self.not_direct(node, why.to_string());
        }
    }

    fn not_direct(&mut self, node: NodeId, why: String) {
        tracing::info!(%node, why, "no direct connection came about; the relay stays in between");
        self.view.send_modify(|view| drop(view.not_direct.insert(node, why)));
        self.close_spare_circuits(node);
        // Only who called may call again; two of them would be in each other's way. Each round is several dials.
        let is_caller = self.view.borrow().connections_to(node).any(|one| one.is_ours);
        let tried = self.relays.punched.entry(node).or_default();
        if let Some(pause) = PUNCH_AGAIN.get(*tried).filter(|_| is_caller)
            && self.relays.punching.insert(node)
        {
            *tried += 1;
            self.relays.again.insert(Again::Punch(node), *pause);
        }
    }

    /// Of several connections through relays the oldest stays: something may be running over it.
    fn close_spare_circuits(&mut self, node: NodeId) {
        for id in self.view.borrow().ways_to(node).relayed.into_iter().skip(1) {
            // It may have closed by itself.
            self.swarm.close_connection(id);
        }
    }

    /// A direct connection takes the place of one through a relay, a little later: what is short gets to its end, and a
    /// call that still runs then is taken up over the direct one.
    pub(super) fn prefer_direct(&mut self, node: NodeId) {
        let ways = self.view.borrow().ways_to(node);
        if ways.is_direct && !ways.relayed.is_empty() {
            self.relays.punched.remove(&node);
            self.relays.again.insert(Again::Tidy(node), TIDY_AFTER);
        }
    }

    fn close_relayed(&mut self, node: NodeId) {
        let ways = self.view.borrow().ways_to(node);
        if ways.is_direct {
            for id in ways.relayed {
                // It may have closed by itself.
                self.swarm.close_connection(id);
            }
        }
    }
}

fn is_quic(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::QuicV1)
}
