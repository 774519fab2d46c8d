//! The machine under random graphs, failures and crashes.
//!
//! Checked: no committed result is lost or computed again, joins fire once, an external try acts once, every job ends, and
//! folding a job's events gives the state that the machine had which decided them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flowork_protocol::check::{Catalogue, ConfigProblem, Severity};
use flowork_protocol::command::{Signal, Submission};
use flowork_protocol::event::{Emitted, Event, Pairing, Run, StepResult, Wait, What, decode, encode};
use flowork_protocol::item::{Item, List};
use flowork_protocol::manifest::{Effect, Manifest, Port, Ports};
use flowork_protocol::plan::Plan;
use flowork_protocol::preset::{OnCrash, OnError, Preset, Retry, Step, Wire};
use flowork_protocol::{Failure, JobId, PresetId, Timestamp, VersionId};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{Input, Key, Machine, Policy, Rules, Todo, Verdict};

struct Kinds;

impl Catalogue for Kinds {
    fn names(&self) -> Vec<String> {
        ["pure", "ext", "fork", "loop", "ask"].map(str::to_owned).to_vec()
    }
    fn manifest(&self, _: &str) -> Option<Manifest> {
        None
    }
    fn ports(&self, name: &str, _: &Map<String, Value>) -> Option<Ports> {
        let ports = |names: &[&str]| names.iter().map(|name| Port::new(*name, "")).collect();
        Some(match name {
            "fork" => Ports { inputs: ports(&["in"]), outputs: ports(&["out", "other"]) },
            "loop" => Ports { inputs: ports(&["in", "back"]), outputs: ports(&["loop", "done"]) },
            _ => Ports { inputs: ports(&["in"]), outputs: ports(&["out"]) },
        })
    }
    fn effect(&self, name: &str, _: &Map<String, Value>) -> Option<Effect> {
        Some(if name == "ext" { Effect::External } else { Effect::Pure })
    }
    fn check_config(&self, _: &str, _: &Map<String, Value>) -> Vec<ConfigProblem> {
        Vec::new()
    }
    fn digest(&self, _: &str) -> Option<String> {
        None
    }
}

/// A random block: steps in a row with extra wires, some of them loops around an inner block.
#[derive(Debug, Clone)]
enum Block {
    Step { kind: usize, on_error: usize, extra: usize },
    Loop(Vec<Block>),
}

fn blocks(depth: u32) -> impl Strategy<Value = Vec<Block>> {
    let step =
        (0..4_usize, 0..3_usize, 0..8_usize).prop_map(|(kind, on_error, extra)| Block::Step { kind, on_error, extra });
    let leaf = proptest::collection::vec(step.clone(), 1..5);
    leaf.prop_recursive(depth, 20, 4, move |inner| {
        let one = prop_oneof![4 => step.clone(), 1 => inner.prop_map(Block::Loop)];
        proptest::collection::vec(one, 1..5)
    })
}

fn draw(blocks: &[Block]) -> Preset {
    let mut preset = Preset::named("random");
    let mut count = 0;
    lay(&mut preset, blocks, None, &mut count);
    preset
}

/// Lays `blocks` behind `from`; gives the last end.
fn lay(
    preset: &mut Preset, blocks: &[Block], from: Option<(String, String)>, count: &mut usize,
) -> Option<(String, String)> {
    let mut here: Vec<(String, String)> = from.into_iter().collect();
    for block in blocks {
        let id = format!("s{count:03}");
        *count += 1;
        match block {
            Block::Step { kind, on_error, extra } => {
                let component = ["pure", "ext", "fork", "ask"][*kind];
                let mut step = Step::of(component, Map::new());
                step.on_error = [OnError::Fail, OnError::Continue, OnError::Port][*on_error];
                step.retry = (*extra % 2 == 0).then(|| Retry { tries: 3, ..Retry::default() });
                step.on_crash = [OnCrash::Retry, OnCrash::Ask, OnCrash::Fail][*extra % 3];
                preset.steps.insert(id.as_str().into(), step);
                if let Some(last) = here.last().cloned() {
                    wire(preset, &last, &id, "in");
                    if here.len() > 1 {
                        let other = here[*extra % here.len()].clone();
                        wire(preset, &other, &id, "in");
                    }
                }
                here.push((id.clone(), "out".to_owned()));
                if component == "fork" {
                    here.push((id, "other".to_owned()));
                }
            }
            Block::Loop(inner) => {
                preset.steps.insert(id.as_str().into(), Step::of("loop", Map::new()));
                if let Some(last) = here.last().cloned() {
                    wire(preset, &last, &id, "in");
                }
                if let Some(last) = lay(preset, inner, Some((id.clone(), "loop".to_owned())), count) {
                    wire(preset, &last, &id, "back");
                }
                here.push((id, "done".to_owned()));
            }
        }
    }
    here.last().cloned()
}

