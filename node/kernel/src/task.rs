//! One job, run by one task: it does what the machine asks for, tells it what came of it, and journals the decisions.
//!
//! Commit rules (DESIGN.md, "effect classes"): an external step acts only after its start is on disk, and its result is on
//! disk before the next external step starts (result n and start n+1 share a commit). An idempotent step too acts only on
//! what is on disk, or its repetition could be given something else. Pure steps run ahead of the disk: nobody sees their
//! results before these are committed, and re-running them does no harm.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use flowork_ports::component::{Body, Call, Items, Suspend, Yield};
use flowork_ports::store::{Error, Shard};
use flowork_ports::vault::Vault;
use flowork_ports::{Blobs, store};
use flowork_protocol::command::{Activation, Submission};
use flowork_protocol::event::{LogLine, Pairing, Run, Source, StepResult, Wait, What};
use flowork_protocol::item::List;
use flowork_protocol::job::State;
use flowork_protocol::manifest::Effect;
use flowork_protocol::plan::{ERROR_PORT, LOOP_BODY, LOOP_DONE};
use flowork_protocol::{Failure, Item, JobId, StepId, Timestamp, VersionId};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Clock;
use crate::call::{self, Finished, LineSender, Meta};
use crate::fold::{Checkpointer, Fold};
use crate::history::{Blind, History, Origin, Packer, PortData, RunData, Seen, join};
use crate::journal::Journal;
use crate::machine::{Input, Key, Machine, Start, Todo};
use crate::memory::Gauge;
use crate::program::{Program, Programs};
use crate::redact::{Secrets, redact};

/// How many log lines may wait for the journal before a step loses some.
const LINES_MAX: usize = 1_024;
/// The most log lines in one event.
const LINES_PER_EVENT: usize = 256;
/// A job that next wants to be looked at within this time stays in memory.
const STAYS_FOR: Duration = Duration::from_secs(2);
/// A job that waits for a child stays in memory this long: most children are short, and taking a job up again means reading
/// its history.
const LINGERS_FOR: Duration = Duration::from_millis(500);
/// How long a stopping kernel waits for steps that act on the world.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// How long it then waits for the store.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);
/// How long a kernel may take to stop, all in all; the supervisor kills after ten seconds.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(8);

type Lines = (mpsc::Sender<(Run, LogLine)>, mpsc::Receiver<(Run, LogLine)>);

/// What every job of this kernel uses.
pub(crate) struct Context {
    pub(crate) programs: Programs,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) node: Arc<dyn store::NodeTables>,
    pub(crate) shards: BTreeMap<u16, Arc<dyn Shard>>,
    pub(crate) clock: Clock,
    /// How many bytes of items all jobs hold in memory, about.
    pub(crate) memory: Arc<AtomicUsize>,
}

impl Context {
    /// What is activated by that name, also when it was accepted just before the job that asks and is still in an inbox.
    /// Shards and the node's own tables are drained each in their own time, so an activation can be behind its job.
    pub(crate) async fn activation(&self, name: &str) -> Result<Option<Activation>, Error> {
        // Not only when the table has none: what it has may be the version before.
        if let Err(error) = self.node.drain().await {
            tracing::warn!(%error, preset = %name, "the newest activations cannot be carried out; those before count");
        }
        self.node.activation_by_name(name).await
    }
}

/// Why a task gave its job back.
#[derive(Debug, Clone)]
pub(crate) enum Left {
    /// It ended.
    Ended,
    /// Nothing to do until a time, a person or a child; it is stored so.
    Resting,
    /// The store refused; the job stays as it is on disk. Where that passes, it is taken up again.
    Lost(Error),
    /// This kernel is stopping.
    Stopped,
    /// Its claim never reached the disk; it comes again.
    Undone,
}

