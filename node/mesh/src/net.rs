//! The network: which peers there is a connection to, and streams to them.
//!
//! One task owns the libp2p swarm. Everybody else holds a [`Net`], asks it for streams, and reads what it saw.
//!
//! Limits (docs/security.md says why): connections in all and per peer, streams per connection, memory of the process. A peer
//! that nobody here knows is cut off after [`STRANGER_STAYS`], time enough to pair.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flowork_protocol::{NodeId, Timestamp};
use futures::StreamExt as _;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, identify, mdns, multiaddr, ping};
use libp2p_stream::{Control, IncomingStreams, OpenStreamError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt as _};
use tokio_util::sync::CancellationToken;
use tokio_util::time::DelayQueue;

mod behaviour;

use behaviour::{Behaviour, BehaviourEvent};

/// How long a peer that is not paired stays connected.
const STRANGER_STAYS: Duration = Duration::from_secs(30);
/// How long a connection may take to come about.
const DIAL_WITHIN: Duration = Duration::from_secs(15);
/// How long a stream may take to be agreed on.
const STREAM_WITHIN: Duration = Duration::from_secs(10);
/// The most addresses kept of one neighbour.
const NEIGHBOUR_ADDRESSES_MAX: usize = 16;
/// The most neighbours kept: on a network with more, others are simply not listed.
const NEIGHBOURS_MAX: usize = 256;
/// Commands that may wait for the swarm.
const COMMANDS_WAITING_MAX: usize = 256;

/// A stream to a peer.
pub(crate) type Stream = Compat<libp2p::Stream>;

/// Why there is no stream to a peer. Said to people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody said where it is.
    #[error("no address of it is known")]
    NoAddress,
    /// Every address was tried.
    #[error("nobody answers at {0}")]
    Unreachable(String),
    /// Somebody answers, and it is another node.
    #[error("another node answers at {0}")]
    OtherNode(String),
    /// This node would call itself.
    #[error("that is this node itself")]
    Itself,
    /// The other node does not take part.
    #[error("the other node does not know {0}; it may be older, or no Flowork node")]
    Protocol(String),
    /// The connection was lost, or never quite came about.
    #[error("the connection broke: {0}")]
    Broke(String),
    /// It took too long.
    #[error("it did not answer within {} s", .0.as_secs())]
    Late(Duration),
    /// This node does not take part in the mesh now.
    #[error("the mesh of this node does not run")]
    Down,
}

/// One connection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Connection {
    pub(crate) address: Multiaddr,
    pub(crate) is_relayed: bool,
    pub(crate) latency: Option<Duration>,
}

/// What the network looks like now.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) listens: BTreeSet<Multiaddr>,
    pub(crate) connections: BTreeMap<NodeId, BTreeMap<usize, Connection>>,
    pub(crate) neighbours: BTreeMap<NodeId, BTreeSet<Multiaddr>>,
    pub(crate) seen_at: BTreeMap<NodeId, Timestamp>,
    pub(crate) last_failure: BTreeMap<NodeId, String>,
    pub(crate) problem: Option<String>,
}

impl View {
    /// The best connection to a peer: a direct one before a relayed one.
    pub(crate) fn connection(&self, node: NodeId) -> Option<&Connection> {
        self.connections.get(&node)?.values().min_by_key(|connection| connection.is_relayed)
    }
}

/// What the network tells the room.
#[derive(Debug)]
pub(crate) enum Happened {
    /// The first connection to a peer is there.
    Connected(NodeId),
    /// A peer said where it listens.
    Addresses(NodeId, Vec<Multiaddr>),
}

enum Command {
    Dial { peer: PeerId, addresses: Vec<Multiaddr>, reply: oneshot::Sender<Result<(), Error>> },
    Disconnect(PeerId),
}

/// What the network needs.
pub(crate) struct Options {
    pub(crate) keypair: libp2p::identity::Keypair,
    /// Where to listen.
    pub(crate) listen: Vec<Multiaddr>,
    /// Whether to announce this node on the local network and hear others.
    pub(crate) lan: bool,
    /// What others see of the program.
    pub(crate) agent: String,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Who is paired.
    pub(crate) known: watch::Receiver<BTreeSet<NodeId>>,
    pub(crate) happened: mpsc::Sender<Happened>,
}

/// Asks the network. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Net {
    control: Control,
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<View>,
}

