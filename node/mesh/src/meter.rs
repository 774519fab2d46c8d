//! How much of each grant is used up: counted while calls run, so that no limit is ever exceeded.
//!
//! Windows slide over buckets, and a bucket that lies partly in the window counts whole: a limit may seem used up a little
//! longer than it is, never less. Pure: the time is an argument.

use std::collections::{BTreeMap, VecDeque};

use flowork_ports::mesh::Used;
use flowork_protocol::grant::{Limits, Link, UNLIMITED};
use flowork_protocol::receipt::Usage;
use flowork_protocol::{GrantId, Timestamp};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The width of a bucket of the hour, and of the day.
const HOUR_BUCKET_MS: i64 = MINUTE_MS;
const DAY_BUCKET_MS: i64 = 15 * MINUTE_MS;

/// Which limit is used up, and when it may be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsedUp {
    /// The link of the chain, from 1: with a grant that was passed on it need not be the caller's own.
    pub(crate) link: usize,
    pub(crate) what: What,
    pub(crate) limit: u64,
    pub(crate) retry_after_ms: u64,
}

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Concurrent,
    CallsPerHour,
    TokensPerDay,
    BytesPerDay,
    SecondsPerDay,
}

impl std::fmt::Display for UsedUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (thing, span) = match self.what {
            What::Concurrent => ("call", "at once"),
            What::CallsPerHour => ("call", "per hour"),
            What::TokensPerDay => ("token", "per day"),
            What::BytesPerDay => ("byte", "per day"),
            What::SecondsPerDay => ("second", "of work per day"),
        };
        let many = if self.limit == 1 { "" } else { "s" };
        write!(f, "{} {thing}{many} {span}", self.limit)
    }
}

/// Sums of the last while.
#[derive(Debug, Default, Clone)]
struct Window {
    /// Begin of the bucket, and what it holds. Oldest first.
    buckets: VecDeque<(i64, u64)>,
}

impl Window {
    fn add(&mut self, now: Timestamp, amount: u64, width_ms: i64) {
        let begin = now.0.div_euclid(width_ms) * width_ms;
        match self.buckets.back_mut() {
            // Also when the clock went back: it is counted as late as it can be.
            Some((last, sum)) if *last >= begin => *sum = sum.saturating_add(amount),
            _ => self.buckets.push_back((begin, amount)),
        }
    }

    fn sum(&mut self, now: Timestamp, window_ms: i64, width_ms: i64) -> u64 {
        while self.buckets.front().is_some_and(|(begin, _)| begin + width_ms + window_ms <= now.0) {
            self.buckets.pop_front();
        }
        self.buckets.iter().fold(0, |sum: u64, (_, amount)| sum.saturating_add(*amount))
    }

    /// When the oldest of what it holds falls out.
    fn eases_in_ms(&self, now: Timestamp, window_ms: i64, width_ms: i64) -> u64 {
        let at = self.buckets.front().map_or(now.0, |(begin, _)| begin + width_ms + window_ms);
        u64::try_from(at - now.0).unwrap_or(0).max(1)
    }
}

/// The use of one grant.
#[derive(Debug, Default, Clone)]
struct Account {
    running: u64,
    /// Tokens that running calls may use yet.
    tokens_reserved: u64,
    calls: Window,
    tokens: Window,
    bytes: Window,
    work_ms: Window,
}

impl Account {
    fn used(&mut self, now: Timestamp) -> Used {
        Used {
            running: self.running,
            calls_this_hour: self.calls.sum(now, HOUR_MS, HOUR_BUCKET_MS),
            tokens_today: self.tokens.sum(now, DAY_MS, DAY_BUCKET_MS),
            bytes_today: self.bytes.sum(now, DAY_MS, DAY_BUCKET_MS),
            seconds_today: self.work_ms.sum(now, DAY_MS, DAY_BUCKET_MS).div_ceil(1_000),
        }
    }

