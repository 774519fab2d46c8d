//! Every problem of a preset at once, each with its place and a suggestion.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use std::collections::BTreeMap;

use crate::id::StepId;
use crate::manifest::{Effect, Kind, Manifest, Ports};
use crate::plan::{Plan, nearest, pointer};
use crate::preset::{FORMAT, NOTES_MAX, Preset, STEPS_MAX, Step, WIRES_MAX};

/// The components that a preset is checked against.
pub trait Catalogue: Send + Sync {
    /// All component names, sorted.
    fn names(&self) -> Vec<String>;
    /// What the component says about itself.
    fn manifest(&self, name: &str) -> Option<Manifest>;
    /// The ports of a step with this config.
    fn ports(&self, name: &str, config: &Map<String, Value>) -> Option<Ports>;
    /// The effect class of a step with this config.
    fn effect(&self, name: &str, config: &Map<String, Value>) -> Option<Effect>;
    /// What is wrong with a config, by its JSON Schema and beyond.
    fn check_config(&self, name: &str, config: &Map<String, Value>) -> Vec<ConfigProblem>;
    /// What pins the component's behaviour in a version's lock: a hash over manifest and code version.
    fn digest(&self, name: &str) -> Option<String>;
}

/// What is wrong with one place in a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigProblem {
    /// JSON Pointer into the config; empty is the whole.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub suggestion: Option<String>,
}

/// What is wrong with a preset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Problem {
    /// Whether it stops the preset from running.
    pub severity: Severity,
    /// A stable kebab-case word for programs, such as `unknown-component`.
    pub code: String,
    /// JSON Pointer into the preset, such as `/steps/fetch/config/url`.
    pub place: String,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The preset cannot be frozen or run.
    Error,
    /// It runs, perhaps not as meant.
    Warning,
}

/// Every problem of `preset` at once, worst first.
#[must_use]
pub fn check(preset: &Preset, catalogue: &dyn Catalogue) -> Vec<Problem> {
    let mut problems = Vec::new();
    check_header(preset, &mut problems);
    let names = catalogue.names();
    for (id, step) in &preset.steps {
        let place = format!("/steps/{}", pointer(id.as_str()));
        check_id(id, &place, &mut problems);
        check_component(&place, &step.component, &step.config, &names, catalogue, &mut problems);
        check_step(&place, step, catalogue, &mut problems);
    }
    for (id, trigger) in &preset.triggers {
        let place = format!("/triggers/{}", pointer(id.as_str()));
        check_id(id, &place, &mut problems);
        if preset.steps.contains_key(id) {
            problems.push(error(
                "id-taken",
                &place,
                format!("a step is named `{id}` as well"),
                "give the trigger another id",
            ));
        }
        check_component(&place, &trigger.component, &trigger.config, &names, catalogue, &mut problems);
        let is_trigger = catalogue.manifest(&trigger.component).is_none_or(|it| it.kind == Kind::Trigger);
        if !is_trigger {
            let message = format!("`{}` does not start jobs", trigger.component);
            problems.push(error("not-a-trigger", &format!("{place}/component"), message, "move it to `steps`"));
        }
    }
    check_names(preset, &mut problems);
    problems.extend(Plan::build(preset, catalogue).1);
    problems.sort_by(|one, other| (one.severity, &one.place).cmp(&(other.severity, &other.place)));
    problems
}

fn error(code: &str, place: &str, message: impl Into<String>, suggestion: impl Into<String>) -> Problem {
    Problem {
        severity: Severity::Error,
        code: code.to_owned(),
        place: place.to_owned(),
        message: message.into(),
        suggestion: Some(suggestion.into()),
    }
}

fn check_header(preset: &Preset, problems: &mut Vec<Problem>) {
    if preset.flowork != FORMAT {
        let message = format!("this is `{}`, and this Flowork reads `{FORMAT}`", preset.flowork);
        problems.push(error("unknown-format", "/flowork", message, "a newer Flowork may read it"));
    }
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if preset.name.is_empty() || preset.name.len() > 64 || !preset.name.chars().all(good) {
        let message = format!("`{}` is not a preset name", preset.name);
        problems.push(error("bad-name", "/name", message, "use 1 to 64 characters of a-z, 0-9 and -"));
    }
    if preset.steps.is_empty() {
        problems.push(error("no-steps", "/steps", "the preset has no steps", "add one"));
    }
    if preset.steps.len() + preset.triggers.len() > STEPS_MAX {
        let message = format!("the preset has more than {STEPS_MAX} steps");
        problems.push(error("too-many-steps", "/steps", message, "move a part into a preset of its own and call it"));
    }
    if preset.wires.len() > WIRES_MAX {
        let message = format!("the preset has more than {WIRES_MAX} wires");
        problems.push(error("too-many-wires", "/wires", message, "move a part into a preset of its own and call it"));
    }
    if preset.notes.len().max(preset.groups.len()) > NOTES_MAX {
        let message = format!("the preset has more than {NOTES_MAX} notes or groups");
        problems.push(error("too-many-notes", "/notes", message, "take some away, or keep them in the docs"));
    }
    if preset.settings.concurrency == Some(0) {
        let message = "with a concurrency of 0 no job would ever start";
        problems.push(error("bad-setting", "/settings/concurrency", message, "leave it out, or use 1 or more"));
    }
    if !(-100..=100).contains(&preset.settings.priority) {
        let message = format!("{} is not a priority", preset.settings.priority);
        problems.push(error("bad-setting", "/settings/priority", message, "use -100 to 100"));
    }
}

