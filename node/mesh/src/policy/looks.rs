//! What the looks at the machine came to, for all engines.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use flowork_ports::mesh::Policy;

use super::caps::{Cap, Latch};
use crate::machine::Seen;

/// How long after the last loan a card still reports what it did for it.
const SETTLES: Duration = Duration::from_secs(2);
/// How long calls may follow each other before the card is looked at without any.
const GPU_UNSEEN_MAX: Duration = Duration::from_secs(60);

/// What was seen last, and what it holds.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    seen: Seen,
    latches: BTreeMap<(String, Cap), Latch>,
    /// When a call of others ran last.
    lent_at: Option<Instant>,
    /// When the graphics card was seen last without one.
    gpu_seen_at: Option<Instant>,
}

impl Looks {
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// That calls of others ran at `at`.
    pub(crate) fn lent(&mut self, at: Instant) {
        self.lent_at = self.lent_at.max(Some(at));
    }

    /// When a call of others ran last.
    pub(crate) fn lent_at(&self) -> Option<Instant> {
        self.lent_at
    }

    /// Takes a look, for the engines that `policies` goes through.
    pub(crate) fn see(&mut self, newer: Seen, now: Instant, policies: impl FnOnce(&mut dyn FnMut(&str, &Policy))) {
        self.seen.take_over(newer);
        // How much of what a card does is a loan's, no system tells. So it is judged by what it does without any.
        let at = match &self.seen.graphics {
            Some(Ok(graphics)) => graphics.at,
            _ => now,
        };
        let is_own = self.lent_at.is_none_or(|lent| at >= lent + SETTLES);
        if is_own && self.seen.graphics.is_some() {
            self.gpu_seen_at = self.gpu_seen_at.max(Some(at));
        }
        let (seen, mut before) = (&self.seen, std::mem::take(&mut self.latches));
        let latches = &mut self.latches;
        policies(&mut |engine, policy| {
            for cap in Cap::ALL {
                let Some(most) = cap.of(policy) else { continue };
                let key = (engine.to_owned(), cap);
                let mut latch = before.remove(&key).unwrap_or_default();
                if cap != Cap::Gpu || is_own {
                    latch.see(cap, most, cap.reading(seen), now);
                }
                latches.insert(key, latch);
            }
        });
    }

    /// Begins anew with an engine whose policy was changed.
    pub(crate) fn forget(&mut self, engine: &str) {
        self.latches.retain(|(name, _), _| name != engine);
    }

    /// Which cap holds an engine, as a reason.
    pub(super) fn capped(&self, engine: &str, policy: &Policy) -> Option<String> {
        Cap::ALL.into_iter().filter(|cap| cap.of(policy).is_some()).find_map(|cap| {
            match self.latches.get(&(engine.to_owned(), cap)) {
                Some(latch) => latch.why().map(str::to_owned),
                None => Some(Latch::not_looked()),
            }
        })
    }

    /// Whether calls have followed each other for so long that the card has to be looked at before the next begins.
    pub(crate) fn has_to_look(&self, policy: &Policy, now: Instant) -> bool {
        let is_old = |at: Instant| now.saturating_duration_since(at) > GPU_UNSEEN_MAX;
        policy.gpu_percent.is_some() && self.gpu_seen_at.is_none_or(is_old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Graphics;

    const ENGINE: &str = "gpu";

    /// A graphics card with a cap of 30 %, and a clock that goes when it is told to.
    struct Machine {
        looks: Looks,
        policy: Policy,
        now: Instant,
    }

    impl Machine {
        fn new() -> Self {
            let policy = Policy { gpu_percent: Some(30), ..Policy::default() };
            Self { looks: Looks::default(), policy, now: Instant::now() }
        }

        /// A second later, while a loan runs or not.
        fn sees(&mut self, busy: u8, is_lent: bool) -> Option<String> {
            self.now += Duration::from_secs(1);
            if is_lent {
                self.looks.lent(self.now);
            }
            let graphics = Graphics { busy_percent: Some(busy), memory_percent: Some(10), watts: None, at: self.now };
            let seen = Seen { graphics: Some(Ok(graphics)), ..Seen::default() };
            self.looks.see(seen, self.now, |each| each(ENGINE, &self.policy));
            self.looks.capped(ENGINE, &self.policy)
        }
    }

    #[test]
    fn what_a_loan_does_on_the_card_does_not_hold_it_and_what_its_owner_does_holds_the_next() {
        let mut machine = Machine::new();
        assert_eq!(machine.looks.capped(ENGINE, &machine.policy).unwrap(), "until the machine has been looked at");
        assert_eq!(machine.sees(5, false), None);
        assert!((0..100).all(|_| machine.sees(100, true).is_none()));
        // The card still reports the loan.
        assert_eq!(machine.sees(100, false), None);
        assert_eq!(machine.sees(45, false).unwrap(), "while its graphics card is 45 % busy");
        // Held, there is no loan, and the rest is counted.
        assert!((0..15).all(|_| machine.sees(10, false).is_some()));
        assert_eq!(machine.sees(10, false), None);
    }

    #[test]
    fn after_a_minute_of_calls_the_next_waits_until_the_card_was_looked_at() {
        let mut machine = Machine::new();
        assert!(machine.looks.has_to_look(&machine.policy, machine.now));
        machine.sees(5, false);
        for _ in 0..60 {
            machine.sees(100, true);
            assert!(!machine.looks.has_to_look(&machine.policy, machine.now));
        }
        machine.sees(100, true);
        assert!(machine.looks.has_to_look(&machine.policy, machine.now));
        assert!(!machine.looks.has_to_look(&Policy::default(), machine.now));
        machine.sees(20, false);
        machine.sees(20, false);
        assert!(!machine.looks.has_to_look(&machine.policy, machine.now));
    }

    #[test]
    fn each_engine_has_caps_of_its_own_and_a_changed_one_begins_anew() {
        let mut looks = Looks::default();
        let of = |percent| Policy { memory_percent: Some(percent), ..Policy::default() };
        let (tight, wide) = (of(50), of(90));
        let seen = Seen { memory_percent: Some(Ok(60)), ..Seen::default() };
        let see = |looks: &mut Looks| {
            looks.see(seen.clone(), Instant::now(), |each| {
                each("tight", &tight);
                each("wide", &wide);
            });
        };
        see(&mut looks);
        assert_eq!(looks.capped("tight", &tight).unwrap(), "while 60 % of its memory is in use");
        assert_eq!(looks.capped("wide", &wide), None);
        looks.forget("tight");
        assert!(looks.capped("tight", &tight).unwrap().contains("looked at"));
        see(&mut looks);
        assert!(looks.capped("tight", &tight).unwrap().contains("60 %"));
    }
}
