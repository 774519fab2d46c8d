//! Reads and writes JSON text in fields.

use std::sync::Arc;

use flowork_ports::component::{Call, Yield};
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::shown;
use crate::dotted::{Dotted, Pick};
use crate::expression::Session;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// What to do.
    #[serde(default, rename = "do")]
    action: Action,
    /// The field that is read, or an expression; when writing without it, the whole item.
    #[serde(default)]
    from: Option<Pick>,
    /// The field that the result goes to. Parsing without it makes the result the item, and a list one item each.
    #[serde(default)]
    to: Option<Dotted>,
    /// Whether written JSON is laid out in lines for people.
    #[serde(default)]
    pretty: bool,
}

#[derive(Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Action {
    /// Text to values.
    #[default]
    Parse,
    /// Values to text.
    Stringify,
}

pub(super) fn component() -> Made {
    kind::<Config>(
        "json",
        "JSON",
        "Reads JSON text into values, or writes values as JSON text.",
        "Files and formats",
        DOCS,
    )
    .example(
        "Text to items",
        json!({ "do": "parse", "from": "text" }),
        json!({ "in": [{ "text": "[{\"a\":1},{\"a\":2}]" }] }),
        json!({ "out": [{ "a": 1 }, { "a": 2 }] }),
    )
    .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let mut done = Paired::default();
    for (index, item) in call.input("in").iter().enumerate() {
        let scope = session.at(index);
        let found = match &config.from {
            Some(from) => from.of(item, &scope)?,
            None if config.action == Action::Stringify => Some(std::borrow::Cow::Borrowed(&item.json)),
            None => {
                Dotted::parse("text").ok().and_then(|text| text.get(&item.json).cloned()).map(std::borrow::Cow::Owned)
            }
        };
        let Some(value) = found else {
            return Err(Failure::new("json-missing", "the item does not have the field that should be read")
                .place("config.from")
                .item(index)
                .hint("correct `from`, or filter such items out first"));
        };
        let result = match config.action {
            Action::Parse => parse(&value).map_err(|failure| failure.item(index))?,
            Action::Stringify => Value::String(
                if config.pretty { serde_json::to_string_pretty(&*value) } else { serde_json::to_string(&*value) }
                    .map_err(|error| Failure::new("json-write", error.to_string()).item(index))?,
            ),
        };
        match (&config.to, config.action == Action::Parse, result) {
            (Some(to), _, result) => put(item, to, result, index, &mut done)?,
            (None, false, text) => put(
                item,
                &Dotted::parse("text").map_err(|error| Failure::new("json-write", error))?,
                text,
                index,
                &mut done,
            )?,
            (None, true, Value::Array(list)) => list.into_iter().for_each(|value| done.push_json(value, index)),
            (None, true, value) => done.push_json(value, index),
        }
    }
    Ok(Yield::Output(done.out()))
}

fn put(item: &Item, to: &Dotted, value: Value, index: usize, done: &mut Paired) -> Result<(), Failure> {
    let mut json = item.json.clone();
    to.set(&mut json, value).map_err(|error| Failure::new("json-write", error).place("config.to").item(index))?;
    done.push(Arc::new(Item { json, files: item.files.clone() }), index);
    Ok(())
}

fn parse(value: &Value) -> Result<Value, Failure> {
    let Value::String(text) = value else {
        return Err(Failure::new(
            "json-not-text",
            format!("{} is not text, so there is no JSON to read in it", shown(value)),
        )
        .place("config.from"));
    };
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        Failure::new("json-invalid", format!("line {} column {} is not JSON", error.line(), error.column()))
            .detail(error.to_string())
            .hint("look at the text there")
    })
}

const DOCS: &str = "`parse` reads the text of field `from` (`text` unless said); `stringify` writes field `from`, or the whole item, as \
text into `to` (`text` unless said).";