    /// The first limit that leaves no room for one more call of `bytes`.
    fn used_up(&mut self, limits: &Limits, bytes: u64, now: Timestamp) -> Option<(What, u64, u64)> {
        let used = self.used(now);
        let day = |window: &Window| window.eases_in_ms(now, DAY_MS, DAY_BUCKET_MS);
        // A call that does not fit an empty account will not fit later either, but less of it would.
        [
            (What::Concurrent, used.running >= limits.concurrent, limits.concurrent, 1_000),
            (
                What::CallsPerHour,
                used.calls_this_hour >= limits.calls_per_hour,
                limits.calls_per_hour,
                self.calls.eases_in_ms(now, HOUR_MS, HOUR_BUCKET_MS),
            ),
            (What::TokensPerDay, used.tokens_today >= limits.tokens_per_day, limits.tokens_per_day, day(&self.tokens)),
            (
                What::BytesPerDay,
                used.bytes_today.saturating_add(bytes) > limits.bytes_per_day || limits.bytes_per_day == 0,
                limits.bytes_per_day,
                day(&self.bytes),
            ),
            (
                What::SecondsPerDay,
                used.seconds_today >= limits.seconds_per_day,
                limits.seconds_per_day,
                day(&self.work_ms),
            ),
        ]
        .into_iter()
        .find_map(|(what, is_up, limit, ms)| is_up.then_some((what, limit, ms)))
    }
}

/// Grants with what took their place, and what took the place of that, each once.
pub(crate) fn followed(mut all: Vec<GrantId>, next: impl Fn(&GrantId) -> Option<GrantId>) -> Vec<GrantId> {
    let mut at = 0;
    while let Some(id) = all.get(at) {
        all.extend(next(id).filter(|next| !all.contains(next)));
        at += 1;
    }
    all
}

/// The use of all grants.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    accounts: BTreeMap<GrantId, Account>,
    /// What took the place of a grant: calls that began under the one count for the other too.
    heirs: BTreeMap<GrantId, GrantId>,
}

impl Meter {
    /// Charges one call of a request of `bytes` to every link, or to none.
    pub(crate) fn reserve(&mut self, links: &[Link], bytes: u64, now: Timestamp) -> Result<(), UsedUp> {
        if let Some(up) = self.would_refuse(links, bytes, now) {
            return Err(up);
        }
        self.charge(links, bytes, now);
        Ok(())
    }

    /// What [`Self::reserve`] would say no to.
    pub(crate) fn would_refuse(&mut self, links: &[Link], bytes: u64, now: Timestamp) -> Option<UsedUp> {
        (1..).zip(links).find_map(|(link, Link { id, grant })| {
            let account = self.accounts.entry(*id).or_default();
            let (what, limit, retry_after_ms) = account.used_up(&grant.limits, bytes, now)?;
            Some(UsedUp { link, what, limit, retry_after_ms })
        })
    }

    /// [`Self::reserve`] without asking: for a call that was let in before this process began.
    pub(crate) fn charge(&mut self, links: &[Link], bytes: u64, at: Timestamp) {
        for id in self.with_heirs(links) {
            let account = self.accounts.entry(id).or_default();
            account.running += 1;
            account.calls.add(at, 1, HOUR_BUCKET_MS);
            account.bytes.add(at, bytes, DAY_BUCKET_MS);
        }
    }

    /// Charges further bytes of a call's request to every link, or to none.
    pub(crate) fn add_bytes(&mut self, links: &[Link], bytes: u64, now: Timestamp) -> Result<(), UsedUp> {
        for (link, Link { id, grant }) in (1..).zip(links) {
            let account = self.accounts.entry(*id).or_default();
            let limit = grant.limits.bytes_per_day;
            if account.used(now).bytes_today.saturating_add(bytes) > limit {
                let retry_after_ms = account.bytes.eases_in_ms(now, DAY_MS, DAY_BUCKET_MS);
                return Err(UsedUp { link, what: What::BytesPerDay, limit, retry_after_ms });
            }
        }
        for Link { id, .. } in links {
            self.accounts.entry(*id).or_default().bytes.add(now, bytes, DAY_BUCKET_MS);
        }
        Ok(())
    }

    /// Keeps tokens for a call that was let in, `at_most` or as many as every link has left. Gives how many, or how many are
    /// left when that is fewer than `at_least`. Nothing is kept where nothing is limited.
    pub(crate) fn reserve_tokens(
        &mut self, links: &[Link], at_least: u64, at_most: u64, now: Timestamp,
    ) -> Result<u64, u64> {
        let left = links.iter().map(|Link { id, grant }| {
            let account = self.accounts.entry(*id).or_default();
            let taken = account.used(now).tokens_today.saturating_add(account.tokens_reserved);
            match grant.limits.tokens_per_day {
                UNLIMITED => UNLIMITED,
                limit => limit.saturating_sub(taken),
            }
        });
        let left = left.min().unwrap_or(0);
        if left < at_least {
            return Err(left);
        }
        let kept = at_most.min(left);
        for Link { id, .. } in links {
            let account = self.accounts.entry(*id).or_default();
            account.tokens_reserved = account.tokens_reserved.saturating_add(kept);
        }
        Ok(kept)
    }

