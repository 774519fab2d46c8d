//! Random presets.

use flowork_protocol::preset::{End, OnCrash, OnError, Preset, Retry, Step, Wire};
use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// A step of `component` with that config.
pub(crate) fn step(component: &str, config: Value) -> Step {
    let Value::Object(config) = config else { panic!("a config is an object") };
    Step::of(component, config)
}

/// Draws a wire, given as `a:out -> b:in`.
pub(crate) fn wire(preset: &mut Preset, from: &str, to: &str) {
    let end = |text: &str, port: &str| {
        let (step, port) = text.split_once(':').unwrap_or((text, port));
        End { step: step.into(), port: port.to_owned() }
    };
    let wire = Wire { from: end(from, "out"), to: end(to, "in") };
    preset.wires.insert(wire.natural_id(), wire);
}

/// What a random preset may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed<'a> {
    /// Steps that let the job leave memory.
    pub(crate) waits: bool,
    /// A preset that its steps may start.
    pub(crate) child: Option<&'a str>,
    /// Other answers to a crash than trying again.
    pub(crate) on_crash: bool,
}

/// A preset of that name: steps in a row with wires across, joins and loops among them.
pub(crate) fn preset(random: &mut StdRng, name: &str, allowed: Allowed<'_>) -> Preset {
    let mut preset = Preset::named(name);
    let mut count = 0;
    let steps = random.random_range(2..9);
    lay(random, &mut preset, allowed, None, steps, &mut count);
    preset
}

/// Lays `steps` steps behind `from`; gives the last open end.
fn lay(
    random: &mut StdRng, preset: &mut Preset, allowed: Allowed<'_>, from: Option<String>, steps: usize,
    count: &mut usize,
) -> Option<String> {
    let mut ends: Vec<String> = from.into_iter().collect();
    for _ in 0..steps {
        let id = format!("s{count:02}");
        *count += 1;
        let is_loop = *count > 1 && random.random_ratio(1, 9);
        let made = if is_loop { step("loop", json!({})) } else { one(random, allowed) };
        let forks = made.component == "fork";
        let has_error_port = made.on_error == OnError::Port;
        preset.steps.insert(id.as_str().into(), made);
        if let Some(last) = ends.last().cloned() {
            wire(preset, &last, &id);
            if random.random_ratio(1, 2) {
                let other = ends[random.random_range(0..ends.len())].clone();
                wire(preset, &other, &id);
            }
        }
        if is_loop {
            let inner = random.random_range(1..3);
            if let Some(last) = lay(random, preset, allowed, Some(format!("{id}:loop")), inner, count) {
                wire(preset, &last, &format!("{id}:back"));
            }
            ends.push(format!("{id}:done"));
            continue;
        }
        if has_error_port {
            ends.push(format!("{id}:error"));
        }
        if forks {
            ends.push(format!("{id}:other"));
        }
        ends.push(format!("{id}:out"));
    }
    ends.last().cloned()
}

fn one(random: &mut StdRng, allowed: Allowed<'_>) -> Step {
    let mut kinds = vec!["pure", "pure", "slow", "idem", "idem", "ext", "ext", "fork"];
    if allowed.waits {
        kinds.extend(["nap", "ask"]);
    }
    if allowed.child.is_some() {
        kinds.extend(["sub-preset", "sub-preset"]);
    }
    let kind = kinds[random.random_range(0..kinds.len())];
    let mut config = json!({});
    if let (Some(child), "sub-preset") = (allowed.child, kind) {
        config["preset"] = json!(child);
    }
    let mut retry = None;
    match random.random_range(0..12) {
        0 => config["fails"] = json!("always"),
        1 | 2 => {
            config["fails"] = json!("first");
            let first_ms = random.random_range(1..60);
            retry = Some(Retry { tries: 5, first_ms, factor: 1.5, max_ms: 200, jitter: 0.5 });
        }
        _ => {}
    }
    let mut made = step(kind, config);
    made.retry = retry;
    made.on_error = [OnError::Fail, OnError::Continue, OnError::Port, OnError::Port][random.random_range(0..4)];
    if allowed.on_crash {
        made.on_crash = [OnCrash::Retry, OnCrash::Ask, OnCrash::Fail][random.random_range(0..3)];
    }
    made
}
