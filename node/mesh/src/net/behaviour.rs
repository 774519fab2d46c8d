//! What the swarm is made of.

use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{Swarm, SwarmBuilder, identify, identity, mdns, memory_connection_limits, noise, ping, tcp, yamux};

/// The most connections in all.
const CONNECTIONS_MAX: u32 = 1_024;
/// The most connections to one peer: each end may have dialed, by each transport.
const CONNECTIONS_PER_PEER_MAX: u32 = 4;
/// The most connections that are coming about from outside.
const PENDING_MAX: u32 = 64;
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
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_WITHIN: Duration = Duration::from_secs(20);
/// Connections are closed by who knows whether they are needed, not for being quiet.
const IDLE: Duration = Duration::from_secs(365 * 24 * 3_600);
/// What our nodes call the protocol family that they speak, for identify.
const FAMILY: &str = "flowork/1";

/// See [`super`].
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    mdns: Toggle<mdns::tokio::Behaviour>,
    pub(crate) stream: libp2p_stream::Behaviour,
}

/// A swarm that listens nowhere yet.
pub(crate) fn swarm(keypair: identity::Keypair, lan: bool, agent: String) -> Result<Swarm<Behaviour>, String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let multiplex = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(STREAMS_MAX);
        config
    };
    let swarm = SwarmBuilder::with_existing_identity(keypair)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplex)
        .map_err(|error| said(&error))?
        .with_quic_config(|mut config| {
            config.max_concurrent_stream_limit = u32::try_from(STREAMS_MAX).unwrap_or(u32::MAX);
            config.max_stream_data = STREAM_WINDOW_BYTES;
            config.max_connection_data = CONNECTION_WINDOW_BYTES;
            config
        })
        .with_behaviour(|keypair| {
            let local = keypair.public();
            let mdns = if lan {
                // A machine without a network that takes multicast still has its other addresses.
                mdns::tokio::Behaviour::new(mdns::Config::default(), local.to_peer_id())
                    .inspect_err(|error| tracing::warn!(%error, "this node does not announce itself on the network"))
                    .ok()
            } else {
                None
            };
            Behaviour {
                limits: connection_limits::Behaviour::new(
                    ConnectionLimits::default()
                        .with_max_pending_incoming(Some(PENDING_MAX))
                        .with_max_established(Some(CONNECTIONS_MAX))
                        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX)),
                ),
                memory: memory_connection_limits::Behaviour::with_max_bytes(MEMORY_BYTES_MAX),
                identify: identify::Behaviour::new(
                    identify::Config::new(FAMILY.to_owned(), local).with_agent_version(agent).with_cache_size(0),
                ),
                ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_EVERY).with_timeout(PING_WITHIN)),
                mdns: mdns.into(),
                stream: libp2p_stream::Behaviour::new(),
            }
        })
        .map_err(|error| said(&error))?
        .with_swarm_config(|config| {
            config.with_idle_connection_timeout(IDLE).with_max_negotiating_inbound_streams(NEGOTIATING_MAX)
        })
        .build();
    Ok(swarm)
}
