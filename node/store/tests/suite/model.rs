//! Random operations on a store, and the same on a model in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use flowork_ports::store::{JobWrite, RowChange};
use flowork_protocol::command::{Command, Signal, Submission};
use flowork_protocol::job::State;
use flowork_protocol::{JobId, PresetId};
use proptest::prelude::*;

use super::{Backend, Open, id, ids, log, state, submission, write};

/// One operation. Jobs are small numbers in shard 0.
#[derive(Debug, Clone)]
pub enum Op {
    Submit { job: u64, keyed: bool, priority: i32, limited: bool },
    Signal { job: u64, signal: Signal },
    Drain { max: usize, room: usize },
    ClaimHeld { room: usize },
    Append { job: u64, events: u64, to: Option<State>, signals_done: bool },
    Wake { job: u64 },
    Delete { job: u64 },
    Reopen,
}

const JOBS: u64 = 12;

pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let to = prop_oneof![
        2 => Just(None),
        1 => Just(Some(State::Waiting)),
        1 => Just(Some(State::Paused)),
        2 => Just(Some(State::Succeeded)),
        1 => Just(Some(State::Failed)),
    ];
    let signal = prop_oneof![
        1 => Just(Signal::Cancel { reason: String::new() }),
        2 => Just(Signal::Pause),
        2 => Just(Signal::Resume),
    ];
    let op = prop_oneof![
        6 => (0..JOBS, any::<bool>(), 0..3_i32, prop::bool::weighted(0.3))
            .prop_map(|(job, keyed, priority, limited)| Op::Submit { job, keyed, priority, limited }),
        5 => (0..JOBS, signal).prop_map(|(job, signal)| Op::Signal { job, signal }),
        5 => (1..6_usize, 0..4_usize).prop_map(|(max, room)| Op::Drain { max, room }),
        1 => (0..3_usize).prop_map(|room| Op::ClaimHeld { room }),
        8 => (0..JOBS, 0..4_u64, to, any::<bool>())
            .prop_map(|(job, events, to, signals_done)| Op::Append { job, events, to, signals_done }),
        2 => (0..JOBS).prop_map(|job| Op::Wake { job }),
        2 => (0..JOBS).prop_map(|job| Op::Delete { job }),
        1 => Just(Op::Reopen),
    ];
    prop::collection::vec(op, 1..80)
}

#[derive(Debug, Clone)]
struct Job {
    state: State,
    priority: i32,
    keyed: bool,
    order: u64,
    last_seq: u64,
    /// Where it waited for its turn.
    queue: State,
    has_begun: bool,
    signals: Vec<Signal>,
}

#[derive(Debug, Default)]
struct Model {
    inbox: VecDeque<Command>,
    jobs: BTreeMap<u64, Job>,
    seen: BTreeSet<u64>,
    announce: BTreeSet<u64>,
    order: u64,
}

fn number(job: JobId) -> u64 {
    (0..JOBS).find(|n| id(0, *n) == job).unwrap()
}

impl Model {
    fn drain(&mut self, max: usize, room: usize) -> (Vec<u64>, Vec<u64>, u64) {
        for _ in 0..max {
            match self.inbox.pop_front() {
                Some(Command::Submit(submission)) => self.accept(&submission),
                Some(Command::Signal(job, signal)) => self.signal(number(job), signal),
                Some(Command::DeleteJob(job)) => {
                    self.delete(number(job));
                }
                _ => break,
            }
        }
        let claimed = self.claim(State::Queued, room);
        let signalled = std::mem::take(&mut self.announce).into_iter().collect();
        let held = self.jobs.values().filter(|job| job.state == State::Held).count() as u64;
        (claimed, signalled, held)
    }

    fn claim(&mut self, from: State, room: usize) -> Vec<u64> {
        let mut found: Vec<_> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.state == from)
            .map(|(n, job)| (-job.priority, job.order, *n))
            .collect();
        found.sort_unstable();
        found.truncate(room);
        for (_, _, n) in &found {
            let job = self.jobs.get_mut(n).unwrap();
            job.state = State::Running;
            if !job.signals.is_empty() {
                self.announce.insert(*n);
            }
        }
        found.into_iter().map(|(_, _, n)| n).collect()
    }

    fn accept(&mut self, submission: &Submission) {
        let n = number(submission.job);
        if self.jobs.contains_key(&n) || (submission.keyed && self.seen.contains(&n)) {
            return;
        }
        self.order += 1;
        let state = if submission.concurrency.is_some() { State::Held } else { State::Queued };
        let (priority, keyed, order) = (submission.priority, submission.keyed, self.order);
        let job =
            Job { state, priority, keyed, order, last_seq: 1, queue: state, has_begun: false, signals: Vec::new() };
        self.jobs.insert(n, job);
    }

    fn signal(&mut self, n: u64, signal: Signal) {
        let Some(job) = self.jobs.get_mut(&n).filter(|job| !job.state.has_ended()) else { return };
        match (&signal, job.state) {
            (Signal::Pause, State::Queued | State::Held) => {
                (job.state, job.last_seq) = (State::Paused, job.last_seq + 1)
            }
            (Signal::Resume, State::Queued | State::Held) => {}
            (Signal::Pause, State::Paused) if !job.has_begun => {}
            (Signal::Resume, State::Paused) if !job.has_begun => {
                (job.state, job.last_seq) = (job.queue, job.last_seq + 1);
            }
            _ => {
                job.signals.push(signal);
                self.announce.insert(n);
            }
        }
    }

    fn delete(&mut self, n: u64) -> bool {
        if !self.jobs.get(&n).is_some_and(|job| job.state.has_ended()) {
            return false;
        }
        if self.jobs.remove(&n).is_some_and(|job| job.keyed) {
            self.seen.insert(n);
        }
        self.announce.remove(&n);
        true
    }

    fn wake(&mut self, n: u64) -> bool {
        let Some(job) = self.jobs.get_mut(&n) else { return false };
        let takes = match job.state {
            State::Waiting | State::Paused | State::Parked => true,
            State::Queued | State::Held => job.signals.iter().any(|signal| matches!(signal, Signal::Cancel { .. })),
            _ => false,
        };
        if takes {
            job.state = State::Running;
        }
        takes
    }
}

