use automerge::transaction::Transactable;
use automerge::{ObjType, ROOT, ReadDoc};
use flowork_protocol::preset::{Position, Step, Trigger, Wire};
use serde_json::json;

use super::*;

fn wire(from: &str, to: &str) -> Wire {
    let listed = json!({ "flowork": "preset/1", "name": "x", "wires": [format!("{from} -> {to}")] });
    preset(listed).wires.into_values().next().unwrap()
}

#[test]
fn edits_in_different_places_of_one_step_both_survive() {
    let view = merged(
        &report(),
        |one| {
            let fetch = one.steps.get_mut("fetch").unwrap();
            fetch.config.insert("code".into(), "zero\none\ntwo\nthree\n".into());
            fetch.note = "Left a note.".into();
        },
        |other| {
            let fetch = other.steps.get_mut("fetch").unwrap();
            fetch.config.insert("code".into(), "one\ntwo\nthree\nfour\n".into());
            fetch.position = Some(Position { x: 1.0, y: 2.0 });
            other.title = "A good report".into();
        },
    );
    assert_eq!(view.repairs, Vec::<String>::new());
    let fetch = &view.preset.steps["fetch"];
    assert_eq!(fetch.config["code"], "zero\none\ntwo\nthree\nfour\n");
    assert_eq!((fetch.note.as_str(), fetch.position), ("Left a note.", Some(Position { x: 1.0, y: 2.0 })));
    assert_eq!(view.preset.title, "A good report");
}

#[test]
fn steps_and_wires_that_two_people_add_at_once_are_all_there() {
    let add = |name: &'static str| {
        move |preset: &mut Preset| {
            preset.steps.insert(name.into(), Step::of("no-op", serde_json::Map::new()));
            let wire = wire("fetch", name);
            preset.wires.insert(wire.natural_id(), wire);
        }
    };
    let view = merged(&report(), add("left"), add("right"));
    assert_eq!(view.repairs, Vec::<String>::new());
    assert_eq!(view.preset.steps.len(), 4);
    assert_eq!(view.preset.wires.len(), 3);
}

#[test]
fn a_wire_to_a_step_that_was_deleted_meanwhile_is_left_out_and_reported() {
    let view = merged(
        &report(),
        |one| {
            one.steps.remove("mail");
            one.wires.clear();
        },
        |other| {
            other.steps.insert("log".into(), Step::of("no-op", serde_json::Map::new()));
            let wire = wire("mail", "log");
            other.wires.insert(wire.natural_id(), wire);
        },
    );
    assert_eq!(view.preset.wires.len(), 0);
    assert_eq!(view.preset.steps.keys().map(|id| id.as_str()).collect::<Vec<_>>(), ["fetch", "log"]);
    assert_eq!(view.repairs, ["the wire `mail:out>log:in` leads to the step `mail`, which is gone; it is left out"]);
}

#[test]
fn a_step_and_a_trigger_that_take_one_id_at_once_are_told_apart() {
    let view = merged(
        &report(),
        |one| drop(one.steps.insert("start".into(), Step::of("no-op", serde_json::Map::new()))),
        |other| {
            drop(other.triggers.insert("start".into(), Trigger { component: "manual".into(), ..Trigger::default() }));
        },
    );
    assert_eq!(view.preset.steps["start"].component, "no-op");
    assert_eq!(view.preset.triggers["start-trigger"].component, "manual");
    assert_eq!(view.repairs.len(), 1, "{:?}", view.repairs);
}

#[test]
fn of_two_values_chosen_at_once_one_is_kept_and_it_is_said_until_somebody_saves() {
    let base = report();
    let doc = made(&base);
    let choose = |component: &str| {
        let mut preset = base.clone();
        preset.steps.get_mut("mail").unwrap().component = component.to_owned();
        edit(&doc, &preset).doc
    };
    let (mut one, mut other) = (choose("merge"), choose("limit"));
    one.merge(&mut other).unwrap();
    let view = view::read(&one, None);
    let kept = view.preset.steps["mail"].component.clone();
    assert!(["merge", "limit"].contains(&kept.as_str()));
    assert_eq!(
        view.repairs,
        [format!("`/steps/mail/component` was set to different values at the same time; \"{kept}\" was kept")]
    );
    let saved = edit(&one, &view.preset);
    assert!(saved.change.is_some());
    assert_eq!((saved.view.preset, saved.view.repairs), (view.preset, Vec::new()));
}

#[test]
fn repairs_are_never_written_back() {
    let mut doc = made(&report());
    let mut tx = doc.transaction();
    let (_, steps) = tx.get(ROOT, "steps").unwrap().unwrap();
    tx.delete(&steps, "mail").unwrap();
    tx.commit();
    let before = doc.save();
    assert_eq!(view::read(&doc, None).repairs.len(), 1);
    assert_eq!(doc.save(), before);
}

