//! A workflow in its JSON form: the form of files, import, export and frozen versions. Drafts hold the same nouns as an
//! Automerge document.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::form::Unique;
use crate::id::{StepId, WireId};
use crate::item::Item;

/// The format tag of this version of the form.
pub const FORMAT: &str = "preset/1";
/// The most steps and triggers that one preset may have.
pub const STEPS_MAX: usize = 10_000;
/// The most wires that one preset may have.
pub const WIRES_MAX: usize = 50_000;
/// The most notes, and the most groups, that one preset may have.
pub const NOTES_MAX: usize = 10_000;

/// A workflow: steps, wires, variables, triggers and settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Always `preset/1`.
    pub flowork: String,
    /// The name that other presets call it by: 1–64 characters of `a-z 0-9 -`.
    pub name: String,
    /// The title for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it does and how to use it, in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
    /// The steps by id.
    #[serde(default, deserialize_with = "unique")]
    pub steps: BTreeMap<StepId, Step>,
    /// The wires by id. A file may also list them as texts: `"list -> parse"`, `"check:true -> mail:in"`.
    #[serde(default, deserialize_with = "wires")]
    #[schemars(with = "WiresForm")]
    pub wires: BTreeMap<WireId, Wire>,
    /// Values that steps read as `$vars.name`, by name.
    #[serde(default, deserialize_with = "unique", skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Variable>,
    /// What starts it, by id. Step and trigger ids share one name space. Without any, steps without a wire in are given
    /// the job's input.
    #[serde(default, deserialize_with = "unique", skip_serializing_if = "BTreeMap::is_empty")]
    pub triggers: BTreeMap<StepId, Trigger>,
    /// Remarks on the canvas, by id. Nothing runs by them.
    #[serde(default, deserialize_with = "unique", skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, Note>,
    /// Frames around steps, by id. Nothing runs by them.
    #[serde(default, deserialize_with = "unique", skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Group>,
    /// How its jobs are run and kept.
    #[serde(default, skip_serializing_if = "Settings::is_default")]
    pub settings: Settings,
}

impl Preset {
    /// A preset without steps.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            flowork: FORMAT.to_owned(),
            name: name.to_owned(),
            title: String::new(),
            docs: String::new(),
            steps: BTreeMap::new(),
            wires: BTreeMap::new(),
            variables: BTreeMap::new(),
            triggers: BTreeMap::new(),
            notes: BTreeMap::new(),
            groups: BTreeMap::new(),
            settings: Settings::default(),
        }
    }
}

/// One box.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The component's name.
    pub component: String,
    /// The component's version it was drawn with; absent means the newest when frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The name for people, and for `$('name')`; absent means the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the component's manifest asks for.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Where the designer draws it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Whether and how to try again when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How long one try may take, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// What happens when all tries failed.
    #[serde(default, skip_serializing_if = "OnError::is_default")]
    pub on_error: OnError,
    /// What happens to an external step whose end nobody saw because the node was stopped in the middle of it.
    #[serde(default, skip_serializing_if = "OnCrash::is_default")]
    pub on_crash: OnCrash,
    /// Output to give instead of running, by port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<BTreeMap<String, Vec<Item>>>,
    /// Whether it passes its input through without running.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// Secrets given to it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// A remark for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Step {
    /// A step of `component` with `config` and nothing else said.
    #[must_use]
    pub fn of(component: &str, config: Map<String, Value>) -> Self {
        Self { component: component.to_owned(), config, ..Self::default() }
    }
}

/// Pixels on the canvas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// Exponential backoff with jitter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How many tries in all, 1–100.
    pub tries: u32,
    /// The pause before the second try, in milliseconds.
    pub first_ms: u64,
    /// What the pause is multiplied with each time.
    pub factor: f64,
    /// The longest pause, in milliseconds.
    pub max_ms: u64,
    /// The share of the pause that is random, 0–1.
    pub jitter: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: 3, first_ms: 1_000, factor: 2.0, max_ms: 60_000, jitter: 0.2 }
    }
}

/// What happens when a step has failed for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The job fails.
    #[default]
    Fail,
    /// The step gives nothing and the job goes on.
    Continue,
    /// Its input items go out of its `error` port, each with the error under `error`.
    Port,
}

impl OnError {
    fn is_default(&self) -> bool {
        *self == Self::Fail
    }
}

/// What happens to an external step whose end nobody saw. Pure and idempotent steps simply run again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnCrash {
    /// It runs again as a further try: it acts at least once.
    #[default]
    Retry,
    /// A person is asked whether it should run again.
    Ask,
    /// It counts as failed: it acts at most once.
    Fail,
}

impl OnCrash {
    fn is_default(&self) -> bool {
        *self == Self::Retry
    }
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// Where items come from.
    pub from: End,
    /// Where they go.
    pub to: End,
}

