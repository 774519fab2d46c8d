//! A job as people look at it: a pure fold over its events.
//!
//! The view at event N is the fold of the events up to N, so live view, history and time travel are one thing. Folding
//! never decides: it only writes down what the events say.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::command::Submission;
use crate::event::{
    AfterFailure, Emitted, Event, LogLine, Outcome, Response, Resume, Run, Source, StepResult, Wait, What,
};
use crate::failure::Failure;
use crate::id::{JobId, StepId, VersionId};
use crate::item::List;
use crate::job::State;
use crate::manifest::Effect;
use crate::time::Timestamp;

mod diff;

pub use diff::{Difference, Kind, diff};

/// The most log lines that a view keeps of one run; older ones are counted and are still in the events.
pub const LOG_LINES_MAX: usize = 2_000;

/// Everything that the events of a job say about it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct JobView {
    /// Which job; none before its first event.
    pub job: Option<JobId>,
    /// What was asked.
    pub submission: Option<Submission>,
    /// Where it stands.
    pub state: ViewState,
    /// The number of the last event that is folded in; 0 before the first.
    pub last_seq: u64,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When a kernel began it.
    pub started_at: Option<Timestamp>,
    /// When the last event that is folded in was decided.
    pub changed_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Sub-presets by name, and the version each stands for in this job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub presets: BTreeMap<String, VersionId>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The items of the steps that nothing follows, by step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub output: BTreeMap<StepId, List>,
    /// Why a person wants it to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<String>,
    /// Why this kernel cannot go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_reason: Option<String>,
    /// Whether a person paused it.
    #[serde(default)]
    pub paused: bool,
    /// How many runs are at work now.
    #[serde(default)]
    pub runs_running: u64,
    /// How many runs wait now for a time, a person, a child, their rounds or their next try.
    #[serde(default)]
    pub runs_waiting: u64,
    /// The runs that something was heard of.
    #[serde(default)]
    pub runs: BTreeMap<Run, RunView>,
}

/// The state of a job as its events tell it. `queued` and `held` cannot be told apart by events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct ViewState(pub State);

impl Default for ViewState {
    fn default() -> Self {
        Self(State::Queued)
    }
}

/// How one run of a step is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing was heard of it yet.
    #[default]
    Pending,
    /// A try is at work.
    Running,
    /// A try failed, another one follows.
    Retrying,
    /// It waits for something outside.
    Waiting,
    /// It gave its output.
    Succeeded,
    /// It failed for good.
    Failed,
    /// It did not run.
    Skipped,
    /// The job ended while it was at work or waited.
    Stopped,
}

/// One run of one step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunView {
    /// How it is.
    pub status: Status,
    /// The number of the first event that speaks of it; orders runs by when they began.
    pub first_seq: u64,
    /// The effect class it runs under, when its start was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
    /// Its tries, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// How many items came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_in: Option<u64>,
    /// What came out, by port.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, Emitted>,
    /// What it did, or why it was skipped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The last lines that it wrote.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub logs: VecDeque<LogLine>,
    /// How many earlier lines are only in the events.
    #[serde(default)]
    pub logs_left_out: u64,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// What came when it waited last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_with: Option<Resume>,
    /// When its next try begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// Where the result comes from if it was not computed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// For a loop: how many rounds there will be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds_total: Option<u32>,
    /// For a loop: the items of each round that began.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rounds: BTreeMap<u32, List>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What followed from the last failed try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_failure: Option<AfterFailure>,
    /// How long its last try took, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// What its expressions saw as `$now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
    /// Seed of its random numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Names of the secrets it was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Whether it only said what it would have done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry: bool,
    /// The answer for a webhook that waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// When something was last heard of it.
    pub changed_at: Timestamp,
}

