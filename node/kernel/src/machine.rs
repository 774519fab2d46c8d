//! The job machine: which step of a job may run now, and what follows from what happened.
//!
//! Pure: no clock, no randomness, no I/O. [`Machine::apply`] folds recorded events and never decides; [`Machine::on`]
//! decides, as events, and folds them at once; so a machine that folds a job's history stands exactly where the one stood
//! that wrote it. Items are the runner's business: the machine only knows how many there are.

mod decide;
mod saved;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use flowork_protocol::command::Submission;
use flowork_protocol::event::{AfterFailure, Resume, Run, StepResult, Wait};
use flowork_protocol::manifest::Effect;
use flowork_protocol::plan::{Plan, Vertex};
use flowork_protocol::preset::{OnCrash, OnError, Retry};
use flowork_protocol::{Failure, JobId, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

pub use decide::Input;
pub use saved::Saved;

/// The rounds of the loops around a run, outermost first.
pub type Rounds = SmallVec<[u32; 2]>;

/// One run of one vertex, by number: cheaper to hash than [`Run`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which vertex of the plan.
    pub vertex: usize,
    /// Which round of each loop around it.
    pub rounds: Rounds,
}

impl Key {
    /// The run of a vertex outside all loops.
    #[must_use]
    pub fn once(vertex: usize) -> Self {
        Self { vertex, rounds: Rounds::new() }
    }

    /// The run of `vertex` that this run sees: the one in the same rounds of the loops that they share.
    #[must_use]
    pub fn sees(&self, vertex: usize, plan: &Plan) -> Self {
        let depth = plan.vertices[vertex].scope.len().min(self.rounds.len());
        Self { vertex, rounds: self.rounds[..depth].into() }
    }

    /// The batch that round `round` of this loop run is given.
    #[must_use]
    pub fn batch(&self, round: u32) -> Self {
        let mut rounds = self.rounds.clone();
        rounds.push(round);
        Self { vertex: self.vertex, rounds }
    }
}

/// What a step's author wants when it fails.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Whether and how to try again.
    pub retry: Option<Retry>,
    /// What happens when all tries failed.
    pub on_error: OnError,
    /// What happens when nobody saw its end.
    pub on_crash: OnCrash,
}

/// A plan with the policy of every vertex.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The graph.
    pub plan: Plan,
    /// By vertex number.
    pub policies: Vec<Policy>,
}

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Status {
    /// Wires have not delivered yet.
    Blocked,
    /// It may run.
    Ready,
    /// A try is on its way.
    Running,
    /// The next try waits for its time.
    Retrying(Timestamp),
    /// A person is asked whether it should run again.
    Asking,
    /// It waits for something outside.
    Suspended(Wait),
    /// It gave what it gives.
    Settled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Slot {
    wires_open: usize,
    items_in: u64,
    /// The newest try; 0 before the first.
    attempt: u32,
    status: Status,
    resume: Option<Resume>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Loop {
    rounds: u32,
    /// The round that runs, once the first began.
    current: Option<u32>,
    /// Vertices of that round that have not settled.
    open: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Phase {
    Fresh,
    /// Paused before it began.
    Withheld,
    Going,
    Paused,
    Failed(Failure),
    Cancelled(String),
    Ended,
}

/// One job's state.
#[derive(Debug, Clone)]
pub struct Machine {
    rules: Arc<Rules>,
    slots: HashMap<Key, Slot>,
    loops: HashMap<Key, Loop>,
    ready: VecDeque<Key>,
    open: usize,
    phase: Phase,
    /// How many items the job was given; steps without a wire in get them where no trigger does.
    input_items: u64,
}

/// What the runner should do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Todo {
    /// Run this, and answer with [`Input::Succeeded`], [`Input::Failed`] or [`Input::Suspended`].
    Start(Start),
    /// Give this round of a loop its items with [`Input::Round`].
    Round(Key, u32),
    /// Answer with what came back in all rounds of this loop, as [`Input::Succeeded`].
    LoopDone(Key, u32),
    /// Stop what still runs and record the end with [`Input::Ended`].
    End(Verdict),
}

/// A try that may begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Which run.
    pub key: Key,
    /// Which try, from 1.
    pub attempt: u32,
    /// How many items come in.
    pub items_in: u64,
    /// What came for it, when it goes on after waiting.
    pub resume: Option<Resume>,
}

/// How the job ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Well.
    Succeeded,
    /// By this failure.
    Failed(Failure),
    /// By a person, for this reason.
    Cancelled(String),
}

