//! Brings two streams of items together.

use std::collections::HashMap;
use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::dotted::Dotted;
use crate::expression::text_of;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

/// How many items combining may make.
const COMBINED_MAX: usize = 1_000_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How the two lists become one.
    #[serde(default)]
    mode: Mode,
    /// By key: the field that must be the same on both sides.
    #[serde(default)]
    key: Option<Dotted>,
    /// By key: its field in `b`, where it has another name there.
    #[serde(default)]
    key_b: Option<Dotted>,
    /// By key and by position: what happens to items without a partner.
    #[serde(default)]
    join: Join,
    /// Which side wins where both have a field.
    #[serde(default)]
    prefer: Side,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// All of `a`, then all of `b`.
    #[default]
    Append,
    /// Items whose key is the same become one.
    ByKey,
    /// The first with the first, the second with the second.
    ByPosition,
    /// Every item of `a` with every item of `b`.
    Combinations,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Join {
    /// They are left out.
    #[default]
    Inner,
    /// Those of `a` stay.
    Left,
    /// Those of `b` stay.
    Right,
    /// All stay.
    Outer,
    /// Only those of `a` without a partner stay, and nothing else.
    LeftOnly,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Side {
    /// `a`.
    A,
    /// `b`.
    #[default]
    B,
}

pub(super) fn component() -> Made {
    kind::<Config>("merge", "Merge", "Brings two streams of items together.", "Items", DOCS)
        .inputs(&[("a", "The first stream."), ("b", "The second stream.")])
        .check_by(check)
        .example(
            "Orders with their customers",
            json!({ "mode": "by-key", "key": "customer", "key_b": "id", "join": "left" }),
            json!({
                "a": [{ "order": 1, "customer": 7 }, { "order": 2, "customer": 9 }],
                "b": [{ "id": 7, "name": "Ada" }],
            }),
            json!({ "out": [{ "order": 1, "customer": 7, "id": 7, "name": "Ada" }, { "order": 2, "customer": 9 }] }),
        )
        .now(run)
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    if config.mode != Mode::ByKey || config.key.is_some() {
        return Vec::new();
    }
    vec![ConfigProblem {
        place: "/key".to_owned(),
        message: "merging by key needs the key's field".to_owned(),
        suggestion: Some("add `key`, such as \"id\"".to_owned()),
    }]
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let (a, b) = (call.input("a"), call.input("b"));
    let mut merged = Paired::default();
    match config.mode {
        Mode::Append => {
            a.iter().chain(b).enumerate().for_each(|(index, item)| merged.pass(item, index));
        }
        Mode::ByPosition => by_position(config, a, b, &mut merged),
        Mode::Combinations => {
            if a.len().saturating_mul(b.len()) > COMBINED_MAX {
                return Err(Failure::new(
                    "merge-too-large",
                    format!("{} × {} items would be more than {COMBINED_MAX}", a.len(), b.len()),
                )
                .hint("filter one side first, or merge by key"));
            }
            for (index, left) in a.iter().enumerate() {
                b.iter().for_each(|right| merged.push(joined(config, left, right), index));
            }
        }
        Mode::ByKey => by_key(config, a, b, &mut merged)?,
    }
    Ok(Yield::Output(merged.out()))
}

fn by_position(config: &Config, a: &[Arc<Item>], b: &[Arc<Item>], merged: &mut Paired) {
    for index in 0..a.len().max(b.len()) {
        match (a.get(index), b.get(index)) {
            (Some(left), Some(right)) if config.join != Join::LeftOnly => {
                merged.push(joined(config, left, right), index);
            }
            (Some(left), None) if matches!(config.join, Join::Left | Join::Outer | Join::LeftOnly) => {
                merged.pass(left, index);
            }
            (None, Some(right)) if matches!(config.join, Join::Right | Join::Outer) => {
                merged.pass(right, a.len() + index);
            }
            _ => {}
        }
    }
}

fn by_key(config: &Config, a: &[Arc<Item>], b: &[Arc<Item>], merged: &mut Paired) -> Result<(), Failure> {
    let Some(key) = &config.key else {
        return Err(Failure::new("config-invalid", "merging by key needs `key`").place("config.key"));
    };
    let key_b = config.key_b.as_ref().unwrap_or(key);
    let mut partners: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, item) in b.iter().enumerate() {
        if let Some(key) = key_text(key_b, item) {
            partners.entry(key).or_default().push(index);
        }
    }
    let mut met = vec![false; b.len()];
    for (index, left) in a.iter().enumerate() {
        let found = key_text(key, left).and_then(|key| partners.get(&key)).map_or(&[][..], Vec::as_slice);
        for at in found {
            met[*at] = true;
            if config.join != Join::LeftOnly {
                merged.push(joined(config, left, &b[*at]), index);
            }
            if merged.len() > COMBINED_MAX {
                return Err(Failure::new(
                    "merge-too-large",
                    format!("more than {COMBINED_MAX} items have the same keys"),
                )
                .hint("choose a key that is rarer, or remove duplicates first"));
            }
        }
        if found.is_empty() && matches!(config.join, Join::Left | Join::Outer | Join::LeftOnly) {
            merged.pass(left, index);
        }
    }
    if matches!(config.join, Join::Right | Join::Outer) {
        for (index, item) in b.iter().enumerate().filter(|(index, _)| !met[*index]) {
            merged.pass(item, a.len() + index);
        }
    }
    Ok(())
}

/// Keys are compared as text, so that `7` in JSON meets `7` from a CSV file. An item without the key has no partner.
fn key_text(key: &Dotted, item: &Item) -> Option<String> {
    key.get(&item.json).filter(|value| !value.is_null()).map(text_of)
}

fn joined(config: &Config, a: &Item, b: &Item) -> Arc<Item> {
    let (under, over) = if config.prefer == Side::B { (a, b) } else { (b, a) };
    let mut files = under.files.clone();
    files.extend(over.files.iter().map(|(name, file)| (name.clone(), file.clone())));
    let json = match (&a.json, &b.json) {
        (Value::Object(left), Value::Object(right)) => {
            let mut map: Map<String, Value> = left.clone();
            for (name, value) in right {
                if config.prefer == Side::B || !map.contains_key(name) {
                    map.insert(name.clone(), value.clone());
                }
            }
            Value::Object(map)
        }
        (left, right) => json!({ "a": left, "b": right }),
    };
    Arc::new(Item { json, files })
}

const DOCS: &str =
    "It waits for both inputs. `append` puts `b` behind `a`; `by-key` joins items whose key is the same, as a \
database would (`join` says what happens to those without a partner); `by-position` joins first with first; \
`combinations` joins each with each.

Keys are compared as text, so `7` meets `\"7\"`. Where both sides have a field, `prefer` wins.";