fn check_id(id: &StepId, place: &str, problems: &mut Vec<Problem>) {
    let text = id.as_str();
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if text.is_empty() || text.len() > 64 || !text.chars().all(good) {
        let message = format!("`{text}` is not an id");
        problems.push(error(
            "bad-id",
            place,
            message,
            "use 1 to 64 characters of a-z, A-Z, 0-9, _ and -; the `name` may be any text",
        ));
    }
}

fn check_component(
    place: &str, component: &str, config: &Map<String, Value>, names: &[String], catalogue: &dyn Catalogue,
    problems: &mut Vec<Problem>,
) {
    if catalogue.manifest(component).is_none() {
        let suggestion = nearest(component, names.iter().map(String::as_str))
            .map_or_else(|| "`flowork component list` shows all".to_owned(), |name| format!("did you mean `{name}`?"));
        let message = format!("there is no component `{component}`");
        problems.push(error("unknown-component", &format!("{place}/component"), message, suggestion));
        return;
    }
    problems.extend(catalogue.check_config(component, config).into_iter().map(|problem| Problem {
        severity: Severity::Error,
        code: "wrong-config".to_owned(),
        place: format!("{place}/config{}", problem.place),
        message: problem.message,
        suggestion: problem.suggestion,
    }));
}

fn check_step(place: &str, step: &Step, catalogue: &dyn Catalogue, problems: &mut Vec<Problem>) {
    if let Some(manifest) = catalogue.manifest(&step.component) {
        if manifest.kind == Kind::Trigger {
            let message = format!("`{}` starts jobs and takes no input", step.component);
            problems.push(error("not-a-step", &format!("{place}/component"), message, "move it to `triggers`"));
        }
        if let Some(version) = step.version.filter(|version| *version > manifest.version) {
            let message =
                format!("this Flowork has `{}` in version {}, not {version}", step.component, manifest.version);
            problems.push(error(
                "newer-component",
                &format!("{place}/version"),
                message,
                "update Flowork, or leave the version out",
            ));
        }
        let ports = catalogue.ports(&step.component, &step.config);
        for port in step.pin.iter().flat_map(BTreeMap::keys) {
            if ports.as_ref().is_some_and(|ports| !ports.outputs.iter().any(|it| it.name == *port)) {
                let message = format!("`{}` has no output port `{port}`", step.component);
                problems.push(error(
                    "unknown-port",
                    &format!("{place}/pin/{}", pointer(port)),
                    message,
                    "pin a port that it has",
                ));
            }
        }
    }
    if let Some(retry) = &step.retry {
        let bad = !(1..=100).contains(&retry.tries)
            || !(1.0..=100.0).contains(&retry.factor)
            || !(0.0..=1.0).contains(&retry.jitter);
        if bad {
            let message = "this is not a retry policy";
            problems.push(error(
                "bad-retry",
                &format!("{place}/retry"),
                message,
                "use tries 1 to 100, factor 1 to 100, jitter 0 to 1",
            ));
        }
    }
    if step.timeout_ms == Some(0) {
        let message = "with a timeout of 0 the step could never end";
        problems.push(error("bad-timeout", &format!("{place}/timeout_ms"), message, "leave it out, or use 1 or more"));
    }
}

fn check_names(preset: &Preset, problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<&str, &StepId> = BTreeMap::new();
    for (id, step) in &preset.steps {
        let Some(name) = &step.name else { continue };
        if let Some(other) = seen.insert(name, id) {
            problems.push(Problem {
                severity: Severity::Warning,
                code: "name-taken".to_owned(),
                place: format!("/steps/{}/name", pointer(id.as_str())),
                message: format!("`{other}` and `{id}` are both named `{name}`, so $('{name}') means the first"),
                suggestion: Some("give one of them another name".to_owned()),
            });
        }
    }
}

#[cfg(test)]
mod tests;
