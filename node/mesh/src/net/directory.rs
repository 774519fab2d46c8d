//! Who knows where a node is: a directory that nodes keep for each other, in their own words only.
//!
//! What is found there is a hint. Who answers at an address still proves by the channel that they are the node that was
//! meant, so a liar among the keepers can hide a node and cannot stand in for it.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::{Duration, Instant};

use flowork_protocol::presence::{self, Presence};
use flowork_protocol::{NodeId, Timestamp};
use libp2p::kad::store::RecordStore as _;
use libp2p::kad::{self, GetRecordOk, InboundRequest, QueryId, QueryResult, Quorum, Record};
use libp2p::{Multiaddr, PeerId, identify};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::behaviour::DIRECTORY;
use super::task::Task;
use super::{is_relayed, without_peer};
use crate::reach::{Far, far};

/// How long a node's word about itself is kept by others.
pub(crate) const PRESENCE_SECONDS: u64 = 3_600;
/// How often it is said anew.
const PUBLISH_EVERY: Duration = Duration::from_secs(900);
/// After how long when nobody kept it.
const PUBLISH_AGAIN: Duration = Duration::from_secs(10);
/// How long after a change: several come at once.
const PUBLISH_SOON: Duration = Duration::from_secs(1);
const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// What is asked of the directory now.
pub(super) struct Directory {
    /// Who is connected and keeps one, and where they are.
    keepers: BTreeMap<NodeId, Vec<Multiaddr>>,
    next: Pin<Box<Sleep>>,
    finding: HashMap<QueryId, oneshot::Sender<Vec<Multiaddr>>>,
}

impl Default for Directory {
    fn default() -> Self {
        Self { next: Box::pin(tokio::time::sleep(PUBLISH_EVERY)), finding: HashMap::new(), keepers: BTreeMap::new() }
    }
}

impl Directory {
    /// Until this node should say where it is.
    pub(super) async fn due(&mut self) {
        self.next.as_mut().await;
        self.next.as_mut().reset(tokio::time::Instant::now() + PUBLISH_EVERY);
    }

    /// Nobody kept it: keepers that have too much to do may have less then.
    fn again(&mut self) {
        self.next.as_mut().reset(tokio::time::Instant::now() + PUBLISH_AGAIN);
    }

    /// This node is somewhere else now.
    pub(super) fn soon(&mut self) {
        self.next.as_mut().reset(tokio::time::Instant::now() + PUBLISH_SOON);
    }
}

impl Task {
    /// Hears whether a peer keeps a directory. It counts once the peer is known, which it may become later.
    pub(super) fn meet_directory(&mut self, node: NodeId, info: &identify::Info) {
        if !info.protocols.contains(&DIRECTORY) {
            self.directory.keepers.remove(&node);
            return;
        }
        let is_of_use = |address: &&Multiaddr| !is_relayed(address) && far(address) > Far::Machine;
        let addresses = info.listen_addrs.iter().filter(is_of_use).cloned().map(without_peer).collect();
        self.directory.keepers.insert(node, addresses);
        self.meet_known_keepers();
    }

    /// Only nodes that this one knows are asked; those may know others.
    pub(super) fn meet_known_keepers(&mut self) {
        let mut keepers = self.directory.keepers.clone();
        keepers.retain(|node, _| self.knows(*node));
        for (node, mut addresses) in keepers {
            let Some(peer) = super::peer_id(node) else { continue };
            if addresses.is_empty() {
                // One of this machine: where it is connected now.
                let view = self.view.borrow();
                let used = view.connection(node).filter(|connection| !connection.is_relayed);
                addresses.extend(used.map(|connection| without_peer(connection.address.clone())));
            }
            for address in addresses {
                self.swarm.behaviour_mut().directory.add_address(&peer, address);
            }
            if !self.view.borrow().has_directory {
                self.view.send_modify(|view| view.has_directory = true);
                self.directory.soon();
            }
        }
    }

