//! The engines of this node that may be lent, and room for their calls: every grant gets its turn.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use flowork_ports::MeshTable;
use flowork_ports::mesh::{Engine as Listed, Error, Lend, Offer, Policy};
use flowork_ports::mesh_table::Decision;
use flowork_ports::store;
use flowork_protocol::certificate::is_name;
use flowork_protocol::grant::Capability;
use flowork_protocol::peer::Refusal;
use flowork_protocol::{Failure, GrantId, Timestamp};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::lock;
use crate::machine::{Machine, Needs, Seen, Told};
use crate::policy::{self, Held, Looks};
use crate::records::Records;

/// Calls that an engine runs at once unless it is said.
const CONCURRENT_DEFAULT: u32 = 8;
/// The most that it may be told to.
const CONCURRENT_MAX: u32 = 1_024;
/// Calls of one grant that may wait for an engine.
const WAITING_PER_GRANT_MAX: usize = 64;
/// Whose turn the owner's own calls are: always the next.
pub(crate) const OWN: GrantId = GrantId([0; 32]);
/// When a caller should ask again while its owner paused lending.
const PAUSED_MS: u64 = 30_000;
/// When a caller should ask again while the graphics card is looked at without any call.
const LOOKED_AT_MS: u64 = 3_000;
/// The key of the one record about all lending.
const ALL: &str = "all";

/// An engine as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) offers: BTreeMap<Capability, Offer>,
    pub(crate) concurrent: u32,
    #[serde(default)]
    pub(crate) is_paused: bool,
    #[serde(default)]
    pub(crate) policy: Policy,
    pub(crate) made_at: Timestamp,
}

/// What holds for all lending.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Switch {
    is_paused: bool,
}

/// All engines.
pub(crate) struct Lending {
    engines: Records<Engine>,
    switch: Records<Switch>,
    /// What is looked at for their policies, and what that came to.
    machine: Arc<dyn Machine>,
    looks: Mutex<Looks>,
    /// Held while it is looked at, so that an older look does not take the place of a newer one.
    looking: tokio::sync::Mutex<()>,
    gates: Mutex<HashMap<String, Arc<Gate>>>,
}

impl Lending {
    pub(crate) async fn load(table: &Arc<dyn MeshTable>, machine: Arc<dyn Machine>) -> Result<Self, store::Error> {
        Ok(Self {
            engines: Records::load("engine", table.clone()).await?,
            switch: Records::load("lending", table.clone()).await?,
            machine,
            looks: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            gates: Mutex::default(),
        })
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.switch.get(ALL).is_some_and(|switch| switch.is_paused)
    }

    /// Why an engine takes no calls of others now.
    pub(crate) fn refusal(&self, engine: &Engine, now: Timestamp) -> Option<Refusal> {
        if self.is_paused() || engine.is_paused {
            return Some(Refusal::new("lending-paused", "its owner paused lending").retry_after_ms(PAUSED_MS));
        }
        if let Some(held) = self.held(engine, now) {
            return Some(held.refusal);
        }
        lock(&self.looks).has_to_look(&engine.policy, Instant::now()).then(|| {
            let why = "it is being looked at whether its owner needs the machine";
            Refusal::new("lending-paused", why).retry_after_ms(LOOKED_AT_MS)
        })
    }

    /// Why its policy lets an engine take no calls of others now.
    pub(crate) fn held(&self, engine: &Engine, now: Timestamp) -> Option<Held> {
        policy::held(&engine.name, &engine.policy, now, &TimeZone::system(), &lock(&self.looks))
    }

    /// The engines that are held now, by name. Those without a policy cost nothing.
    pub(crate) fn all_held(&self, now: Timestamp) -> BTreeMap<String, Held> {
        let (zone, looks, mut all) = (TimeZone::system(), lock(&self.looks), BTreeMap::new());
        self.engines.each(|engine| {
            if let Some(held) = policy::held(&engine.name, &engine.policy, now, &zone, &looks) {
                all.insert(engine.name.clone(), held);
            }
        });
        all
    }

