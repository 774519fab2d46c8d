use serde_json::json;

use super::*;
use crate::manifest::{Example, Permissions, Port};

struct Few;

impl Catalogue for Few {
    fn names(&self) -> Vec<String> {
        ["loop", "manual", "set"].map(str::to_owned).to_vec()
    }
    fn manifest(&self, name: &str) -> Option<Manifest> {
        let kind = match name {
            "manual" => Kind::Trigger,
            "loop" | "set" => Kind::Module,
            _ => return None,
        };
        Some(Manifest {
            name: name.to_owned(),
            version: 2,
            title: String::new(),
            summary: String::new(),
            docs: String::new(),
            category: String::new(),
            kind,
            inputs: Vec::new(),
            outputs: Vec::new(),
            config: json!({}),
            effect: Effect::Pure,
            permissions: Permissions::default(),
            example: Example {
                title: String::new(),
                config: json!({}),
                input: BTreeMap::new(),
                output: BTreeMap::new(),
            },
        })
    }
    fn ports(&self, name: &str, _: &Map<String, Value>) -> Option<Ports> {
        let ports = |names: &[&str]| names.iter().map(|name| Port::new(*name, "")).collect();
        match name {
            "manual" => Some(Ports { inputs: Vec::new(), outputs: ports(&["out"]) }),
            "loop" => Some(Ports { inputs: ports(&["in", "back"]), outputs: ports(&["loop", "done"]) }),
            "set" => Some(Ports { inputs: ports(&["in"]), outputs: ports(&["out"]) }),
            _ => None,
        }
    }
    fn effect(&self, _: &str, _: &Map<String, Value>) -> Option<Effect> {
        Some(Effect::Pure)
    }
    fn check_config(&self, _: &str, config: &Map<String, Value>) -> Vec<ConfigProblem> {
        let wrong = config.contains_key("colour");
        let problem = ConfigProblem { place: "/colour".into(), message: "no such setting".into(), suggestion: None };
        wrong.then_some(problem).into_iter().collect()
    }
    fn digest(&self, _: &str) -> Option<String> {
        None
    }
}

/// The `(code, place)` of every problem of a preset with these steps and wires.
fn codes(steps: Value, wires: Value) -> Vec<(String, String)> {
    let preset = json!({
        "flowork": "preset/1", "name": "x", "steps": steps, "wires": wires,
        "triggers": { "start": { "component": "manual" } },
    });
    let preset: Preset = serde_json::from_value(preset).expect("the test's preset reads");
    check(&preset, &Few).into_iter().map(|problem| (problem.code, problem.place)).collect()
}

fn set() -> Value {
    json!({ "component": "set" })
}

#[test]
fn a_good_preset_has_no_problems() {
    let steps = json!({ "a": set(), "each": { "component": "loop" }, "b": set(), "c": set() });
    let wires = json!(["start -> a", "a -> each", "each:loop -> b", "b -> each:back", "each:done -> c"]);
    assert_eq!(codes(steps, wires), []);
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    let steps = json!({ "a": { "component": "sett" }, "b": { "component": "set", "config": { "colour": 1 }, "timeout_ms": 0 } });
    let wires = json!(["start -> b", "a:unknown -> b", "b:sideways -> a", "nowhere -> b"]);
    let mut found = codes(steps, wires);
    found.sort();
    let expected = [
        ("bad-timeout", "/steps/b/timeout_ms"),
        ("unknown-component", "/steps/a/component"),
        // And nothing about the ports of `a`: nobody knows which it has.
        ("unknown-port", "/wires/b:sideways>a:in/from/port"),
        ("unreachable-step", "/steps/a"),
        ("wire-without-step", "/wires/nowhere:out>b:in/from"),
        ("wrong-config", "/steps/b/config/colour"),
    ];
    assert_eq!(found, expected.map(|(code, place)| (code.to_owned(), place.to_owned())));
}

#[test]
fn a_near_miss_is_suggested() {
    let preset = json!({ "flowork": "preset/1", "name": "x", "steps": { "a": { "component": "sett" } } });
    let preset: Preset = serde_json::from_value(preset).expect("the test's preset reads");
    let suggestion = check(&preset, &Few).into_iter().find_map(|problem| problem.suggestion);
    assert_eq!(suggestion.as_deref(), Some("did you mean `set`?"));
}

#[test]
fn a_cycle_outside_a_loop_is_named() {
    let steps = json!({ "a": set(), "b": set(), "after": set() });
    let wires = json!(["start -> a", "a -> b", "b -> a", "b -> after"]);
    assert_eq!(codes(steps, wires), [("cycle".to_owned(), "/steps/a".to_owned())]);
}

#[test]
fn a_loops_body_is_entered_and_left_through_the_loop_only() {
    let steps = json!({ "each": { "component": "loop" }, "b": set(), "outer": set() });
    let into = codes(steps.clone(), json!(["start -> each", "start -> outer", "each:loop -> b", "outer -> b"]));
    assert_eq!(into, [("wire-into-loop".to_owned(), "/steps/b".to_owned())]);
    let back = codes(steps, json!(["start -> each", "start -> outer", "each:loop -> b", "outer -> each:back"]));
    assert_eq!(back, [("back-from-outside".to_owned(), "/steps/each".to_owned())]);
}

#[test]
fn loops_nest_but_do_not_cross() {
    let l = json!({ "component": "loop" });
    let nested = json!({ "one": l, "two": l, "b": set() });
    let wires = json!(["start -> one", "one:loop -> two", "two:loop -> b", "b -> two:back", "two:done -> one:back"]);
    assert_eq!(codes(nested, wires), []);
    let crossed = json!({ "one": l, "two": l, "b": set() });
    let wires = json!(["start -> one", "start -> two", "one:loop -> b", "two:loop -> b"]);
    assert!(codes(crossed, wires).iter().any(|(code, _)| code == "loops-cross"));
}
