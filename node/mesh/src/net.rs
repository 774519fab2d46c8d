//! The network: which peers there is a connection to, and streams to them.
//!
//! One task owns the libp2p swarm. Everybody else holds a [`Net`], asks it for streams, and reads what it saw.
//!
//! Limits (docs/security.md says why): connections in all, per peer and per address ([`door`]), streams per connection and per
//! peer ([`streams`]), memory of the process. A peer that nobody here knows is cut off after [`task::STRANGER_STAYS`], time
//! enough to pair.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flowork_ports::mesh::Relaying;
use flowork_protocol::{NodeId, Timestamp};
use libp2p::swarm::{ConnectionId, DialError};
use libp2p::{Multiaddr, PeerId, StreamProtocol, multiaddr};
use libp2p_stream::{Control, OpenStreamError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt as _};
use tokio_util::sync::CancellationToken;

use crate::host::Served;
use crate::lock;
use crate::reach::{Far, far};
use crate::serve::OPEN_AT_HAND;

mod behaviour;
mod directory;
mod door;
#[cfg(test)]
pub(crate) mod memory;
mod relays;
mod streams;
mod task;

#[cfg(test)]
pub(crate) use behaviour::DIRECTORY;
pub(crate) use directory::PRESENCE_SECONDS;
pub(crate) use streams::{Incoming, serve};

/// How long a connection may take to come about.
const DIAL_WITHIN: Duration = Duration::from_secs(15);
/// How long a stream may take to be agreed on.
const STREAM_WITHIN: Duration = Duration::from_secs(10);
/// How long others may take to say where a node is.
const FIND_WITHIN: Duration = Duration::from_secs(8);
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
    id: ConnectionId,
    pub(crate) address: Multiaddr,
    pub(crate) is_relayed: bool,
    /// Whether this node dialed.
    is_ours: bool,
    pub(crate) latency: Option<Duration>,
}

/// What a node passes on for those whom it knows, at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// How many nodes may be reached through it.
    pub reservations: usize,
    /// How many connections it passes on at once.
    pub circuits: usize,
    /// And for one node.
    pub circuits_per_peer: usize,
    /// How many bytes one of them may carry either way; 0 limits nothing.
    pub circuit_bytes: u64,
    /// How long one of them may last.
    pub circuit_time: Duration,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            reservations: 256,
            circuits: 128,
            circuits_per_peer: 8,
            circuit_bytes: 1 << 30,
            circuit_time: Duration::from_secs(3_600),
        }
    }
}

/// A paired node that offers to be reached through.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Relay {
    /// Where it is itself.
    pub(crate) address: Multiaddr,
    pub(crate) state: RelayState,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RelayState {
    /// It is being asked.
    Asked,
    /// This node can be reached through it.
    Reserved,
    /// It does not, and why.
    Refused(String),
}

impl RelayState {
    /// As it is shown.
    pub(crate) fn shown(&self) -> Relaying {
        match self {
            Self::Asked => Relaying::Asked,
            Self::Reserved => Relaying::Reserved,
            Self::Refused(why) => Relaying::Refused { why: why.clone() },
        }
    }
}

/// What the network looks like now.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) listens: BTreeSet<Multiaddr>,
    /// Addresses at which somebody else reached this node, and addresses through relays.
    pub(crate) external: BTreeSet<Multiaddr>,
    /// Of these, what the owner said.
    pub(crate) said: BTreeSet<Multiaddr>,
    pub(crate) relays: BTreeMap<NodeId, Relay>,
    /// Why there is no direct connection to a peer that is connected through a relay.
    pub(crate) not_direct: BTreeMap<NodeId, String>,
    /// Whether anybody can be asked where a node is.
    pub(crate) has_directory: bool,
    /// What was done for others.
    pub(crate) served: Served,
    pub(crate) connections: BTreeMap<NodeId, BTreeMap<usize, Connection>>,
    pub(crate) neighbours: BTreeMap<NodeId, BTreeSet<Multiaddr>>,
    pub(crate) seen_at: BTreeMap<NodeId, Timestamp>,
    pub(crate) last_failure: BTreeMap<NodeId, String>,
    pub(crate) problem: Option<String>,
}