/// One job in memory.
pub(crate) struct Task {
    pub(crate) context: Arc<Context>,
    pub(crate) shard: Arc<dyn Shard>,
    pub(crate) job: JobId,
    pub(crate) submission: Arc<Submission>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) program: Arc<Program>,
    pub(crate) machine: Machine,
    pub(crate) history: Arc<History>,
    pub(crate) packer: Packer,
    pub(crate) journal: Journal,
    pub(crate) presets: BTreeMap<String, VersionId>,
    pub(crate) variables: Arc<BTreeMap<String, serde_json::Value>>,
    flight: FuturesUnordered<BoxFuture<'static, Finished>>,
    /// What the steps in flight read.
    pub(crate) pins: HashMap<Key, Vec<Key>>,
    /// How much of the items in memory could not be let go of when that was last tried.
    pub(crate) pinned_bytes: usize,
    cancel: CancellationToken,
    /// Both ends of the way that log lines take from steps to the journal.
    lines: Lines,
    lost: Arc<call::Lost>,
    to_launch: Vec<(Start, Body)>,
    pub(crate) children: Vec<ChildCall>,
    is_started: bool,
    has_lingered: bool,
}

impl Task {
    /// A job in memory that has done nothing yet, or stands where its events say.
    pub(crate) fn new(
        context: Arc<Context>, shard: Arc<dyn Shard>, submission: Arc<Submission>, accepted_at: Timestamp,
        program: Arc<Program>, last_seq: u64,
    ) -> Self {
        let mut variables = program.variables.clone();
        variables.extend(submission.variables.clone());
        let Fold { machine, history, presets } =
            Fold::new(program.clone(), &submission, Gauge::new(context.memory.clone()));
        let checkpointer =
            Checkpointer { shard: shard.clone(), program: program.clone(), submission: submission.clone() };
        Self {
            job: submission.job,
            machine,
            history: Arc::new(history),
            packer: Packer::default(),
            journal: Journal::new(shard.clone(), submission.job, last_seq).with_checkpoints(checkpointer),
            presets,
            variables: Arc::new(variables),
            flight: FuturesUnordered::new(),
            pins: HashMap::new(),
            pinned_bytes: 0,
            cancel: CancellationToken::new(),
            lines: mpsc::channel(LINES_MAX),
            lost: Arc::default(),
            to_launch: Vec::new(),
            children: Vec::new(),
            is_started: false,
            has_lingered: false,
            context,
            shard,
            submission,
            accepted_at,
            program,
        }
    }

    /// The same job, where its events say it stands.
    pub(crate) fn standing(self, fold: Fold) -> Self {
        let Fold { machine, history, presets } = fold;
        Self { machine, history: Arc::new(history), presets, ..self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.context.clock)()
    }

    pub(crate) fn decide(&mut self, input: Input) {
        let now = self.now();
        let events = self.machine.on(now, rand::random(), input);
        self.journal.record(now, events);
    }

    /// Runs the job until it ends or has nothing to do.
    pub(crate) async fn run(mut self, pokes: &mut mpsc::Receiver<()>, stop: &CancellationToken) -> Left {
        let result = self.go(pokes, stop).await;
        self.cancel.cancel();
        match result {
            Ok(left) => left,
            Err(error) => Left::Lost(error),
        }
    }

    async fn go(&mut self, pokes: &mut mpsc::Receiver<()>, stop: &CancellationToken) -> Result<Left, Error> {
        loop {
            if stop.is_cancelled() {
                self.wind_down().await;
                return Ok(Left::Stopped);
            }
            if !self.machine.has_begun() && !self.machine.is_paused() {
                self.begin().await?;
            }
            self.decide(Input::Tick);
            while let Some(todo) = self.machine.todo() {
                match todo {
                    Todo::Start(start) => {
                        self.bring(&self.history.needs(&start.key)).await?;
                        self.start(start).await;
                    }
                    Todo::Round(key, round) => self.round(key, round).await?,
                    Todo::LoopDone(key, rounds) => {
                        self.bring(&self.history.needs_of_end(&key, rounds)).await?;
                        self.loop_done(&key, rounds);
                    }
                    Todo::End(verdict) => {
                        self.cancel.cancel();
                        self.flight.clear();
                        crate::child::end(self, verdict).await?;
                        return Ok(Left::Ended);
                    }
                }
                self.spill().await?;
            }
            if self.launch().await? {
                continue;
            }
            let lingers = self.machine.waits_for_child() && !self.has_lingered;
            if self.flight.is_empty()
                && !lingers
                && let Some(left) = self.rest(pokes).await?
            {
                return Ok(left);
            }
            self.journal.start(&mut self.packer)?;
            self.wait(pokes, stop).await?;
        }
    }

