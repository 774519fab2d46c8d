//! The document form of a preset: which Automerge type each part has, so that edits made at once merge well.
//!
//! Steps, wires, variables and triggers are maps by id. What people write at length (title, docs, notes, code in a config)
//! is text that merges letter by letter; what is chosen (a component, a port, a number) is a scalar of which one wins.
//! Secrets and the steps of a group are maps `name → true`. A pinned output is one JSON text per port: it is replaced as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use automerge::ScalarValue;
use flowork_protocol::preset::{Group, Note, Preset, Retention, Settings, Step, Trigger, Variable};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A config text of more characters than this merges letter by letter.
const SCALAR_CHARS_MAX: usize = 40;

/// Set to true in an entry that somebody took away: it counts as not there. What others edit in it meanwhile is kept, and comes
/// back with it when they undo it.
pub(crate) const REMOVED: &str = "removed";

/// What a place in the document should hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A map. Names that are in `owned` (all, when that is `None`) but not in `entries` are deleted; other names were
    /// written by a newer Flowork and stay.
    Map {
        /// What it should hold.
        entries: BTreeMap<String, Node>,
        /// Which names are ours to delete.
        owned: Option<&'static BTreeSet<String>>,
    },
    /// A list, changed in place where it differs.
    List(Vec<Node>),
    /// Text that merges letter by letter.
    Text(String),
    /// A text from a config: keeps the type that it has in the document while that type will do.
    Auto(String),
    /// A value of which one wins.
    Scalar(ScalarValue),
}

impl Node {
    fn map(entries: BTreeMap<String, Self>) -> Self {
        Self::Map { entries, owned: None }
    }

    fn text_scalar(text: &str) -> Self {
        Self::Scalar(ScalarValue::Str(text.into()))
    }
}

/// Whether a text of unknown purpose should merge letter by letter.
pub(crate) fn is_prose(text: &str) -> bool {
    text.contains('\n') || text.contains("{{") || text.chars().nth(SCALAR_CHARS_MAX).is_some()
}

/// What a document that reads as `preset` holds.
///
/// # Errors
/// When a part of the preset cannot be written as JSON.
pub(crate) fn preset(preset: &Preset) -> Result<Node, serde_json::Error> {
    let mut entries = BTreeMap::from([
        ("flowork".to_owned(), Node::text_scalar(&preset.flowork)),
        ("name".to_owned(), Node::text_scalar(&preset.name)),
        ("title".to_owned(), Node::Text(preset.title.clone())),
        ("docs".to_owned(), Node::Text(preset.docs.clone())),
    ]);
    let by_id = |steps: Result<BTreeMap<String, Node>, serde_json::Error>| steps.map(Node::map);
    entries.insert(
        "steps".to_owned(),
        by_id(preset.steps.iter().map(|(id, it)| Ok((id.to_string(), step(it)?))).collect())?,
    );
    entries.insert(
        "triggers".to_owned(),
        by_id(preset.triggers.iter().map(|(id, it)| Ok((id.to_string(), trigger(it)?))).collect())?,
    );
    entries.insert(
        "variables".to_owned(),
        Node::map(preset.variables.iter().map(|(name, it)| (name.clone(), variable(it))).collect()),
    );
    let wire = |wire: &flowork_protocol::preset::Wire| {
        Node::map(BTreeMap::from([
            ("from_step".to_owned(), Node::text_scalar(wire.from.step.as_str())),
            ("from_port".to_owned(), Node::text_scalar(&wire.from.port)),
            ("to_step".to_owned(), Node::text_scalar(wire.to.step.as_str())),
            ("to_port".to_owned(), Node::text_scalar(&wire.to.port)),
        ]))
    };
    entries.insert(
        "wires".to_owned(),
        Node::map(preset.wires.iter().map(|(id, it)| (id.as_str().to_owned(), wire(it))).collect()),
    );
    entries
        .insert("notes".to_owned(), by_id(preset.notes.iter().map(|(id, it)| Ok((id.clone(), note(it)?))).collect())?);
    entries.insert(
        "groups".to_owned(),
        by_id(preset.groups.iter().map(|(id, it)| Ok((id.clone(), group(it)?))).collect())?,
    );
    entries.insert("settings".to_owned(), settings(&preset.settings)?);
    Ok(Node::Map { entries, owned: Some(fields::<Preset>()) })
}

fn step(step: &Step) -> Result<Node, serde_json::Error> {
    let mut entries = structure(step)?;
    entries.insert("note".to_owned(), Node::Text(step.note.clone()));
    entries.insert("config".to_owned(), json_map(&step.config));
    entries.insert("secrets".to_owned(), set(step.secrets.iter().cloned()));
    if let Some(pin) = &step.pin {
        let ports: Result<_, serde_json::Error> = pin
            .iter()
            .map(|(port, items)| Ok((port.clone(), Node::text_scalar(&serde_json::to_string(items)?))))
            .collect();
        entries.insert("pin".to_owned(), Node::map(ports?));
    }
    Ok(Node::Map { entries, owned: Some(fields::<Step>()) })
}

