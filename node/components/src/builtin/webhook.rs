//! Starts jobs by HTTP request.

use flowork_ports::component::{Output, Yield};
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::event::Pairing;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where under `/hooks/` it listens, such as `orders/new`. Every path belongs to one trigger of the node.
    #[schemars(regex(pattern = "^[a-z0-9_-]+(/[a-z0-9_-]+)*$"), length(max = 200))]
    path: String,
    /// The HTTP method that it answers.
    #[serde(default)]
    #[allow(dead_code, reason = "read by the gateway, which answers")]
    method: Method,
    /// When it answers, and with what.
    #[serde(default)]
    #[allow(dead_code, reason = "read by the gateway, which answers")]
    respond: Respond,
    /// Who may call it; absent lets everybody who reaches the node.
    #[serde(default)]
    auth: Option<Auth>,
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
enum Method {
    #[serde(rename = "GET")]
    Get,
    #[default]
    #[serde(rename = "POST")]
    Post,
    #[serde(rename = "PUT")]
    Put,
    #[serde(rename = "DELETE")]
    Delete,
    /// All of them.
    #[serde(rename = "ANY")]
    Any,
}

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Respond {
    /// `202` with the job's id, as soon as the job is on disk.
    #[default]
    Immediately,
    /// The items of the job's last steps, when it has ended.
    WhenDone,
    /// What a respond step says.
    WithStep,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Auth {
    /// The name of the secret that must come as `Authorization: Bearer …`.
    Bearer(String),
    /// A header whose value must be a secret.
    Header(Header),
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Header {
    /// The header's name, such as `X-Api-Key`.
    name: String,
    /// The name of the secret.
    secret: String,
}

pub(super) fn component() -> Made {
    kind::<Config>("webhook", "Webhook", "Starts a job for every HTTP request to a path.", "Triggers", DOCS)
        .trigger()
        .check_by(check)
        .example(
            "A request to /hooks/orders",
            json!({ "path": "orders", "method": "POST" }),
            json!({ "in": [{ "method": "POST", "path": "orders", "query": {}, "headers": {}, "body": { "id": 7 } }] }),
            json!({ "out": [{ "method": "POST", "path": "orders", "query": {}, "headers": {}, "body": { "id": 7 } }] }),
        )
        .now(|_, call| Ok(Yield::Output(Output::out(call.input("in").to_vec(), Pairing::Same))))
}

fn check(config: &Config) -> Vec<ConfigProblem> {
    let empty = match &config.auth {
        Some(Auth::Bearer(secret)) => secret.is_empty(),
        Some(Auth::Header(header)) => header.secret.is_empty() || header.name.is_empty(),
        None => config.path.is_empty(),
    };
    let problem = |message: &str, suggestion: &str| ConfigProblem {
        place: "/auth".to_owned(),
        message: message.to_owned(),
        suggestion: Some(suggestion.to_owned()),
    };
    if empty {
        return vec![problem("a name is empty", "name a secret that `flowork secret ls` shows")];
    }
    Vec::new()
}

const DOCS: &str =
    "One item per request goes out of port `out`: `method`, `path`, `query`, `headers` and `body` (JSON as \
JSON, forms as an object, anything else as text). Uploaded files travel in `files`.

A request that carries the header `Idempotency-Key` starts one job, however often it is sent.

The trigger listens when the preset's version is activated. With `respond: \"with-step\"` the preset needs a \
**respond** step.";
