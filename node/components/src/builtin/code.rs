//! A piece of JavaScript as a step.

use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::event::Pairing;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::shown;
use crate::expression::{CODE_MS_DEFAULT, CODE_MS_MAX, Session, mentions_in_code, run_code};
use crate::kind::{Made, kind};
use crate::pairs::Paired;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The body of a JavaScript function.
    #[schemars(extend("x-language" = "javascript"))]
    code: String,
    /// How often it runs.
    #[serde(default)]
    mode: Mode,
    /// How long it may compute, in milliseconds.
    #[serde(default = "timeout")]
    #[schemars(range(min = 1, max = 600_000))]
    timeout_ms: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// Once, with all items in `$items`.
    #[default]
    All,
    /// Once per item, with `$item` and `$json`.
    Each,
}

const fn timeout() -> u64 {
    CODE_MS_DEFAULT
}

pub(super) fn component() -> Made {
    kind::<Config>("code", "Code", "Runs a piece of JavaScript inside the node.", "Code", DOCS)
        .mentions_by(|config| mentions_in_code(config.get("code").and_then(Value::as_str).unwrap_or_default()))
        .example(
            "Totals",
            json!({ "code": "return [{ total: $items.reduce((sum, item) => sum + item.json.n, 0) }]" }),
            json!({ "in": [{ "n": 1 }, { "n": 2 }] }),
            json!({ "out": [{ "total": 3 }] }),
        )
        .busy(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let each = config.mode == Mode::Each;
    let results = run_code(&config.code, &session.once(), each, config.timeout_ms.min(CODE_MS_MAX))?;
    if !each {
        let items = match results.into_iter().next().flatten() {
            Some(value) => listed(value)?,
            None => {
                return Err(Failure::new("code-no-items", "the code returns nothing")
                    .hint("end it with `return $items`, or a list of objects"));
            }
        };
        return Ok(Yield::Output(Output::out(items, Pairing::None)));
    }
    let mut done = Paired::default();
    for (index, result) in results.into_iter().enumerate() {
        // Returning nothing leaves the item out.
        let Some(value) = result else { continue };
        for item in listed(value).map_err(|failure| failure.item(index))? {
            done.push(item, index);
        }
    }
    Ok(Yield::Output(done.out()))
}

fn listed(value: Value) -> Result<Vec<Arc<Item>>, Failure> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.into_iter().map(item).collect(),
        one => Ok(vec![item(one)?]),
    }
}

/// An object with `json` and perhaps `files` is an item; any other object is the JSON of one.
fn item(value: Value) -> Result<Arc<Item>, Failure> {
    let Value::Object(map) = &value else {
        return Err(Failure::new(
            "code-not-an-item",
            format!("the code returns {} where an item is wanted", shown(&value)),
        )
        .hint("return objects, such as `{ n: 1 }`"));
    };
    let is_item = map.contains_key("json") && map.keys().all(|key| key == "json" || key == "files");
    if !is_item {
        return Ok(Arc::new(Item::json(value)));
    }
    serde_json::from_value(value).map(Arc::new).map_err(|error| {
        Failure::new("code-not-an-item", format!("the code returns an item whose `files` are none: {error}"))
            .hint("pass on the `files` of an item that came in")
    })
}

const DOCS: &str = "The code is the body of a function. It sees `$items` (each with `json` and `files`), `$vars`, `$secrets`, `$now`, \
`$round`, `$run`, `$job`, `$preset` and `$('Step name')`; with `mode: \"each\"` also `$item`, `$json` and `$index`. It \
returns items: a list of objects (or of `{ json, files }`), or one object. `console.log` writes to the step's log.

It has no files and no network, runs in a fresh context each time, and is stopped after `timeout_ms` or at 64 MiB. \
`Math.random` and `new Date()` come from the step, so a repeated run gives the same. For more, use a script step \
(`javascript`, `python`, …).

```js
return $items
  .filter((item) => item.json.amount > 0)
  .map((item) => ({ ...item.json, amount: Math.round(item.json.amount) }))
```";