/// Names of which each is in or out, whoever else changes another.
fn set(names: impl Iterator<Item = String>) -> Node {
    Node::map(names.map(|name| (name, Node::Scalar(ScalarValue::Boolean(true)))).collect())
}

fn note(note: &Note) -> Result<Node, serde_json::Error> {
    let mut entries = structure(note)?;
    entries.insert("text".to_owned(), Node::Text(note.text.clone()));
    Ok(Node::Map { entries, owned: Some(fields::<Note>()) })
}

fn group(group: &Group) -> Result<Node, serde_json::Error> {
    let mut entries = structure(group)?;
    entries.insert("title".to_owned(), Node::Text(group.title.clone()));
    entries.insert("steps".to_owned(), set(group.steps.iter().map(ToString::to_string)));
    Ok(Node::Map { entries, owned: Some(fields::<Group>()) })
}

fn trigger(trigger: &Trigger) -> Result<Node, serde_json::Error> {
    let mut entries = structure(trigger)?;
    entries.insert("note".to_owned(), Node::Text(trigger.note.clone()));
    entries.insert("config".to_owned(), json_map(&trigger.config));
    Ok(Node::Map { entries, owned: Some(fields::<Trigger>()) })
}

fn variable(variable: &Variable) -> Node {
    let entries = BTreeMap::from([
        ("value".to_owned(), json(&variable.value)),
        ("docs".to_owned(), Node::Text(variable.docs.clone())),
    ]);
    Node::Map { entries, owned: Some(fields::<Variable>()) }
}

fn settings(settings: &Settings) -> Result<Node, serde_json::Error> {
    let mut entries = structure(settings)?;
    if let Some(retention) = &settings.retention {
        let inner = Node::Map { entries: structure(retention)?, owned: Some(fields::<Retention>()) };
        entries.insert("retention".to_owned(), inner);
    }
    Ok(Node::Map { entries, owned: Some(fields::<Settings>()) })
}

/// The fields of a structure, chosen values all.
fn structure<T: Serialize>(value: &T) -> Result<BTreeMap<String, Node>, serde_json::Error> {
    let Value::Object(map) = serde_json::to_value(value)? else { return Ok(BTreeMap::new()) };
    Ok(map.iter().map(|(name, value)| (name.clone(), chosen(value))).collect())
}

fn chosen(value: &Value) -> Node {
    match value {
        Value::String(text) => Node::text_scalar(text),
        Value::Object(map) => Node::map(map.iter().map(|(name, value)| (name.clone(), chosen(value))).collect()),
        other => json(other),
    }
}

fn json_map(map: &serde_json::Map<String, Value>) -> Node {
    Node::map(map.iter().map(|(name, value)| (name.clone(), json(value))).collect())
}

fn json(value: &Value) -> Node {
    match value {
        Value::Null => Node::Scalar(ScalarValue::Null),
        Value::Bool(yes) => Node::Scalar(ScalarValue::Boolean(*yes)),
        Value::Number(number) => Node::Scalar(self::number(number)),
        Value::String(text) => Node::Auto(text.clone()),
        Value::Array(values) => Node::List(values.iter().map(json).collect()),
        Value::Object(map) => json_map(map),
    }
}

fn number(number: &serde_json::Number) -> ScalarValue {
    if let Some(int) = number.as_i64() {
        ScalarValue::Int(int)
    } else if let Some(uint) = number.as_u64() {
        ScalarValue::Uint(uint)
    } else {
        // Without serde_json's `arbitrary_precision`, what is not an integer is a double.
        number.as_f64().map_or(ScalarValue::Null, ScalarValue::F64)
    }
}

/// The names of all fields of `T`, present or not, so that a field which is gone from the preset goes from the document.
pub(crate) fn fields<T: JsonSchema + Fields>() -> &'static BTreeSet<String> {
    T::cell().get_or_init(|| {
        let schema = schemars::schema_for!(T);
        let properties = schema.as_value().get("properties").and_then(Value::as_object);
        // What is written anew is there again.
        let removed = std::iter::once(REMOVED.to_owned());
        properties.map(|map| map.keys().cloned().chain(removed).collect()).unwrap_or_default()
    })
}

/// Where the field names of a type are kept once they have been worked out.
pub(crate) trait Fields {
    /// The one cell of this type.
    fn cell() -> &'static OnceLock<BTreeSet<String>>;
}

macro_rules! keep_fields {
    ($($name:ty),*) => {$(
        impl Fields for $name {
            fn cell() -> &'static OnceLock<BTreeSet<String>> {
                static CELL: OnceLock<BTreeSet<String>> = OnceLock::new();
                &CELL
            }
        }
    )*};
}

keep_fields!(Preset, Step, Trigger, Variable, Note, Group, Settings, Retention);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_of_a_step_are_known_by_name() {
        let known = fields::<Step>();
        for name in ["component", "config", "retry", "pin", "secrets", "note", "timeout_ms"] {
            assert!(known.contains(name), "{name} of {known:?}");
        }
    }
}