fn wire(preset: &mut Preset, from: &(String, String), to: &str, port: &str) {
    let end = |step: &str, port: &str| flowork_protocol::preset::End { step: step.into(), port: port.to_owned() };
    let wire = Wire { from: end(&from.0, &from.1), to: end(to, port) };
    preset.wires.insert(wire.natural_id(), wire);
}

fn rules(preset: &Preset) -> Arc<Rules> {
    let (plan, problems) = Plan::build(preset, &Kinds);
    let bad: Vec<_> = problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(bad.is_empty(), "the generator drew a broken preset: {bad:?}");
    let policy = |step: &Step| Policy { retry: step.retry.clone(), on_error: step.on_error, on_crash: step.on_crash };
    let policies = plan.vertices.iter().map(|vertex| policy(&preset.steps[&vertex.id])).collect();
    Arc::new(Rules { plan, policies })
}

fn submission() -> Submission {
    Submission {
        job: JobId([1; 16]),
        keyed: false,
        preset: PresetId::from("p"),
        name: "random".to_owned(),
        version: VersionId([0; 32]),
        trigger: None,
        input: vec![Item::default(); 3],
        variables: BTreeMap::new(),
        priority: 0,
        concurrency: None,
        dry_run: false,
        replay: None,
        parent: None,
        depth: 0,
    }
}

fn some(items: usize) -> List {
    List::Inline((0..items).map(|_| Arc::new(Item::default())).collect())
}

/// A world around the machine: a disk that keeps a prefix of the events, and dice.
struct World {
    rules: Arc<Rules>,
    machine: Machine,
    events: Vec<What>,
    on_disk: usize,
    now: i64,
    dice: Vec<u8>,
    thrown: usize,
    running: Vec<(Key, u32)>,
    acted: BTreeSet<(Run, u32)>,
}

impl World {
    fn new(rules: Arc<Rules>, dice: Vec<u8>) -> Self {
        let first = What::Accepted(Box::new(submission()));
        let mut machine = Machine::new(rules.clone());
        machine.apply(&first);
        Self {
            rules,
            machine,
            events: vec![first],
            on_disk: 1,
            now: 0,
            dice,
            thrown: 0,
            running: Vec::new(),
            acted: BTreeSet::new(),
        }
    }

    /// A number below `sides`; when the dice run out, always 0, so that every world comes to rest.
    fn throw(&mut self, sides: u8) -> u8 {
        let die = self.dice.get(self.thrown).copied().unwrap_or(0);
        self.thrown += 1;
        die % sides
    }

    fn tell(&mut self, input: Input) {
        let events = self.machine.on(Timestamp(self.now), 0.5, input);
        self.events.extend(events);
    }

    fn crash(&mut self) {
        self.events.truncate(self.on_disk);
        self.running.clear();
        let read = self.reread();
        let mut machine = Machine::new(self.rules.clone());
        read.iter().for_each(|what| machine.apply(what));
        self.machine = machine;
        if self.machine.has_begun() && !self.machine.has_ended() {
            self.tell(Input::Recovered);
        }
    }

