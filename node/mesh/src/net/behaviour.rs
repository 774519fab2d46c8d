//! What the swarm is made of.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use flowork_protocol::NodeId;
use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::system_conf::read_system_conf;
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::kad::store::{MemoryStore, MemoryStoreConfig};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    PeerId, StreamProtocol, Swarm, SwarmBuilder, autonat, dcutr, identify, identity, kad, mdns,
    memory_connection_limits, noise, ping, relay, tcp, upnp, yamux,
};
use tokio::sync::watch;

use super::door::{Door, Most};
use super::{Budgets, node_id};

/// The most connections in all; of a node that others are reached through, who all come back at once after it was away.
const CONNECTIONS_MAX: u32 = 1_024;
const CONNECTIONS_OF_HOST_MAX: u32 = 16_384;
/// The most connections to one peer: each end may have dialed, by each transport, and through relays before that.
const CONNECTIONS_PER_PEER_MAX: u32 = 8;
/// The most connections that are coming about from outside.
const PENDING_MAX: u32 = 64;
const PENDING_OF_HOST_MAX: u32 = 1_024;
/// Of these, how many may be of one address; the rest is left for others.
const PENDING_OF_ADDRESS_MAX: usize = 16;
const PENDING_OF_ADDRESS_OF_HOST_MAX: usize = 128;
/// The most connections of peers that nobody here knows, of one address: several homes may share one, and who came to pair or
/// was led here by mistake is gone within half a minute. Behind one address of a host's, many follow invitations to members.
const STRANGERS_OF_ADDRESS_MAX: usize = 16;
const STRANGERS_OF_ADDRESS_OF_HOST_MAX: usize = 256;
/// And of all addresses: half of all connections are left for those who are known.
const STRANGERS_MAX: usize = CONNECTIONS_MAX as usize / 2;
const STRANGERS_OF_HOST_MAX: usize = CONNECTIONS_OF_HOST_MAX as usize / 2;
/// No further connection is taken while the process has more memory than this.
const MEMORY_BYTES_MAX: usize = 1 << 30;
/// The most streams of one connection that a peer may have open.
const STREAMS_MAX: usize = 256;
/// Streams that are being agreed on, for each connection.
const NEGOTIATING_MAX: usize = 64;
/// What may be under way on one stream and on one connection before it is acknowledged.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;
/// How often a connection is asked whether it lives, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_WITHIN: Duration = Duration::from_secs(10);
/// Connections are closed by who knows whether they are needed, not for being quiet.
const IDLE: Duration = Duration::from_secs(365 * 24 * 3_600);
/// What our nodes call the protocol family that they speak, for identify.
const FAMILY: &str = "flowork/1";
/// Who knows where a node is. Our own name: nobody else's records get mixed with ours.
pub(crate) const DIRECTORY: StreamProtocol = StreamProtocol::new("/flowork/directory/1");
/// By how many a presence is kept: enough that some of them are there, few enough to ask them all.
const KEEPERS: NonZeroUsize = NonZeroUsize::new(5).expect("5 > 0");
/// The most presences that a node keeps for others.
const PRESENCES_MAX: usize = 1 << 16;
/// Asked for at most so often by one address: reservations, and circuits.
const RELAY_ASKS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).expect("60 > 0");
/// A reservation is renewed before this.
const RESERVED_FOR: Duration = Duration::from_secs(3_600);

const OF_ADDRESS: Most = Most {
    coming_of_address: PENDING_OF_ADDRESS_MAX,
    strangers_of_address: STRANGERS_OF_ADDRESS_MAX,
    strangers: STRANGERS_MAX,
};
const OF_ADDRESS_OF_HOST: Most = Most {
    coming_of_address: PENDING_OF_ADDRESS_OF_HOST_MAX,
    strangers_of_address: STRANGERS_OF_ADDRESS_OF_HOST_MAX,
    strangers: STRANGERS_OF_HOST_MAX,
};

/// See [`super`].
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    door: Door,
    pub(super) memory: memory_connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    mdns: Toggle<mdns::tokio::Behaviour>,
    upnp: Toggle<upnp::tokio::Behaviour>,
    pub(crate) stream: libp2p_stream::Behaviour,
    relayed: relay::client::Behaviour,
    punch: dcutr::Behaviour,
    probe: autonat::v2::client::Behaviour,
    pub(crate) directory: kad::Behaviour<MemoryStore>,
    relay: Toggle<relay::Behaviour>,
    pub(super) prober: Toggle<autonat::v2::server::Behaviour>,
}

/// What a swarm is built from.
pub(crate) struct Parts {
    pub(crate) keypair: identity::Keypair,
    pub(crate) agent: String,
    /// Whether to announce this node on the local network.
    pub(crate) lan: bool,
    /// Whether to ask the router to forward the ports.
    pub(crate) upnp: bool,
    /// What this node does for those whom it knows, if anything.
    pub(crate) serves: Option<Budgets>,
    /// Who that is.
    pub(crate) known: watch::Receiver<BTreeSet<NodeId>>,
}