impl Machine {
    /// A machine that has seen nothing.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        let open = rules.plan.vertices.iter().filter(|vertex| vertex.scope.is_empty()).count();
        Self {
            rules,
            slots: HashMap::new(),
            loops: HashMap::new(),
            ready: VecDeque::new(),
            open,
            phase: Phase::Fresh,
            input_items: 1,
        }
    }

    /// What is fixed for the job.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.rules.clone()
    }

    /// Folds the job's first event.
    pub fn accept(&mut self, submission: &Submission) {
        self.input_items = submission.input.len().max(1) as u64;
    }

    /// Whether the job's first decision was made.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        !matches!(self.phase, Phase::Fresh | Phase::Withheld)
    }

    /// Whether its last event was recorded.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether a person paused it.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        matches!(self.phase, Phase::Paused | Phase::Withheld)
    }

    /// The run as people and events write it.
    #[must_use]
    pub fn run(&self, key: &Key) -> Run {
        Run { step: self.rules.plan.vertices[key.vertex].id.clone(), rounds: key.rounds.clone() }
    }

    /// The run with that text, if the plan has such a step.
    #[must_use]
    pub fn key(&self, run: &Run) -> Option<Key> {
        let vertex = self.rules.plan.vertex(&run.step)?;
        (self.rules.plan.vertices[vertex].scope.len() == run.rounds.len())
            .then(|| Key { vertex, rounds: run.rounds.clone() })
    }

    /// As [`Self::key`], also for the batch that a round of a loop is given.
    #[must_use]
    pub fn key_or_batch(&self, run: &Run) -> Option<Key> {
        let vertex = self.rules.plan.vertex(&run.step)?;
        let it = &self.rules.plan.vertices[vertex];
        let is_batch = it.is_loop() && run.rounds.len() == it.scope.len() + 1;
        (is_batch || run.rounds.len() == it.scope.len()).then(|| Key { vertex, rounds: run.rounds.clone() })
    }

    /// How many items came in for a run.
    #[must_use]
    pub fn items_in(&self, key: &Key) -> u64 {
        self.slots.get(key).map_or(0, |slot| slot.items_in)
    }

    /// The newest try of a run; 0 before the first.
    #[must_use]
    pub fn attempt(&self, key: &Key) -> u32 {
        self.slots.get(key).map_or(0, |slot| slot.attempt)
    }

    /// Whether this try is the one on its way; a loop's is until its last round ended.
    #[must_use]
    pub fn is_running(&self, key: &Key, attempt: u32) -> bool {
        let is_open = |status: &Status| matches!(status, Status::Running | Status::Suspended(Wait::Rounds { .. }));
        self.slots.get(key).is_some_and(|slot| is_open(&slot.status) && slot.attempt == attempt)
    }

    /// Whether it waits for a job that it started.
    #[must_use]
    pub fn waits_for_child(&self) -> bool {
        self.slots.values().any(|slot| matches!(slot.status, Status::Suspended(Wait::Child { .. })))
    }

    /// The jobs that it waits for.
    #[must_use]
    pub fn children(&self) -> Vec<JobId> {
        let children = self.slots.values().filter_map(|slot| match &slot.status {
            Status::Suspended(Wait::Child { job, .. }) => Some(*job),
            _ => None,
        });
        children.collect()
    }

    /// Whether a try is on its way that acts on the world.
    #[must_use]
    pub fn is_acting(&self) -> bool {
        let acts = |key: &Key| self.vertex(key.vertex).effect != Effect::Pure;
        self.slots.iter().any(|(key, slot)| slot.status == Status::Running && acts(key))
    }

    /// When something that waits for a time wants to be looked at; none when nothing does.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        if matches!(self.phase, Phase::Paused) {
            return None;
        }
        self.slots
            .values()
            .filter_map(|slot| match &slot.status {
                Status::Retrying(at) | Status::Suspended(Wait::Until(at)) => Some(*at),
                Status::Suspended(Wait::Approval { expires_at, .. }) => *expires_at,
                _ => None,
            })
            .min()
    }

    /// The next thing to do. A [`Todo::Start`] is taken out of the queue: who gets it must start it.
    pub fn todo(&mut self) -> Option<Todo> {
        match &self.phase {
            Phase::Fresh | Phase::Withheld | Phase::Ended | Phase::Paused => return None,
            Phase::Failed(failure) => return Some(Todo::End(Verdict::Failed(failure.clone()))),
            Phase::Cancelled(reason) => return Some(Todo::End(Verdict::Cancelled(reason.clone()))),
            Phase::Going => {}
        }
        while let Some(key) = self.ready.pop_front() {
            // A run may have been settled by an event while it was queued (a kept result).
            let Some(slot) = self.slots.get_mut(&key).filter(|slot| slot.status == Status::Ready) else { continue };
            slot.status = Status::Running;
            if slot.resume.is_none() {
                slot.attempt += 1;
            }
            let resume = slot.resume.take();
            return Some(Todo::Start(Start { attempt: slot.attempt, items_in: slot.items_in, resume, key }));
        }
        let finished = self.loops.iter().filter(|(_, it)| it.open == 0).min_by_key(|(key, _)| (*key).clone());
        if let Some((key, state)) = finished {
            let next = state.current.map_or(0, |round| round + 1);
            let todo = if next < state.rounds {
                Todo::Round(key.clone(), next)
            } else {
                Todo::LoopDone(key.clone(), state.rounds)
            };
            return Some(todo);
        }
        (self.open == 0).then_some(Todo::End(Verdict::Succeeded))
    }

    fn vertex(&self, number: usize) -> &Vertex {
        &self.rules.plan.vertices[number]
    }
}

/// The ports of a result with their counts, in the order of the vertex's output ports.
fn counts(vertex: &Vertex, result: &StepResult) -> Vec<u64> {
    vertex.outputs.iter().map(|port| result.ports.get(&port.name).map_or(0, |given| given.items.len())).collect()
}

/// What an event says about the state of a run, for the fold.
fn after_failure(then: AfterFailure) -> Status {
    match then {
        AfterFailure::Retry { at } => Status::Retrying(at),
        AfterFailure::Ask => Status::Asking,
        AfterFailure::ErrorPort | AfterFailure::Continue | AfterFailure::FailJob => Status::Settled,
    }
}
