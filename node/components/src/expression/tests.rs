use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::component::{Call, Mentions};
use flowork_protocol::{Failure, Item, VersionId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Expression, Session, Template, mentions_in, parse};
use crate::testing::{Given, call};

fn given() -> Call {
    let mut call = call(&[(
        "in",
        vec![
            json!({ "a": { "b": [1, { "c": "x" }] }, "n": 2.5, "t": "é𝄞x", "z": null, "f": false, "s": "" }),
            json!({ "a": 7 }),
        ],
    )]);
    let items = vec![Arc::new(Item::json(json!({ "id": 1 }))), Arc::new(Item::json(json!({ "id": 2 })))];
    call.view = Arc::new(Given(BTreeMap::from([("Read it".to_owned(), Arc::new(items))])));
    call
}

fn eval(text: &str) -> Result<Option<Value>, Failure> {
    eval_in(text, &given())
}

fn eval_in(text: &str, call: &Call) -> Result<Option<Value>, Failure> {
    let session = Session::new(call);
    Template::compile(&json!(text), "config.x")?.eval(&session.at(0))
}

fn check(text: &str, expect: Value) {
    match eval(text) {
        Ok(value) => assert_eq!(value, Some(expect), "{text}"),
        Err(failure) => panic!("{text}: {failure:?}"),
    }
}

fn fails(text: &str) -> Failure {
    match eval(text) {
        Err(failure) => failure,
        Ok(value) => panic!("{text} gives {value:?}"),
    }
}

#[test]
fn one_expression_gives_its_value_and_mixed_text_gives_text() {
    check("{{ $json.a.b[1].c }}", json!("x"));
    check("{{ $json.n }}", json!(2.5));
    check("{{ $json }}", given().inputs[0].1[0].json.clone());
    check(
        "n={{ $json.n }}, c={{ $json.a.b[1] }}, none={{ $json.none }}{{ $json.z }}!",
        json!("n=2.5, c={\"c\":\"x\"}, none=!"),
    );
    check("{{ 3 }}", json!(3));
    check("{{ \"text\" }}", json!("text"));
    check("plain", json!("plain"));
    check("{{ $vars.name }} {{ $index }} {{ $preset }}", json!("Ada 0 test"));
    check("{{ $now }}", json!("2026-09-21T14:13:20.123Z"));
    check("{{ $now.getTime() }}", json!(1_790_000_000_123_i64));
    check("{{ new Date().toISOString() + Date.now() }}", json!("2026-09-21T14:13:20.123Z1790000000123"));
    check("{{ $items.length + $items[1].json.a }}", json!(9));
    check("{{ $items.map(item => item.json.a).length }}", json!(2));
    check("{{ $secrets.token }}", json!("s3cret"));
    check("{{ `${$secrets.token}!` }}", json!("s3cret!"));
    check("{{ $json.a.b.map(x => typeof x).join() }}", json!("number,object"));
    check("{{ $json.a.b, 4 }}", json!(4));
    assert_eq!(eval("{{ $json.none }}").ok(), Some(None));
    assert_eq!(eval("{{ $json.none?.deep.deeper }}").ok(), Some(None));
}

#[test]
fn other_steps_are_read_by_name() {
    check("{{ $('Read it').item.json.id }}", json!(1));
    check("{{ $('Read it').json.id }}", json!(1));
    check("{{ $('Read it').last().json.id }}", json!(2));
    check("{{ $('Read it').first().json.id }}", json!(1));
    check("{{ $('Read it').all().map(item => item.json.id).join('-') }}", json!("1-2"));
    check("{{ ['Read it'].map(name => $(name).last().json.id)[0] }}", json!(2));
    assert!(fails("{{ $('None').item.json.id }}").message.contains("no step called `None`"));
    assert!(fails("{{ $('None').all().length }}").message.contains("no step called `None`"));
}

#[test]
fn mentions_name_the_steps_that_are_read() {
    let config = json!({ "a": "{{ $('One').json.x }}", "b": [{ "c": "t {{ $(\"Two\").all() }}" }], "d": "$('Three')", "condition": "$('Four').json.ok" });
    let config = config.as_object().cloned().unwrap_or_default();
    assert_eq!(mentions_in(&config), Mentions::Named(["One", "Two", "Four"].map(str::to_owned).to_vec()));
}