    /// What the policies of all engines ask for.
    pub(crate) fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        self.engines.each(|engine| needs.add(&engine.policy));
        needs
    }

    /// Looks at what policies ask for, and at the power meter too when `asks_power`; gives what that says then. `is_lent` says
    /// whether a call of others runs now.
    pub(crate) async fn look(&self, asks_power: bool, is_lent: impl FnOnce() -> bool) -> Option<Told<u32>> {
        let _looking = self.looking.lock().await;
        let mut needs = self.needs();
        needs.power |= asks_power;
        if needs.is_nothing() {
            return None;
        }
        let seen = self.machine.look(&needs).await;
        let watts = seen.watts.clone();
        self.see(seen, is_lent());
        watts
    }

    /// When a call of others ran last.
    pub(crate) fn lent_at(&self) -> Option<Instant> {
        lock(&self.looks).lent_at()
    }

    /// That calls of others run now.
    pub(crate) fn lent_now(&self) {
        lock(&self.looks).lent(Instant::now());
    }

    /// Whether there is an engine whose owner does not say what the machine draws more while it works.
    pub(crate) fn is_any_unsaid(&self) -> bool {
        self.engines.find(|engine| engine.policy.power_watts.is_none().then_some(())).is_some()
    }

    /// What the machine draws more while an engine works, as its owner says.
    pub(crate) fn watts_said(&self, engine: &str) -> Option<u32> {
        self.engines.find(|one| (one.name == engine).then_some(one.policy.power_watts)).flatten()
    }

    fn see(&self, seen: Seen, is_lent: bool) {
        let now = Instant::now();
        let left = lock(&self.gates).values().filter_map(|gate| lock(&gate.state).left_at).max();
        let mut looks = lock(&self.looks);
        for at in [left, is_lent.then_some(now)].into_iter().flatten() {
            looks.lent(at);
        }
        looks.see(seen, now, |each| self.engines.each(|engine| each(&engine.name, &engine.policy)));
    }

    pub(crate) fn get(&self, name: &str) -> Result<Engine, Error> {
        self.engines.get(name).ok_or_else(|| {
            let failure = Failure::new("no-engine", format!("no engine `{name}` is lent here"));
            Error::Missing(failure.hint("`flowork engine list` shows those that are"))
        })
    }

    pub(crate) fn all(&self) -> Vec<Engine> {
        self.engines.all()
    }

    pub(crate) fn list(&self, now: Timestamp) -> Vec<Listed> {
        self.engines.all().into_iter().map(|engine| self.listed(engine, now)).collect()
    }

    fn listed(&self, engine: Engine, now: Timestamp) -> Listed {
        let running = self.gate(&engine).running();
        let held = self.held(&engine, now).map(|held| held.why);
        let Engine { name, offers, concurrent, is_paused, policy, made_at } = engine;
        Listed { name, offers, concurrent, is_paused, made_at, running, policy, held }
    }

    /// Room for the calls of an engine.
    pub(crate) fn gate(&self, engine: &Engine) -> Arc<Gate> {
        let mut gates = lock(&self.gates);
        let gate = gates.entry(engine.name.clone()).or_insert_with(|| Arc::new(Gate::new(engine.concurrent))).clone();
        gate.resize(engine.concurrent);
        gate
    }

    pub(crate) async fn lend(&self, ask: Lend, now: Timestamp) -> Result<Listed, Error> {
        let invalid = |code: &str, text: String| Error::Invalid(Failure::new(code, text));
        if !is_name(&ask.engine) {
            return Err(invalid("name-invalid", "an engine's name has 1 to 64 bytes and nothing invisible".to_owned()));
        }
        if ask.engine.contains('@') {
            let text = "an engine's name has no `@`: `gpu@Ben` is the engine gpu of Ben";
            return Err(invalid("name-invalid", text.to_owned()));
        }
        if let Some(unknown) = ask.offers.keys().find(|capability| !capability.is_known()) {
            return Err(invalid("capability-unknown", format!("`{unknown}` is nothing that an engine can do")));
        }
        let before = self.engines.get(&ask.engine);
        let mut engine = before.unwrap_or_else(|| Engine {
            name: ask.engine.clone(),
            offers: BTreeMap::new(),
            concurrent: CONCURRENT_DEFAULT,
            is_paused: false,
            policy: Policy::default(),
            made_at: now,
        });
        if let Some(concurrent) = ask.concurrent {
            if concurrent == 0 || concurrent > CONCURRENT_MAX {
                return Err(invalid(
                    "concurrent-invalid",
                    format!("an engine runs 1 to {CONCURRENT_MAX} calls at once"),
                ));
            }
            engine.concurrent = concurrent;
        }
        engine.offers.extend(ask.offers);
        if engine.offers.is_empty() {
            return Err(invalid(
                "engine-empty",
                "an engine can do something: name a preset with `--run`, a component with `--tool`, or a model with `--chat`"
                    .to_owned(),
            ));
        }
        let can: Vec<String> = engine.offers.keys().map(ToString::to_string).collect();
        let text = format!("the engine {} may be lent for {}", engine.name, can.join(", "));
        let decided = Decision::new(now, "engine-lent", None, text);
        self.engines.put(engine.name.clone(), engine.clone(), Some(decided)).await?;
        Ok(self.listed(engine, now))
    }

    pub(crate) async fn set_policy(&self, name: &str, policy: Policy, now: Timestamp) -> Result<Listed, Error> {
        let policy = policy::checked(policy).map_err(Error::Invalid)?;
        let engine = Engine { policy, ..self.get(name)? };
        let _looking = self.looking.lock().await;
        let mut needs = self.needs();
        needs.add(&engine.policy);
        // Known from the first moment, not only from the next look.
        let seen = self.machine.look(&needs).await;
        policy::can_be_kept(&engine.policy, &seen).map_err(Error::Invalid)?;
        let decided = Decision::new(now, "policy-set", None, format!("the engine {name} is lent {}", engine.policy));
        self.engines.put(name.to_owned(), engine.clone(), Some(decided)).await?;
        lock(&self.looks).forget(name);
        self.see(seen, false);
        Ok(self.listed(engine, now))
    }

    pub(crate) async fn unlend(
        &self, name: &str, capability: Option<&Capability>, now: Timestamp,
    ) -> Result<(), Error> {
        let mut engine = self.get(name)?;
        let what = capability.map(|capability| format!("{capability} of ")).unwrap_or_default();
        let text = format!("{what}the engine {name} is lent no more");
        let decided = Some(Decision::new(now, "engine-unlent", None, text));
        if let Some(capability) = capability {
            if engine.offers.remove(capability).is_none() {
                let failure = Failure::new("no-offer", format!("the engine `{name}` does not offer `{capability}`"));
                return Err(Error::Missing(failure));
            }
            if !engine.offers.is_empty() {
                return Ok(self.engines.put(name.to_owned(), engine, decided).await?);
            }
        }
        Ok(self.engines.forget(&[name.to_owned()], decided).await?)
    }

    pub(crate) async fn pause(&self, name: Option<&str>, is_paused: bool, now: Timestamp) -> Result<(), Error> {
        let verb = if is_paused { "paused" } else { "resumed" };
        let kind = format!("lending-{verb}");
        let Some(name) = name else {
            let decided = Decision::new(now, kind, None, format!("all lending was {verb}"));
            return Ok(self.switch.put(ALL.to_owned(), Switch { is_paused }, Some(decided)).await?);
        };
        let engine = Engine { is_paused, ..self.get(name)? };
        let decided = Decision::new(now, kind, None, format!("lending of the engine {name} was {verb}"));
        Ok(self.engines.put(name.to_owned(), engine, Some(decided)).await?)
    }
}

