//! The machine's state as a checkpoint holds it: by the names of steps, so that it does not depend on how a plan numbers them.

use std::sync::Arc;

use flowork_protocol::event::Run;
use serde::{Deserialize, Serialize};

use super::{Key, Loop, Machine, Phase, Rules, Slot, Status};

/// A machine's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    slots: Vec<(Run, Slot)>,
    loops: Vec<(Run, Loop)>,
    open: usize,
    phase: Phase,
    input_items: u64,
}

impl Machine {
    /// The state, in an order that does not depend on how it came about.
    #[must_use]
    pub fn save(&self) -> Saved {
        let mut slots: Vec<(&Key, &Slot)> = self.slots.iter().collect();
        slots.sort_by_key(|(key, _)| *key);
        let mut loops: Vec<(&Key, &Loop)> = self.loops.iter().collect();
        loops.sort_by_key(|(key, _)| *key);
        Saved {
            slots: slots.into_iter().map(|(key, slot)| (self.run(key), slot.clone())).collect(),
            loops: loops.into_iter().map(|(key, it)| (self.run(key), it.clone())).collect(),
            open: self.open,
            phase: self.phase.clone(),
            input_items: self.input_items,
        }
    }

    /// The machine that stood so. None when the state is not one of this plan.
    #[must_use]
    pub fn restore(rules: Arc<Rules>, saved: Saved) -> Option<Self> {
        let mut machine = Self::new(rules);
        for (run, slot) in saved.slots {
            machine.slots.insert(machine.key(&run)?, slot);
        }
        for (run, it) in saved.loops {
            machine.loops.insert(machine.key(&run)?, it);
        }
        machine.open = saved.open;
        machine.phase = saved.phase;
        machine.input_items = saved.input_items;
        machine.line_up();
        Some(machine)
    }

    /// Puts what may run into an order that does not depend on how it came about, so that a job taken up from a checkpoint
    /// goes on as one taken up from all its events.
    pub(super) fn line_up(&mut self) {
        let mut ready: Vec<Key> =
            self.slots.iter().filter(|(_, slot)| slot.status == Status::Ready).map(|(key, _)| key.clone()).collect();
        ready.sort();
        self.ready = ready.into();
    }
}