/// Starts the network. It ends when `stop` is cancelled.
pub(crate) fn start(options: Options, stop: CancellationToken) -> Result<Net, String> {
    let swarm = behaviour::swarm(options.keypair, options.lan, options.agent)?;
    let control = swarm.behaviour().stream.new_control();
    let (commands, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
    let (view, seen) = watch::channel(View::default());
    let task = Task {
        swarm,
        view,
        asked,
        waiting: HashMap::new(),
        strangers: DelayQueue::new(),
        known: options.known,
        happened: options.happened,
        clock: options.clock,
    };
    tokio::spawn(task.run(options.listen, stop));
    Ok(Net { control, commands, view: seen })
}

pub(crate) fn peer_id(node: NodeId) -> Option<PeerId> {
    let key = libp2p::identity::ed25519::PublicKey::try_from_bytes(&node.0).ok()?;
    Some(libp2p::identity::PublicKey::from(key).to_peer_id())
}

pub(crate) fn node_id(peer: &PeerId) -> Option<NodeId> {
    peer.to_string().parse().ok()
}

impl Net {
    /// What the network looks like, now and from now on.
    pub(crate) fn view(&self) -> watch::Receiver<View> {
        self.view.clone()
    }

    /// Streams that peers open. To be taken quickly: what does not fit the queue is dropped.
    pub(crate) fn accept(&self, protocol: &'static str) -> Result<IncomingStreams, String> {
        let mut control = self.control.clone();
        control.accept(StreamProtocol::new(protocol)).map_err(|error| error.to_string())
    }

    /// Makes sure that there is a connection to a peer.
    pub(crate) async fn connect(&self, node: NodeId, addresses: Vec<Multiaddr>) -> Result<(), Error> {
        if self.view.borrow().connections.contains_key(&node) {
            return Ok(());
        }
        let peer = peer_id(node).ok_or(Error::NoAddress)?;
        let (reply, answered) = oneshot::channel();
        self.commands.send(Command::Dial { peer, addresses, reply }).await.map_err(|_| Error::Down)?;
        match tokio::time::timeout(DIAL_WITHIN, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::Down),
            Err(_) => Err(Error::Late(DIAL_WITHIN)),
        }
    }

    /// A stream to a peer, over a connection that is made when there is none.
    pub(crate) async fn open(
        &self, node: NodeId, protocol: &'static str, addresses: Vec<Multiaddr>,
    ) -> Result<Stream, Error> {
        self.connect(node, addresses).await?;
        let peer = peer_id(node).ok_or(Error::NoAddress)?;
        let mut control = self.control.clone();
        let opening = control.open_stream(peer, StreamProtocol::new(protocol));
        match tokio::time::timeout(STREAM_WITHIN, opening).await {
            Ok(Ok(stream)) => Ok(stream.compat()),
            Ok(Err(OpenStreamError::UnsupportedProtocol(_))) => Err(Error::Protocol(protocol.to_owned())),
            Ok(Err(error)) => Err(Error::Broke(error.to_string())),
            Err(_) => Err(Error::Late(STREAM_WITHIN)),
        }
    }

    /// Closes every connection to a peer.
    pub(crate) async fn disconnect(&self, node: NodeId) {
        if let Some(peer) = peer_id(node) {
            // A network that has ended has no connections.
            let _ = self.commands.send(Command::Disconnect(peer)).await;
        }
    }
}

/// Takes streams as they come and hands each to `serve` on a task of its own, until there are no more.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    mut incoming: IncomingStreams, serve: impl Fn(NodeId, Stream) -> F,
) {
    while let Some((peer, stream)) = incoming.next().await {
        if let Some(node) = node_id(&peer) {
            tokio::spawn(serve(node, stream.compat()));
        }
    }
}

