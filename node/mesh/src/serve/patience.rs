//! How often a peer may be refused before it is not listened to for a while.
//!
//! Checking a grant costs signatures. Whoever asks again and again for what it will never get is soon told to wait, before
//! anything is checked. A refusal that says when to come back is not counted: limits are looked up, and friends whose many
//! steps wait for one engine hear it often.

use std::collections::HashMap;
use std::sync::Mutex;

use flowork_protocol::peer::Refusal;
use flowork_protocol::{NodeId, Timestamp};

use crate::lock;

/// So many refusals come at once.
pub(super) const REFUSALS_AT_ONCE: u64 = 120;
/// After that, one for each of these.
const REFUSAL_EVERY_MS: u64 = 500;

/// The peers that were refused a moment ago, each with when all of that is forgotten.
#[derive(Default)]
pub(crate) struct Patience(Mutex<HashMap<NodeId, Timestamp>>);

impl Patience {
    /// What a peer is told that was refused too often; nothing while it is listened to.
    pub(super) fn over(&self, peer: NodeId, now: Timestamp) -> Option<Refusal> {
        let forgotten_at = *lock(&self.0).get(&peer)?;
        let over_ms =
            (forgotten_at.since_ms(now) + REFUSAL_EVERY_MS).checked_sub(REFUSALS_AT_ONCE * REFUSAL_EVERY_MS)?;
        (over_ms > 0).then(|| {
            let text = format!(
                "it refused {REFUSALS_AT_ONCE} calls of this node a moment ago, and waits before it reads more"
            );
            Refusal::new("refused-too-often", text).retry_after_ms(over_ms)
        })
    }

    /// A peer was refused.
    pub(super) fn note(&self, peer: NodeId, refusal: &Refusal, now: Timestamp) {
        if refusal.retry_after_ms.is_some() {
            return;
        }
        let mut all = lock(&self.0);
        all.retain(|_, forgotten_at| *forgotten_at > now);
        let forgotten_at = all.entry(peer).or_insert(now);
        *forgotten_at = forgotten_at.plus_ms(REFUSAL_EVERY_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    #[test]
    fn who_is_refused_again_and_again_waits_and_nobody_else() {
        let patience = Patience::default();
        let [one, other] = [1, 2].map(|seed| crate::Seed::new([seed; 32]).node_id());
        let no = Refusal::new("grant-not-yours", "no");
        let wait = |now| patience.over(one, now).and_then(|refusal| refusal.retry_after_ms);
        for _ in 0..REFUSALS_AT_ONCE {
            assert_eq!(wait(NOW), None);
            patience.note(one, &Refusal::new("limit-reached", "later").retry_after_ms(1), NOW);
            patience.note(one, &no, NOW);
        }
        assert_eq!(wait(NOW), Some(REFUSAL_EVERY_MS));
        assert_eq!(patience.over(other, NOW), None);
        assert_eq!(wait(NOW.plus_ms(REFUSAL_EVERY_MS - 1)), Some(1));
        let later = NOW.plus_ms(REFUSAL_EVERY_MS);
        assert_eq!(wait(later), None);
        patience.note(one, &no, later);
        assert_eq!(wait(later), Some(REFUSAL_EVERY_MS));
        let much_later = later.plus_ms((REFUSALS_AT_ONCE + 1) * REFUSAL_EVERY_MS);
        patience.note(other, &no, much_later);
        assert_eq!(lock(&patience.0).len(), 1, "what is over is forgotten");
    }
}
