//! What holds for every built-in component.

mod files;
mod flow;
mod http;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use flowork_ports::component::{Body, StepContext, Yield};
use flowork_protocol::StepId;
use flowork_protocol::check::Catalogue as _;
use flowork_protocol::manifest::Kind;
use serde_json::{Map, Value, json};

use crate::testing::{call, component, on, output, run};
use crate::{Library, Options, builtin};

fn options() -> Options {
    crate::testing::options(&PathBuf::from("/tmp"))
}

#[tokio::test]
async fn examples_hold() {
    let library = Library::new(builtin(options()));
    for component in builtin(options()) {
        let manifest = component.manifest();
        let name = &manifest.name;
        let config = manifest.example.config.as_object().cloned().unwrap_or_default();
        assert_eq!(library.check_config(name, &config), [], "the example of {name} has problems");
        if manifest.example.output.is_empty() {
            continue;
        }
        let inputs: Vec<(&str, Vec<Value>)> =
            manifest.example.input.iter().map(|(port, items)| (port.as_str(), items.clone())).collect();
        let given = run(&*component, manifest.example.config.clone(), call(&inputs)).await;
        let Ok(Yield::Output(given)) = given else { panic!("{name}: {given:?}") };
        for (port, items) in &manifest.example.output {
            assert_eq!(&on(&given, port), items, "port {port} of {name}");
        }
    }
}

#[test]
fn every_component_is_documented_and_prepares_its_example() {
    for component in builtin(options()) {
        let manifest = component.manifest();
        let name = &manifest.name;
        assert!(manifest.docs.len() > 100 && manifest.summary.ends_with('.'), "the docs of {name} are short");
        assert!(!manifest.example.title.is_empty(), "{name} has no example");
        assert_eq!(manifest.kind == Kind::Trigger, manifest.inputs.is_empty(), "{name}");
        assert_eq!(manifest.config["type"], "object", "{name}");
        assert_eq!(manifest.config["additionalProperties"], false, "{name} takes unknown fields");
        for (key, property) in manifest.config["properties"].as_object().into_iter().flatten() {
            assert!(property.get("description").is_some(), "`{key}` of {name} has no description: {property}");
        }
        let config = manifest.example.config.as_object().cloned().unwrap_or_default();
        let step = StepId::from("x");
        let version = flowork_protocol::VersionId::of(b"v");
        let body = component.prepare(&StepContext { version, step: &step, config: &config });
        assert!(matches!(body, Ok(Body::Now(_) | Body::Busy(_) | Body::Later(_))), "{name} does not prepare");
    }
}

#[test]
fn names_are_unique_and_digests_differ() {
    let all = builtin(options());
    let count = all.len();
    let library = Library::new(all);
    assert_eq!(library.names().len(), count);
    let digests: std::collections::BTreeSet<_> = library.names().iter().map(|name| library.digest(name)).collect();
    assert_eq!(digests.len(), count);
}

fn problems(name: &str, config: &Value) -> Vec<(String, String, Option<String>)> {
    let config: Map<String, Value> = config.as_object().cloned().unwrap_or_default();
    Library::new(builtin(options()))
        .check_config(name, &config)
        .into_iter()
        .map(|problem| (problem.place, problem.message, problem.suggestion))
        .collect()
}

fn check(name: &str, config: &Value, place: &str, message: &str, suggestion: &str) {
    let found = problems(name, config);
    let hit = found.iter().any(|(at, said, hint)| {
        at == place && said.contains(message) && hint.as_deref().unwrap_or_default().contains(suggestion)
    });
    assert!(hit, "{name} {config}: {found:#?}");
}

