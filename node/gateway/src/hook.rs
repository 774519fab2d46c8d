//! Which webhook of which activated preset an address belongs to. Pure.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::Method;
use flowork_protocol::command::Activation;
use flowork_protocol::preset::{Preset, Trigger};
use flowork_protocol::{PresetId, StepId, VersionId};
use serde_json::{Map, Value};

/// The component whose triggers are webhooks.
pub(crate) const WEBHOOK: &str = "webhook";
/// How long a webhook that answers later waits unless its config says otherwise.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);

/// One webhook that fires.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hook {
    /// The draft.
    pub(crate) preset: PresetId,
    /// Its name.
    pub(crate) name: String,
    /// The activated version.
    pub(crate) version: VersionId,
    /// The trigger.
    pub(crate) trigger: StepId,
    /// Methods that fire it; empty is every one.
    methods: Vec<Method>,
    /// When it answers.
    pub(crate) respond: Respond,
    /// Whether callers need a token of this node: one for webhooks, or one that may start jobs.
    pub(crate) needs_token: bool,
    /// How long it waits before it answers 202.
    pub(crate) wait: Duration,
    /// How many jobs of the preset may run at once.
    pub(crate) concurrency: Option<u32>,
    /// Higher starts first.
    pub(crate) priority: i32,
    disabled: bool,
}

/// When a webhook answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Respond {
    /// When the job is on disk.
    #[default]
    Immediately,
    /// When the job has ended, with its output.
    WhenDone,
    /// When a step gives the answer.
    WithStep,
}