/// One try of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Attempt {
    /// Which try, from 1.
    pub number: u32,
    /// When it began, when that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How long it took, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl JobView {
    /// The view after all of `events`, which must be of one job and in order.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut view = Self::default();
        events.into_iter().for_each(|event| view.apply(event));
        view
    }

    /// Folds in one more event. One that is folded in already changes nothing, so that a feed may repeat itself.
    pub fn apply(&mut self, event: &Event) {
        if event.seq <= self.last_seq {
            return;
        }
        self.last_seq = event.seq;
        self.changed_at = Some(event.at);
        if self.parked_reason.is_some() && !matches!(event.what, What::Parked { .. } | What::StepLog { .. }) {
            // Somebody could go on with it after all.
            self.parked_reason = None;
        }
        match &event.what {
            What::Accepted(submission) => {
                self.job = Some(submission.job);
                self.submission = Some((**submission).clone());
                self.accepted_at = Some(event.at);
            }
            What::Started { presets } => {
                self.started_at = Some(event.at);
                self.presets.clone_from(presets);
            }
            What::Paused => self.paused = true,
            What::Resumed => self.paused = false,
            What::CancelRequested { reason } => self.cancel_reason = Some(reason.clone()),
            What::Parked { reason } => self.parked_reason = Some(reason.clone()),
            What::Ended { outcome, output } => self.end(event.at, outcome, output),
            step => self.apply_step(event.seq, event.at, step),
        }
        self.state = ViewState(self.state_now());
    }

    /// The runs in the order in which they began.
    #[must_use]
    pub fn runs_in_order(&self) -> Vec<(&Run, &RunView)> {
        let mut runs: Vec<_> = self.runs.iter().collect();
        runs.sort_by_key(|(_, run)| run.first_seq);
        runs
    }

    /// Where the job stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.0
    }

    fn end(&mut self, at: Timestamp, outcome: &Outcome, output: &BTreeMap<StepId, List>) {
        self.ended_at = Some(at);
        self.outcome = Some(outcome.clone());
        self.output.clone_from(output);
        if let Outcome::Failed(error) = outcome {
            self.error = Some(error.clone());
        }
        for run in self.runs.values_mut().filter(|run| run.status.is_running() || run.status.is_waiting()) {
            run.status = Status::Stopped;
            run.wait = None;
            run.retry_at = None;
        }
        (self.runs_running, self.runs_waiting) = (0, 0);
    }

    fn state_now(&self) -> State {
        match &self.outcome {
            Some(Outcome::Succeeded) => return State::Succeeded,
            Some(Outcome::Failed(_)) => return State::Failed,
            Some(Outcome::Cancelled { .. }) => return State::Cancelled,
            None => {}
        }
        if self.parked_reason.is_some() {
            State::Parked
        } else if self.paused {
            State::Paused
        } else if self.started_at.is_none() {
            State::Queued
        } else if self.runs_running == 0 && self.runs_waiting > 0 {
            State::Waiting
        } else {
            State::Running
        }
    }

    fn apply_step(&mut self, seq: u64, at: Timestamp, what: &What) {
        let Some(run) = run_of(what) else { return };
        let view = match self.runs.get_mut(run) {
            Some(view) => view,
            None => self.runs.entry(run.clone()).or_insert_with(|| RunView { first_seq: seq, ..RunView::default() }),
        };
        let before = view.status;
        view.changed_at = at;
        view.apply(at, what);
        let after = view.status;
        self.runs_running = self.runs_running + u64::from(after.is_running()) - u64::from(before.is_running());
        self.runs_waiting = self.runs_waiting + u64::from(after.is_waiting()) - u64::from(before.is_waiting());
    }
}

impl Status {
    /// Whether a try is at work.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Running)
    }

    /// Whether it waits for something, its next try included.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Waiting | Self::Retrying)
    }

    /// The word for it, as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Stopped => "stopped",
        }
    }
}

