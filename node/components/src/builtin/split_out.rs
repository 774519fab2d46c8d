//! Makes an item of each element of a list.

use std::borrow::Cow;
use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::shown;
use crate::dotted::{Dotted, Pick};
use crate::expression::Session;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The field that holds the list, or an expression that gives one.
    of: Pick,
    /// Where each element goes; without it an element that is an object becomes the item itself.
    #[serde(default, rename = "as")]
    name: Option<Dotted>,
    /// Which fields of the item stay beside the element.
    #[serde(default)]
    keep: Keep,
}

#[derive(Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Keep {
    /// None.
    #[default]
    None,
    /// All but the list.
    Others,
}

pub(super) fn component() -> Made {
    kind::<Config>("split-out", "Split out", "Makes an item of each element of a list.", "Items", DOCS)
        .example(
            "Order lines",
            json!({ "of": "lines", "keep": "others" }),
            json!({ "in": [{ "order": 7, "lines": [{ "sku": "a" }, { "sku": "b" }] }] }),
            json!({ "out": [{ "order": 7, "sku": "a" }, { "order": 7, "sku": "b" }] }),
        )
        .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let mut split = Paired::default();
    let mut without = 0_usize;
    for (index, item) in call.input("in").iter().enumerate() {
        let list = match config.of.of(item, &session.at(index))?.map(Cow::into_owned) {
            None | Some(Value::Null) => {
                without += 1;
                continue;
            }
            Some(Value::Array(list)) => list,
            Some(other) => {
                return Err(Failure::new("split-not-a-list", format!("{} is not a list", shown(&other)))
                    .place("config.of")
                    .item(index)
                    .hint("name the field that holds the list"));
            }
        };
        let base = match config.keep {
            Keep::None => Value::Object(Map::new()),
            Keep::Others => {
                let mut base = item.json.clone();
                if let Pick::Field(field) = &config.of {
                    field.remove(&mut base);
                }
                base
            }
        };
        for element in list {
            let json = placed(config, base.clone(), element)
                .map_err(|error| Failure::new("split-failed", error).place("config.as").item(index))?;
            split.push(Arc::new(Item { json, files: item.files.clone() }), index);
        }
    }
    let output = split.out();
    Ok(Yield::Output(if without > 0 { output.note(format!("{without} items had no list")) } else { output }))
}

fn placed(config: &Config, mut base: Value, element: Value) -> Result<Value, String> {
    match (&config.name, element) {
        (Some(name), element) => name.set(&mut base, element)?,
        (None, Value::Object(fields)) => match &mut base {
            Value::Object(map) => map.extend(fields),
            other => *other = Value::Object(fields),
        },
        (None, plain) => Dotted::parse(config.of.name())?.set(&mut base, plain)?,
    }
    Ok(base)
}

const DOCS: &str = "An element that is an object becomes the item; another value goes into the field `as` (or one named like the \
list). With `keep: \"others\"` the other fields of the item stay beside it. An item without the list gives nothing.";