    /// Gives back what [`Self::reserve_tokens`] kept; what was used of it is settled.
    pub(crate) fn release_tokens(&mut self, links: &[Link], kept: u64) {
        for id in self.with_heirs(links) {
            let account = self.accounts.entry(id).or_default();
            account.tokens_reserved = account.tokens_reserved.saturating_sub(kept);
        }
    }

    /// How many bytes of output a call may give before a link's limit is reached.
    pub(crate) fn output_bytes_left(&mut self, links: &[Link], now: Timestamp) -> u64 {
        let left = links.iter().map(|Link { id, grant }| {
            let used = self.accounts.entry(*id).or_default().used(now).bytes_today;
            grant.limits.bytes_per_day.saturating_sub(used)
        });
        left.min().unwrap_or(0)
    }

    /// The call that was reserved has ended and used this much; its request was charged already.
    pub(crate) fn settle(&mut self, links: &[Link], usage: Usage, now: Timestamp) {
        for id in self.with_heirs(links) {
            let account = self.accounts.entry(id).or_default();
            account.running = account.running.saturating_sub(1);
            account.tokens.add(now, usage.tokens_in.saturating_add(usage.tokens_out), DAY_BUCKET_MS);
            account.bytes.add(now, usage.bytes_out, DAY_BUCKET_MS);
            account.work_ms.add(now, usage.work_ms, DAY_BUCKET_MS);
        }
    }

    /// What was used before this process began, from a receipt.
    pub(crate) fn remember(&mut self, grant: GrantId, ended_at: Timestamp, usage: Usage) {
        let account = self.accounts.entry(grant).or_default();
        account.calls.add(ended_at, 1, HOUR_BUCKET_MS);
        account.tokens.add(ended_at, usage.tokens_in.saturating_add(usage.tokens_out), DAY_BUCKET_MS);
        account.bytes.add(ended_at, usage.bytes_in.saturating_add(usage.bytes_out), DAY_BUCKET_MS);
        account.work_ms.add(ended_at, usage.work_ms, DAY_BUCKET_MS);
    }

    /// `new` took the place of `old`: what was used and is being used under the one counts for the other.
    pub(crate) fn carry_over(&mut self, old: GrantId, new: GrantId) {
        let account = self.accounts.get(&old).cloned().unwrap_or_default();
        self.accounts.insert(new, account);
        self.inherits(old, new);
    }

    /// Of [`Self::carry_over`] what a process that was started anew has to know before anything is counted.
    pub(crate) fn inherits(&mut self, old: GrantId, new: GrantId) {
        self.heirs.insert(old, new);
    }

    /// The grants of these links, each with what took its place.
    fn with_heirs(&self, links: &[Link]) -> Vec<GrantId> {
        followed(links.iter().map(|link| link.id).collect(), |id| self.heirs.get(id).copied())
    }