    /// Nothing new begins. What acts on the world may finish, for a while, so that it need not be repeated; what was decided
    /// is written down.
    async fn wind_down(&mut self) {
        let acting = async {
            while self.machine.is_acting() && !self.flight.is_empty() {
                tokio::select! {
                    Some(finished) = self.flight.next() => self.finished(finished),
                    Some(line) = self.lines.1.recv() => self.gather(line),
                }
            }
        };
        if tokio::time::timeout(FINISH_WITHIN, acting).await.is_err() {
            tracing::warn!(job = %self.job, "the kernel stops in the middle of a step");
        }
        match tokio::time::timeout(FLUSH_WITHIN, self.journal.flush(&mut self.packer)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(job = %self.job, %error, "the end of a job's history is not written"),
            Err(_) => tracing::warn!(job = %self.job, "the end of a job's history is not written in time"),
        }
    }

    /// Waits until something happens, and tells the machine.
    async fn wait(&mut self, pokes: &mut mpsc::Receiver<()>, stop: &CancellationToken) -> Result<(), Error> {
        let now = self.now();
        let deadline = self.program.preset.settings.timeout_ms.map(|limit| self.accepted_at.plus_ms(limit));
        let wake = [self.machine.next_due(), deadline].into_iter().flatten().min();
        let pause = wake.map_or(STAYS_FOR * 30, |at| Duration::from_millis(at.since_ms(now).clamp(1, 60_000)));
        let pause = if self.flight.is_empty() { pause.min(LINGERS_FOR) } else { pause };
        let has_lingered = std::mem::take(&mut self.has_lingered);
        let is_writing = self.journal.is_writing();
        let in_flight = !self.flight.is_empty();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Some(finished) = self.flight.next(), if in_flight => self.finished(finished),
            Some(line) = self.lines.1.recv() => self.gather(line),
            Some(()) = pokes.recv() => self.signals().await?,
            written = self.journal.written(), if is_writing => {
                written?;
                self.has_lingered = has_lingered;
            }
            () = tokio::time::sleep(pause) => self.has_lingered = true,
        }
        if deadline.is_some_and(|at| at <= self.now()) {
            let limit = self.program.preset.settings.timeout_ms.unwrap_or(0);
            self.decide(Input::TimedOut(limit));
        }
        Ok(())
    }

    /// Leaves memory when nothing will happen soon.
    async fn rest(&mut self, pokes: &mut mpsc::Receiver<()>) -> Result<Option<Left>, Error> {
        let due = self.machine.next_due();
        let soon = self.now().plus_ms(u64::try_from(STAYS_FOR.as_millis()).unwrap_or(0));
        if due.is_some_and(|at| at <= soon) {
            return Ok(None);
        }
        let deadline = self.program.preset.settings.timeout_ms.map(|limit| self.accepted_at.plus_ms(limit));
        let state = if self.machine.is_paused() { State::Paused } else { State::Waiting };
        let row = self.journal.row();
        row.state = Some(state);
        row.due_at = Some(if state == State::Paused { None } else { [due, deadline].into_iter().flatten().min() });
        self.journal.flush(&mut self.packer).await?;
        if pokes.try_recv().is_ok() {
            // A signal came in between: take the job back, unless another look already has.
            if self.shard.wake(self.job).await? {
                self.signals().await?;
                return Ok(None);
            }
        }
        Ok(Some(Left::Resting))
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let mut presets = BTreeMap::new();
        for name in &self.program.sub_presets {
            if let Some(activation) = self.context.activation(name).await? {
                presets.insert(name.clone(), activation.version);
            }
        }
        self.presets = presets.clone();
        self.mark_started();
        self.decide(Input::Begin(presets));
        if self.submission.replay.is_some() {
            crate::replay::keep(self).await?;
        }
        Ok(())
    }

    fn mark_started(&mut self) {
        if !self.is_started {
            self.is_started = true;
            let now = self.now();
            self.journal.row().started_at = Some(now);
        }
    }

    /// Carries out the signals that the store holds for this job.
    pub(crate) async fn signals(&mut self) -> Result<(), Error> {
        let stored = self.shard.load(self.job).await?;
        for (number, signal) in stored.signals {
            if !self.journal.extra.signals_done.contains(&number) {
                self.journal.extra.signals_done.push(number);
                self.decide(Input::Signal(signal));
            }
        }
        Ok(())
    }

    fn gather(&mut self, first: (Run, LogLine)) {
        let now = self.now();
        let mut by_run: Vec<(Run, Vec<LogLine>)> = vec![(first.0, vec![first.1])];
        while let Ok((run, line)) = self.lines.1.try_recv() {
            match by_run.last_mut() {
                Some((last, lines)) if *last == run && lines.len() < LINES_PER_EVENT => lines.push(line),
                _ => by_run.push((run, vec![line])),
            }
        }
        by_run.extend(self.lost.told(now).into_iter().map(|(run, line)| (run, vec![line])));
        let events = by_run.into_iter().map(|(run, lines)| What::StepLog { run, lines }).collect();
        self.journal.record(now, events);
    }

    async fn start(&mut self, start: Start) {
        let vertex = start.key.vertex;
        if self.program.plan().vertices[vertex].is_trigger {
            return self.fire(&start);
        }
        if start.items_in == 0 {
            let is_root = self.program.plan().vertices[vertex].wires_in() == 0;
            let reason = if is_root { "nothing leads here" } else { "nothing came in" };
            return self.decide(Input::Skipped(start.key, reason.to_owned()));
        }
        let program = self.program.clone();
        let it = &program.plan().vertices[vertex];
        let (Some(step), Some(prepared)) = (program.preset.steps.get(&it.id), &program.bodies[vertex]) else { return };
        if let Some(output) = call::pinned(step) {
            return self.give(&start, output, |result| call::marked(result, Source::Pin));
        }
        let first_port = it.outputs.first().map_or("out", |port| port.name.as_str()).to_owned();
        if step.disabled {
            let output = call::passed_through(&self.history.inputs(&start.key), &first_port).note("disabled");
            return self.give(&start, output, |result| call::marked(result, Source::Disabled));
        }
        if self.submission.dry_run && it.effect == Effect::External && !prepared.knows_dry_run {
            let note = format!("dry run: `{}` was not run, its input is passed on", it.component);
            let output = call::passed_through(&self.history.inputs(&start.key), &first_port).note(note);
            return self.give(&start, output, |mut result| {
                result.dry = true;
                result
            });
        }
        if let (Body::Now(body), Effect::Pure, true) = (&prepared.body, it.effect, step.secrets.is_empty()) {
            let call = self.call(&start, Arc::default());
            let (result, took) = call::run_now(body.as_ref(), &call);
            let meta = Meta { items_in: start.items_in, now: call.now, seed: call.seed, took, secrets: Arc::default() };
            return self.answer(start.key, start.attempt, result, &meta);
        }
        if start.resume.is_none() {
            self.decide(Input::Started(start.key.clone(), start.attempt));
        }
        self.to_launch.push((start, prepared.body.clone()));
    }

    /// Starts what waits to be started. What is not pure starts after its start, and everything that it is given, is on
    /// disk. True when decisions were made and the machine must be asked again.
    async fn launch(&mut self) -> Result<bool, Error> {
        let mut decided = !self.children.is_empty();
        for child in std::mem::take(&mut self.children) {
            crate::child::start(self, child).await?;
        }
        if self.to_launch.is_empty() {
            return Ok(decided);
        }
        let program = self.program.clone();
        let effect = |start: &Start| program.plan().vertices[start.key.vertex].effect;
        if self.to_launch.iter().any(|(start, _)| effect(start) != Effect::Pure) {
            self.journal.flush(&mut self.packer).await?;
        }
        for (start, body) in std::mem::take(&mut self.to_launch) {
            let id = &program.plan().vertices[start.key.vertex].id;
            let Some(step) = program.preset.steps.get(id) else { continue };
            let secrets = match call::open_secrets(&self.context, &step.secrets).await {
                Ok(secrets) => Arc::new(secrets),
                Err(error) => {
                    let (key, attempt) = (start.key, start.attempt);
                    self.failed(key, attempt, error, 0);
                    decided = true;
                    continue;
                }
            };
            let needs = self.history.needs(&start.key);
            self.bring(&needs).await?;
            let call = self.call(&start, secrets.clone());
            let mut meta =
                Meta { items_in: start.items_in, now: call.now, seed: call.seed, took: Duration::ZERO, secrets };
            if let Body::Now(body) = &body {
                let (mut result, took) = call::run_now(body.as_ref(), &call);
                meta.took = took;
                redact(&mut result, &meta.secrets);
                self.answer(start.key, start.attempt, result, &meta);
                decided = true;
                continue;
            }
            let timeout = step.timeout_ms.map(Duration::from_millis);
            self.pins.insert(start.key.clone(), needs);
            self.flight.push(Box::pin(call::run_long(body, call, start.key, meta, timeout)));
        }
        Ok(decided)
    }

    fn call(&self, start: &Start, secrets: Arc<Secrets>) -> Call {
        let program = &self.program;
        let vertex = &program.plan().vertices[start.key.vertex];
        let now = self.now();
        let run = self.machine.run(&start.key);
        let text: Arc<str> = run.to_string().into();
        let blind = program.bodies[start.key.vertex]
            .as_ref()
            .is_none_or(|it| it.mentions == flowork_ports::component::Mentions::default());
        let timeout = program.preset.steps.get(&vertex.id).and_then(|step| step.timeout_ms);
        Call {
            job: self.job,
            version: program.version,
            preset: program.name.clone(),
            domain: self.domain(),
            step: vertex.id.clone(),
            attempt: start.attempt,
            key: format!("{}/{text}", self.job).into(),
            run: text,
            inputs: self.history.inputs(&start.key),
            variables: self.variables.clone(),
            secrets: secrets.values(),
            now,
            seed: rand::random(),
            round: start.key.rounds.last().copied(),
            dry_run: self.submission.dry_run,
            resume: start.resume.clone().and_then(call::resumed),
            view: if blind {
                Arc::new(Blind)
            } else {
                Arc::new(Seen { history: self.history.clone(), key: start.key.clone() })
            },
            log: Arc::new(LineSender {
                run,
                lines: self.lines.0.clone(),
                lost: self.lost.clone(),
                clock: self.context.clock.clone(),
                secrets,
            }),
            blobs: self.context.blobs.clone(),
            cancel: self.cancel.child_token(),
            deadline: timeout.map(|ms| now.plus_ms(ms)),
        }
    }

    /// Whose code this job's steps are. Presets from files share no draft, and anybody may give theirs any name.
    fn domain(&self) -> Arc<str> {
        let preset = &self.submission.preset;
        if preset.is_of_file() { format!("{preset} {}", self.program.version).into() } else { preset.as_str().into() }
    }

    fn finished(&mut self, finished: Finished) {
        let Finished { key, attempt, mut result, meta } = finished;
        // Lines that the step wrote belong before its result.
        if let Ok(line) = self.lines.1.try_recv() {
            self.gather(line);
        }
        redact(&mut result, &meta.secrets);
        self.pins.remove(&key);
        self.answer(key, attempt, result, &meta);
    }

    fn answer(&mut self, key: Key, attempt: u32, result: Result<Yield, Failure>, meta: &Meta) {
        match result {
            Ok(Yield::Output(output)) => {
                // The body of an external step is called in a dry run only if it then performs nothing.
                let dry =
                    self.submission.dry_run && self.program.plan().vertices[key.vertex].effect == Effect::External;
                self.output(key, attempt, output, meta, |result| StepResult { dry, ..result });
            }
            Ok(Yield::Suspend(suspend)) => self.suspend(key, attempt, suspend, meta),
            Ok(Yield::Rounds(rounds)) => {
                let count = u32::try_from(rounds.len()).unwrap_or(u32::MAX);
                match self.keep_rounds(&key, 0, rounds) {
                    Ok(()) => self.decide(Input::Suspended(key, attempt, Wait::Rounds { rounds: count })),
                    Err(error) => self.failed(key, attempt, error, meta.took_us()),
                }
            }
            Err(error) => self.failed(key, attempt, error, meta.took_us()),
        }
    }

    pub(crate) fn failed(&mut self, key: Key, attempt: u32, error: Failure, took_us: u64) {
        let has_error_port = self.program.plan().vertices[key.vertex].output(ERROR_PORT).is_some();
        if has_error_port {
            let mut error = error.clone();
            error.step.get_or_insert_with(|| self.program.plan().vertices[key.vertex].id.clone());
            let len = usize::try_from(self.machine.items_in(&key)).unwrap_or(usize::MAX);
            self.history.put(key.clone(), RunData::of(PortData::failed(error, len)));
        }
        self.decide(Input::Failed { key, attempt, error, took_us });
    }

    /// Records a failure that another job had, and that let it go on.
    pub(crate) fn keep_failure(&mut self, key: Key, attempt: u32, error: Failure) {
        self.decide(Input::Started(key.clone(), attempt));
        self.failed(key, attempt, error, 0);
    }

    fn give(
        &mut self, start: &Start, output: flowork_ports::component::Output, mark: impl FnOnce(StepResult) -> StepResult,
    ) {
        let meta =
            Meta { items_in: start.items_in, now: self.now(), seed: 0, took: Duration::ZERO, secrets: Arc::default() };
        self.output(start.key.clone(), start.attempt, output, &meta, mark);
    }

    pub(crate) fn output(
        &mut self, key: Key, attempt: u32, output: flowork_ports::component::Output, meta: &Meta,
        mark: impl FnOnce(StepResult) -> StepResult,
    ) {
        let run = self.machine.run(&key);
        match call::step_result(run, attempt, &output, meta, &mut self.packer) {
            Ok((result, weights)) => {
                let ports = output.ports.into_iter().zip(weights).map(|((name, given), bytes)| {
                    let list = result.ports.get(&name).map_or_else(List::empty, |emitted| emitted.items.clone());
                    PortData::here(name, Arc::new(given.items), list, given.pairs, bytes)
                });
                let ports = ports.collect();
                if self.history.is_loop(&key) {
                    self.history.forget_inside(&key);
                }
                self.history.put(key, RunData { ports });
                self.decide(Input::Succeeded(Box::new(mark(result))));
            }
            Err(error) => self.failed(key, attempt, error, meta.took_us()),
        }
    }

    fn fire(&mut self, start: &Start) {
        let id = self.program.plan().vertices[start.key.vertex].id.clone();
        let chosen = self.submission.trigger.clone().or_else(|| default_trigger(&self.program));
        if chosen.as_ref() != Some(&id) {
            return self.decide(Input::Skipped(start.key.clone(), "another trigger fired".to_owned()));
        }
        let items = self.history.input.as_ref().clone();
        let start = Start { items_in: items.len() as u64, ..start.clone() };
        let output = flowork_ports::component::Output::out(items, Pairing::None);
        self.give(&start, output, |result| result);
    }

    async fn round(&mut self, key: Key, round: u32) -> Result<(), Error> {
        self.history.forget_rounds(&key, round);
        self.packer.trim();
        let batch = key.batch(round);
        if self.history.get(&batch).is_none() {
            self.bring(&self.history.needs(&key)).await?;
            self.divide_again(&key, round);
        }
        let list = self.history.get(&batch).and_then(|data| match &data.ports.first()?.origin {
            Origin::List(list) => Some(list.clone()),
            Origin::Failed(_) => None,
        });
        match list {
            Some(list) => self.decide(Input::Round(key, round, list)),
            None => {
                let error = Failure::new("loop-changed", format!("the loop no longer gives a round {}", round + 1))
                    .hint("replay the job from this step");
                let attempt = self.machine.attempt(&key);
                self.failed(key, attempt, error, 0);
            }
        }
        Ok(())
    }

    /// Keeps what the rounds of a loop are given, from round `from` on.
    fn keep_rounds(&mut self, key: &Key, from: u32, rounds: Vec<Vec<Arc<Item>>>) -> Result<(), Failure> {
        for (round, items) in (0_u32..).zip(rounds).skip(from as usize) {
            let (list, bytes) = self.packer.pack_weighed(&items)?;
            let port = PortData::here(LOOP_BODY.to_owned(), Arc::new(items), list, Pairing::None, bytes);
            self.history.put(key.batch(round), RunData::of(port));
        }
        Ok(())
    }

    /// After a restart only the rounds that began are on record: the loop, which is pure, divides its input once more.
    fn divide_again(&mut self, key: &Key, from: u32) {
        let attempt = self.machine.attempt(key);
        let start = Start { key: key.clone(), attempt, items_in: self.machine.items_in(key), resume: None };
        let program = self.program.clone();
        let Some(Body::Now(body) | Body::Busy(body)) = program.bodies[key.vertex].as_ref().map(|it| &it.body) else {
            return;
        };
        if let (Ok(Yield::Rounds(rounds)), _) = call::run_now(body.as_ref(), &self.call(&start, Arc::default())) {
            // What was packed once fits again.
            let _ = self.keep_rounds(key, from, rounds);
        }
    }

    fn loop_done(&mut self, key: &Key, rounds: u32) {
        let has_way_back = !self.history.back_sources(key, 0).is_empty();
        let items: Items = if has_way_back {
            let sources = (0..rounds).flat_map(|round| self.history.back_sources(key, round));
            join(sources.map(|(source, out)| self.history.port(&source, out)))
        } else {
            self.history.inputs(key).into_iter().next().map(|(_, items)| items).unwrap_or_default()
        };
        let output = flowork_ports::component::Output::port(LOOP_DONE, items.as_ref().clone(), Pairing::None)
            .note(format!("{rounds} rounds"));
        let meta = Meta {
            items_in: self.machine.items_in(key),
            now: self.now(),
            seed: 0,
            took: Duration::ZERO,
            secrets: Arc::default(),
        };
        let attempt = self.machine.attempt(key);
        self.output(key.clone(), attempt, output, &meta, |result| result);
    }

    fn suspend(&mut self, key: Key, attempt: u32, suspend: Suspend, meta: &Meta) {
        let wait = match suspend {
            Suspend::Until(at) => Wait::Until(at),
            Suspend::Approval { title, message, expires_at, on_expiry } => {
                Wait::Approval { title, message, expires_at, on_expiry }
            }
            Suspend::Child { preset, items, variables } => {
                return self.children.push(ChildCall {
                    preset,
                    items,
                    variables,
                    key,
                    attempt,
                    took_us: meta.took_us(),
                });
            }
        };
        self.decide(Input::Suspended(key, attempt, wait));
    }
}

/// A step that wants to start another preset.
pub(crate) struct ChildCall {
    pub(crate) preset: String,
    pub(crate) items: Vec<Arc<Item>>,
    pub(crate) variables: BTreeMap<String, serde_json::Value>,
    pub(crate) key: Key,
    pub(crate) attempt: u32,
    pub(crate) took_us: u64,
}

/// The trigger that a run by hand stands for: the first `manual` one, or the first of any kind.
fn default_trigger(program: &Program) -> Option<StepId> {
    let triggers = &program.preset.triggers;
    let enabled = || triggers.iter().filter(|(_, trigger)| !trigger.disabled);
    enabled().find(|(_, trigger)| trigger.component == "manual").or_else(|| enabled().next()).map(|(id, _)| id.clone())
}
