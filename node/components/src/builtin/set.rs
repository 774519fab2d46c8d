//! Sets fields of items.

use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::event::Pairing;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::Field;
use crate::dotted::Dotted;
use crate::expression::Session;
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The fields by name, such as `total` or `customer.city`, and what they become.
    #[serde(default)]
    fields: Field<Map<String, Value>>,
    /// What happens to the other fields.
    #[serde(default)]
    mode: Mode,
    /// Fields to take away.
    #[serde(default)]
    remove: Vec<Dotted>,
}

#[derive(Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// They stay.
    #[default]
    Add,
    /// They go: only the fields named here are left.
    Replace,
}

pub(super) fn component() -> Made {
    kind::<Config>("set", "Set fields", "Sets, computes and removes fields of each item.", "Items", DOCS)
        .example(
            "A total from price and count",
            json!({ "fields": { "total": "{{ $json.price * $json.count }}", "label": "{{ $json.name }} ×{{ $json.count }}" }, "remove": ["price"] }),
            json!({ "in": [{ "name": "Tea", "price": 2.5, "count": 4 }] }),
            json!({ "out": [{ "name": "Tea", "count": 4, "total": 10, "label": "Tea ×4" }] }),
        )
        .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let items = call.input("in");
    let mut done = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let fields = config.fields.value(&session.at(index))?;
        let Some(Value::Object(fields)) = fields else {
            return Err(Failure::new("config-value", "`fields` does not give an object of fields")
                .place("config.fields")
                .item(index));
        };
        let mut json = match (&config.mode, &item.json) {
            (Mode::Replace, _) => Value::Object(Map::new()),
            (Mode::Add, json) => json.clone(),
        };
        for (name, value) in fields {
            set(&mut json, &name, value).map_err(|error| {
                Failure::new("set-failed", error).place(format!("config.fields.{name}")).item(index)
            })?;
        }
        for field in &config.remove {
            field.remove(&mut json);
        }
        done.push(Arc::new(Item { json, files: item.files.clone() }));
    }
    Ok(Yield::Output(Output::out(done, Pairing::Same)))
}

fn set(json: &mut Value, name: &str, value: Value) -> Result<(), String> {
    // A plain name needs no parsing; most are.
    if let (Value::Object(map), false) = (&mut *json, name.is_empty() || name.contains(['.', '['])) {
        map.insert(name.to_owned(), value);
        return Ok(());
    }
    Dotted::parse(name)?.set(json, value)
}

const DOCS: &str = "Each value is a literal or an expression: `\"{{ $json.price * 2 }}\"` gives a number, \
`\"Hello {{ $json.name }}\"` gives text. Expressions see the item as it came in, so two fields can swap.

A name with dots sets inside: `customer.city`, `lines[0].sku`. A value that is missing (`undefined`) leaves its field \
as it is. Files of an item stay with it.";
