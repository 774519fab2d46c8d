//! The decisions: what follows from what happened, as events.

use std::collections::BTreeMap;

use flowork_protocol::command::Signal;
use flowork_protocol::event::{AfterFailure, Outcome, Resume, Run, StepResult, Wait, What};
use flowork_protocol::item::List;
use flowork_protocol::manifest::Effect;
use flowork_protocol::preset::{OnCrash, OnError, Retry};
use flowork_protocol::{Failure, StepId, Timestamp, VersionId};

use super::{Key, Machine, Phase, Status, Verdict};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The kernel took the job; the versions that sub-presets stand for.
    Begin(BTreeMap<String, VersionId>),
    /// A try began that is worth an event (see the commit rules).
    Started(Key, u32),
    /// A step gave its output.
    Succeeded(Box<StepResult>),
    /// A try failed.
    Failed {
        /// Which run.
        key: Key,
        /// Which try.
        attempt: u32,
        /// What went wrong.
        error: Failure,
        /// How long it took, in microseconds.
        took_us: u64,
    },
    /// A step did not run, for this reason.
    Skipped(Key, String),
    /// A step waits.
    Suspended(Key, u32, Wait),
    /// The items of a loop's next round.
    Round(Key, u32, List),
    /// Something from outside.
    Signal(Signal),
    /// Time went by.
    Tick,
    /// The job was taken over after a crash: nobody saw the end of what ran.
    Recovered,
    /// The job takes longer than its preset allows.
    TimedOut(u64),
    /// The runner did what [`super::Todo::End`] asked for.
    Ended(Verdict, BTreeMap<StepId, List>),
}

impl Machine {
    /// Decides what follows from `input`, and folds it. `random` is in 0–1 and spreads retries.
    ///
    /// An input that comes too late (a result of a try that was given up, a decision already taken) gives no events.
    pub fn on(&mut self, now: Timestamp, random: f64, input: Input) -> Vec<What> {
        let mut events = Vec::new();
        match input {
            Input::Begin(presets) if self.phase == Phase::Fresh => self.record(&mut events, What::Started { presets }),
            Input::Started(key, attempt) => {
                let effect = self.vertex(key.vertex).effect;
                let run = self.run(&key);
                self.record(&mut events, What::StepStarted { run, attempt, effect });
            }
            Input::Succeeded(result) => {
                let open = self.key(&result.run).and_then(|key| self.slots.get(&key)).is_none_or(|slot| {
                    slot.status != Status::Settled && (slot.attempt == result.attempt || result.from.is_some())
                });
                if open && self.is_going() {
                    self.record(&mut events, What::StepSucceeded(result));
                }
            }
            Input::Failed { key, attempt, error, took_us } => {
                if self.is_running(&key, attempt) && self.is_going() {
                    let then = self.after_failure(now, random, &key, attempt, &error);
                    let run = self.run(&key);
                    let error = self.at_step(&key, error);
                    self.record(&mut events, What::StepFailed { run, attempt, error, then, took_us });
                }
            }
            Input::Skipped(key, reason) => {
                let run = self.run(&key);
                self.record(&mut events, What::StepSkipped { run, reason });
            }
            Input::Suspended(key, attempt, wait) => {
                if self.is_running(&key, attempt) {
                    let run = self.run(&key);
                    self.record(&mut events, What::StepSuspended { run, attempt, wait });
                }
            }
            Input::Round(key, round, items) => {
                let run = self.run(&key);
                self.record(&mut events, What::LoopRound { run, round, items });
            }
            Input::Signal(signal) => self.on_signal(signal, &mut events),
            Input::Tick => self.on_tick(now, &mut events),
            Input::Recovered => self.on_recovered(now, &mut events),
            Input::TimedOut(limit_ms) if self.is_going() => {
                self.phase = Phase::Failed(
                    Failure::new(
                        "job-timeout",
                        format!("the run took longer than the {limit_ms} ms its settings allow"),
                    )
                    .hint("raise `timeout_ms` in the settings, or find the slow step in the waterfall"),
                );
            }
            Input::Ended(verdict, output) if self.phase != Phase::Ended => {
                let outcome = match verdict {
                    Verdict::Succeeded => Outcome::Succeeded,
                    Verdict::Failed(failure) => Outcome::Failed(failure),
                    Verdict::Cancelled(reason) => Outcome::Cancelled { reason },
                };
                self.record(&mut events, What::Ended { outcome, output });
            }
            Input::Begin(_) | Input::TimedOut(_) | Input::Ended(..) => {}
        }
        events
    }

    fn record(&mut self, events: &mut Vec<What>, what: What) {
        self.apply(&what);
        events.push(what);
    }

    fn is_going(&self) -> bool {
        matches!(self.phase, Phase::Going | Phase::Paused)
    }

    fn at_step(&self, key: &Key, mut error: Failure) -> Failure {
        error.step.get_or_insert_with(|| self.vertex(key.vertex).id.clone());
        error
    }

    fn after_failure(&self, now: Timestamp, random: f64, key: &Key, attempt: u32, error: &Failure) -> AfterFailure {
        let policy = &self.rules.policies[key.vertex];
        if let Some(retry) = policy.retry.as_ref().filter(|retry| error.retryable && attempt < retry.tries) {
            return AfterFailure::Retry { at: now.plus_ms(backoff_ms(retry, attempt, random)) };
        }
        self.for_good(key)
    }

    fn for_good(&self, key: &Key) -> AfterFailure {
        match self.rules.policies[key.vertex].on_error {
            OnError::Fail => AfterFailure::FailJob,
            OnError::Continue => AfterFailure::Continue,
            OnError::Port => AfterFailure::ErrorPort,
        }
    }