/// Room for so many calls at once. Who waits gets its turn grant by grant, so that a grant with many calls holds nobody up.
pub(crate) struct Gate {
    state: Mutex<Turns>,
}

#[derive(Default)]
struct Turns {
    size: u32,
    running: u32,
    waiting: HashMap<GrantId, VecDeque<oneshot::Sender<()>>>,
    /// The grants that have calls waiting, whose turn is next first.
    order: VecDeque<GrantId>,
    /// When a call of others last left its place.
    left_at: Option<Instant>,
}

/// A place in an engine. Leaving it lets the next in.
pub(crate) struct Place {
    gate: Arc<Gate>,
    is_own: bool,
}

impl Gate {
    fn new(size: u32) -> Self {
        Self { state: Mutex::new(Turns { size, ..Turns::default() }) }
    }

    fn resize(&self, size: u32) {
        let mut turns = lock(&self.state);
        turns.size = size;
        turns.let_in();
    }

    fn running(&self) -> u32 {
        lock(&self.state).running
    }

    /// Waits for a place; none when as many calls of this grant wait as may. Cancel-safe.
    pub(crate) async fn enter(self: &Arc<Self>, grant: GrantId) -> Option<Place> {
        let turn = {
            let mut turns = lock(&self.state);
            let waiting = turns.waiting.get(&grant).map_or(0, VecDeque::len);
            if waiting >= WAITING_PER_GRANT_MAX {
                return None;
            }
            let (admit, turn) = oneshot::channel();
            match waiting {
                0 if grant == OWN => turns.order.push_front(grant),
                0 => turns.order.push_back(grant),
                _ => {}
            }
            turns.waiting.entry(grant).or_default().push_back(admit);
            turns.let_in();
            Turn { turn: Some(turn), gate: self.clone() }
        };
        turn.comes().await;
        Some(Place { gate: self.clone(), is_own: grant == OWN })
    }
}

