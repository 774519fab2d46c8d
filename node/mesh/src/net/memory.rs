//! Swarms that reach each other in memory, and what they say to each other counted. For simulations.

use std::collections::HashMap;
use std::io::Result;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::transport::MemoryTransport;
use libp2p::core::upgrade::Version;
use libp2p::{PeerId, Swarm, SwarmBuilder, Transport as _, memory_connection_limits, noise, yamux};

use super::behaviour::{self, Behaviour, Parts};
use crate::lock;

/// The bytes that each node sent and got.
static TRAFFIC: LazyLock<Mutex<HashMap<PeerId, Arc<AtomicU64>>>> = LazyLock::new(Mutex::default);

/// How many bytes went to and from a node so far.
pub(crate) fn traffic(peer: &PeerId) -> u64 {
    lock(&TRAFFIC).get(peer).map_or(0, |count| count.load(Ordering::Relaxed))
}

/// [`behaviour::swarm`] over memory.
pub(super) fn swarm(parts: Parts) -> std::result::Result<Swarm<Behaviour>, String> {
    let count = lock(&TRAFFIC).entry(parts.keypair.public().to_peer_id()).or_default().clone();
    let said = |error: &dyn std::fmt::Display| error.to_string();
    Ok(SwarmBuilder::with_existing_identity(parts.keypair.clone())
        .with_tokio()
        .with_other_transport(|keypair| {
            let noise = noise::Config::new(keypair).expect("an ed25519 key can be used");
            MemoryTransport::new()
                .map(move |inner, _| Counted { inner, count: count.clone() })
                .upgrade(Version::V1Lazy)
                .authenticate(noise)
                .multiplex(yamux::Config::default())
        })
        .map_err(|error| said(&error))?
        .with_relay_client(noise::Config::new, yamux::Config::default)
        .map_err(|error| said(&error))?
        .with_behaviour(|_, relayed| {
            let mut made = behaviour::behaviour(parts, relayed);
            // Every connection in memory comes from a port of its own, which is nobody's address: nothing to try.
            made.prober = None.into();
            // What one process may hold says nothing about a thousand nodes in it.
            made.memory = memory_connection_limits::Behaviour::with_max_bytes(usize::MAX);
            made
        })
        .map_err(|error| said(&error))?
        .with_swarm_config(behaviour::limits)
        .build())
}

struct Counted<T> {
    inner: T,
    count: Arc<AtomicU64>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Counted<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize>> {
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        if let Poll::Ready(Ok(bytes)) = &read {
            self.count.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counted<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write(context, buffer);
        if let Poll::Ready(Ok(bytes)) = &wrote {
            self.count.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        wrote
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.inner).poll_close(context)
    }
}
