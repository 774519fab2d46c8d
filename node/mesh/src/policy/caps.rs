//! Caps on what of the machine is in use, loans included.
//!
//! A loan raises the very numbers that hold it, and they fall when it is held. So that this does not become a loop, a cap
//! holds at once, lets go only after a rest below it by a tenth, and rests longer each time that it had to hold again soon.

use std::time::{Duration, Instant};

use flowork_ports::mesh::Policy;

use super::{NOT_LOOKED, told};
use crate::machine::Seen;

/// How long a number has to stay low before a cap lets go.
const REST_FIRST: Duration = Duration::from_secs(15);
/// The longest such rest. A cap that held nothing for so long begins anew with the first.
const REST_MAX: Duration = Duration::from_secs(600);

/// What there are caps on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cap {
    Memory,
    Gpu,
    GpuMemory,
    Watts,
}

impl Cap {
    pub(super) const ALL: [Self; 4] = [Self::Memory, Self::Gpu, Self::GpuMemory, Self::Watts];

    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Memory => "memory_percent",
            Self::Gpu => "gpu_percent",
            Self::GpuMemory => "gpu_memory_percent",
            Self::Watts => "watts",
        }
    }

    /// Where a policy sets it.
    pub(super) fn of(self, policy: &Policy) -> Option<u32> {
        match self {
            Self::Memory => policy.memory_percent.map(u32::from),
            Self::Gpu => policy.gpu_percent.map(u32::from),
            Self::GpuMemory => policy.gpu_memory_percent.map(u32::from),
            Self::Watts => policy.watts,
        }
    }

    /// What the machine tells.
    pub(super) fn reading(self, seen: &Seen) -> Result<u32, &str> {
        match self {
            Self::Memory => Ok(u32::from(*told(seen.memory_percent.as_ref())?)),
            Self::Gpu => {
                let busy = told(seen.graphics.as_ref())?.busy_percent;
                Ok(u32::from(busy.ok_or("its graphics card does not tell how busy it is")?))
            }
            Self::GpuMemory => {
                let used = told(seen.graphics.as_ref())?.memory_percent;
                Ok(u32::from(used.ok_or("its graphics card does not tell how much of its memory is in use")?))
            }
            Self::Watts => told(seen.watts.as_ref()).copied(),
        }
    }

    /// Why it holds, when it is at or above the cap.
    fn over(self, reading: u32) -> String {
        match self {
            Self::Memory => format!("while {reading} % of its memory is in use"),
            Self::Gpu => format!("while its graphics card is {reading} % busy"),
            Self::GpuMemory => format!("while {reading} % of its graphics memory is in use"),
            Self::Watts => format!("while it draws {reading} W"),
        }
    }

    /// Why it still holds, when it fell below the cap.
    fn rests(self, cap: u32) -> String {
        match self {
            Self::Memory => format!("until the memory in use has stayed below {cap} % for a while"),
            Self::Gpu => format!("until its graphics card has stayed below {cap} % for a while"),
            Self::GpuMemory => format!("until the graphics memory in use has stayed below {cap} % for a while"),
            Self::Watts => format!("until it has drawn less than {cap} W for a while"),
        }
    }
}

/// Whether one cap holds one engine.
#[derive(Debug, Clone, Default)]
pub(super) struct Latch {
    why: Option<String>,
    /// Since when it could let go.
    calm_since: Option<Instant>,
    /// How long it rests this time.
    rest: Duration,
    let_go_at: Option<Instant>,
}

