//! How many jobs of a preset run at once, over all shards.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use flowork_protocol::PresetId;

/// Counts running jobs of presets that have a limit.
#[derive(Default)]
pub(crate) struct Limits {
    running: Mutex<HashMap<PresetId, u32>>,
}

impl Limits {
    /// Reserves up to `wanted` of the room that `limit` leaves; gives how many.
    pub(crate) fn reserve(&self, preset: &PresetId, limit: u32, wanted: u32) -> u32 {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(preset.clone()).or_default();
        let got = limit.saturating_sub(*count).min(wanted);
        *count += got;
        got
    }

    /// Counts a job that runs whatever the limit says (it did before a restart).
    pub(crate) fn force(&self, preset: &PresetId) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner).entry(preset.clone()).or_default() += 1;
    }

    /// Gives room back.
    pub(crate) fn release(&self, preset: &PresetId, count: u32) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = running.get_mut(preset) {
            *now = now.saturating_sub(count);
            if *now == 0 {
                running.remove(preset);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_once_and_comes_back() {
        let limits = Limits::default();
        let preset = PresetId::from("p");
        assert_eq!(limits.reserve(&preset, 2, 5), 2);
        assert_eq!(limits.reserve(&preset, 2, 5), 0);
        limits.release(&preset, 1);
        assert_eq!(limits.reserve(&preset, 2, 5), 1);
    }
}
