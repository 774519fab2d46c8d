//! Carries rings from one process's bell to the bells of the others.
//!
//! Each kind of ring has its authors, and a role sends only the kinds that it is an author of: what it heard from others it
//! never sends on, so no ring goes in circles.

use std::collections::BTreeMap;

use flowork_ports::{Bell, Ring};
use flowork_protocol::wire::{self, Party, Verb};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::link::Link;

/// How many rings one notice carries at most; a ring takes less than 64 bytes.
const RINGS_PER_NOTICE_MAX: usize = 1_024;

/// Whether `who` is the author of such rings.
fn authors(who: Party, ring: Ring) -> bool {
    match ring {
        Ring::Inbox(_) => matches!(who, Party::Gateway | Party::Mesh),
        Ring::Shard(..) | Ring::Node | Ring::Forgotten => who == Party::Kernel,
        Ring::Documents => who == Party::Docs,
    }
}

/// Sends on what `me` rings, until the link or the bell ends. What came in while the last notice went out shares the next.
pub(crate) async fn send(bell: Bell, me: Party, link: Link) {
    let mut heard = bell.listen();
    loop {
        let mut batch = Batch::default();
        match heard.recv().await {
            Ok(ring) => batch.take(me, ring),
            // What was missed is found by looking, which everybody does every 250 ms.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        while batch.seen < RINGS_PER_NOTICE_MAX {
            match heard.try_recv() {
                Ok(ring) => batch.take(me, ring),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        // docs hears of nothing else, so it is told by a verb of its own and is not woken by every commit.
        if batch.forgotten && link.tell(Verb::Forgotten, Vec::new()).await.is_err() {
            return;
        }
        let rings = batch.rings();
        if rings.is_empty() {
            continue;
        }
        let Ok(body) = wire::to_body(&rings) else { continue };
        if link.tell(Verb::Ring, body).await.is_err() {
            return;
        }
    }
}

/// Rings a notice's rings on this process's bell. What `me` is the author of is not taken from others.
pub(crate) fn ring(bell: &Bell, me: Party, body: &[u8]) {
    match wire::from_body::<Vec<Ring>>(body) {
        Ok(rings) => rings.into_iter().filter(|ring| !authors(me, *ring)).for_each(|ring| bell.ring(ring)),
        Err(error) => tracing::warn!(%error, "rings that cannot be read"),
    }
}

/// Rings on their way into one notice: of several commits of a shard the newest says it all.
#[derive(Default)]
struct Batch {
    seen: usize,
    inboxes: BTreeMap<u16, Ring>,
    shards: BTreeMap<u16, (u64, Ring)>,
    others: Vec<Ring>,
    forgotten: bool,
}

impl Batch {
    fn take(&mut self, me: Party, ring: Ring) {
        self.seen += 1;
        if !authors(me, ring) {
            return;
        }
        match ring {
            Ring::Inbox(shard) => drop(self.inboxes.insert(shard.0, ring)),
            Ring::Shard(shard, commit) => {
                let newest = self.shards.entry(shard.0).or_insert((commit, ring));
                if commit >= newest.0 {
                    *newest = (commit, ring);
                }
            }
            Ring::Node | Ring::Documents if !self.others.contains(&ring) => self.others.push(ring),
            Ring::Node | Ring::Documents => {}
            Ring::Forgotten => self.forgotten = true,
        }
    }

    fn rings(self) -> Vec<Ring> {
        let mut rings = self.others;
        rings.extend(self.inboxes.into_values());
        rings.extend(self.shards.into_values().map(|(_, ring)| ring));
        rings
    }
}

#[cfg(test)]
mod tests {
    use flowork_protocol::ShardNo;

    use super::*;

    #[test]
    fn of_many_commits_of_a_shard_the_newest_is_sent() {
        let mut batch = Batch::default();
        for commit in [3, 5, 4] {
            batch.take(Party::Kernel, Ring::Shard(ShardNo(1), commit));
        }
        batch.take(Party::Kernel, Ring::Shard(ShardNo(2), 1));
        assert_eq!(batch.rings(), [Ring::Shard(ShardNo(1), 5), Ring::Shard(ShardNo(2), 1)]);
    }

    #[test]
    fn that_jobs_were_forgotten_is_told_apart_from_the_rings() {
        let mut batch = Batch::default();
        batch.take(Party::Kernel, Ring::Forgotten);
        assert!(batch.forgotten && batch.rings().is_empty());
        let mut batch = Batch::default();
        batch.take(Party::Docs, Ring::Forgotten);
        assert!(!batch.forgotten);
    }

    #[test]
    fn a_role_sends_only_rings_that_it_is_the_author_of() {
        let mut batch = Batch::default();
        for ring in [Ring::Inbox(ShardNo(0)), Ring::Node, Ring::Documents] {
            batch.take(Party::Gateway, ring);
        }
        assert_eq!(batch.rings(), [Ring::Inbox(ShardNo(0))]);
    }

    #[test]
    fn a_ring_of_ones_own_kind_is_not_taken_from_others() {
        let bell = Bell::default();
        let mut heard = bell.listen();
        let body = wire::to_body(&vec![Ring::Inbox(ShardNo(0)), Ring::Shard(ShardNo(0), 7)]).unwrap();
        ring(&bell, Party::Gateway, &body);
        assert_eq!(heard.try_recv().unwrap(), Ring::Shard(ShardNo(0), 7));
        assert!(heard.try_recv().is_err());
    }
}