impl View {
    /// The best connection to a peer: a direct one before a relayed one.
    pub(crate) fn connection(&self, node: NodeId) -> Option<&Connection> {
        self.connections_to(node).min_by_key(|connection| connection.is_relayed)
    }

    fn connections_to(&self, node: NodeId) -> impl Iterator<Item = &Connection> {
        self.connections.get(&node).into_iter().flat_map(BTreeMap::values)
    }

    /// Which connections to a peer lead through relays, the oldest first, and whether one does not.
    fn ways_to(&self, node: NodeId) -> Ways {
        let relayed = self.connections_to(node).filter(|one| one.is_relayed).map(|one| one.id).collect();
        Ways { relayed, is_direct: self.connections_to(node).any(|one| !one.is_relayed) }
    }

    /// Where others may find this node, the farthest first.
    pub(crate) fn addresses(&self) -> Vec<Multiaddr> {
        let all = self.external.union(&self.listens);
        // Without its zone, which only means something on one machine, a link-local address leads nowhere.
        let mut addresses: Vec<Multiaddr> = all.filter(|address| !is_link_local(address)).cloned().collect();
        // A direct way goes before one through others.
        addresses.sort_by_key(|address| (std::cmp::Reverse(far(address)), is_relayed(address)));
        // Loopback only helps where there is nothing else.
        if addresses.iter().any(|address| far(address) > Far::Machine) {
            addresses.retain(|address| far(address) > Far::Machine);
        }
        addresses
    }
}

/// See [`View::ways_to`].
struct Ways {
    relayed: Vec<ConnectionId>,
    is_direct: bool,
}

/// What the network tells the room.
#[derive(Debug)]
pub(crate) enum Happened {
    /// The first connection to a peer is there.
    Connected(NodeId),
    /// The last connection to a peer is gone.
    Lost(NodeId),
    /// A peer said where it listens.
    Addresses(NodeId, Vec<Multiaddr>),
    /// This node is somewhere else now: who could not be reached may be.
    Moved,
}

enum Command {
    Dial { peer: PeerId, addresses: Vec<Multiaddr>, reply: oneshot::Sender<Result<(), Error>> },
    Find { node: NodeId, reply: oneshot::Sender<Vec<Multiaddr>> },
    Disconnect(PeerId),
}

/// Signs where this node is: its addresses, into the bytes that are kept by others.
pub(crate) type Present = Box<dyn Fn(Vec<String>) -> Option<Vec<u8>> + Send>;

/// What the network needs.
pub(crate) struct Options {
    pub(crate) keypair: libp2p::identity::Keypair,
    /// Where to listen.
    pub(crate) listen: Vec<Multiaddr>,
    /// Whether to announce this node on the local network and hear others.
    pub(crate) lan: bool,
    /// Whether to ask the router to forward the ports.
    pub(crate) upnp: bool,
    /// What this node does for those whom it knows, if anything.
    pub(crate) serves: Option<Budgets>,
    /// Whether to be reached through paired nodes that offer it. A public host never is: it would be one relay's way to
    /// another.
    pub(crate) reserves: bool,
    /// Where others reach this node, as its owner says.
    pub(crate) external: Vec<Multiaddr>,
    pub(crate) present: Present,
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
    known: watch::Receiver<BTreeSet<NodeId>>,
    at_hand: Arc<Mutex<AtHand>>,
}