    /// A keeper that went away is forgotten when nobody is left who could be asked.
    pub(super) fn directory_lost(&mut self, node: NodeId, peer: &PeerId) {
        self.directory.keepers.remove(&node);
        self.swarm.behaviour_mut().directory.remove_peer(peer);
        let is_empty = self.swarm.behaviour_mut().directory.kbuckets().all(|bucket| bucket.is_empty());
        self.view.send_if_modified(|view| {
            let was = view.has_directory;
            view.has_directory = !is_empty;
            was != view.has_directory
        });
    }

    /// Says where this node is, to those who keep it.
    pub(super) fn publish(&mut self) {
        let (addresses, has_directory) = {
            let view = self.view.borrow();
            // What only holds in this house is nobody else's business.
            let addresses: Vec<String> = view
                .addresses()
                .iter()
                .filter(|address| far(address) == Far::Anywhere || view.external.contains(address))
                .map(ToString::to_string)
                .collect();
            (addresses, view.has_directory)
        };
        if !has_directory || addresses.is_empty() {
            return;
        }
        let Some(value) = (self.present)(addresses) else { return };
        let me = *self.swarm.local_peer_id();
        let Some(node) = super::node_id(&me) else { return };
        let record = Record {
            key: presence::key(node).to_vec().into(),
            value,
            publisher: None,
            expires: Some(Instant::now() + Duration::from_secs(PRESENCE_SECONDS)),
        };
        if let Err(error) = self.swarm.behaviour_mut().directory.put_record(record, Quorum::N(ONE)) {
            tracing::debug!(%error, "where this node is could not be said");
        }
    }

    /// Asks where a node is.
    pub(super) fn find(&mut self, node: NodeId, reply: oneshot::Sender<Vec<Multiaddr>>) {
        let key = presence::key(node).to_vec().into();
        let query = self.swarm.behaviour_mut().directory.get_record(key);
        self.directory.finding.insert(query, reply);
    }

    pub(super) fn hear_directory(&mut self, event: kad::Event) {
        match event {
            kad::Event::OutboundQueryProgressed { id, result: QueryResult::GetRecord(result), step, .. } => {
                let now = (self.clock)();
                let found = match result {
                    Ok(GetRecordOk::FoundRecord(found)) => addresses_in(&found.record, now),
                    _ => None,
                };
                if found.is_none() && !step.last {
                    return;
                }
                if let Some(mut query) = self.swarm.behaviour_mut().directory.query_mut(&id) {
                    query.finish();
                }
                if let Some(reply) = self.directory.finding.remove(&id) {
                    // Who asked may have given up.
                    let _ = reply.send(found.unwrap_or_default());
                }
            }
            kad::Event::OutboundQueryProgressed { result: QueryResult::PutRecord(Err(error)), .. } => {
                tracing::debug!(%error, "nobody keeps where this node is");
                self.directory.again();
            }
            kad::Event::InboundRequest { request } => {
                self.view.send_modify(|view| view.served.directory_requests_total += 1);
                if let InboundRequest::PutRecord { record: Some(record), source, .. } = request {
                    self.keep(&source, record);
                }
            }
            _ => {}
        }
    }

    /// Keeps what a node says about itself, when it does and nothing newer is kept.
    fn keep(&mut self, source: &PeerId, mut record: Record) {
        let now = (self.clock)();
        let read = Presence::read(&record.value, record.key.as_ref(), now);
        let presence = match read {
            Ok(presence) => presence,
            Err(error) => {
                tracing::debug!(%source, %error, "what a peer wanted kept is no presence");
                return;
            }
        };
        let store = self.swarm.behaviour_mut().directory.store_mut();
        let kept = store.get(&record.key).and_then(|kept| Presence::read(&kept.value, kept.key.as_ref(), now).ok());
        if kept.is_some_and(|kept| kept.at > presence.at) {
            return;
        }
        // Whatever the one who brought it says.
        let left = Duration::from_secs(presence.exp.saturating_sub(now.seconds()));
        record.expires = Some(Instant::now() + left);
        record.publisher = None;
        if let Err(error) = store.put(record) {
            tracing::debug!(%error, "a presence is not kept");
        }
    }
}

fn addresses_in(record: &Record, now: Timestamp) -> Option<Vec<Multiaddr>> {
    let presence = Presence::read(&record.value, record.key.as_ref(), now).ok()?;
    Some(presence.addresses.iter().filter_map(|text| text.parse().ok()).collect())
}
