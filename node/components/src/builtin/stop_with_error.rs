//! Fails on purpose.

use flowork_ports::component::Call;
use flowork_protocol::Failure;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::config::Field;
use crate::expression::Session;
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// What the error says.
    message: Field<String>,
    /// A word for programs.
    #[serde(default = "code")]
    code: Field<String>,
}

fn code() -> Field<String> {
    "stopped".to_owned().into()
}

pub(super) fn component() -> Made {
    kind::<Config>("stop-with-error", "Stop with an error", "Fails with a message of yours.", "Flow", DOCS)
        .outputs(&[])
        .example(
            "An order without lines",
            json!({ "message": "order {{ $json.id }} has no lines" }),
            json!({ "in": [{ "id": 7 }] }),
            json!({}),
        )
        .now(|config, call: &Call| {
            let session = Session::new(call);
            let scope = session.once();
            Err(Failure::new(config.code.get(&scope)?.into_owned(), config.message.get(&scope)?.into_owned()))
        })
}

const DOCS: &str = "Put it behind an **if**, on the branch that must not happen. The message sees the first item. The job fails, \
unless the step's `on_error` says otherwise.";
