//! Answers the webhook that started the job.

use std::collections::BTreeMap;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::Failure;
use flowork_protocol::event::{Pairing, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::Field;
use crate::expression::{Session, text_of};
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The HTTP status, 200–599.
    #[serde(default = "ok")]
    #[schemars(range(min = 200, max = 599))]
    status: Field<u16>,
    /// Headers by name.
    #[serde(default)]
    headers: Field<Map<String, Value>>,
    /// The body: a text goes out as it is, anything else as JSON. Without it, the first item.
    #[serde(default)]
    body: Option<Field<Value>>,
}

fn ok() -> Field<u16> {
    200.into()
}

pub(super) fn component() -> Made {
    kind::<Config>("respond", "Respond to webhook", "Answers the webhook that started the job.", "Flow", DOCS)
        .example(
            "A receipt",
            json!({ "status": 201, "body": { "order": "{{ $json.id }}" } }),
            json!({ "in": [{ "id": 7 }] }),
            json!({ "out": [{ "id": 7 }] }),
        )
        .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    let session = Session::new(call);
    let scope = session.once();
    let status = *config.status.get(&scope)?;
    if !(200..=599).contains(&status) {
        return Err(Failure::new("respond-status", format!("{status} is not a status that can be answered"))
            .place("config.status")
            .hint("give a number from 200 to 599"));
    }
    let headers: BTreeMap<String, String> =
        config.headers.get(&scope)?.iter().map(|(name, value)| (name.clone(), text_of(value))).collect();
    if let Some((name, _)) = headers.iter().find(|(name, value)| !is_header(name, value)) {
        return Err(Failure::new("respond-header", format!("`{name}` is not a header that can be sent"))
            .place("config.headers")
            .hint("header names are letters, digits and `-`; values are one line"));
    }
    let body = match &config.body {
        Some(body) => body.value(&scope)?.unwrap_or_default(),
        None => scope.item().map_or(Value::Null, |item| item.json.clone()),
    };
    let mut output = Output::out(call.input("in").to_vec(), Pairing::Same).note(format!("answered {status}"));
    output.response = Some(Response { status, headers, body });
    Ok(Yield::Output(output))
}

fn is_header(name: &str, value: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token) && !value.contains(['\r', '\n', '\0'])
}

const DOCS: &str = "Works with a **webhook** trigger that says `respond: \"with-step\"`; the first answer of the job counts. Status, \
headers and body see the first item. The items pass on, so work can go on after the answer.";