    /// The events as they come back from their stored form.
    fn reread(&self) -> Vec<What> {
        let event = |(at, what): (usize, &What)| Event { seq: at as u64 + 1, at: Timestamp(0), what: what.clone() };
        let events: Vec<Event> = self.events.iter().enumerate().map(event).collect();
        let bytes = encode(&events).unwrap_or_default();
        decode(&bytes).unwrap_or_default().into_iter().map(|event| event.what).collect()
    }

    fn succeed(&mut self, key: &Key, attempt: u32) {
        let vertex = &self.rules.clone().plan.vertices[key.vertex];
        let mut ports = BTreeMap::new();
        for port in &vertex.outputs {
            let items = usize::from(self.throw(3));
            if port.name != "error" && port.name != "loop" {
                let list = some(items);
                ports.insert(port.name.clone(), Emitted { items: list, pairs: Pairing::None });
            }
        }
        let result = StepResult {
            run: self.machine.run(key),
            attempt,
            ports,
            items_in: 1,
            note: String::new(),
            took_us: 0,
            now: Timestamp(self.now),
            seed: 0,
            secrets: Vec::new(),
            dry: false,
            from: None,
            response: None,
        };
        self.tell(Input::Succeeded(Box::new(result)));
    }

    fn do_todo(&mut self, todo: Todo) {
        match todo {
            Todo::Start(start) => {
                let vertex = &self.rules.clone().plan.vertices[start.key.vertex];
                if start.items_in == 0 {
                    return self.tell(Input::Skipped(start.key, "nothing came in".to_owned()));
                }
                if vertex.component == "loop" {
                    let rounds = u32::from(self.throw(4));
                    return self.tell(Input::Suspended(start.key, start.attempt, Wait::Rounds { rounds }));
                }
                if vertex.component == "ask" && start.resume.is_none() {
                    let until = Wait::Until(Timestamp(self.now + 50));
                    let ask = Wait::Approval {
                        title: String::new(),
                        message: String::new(),
                        expires_at: None,
                        on_expiry: false,
                    };
                    let wait = if self.throw(2) == 0 { until } else { ask };
                    return self.tell(Input::Suspended(start.key, start.attempt, wait));
                }
                if vertex.effect == Effect::External {
                    self.tell(Input::Started(start.key.clone(), start.attempt));
                    self.on_disk = self.events.len();
                    let run = self.machine.run(&start.key);
                    assert!(
                        self.acted.insert((run.clone(), start.attempt)),
                        "{run} acted twice in try {}",
                        start.attempt
                    );
                }
                self.running.push((start.key, start.attempt));
            }
            Todo::Round(key, round) => {
                let items = usize::from(self.throw(3));
                self.tell(Input::Round(key, round, some(items)));
            }
            Todo::LoopDone(key, _) => {
                let attempt = self.machine.attempt(&key);
                self.succeed(&key, attempt);
            }
            Todo::End(verdict) => {
                self.tell(Input::Ended(verdict, BTreeMap::new()));
                self.on_disk = self.events.len();
            }
        }
    }

    /// Lets one of the running tries end, or time go by, or a person answer.
    fn happen(&mut self) {
        if self.running.is_empty() {
            self.now += 100_000;
            self.tell(Input::Tick);
            let runs: Vec<Run> = self.machine.slots.keys().map(|key| self.machine.run(key)).collect();
            for run in runs {
                let approved = self.throw(2) == 0;
                let decide =
                    Signal::Decide { run: run.to_string(), approved, by: "owner".to_owned(), note: String::new() };
                self.tell(Input::Signal(decide));
            }
            return;
        }
        let at = usize::from(self.throw(8)) % self.running.len();
        let (key, attempt) = self.running.swap_remove(at);
        if self.throw(4) == 3 {
            let error = Failure { retryable: self.throw(2) == 0, ..Failure::new("dice", "bad luck") };
            self.tell(Input::Failed { key, attempt, error, took_us: 0 });
        } else {
            self.succeed(&key, attempt);
        }
    }

