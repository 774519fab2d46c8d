//! Who is let in from outside: so many connections of one address, and so many of those whom nobody here knows.
//!
//! An address is an IPv4 address, or the /64 of an IPv6 one: a household gets no less than that, so a machine has as many
//! addresses within it as it likes. Who is known counts only until the channel has proved who it is. So a stranger who
//! connects without end, from the same address as a friend even, takes up what strangers have and not what friends need.
//!
//! Non-goals: connections that this node makes; all connections together and those of one peer, which
//! `libp2p::connection_limits` counts.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use flowork_protocol::NodeId;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
    dummy,
};
use libp2p::{Multiaddr, PeerId};
use tokio::sync::watch;

use super::node_id;

/// How often it is said that somebody was not let in.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// How many are let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    /// Connections of one address that are coming about: nobody knows yet whose they are.
    pub(super) coming_of_address: usize,
    /// Connections of strangers from one address.
    pub(super) strangers_of_address: usize,
    /// Connections of strangers from everywhere; what is left is for those who are known.
    pub(super) strangers: usize,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Full {
    #[error("{0} connections from this address are coming about already")]
    Coming(usize),
    #[error("{0} connections from this address are of nodes that this one does not know")]
    Address(usize),
    #[error("{0} connections are of nodes that this one does not know")]
    Strangers(usize),
}

/// Counts who comes. See [`self`].
pub(crate) struct Door {
    most: Most,
    known: watch::Receiver<BTreeSet<NodeId>>,
    coming: Tally<()>,
    strangers: Tally<PeerId>,
    turned_away: TurnedAway,
}

/// Says now and then how many were not let in: whoever comes without end must not fill the log.
#[derive(Default)]
struct TurnedAway {
    count: u64,
    said_at: Option<Instant>,
}

/// Connections by where they come from.
struct Tally<W> {
    all: HashMap<ConnectionId, (Option<IpAddr>, W)>,
    by_address: HashMap<IpAddr, usize>,
}

impl<W> Default for Tally<W> {
    fn default() -> Self {
        Self { all: HashMap::new(), by_address: HashMap::new() }
    }
}

impl<W> Tally<W> {
    fn add(&mut self, id: ConnectionId, from: Option<IpAddr>, who: W) {
        self.remove(id);
        self.all.insert(id, (from, who));
        if let Some(address) = from {
            *self.by_address.entry(address).or_default() += 1;
        }
    }

    fn remove(&mut self, id: ConnectionId) {
        let Some((Some(address), _)) = self.all.remove(&id) else { return };
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    fn of(&self, from: Option<IpAddr>) -> usize {
        from.and_then(|address| self.by_address.get(&address)).copied().unwrap_or(0)
    }
}

impl Door {
    pub(super) fn new(most: Most, known: watch::Receiver<BTreeSet<NodeId>>) -> Self {
        Self { most, known, coming: Tally::default(), strangers: Tally::default(), turned_away: TurnedAway::default() }
    }

    fn knows(&self, peer: &PeerId) -> bool {
        node_id(peer).is_some_and(|node| self.known.borrow().contains(&node))
    }

    /// Somebody knocks.
    fn come(&mut self, id: ConnectionId, from: Option<IpAddr>) -> Result<(), Full> {
        if from.is_some() && self.coming.of(from) >= self.most.coming_of_address {
            return Err(Full::Coming(self.most.coming_of_address));
        }
        self.coming.add(id, from, ());
        Ok(())
    }

    /// Somebody has proved who they are.
    fn enter(&mut self, id: ConnectionId, from: Option<IpAddr>, peer: PeerId) -> Result<(), Full> {
        self.coming.remove(id);
        if self.knows(&peer) {
            return Ok(());
        }
        let mut full = self.full_for(from);
        if full.is_some() {
            // Who came as a stranger may have been paired since.
            let now_known: Vec<ConnectionId> =
                self.strangers.all.iter().filter(|(_, (_, peer))| self.knows(peer)).map(|(id, _)| *id).collect();
            now_known.into_iter().for_each(|id| self.strangers.remove(id));
            full = self.full_for(from);
        }
        if let Some(full) = full {
            return Err(full);
        }
        self.strangers.add(id, from, peer);
        Ok(())
    }

    fn full_for(&self, from: Option<IpAddr>) -> Option<Full> {
        if from.is_some() && self.strangers.of(from) >= self.most.strangers_of_address {
            return Some(Full::Address(self.most.strangers_of_address));
        }
        (self.strangers.all.len() >= self.most.strangers).then_some(Full::Strangers(self.most.strangers))
    }

    fn turn_away(&mut self, from: &Multiaddr, full: Full) -> ConnectionDenied {
        let TurnedAway { count, said_at } = &mut self.turned_away;
        *count += 1;
        if said_at.is_none_or(|at| at.elapsed() >= SAID_EVERY) {
            tracing::warn!(%from, %full, count, "connections are not taken");
            (*count, *said_at) = (0, Some(Instant::now()));
        }
        ConnectionDenied::new(full)
    }

