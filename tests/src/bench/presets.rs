//! The presets that are measured.

use serde_json::{Map, Value, json};

/// What every webhook is sent.
pub const INPUT: &str = r#"{"a":1,"name":"bench"}"#;
/// How many steps the measured chains have.
pub const STEPS: usize = 10;

/// Languages that scripts can be written in, and a script that passes its items on.
pub const LANGUAGES: &[(&str, &str)] = &[
    ("python", "return items"),
    ("javascript", "return items;"),
    // Without another program: starting one takes longer than the step.
    ("bash", "while IFS= read -r item; do printf '%s\\n' \"$item\"; done"),
    ("php", "return $items;"),
    ("perl", "return $items;"),
    ("ruby", "items"),
];

/// A webhook and a chain of steps `s1` … `sN`.
#[must_use]
pub fn chain(name: &str, steps: Vec<Value>, trigger_config: &Value) -> Value {
    let wires: Vec<String> = std::iter::once("hook -> s1".to_owned())
        .chain((1..steps.len()).map(|n| format!("s{n} -> s{}", n + 1)))
        .collect();
    let steps: Map<String, Value> =
        steps.into_iter().enumerate().map(|(n, step)| (format!("s{}", n + 1), step)).collect();
    json!({
        "flowork": "preset/1",
        "name": name,
        "title": "Benchmark",
        "steps": steps,
        "wires": wires,
        "triggers": { "hook": { "component": "webhook", "config": trigger_config } },
    })
}

/// A pure step: one field set by an expression over the field before it.
#[must_use]
pub fn pure_step(n: usize) -> Value {
    let before = if n == 1 { "$json.body.a".to_owned() } else { format!("$json.s{}", n - 1) };
    json!({ "component": "set", "config": { "fields": { format!("s{n}"): format!("{{{{ {before} + 1 }}}}") } } })
}

/// Ten pure steps behind a webhook at `/hooks/<path>`.
#[must_use]
pub fn ten_pure(name: &str, trigger_config: &Value) -> Value {
    chain(name, (1..=STEPS).map(pure_step).collect(), trigger_config)
}

/// Ten external steps: each is committed before the next begins.
#[must_use]
pub fn ten_external(name: &str, trigger_config: &Value) -> Value {
    let step = json!({ "component": "no-op", "config": { "effect": "external" } });
    chain(name, vec![step; STEPS], trigger_config)
}

/// One script step.
#[must_use]
pub fn script(language: &str, code: &str) -> Value {
    let step = json!({ "component": language, "config": { "code": code } });
    chain(&format!("bench-{language}"), vec![step], &json!({ "path": format!("bench-{language}"), "method": "POST" }))
}

/// A step that makes `count` items of about `bytes` bytes, and ten steps that pass them on.
#[must_use]
pub fn many_items(count: u64, bytes: usize) -> Value {
    // Random digits, so that compression does little to the figure.
    let code = format!(
        "import random\nreturn [{{'n': n, 'pad': random.randbytes({}).hex()}} for n in range({count})]",
        bytes.saturating_sub(24) / 2
    );
    let mut steps = vec![json!({ "component": "python", "config": { "code": code, "timeout_ms": 120_000 } })];
    steps.extend((0..STEPS).map(|_| json!({ "component": "no-op" })));
    let mut preset = chain("bench-items", steps, &json!({ "path": "bench-items", "method": "POST" }));
    preset["triggers"]["hook"] = json!({ "component": "manual" });
    preset
}
