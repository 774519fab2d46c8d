//! The task that owns the swarm.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flowork_protocol::{NodeId, Timestamp};
use futures::StreamExt as _;
use libp2p::core::ConnectedPoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, mdns, ping, relay};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::time::{DelayQueue, delay_queue};

use super::behaviour::{Behaviour, BehaviourEvent};
use super::directory::Directory;
use super::relays::Relays;
use super::{
    Command, Connection, Error, Happened, Present, View, any_port, dial_error, innermost, is_link_local, is_relayed,
    is_twice_relayed, node_id, number, peer_id, without_peer,
};

use crate::reach::{Far, far};

/// How long a peer that is not paired stays connected.
pub(super) const STRANGER_STAYS: Duration = Duration::from_secs(30);
/// The most addresses kept of one neighbour.
const NEIGHBOUR_ADDRESSES_MAX: usize = 16;
/// The most neighbours kept: on a network with more, others are simply not listed.
const NEIGHBOURS_MAX: usize = 256;

/// What connects the task to the room.
pub(super) struct Wiring {
    pub(super) view: watch::Sender<View>,
    pub(super) asked: mpsc::Receiver<Command>,
    pub(super) known: watch::Receiver<BTreeSet<NodeId>>,
    pub(super) happened: mpsc::Sender<Happened>,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) present: Present,
    /// Whether others are served: relayed, probed, told where others are.
    pub(super) is_server: bool,
    /// Whether paired relays are asked for a place.
    pub(super) reserves: bool,
}

/// Who is connected and not known, each with the moment at which it is cut off.
#[derive(Default)]
struct Strangers {
    late: DelayQueue<NodeId>,
    since: HashMap<NodeId, delay_queue::Key>,
}

impl Strangers {
    /// From the first connection on; further ones give it no more time.
    fn meet(&mut self, node: NodeId) {
        let late = &mut self.late;
        self.since.entry(node).or_insert_with(|| late.insert(node, STRANGER_STAYS));
    }

    /// It is gone; if it comes again it has its time anew.
    fn leave(&mut self, node: NodeId) {
        if let Some(key) = self.since.remove(&node) {
            self.late.try_remove(&key);
        }
    }
}

/// Owns the swarm.
pub(super) struct Task {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) view: watch::Sender<View>,
    asked: mpsc::Receiver<Command>,
    waiting: HashMap<PeerId, Vec<oneshot::Sender<Result<(), Error>>>>,
    strangers: Strangers,
    known: watch::Receiver<BTreeSet<NodeId>>,
    happened: mpsc::Sender<Happened>,
    pub(super) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(super) present: Present,
    is_server: bool,
    pub(super) reserves: bool,
    pub(super) relays: Relays,
    pub(super) directory: Directory,
}

impl Task {
    pub(super) fn new(swarm: Swarm<Behaviour>, wiring: Wiring) -> Self {
        let Wiring { view, asked, known, happened, clock, present, is_server, reserves } = wiring;
        Self {
            swarm,
            view,
            asked,
            waiting: HashMap::new(),
            strangers: Strangers::default(),
            known,
            happened,
            clock,
            present,
            is_server,
            reserves,
            relays: Relays::default(),
            directory: Directory::default(),
        }
    }

    pub(super) async fn run(mut self, listen: Vec<Multiaddr>, external: Vec<Multiaddr>, stop: CancellationToken) {
        for address in external {
            self.swarm.add_external_address(address.clone());
            self.view.send_modify(|view| {
                view.said.insert(address.clone());
                view.external.insert(address);
            });
        }
        for address in listen {
            self.listen(address);
        }
        loop {
            tokio::select! {
                Ok(()) = self.known.changed() => {
                    self.meet_known_relays();
                    self.meet_known_keepers();
                }
                Some(again) = self.relays.again.next() => self.try_again(again.into_inner()),
                () = self.directory.due() => self.publish(),
                () = stop.cancelled() => return,
                command = self.asked.recv() => match command {
                    Some(command) => self.carry_out(command),
                    None => return,
                },
                Some(stranger) = self.strangers.late.next() => self.cut_stranger(stranger.into_inner()),
                event = self.swarm.select_next_some() => self.hear(event),
            }
        }
    }

