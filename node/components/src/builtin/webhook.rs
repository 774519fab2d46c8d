//! Starts jobs by HTTP request.

use flowork_ports::component::{Output, Yield};
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
    #[allow(dead_code, reason = "read by the gateway, which listens there")]
    path: String,
    /// The HTTP method that it answers.
    #[serde(default)]
    #[allow(dead_code, reason = "read by the gateway, which answers")]
    method: Method,
    /// When it answers, and with what.
    #[serde(default)]
    #[allow(dead_code, reason = "read by the gateway, which answers")]
    respond: Respond,
    /// Who may call it.
    #[serde(default)]
    #[allow(dead_code, reason = "read by the gateway, which answers")]
    auth: Auth,
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

#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Auth {
    /// Everybody who reaches the node.
    #[default]
    None,
    /// Who sends a token of this node for webhooks (role `hook`), or of the role runner or above, as `Authorization: Bearer …`.
    Token,
}

pub(super) fn component() -> Made {
    kind::<Config>("webhook", "Webhook", "Starts a job for every HTTP request to a path.", "Triggers", DOCS)
        .trigger()
        .example(
            "A request to /hooks/orders",
            json!({ "path": "orders", "method": "POST" }),
            json!({ "in": [{ "method": "POST", "path": "orders", "query": {}, "headers": {}, "body": { "id": 7 } }] }),
            json!({ "out": [{ "method": "POST", "path": "orders", "query": {}, "headers": {}, "body": { "id": 7 } }] }),
        )
        .now(|_, call| Ok(Yield::Output(Output::out(call.input("in").to_vec(), Pairing::Same))))
}

const DOCS: &str =
    "One item per request goes out of port `out`: `method`, `path`, `query`, `headers` and `body` (JSON as \
JSON, forms as an object, anything else as text). Uploaded files travel in `files`.

A request that carries the header `Idempotency-Key` starts one job, however often it is sent.

The trigger listens when the preset's version is activated. With `auth: \"token\"` a caller needs a token of this node: \
`flowork token create --label NAME --role hook` makes one that can do nothing else. Signatures of senders (HMAC headers) \
are not checked: the gateway cannot open secrets. With `respond: \"with-step\"` the preset needs a \
**respond** step.";
