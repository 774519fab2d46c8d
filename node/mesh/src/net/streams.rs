//! Streams that peers open, as many of one peer as it needs.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use flowork_protocol::NodeId;
use futures::StreamExt as _;
use libp2p_stream::IncomingStreams;
use tokio::sync::watch;
use tokio_util::compat::FuturesAsyncReadCompatExt as _;

use super::{Stream, node_id};
use crate::lock;

/// The most streams of one protocol that a paired peer has open, over all its connections.
const STREAMS_OF_PEER_MAX: usize = 512;
/// The same for one that nobody here knows: it pairs, and hears that it may nothing else.
const STREAMS_OF_STRANGER_MAX: usize = 16;

/// The streams of one protocol that peers open.
pub(crate) struct Incoming {
    pub(super) streams: IncomingStreams,
    pub(super) known: watch::Receiver<BTreeSet<NodeId>>,
}

/// Takes streams as they come and hands each to `serve` on a task of its own, until there are no more. Of a peer that has as
/// many as it may, further ones are dropped unread, which resets them.
pub(crate) async fn serve<F: Future<Output = ()> + Send + 'static>(
    mut incoming: Incoming, serve: impl Fn(NodeId, Stream) -> F,
) {
    let places = Places::default();
    while let Some((peer, stream)) = incoming.streams.next().await {
        let Some(node) = node_id(&peer) else { continue };
        let is_known = incoming.known.borrow().contains(&node);
        let most = if is_known { STREAMS_OF_PEER_MAX } else { STREAMS_OF_STRANGER_MAX };
        let Some(place) = places.take(node, most) else {
            tracing::debug!(%peer, most, "a stream is not taken: its peer has as many as it may");
            continue;
        };
        let serving = serve(node, stream.compat());
        tokio::spawn(async move {
            serving.await;
            drop(place);
        });
    }
}

/// How many streams each peer has open.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<NodeId, usize>>>);

/// One stream of a peer, for as long as it is held.
struct Place {
    places: Places,
    node: NodeId,
}

impl Places {
    fn take(&self, node: NodeId, most: usize) -> Option<Place> {
        let mut open = lock(&self.0);
        let count = open.entry(node).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), node })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.places.0);
        if let Some(count) = open.get_mut(&self.node) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_streams_and_the_next_when_one_has_ended() {
        let places = Places::default();
        let [one, other] = [1, 2].map(|seed| crate::Seed::new([seed; 32]).node_id());
        let mut held: Vec<Place> = (0..3).map(|_| places.take(one, 3).unwrap()).collect();
        assert!(places.take(one, 3).is_none());
        assert!(places.take(other, 3).is_some(), "another peer has its own");
        held.pop();
        held.push(places.take(one, 3).unwrap());
        assert!(places.take(one, 3).is_none());
        drop(held);
        assert!(lock(&places.0).is_empty());
    }
}