    fn play(&mut self) {
        self.tell(Input::Begin(BTreeMap::new()));
        for _ in 0..20_000 {
            if self.machine.has_ended() {
                return;
            }
            match self.throw(32) {
                29 => self.on_disk = self.events.len(),
                30 => self.crash(),
                31 => self.pause_or_resume(),
                _ => {}
            }
            if !self.machine.has_begun() {
                self.tell(Input::Begin(BTreeMap::new()));
            }
            match self.machine.todo() {
                Some(todo) => self.do_todo(todo),
                None => {
                    if self.machine.is_paused() {
                        self.tell(Input::Signal(Signal::Resume));
                    }
                    self.happen();
                }
            }
        }
        panic!("the job did not end: {:?}", self.machine);
    }

    fn pause_or_resume(&mut self) {
        let signal = if self.machine.is_paused() { Signal::Resume } else { Signal::Pause };
        self.tell(Input::Signal(signal));
    }
}

/// A join waits for every wire: all that feeds a run was settled before it.
fn check_sources_settled(world: &World, run: &Run, settled: &BTreeSet<Run>) {
    let plan = &world.rules.plan;
    let Some(key) = world.machine.key(run) else { panic!("{run} is not in the plan") };
    let vertex = &plan.vertices[key.vertex];
    let is_way_back = |port: &str| vertex.is_loop() && port == "back";
    for (source, _) in vertex.inputs.iter().filter(|port| !is_way_back(&port.name)).flat_map(|port| &port.from) {
        if vertex.scope.last() != Some(source) {
            let source = world.machine.run(&key.sees(*source, plan));
            assert!(settled.contains(&source), "{run} ran before {source}, which feeds it");
        }
    }
}

/// What must hold of any finished history.
fn check_history(world: &World) {
    let mut settled: BTreeSet<Run> = BTreeSet::new();
    for what in &world.events {
        let done = match what {
            What::StepSucceeded(result) => Some(&result.run),
            What::StepSkipped { run, .. } => Some(run),
            What::StepFailed { run, then, .. } => (!matches!(
                then,
                flowork_protocol::event::AfterFailure::Retry { .. } | flowork_protocol::event::AfterFailure::Ask
            ))
            .then_some(run),
            What::StepStarted { run, .. } => {
                assert!(!settled.contains(run), "{run} started again after its result was recorded");
                None
            }
            _ => None,
        };
        if let Some(run) = done {
            check_sources_settled(world, run, &settled);
            assert!(settled.insert(run.clone()), "{run} was settled twice");
        }
    }
    assert!(matches!(world.events.last(), Some(What::Ended { .. })), "the last event is the end");
    let mut folded = Machine::new(world.rules.clone());
    world.reread().iter().for_each(|what| folded.apply(what));
    assert!(folded.has_ended());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_results_are_kept_joins_fire_once_and_the_job_ends(
        blocks in blocks(3),
        dice in proptest::collection::vec(any::<u8>(), 0..800),
    ) {
        let mut world = World::new(rules(&draw(&blocks)), dice);
        world.play();
        check_history(&world);
    }
}

fn folded(rules: &Arc<Rules>, events: &[What]) -> Machine {
    let mut machine = Machine::new(rules.clone());
    events.iter().for_each(|what| machine.apply(what));
    machine
}

/// Everything that a machine taken up after these events decides before it must wait.
fn goes_on(mut machine: Machine) -> (Vec<What>, Vec<Todo>) {
    let mut events = Vec::new();
    if machine.has_begun() && !machine.has_ended() {
        events = machine.on(Timestamp(1_000_000), 0.25, Input::Recovered);
    }
    let mut todos = Vec::new();
    while let Some(todo) = machine.todo() {
        let is_start = matches!(todo, Todo::Start(_));
        todos.push(todo);
        if !is_start {
            break;
        }
    }
    (events, todos)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_checkpoint_and_the_events_after_it_give_the_machine_that_all_events_give(
        blocks in blocks(3),
        dice in proptest::collection::vec(any::<u8>(), 0..400),
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 8),
    ) {
        let mut world = World::new(rules(&draw(&blocks)), dice);
        world.play();
        let events = world.reread();
        for (one, other) in cuts {
            let (one, other) = (one.index(events.len()) + 1, other.index(events.len()) + 1);
            let (checkpoint, end) = (one.min(other), one.max(other));
            let text = serde_json::to_string(&folded(&world.rules, &events[..checkpoint]).save()).unwrap();
            let mut short = Machine::restore(world.rules.clone(), serde_json::from_str(&text).unwrap()).unwrap();
            events[checkpoint..end].iter().for_each(|what| short.apply(what));
            let whole = folded(&world.rules, &events[..end]);
            prop_assert_eq!(short.save(), whole.save());
            prop_assert_eq!(goes_on(short), goes_on(whole));
        }
    }
}

