//! How long a role that ended stays down.
//!
//! Who is killed while it works, or ends in good order to be started anew, is back at once, as often as that happens. Who ends before it was ready, or by itself soon
//! after, would only do so again: its pauses grow, so that a role which cannot run costs next to nothing.

use std::time::Duration;

/// The pause before the first restart.
const FIRST: Duration = Duration::from_millis(20);
/// How much longer each further pause is.
const FACTOR: u32 = 3;
/// The longest pause.
const MAX: Duration = Duration::from_secs(10);
/// A role that was killed from outside, or ended in good order, counts as having worked when it was ready for so long.
const KILLED_AFTER: Duration = Duration::from_millis(50);
/// A role that ended by itself counts as having worked when it was ready for so long.
const STEADY_AFTER: Duration = Duration::from_secs(20);

/// One life of a role, looked at after its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    /// How long it was ready; none when it never was.
    pub(super) ready_for: Option<Duration>,
    /// Whether somebody outside killed it, or it ended in good order to be started anew, rather than broke.
    pub(super) is_fine: bool,
}

impl Life {
    fn worked(self) -> bool {
        let enough = if self.is_fine { KILLED_AFTER } else { STEADY_AFTER };
        self.ready_for.is_some_and(|ready_for| ready_for >= enough)
    }
}

/// The pauses of one role.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    /// How long to wait after this life.
    pub(super) fn after(&mut self, life: Life) -> Duration {
        let pause = if life.worked() { FIRST } else { self.next };
        self.next = (pause * FACTOR).min(MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(ready_ms: Option<u64>, is_fine: bool) -> Life {
        Life { ready_for: ready_ms.map(Duration::from_millis), is_fine }
    }

    #[test]
    fn a_role_that_is_killed_while_it_works_is_back_at_once_every_time() {
        let mut backoff = Backoff::new();
        for _ in 0..1_000 {
            assert_eq!(backoff.after(life(Some(150), true)), FIRST);
        }
    }

    #[test]
    fn a_role_that_never_gets_ready_is_tried_less_and_less_often() {
        for is_fine in [false, true] {
            let mut backoff = Backoff::new();
            let pauses: Vec<u64> =
                (0..9).map(|_| backoff.after(life(None, is_fine)).as_millis().try_into().unwrap()).collect();
            assert_eq!(pauses, [20, 60, 180, 540, 1_620, 4_860, 10_000, 10_000, 10_000]);
        }
    }

    #[test]
    fn a_role_that_gets_ready_and_breaks_soon_after_is_a_crash_loop() {
        let mut backoff = Backoff::new();
        let pauses: Vec<Duration> = (0..9).map(|_| backoff.after(life(Some(3_000), false))).collect();
        assert_eq!(pauses.last(), Some(&MAX));
        assert_eq!(backoff.after(life(Some(30_000), false)), FIRST, "it has worked for a while");
    }

    #[test]
    fn one_life_that_worked_ends_the_waiting() {
        let mut backoff = Backoff::new();
        for _ in 0..5 {
            backoff.after(life(None, true));
        }
        assert_eq!(backoff.after(life(Some(200), true)), FIRST);
        assert_eq!(backoff.after(life(None, true)), FIRST * FACTOR);
    }
}
