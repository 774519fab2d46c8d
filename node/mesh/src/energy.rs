//! An estimate of the energy that calls of others took: watts for as long as this machine worked for them, second by second.
//!
//! The watts are what an engine's owner says that the machine draws more while it works. Where that is not said and the
//! machine has a power meter that can be read, they are what it draws above what it drew after the last loan. Calls that run
//! at the same time share them. Without either there is no estimate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flowork_ports::MeshTable;
use flowork_ports::mesh_table::Total;
use flowork_ports::store;
use flowork_protocol::{GrantId, NodeId, Timestamp};

use crate::lock;
use crate::records::Records;

/// How often it is written down. A node that ends forgets at most so much.
const KEPT_EVERY: Duration = Duration::from_secs(60);
/// Looks further apart than this tell nothing of the time between them.
const APART_MAX: Duration = Duration::from_secs(5);
/// How long after a loan the machine comes to rest.
const SETTLES: Duration = Duration::from_secs(5);
/// Until when after a loan it is looked at what the machine draws without one.
const AFTER_LOAN: Duration = Duration::from_secs(30);
/// How much a further look without a loan counts beside those before.
const NEWEST: f64 = 0.1;
const WATT_SECONDS_PER_WATT_HOUR: f64 = 3_600.0;

/// Whose energy it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Whose {
    pub(crate) peer: NodeId,
    pub(crate) grant: GrantId,
}

/// A call of others that this machine works for now.
#[derive(Debug)]
pub(crate) struct Loan {
    pub(crate) whose: Whose,
    /// What the machine draws more while its engine works, as the owner says.
    pub(crate) watts_said: Option<u32>,
    pub(crate) engine: String,
}

/// What was estimated so far.
pub(crate) struct Energy {
    /// Watt seconds by month, peer and grant.
    kept: Records<f64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is not written down yet.
    unsaved: BTreeMap<String, f64>,
    looked_at: Option<Instant>,
    saved_at: Option<Instant>,
    meter: PowerMeter,
}

/// What the machine draws more than without loans.
#[derive(Debug, Default)]
struct PowerMeter {
    without: Option<f64>,
    /// Whether it was found that there is none to be read.
    is_missing: bool,
}

impl PowerMeter {
    /// Takes a look at the meter; gives how much more is drawn for loans, when that can be told.
    fn more(&mut self, watts: u32, is_lent: bool, since_loan: Duration) -> Option<f64> {
        let watts = f64::from(watts);
        if is_lent {
            return self.without.map(|without| (watts - without).max(0.0));
        }
        if since_loan >= SETTLES {
            self.without = Some(self.without.map_or(watts, |before| before + (watts - before) * NEWEST));
        }
        None
    }
}

impl Energy {
    pub(crate) async fn load(table: &Arc<dyn MeshTable>) -> Result<Self, store::Error> {
        Ok(Self { kept: Records::load("energy", table.clone()).await?, state: Mutex::default() })
    }

    /// Whether the power meter has to be looked at for it, when a call of others ran last at `lent_at`.
    pub(crate) fn needs_power(&self, lent_at: Option<Instant>, now: Instant) -> bool {
        let is_soon = lent_at.is_some_and(|at| now.saturating_duration_since(at) < AFTER_LOAN);
        is_soon && !lock(&self.state).meter.is_missing
    }

