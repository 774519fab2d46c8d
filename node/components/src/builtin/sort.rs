//! Puts items in order.

use std::borrow::Cow;
use std::cmp::Ordering;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::dotted::Pick;
use crate::expression::{Session, text_of};
use crate::kind::{Made, kind};
use crate::pairs::Paired;
use crate::rules::number_of;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// What to sort by: the first key decides, the next one where it is the same.
    #[schemars(length(min = 1, max = 16))]
    keys: Vec<Key>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Key {
    /// A field such as `customer.name`, or an expression.
    by: Pick,
    /// Which way.
    #[serde(default)]
    direction: Direction,
    /// How values are compared.
    #[serde(default, rename = "as")]
    compare: Compare,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Direction {
    /// Smallest first.
    #[default]
    Up,
    /// Largest first.
    Down,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Compare {
    /// Numbers by value and before texts, texts by their letters.
    #[default]
    Auto,
    /// As numbers, also where they are text; what is no number comes last.
    Number,
    /// As text, whatever the case of its letters.
    Text,
    /// As text in which numbers count by value: `file9` before `file10`.
    Natural,
}

pub(super) fn component() -> Made {
    kind::<Config>("sort", "Sort", "Puts items in order.", "Items", DOCS)
        .example(
            "Largest first, then by name",
            json!({ "keys": [{ "by": "amount", "direction": "down" }, { "by": "name", "as": "natural" }] }),
            json!({ "in": [{ "name": "b10", "amount": 5 }, { "name": "b9", "amount": 5 }, { "name": "c", "amount": 9 }] }),
            json!({ "out": [{ "name": "c", "amount": 9 }, { "name": "b9", "amount": 5 }, { "name": "b10", "amount": 5 }] }),
        )
        .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let items = call.input("in");
    let mut rows = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let scope = session.at(index);
        let keys: Vec<Option<Cow<'_, Value>>> =
            config.keys.iter().map(|key| key.by.of(item, &scope)).collect::<Result<_, _>>()?;
        rows.push((index, keys));
    }
    rows.sort_by(|(_, one), (_, other)| {
        config
            .keys
            .iter()
            .zip(one.iter().zip(other))
            .map(|(key, (one, other))| order(key, one.as_deref(), other.as_deref()))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    let mut sorted = Paired::default();
    for (index, _) in rows {
        sorted.pass(&items[index], index);
    }
    Ok(Yield::Output(sorted.out()))
}

/// Missing values come last, whichever the direction.
fn order(key: &Key, one: Option<&Value>, other: Option<&Value>) -> Ordering {
    let present = |value: Option<&Value>| match key.compare {
        Compare::Number => value.and_then(number_of).is_some(),
        _ => value.is_some_and(|value| !value.is_null()),
    };
    match (present(one), present(other)) {
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => return Ordering::Equal,
        (true, true) => {}
    }
    let (Some(one), Some(other)) = (one, other) else { return Ordering::Equal };
    let order = match key.compare {
        Compare::Auto => auto(one, other),
        Compare::Number => by_number(one, other),
        Compare::Text => text(one, other),
        Compare::Natural => natural(&text_of(one), &text_of(other)),
    };
    if key.direction == Direction::Down { order.reverse() } else { order }
}

fn by_number(one: &Value, other: &Value) -> Ordering {
    number_of(one).partial_cmp(&number_of(other)).unwrap_or(Ordering::Equal)
}

fn auto(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => by_number(one, other),
        (Value::Number(_), _) => Ordering::Less,
        (_, Value::Number(_)) => Ordering::Greater,
        _ => text_of(one).cmp(&text_of(other)),
    }
}

fn text(one: &Value, other: &Value) -> Ordering {
    let (one, other) = (text_of(one), text_of(other));
    one.to_lowercase().cmp(&other.to_lowercase()).then_with(|| one.cmp(&other))
}

/// Digits count by their value, everything else by its letters.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        let (a, b) = (head(left), head(right));
        if a.is_empty() || b.is_empty() {
            return a.len().cmp(&b.len()).then_with(|| one.cmp(other));
        }
        let digits = |text: &str| text.starts_with(|letter: char| letter.is_ascii_digit());
        let order = if digits(a) && digits(b) {
            let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
            a.len().cmp(&b.len()).then_with(|| a.cmp(b))
        } else {
            a.to_lowercase().cmp(&b.to_lowercase())
        };
        if order.is_ne() {
            return order;
        }
        (left, right) = (&left[a.len()..], &right[b.len()..]);
    }
}

/// The digits, or the other letters, that a text starts with.
fn head(text: &str) -> &str {
    let digits = text.starts_with(|letter: char| letter.is_ascii_digit());
    let end = text.find(|letter: char| letter.is_ascii_digit() != digits).unwrap_or(text.len());
    &text[..end]
}

const DOCS: &str = "Items that are the same by every key keep their order. Items without a value come last, whichever the \
direction.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_inside_text_count_by_value() {
        for (one, other) in [("file9", "file10"), ("a", "B"), ("v1.9.0", "v1.10.0"), ("x007", "x8")] {
            assert_eq!(natural(one, other), Ordering::Less, "{one} {other}");
        }
    }
}
