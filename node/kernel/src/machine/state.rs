//! The fold: what each recorded event makes of the state.

use flowork_protocol::event::{AfterFailure, Resume, Wait, What};
use flowork_protocol::plan::{ERROR_PORT, LOOP_BACK, LOOP_BODY};

use super::{Key, Loop, Machine, Phase, Slot, Status, after_failure, counts};

impl Machine {
    /// Folds one recorded event. Events of steps that the plan does not have are passed over: the plan is the job's own
    /// version, so there are none.
    pub fn apply(&mut self, what: &What) {
        match what {
            What::Accepted(submission) => self.accept(submission),
            What::StepLog { .. } | What::Parked { .. } => {}
            What::Started { .. } => self.begin(),
            What::StepStarted { run, attempt, .. } => {
                let Some(key) = self.key(run) else { return };
                let slot = self.slot(&key);
                slot.attempt = *attempt;
                slot.status = Status::Running;
                slot.resume = None;
            }
            What::StepSucceeded(result) => {
                let Some(key) = self.key(&result.run) else { return };
                self.slot(&key).attempt = result.attempt;
                let counts = counts(self.vertex(key.vertex), result);
                self.settle(&key, &counts);
            }
            What::StepFailed { run, attempt, error, then, .. } => {
                let Some(key) = self.key(run) else { return };
                let slot = self.slot(&key);
                slot.attempt = *attempt;
                slot.status = after_failure(*then);
                self.loops.remove(&key);
                match then {
                    AfterFailure::ErrorPort => {
                        let items = self.items_in(&key);
                        let ports = &self.vertex(key.vertex).outputs;
                        let counts: Vec<u64> =
                            ports.iter().map(|port| if port.name == ERROR_PORT { items } else { 0 }).collect();
                        self.settle(&key, &counts);
                    }
                    AfterFailure::Continue => self.settle(&key, &[]),
                    AfterFailure::FailJob => self.phase = Phase::Failed(error.clone()),
                    AfterFailure::Retry { .. } | AfterFailure::Ask => {}
                }
            }
            What::StepSkipped { run, .. } => {
                if let Some(key) = self.key(run) {
                    self.settle(&key, &[]);
                }
            }
            What::StepSuspended { run, attempt, wait } => {
                let Some(key) = self.key(run) else { return };
                if let Wait::Rounds { rounds } = wait {
                    self.loops.insert(key.clone(), Loop { rounds: *rounds, current: None, open: 0 });
                }
                let slot = self.slot(&key);
                slot.attempt = *attempt;
                slot.status = Status::Suspended(wait.clone());
            }
            What::StepResumed { run, with } => self.resume(run, with),
            What::LoopRound { run, round, items } => {
                if let Some(key) = self.key(run) {
                    self.begin_round(&key, *round, items.len());
                }
            }
            What::Paused if self.has_begun() => self.phase = Phase::Paused,
            What::Paused => self.phase = Phase::Withheld,
            What::Resumed if self.has_begun() => self.phase = Phase::Going,
            What::Resumed => self.phase = Phase::Fresh,
            What::CancelRequested { reason } => self.phase = Phase::Cancelled(reason.clone()),
            What::Ended { .. } => self.phase = Phase::Ended,
        }
    }

    /// The slot of a run, made when the first wire delivers.
    pub(super) fn slot(&mut self, key: &Key) -> &mut Slot {
        let wires_open = self.rules.plan.vertices[key.vertex].wires_in();
        self.slots.entry(key.clone()).or_insert_with(|| Slot {
            wires_open,
            items_in: 0,
            attempt: 0,
            status: Status::Blocked,
            resume: None,
        })
    }

    fn begin(&mut self) {
        self.phase = Phase::Going;
        let has_triggers = self.rules.plan.vertices.iter().any(|vertex| vertex.is_trigger);
        let input_items = if has_triggers { 0 } else { self.input_items };
        for vertex in 0..self.rules.plan.vertices.len() {
            let it = self.vertex(vertex);
            if it.scope.is_empty() && it.wires_in() == 0 {
                let key = Key::once(vertex);
                let slot = self.slot(&key);
                slot.status = Status::Ready;
                slot.items_in = input_items;
                self.ready.push_back(key);
            }
        }
    }

    /// The run gave `counts` items on its output ports (none where the slice ends): successors hear of it, once.
    fn settle(&mut self, key: &Key, counts: &[u64]) {
        self.slot(key).status = Status::Settled;
        self.loops.remove(key);
        self.forget_rounds(key);
        let rules = self.rules.clone();
        let vertex = &rules.plan.vertices[key.vertex];
        for (number, port) in vertex.outputs.iter().enumerate() {
            if vertex.is_loop() && port.name == LOOP_BODY {
                continue;
            }
            self.deliver(key, &port.to, counts.get(number).copied().unwrap_or(0));
        }
        match vertex.scope.last() {
            None => self.open = self.open.saturating_sub(1),
            Some(head) => {
                let head = key.sees(*head, &rules.plan);
                if let Some(state) = self.loops.get_mut(&head) {
                    state.open = state.open.saturating_sub(1);
                }
            }
        }
    }

    fn deliver(&mut self, from: &Key, targets: &[(usize, usize)], items: u64) {
        for (vertex, port) in targets {
            let it = self.vertex(*vertex);
            if it.is_loop() && it.inputs[*port].name == LOOP_BACK {
                continue;
            }
            let target = Key { vertex: *vertex, rounds: from.rounds.clone() };
            let slot = self.slot(&target);
            slot.wires_open = slot.wires_open.saturating_sub(1);
            slot.items_in += items;
            if slot.wires_open == 0 && slot.status == Status::Blocked {
                slot.status = Status::Ready;
                self.ready.push_back(target);
            }
        }
    }

    fn begin_round(&mut self, key: &Key, round: u32, items: u64) {
        self.forget_rounds(key);
        let rules = self.rules.clone();
        let vertex = &rules.plan.vertices[key.vertex];
        if let Some(state) = self.loops.get_mut(key) {
            state.current = Some(round);
            state.open = vertex.members;
        }
        if let Some(port) = vertex.output(LOOP_BODY) {
            self.deliver(&key.batch(round), &vertex.outputs[port].to, items);
        }
    }

    /// Forgets the runs of earlier rounds of this loop: nothing can refer to them any more.
    fn forget_rounds(&mut self, key: &Key) {
        if !self.vertex(key.vertex).is_loop() {
            return;
        }
        let rules = self.rules.clone();
        let depth = key.rounds.len();
        let is_inside = |it: &Key| {
            it.rounds.len() > depth
                && it.rounds[..depth] == key.rounds[..]
                && rules.plan.vertices[it.vertex].scope.get(depth) == Some(&key.vertex)
        };
        self.slots.retain(|it, _| !is_inside(it));
        self.loops.retain(|it, _| !is_inside(it));
    }

    fn resume(&mut self, run: &flowork_protocol::event::Run, with: &Resume) {
        let Some(key) = self.key(run) else { return };
        let slot = self.slot(&key);
        let was_asking = slot.status == Status::Asking;
        match with {
            // The answer to "run it again?" is no input of the step; a no is followed by a failure event.
            Resume::Decision { approved, .. } if was_asking => {
                if !approved {
                    return;
                }
            }
            Resume::RoundsDone => return,
            _ => slot.resume = Some(with.clone()),
        }
        slot.status = Status::Ready;
        self.ready.push_back(key);
    }
}