impl Latch {
    /// Why it holds.
    pub(super) fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Takes one more reading.
    pub(super) fn see(&mut self, which: Cap, cap: u32, reading: Result<u32, &str>, now: Instant) {
        let is_over = reading.map_or(true, |reading| reading >= cap);
        if is_over {
            if self.why.is_none() {
                let is_soon = self.let_go_at.is_some_and(|at| now.saturating_duration_since(at) < REST_MAX);
                self.rest = if is_soon { (self.rest * 2).min(REST_MAX) } else { REST_FIRST };
            }
            self.calm_since = None;
            self.why = Some(match reading {
                Ok(reading) => which.over(reading),
                Err(why) => format!("because `{}` cannot be kept: {why}", which.field()),
            });
            return;
        }
        if self.why.is_none() {
            return;
        }
        self.why = Some(which.rests(cap));
        let is_calm = reading.is_ok_and(|reading| reading < cap - cap / 10);
        let calm_since = is_calm.then(|| self.calm_since.unwrap_or(now));
        self.calm_since = calm_since;
        if calm_since.is_some_and(|since| now.saturating_duration_since(since) >= self.rest) {
            *self = Self { rest: self.rest, let_go_at: Some(now), ..Self::default() };
        }
    }

    /// Before anything was read.
    pub(super) fn not_looked() -> String {
        NOT_LOOKED.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cap of 80 % of the memory, and a clock that goes when it is told to.
    struct Machine {
        latch: Latch,
        now: Instant,
    }

    impl Machine {
        fn new() -> Self {
            Self { latch: Latch::default(), now: Instant::now() }
        }

        /// A second later.
        fn sees(&mut self, percent: u32) -> bool {
            self.now += Duration::from_secs(1);
            self.latch.see(Cap::Memory, 80, Ok(percent), self.now);
            self.latch.why().is_some()
        }

        /// How many seconds of `percent` it takes until it lets go.
        fn rests(&mut self, percent: u32) -> u64 {
            (0..10_000).find(|_| !self.sees(percent)).unwrap()
        }
    }

    #[test]
    fn it_holds_at_once_and_lets_go_after_a_rest_well_below() {
        let mut machine = Machine::new();
        assert!(!machine.sees(79));
        assert!(machine.sees(80));
        assert_eq!(machine.latch.why(), Some("while 80 % of its memory is in use"));
        // Below the cap, and not by a tenth.
        assert!((0..1_000).all(|_| machine.sees(73)));
        assert_eq!(machine.latch.why(), Some("until the memory in use has stayed below 80 % for a while"));
        assert_eq!(machine.rests(71), 15);
        assert!(!machine.sees(79));
    }

    #[test]
    fn a_number_that_rises_in_between_begins_the_rest_anew() {
        let mut machine = Machine::new();
        machine.sees(95);
        assert!((0..14).all(|_| machine.sees(10)));
        assert!(machine.sees(81));
        assert_eq!(machine.rests(10), 15);
    }

    #[test]
    fn a_loan_that_goes_over_by_itself_is_not_let_go_and_held_in_a_loop() {
        let mut machine = Machine::new();
        let mut rests = Vec::new();
        for _ in 0..8 {
            // It takes memory as soon as it may, and gives it back when it is held.
            assert!(machine.sees(90));
            rests.push(machine.rests(40));
        }
        assert_eq!(rests, [15, 30, 60, 120, 240, 480, 600, 600]);
        // After a long time without, it is as at first.
        assert!((0..600).all(|_| !machine.sees(40)));
        machine.sees(90);
        assert_eq!(machine.rests(40), 15);
    }

    #[test]
    fn what_cannot_be_read_holds() {
        let mut machine = Machine::new();
        machine.latch.see(Cap::Watts, 150, Err("its meter is gone"), machine.now);
        assert_eq!(machine.latch.why(), Some("because `watts` cannot be kept: its meter is gone"));
        assert_eq!(machine.rests(0), 15);
    }

    #[test]
    fn the_smallest_cap_lets_go_too() {
        let mut latch = Latch::default();
        let now = Instant::now();
        latch.see(Cap::Gpu, 1, Ok(1), now);
        latch.see(Cap::Gpu, 1, Ok(0), now + Duration::from_secs(1));
        latch.see(Cap::Gpu, 1, Ok(0), now + Duration::from_secs(16));
        assert_eq!(latch.why(), None);
    }
}