    /// Counts the time since the last look for `loans`, which run now. `watts` is what a power meter says, if it was looked at.
    pub(crate) async fn count(
        &self, loans: Vec<Loan>, watts: Option<Result<u32, ()>>, lent_at: Option<Instant>, at: (Timestamp, Instant),
    ) -> Result<(), store::Error> {
        let (time, now) = at;
        let due = {
            let mut state = lock(&self.state);
            let apart = state.looked_at.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
            let since_loan = lent_at.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
            let more = match watts {
                Some(Ok(watts)) => state.meter.more(watts, !loans.is_empty(), since_loan),
                Some(Err(())) => {
                    state.meter.is_missing = true;
                    None
                }
                None => None,
            };
            let month = month_of(time);
            for (whose, watts) in shares(&loans, more) {
                let seconds = apart.min(APART_MAX).as_secs_f64();
                *state.unsaved.entry(key(&month, &whose.peer, &whose.grant)).or_default() += watts * seconds;
            }
            let is_due = state.saved_at.is_none_or(|at| now.saturating_duration_since(at) >= KEPT_EVERY);
            if !is_due || state.unsaved.is_empty() {
                return Ok(());
            }
            state.saved_at = Some(now);
            state.unsaved.clone()
        };
        let sums: Vec<(String, f64)> =
            due.iter().map(|(key, more)| (key.clone(), self.kept.get(key).unwrap_or(0.0) + more)).collect();
        let changes = sums.iter().map(|(key, sum)| self.kept.putting(key, sum)).collect::<Result<_, _>>()?;
        self.kept.write(changes).await?;
        // One after the other: nobody else counts meanwhile.
        sums.into_iter().for_each(|(key, sum)| self.kept.hold(key, sum));
        lock(&self.state).unsaved.clear();
        Ok(())
    }

    /// Says with each sum of what was given what is known of its energy.
    pub(crate) fn tell(&self, mut totals: Vec<Total>) -> Vec<Total> {
        let state = lock(&self.state);
        for total in totals.iter_mut().filter(|total| total.is_given) {
            let key = key(&total.month, &total.peer, &total.grant);
            let parts = [self.kept.get(&key), state.unsaved.get(&key).copied()];
            let known: Vec<f64> = parts.into_iter().flatten().collect();
            total.watt_hours = (!known.is_empty()).then(|| known.iter().sum::<f64>() / WATT_SECONDS_PER_WATT_HOUR);
        }
        totals
    }
}

/// Which watts are whose. Engines whose owner said none share what the meter says beyond the said ones.
fn shares(loans: &[Loan], measured: Option<f64>) -> Vec<(&Whose, f64)> {
    let mut said: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for loan in loans {
        if let Some(watts) = loan.watts_said {
            said.entry(loan.engine.as_str()).or_insert((f64::from(watts), 0)).1 += 1;
        }
    }
    let unsaid = loans.iter().filter(|loan| loan.watts_said.is_none()).count();
    let rest = measured.map(|all| (all - said.values().map(|(watts, _)| watts).sum::<f64>()).max(0.0));
    let share = |loan: &Loan| match said.get(loan.engine.as_str()) {
        Some((watts, calls)) => Some(*watts / *calls as f64),
        None => Some(rest? / unsaid as f64),
    };
    loans.iter().filter_map(|loan| Some((&loan.whose, share(loan)?))).collect()
}

/// The month as sums of receipts have it.
fn month_of(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.0).unwrap_or_default();
    time.strftime("%Y-%m").to_string()
}

fn key(month: &str, peer: &NodeId, grant: &GrantId) -> String {
    format!("{month} {peer} {grant}")
}

#[cfg(test)]
mod tests {
    use flowork_protocol::receipt::Usage;

    use super::*;
    use crate::testing::MemoryTable;

    const JANUARY: Timestamp = Timestamp(1_799_971_200_000);
    const ANA: NodeId = NodeId([1; 32]);
    const BEN: NodeId = NodeId([2; 32]);

    fn loan(peer: NodeId, engine: &str, watts_said: Option<u32>) -> Loan {
        Loan { whose: Whose { peer, grant: GrantId([7; 32]) }, watts_said, engine: engine.to_owned() }
    }

    fn total(peer: NodeId, is_given: bool) -> Total {
        let (month, grant) = ("2027-01".to_owned(), GrantId([7; 32]));
        Total { month, is_given, peer, grant, calls: 1, failed: 0, usage: Usage::default(), watt_hours: None }
    }

    struct Node {
        energy: Energy,
        now: Instant,
        lent_at: Option<Instant>,
    }

