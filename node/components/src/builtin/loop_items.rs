//! Runs what follows once per batch of items.

use flowork_ports::component::{Call, Yield};
use flowork_protocol::Failure;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::config::Field;
use crate::expression::Session;
use crate::kind::{Made, kind};

/// How many rounds a loop does unless its config says otherwise.
const ROUNDS_DEFAULT: u64 = 10_000;
/// How many rounds a loop may be allowed.
const ROUNDS_MAX: u64 = 1_000_000;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many items a round gets.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    batch: Field<u64>,
    /// How many rounds there may be; more is an error.
    #[serde(default = "rounds")]
    #[schemars(range(min = 1, max = 1_000_000))]
    max_rounds: Field<u64>,
}

fn one() -> Field<u64> {
    1.into()
}

fn rounds() -> Field<u64> {
    ROUNDS_DEFAULT.into()
}

pub(super) fn component() -> Made {
    kind::<Config>("loop", "Loop over items", "Runs the steps behind `loop` once per batch of items.", "Flow", DOCS)
        .inputs(&[("in", "The items to go through."), ("back", "What each round gives back.")])
        .outputs(&[
            ("loop", "The items of one round; wire the steps of the loop here."),
            ("done", "What came back from all rounds, in order."),
        ])
        .example("Batches of ten", json!({ "batch": 10 }), json!({}), json!({}))
        .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let scope = session.once();
    let batch = usize::try_from((*config.batch.get(&scope)?).max(1)).unwrap_or(usize::MAX);
    let most = (*config.max_rounds.get(&scope)?).min(ROUNDS_MAX);
    let rounds: Vec<_> = call.input("in").chunks(batch).map(<[_]>::to_vec).collect();
    if rounds.len() as u64 > most {
        return Err(Failure::new(
            "loop-too-long",
            format!("{} rounds would be needed, and {most} are allowed", rounds.len()),
        )
        .place("config.max_rounds")
        .hint("raise `batch` so that a round takes more items, or raise `max_rounds`"));
    }
    Ok(Yield::Rounds(rounds))
}

const DOCS: &str = "Wire the first step of the loop to port `loop`, and the last one back to input `back`. Each round runs them \
with the next `batch` items; `$round` is its number, from 0. When all rounds are done, what came back goes out of `done`.

A step that works on items one by one needs no loop: every component does that by itself. Use a loop to go slower (with a \
**wait** inside), in batches, or one item at a time.";