/// Owns the swarm.
struct Task {
    swarm: Swarm<Behaviour>,
    view: watch::Sender<View>,
    asked: mpsc::Receiver<Command>,
    waiting: HashMap<PeerId, Vec<oneshot::Sender<Result<(), Error>>>>,
    strangers: DelayQueue<PeerId>,
    known: watch::Receiver<BTreeSet<NodeId>>,
    happened: mpsc::Sender<Happened>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Task {
    async fn run(mut self, listen: Vec<Multiaddr>, stop: CancellationToken) {
        for address in listen {
            self.listen(address);
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                command = self.asked.recv() => match command {
                    Some(command) => self.carry_out(command),
                    None => return,
                },
                Some(stranger) = self.strangers.next() => self.cut_stranger(&stranger.into_inner()),
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
            // There may be none.
            Command::Disconnect(peer) => drop(self.swarm.disconnect_peer_id(peer)),
        }
    }

    fn cut_stranger(&mut self, peer: &PeerId) {
        if !node_id(peer).is_some_and(|node| self.known.borrow().contains(&node)) {
            // It may have left by itself.
            let _ = self.swarm.disconnect_peer_id(*peer);
        }
    }

    fn hear(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                self.view.send_modify(|view| {
                    view.listens.insert(address);
                });
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                self.view.send_modify(|view| {
                    view.listens.remove(&address);
                });
            }
            SwarmEvent::ListenerClosed { reason: Err(error), addresses, .. } => {
                tracing::warn!(?addresses, %error, "the mesh listens no more");
                self.view.send_modify(|view| view.problem = Some(format!("listens no more: {error}")));
            }
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.connected(peer_id, connection_id, endpoint.get_remote_address().clone());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, .. } => {
                let now = (self.clock)();
                if let Some(node) = node_id(&peer_id) {
                    self.view.send_modify(|view| {
                        if let Some(connections) = view.connections.get_mut(&node) {
                            connections.remove(&number(connection_id));
                        }
                        if num_established == 0 {
                            view.connections.remove(&node);
                        }
                        view.seen_at.insert(node, now);
                    });
                }
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                let error = dial_error(error);
                if let Some(node) = node_id(&peer) {
                    self.view.send_modify(|view| drop(view.last_failure.insert(node, error.to_string())));
                }
                self.answer(&peer, &Err(error));
            }
            SwarmEvent::Behaviour(event) => self.hear_behaviour(event),
            _ => {}
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, address: Multiaddr) {
        self.answer(&peer, &Ok(()));
        let Some(node) = node_id(&peer) else {
            // Only ed25519 keys name nodes.
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        };
        if !self.known.borrow().contains(&node) {
            self.strangers.insert(peer, STRANGER_STAYS);
        }
        let is_relayed = address.iter().any(|part| part == multiaddr::Protocol::P2pCircuit);
        let now = (self.clock)();
        let mut is_first = false;
        self.view.send_modify(|view| {
            let connections = view.connections.entry(node).or_default();
            is_first = connections.is_empty();
            connections.insert(number(id), Connection { address, is_relayed, latency: None });
            view.seen_at.insert(node, now);
            view.last_failure.remove(&node);
        });
        if is_first {
            self.tell(Happened::Connected(node));
        }
    }

    fn hear_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                if let Some(node) = node_id(&peer_id) {
                    self.tell(Happened::Addresses(node, info.listen_addrs));
                }
            }
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

    fn answer(&mut self, peer: &PeerId, result: &Result<(), Error>) {
        for reply in self.waiting.remove(peer).unwrap_or_default() {
            // Who asked may have given up.
            let _ = reply.send(result.clone());
        }
    }

    /// A room that is slow misses a hint and nothing else: it looks at the view anyway.
    fn tell(&self, happened: Happened) {
        if let Err(error) = self.happened.try_send(happened) {
            tracing::debug!(%error, "a hint of the network was dropped");
        }
    }
}

/// Connection ids are opaque and only ever compared; their text is the one number that they hold.
fn number(id: ConnectionId) -> usize {
    id.to_string().parse().unwrap_or(usize::MAX)
}

/// The address with a port that the system picks.
fn any_port(address: &Multiaddr) -> Multiaddr {
    let part = |part| match part {
        multiaddr::Protocol::Tcp(_) => multiaddr::Protocol::Tcp(0),
        multiaddr::Protocol::Udp(_) => multiaddr::Protocol::Udp(0),
        other => other,
    };
    address.iter().map(part).collect()
}

/// An address without the peer's id at its end.
pub(crate) fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if let Some(multiaddr::Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

fn dial_error(error: DialError) -> Error {
    match error {
        DialError::NoAddresses => Error::NoAddress,
        DialError::LocalPeerId { .. } => Error::Itself,
        DialError::WrongPeerId { address, .. } => Error::OtherNode(without_peer(address).to_string()),
        DialError::Transport(tried) => {
            let mut seen = Vec::new();
            for (address, error) in tried {
                let text = format!("{} ({})", without_peer(address), innermost(&error));
                if !seen.contains(&text) {
                    seen.push(text);
                }
            }
            Error::Unreachable(if seen.is_empty() { "any of its addresses".to_owned() } else { seen.join(", ") })
        }
        other => Error::Broke(innermost(&other)),
    }
}

/// The cause of all causes, as it says itself: the ones around it repeat it.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_left_to_the_system() {
        let check = |text: &str, expect: &str| assert_eq!(any_port(&text.parse().unwrap()).to_string(), expect);
        check("/ip4/0.0.0.0/tcp/4142", "/ip4/0.0.0.0/tcp/0");
        check("/ip6/::/udp/4142/quic-v1", "/ip6/::/udp/0/quic-v1");
    }

    #[test]
    fn the_id_of_a_node_is_the_id_of_its_peer() {
        let node = crate::keys::Keeper::new(&crate::Seed::new([1; 32])).node_id();
        let peer = peer_id(node).unwrap();
        assert_eq!(node_id(&peer), Some(node));
        let address: Multiaddr = format!("/ip4/10.0.0.1/tcp/1/p2p/{peer}").parse().unwrap();
        assert_eq!(without_peer(address).to_string(), "/ip4/10.0.0.1/tcp/1");
    }
}