    impl Node {
        async fn new(table: &Arc<dyn MeshTable>) -> Self {
            Self { energy: Energy::load(table).await.unwrap(), now: Instant::now(), lent_at: None }
        }

        /// So many seconds in which these run.
        async fn go_on(&mut self, seconds: u32, watts: Option<Result<u32, ()>>, loans: impl Fn() -> Vec<Loan>) {
            for _ in 0..seconds {
                self.now += Duration::from_secs(1);
                if !loans().is_empty() {
                    self.lent_at = Some(self.now);
                }
                self.energy.count(loans(), watts, self.lent_at, (JANUARY, self.now)).await.unwrap();
            }
        }

        fn of(&self, peer: NodeId) -> Option<f64> {
            self.energy.tell(vec![total(peer, true)])[0].watt_hours
        }
    }

    fn table() -> Arc<dyn MeshTable> {
        Arc::new(MemoryTable::default())
    }

    fn is_about(told: Option<f64>, expected: f64) {
        assert!(told.is_some_and(|told| (told - expected).abs() < 0.01), "{told:?} is not {expected}");
    }

    #[tokio::test]
    async fn calls_at_the_same_time_share_what_their_engine_draws() {
        let mut node = Node::new(&table()).await;
        node.go_on(1, None, Vec::new).await;
        node.go_on(3_600, None, || vec![loan(ANA, "gpu", Some(180)), loan(BEN, "gpu", Some(180))]).await;
        node.go_on(3_600, None, || vec![loan(ANA, "gpu", Some(180))]).await;
        is_about(node.of(ANA), 270.0);
        is_about(node.of(BEN), 90.0);
    }

    #[tokio::test]
    async fn without_a_number_and_a_meter_there_is_no_estimate() {
        let mut node = Node::new(&table()).await;
        node.go_on(100, None, || vec![loan(ANA, "gpu", None)]).await;
        assert!(node.energy.needs_power(node.lent_at, node.now));
        node.go_on(100, Some(Err(())), || vec![loan(ANA, "gpu", None)]).await;
        assert_eq!(node.of(ANA), None);
        assert!(!node.energy.needs_power(node.lent_at, node.now));
    }

    #[tokio::test]
    async fn a_meter_tells_what_is_drawn_beyond_what_is_drawn_without_loans() {
        let mut node = Node::new(&table()).await;
        node.go_on(10, Some(Ok(90)), || vec![loan(ANA, "box", None)]).await;
        assert_eq!(node.of(ANA), None, "what it draws without is not known yet");
        // Right after a loan it is not at rest.
        node.go_on(4, Some(Ok(80)), Vec::new).await;
        node.go_on(26, Some(Ok(40)), Vec::new).await;
        node.go_on(3_600, Some(Ok(100)), || vec![loan(ANA, "box", None), loan(BEN, "gpu", Some(45))]).await;
        is_about(node.of(ANA), 15.0);
        is_about(node.of(BEN), 45.0);
        // It is never less than nothing.
        node.go_on(100, Some(Ok(10)), || vec![loan(ANA, "box", None)]).await;
        is_about(node.of(ANA), 15.0);
    }

    #[tokio::test]
    async fn it_is_on_disk_within_a_minute_and_time_without_looks_is_not_made_up() {
        let table = table();
        let mut node = Node::new(&table).await;
        node.go_on(61, None, || vec![loan(ANA, "gpu", Some(3_600))]).await;
        let kept = Node::new(&table).await.of(ANA);
        assert!(kept.is_some_and(|kept| (59.0..=61.0).contains(&kept)), "{kept:?}");
        let before = node.of(ANA).unwrap();
        node.now += Duration::from_secs(86_400);
        node.go_on(1, None, || vec![loan(ANA, "gpu", Some(3_600))]).await;
        is_about(node.of(ANA), before + 5.0);
        assert_eq!(node.energy.tell(vec![total(ANA, false)])[0].watt_hours, None);
    }
}