#[test]
fn a_checkpoint_of_another_plan_is_not_taken() {
    let (machine, _) = started(&chain(&["pure", "pure", "pure"]));
    let (other, _) = started(&chain(&["pure"]));
    let mut machine = machine;
    machine.on(Timestamp(0), 0.5, Input::Skipped(Key::once(0), "a test".to_owned()));
    assert!(Machine::restore(other.rules(), machine.save()).is_none());
}

fn chain(components: &[&str]) -> Preset {
    let mut preset = Preset::named("chain");
    for (place, component) in components.iter().enumerate() {
        preset.steps.insert(format!("s{place}").as_str().into(), Step::of(component, Map::new()));
        if place > 0 {
            wire(&mut preset, &(format!("s{}", place - 1), "out".to_owned()), &format!("s{place}"), "in");
        }
    }
    preset
}

fn started(preset: &Preset) -> (Machine, Todo) {
    let mut machine = Machine::new(rules(preset));
    machine.apply(&What::Accepted(Box::new(submission())));
    machine.on(Timestamp(0), 0.5, Input::Begin(BTreeMap::new()));
    let todo = machine.todo();
    (machine, todo.unwrap_or(Todo::End(Verdict::Succeeded)))
}

#[test]
fn an_external_step_that_was_interrupted_runs_again_as_a_further_try() {
    let (mut machine, todo) = started(&chain(&["ext"]));
    let Todo::Start(start) = todo else { panic!("nothing to start") };
    machine.on(Timestamp(0), 0.5, Input::Started(start.key, 1));
    let events = machine.on(Timestamp(9), 0.5, Input::Recovered);
    assert!(matches!(&events[..], [What::StepFailed { error, .. }] if error.code == "interrupted"), "{events:?}");
    assert!(matches!(machine.todo(), Some(Todo::Start(start)) if start.attempt == 2));
}

#[test]
fn a_cancelled_job_ends_cancelled_and_takes_no_late_result() {
    let (mut machine, todo) = started(&chain(&["pure", "pure"]));
    let Todo::Start(start) = todo else { panic!("nothing to start") };
    machine.on(Timestamp(0), 0.5, Input::Signal(Signal::Cancel { reason: "enough".to_owned() }));
    let error = Failure::new("late", "late");
    let late = machine.on(Timestamp(0), 0.5, Input::Failed { key: start.key, attempt: 1, error, took_us: 0 });
    assert!(late.is_empty());
    assert_eq!(machine.todo(), Some(Todo::End(Verdict::Cancelled("enough".to_owned()))));
}

#[test]
fn a_job_that_is_paused_before_it_began_begins_when_it_is_resumed() {
    let preset = chain(&["pure"]);
    let mut machine = Machine::new(rules(&preset));
    machine.apply(&What::Accepted(Box::new(submission())));
    assert_eq!(machine.on(Timestamp(0), 0.5, Input::Signal(Signal::Pause)), [What::Paused]);
    assert!(machine.is_paused() && !machine.has_begun());
    assert!(machine.on(Timestamp(0), 0.5, Input::Begin(BTreeMap::new())).is_empty(), "it is withheld");
    assert_eq!(machine.todo(), None);
    // What the store records for a job that no kernel has is folded as what the machine records itself.
    machine.apply(&What::Resumed);
    assert!(!machine.is_paused() && !machine.has_begun());
    machine.on(Timestamp(0), 0.5, Input::Begin(BTreeMap::new()));
    assert!(matches!(machine.todo(), Some(Todo::Start(_))));
}