    fn on_signal(&mut self, signal: Signal, events: &mut Vec<What>) {
        match signal {
            Signal::Cancel { reason }
                if !matches!(self.phase, Phase::Failed(_) | Phase::Cancelled(_) | Phase::Ended) =>
            {
                self.record(events, What::CancelRequested { reason });
            }
            Signal::Pause if matches!(self.phase, Phase::Fresh | Phase::Going) => self.record(events, What::Paused),
            Signal::Resume if self.is_paused() => self.record(events, What::Resumed),
            Signal::Decide { run, approved, by, note } => self.on_decision(&run, approved, by, note, events),
            Signal::ChildEnded { run, child, outcome } => {
                let Some((run, key)) = self.parse(&run) else { return };
                let waits = self.slots.get(&key).map(|slot| &slot.status);
                if matches!(waits, Some(Status::Suspended(Wait::Child { job, .. })) if *job == child) {
                    self.record(events, What::StepResumed { run, with: Resume::Child(*outcome) });
                }
            }
            Signal::Cancel { .. } | Signal::Pause | Signal::Resume => {}
        }
    }

    fn parse(&self, run: &str) -> Option<(Run, Key)> {
        let run: Run = run.parse().ok()?;
        let key = self.key(&run)?;
        Some((run, key))
    }

    fn on_decision(&mut self, run: &str, approved: bool, by: String, note: String, events: &mut Vec<What>) {
        let Some((run, key)) = self.parse(run) else { return };
        let Some(slot) = self.slots.get(&key) else { return };
        let attempt = slot.attempt;
        let is_asking = slot.status == Status::Asking;
        if !is_asking && !matches!(slot.status, Status::Suspended(Wait::Approval { .. })) {
            return;
        }
        let who = by.clone();
        self.record(events, What::StepResumed { run: run.clone(), with: Resume::Decision { approved, by, note } });
        if is_asking && !approved {
            let error = interrupted().hint(format!("{who} decided not to run it again"));
            let error = self.at_step(&key, error);
            let then = self.for_good(&key);
            self.record(events, What::StepFailed { run, attempt, error, then, took_us: 0 });
        }
    }

    fn on_tick(&mut self, now: Timestamp, events: &mut Vec<What>) {
        if self.phase != Phase::Going {
            return;
        }
        let mut due: Vec<Key> = self
            .slots
            .iter()
            .filter(|(_, slot)| match &slot.status {
                Status::Retrying(at) | Status::Suspended(Wait::Until(at)) => *at <= now,
                Status::Suspended(Wait::Approval { expires_at, .. }) => expires_at.is_some_and(|at| at <= now),
                _ => false,
            })
            .map(|(key, _)| key.clone())
            .collect();
        due.sort();
        for key in due {
            let run = self.run(&key);
            let Some(slot) = self.slots.get_mut(&key) else { continue };
            match &slot.status {
                Status::Retrying(_) => {
                    slot.status = Status::Ready;
                    self.ready.push_back(key);
                }
                Status::Suspended(Wait::Approval { on_expiry, .. }) => {
                    let with = Resume::Decision { approved: *on_expiry, by: "expiry".to_owned(), note: String::new() };
                    self.record(events, What::StepResumed { run, with });
                }
                _ => self.record(events, What::StepResumed { run, with: Resume::Time }),
            }
        }
    }

    fn on_recovered(&mut self, now: Timestamp, events: &mut Vec<What>) {
        self.line_up();
        let mut running: Vec<(Key, u32)> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.status == Status::Running)
            .map(|(key, slot)| (key.clone(), slot.attempt))
            .collect();
        running.sort();
        for (key, attempt) in running {
            if self.vertex(key.vertex).effect != Effect::External {
                self.run_again(key);
                continue;
            }
            let (then, error) = match self.rules.policies[key.vertex].on_crash {
                OnCrash::Retry => (AfterFailure::Retry { at: now }, interrupted()),
                OnCrash::Ask => {
                    (AfterFailure::Ask, interrupted().hint("look whether it acted, then approve or reject another run"))
                }
                OnCrash::Fail => {
                    (self.for_good(&key), interrupted().hint("look whether it acted, then replay from here"))
                }
            };
            let run = self.run(&key);
            let error = self.at_step(&key, error);
            self.record(events, What::StepFailed { run, attempt, error, then, took_us: 0 });
        }
        self.on_tick(now, events);
    }

    /// Puts a try back that nobody saw the end of; repeating it does no harm, so it keeps its number.
    fn run_again(&mut self, key: Key) {
        if let Some(slot) = self.slots.get_mut(&key) {
            slot.status = Status::Ready;
            slot.attempt = slot.attempt.saturating_sub(1);
            self.ready.push_back(key);
        }
    }
}

fn interrupted() -> Failure {
    Failure::new("interrupted", "the node was stopped while this step ran, so nobody saw whether it finished")
        .retryable()
}

/// The pause before the try after `attempt`, in milliseconds.
pub(super) fn backoff_ms(retry: &Retry, attempt: u32, random: f64) -> u64 {
    let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
    #[allow(clippy::cast_precision_loss, reason = "pauses are far below 2^53 ms")]
    let plain = (retry.first_ms as f64 * retry.factor.powi(exponent)).min(retry.max_ms as f64);
    let spread = 1.0 + retry.jitter * (2.0 * random - 1.0);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is clamped to a sane range first"
    )]
    let ms = (plain * spread).clamp(0.0, 1e12) as u64;
    ms
}