impl Wire {
    /// The id that this wire has unless somebody chose another: two people who draw the same wire draw one wire.
    #[must_use]
    pub fn natural_id(&self) -> WireId {
        WireId(format!("{}:{}>{}:{}", self.from.step, self.from.port, self.to.step, self.to.port))
    }

    /// From a text such as `list -> parse` or `check:true -> mail:in`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once("->")?;
        let end = |text: &str, port: &str| {
            let (step, port) = text.trim().split_once(':').unwrap_or((text.trim(), port));
            (!step.is_empty() && !port.is_empty()).then(|| End { step: step.into(), port: port.to_owned() })
        };
        Some(Self { from: end(from, "out")?, to: end(to, "in")? })
    }
}

/// One end of a wire.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The step or trigger.
    pub step: StepId,
    /// Its port.
    pub port: String,
}

/// A value that steps read as `$vars.name`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its value unless the job is given another.
    pub value: Value,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub docs: String,
}

/// What starts jobs of this preset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The component's name: `manual`, `webhook`.
    pub component: String,
    /// The name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the component's manifest asks for.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Where the designer draws it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// Whether it is off.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// A remark for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A remark on the canvas.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Note {
    /// What it says, in Markdown.
    pub text: String,
    /// Where its upper left corner is.
    pub position: Position,
    /// Pixels.
    pub width: f64,
    /// Pixels.
    pub height: f64,
    /// A name of a colour; absent means the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
}

/// A frame around steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// What it is called.
    pub title: String,
    /// The steps and triggers in it. Ids that are not there count for nothing.
    pub steps: Vec<StepId>,
    /// A name of a colour; absent means the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
}

/// How jobs of a preset are run and kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The preset, by name, that is started with the error when a job fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_preset: Option<String>,
    /// How many of its jobs may run at once; the others wait in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Jobs of a higher priority start first; 0 unless said, -100 to 100.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// How long a whole job may take, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// How long ended jobs are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

impl Settings {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How long ended jobs are kept. Whole jobs only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days after its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// At most this many ended jobs of the preset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u64>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &i32) -> bool {
    *value == 0
}

/// How wires may be written.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum WiresForm {
    /// By id: the form that is written.
    ById(BTreeMap<WireId, Wire>),
    /// As texts, `"list -> parse"` or `"check:true -> mail:in"`: the form that is easy to write.
    Listed(Vec<String>),
}

fn unique<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(Unique::default())
}

fn wires<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<WireId, Wire>, D::Error> {
    deserializer.deserialize_any(Wires)
}

struct Wires;

impl<'de> Visitor<'de> for Wires {
    type Value = BTreeMap<WireId, Wire>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a map of { from: { step, port }, to: { step, port } } by id, or a list of texts such as \"list -> parse\"",
        )
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        Unique::default().visit_map(entries)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Self::Value, A::Error> {
        let mut wires = BTreeMap::new();
        while let Some(text) = texts.next_element::<String>()? {
            let wire = Wire::parse(&text).ok_or_else(|| {
                A::Error::custom(format!(
                    "`{text}` is not a wire; write `step:port -> step:port`, where `:out` and `:in` may be left out"
                ))
            })?;
            wires.insert(wire.natural_id(), wire);
        }
        Ok(wires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wires_may_be_listed_as_texts_and_are_written_by_id() -> Result<(), serde_json::Error> {
        let preset: Preset = serde_json::from_str(
            r#"{"flowork":"preset/1","name":"x","steps":{},"wires":["a -> b","check:true -> mail:in"]}"#,
        )?;
        let ids: Vec<_> = preset.wires.keys().map(WireId::as_str).collect();
        assert_eq!(ids, ["a:out>b:in", "check:true>mail:in"]);
        let again: Preset = serde_json::from_value(serde_json::to_value(&preset)?)?;
        assert_eq!(again, preset);
        Ok(())
    }

    #[test]
    fn an_id_that_comes_twice_is_not_overwritten_in_silence() {
        for text in [
            r#"{"flowork":"preset/1","name":"x","steps":{"a":{"component":"no-op"},"a":{"component":"set"}}}"#,
            r#"{"flowork":"preset/1","name":"x","variables":{"a":{"value":1},"a":{"value":2}}}"#,
        ] {
            let error = serde_json::from_str::<Preset>(text).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|text| text.contains("`a` is there twice")), "{error:?}");
        }
    }

    #[test]
    fn a_wire_that_is_none_says_how_to_write_one() {
        let error = serde_json::from_str::<Preset>(r#"{"flowork":"preset/1","name":"x","wires":["a b"]}"#)
            .map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("write `step:port -> step:port`")));
    }
}