/// A swarm that listens nowhere yet.
pub(crate) fn swarm(parts: Parts) -> Result<Swarm<Behaviour>, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let multiplex = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(STREAMS_MAX);
        config
    };
    // A machine without a resolver still reaches addresses that are numbers.
    let (names, options) = read_system_conf()
        .unwrap_or_else(|_| (ResolverConfig::from_parts(None, Vec::new(), Vec::new()), ResolverOpts::default()));
    let swarm = SwarmBuilder::with_existing_identity(parts.keypair.clone())
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplex)
        .map_err(|error| said(&error))?
        .with_quic_config(|mut config| {
            config.max_concurrent_stream_limit = u32::try_from(STREAMS_MAX).unwrap_or(u32::MAX);
            config.max_stream_data = STREAM_WINDOW_BYTES;
            config.max_connection_data = CONNECTION_WINDOW_BYTES;
            config
        })
        .with_dns_config(names, options)
        .with_relay_client(noise::Config::new, multiplex)
        .map_err(|error| said(&error))?
        .with_behaviour(|_, relayed| behaviour(parts, relayed))
        .map_err(|error| said(&error))?
        .with_swarm_config(limits)
        .build();
    Ok(swarm)
}

pub(super) fn limits(config: libp2p::swarm::Config) -> libp2p::swarm::Config {
    config.with_idle_connection_timeout(IDLE).with_max_negotiating_inbound_streams(NEGOTIATING_MAX)
}

pub(super) fn behaviour(parts: Parts, relayed: relay::client::Behaviour) -> Behaviour {
    let local = parts.keypair.public();
    let me = local.to_peer_id();
    // A machine without a network that takes multicast still has its other addresses.
    let announce = || {
        mdns::tokio::Behaviour::new(mdns::Config::default(), me)
            .inspect_err(|error| tracing::warn!(%error, "this node does not announce itself on the network"))
            .ok()
    };
    let (most, pending, of_address) = match parts.serves {
        Some(_) => (CONNECTIONS_OF_HOST_MAX, PENDING_OF_HOST_MAX, OF_ADDRESS_OF_HOST),
        None => (CONNECTIONS_MAX, PENDING_MAX, OF_ADDRESS),
    };
    Behaviour {
        limits: connection_limits::Behaviour::new(
            ConnectionLimits::default()
                .with_max_pending_incoming(Some(pending))
                .with_max_established(Some(most))
                .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX)),
        ),
        door: Door::new(of_address, parts.known.clone()),
        memory: memory_connection_limits::Behaviour::with_max_bytes(MEMORY_BYTES_MAX),
        identify: identify::Behaviour::new(
            identify::Config::new(FAMILY.to_owned(), local)
                .with_agent_version(parts.agent)
                .with_push_listen_addr_updates(true)
                .with_cache_size(0),
        ),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_EVERY).with_timeout(PING_WITHIN)),
        mdns: parts.lan.then(announce).flatten().into(),
        upnp: parts.upnp.then(upnp::tokio::Behaviour::default).into(),
        stream: libp2p_stream::Behaviour::new(),
        relayed,
        punch: dcutr::Behaviour::new(me),
        probe: autonat::v2::client::Behaviour::default(),
        directory: directory(me, parts.serves.is_some()),
        prober: parts.serves.is_some().then(autonat::v2::server::Behaviour::default).into(),
        relay: parts.serves.map(|budgets| relay_for(me, &budgets, parts.known)).into(),
    }
}

/// Presences are checked before they are kept ([`super::directory`]); a node that serves nobody only asks.
fn directory(me: PeerId, serves: bool) -> kad::Behaviour<MemoryStore> {
    let mut config = kad::Config::new(DIRECTORY);
    config
        .set_replication_factor(KEEPERS)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_max_packet_size(flowork_protocol::presence::BYTES_MAX * 4)
        .set_caching(kad::Caching::Disabled)
        // Those who are known, and nobody whom a query met: strangers are cut off, and would be met anew for ever.
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_periodic_bootstrap_interval(None)
        .set_publication_interval(None);
    let store = MemoryStoreConfig {
        max_records: PRESENCES_MAX,
        max_value_bytes: flowork_protocol::presence::BYTES_MAX,
        ..MemoryStoreConfig::default()
    };
    let mut directory = kad::Behaviour::with_config(me, MemoryStore::with_config(me, store), config);
    directory.set_mode(Some(if serves { kad::Mode::Server } else { kad::Mode::Client }));
    directory
}

/// Passes on for those whom this node knows, within budgets.
fn relay_for(me: PeerId, budgets: &Budgets, known: watch::Receiver<BTreeSet<NodeId>>) -> relay::Behaviour {
    let mut config = relay::Config {
        max_reservations: budgets.reservations,
        max_reservations_per_peer: 2,
        reservation_duration: RESERVED_FOR,
        reservation_rate_limiters: Vec::new(),
        max_circuits: budgets.circuits,
        max_circuits_per_peer: budgets.circuits_per_peer,
        max_circuit_duration: budgets.circuit_time,
        max_circuit_bytes: budgets.circuit_bytes,
        circuit_src_rate_limiters: Vec::new(),
    };
    // Only its own may be reached through it; who reaches them need not be known here: they are invited by them.
    config
        .reservation_rate_limiters
        .push(Box::new(move |peer, _: &_, _| node_id(&peer).is_some_and(|node| known.borrow().contains(&node))));
    let minute = Duration::from_secs(60);
    let config = config
        .reservation_rate_per_ip(RELAY_ASKS_PER_MINUTE, minute)
        .circuit_src_per_ip(RELAY_ASKS_PER_MINUTE, minute)
        .circuit_src_per_peer(RELAY_ASKS_PER_MINUTE, minute);
    let mut relay = relay::Behaviour::new(me, config);
    relay.set_status(Some(relay::Status::Enable));
    relay
}