#[test]
fn what_has_the_wrong_type_reads_as_its_default_and_the_rest_as_it_is() {
    let mut doc = made(&report());
    let mut tx = doc.transaction();
    let (_, steps) = tx.get(ROOT, "steps").unwrap().unwrap();
    let (_, mail) = tx.get(&steps, "mail").unwrap().unwrap();
    tx.put(&mail, "timeout_ms", "soon").unwrap();
    tx.put(&mail, "position", 3).unwrap();
    tx.put(&mail, "from_a_newer_flowork", true).unwrap();
    tx.put(&steps, "broken", 7).unwrap();
    tx.put(ROOT, "variables", 1.5).unwrap();
    tx.commit();
    let view = view::read(&doc, None);
    assert_eq!(view.preset.steps["mail"].timeout_ms, None);
    assert_eq!(view.preset.steps["mail"].position, None);
    assert_eq!(view.preset.steps["mail"].secrets, ["key", "password"]);
    assert_eq!(view.preset.steps.len(), 2);
    assert!(view.preset.variables.is_empty());
    assert_eq!(view.repairs.len(), 4, "{:?}", view.repairs);
}

#[test]
fn fields_of_a_newer_flowork_outlive_an_edit() {
    let mut doc = made(&report());
    let mut tx = doc.transaction();
    let (_, steps) = tx.get(ROOT, "steps").unwrap().unwrap();
    let (_, mail) = tx.get(&steps, "mail").unwrap().unwrap();
    let inner = tx.put_object(&mail, "from_a_newer_flowork", ObjType::Map).unwrap();
    tx.put(&inner, "x", 1).unwrap();
    tx.commit();
    let mut preset = read(&doc);
    preset.steps.get_mut("mail").unwrap().note = "seen".into();
    let doc = edit(&doc, &preset).doc;
    assert!(doc.get(&mail, "from_a_newer_flowork").unwrap().is_some());
}

#[test]
fn numbers_that_other_programs_write_as_integers_read_as_positions() {
    let mut doc = made(&report());
    let mut tx = doc.transaction();
    let (_, steps) = tx.get(ROOT, "steps").unwrap().unwrap();
    let (_, mail) = tx.get(&steps, "mail").unwrap().unwrap();
    let (_, position) = tx.get(&mail, "position").unwrap().unwrap();
    tx.put(&position, "x", 42).unwrap();
    tx.commit();
    let view = view::read(&doc, None);
    assert_eq!(view.preset.steps["mail"].position, Some(Position { x: 42.0, y: 20.5 }));
    assert_eq!(view.repairs, Vec::<String>::new());
}

#[test]
fn a_long_text_may_become_any_other_text() {
    let texts = [
        format!("head {} tail", "ä".repeat(60_000)),
        format!("head {} tail", "ö😀".repeat(30_000)),
        "short".to_owned(),
        String::new(),
        (0..5_000).map(|line| format!("line {line}\n")).collect(),
        (0..5_000).filter(|line| line % 7 != 0).map(|line| format!("line {}\n", line ^ 1)).collect(),
        "e\u{301}".repeat(5_000),
    ];
    let mut preset = report();
    let mut doc = made(&preset);
    for text in texts {
        preset.docs = text.clone();
        preset.steps.get_mut("fetch").unwrap().config.insert("code".into(), text.into());
        let edited = edit(&doc, &preset);
        assert_eq!(edited.view.preset, preset);
        doc = edited.doc;
    }
}

#[test]
fn edits_between_two_far_places_of_a_long_code_survive() {
    let code: String = (0..2_000).map(|line| format!("line {line}\n")).collect();
    let mut base = report();
    let set = |preset: &mut Preset, code: String| {
        preset.steps.get_mut("fetch").unwrap().config.insert("code".into(), code.into());
    };
    set(&mut base, code.clone());
    let one = code.replacen("line 3\n", "line three\n", 1).replacen("line 1990\n", "line MCMXC\n", 1);
    let other = code.replacen("line 1000\n", "line 1000, the middle\n", 1);
    let view = merged(&base, |preset| set(preset, one.clone()), |preset| set(preset, other));
    let both = one.replacen("line 1000\n", "line 1000, the middle\n", 1);
    assert_eq!(view.preset.steps["fetch"].config["code"], both);
}

#[test]
fn an_edit_that_changes_nothing_makes_no_change() {
    let preset = report();
    assert!(edit(&made(&preset), &preset).change.is_none());
}

#[test]
fn one_letter_in_a_long_code_is_a_small_change() {
    let mut preset = report();
    let code: String = (0..2_000).map(|line| format!("line {line}\n")).collect();
    preset.steps.get_mut("fetch").unwrap().config.insert("code".into(), code.clone().into());
    let doc = made(&preset);
    let changed = code.replacen("line 1000\n", "line 1000!\n", 1);
    preset.steps.get_mut("fetch").unwrap().config.insert("code".into(), changed.into());
    let change = edit(&doc, &preset).change.unwrap();
    assert!(change.raw_bytes().len() < 200, "{} bytes", change.raw_bytes().len());
}
