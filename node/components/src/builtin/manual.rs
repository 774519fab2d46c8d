//! Starts jobs by hand.

use flowork_ports::component::{Output, Yield};
use flowork_protocol::event::Pairing;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

pub(super) fn component() -> Made {
    kind::<Config>("manual", "Manual", "Starts a job when a person or a program asks for it.", "Triggers", DOCS)
        .trigger()
        .example("Gives the job's input", json!({}), json!({ "in": [{ "a": 1 }] }), json!({ "out": [{ "a": 1 }] }))
        .now(|_, call| Ok(Yield::Output(Output::out(call.input("in").to_vec(), Pairing::Same))))
}

const DOCS: &str = "The items given with `flowork run --input`, or with the job over the API, go out of port `out`. \
Without input there is one empty item, so that the steps behind it run.";
