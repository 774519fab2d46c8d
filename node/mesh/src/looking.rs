//! When which peer that is away is looked for next: at once when its connection broke, then less and less often. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use flowork_protocol::NodeId;
use tokio::time::Instant;

/// How long until a peer is looked for again, at first and at most.
pub(crate) const LOOK_FIRST: Duration = Duration::from_secs(5);
/// See [`LOOK_FIRST`].
pub(crate) const LOOK_MAX: Duration = Duration::from_secs(300);
/// A connection that ends sooner was not worth much: who cuts us off is not to be run after.
const LASTING: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
struct Wait {
    until: Option<Instant>,
    pause: Duration,
    connected_at: Option<Instant>,
}

impl Default for Wait {
    fn default() -> Self {
        Self { until: None, pause: LOOK_FIRST, connected_at: None }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Looking {
    waits: BTreeMap<NodeId, Wait>,
}

impl Looking {
    /// Whether a peer that is away is to be looked for.
    pub(crate) fn is_due(&self, node: NodeId, now: Instant) -> bool {
        self.waits.get(&node).and_then(|wait| wait.until).is_none_or(|until| until <= now)
    }

    /// When the next one is due, of those that wait.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waits.values().filter_map(|wait| wait.until).min()
    }

    /// Forgets everybody but those who are away, and those who are connected.
    pub(crate) fn keep(&mut self, away: BTreeSet<NodeId>) {
        self.waits.retain(|node, wait| away.contains(node) || wait.connected_at.is_some());
    }

    pub(crate) fn connected(&mut self, node: NodeId, now: Instant) {
        let wait = self.waits.entry(node).or_default();
        (wait.connected_at, wait.until) = (Some(now), None);
    }

    pub(crate) fn lost(&mut self, node: NodeId, now: Instant) {
        let wait = self.waits.entry(node).or_default();
        let lasted = wait.connected_at.take().map_or(Duration::ZERO, |at| now.duration_since(at));
        if lasted >= LASTING {
            *wait = Wait::default();
        } else {
            wait.until = Some(now + wait.pause);
            wait.pause = (wait.pause * 2).min(LOOK_MAX);
        }
    }

    /// It was looked for and not found.
    pub(crate) fn missed(&mut self, node: NodeId, now: Instant) {
        let wait = self.waits.entry(node).or_default();
        // It came by itself meanwhile.
        if wait.connected_at.is_some() {
            return;
        }
        wait.until = Some(now + wait.pause);
        wait.pause = (wait.pause * 2).min(LOOK_MAX);
    }

    /// This node is somewhere else: everybody is looked for anew.
    pub(crate) fn moved(&mut self) {
        for wait in self.waits.values_mut() {
            (wait.until, wait.pause) = (None, LOOK_FIRST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: NodeId = NodeId([1; 32]);

    #[test]
    fn who_is_away_is_looked_for_less_and_less_often() {
        let now = Instant::now();
        let mut looking = Looking::default();
        assert!(looking.is_due(ANA, now), "at first at once");
        let mut at = now;
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
            looking.missed(ANA, at);
            assert!(!looking.is_due(ANA, at + Duration::from_secs(seconds - 1)), "{seconds}");
            at += Duration::from_secs(seconds);
            assert!(looking.is_due(ANA, at), "{seconds}");
            assert_eq!(looking.next(), Some(at));
        }
        looking.moved();
        assert!(looking.is_due(ANA, now), "in another network everything is new");
    }

    #[test]
    fn who_came_while_it_was_looked_for_is_not_waited_for() {
        let now = Instant::now();
        let mut looking = Looking::default();
        looking.connected(ANA, now);
        looking.missed(ANA, now);
        assert_eq!(looking.next(), None);
    }

    #[test]
    fn a_connection_that_lasted_is_made_again_at_once_and_one_that_did_not_is_not() {
        let now = Instant::now();
        let mut looking = Looking::default();
        looking.connected(ANA, now);
        looking.lost(ANA, now + Duration::from_secs(61));
        assert!(looking.is_due(ANA, now + Duration::from_secs(61)));
        looking.connected(ANA, now);
        looking.lost(ANA, now + Duration::from_secs(30));
        assert!(!looking.is_due(ANA, now + Duration::from_secs(30)), "whoever cuts us off is not run after");
    }
}