/// Streams that are agreed on before anybody needs them, one for a peer and protocol.
#[derive(Default)]
struct AtHand {
    /// Not used yet, with since when.
    agreed: HashMap<(NodeId, &'static str), (Stream, Instant)>,
    /// Being agreed on.
    agreeing: HashSet<(NodeId, &'static str)>,
}

/// Starts the network. It ends when `stop` is cancelled.
pub(crate) fn start(options: Options, stop: CancellationToken) -> Result<Net, String> {
    let Options { keypair, listen, lan, upnp, serves, reserves, external, present, agent, clock, known, happened } =
        options;
    let is_server = serves.is_some();
    let parts = behaviour::Parts { keypair, agent, lan, upnp, serves, known: known.clone() };
    #[cfg(test)]
    let swarm = match listen.iter().any(|address| address.to_string().starts_with("/memory/")) {
        true => memory::swarm(parts)?,
        false => behaviour::swarm(parts)?,
    };
    #[cfg(not(test))]
    let swarm = behaviour::swarm(parts)?;
    let control = swarm.behaviour().stream.new_control();
    let (commands, asked) = mpsc::channel(COMMANDS_WAITING_MAX);
    let (view, seen) = watch::channel(View::default());
    let wiring = task::Wiring { view, asked, known: known.clone(), happened, clock, present, is_server, reserves };
    let task = task::Task::new(swarm, wiring);
    tokio::spawn(task.run(listen, external, stop));
    Ok(Net { control, commands, view: seen, known, at_hand: Arc::default() })
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
    pub(crate) fn accept(&self, protocol: &'static str) -> Result<Incoming, String> {
        let mut control = self.control.clone();
        let streams = control.accept(StreamProtocol::new(protocol)).map_err(|error| error.to_string())?;
        Ok(Incoming { streams, known: self.known.clone() })
    }

    /// Makes sure that there is a connection to a peer. Who does not answer where it was is looked up.
    pub(crate) async fn connect(&self, node: NodeId, addresses: Vec<Multiaddr>) -> Result<(), Error> {
        let Err(error) = self.dial(node, addresses).await else { return Ok(()) };
        if matches!(error, Error::Itself | Error::Down) || !self.view.borrow().has_directory {
            return Err(error);
        }
        match self.find(node).await {
            addresses if addresses.is_empty() => Err(error),
            addresses => self.dial(node, addresses).await,
        }
    }

    async fn dial(&self, node: NodeId, addresses: Vec<Multiaddr>) -> Result<(), Error> {
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

    /// Where a node said last that it is, as far as anybody knows.
    pub(crate) async fn find(&self, node: NodeId) -> Vec<Multiaddr> {
        let (reply, answered) = oneshot::channel();
        if self.commands.send(Command::Find { node, reply }).await.is_err() {
            return Vec::new();
        }
        tokio::time::timeout(FIND_WITHIN, answered).await.ok().and_then(Result::ok).unwrap_or_default()
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
            Err(_) => {
                // The connection leads nowhere any more; another one may.
                self.disconnect(node).await;
                Err(Error::Late(STREAM_WITHIN))
            }
        }
    }

    /// [`Self::open`], by a stream that was agreed on before when one lies at hand and `at_hand` allows it; says which. The
    /// next one is agreed on meanwhile.
    pub(crate) async fn open_at_hand(
        &self, node: NodeId, protocol: &'static str, addresses: Vec<Multiaddr>, at_hand: bool,
    ) -> Result<(Stream, bool), Error> {
        let which = (node, protocol);
        let taken = lock(&self.at_hand).agreed.remove(&which);
        let fresh = |since: &Instant| since.elapsed() < OPEN_AT_HAND / 2;
        let opened = match taken.filter(|(_, since)| at_hand && fresh(since)) {
            Some((stream, _)) => (stream, true),
            None => (self.open(node, protocol, addresses).await?, false),
        };
        if lock(&self.at_hand).agreeing.insert(which) {
            let net = self.clone();
            tokio::spawn(async move {
                let opened = net.open(node, protocol, Vec::new()).await;
                let mut at_hand = lock(&net.at_hand);
                at_hand.agreeing.remove(&which);
                if let Ok(stream) = opened {
                    at_hand.agreed.insert(which, (stream, Instant::now()));
                }
            });
        }
        Ok(opened)
    }

    /// Closes every connection to a peer.
    pub(crate) async fn disconnect(&self, node: NodeId) {
        lock(&self.at_hand).agreed.retain(|(of, _), _| *of != node);
        if let Some(peer) = peer_id(node) {
            // A network that has ended has no connections.
            let _ = self.commands.send(Command::Disconnect(peer)).await;
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

fn is_link_local(address: &Multiaddr) -> bool {
    matches!(address.iter().next(), Some(multiaddr::Protocol::Ip6(ip)) if ip.is_unicast_link_local())
}

/// Whether an address leads through a relay.
pub(crate) fn is_relayed(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == multiaddr::Protocol::P2pCircuit)
}

/// Whether an address leads through one relay to another, which none of them does.
fn is_twice_relayed(address: &Multiaddr) -> bool {
    address.iter().filter(|part| *part == multiaddr::Protocol::P2pCircuit).count() > 1
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