    fn leave(&mut self, id: ConnectionId) {
        self.coming.remove(id);
        self.strangers.remove(id);
    }
}

/// Where a connection comes from, as it is counted. Through a relay, or in memory, it has no address of its own.
fn counted(address: &Multiaddr) -> Option<IpAddr> {
    let ip = address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(IpAddr::from(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::from(ip)),
        _ => None,
    })?;
    // An IPv4 address in the form of an IPv6 one is that IPv4 address.
    Some(match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
        ip => ip,
    })
}

impl NetworkBehaviour for Door {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = std::convert::Infallible;

    fn handle_pending_inbound_connection(
        &mut self, id: ConnectionId, _: &Multiaddr, from: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.come(id, counted(from)).map_err(|full| self.turn_away(from, full))
    }

    fn handle_established_inbound_connection(
        &mut self, id: ConnectionId, peer: PeerId, _: &Multiaddr, from: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.enter(id, counted(from), peer).map_err(|full| self.turn_away(from, full))?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self, _: ConnectionId, _: PeerId, _: &Multiaddr, _: Endpoint, _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionClosed(closed) => self.leave(closed.connection_id),
            // Also when another behaviour does not take it.
            FromSwarm::ListenFailure(failed) => self.leave(failed.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::net::peer_id;

    const MOST: Most = Most { coming_of_address: 2, strangers_of_address: 2, strangers: 3 };

    fn node(seed: u8) -> NodeId {
        Seed::new([seed; 32]).node_id()
    }

    fn peer(seed: u8) -> PeerId {
        peer_id(node(seed)).unwrap()
    }

    fn id(number: usize) -> ConnectionId {
        ConnectionId::new_unchecked(number)
    }

    fn from(address: &str) -> Option<IpAddr> {
        counted(&address.parse().unwrap())
    }

    #[test]
    fn an_address_is_an_ip4_address_or_the_half_of_an_ip6_address_that_names_a_network() {
        let check = |address: &str, expect: Option<&str>| {
            assert_eq!(from(address), expect.map(|ip| ip.parse().unwrap()), "{address}");
        };
        check("/ip4/10.0.0.1/tcp/1", Some("10.0.0.1"));
        check("/ip4/10.0.0.1/udp/2/quic-v1", Some("10.0.0.1"));
        check("/ip6/2001:db8:1:2:3:4:5:6/tcp/1", Some("2001:db8:1:2::"));
        check("/ip6/::ffff:10.0.0.1/tcp/1", Some("10.0.0.1"));
        check("/ip4/127.0.0.1/tcp/1", Some("127.0.0.1"));
        check("/memory/7", None);
        check(&format!("/p2p/{}", peer(1)), None);
    }

    #[test]
    fn strangers_of_one_address_fill_their_own_places_and_no_friends() {
        let (known, knowing) = watch::channel(BTreeSet::from([node(1)]));
        let mut door = Door::new(MOST, knowing);
        let (here, there) = (from("/ip4/10.0.0.1/tcp/1"), from("/ip4/10.0.0.2/tcp/1"));
        let mut number = 0;
        let mut enter = |door: &mut Door, from, seed| {
            number += 1;
            door.come(id(number), from)?;
            door.enter(id(number), from, peer(seed))
        };
        assert_eq!(enter(&mut door, here, 2), Ok(()));
        assert_eq!(enter(&mut door, here, 3), Ok(()));
        assert_eq!(enter(&mut door, here, 4), Err(Full::Address(2)));
        for _ in 0..20 {
            assert_eq!(enter(&mut door, here, 1), Ok(()), "a friend behind the same address");
        }
        assert_eq!(enter(&mut door, there, 4), Ok(()), "another address");
        assert_eq!(enter(&mut door, there, 5), Err(Full::Strangers(3)));
        assert_eq!(enter(&mut door, None, 5), Err(Full::Strangers(3)), "through a relay");
        assert_eq!(enter(&mut door, there, 1), Ok(()));
        // Whoever is paired takes no stranger's place any more.
        known.send_modify(|all| {
            all.insert(node(2));
        });
        assert_eq!(enter(&mut door, here, 5), Ok(()));
        assert_eq!(enter(&mut door, here, 6), Err(Full::Address(2)));
    }

    #[test]
    fn connections_of_one_address_that_never_come_about_are_so_many() {
        let (_known, knowing) = watch::channel(BTreeSet::new());
        let mut door = Door::new(MOST, knowing);
        let (here, there) = (from("/ip6/2001:db8::1/tcp/1"), from("/ip6/2001:db8:0:1::1/tcp/1"));
        assert_eq!(door.come(id(1), here), Ok(()));
        assert_eq!(door.come(id(2), from("/ip6/2001:db8::2/tcp/9")), Ok(()));
        assert_eq!(door.come(id(3), here), Err(Full::Coming(2)));
        assert_eq!(door.come(id(3), there), Ok(()));
        door.leave(id(1));
        assert_eq!(door.come(id(4), here), Ok(()));
        assert_eq!(door.enter(id(4), here, peer(1)), Ok(()));
        assert_eq!(door.come(id(5), here), Ok(()));
        for number in 1..6 {
            door.leave(id(number));
        }
        assert!(door.coming.all.is_empty() && door.coming.by_address.is_empty());
        assert!(door.strangers.all.is_empty() && door.strangers.by_address.is_empty());
    }
}