/// Runs `ops` on both and compares every answer, and everything at the end.
pub async fn a_store_behaves_like_its_model(backend: &impl Backend, ops: Vec<Op>) {
    let mut model = Model::default();
    let mut store = backend.open();
    store.take().await;
    for op in ops {
        if matches!(op, Op::Reopen) {
            drop(store);
            store = backend.open();
            let mut running = store.shards[0].take().await.unwrap();
            running.sort_unstable();
            let expected: Vec<_> =
                model.jobs.iter().filter(|(_, job)| job.state == State::Running).map(|(n, _)| id(0, *n)).collect();
            assert_eq!(running, expected);
            model.announce = model.jobs.iter().filter(|(_, job)| !job.signals.is_empty()).map(|(n, _)| *n).collect();
        } else {
            apply(&store, &mut model, op).await;
        }
    }
    for n in 0..JOBS {
        let job = model.jobs.get(&n);
        let undrained =
            model.inbox.iter().any(|one| matches!(one, Command::Submit(submission) if submission.job == id(0, n)));
        let stored = store.reader.job(id(0, n)).await.unwrap();
        match (job, stored) {
            (Some(job), Some(stored)) => {
                assert_eq!((stored.state, stored.last_seq, stored.priority), (job.state, job.last_seq, job.priority));
                let seqs: Vec<_> =
                    store.reader.events(id(0, n), 0, 10_000).await.unwrap().iter().map(|event| event.seq).collect();
                assert_eq!(seqs, (1..=job.last_seq).collect::<Vec<_>>());
            }
            (None, stored) => assert!(undrained || stored.is_none(), "{stored:?}"),
            (Some(job), None) => panic!("job {n} is lost: {job:?}"),
        }
    }
    let counts = store.reader.stats().await.unwrap().jobs;
    for state in State::ALL.into_iter().filter(|state| *state != State::Queued) {
        let expected = model.jobs.values().filter(|job| job.state == state).count() as u64;
        assert_eq!(counts.get(state.word()).copied().unwrap_or(0), expected, "{}", state.word());
    }
}

async fn apply(store: &Open, model: &mut Model, op: Op) {
    let shard = &store.shards[0];
    match op {
        Op::Submit { job, keyed, priority, limited } => {
            let one = Submission { keyed, priority, concurrency: limited.then_some(1), ..submission(id(0, job)) };
            model.inbox.push_back(Command::Submit(Box::new(one.clone())));
            store.submit(one).await;
        }
        Op::Signal { job, signal } => {
            model.inbox.push_back(Command::Signal(id(0, job), signal.clone()));
            store.signal(id(0, job), signal).await;
        }
        Op::Drain { max, room } => {
            let drained = shard.drain(max, room).await.unwrap();
            let (claimed, mut signalled, held) = model.drain(max, room);
            assert_eq!(ids(&drained.claimed), claimed.into_iter().map(|n| id(0, n)).collect::<Vec<_>>());
            signalled.sort_unstable();
            assert_eq!(drained.signalled, signalled.into_iter().map(|n| id(0, n)).collect::<Vec<_>>());
            assert_eq!(drained.held.iter().map(|(_, _, count)| count).sum::<u64>(), held);
        }
        Op::ClaimHeld { room } => {
            let claimed = shard.claim_held(&PresetId::from("preset-1"), room).await.unwrap();
            let expected = model.claim(State::Held, room);
            assert_eq!(ids(&claimed), expected.into_iter().map(|n| id(0, n)).collect::<Vec<_>>());
        }
        Op::Append { job, events, to, signals_done } => append(store, model, job, events, to, signals_done).await,
        Op::Wake { job } => assert_eq!(shard.wake(id(0, job)).await.unwrap(), model.wake(job)),
        Op::Delete { job } => assert_eq!(shard.delete(id(0, job)).await.unwrap(), model.delete(job)),
        Op::Reopen => {}
    }
}

async fn append(store: &Open, model: &mut Model, n: u64, events: u64, to: Option<State>, signals_done: bool) {
    let shard = &store.shards[0];
    let job = id(0, n);
    let Some(known) = model.jobs.get_mut(&n) else {
        assert!(shard.append(write(job, &[log(2, "x")], RowChange::default())).await.is_err());
        return;
    };
    let first = known.last_seq + 1;
    // As a kernel does it: what first comes of a job says when it began.
    let row = RowChange { started_at: Some(super::T0), ..to.map_or_else(RowChange::default, state) };
    let mut one = if events == 0 {
        JobWrite { job: Some(job), first_seq: first, last_seq: first - 1, row, ..JobWrite::default() }
    } else {
        write(job, &(first..first + events).map(|seq| log(seq, "x")).collect::<Vec<_>>(), row)
    };
    if signals_done {
        one.signals_done = shard.load(job).await.unwrap().signals.into_iter().map(|(no, _)| no).collect();
    }
    // Nothing can follow of a job that nobody claimed: what was undone must not go on.
    let refused = known.state != State::Running && (events > 0 || to.is_some());
    assert_eq!(shard.append(one).await.is_err(), refused);
    if refused {
        return;
    }
    known.has_begun = true;
    known.last_seq += events;
    known.state = to.unwrap_or(known.state);
    if signals_done || known.state.has_ended() {
        known.signals.clear();
    }
}