/// What an address and method belong to.
#[derive(Debug, PartialEq)]
pub(crate) enum Match<'a> {
    /// This webhook.
    Hook(&'a Hook),
    /// The address is right, the method is not; these are.
    WrongMethod(Vec<&'a Method>),
    /// This webhook, which is switched off.
    Disabled(&'a Hook),
    /// Nothing.
    Unknown,
}

/// All activated webhooks by path.
#[derive(Debug, Default)]
pub(crate) struct Hooks(HashMap<String, Vec<Hook>>);

impl Hooks {
    /// The webhooks of these activations. The same address and method twice: the first activation keeps it.
    pub(crate) fn of(activations: &[Activation]) -> Self {
        let mut hooks: HashMap<String, Vec<Hook>> = HashMap::new();
        for activation in activations {
            for (id, trigger) in webhooks(&activation.header) {
                hooks.entry(path_of(&trigger.config)).or_default().push(hook(activation, id, trigger));
            }
        }
        Self(hooks)
    }

    /// What `method` on `path` belongs to. `path` is without `/hooks/`.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Match<'_> {
        let Some(hooks) = self.0.get(path.trim_matches('/')) else { return Match::Unknown };
        let takes = |hook: &&Hook| hook.methods.is_empty() || hook.methods.contains(method);
        if let Some(hook) = hooks.iter().filter(takes).find(|hook| !hook.disabled) {
            return Match::Hook(hook);
        }
        if let Some(hook) = hooks.iter().find(takes) {
            return Match::Disabled(hook);
        }
        Match::WrongMethod(hooks.iter().flat_map(|hook| &hook.methods).collect())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The paths of `preset`'s webhooks that another activated preset has, with that preset's name.
    pub(crate) fn taken(&self, id: &PresetId, preset: &Preset) -> Vec<(String, String)> {
        let mut taken = Vec::new();
        for (_, trigger) in webhooks(preset).filter(|(_, trigger)| !trigger.disabled) {
            let path = path_of(&trigger.config);
            let methods = methods_of(&trigger.config);
            let meets = |hook: &&Hook| {
                hook.preset != *id
                    && !hook.disabled
                    && (hook.methods.is_empty()
                        || methods.is_empty()
                        || methods.iter().any(|method| hook.methods.contains(method)))
            };
            if let Some(other) = self.0.get(&path).and_then(|hooks| hooks.iter().find(meets)) {
                taken.push((path, other.name.clone()));
            }
        }
        taken
    }
}

/// The addresses of a preset's webhooks that are on.
pub(crate) fn addresses(preset: &Preset) -> Vec<String> {
    webhooks(preset)
        .filter(|(_, trigger)| !trigger.disabled)
        .map(|(_, trigger)| format!("/hooks/{}", path_of(&trigger.config)))
        .collect()
}

fn webhooks(preset: &Preset) -> impl Iterator<Item = (&StepId, &Trigger)> {
    preset.triggers.iter().filter(|(_, trigger)| trigger.component == WEBHOOK)
}

fn hook(activation: &Activation, id: &StepId, trigger: &Trigger) -> Hook {
    let settings = &activation.header.settings;
    let config = &trigger.config;
    let respond = match text(config, "respond").replace('_', "-").as_str() {
        "when-done" => Respond::WhenDone,
        "with-step" => Respond::WithStep,
        _ => Respond::Immediately,
    };
    let wait = config.get("timeout_ms").and_then(Value::as_u64).map_or(WAIT_DEFAULT, Duration::from_millis);
    Hook {
        preset: activation.preset.clone(),
        name: activation.header.name.clone(),
        version: activation.version,
        trigger: id.clone(),
        methods: methods_of(config),
        respond,
        needs_token: needs_token(config),
        wait,
        concurrency: settings.concurrency,
        priority: settings.priority,
        disabled: trigger.disabled,
    }
}

fn text<'a>(config: &'a Map<String, Value>, name: &str) -> &'a str {
    config.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A check that this node does not know asks for a token, so that nothing is open that was not meant to be.
fn needs_token(config: &Map<String, Value>) -> bool {
    match config.get("auth") {
        None | Some(Value::Null) => false,
        Some(Value::String(word)) => word != "none",
        Some(_) => true,
    }
}

fn path_of(config: &Map<String, Value>) -> String {
    text(config, "path").trim_matches('/').to_owned()
}

fn methods_of(config: &Map<String, Value>) -> Vec<Method> {
    let words: Vec<&str> = match config.get("method") {
        Some(Value::String(word)) => word.split(',').map(str::trim).collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => vec!["POST"],
    };
    if words.iter().any(|word| matches!(*word, "*" | "ANY" | "any")) {
        return Vec::new();
    }
    let methods: Vec<Method> =
        words.iter().filter_map(|word| Method::from_bytes(word.to_ascii_uppercase().as_bytes()).ok()).collect();
    if methods.is_empty() { vec![Method::POST] } else { methods }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn activation(preset: &str, configs: &[(&str, Value, bool)]) -> Activation {
        let mut header = Preset::named(preset);
        for (id, config, disabled) in configs {
            let config = config.as_object().cloned().unwrap_or_default();
            let trigger = Trigger { component: WEBHOOK.to_owned(), config, disabled: *disabled, ..Trigger::default() };
            header.triggers.insert((*id).into(), trigger);
        }
        Activation { preset: preset.into(), version: VersionId([1; 32]), header }
    }

    fn trigger<'a>(found: &Match<'a>) -> Option<&'a str> {
        match found {
            Match::Hook(hook) => Some(hook.trigger.as_str()),
            _ => None,
        }
    }

    #[test]
    fn an_address_finds_its_webhook_by_path_and_method() {
        let hooks = Hooks::of(&[activation(
            "orders",
            &[
                ("new", json!({ "path": "/orders" }), false),
                ("list", json!({ "path": "orders", "method": ["GET", "HEAD"] }), false),
                ("any", json!({ "path": "any/thing", "method": "ANY" }), false),
                ("off", json!({ "path": "off" }), true),
            ],
        )]);
        assert_eq!(trigger(&hooks.find(&Method::POST, "orders")), Some("new"));
        assert_eq!(trigger(&hooks.find(&Method::GET, "orders/")), Some("list"));
        assert_eq!(trigger(&hooks.find(&Method::DELETE, "any/thing")), Some("any"));
        assert!(matches!(hooks.find(&Method::PUT, "orders"), Match::WrongMethod(methods) if methods.len() == 3));
        assert!(matches!(hooks.find(&Method::POST, "off"), Match::Disabled(_)));
        assert_eq!(hooks.find(&Method::POST, "nothing"), Match::Unknown);
    }

    #[test]
    fn a_path_is_taken_only_by_another_preset_and_only_where_methods_meet() {
        let hooks = Hooks::of(&[activation("one", &[("t", json!({ "path": "p" }), false)])]);
        let asks = |name: &str, config: Value| {
            let wanted = activation(name, &[("t", config, false)]);
            hooks.taken(&wanted.preset, &wanted.header).len()
        };
        assert_eq!(asks("two", json!({ "path": "p" })), 1);
        assert_eq!(asks("two", json!({ "path": "p", "method": "GET" })), 0);
        assert_eq!(asks("two", json!({ "path": "p", "method": "ANY" })), 1);
        assert_eq!(asks("one", json!({ "path": "p" })), 0);
    }

    #[test]
    fn a_check_that_is_not_known_asks_for_a_token() {
        for (auth, needs) in [(json!(null), false), (json!("none"), false), (json!("token"), true), (json!({}), true)] {
            let config = json!({ "auth": auth });
            assert_eq!(needs_token(config.as_object().unwrap_or(&Map::new())), needs, "{auth}");
        }
    }
}