impl Turns {
    fn let_in(&mut self) {
        while self.running < self.size {
            let Some(grant) = self.order.pop_front() else { return };
            let Some(waiting) = self.waiting.get_mut(&grant) else { continue };
            let next = waiting.pop_front();
            if waiting.is_empty() {
                self.waiting.remove(&grant);
            } else if grant == OWN {
                self.order.push_front(grant);
            } else {
                self.order.push_back(grant);
            }
            // Who has given up leaves its turn to the next.
            if next.is_some_and(|admit| admit.send(()).is_ok()) {
                self.running += 1;
            }
        }
    }

    fn leave(&mut self) {
        self.running = self.running.saturating_sub(1);
        self.let_in();
    }
}

/// A call that waits for its turn. One that was let in and is dropped before it knows leaves again.
struct Turn {
    turn: Option<oneshot::Receiver<()>>,
    gate: Arc<Gate>,
}

impl Turn {
    async fn comes(mut self) {
        if let Some(turn) = &mut self.turn {
            // The sender is only dropped with the gate, which this holds.
            let _ = turn.await;
        }
        self.turn = None;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(mut turn) = self.turn.take() {
            turn.close();
            if turn.try_recv().is_ok() {
                lock(&self.gate.state).leave();
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut turns = lock(&self.gate.state);
        if !self.is_own {
            turns.left_at = Some(Instant::now());
        }
        turns.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: GrantId = GrantId([1; 32]);
    const BEN: GrantId = GrantId([2; 32]);

    #[tokio::test]
    async fn a_grant_with_many_calls_does_not_hold_another_up() {
        let gate = Arc::new(Gate::new(1));
        let first = gate.enter(ANA).await.unwrap();
        let (done, mut order) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for (who, grant) in [("ana", ANA), ("ana", ANA), ("ana", ANA), ("ben", BEN)] {
            let (waits, done) = (gate.clone(), done.clone());
            tasks.push(tokio::spawn(async move {
                let _place = waits.enter(grant).await.unwrap();
                done.send(who).unwrap();
            }));
            // Each waits before the next one comes.
            let waiting = tasks.len();
            while lock(&gate.state).waiting.values().map(VecDeque::len).sum::<usize>() < waiting {
                tokio::task::yield_now().await;
            }
        }
        drop(first);
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(order.recv().await.unwrap());
        }
        assert_eq!(seen, ["ana", "ben", "ana", "ana"]);
    }

    #[tokio::test]
    async fn the_owners_own_calls_go_first() {
        let gate = Arc::new(Gate::new(1));
        let first = gate.enter(ANA).await.unwrap();
        let mut waiting: Vec<_> = [ANA, BEN, OWN, OWN].map(|grant| Box::pin(gate.enter(grant))).into();
        for waits in &mut waiting {
            assert!(futures::poll!(waits).is_pending());
        }
        drop(first);
        for is_in in [2, 3, 0, 1] {
            let entered = futures::poll!(&mut waiting[is_in]);
            assert!(matches!(entered, std::task::Poll::Ready(Some(_))), "{is_in} is next");
        }
    }

    #[tokio::test]
    async fn who_gives_up_waiting_takes_no_place() {
        let gate = Arc::new(Gate::new(1));
        let first = gate.enter(ANA).await.unwrap();
        let mut gives_up = Box::pin(gate.enter(ANA));
        assert!(futures::poll!(&mut gives_up).is_pending());
        // Its turn comes in the moment in which it goes.
        drop(first);
        drop(gives_up);
        assert!(gate.enter(BEN).await.is_some());
        assert_eq!(gate.running(), 0);
    }

    #[tokio::test]
    async fn a_grant_may_have_so_many_calls_waiting_and_no_more() {
        let gate = Arc::new(Gate::new(1));
        let _first = gate.enter(ANA).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..WAITING_PER_GRANT_MAX {
            let mut waits = Box::pin(gate.enter(ANA));
            assert!(futures::poll!(&mut waits).is_pending());
            waiting.push(waits);
        }
        assert!(gate.enter(ANA).await.is_none());
        assert_eq!(gate.running(), 1);
    }
}
