//! A part of a preset to run: some steps and what leads to them, with given outputs in the place of others.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::StepId;
use crate::item::Item;
use crate::plan::nearest;
use crate::preset::{End, Preset, Step, Wire};

/// Outputs to give instead of running, by step and port.
pub type Pins = BTreeMap<StepId, BTreeMap<String, Vec<Item>>>;

/// The part of `preset` that runs `until` and what leads to them; everything, when that is empty. A step in `pins`, or pinned in
/// the preset, gives what it is pinned to, so nothing before it is needed for its sake; it is started by the triggers themselves.
/// Loops are kept whole as far as they lead there.
///
/// # Errors
/// The first id in `until` that is no step or trigger, or in `pins` that is no step, with the nearest one that is.
pub fn part(preset: &Preset, until: &[StepId], pins: Pins) -> Result<Preset, (StepId, Option<String>)> {
    let ids = || preset.steps.keys().chain(preset.triggers.keys());
    let strange_end = until.iter().find(|id| !ids().any(|known| known == *id));
    if let Some(stranger) = strange_end.or_else(|| pins.keys().find(|id| !preset.steps.contains_key(*id))) {
        let near = nearest(stranger.as_str(), ids().map(StepId::as_str)).map(str::to_owned);
        return Err((stranger.clone(), near));
    }
    let mut part = preset.clone();
    for (id, pin) in pins {
        if let Some(step) = part.steps.get_mut(&id) {
            step.pin = Some(pin);
        }
    }
    if until.is_empty() {
        return Ok(part);
    }
    let is_pinned = |steps: &BTreeMap<StepId, Step>, id: &StepId| steps.get(id).is_some_and(|step| step.pin.is_some());
    let mut needed: BTreeSet<StepId> = until.iter().cloned().collect();
    let mut look: Vec<StepId> = until.to_vec();
    while let Some(id) = look.pop() {
        if is_pinned(&part.steps, &id) {
            continue;
        }
        for wire in part.wires.values().filter(|wire| wire.to.step == id) {
            if needed.insert(wire.from.step.clone()) {
                look.push(wire.from.step.clone());
            }
        }
    }
    part.steps.retain(|id, _| needed.contains(id));
    start_pinned(&mut part);
    part.wires.retain(|_, wire| {
        let from = &wire.from.step;
        part.steps.contains_key(&wire.to.step) && (part.steps.contains_key(from) || part.triggers.contains_key(from))
    });
    part.groups.clear();
    part.notes.clear();
    Ok(part)
}

/// Wires pinned steps to every trigger in the place of what was before them: a job is started by one, whichever it is.
fn start_pinned(part: &mut Preset) {
    let pinned: Vec<StepId> =
        part.steps.iter().filter(|(_, step)| step.pin.is_some()).map(|(id, _)| id.clone()).collect();
    for id in pinned {
        let port = part.wires.values().find(|wire| wire.to.step == id).map(|wire| wire.to.port.clone());
        part.wires.retain(|_, wire| wire.to.step != id);
        // A step that nothing led to starts by itself when there are no triggers, and never when there are.
        let Some(port) = port else { continue };
        for trigger in part.triggers.keys() {
            let out = part.wires.values().find(|wire| wire.from.step == *trigger).map(|wire| wire.from.port.clone());
            let wire = Wire {
                from: End { step: trigger.clone(), port: out.unwrap_or_else(|| "out".to_owned()) },
                to: End { step: id.clone(), port: port.clone() },
            };
            part.wires.insert(wire.natural_id(), wire);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn preset() -> Preset {
        serde_json::from_value(json!({
            "flowork": "preset/1", "name": "p",
            "triggers": { "hand": { "component": "manual" } },
            "steps": {
                "a": { "component": "no-op" }, "b": { "component": "no-op" }, "c": { "component": "no-op" },
                "d": { "component": "no-op" }, "side": { "component": "no-op" }
            },
            "wires": ["hand -> a", "a -> b", "b -> c", "c -> d", "a -> side"]
        }))
        .unwrap()
    }

    fn steps(preset: &Preset) -> Vec<&str> {
        preset.steps.keys().map(StepId::as_str).collect()
    }

    #[test]
    fn what_leads_to_a_step_is_kept_and_nothing_else() {
        let part = part(&preset(), &["c".into()], Pins::new()).unwrap();
        assert_eq!(steps(&part), ["a", "b", "c"]);
        assert_eq!(part.wires.len(), 3, "hand -> a, a -> b, b -> c");
    }

    #[test]
    fn before_a_pinned_step_nothing_runs() {
        let pins = Pins::from([("b".into(), BTreeMap::from([("out".to_owned(), vec![Item::json(json!(1))])]))]);
        let part = part(&preset(), &["c".into()], pins).unwrap();
        assert_eq!(steps(&part), ["b", "c"]);
        let wires: Vec<(&str, &str)> =
            part.wires.values().map(|it| (it.from.step.as_str(), it.to.step.as_str())).collect();
        assert_eq!(wires, [("b", "c"), ("hand", "b")]);
        assert!(part.steps[&StepId::from("b")].pin.is_some());
    }

    #[test]
    fn a_pin_without_an_end_pins_that_step_in_the_whole_preset() {
        let pins = Pins::from([("b".into(), BTreeMap::new())]);
        assert_eq!(steps(&part(&preset(), &[], pins).unwrap()).len(), 5);
    }

    #[test]
    fn a_step_that_is_not_there_is_named_with_the_nearest_that_is() {
        let (stranger, near) = part(&preset(), &["sidd".into()], Pins::new()).unwrap_err();
        assert_eq!((stranger.as_str(), near.as_deref()), ("sidd", Some("side")));
    }
}
