//! Keeps a number of items.

use flowork_ports::component::{Call, Yield};
use flowork_protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::Field;
use crate::expression::Session;
use crate::kind::{Made, kind};
use crate::pairs::Paired;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many items to keep at most.
    count: Field<u64>,
    /// How many items to leave out first.
    #[serde(default)]
    skip: Field<u64>,
    /// From which end.
    #[serde(default)]
    from: From,
}

#[derive(Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum From {
    /// The first items.
    #[default]
    Start,
    /// The last items, in their order.
    End,
}

pub(super) fn component() -> Made {
    kind::<Config>("limit", "Limit", "Keeps the first or last items.", "Items", DOCS)
        .example(
            "The two newest",
            json!({ "count": 2, "from": "end" }),
            json!({ "in": [{ "n": 1 }, { "n": 2 }, { "n": 3 }] }),
            json!({ "out": [{ "n": 2 }, { "n": 3 }] }),
        )
        .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let scope = session.once();
    let whole = |field: &Field<u64>| field.get(&scope).map(|count| usize::try_from(*count).unwrap_or(usize::MAX));
    let (count, skip) = (whole(&config.count)?, whole(&config.skip)?);
    let items = call.input("in");
    let (from, to) = match config.from {
        From::Start => (skip.min(items.len()), skip.saturating_add(count).min(items.len())),
        From::End => {
            let to = items.len().saturating_sub(skip);
            (to.saturating_sub(count), to)
        }
    };
    let mut kept = Paired::default();
    for (index, item) in items.iter().enumerate().take(to).skip(from) {
        kept.pass(item, index);
    }
    Ok(Yield::Output(kept.out()))
}

const DOCS: &str =
    "Keeps `count` items after leaving out `skip`, counted from the start or from the end. Items keep their order.";