#[test]
fn a_wrong_config_is_told_with_place_and_suggestion() {
    check("limit", &json!({ "cuont": 3 }), "/cuont", "no field `cuont`", "did you mean `count`?");
    check("limit", &json!({}), "", "the field `count` is missing", "add `count`");
    check("limit", &json!({ "count": "many" }), "/count", "\"many\" must be a whole number", "");
    check(
        "limit",
        &json!({ "count": 1, "from": "edn" }),
        "/from",
        "is not one of `start`, `end`",
        "did you mean `end`?",
    );
    check("merge", &json!({ "mode": "by_key", "key": "a" }), "/mode", "is not one of", "did you mean `by-key`?");
    check("if", &json!({ "condition": "{{ $json. }}" }), "/condition", "is not an expression", "");
    check("if", &json!({}), "/condition", "says nothing", "add `condition`");
    check(
        "sort",
        &json!({ "keys": [{ "by": "a", "directoin": "up" }] }),
        "/keys/0/directoin",
        "no field",
        "did you mean `direction`?",
    );
    check("http-request", &json!({ "url": "shop.example" }), "/url", "not an address", "in full");
    check(
        "http-request",
        &json!({ "url": "http://x", "auth": { "bearr": "x" } }),
        "/auth/bearr",
        "no field",
        "did you mean `bearer`?",
    );
    check("http-request", &json!({ "url": "http://x", "auth": 5 }), "/auth", "5 does not fit here", "");
    check("webhook", &json!({ "path": "Has Space" }), "/path", "form", "match");
    check("webhook", &json!({ "path": "a", "method": "{{ $json.m }}" }), "/method", "is not one of", "");
    check("lmit", &json!({}), "", "no component `lmit`", "did you mean `limit`?");
    check("code", &json!({ "code": 5 }), "/code", "5 must be a text", "");
    assert_eq!(problems("limit", &json!({ "cuont": 3 })).len(), 1, "a misspelt field is told once");
    check(
        "switch",
        &json!({ "cases": [{ "port": "a", "condition": "true" }, { "port": "a", "condition": "true" }] }),
        "/cases/1/port",
        "already",
        "",
    );
}

#[test]
fn expressions_are_accepted_where_a_field_takes_them_and_nowhere_else() {
    assert_eq!(problems("limit", &json!({ "count": "{{ $vars.n }}" })), []);
    assert_eq!(
        problems("respond", &json!({ "status": "{{ $json.ok ? 200 : 500 }}", "body": { "a": "{{ $json }}" } })),
        []
    );
    assert_eq!(problems("code", &json!({ "code": "return [{ a: `{{`, b: {c:{}} }]" })), []);
    check("read-file", &json!({ "path": "x", "max_lines": "{{ 1 }}" }), "/max_lines", "must be", "not evaluated");
}

#[test]
fn a_switch_has_a_port_for_each_case() {
    let library = Library::new(builtin(options()));
    let config = json!({ "cases": [{ "port": "one", "condition": "true" }, { "port": "two", "condition": "true" }] });
    let ports = library.ports("switch", config.as_object().unwrap_or(&Map::new()));
    let names: Vec<String> =
        ports.map(|ports| ports.outputs.into_iter().map(|port| port.name).collect()).unwrap_or_default();
    assert_eq!(names, ["one", "two", "fallback"]);
}

#[tokio::test]
async fn files_stay_with_their_items() {
    let mut call = call(&[("in", vec![json!({ "a": 1 })])]);
    let mut item = flowork_protocol::Item::json(json!({ "a": 1 }));
    item.files = BTreeMap::from([(
        "data".to_owned(),
        flowork_protocol::BlobRef {
            blob: flowork_protocol::BlobId::of(b"x"),
            size: 1,
            name: "x".to_owned(),
            media_type: None,
        },
    )]);
    call.inputs = vec![("in".to_owned(), Arc::new(vec![Arc::new(item)]))];
    let given = output("set", json!({ "fields": { "file": "{{ $item.files.data.name }}" } }), call).await;
    let given = given.unwrap_or_default();
    assert_eq!(on(&given, "out"), [json!({ "a": 1, "file": "x" })]);
    assert!(given.ports[0].1.items[0].files.contains_key("data"));
}

#[test]
fn the_component_helper_finds_what_there_is() {
    assert_eq!(component("no-op").manifest().name, "no-op");
}