#[test]
fn a_failed_expression_says_what_is_missing_and_where() {
    let native = fails("{{ $json.none.deep }}");
    assert_eq!(
        native.message,
        "the expression `{{ $json.none.deep }}` failed: `$json.none` is missing, so `.deep` cannot be read"
    );
    assert_eq!((native.place.as_deref(), native.item), (Some("config.x"), Some(0)));
    assert!(native.hint.is_some_and(|hint| hint.contains("?.")));
    let engine = fails("{{ $json.none.deep() }}");
    assert!(engine.message.contains("TypeError") && engine.hint.is_some_and(|hint| hint.contains("?.")));
    assert!(fails("{{ unknown }}").message.contains("unknown"));
    assert!(fails("{{ $secrets.other }}").message.contains("secret `other` is not given"));
    assert!(fails("{{ $secrets['oth' + 'er'] }}").message.contains("secret `other` is not given"));
    assert!(fails("{{ $json.t.trim }}").message.contains("function"));
    assert_eq!(fails("{{ $json. }}").code, "expression-syntax");
    assert_eq!(fails("{{ 1); let leak = 1; (2 }}").code, "expression-syntax");
    assert_eq!(fails("{{ 1]; let leak = 1; [2 }}").code, "expression-syntax");
    assert_eq!(fails("{{ if (1) 2 }}").code, "expression-syntax");
}

#[test]
fn limits_end_what_does_not_end_and_the_next_expression_works() {
    assert_eq!(fails("{{ (() => { for (;;); })() }}").code, "expression-timeout");
    check("{{ [1].concat(2).length }}", json!(2));
    assert_eq!(
        fails("{{ (() => { const all = []; for (;;) all.push(new Array(1e5).fill(7)); })() }}").code,
        "expression-memory"
    );
    check("{{ [1].concat(2).length }}", json!(2));
    assert_eq!(fails("{{ (function f() { return f() + 1 })() }}").code, "expression-stack");
    check("{{ [1].concat(2).length }}", json!(2));
    let regex = eval("{{ /^(a+)+$/.test('a'.repeat(40) + 'b') }}");
    assert!(regex.is_err_and(|failure| failure.code == "expression-timeout"));
}

#[test]
fn a_job_that_ended_does_not_stop_the_next_ones_first_expression() {
    let mut first = given();
    first.version = VersionId([41; 32]);
    assert!(eval_in("{{ [1].concat(2).length }}", &first).is_ok());
    first.cancel.cancel();
    let mut second = given();
    second.version = VersionId([42; 32]);
    assert_eq!(eval_in("{{ [1].concat(2).length }}", &second), Ok(Some(json!(2))));
}

#[test]
fn one_job_does_not_see_what_another_did() {
    // All of these share one context: same thread, same version.
    for attack in [
        "Array.prototype.evil = 1",
        "Object.prototype.evil = 1",
        "globalThis.evil = 1",
        "(evil = 1)",
        "Object.defineProperty(Array.prototype, 'map', { value: () => 'evil' })",
        "Object.setPrototypeOf(Array.prototype, { evil: 1 })",
        "[].constructor.from = () => 'evil'",
        "(function(){}).constructor('return globalThis')()",
        "(async function(){}).constructor('return 1')()",
        "eval('1')",
        "Function('return 1')()",
        "Math.random = () => 4",
        "Date.now = () => 4",
        "JSON.stringify = () => '\"evil\"'",
        "Error.prepareStackTrace = () => 'evil'",
        "Error.stackTraceLimit = 0",
        "[].values().__proto__.evil = 1",
        "[].values().map(x => x).__proto__.evil = 1",
        "$.evil = 1",
        "$items[0].json.a = 'evil'",
        "$vars.name = 'evil'",
        "$('Read it').all().push(1)",
        "(() => { 'use strict'; return arguments.callee })()",
    ] {
        let result = eval(&format!("{{{{ {attack} }}}}"));
        let harmless = matches!(attack, "Error.prepareStackTrace = () => 'evil'" | "Error.stackTraceLimit = 0");
        assert!(result.is_err() || harmless, "{attack} gives {result:?}");
    }
    check(
        "{{ [typeof evil, [].evil, ({}).evil, [1].map(x => x + 1)[0], $vars.name].join('|') }}",
        json!("undefined|||2|Ada"),
    );
    check("{{ JSON.stringify([Array.from('ab'), Error.prepareStackTrace]) }}", json!("[[\"a\",\"b\"],null]"));
    // The item is the expression's own: changing it changes nothing outside.
    check("{{ ($json.a = 'mine', $json.a) }}", json!("mine"));
    check("{{ $json.a.b[0] }}", json!(1));
}

#[test]
fn chance_is_the_steps_own_and_repeats() {
    let call = given();
    let session = Session::new(&call);
    let draw = |text: &str, at: usize| {
        Expression::compile(text, "config.x").and_then(|expression| expression.eval(&session.at(at))).ok().flatten()
    };
    let first = draw("Math.random()", 0);
    assert!(first.as_ref().and_then(Value::as_f64).is_some_and(|number| (0.0..1.0).contains(&number)));
    assert_eq!(draw("Math.random()", 0), first);
    assert_ne!(draw("Math.random()", 1), first);
    assert_ne!(draw("Math.random() ", 0), draw("Math.random() + 0", 0));
}