    pub(crate) fn used(&mut self, grant: GrantId, now: Timestamp) -> Used {
        self.accounts.get_mut(&grant).map(|account| account.used(now)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use flowork_protocol::NodeId;
    use flowork_protocol::grant::{Capability, Grant};
    use flowork_protocol::id::Key;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn link(id: u8, limits: Limits) -> Link {
        let grant = Grant {
            v: 1,
            iss: Key([1; 32]),
            aud: Key([2; 32]),
            sub: NodeId([1; 32]),
            engine: "gpu".to_owned(),
            caps: vec![Capability::run("x")],
            limits,
            nbf: 0,
            exp: u64::MAX / 2_000,
            depth: 0,
            nonce: [0; 16],
            parent: None,
        };
        Link { id: GrantId([id; 32]), grant }
    }

    fn of(calls_per_hour: u64, concurrent: u64) -> Limits {
        Limits { calls_per_hour, concurrent, ..Limits::unlimited() }
    }

    #[test]
    fn calls_at_once_are_limited_until_one_ends() {
        let (mut meter, links) = (Meter::default(), [link(1, of(100, 2))]);
        meter.reserve(&links, 0, NOW).unwrap();
        meter.reserve(&links, 0, NOW).unwrap();
        assert_eq!(meter.reserve(&links, 0, NOW).unwrap_err().what, What::Concurrent);
        meter.settle(&links, Usage::default(), NOW);
        meter.reserve(&links, 0, NOW).unwrap();
    }

    #[test]
    fn calls_per_hour_come_back_an_hour_later_and_it_is_said_when() {
        let (mut meter, links) = (Meter::default(), [link(1, of(1, 9))]);
        meter.reserve(&links, 0, NOW).unwrap();
        meter.settle(&links, Usage::default(), NOW);
        let up = meter.reserve(&links, 0, NOW).unwrap_err();
        assert_eq!((up.what, up.limit), (What::CallsPerHour, 1));
        assert!(meter.reserve(&links, 0, NOW.plus_ms(up.retry_after_ms - 1)).is_err());
        meter.reserve(&links, 0, NOW.plus_ms(up.retry_after_ms)).unwrap();
    }

    #[test]
    fn a_call_is_charged_to_every_link_or_to_none() {
        let (mut meter, outer, inner) = (Meter::default(), link(1, of(1, 9)), link(2, of(9, 9)));
        meter.reserve(std::slice::from_ref(&outer), 5, NOW).unwrap();
        let both = [outer, inner];
        let up = meter.reserve(&both, 5, NOW).unwrap_err();
        assert_eq!((up.link, up.what), (1, What::CallsPerHour));
        assert_eq!(meter.used(both[1].id, NOW), Used::default());
        // The other way round.
        let (mut meter, outer, inner) = (Meter::default(), link(1, of(9, 9)), link(2, of(0, 9)));
        assert_eq!(meter.reserve(&[outer.clone(), inner], 5, NOW).unwrap_err().link, 2);
        assert_eq!(meter.used(outer.id, NOW), Used::default());
    }

    #[test]
    fn bytes_count_before_they_are_sent_and_the_rest_is_known() {
        let limits = Limits { bytes_per_day: 100, ..Limits::unlimited() };
        let (mut meter, links) = (Meter::default(), [link(1, limits)]);
        meter.reserve(&links, 60, NOW).unwrap();
        assert_eq!(meter.output_bytes_left(&links, NOW), 40);
        meter.settle(&links, Usage { bytes_in: 60, bytes_out: 30, ..Usage::default() }, NOW);
        assert_eq!(meter.reserve(&links, 11, NOW).unwrap_err().what, What::BytesPerDay);
        meter.reserve(&links, 10, NOW).unwrap();
    }

    #[test]
    fn calls_at_once_never_have_more_tokens_between_them_than_are_left() {
        let limits = Limits { tokens_per_day: 100, ..Limits::unlimited() };
        let (mut meter, links) = (Meter::default(), [link(1, limits), link(2, Limits::unlimited())]);
        assert_eq!(meter.reserve_tokens(&links, 10, 70, NOW), Ok(70));
        assert_eq!(meter.reserve_tokens(&links, 10, 70, NOW), Ok(30));
        assert_eq!(meter.reserve_tokens(&links, 1, 70, NOW), Err(0));
        meter.settle(&links, Usage { tokens_in: 5, tokens_out: 15, ..Usage::default() }, NOW);
        meter.release_tokens(&links, 70);
        assert_eq!(meter.reserve_tokens(&links, 60, 60, NOW), Err(50));
        assert_eq!(meter.reserve_tokens(&links[1..], 60, u64::MAX, NOW), Ok(u64::MAX));
    }

    #[test]
    fn what_a_grant_does_not_mention_may_not_be_used() {
        let (mut meter, links) = (Meter::default(), [link(1, Limits::default())]);
        assert!(meter.reserve(&links, 0, NOW).is_err());
    }

    #[test]
    fn a_receipt_from_before_a_restart_counts() {
        let (mut meter, links) = (Meter::default(), [link(1, of(1, 9))]);
        meter.remember(links[0].id, NOW, Usage::default());
        assert!(meter.reserve(&links, 0, NOW).is_err());
    }

    proptest! {
        /// Whatever is asked when, within no hour more calls begin than allowed.
        #[test]
        fn no_window_ever_holds_more_than_its_limit(
            steps in proptest::collection::vec((0_u64..1_200_000, any::<bool>()), 1..120), limit in 1_u64..6
        ) {
            let (mut meter, links) = (Meter::default(), [link(1, of(limit, 3))]);
            let (mut now, mut begun, mut running) = (NOW, Vec::new(), 0_u64);
            for (wait_ms, begins) in steps {
                now = now.plus_ms(wait_ms);
                if begins {
                    if meter.reserve(&links, 0, now).is_ok() {
                        begun.push(now);
                        running += 1;
                    }
                } else if running > 0 {
                    meter.settle(&links, Usage::default(), now);
                    running -= 1;
                }
                prop_assert!(running <= 3);
                let within = begun.iter().filter(|at| now.since_ms(**at) < 3_600_000).count() as u64;
                prop_assert!(within <= limit);
            }
        }
    }
}
