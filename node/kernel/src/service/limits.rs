//! How many jobs of a preset run at once, over all shards.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use flowork_protocol::PresetId;

/// Counts running jobs of presets that have a limit.
#[derive(Default)]
pub(crate) struct Limits {
    running: Mutex<HashMap<PresetId, u32>>,
}

/// The place of one running job under its preset's limit. Dropping it gives the place back, whatever the reason.
pub(crate) struct Place {
    limits: Arc<Limits>,
    preset: PresetId,
}

impl Limits {
    /// Reserves up to `wanted` of the room that `limit` leaves; gives as many places as it got.
    pub(crate) fn reserve(self: &Arc<Self>, preset: &PresetId, limit: u32, wanted: u32) -> Vec<Place> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry(preset.clone()).or_default();
        let got = limit.saturating_sub(*count).min(wanted);
        *count += got;
        (0..got).map(|_| Place { limits: Arc::clone(self), preset: preset.clone() }).collect()
    }

    /// Counts a job that runs whatever the limit says (it did before a restart).
    pub(crate) fn force(self: &Arc<Self>, preset: &PresetId) -> Place {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner).entry(preset.clone()).or_default() += 1;
        Place { limits: Arc::clone(self), preset: preset.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.limits.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = running.get_mut(&self.preset) {
            *now = now.saturating_sub(1);
            if *now == 0 {
                running.remove(&self.preset);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_once_and_comes_back() {
        let limits = Arc::new(Limits::default());
        let preset = PresetId::from("p");
        let mut places = limits.reserve(&preset, 2, 5);
        assert_eq!(places.len(), 2);
        assert_eq!(limits.reserve(&preset, 2, 5).len(), 0);
        places.pop();
        assert_eq!(limits.reserve(&preset, 2, 5).len(), 1);
    }
}