#[test]
fn many_versions_share_a_bounded_number_of_contexts() {
    for number in 0..40_u8 {
        let mut call = given();
        call.version = VersionId::of(&[number % 20]);
        assert_eq!(eval_in("{{ [1, 2].reverse()[0] }}", &call).ok(), Some(Some(json!(2))));
    }
}

/// Both ways must agree on value and on failing. Numbers are compared by value: the native way keeps `1.0`.
fn agree(source: &str, json: &Value) -> Result<(), TestCaseError> {
    let Some(_) = parse::parse(source) else { return Ok(()) };
    let call = call(&[("in", vec![json.clone()])]);
    let session = Session::new(&call);
    let scope = session.at(0);
    let expression = Expression::compile(source, "config.x").map_err(|f| TestCaseError::fail(f.message))?;
    let (native, engine) = (expression.eval(&scope), expression.eval_engine(&scope));
    match (&native, &engine) {
        (Ok(one), Ok(other)) => {
            prop_assert!(same(one.as_ref(), other.as_ref()), "{source} on {json}: {one:?} / {other:?}")
        }
        (Err(_), Err(_)) => {}
        _ => prop_assert!(false, "{source} on {json}: {native:?} / {engine:?}"),
    }
    Ok(())
}

fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => one.as_f64() == other.as_f64(),
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(Some(one), Some(other)))
        }
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            one.len() == other.len() && one.iter().all(|(key, value)| same(Some(value), other.get(key)))
        }
        _ => one == other,
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_000_i64..1_000).prop_map(Value::from),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
        prop_oneof![Just(""), Just("a"), Just("10"), Just("9"), Just("é"), Just("𝄞"), Just("\u{ffff}")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc1]|length|map|0", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

fn path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        "\\.[abc]",
        "\\?\\.[abc]",
        "\\[[012]\\]",
        "\\?\\.\\[[01]\\]",
        Just("[\"a\"]".to_owned()),
        Just("['1']".to_owned()),
        Just(".length".to_owned()),
        Just(".map".to_owned()),
        Just(".toString".to_owned()),
        Just("['__proto__']".to_owned()),
    ];
    prop::collection::vec(step, 0..5).prop_map(|steps| format!("$json{}", steps.concat()))
}

fn source() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => path(),
        1 => prop_oneof![
            Just("0"), Just("1.5"), Just("10"), Just("\"a\""), Just("'10'"), Just("''"), Just("true"), Just("null"),
            Just("undefined"), Just("$index"), Just("$vars.rate"), Just("$vars.none"), Just("$round"),
        ].prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let operator = prop::sample::select(vec![
            "===", "!==", "==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", "&&", "||", "??",
        ]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("!{a}")),
            inner.clone().prop_map(|a| format!("-{a}")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("{a} ? {b} : {c}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn plain_paths_mean_what_javascript_means(source in path(), json in json_value()) {
        agree(&source, &json)?;
    }

    #[test]
    fn native_operators_mean_what_javascript_means(source in source(), json in json_value()) {
        agree(&source, &json)?;
    }

    #[test]
    fn text_shows_values_as_javascript_does(number in prop_oneof![any::<f64>(), -1e22..1e22, -1e-5..1e-5]) {
        prop_assume!(number.is_finite());
        let call = call(&[("in", vec![json!(number)])]);
        let session = Session::new(&call);
        let written = Expression::compile("String($json)", "x").and_then(|e| e.eval(&session.at(0)));
        prop_assert_eq!(written.ok().flatten(), Some(json!(super::text_of(&json!(number)))));
    }
}

/// A figure to look at, not a test: `cargo test --release -- --ignored --nocapture speed`.
#[test]
#[ignore = "a measurement"]
fn speed_of_a_set_step_with_three_paths() {
    const ROUNDS: u32 = 100_000;
    for (name, fields) in [
        ("three paths", json!({ "a": "{{ $json.a }}", "b": "{{ $json.b.c }}", "c": "{{ $vars.name }}" })),
        ("one JavaScript call", json!({ "a": "{{ $json.b.c.toUpperCase() }}" })),
    ] {
        let component = crate::testing::component("set");
        let config = json!({ "fields": fields, "mode": "replace" }).as_object().cloned().unwrap_or_default();
        let step = flowork_protocol::StepId::from("s");
        let call = call(&[("in", vec![json!({ "a": 1, "b": { "c": "x" } })])]);
        let context = flowork_ports::component::StepContext { version: call.version, step: &step, config: &config };
        let Ok(flowork_ports::component::Body::Now(body)) = component.prepare(&context) else {
            panic!("it does not prepare")
        };
        let start = std::time::Instant::now();
        for _ in 0..ROUNDS {
            std::hint::black_box(body.run(&call).is_ok());
        }
        println!("{name}: {:?} a step", start.elapsed() / ROUNDS);
    }
}