/// The run that an event speaks of, if it speaks of one.
#[must_use]
pub fn run_of(what: &What) -> Option<&Run> {
    match what {
        What::StepStarted { run, .. }
        | What::StepFailed { run, .. }
        | What::StepSkipped { run, .. }
        | What::StepSuspended { run, .. }
        | What::StepResumed { run, .. }
        | What::LoopRound { run, .. }
        | What::StepLog { run, .. } => Some(run),
        What::StepSucceeded(result) => Some(&result.run),
        _ => None,
    }
}

impl RunView {
    fn apply(&mut self, at: Timestamp, what: &What) {
        match what {
            What::StepStarted { attempt, effect, .. } => {
                self.status = Status::Running;
                self.effect = Some(*effect);
                self.retry_at = None;
                let attempt = self.attempt(*attempt);
                // A try that is begun again after a crash keeps its number; the later start is the one that counts.
                *attempt = Attempt { started_at: Some(at), ..Attempt::numbered(attempt.number) };
            }
            What::StepSucceeded(result) => self.succeed(at, result),
            What::StepFailed { attempt, error, then, took_us, .. } => {
                let number = *attempt;
                let attempt = self.attempt(number);
                attempt.ended_at = Some(at);
                attempt.took_us = Some(*took_us);
                attempt.error = Some(error.clone());
                self.error = Some(error.clone());
                self.after_failure = Some(*then);
                self.took_us = Some(*took_us);
                self.wait = None;
                self.retry_at = None;
                self.status = match then {
                    AfterFailure::Retry { at } => {
                        self.retry_at = Some(*at);
                        Status::Retrying
                    }
                    AfterFailure::Ask => {
                        self.wait = Some(Wait::Rerun { attempt: number });
                        Status::Waiting
                    }
                    _ => Status::Failed,
                };
            }
            What::StepSkipped { reason, .. } => {
                self.status = Status::Skipped;
                self.note.clone_from(reason);
                self.wait = None;
            }
            What::StepSuspended { attempt, wait, .. } => {
                self.attempt(*attempt);
                self.status = Status::Waiting;
                if let Wait::Rounds { rounds } = wait {
                    self.rounds_total = Some(*rounds);
                }
                self.wait = Some(wait.clone());
            }
            What::StepResumed { with, .. } => {
                self.status = Status::Running;
                self.wait = None;
                self.resumed_with = Some(with.clone());
            }
            What::LoopRound { round, items, .. } => {
                self.rounds.insert(*round, items.clone());
            }
            What::StepLog { lines, .. } => self.log(lines),
            _ => {}
        }
    }

    fn succeed(&mut self, at: Timestamp, result: &StepResult) {
        self.status = Status::Succeeded;
        // Kept, pinned and edited results were not tried here.
        if result.from.is_none() {
            let attempt = self.attempt(result.attempt);
            attempt.ended_at = Some(at);
            attempt.took_us = Some(result.took_us);
        }
        self.ports.clone_from(&result.ports);
        self.items_in = Some(result.items_in);
        self.note.clone_from(&result.note);
        self.took_us = Some(result.took_us);
        self.now = Some(result.now);
        self.seed = Some(result.seed);
        self.secrets.clone_from(&result.secrets);
        self.dry = result.dry;
        self.source.clone_from(&result.from);
        self.response.clone_from(&result.response);
        self.error = None;
        self.after_failure = None;
        self.retry_at = None;
        self.wait = None;
    }

    fn log(&mut self, lines: &[LogLine]) {
        self.logs.extend(lines.iter().cloned());
        while self.logs.len() > LOG_LINES_MAX {
            self.logs.pop_front();
            self.logs_left_out += 1;
        }
    }

    fn attempt(&mut self, number: u32) -> &mut Attempt {
        let place = match self.attempts.iter().position(|attempt| attempt.number == number) {
            Some(place) => place,
            None => {
                self.attempts.push(Attempt::numbered(number));
                self.attempts.len() - 1
            }
        };
        &mut self.attempts[place]
    }
}

impl Attempt {
    fn numbered(number: u32) -> Self {
        Self { number, started_at: None, ended_at: None, took_us: None, error: None }
    }
}
