//! Passes its items on. The component to copy.

use flowork_ports::component::{Output, Yield};
use flowork_protocol::event::Pairing;
use flowork_protocol::manifest::Effect;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The effect class of the step that it stands for.
    #[serde(default = "pure")]
    effect: Effect,
}

const fn pure() -> Effect {
    Effect::Pure
}

pub(super) fn component() -> Made {
    kind::<Config>("no-op", "Do nothing", "Passes its items on unchanged.", "Flow", DOCS)
        .effect_by(|config| config.effect)
        .example(
            "Two items pass",
            json!({}),
            json!({ "in": [{ "n": 1 }, { "n": 2 }] }),
            json!({ "out": [{ "n": 1 }, { "n": 2 }] }),
        )
        .now(|_, call| Ok(Yield::Output(Output::out(call.input("in").to_vec(), Pairing::Same))))
}

const DOCS: &str = "Use it to join wires in one place, or to stand for a step that is not drawn yet.";