#[test]
fn a_job_that_is_cancelled_while_it_is_withheld_ends_cancelled() {
    let mut machine = Machine::new(rules(&chain(&["pure"])));
    machine.apply(&What::Accepted(Box::new(submission())));
    machine.apply(&What::Paused);
    machine.on(Timestamp(0), 0.5, Input::Signal(Signal::Cancel { reason: "enough".to_owned() }));
    assert_eq!(machine.todo(), Some(Todo::End(Verdict::Cancelled("enough".to_owned()))));
}

#[test]
fn retries_wait_longer_each_time_up_to_their_limit() {
    let retry = Retry { tries: 9, first_ms: 100, factor: 2.0, max_ms: 350, jitter: 0.0 };
    let pauses: Vec<u64> = (1..=4).map(|attempt| super::decide::backoff_ms(&retry, attempt, 0.9)).collect();
    assert_eq!(pauses, [100, 200, 350, 350]);
    let spread = Retry { jitter: 0.5, ..retry };
    assert_eq!(super::decide::backoff_ms(&spread, 1, 0.0), 50);
    assert_eq!(super::decide::backoff_ms(&spread, 1, 1.0), 150);
}

const DAY_MS: i64 = 86_400_000;

/// Ticks under a clock that goes back for ten days' worth of looks, then jumps ahead; gives what the jump brought.
fn jump(machine: &mut Machine, due: Timestamp) -> Vec<What> {
    for day in [1, 2, 10] {
        let back = Timestamp(due.0 - day * DAY_MS);
        assert!(machine.on(back, 0.5, Input::Tick).is_empty(), "a look decides nothing before its time");
        assert_eq!((machine.next_due(), machine.todo()), (Some(due), None));
    }
    let events = machine.on(Timestamp(due.0 + 30 * DAY_MS), 0.5, Input::Tick);
    assert!(machine.next_due().is_none(), "nothing that is over is waited for");
    events
}

#[test]
fn a_clock_that_jumps_ends_a_retrys_pause_once_and_loses_no_try() {
    let mut preset = chain(&["pure"]);
    for step in preset.steps.values_mut() {
        step.retry = Some(Retry { tries: 3, jitter: 0.0, ..Retry::default() });
    }
    let (mut machine, todo) = started(&preset);
    let Todo::Start(start) = todo else { panic!("nothing to start") };
    let now = Timestamp(100 * DAY_MS);
    let error = Failure::new("x", "x").retryable();
    machine.on(now, 0.5, Input::Failed { key: start.key, attempt: 1, error, took_us: 0 });
    jump(&mut machine, now.plus_ms(1_000));
    assert!(matches!(machine.todo(), Some(Todo::Start(start)) if start.attempt == 2));
    assert_eq!(machine.todo(), None, "one try, however far the clock jumped");
}

#[test]
fn a_clock_that_jumps_ends_a_wait_and_lets_an_approval_expire_once() {
    let due = Timestamp(100 * DAY_MS);
    let approval =
        Wait::Approval { title: "t".to_owned(), message: "m".to_owned(), expires_at: Some(due), on_expiry: true };
    for wait in [Wait::Until(due), approval] {
        let (mut machine, todo) = started(&chain(&["pure"]));
        let Todo::Start(start) = todo else { panic!("nothing to start") };
        machine.on(Timestamp(0), 0.5, Input::Started(start.key.clone(), 1));
        machine.on(Timestamp(0), 0.5, Input::Suspended(start.key, 1, wait.clone()));
        let events = jump(&mut machine, due);
        let again = machine.on(Timestamp(due.0 - 20 * DAY_MS), 0.5, Input::Tick);
        assert!(again.is_empty(), "{wait:?} ended twice: {events:?}, {again:?}");
        assert!(machine.todo().is_some(), "{wait:?} never went on: {events:?}");
    }
}