    /// Listens at an address; at another port of it when this one is taken, so that two nodes of one machine both work.
    fn listen(&mut self, address: Multiaddr) {
        let Err(error) = self.swarm.listen_on(address.clone()) else { return };
        let elsewhere = any_port(&address);
        if elsewhere != address && self.swarm.listen_on(elsewhere).is_ok() {
            let problem = format!("{address} is taken by another program; this node listens at another port instead");
            tracing::warn!(%address, "the mesh listens at another port, because this one is taken");
            self.view.send_modify(|view| view.problem = Some(problem));
            return;
        }
        tracing::warn!(%address, %error, "the mesh cannot listen");
        let problem = format!("cannot listen at {address}: {}", innermost(&error));
        self.view.send_modify(|view| view.problem = Some(problem));
    }

    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Dial { peer, addresses, reply } => {
                if self.swarm.is_connected(&peer) {
                    // Who asked may have given up.
                    let _ = reply.send(Ok(()));
                    return;
                }
                let mut addresses = addresses;
                if let Some(nearby) = node_id(&peer).and_then(|node| self.view.borrow().neighbours.get(&node).cloned())
                {
                    addresses.extend(nearby);
                }
                addresses.dedup();
                let dial = DialOpts::peer_id(peer)
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(addresses)
                    .build();
                match self.swarm.dial(dial) {
                    // One is under way already: its end answers this too.
                    Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {
                        self.waiting.entry(peer).or_default().push(reply);
                    }
                    Err(error) => drop(reply.send(Err(dial_error(error)))),
                }
            }
            Command::Find { node, reply } => self.find(node, reply),
            // There may be none.
            Command::Disconnect(peer) => drop(self.swarm.disconnect_peer_id(peer)),
        }
    }

    pub(super) fn knows(&self, node: NodeId) -> bool {
        self.known.borrow().contains(&node)
    }

    fn cut_stranger(&mut self, node: NodeId) {
        self.strangers.since.remove(&node);
        if let Some(peer) = peer_id(node).filter(|_| !self.knows(node)) {
            // It may have left by itself.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn hear(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            // What leads through a relay is heard of as an external address.
            SwarmEvent::NewListenAddr { address, .. } if is_relayed(&address) => {}
            SwarmEvent::NewListenAddr { address, .. } => {
                if self.is_server {
                    self.swarm.add_external_address(address.clone());
                }
                self.view.send_modify(|view| {
                    view.listens.insert(address);
                });
                self.tell(Happened::Moved);
            }
            // A relay that is itself reached through one offers that too, and nobody can dial it.
            SwarmEvent::ExternalAddrConfirmed { address } if is_twice_relayed(&address) => {
                self.swarm.remove_external_address(&address);
            }
            SwarmEvent::ExternalAddrConfirmed { address } => {
                self.view.send_modify(|view| {
                    view.external.insert(without_peer(address));
                });
                self.directory.soon();
            }
            SwarmEvent::ExternalAddrExpired { address } => {
                self.view.send_modify(|view| {
                    view.external.remove(&without_peer(address));
                });
                self.directory.soon();
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.view.send_modify(|view| {
                    view.listens.remove(&address);
                });
            }
            SwarmEvent::ListenerClosed { listener_id, reason, .. } if self.relays.is_one(listener_id) => {
                self.lose_relay(listener_id, reason.err());
            }
            SwarmEvent::ListenerClosed { reason: Err(error), addresses, .. } => {
                tracing::warn!(?addresses, %error, "the mesh listens no more");
                self.view.send_modify(|view| view.problem = Some(format!("listens no more: {error}")));
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.connected(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, .. } => {
                let now = (self.clock)();
                if let Some(node) = node_id(&peer_id) {
                    let is_known = self.knows(node);
                    if num_established == 0 {
                        self.strangers.leave(node);
                    }
                    self.view.send_modify(|view| {
                        if let Some(connections) = view.connections.get_mut(&node) {
                            connections.remove(&number(connection_id));
                        }
                        if num_established == 0 {
                            view.connections.remove(&node);
                            view.not_direct.remove(&node);
                        }
                        // Of strangers nothing is kept: there is no end of them.
                        if is_known {
                            view.seen_at.insert(node, now);
                        }
                    });
                    if num_established == 0 {
                        self.forget_offer(node);
                        self.directory_lost(node, &peer_id);
                        self.tell(Happened::Lost(node));
                    }
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                let error = dial_error(error);
                if let Some(node) = node_id(&peer) {
                    self.missed_directly(node, &error);
                    if self.knows(node) {
                        self.view.send_modify(|view| drop(view.last_failure.insert(node, error.to_string())));
                    }
                }
                self.answer(&peer, &Err(error));
            }
            SwarmEvent::Behaviour(event) => self.hear_behaviour(event),
            _ => {}
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        self.answer(&peer, &Ok(()));
        let Some(node) = node_id(&peer) else {
            // Only ed25519 keys name nodes.
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        };
        let is_known = self.knows(node);
        if !is_known {
            self.strangers.meet(node);
        }
        let is_ours = endpoint.is_dialer();
        let is_relayed = endpoint.is_relayed();
        let address = match endpoint {
            // Who comes through a relay is known by the relay.
            ConnectedPoint::Listener { local_addr, .. } if is_relayed => local_addr.clone(),
            other => other.get_remote_address().clone(),
        };
        let now = (self.clock)();
        let mut is_first = false;
        self.view.send_modify(|view| {
            let connections = view.connections.entry(node).or_default();
            is_first = connections.is_empty();
            connections.insert(number(id), Connection { id, address, is_relayed, is_ours, latency: None });
            if is_known {
                view.seen_at.insert(node, now);
            }
            view.last_failure.remove(&node);
        });
        self.prefer_direct(node);
        if is_first {
            self.tell(Happened::Connected(node));
        }
    }

    fn hear_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                if let Some(node) = node_id(&peer_id) {
                    self.meet_relay(node, &info);
                    self.meet_directory(node, &info);
                    self.tell(Happened::Addresses(node, self.of_use(node, info.listen_addrs)));
                }
            }
            BehaviourEvent::Relayed(relay::client::Event::ReservationReqAccepted { relay_peer_id, .. }) => {
                self.reserved(&relay_peer_id);
            }
            BehaviourEvent::Relay(event) => self.count(&event),
            BehaviourEvent::Prober(_) => self.view.send_modify(|view| view.served.probes_total += 1),
            BehaviourEvent::Punch(event) => self.punched(event),
            BehaviourEvent::Directory(event) => self.hear_directory(event),
            BehaviourEvent::Ping(ping::Event { peer, connection, result }) => match result {
                Ok(latency) => self.view.send_modify(|view| {
                    let connections = node_id(&peer).and_then(|node| view.connections.get_mut(&node));
                    if let Some(connection) = connections.and_then(|all| all.get_mut(&number(connection))) {
                        connection.latency = Some(latency);
                    }
                }),
                // Every Flowork node answers pings. What is left of the connection would only hold others up.
                Err(ping::Failure::Unsupported) => {}
                Err(_) => drop(self.swarm.close_connection(connection)),
            },
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => self.view.send_modify(|view| {
                for (peer, address) in found {
                    let Some(node) = node_id(&peer) else { continue };
                    if view.neighbours.len() >= NEIGHBOURS_MAX && !view.neighbours.contains_key(&node) {
                        continue;
                    }
                    let addresses = view.neighbours.entry(node).or_default();
                    if addresses.len() < NEIGHBOUR_ADDRESSES_MAX {
                        addresses.insert(without_peer(address));
                    }
                }
            }),
            BehaviourEvent::Mdns(mdns::Event::Expired(gone)) => self.view.send_modify(|view| {
                for (peer, address) in gone {
                    let Some(node) = node_id(&peer) else { continue };
                    if let Some(addresses) = view.neighbours.get_mut(&node) {
                        addresses.remove(&without_peer(address));
                        if addresses.is_empty() {
                            view.neighbours.remove(&node);
                        }
                    }
                }
            }),
            _ => {}
        }
    }

    /// The addresses of a peer that may lead to it from here.
    fn of_use(&self, node: NodeId, mut addresses: Vec<Multiaddr>) -> Vec<Multiaddr> {
        let view = self.view.borrow();
        let is_here = view.connection(node).is_some_and(|connection| far(&connection.address) == Far::Machine);
        addresses.retain(|address| !is_link_local(address) && (is_here || far(address) > Far::Machine));
        addresses
    }

    /// Counts what was passed on for others.
    fn count(&self, event: &relay::Event) {
        self.view.send_modify(|view| {
            let served = &mut view.served;
            match event {
                relay::Event::ReservationReqAccepted { renewed: false, .. } => served.reservations += 1,
                relay::Event::ReservationClosed { .. } | relay::Event::ReservationTimedOut { .. } => {
                    served.reservations = served.reservations.saturating_sub(1);
                }
                relay::Event::ReservationReqDenied { .. } => served.reservations_refused_total += 1,
                relay::Event::CircuitReqAccepted { .. } => {
                    served.circuits += 1;
                    served.circuits_total += 1;
                }
                relay::Event::CircuitReqDenied { .. } => served.circuits_refused_total += 1,
                relay::Event::CircuitClosed { .. } => served.circuits = served.circuits.saturating_sub(1),
                _ => {}
            }
        });
    }

    fn answer(&mut self, peer: &PeerId, result: &Result<(), Error>) {
        for reply in self.waiting.remove(peer).unwrap_or_default() {
            // Who asked may have given up.
            let _ = reply.send(result.clone());
        }
    }

    /// A room that is slow misses a hint and nothing else: it looks at the view anyway.
    pub(super) fn tell(&self, happened: Happened) {
        if let Err(error) = self.happened.try_send(happened) {
            tracing::debug!(%error, "a hint of the network was dropped");
        }
    }
}
