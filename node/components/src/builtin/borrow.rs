//! Runs a workflow that a friend lends, on the friend's node.

use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_ports::engines::Where;
use flowork_protocol::event::Pairing;
use flowork_protocol::grant::Capability;
use flowork_protocol::manifest::Effect;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Options, engine};
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The workflow, by the name under which it is lent.
    preset: String,
    /// Whose, by the name that this node knows them by. Anybody who lends it, when nothing is said.
    #[serde(default)]
    peer: Option<String>,
    /// Which of their engines, when several lend it.
    #[serde(default)]
    engine: Option<String>,
    /// How long to wait while nobody can take it: `30s`, `10m`, `2h`.
    #[serde(default = "wait_default")]
    wait: Value,
}

fn wait_default() -> Value {
    json!("30s")
}

pub(super) fn component(options: &Arc<Options>) -> Made {
    let options = Arc::clone(options);
    kind::<Config>(
        "borrow",
        "Run at a friend's",
        "Runs a workflow that a friend lends, on the friend's machine.",
        "Flow",
        DOCS,
    )
    .effect(Effect::Idempotent)
    .example(
        "A report that Ana's machine makes",
        json!({ "preset": "summarise", "peer": "Ana", "wait": "10m" }),
        json!({ "in": [{ "text": "A long text." }] }),
        json!({}),
    )
    .later(move |config, call| {
        let options = Arc::clone(&options);
        async move { run(&config, &call, &options).await }
    })
}

async fn run(config: &Config, call: &Call, options: &Arc<Options>) -> Result<Yield, Failure> {
    let items = call.input("in");
    let request = serde_json::to_vec(items).map_err(|error| Failure::new("items-invalid", error.to_string()))?;
    let at = match &config.peer {
        Some(peer) => Where::Peer { peer: peer.clone(), engine: config.engine.clone() },
        None => Where::Any,
    };
    let capability = Capability::run(&config.preset);
    let asked = engine::Asked { part: None, at, capability, request, wait: &config.wait };
    let given = engine::call(options, call, asked, None::<fn(&[u8])>).await?;
    let items: Vec<Arc<Item>> = serde_json::from_slice(&given.output)
        .map_err(|error| Failure::new("output-invalid", format!("what came back is no list of items: {error}")))?;
    Ok(Yield::Output(Output::out(items, Pairing::None).note(given.note)))
}

const DOCS: &str = "All items become the input of one run of the workflow on the other node, and what its last steps give goes out of \
`out`, with their files. The other node checks its grant for you, runs it, and signs a receipt of it (`flowork receipts`).

**Who sees the data.** The other node sees every item that you send with its files, and everything it makes of them. That it ran just \
this workflow cannot be proven. Files are checked against their hashes while they come, and go on where they broke off.

**When nobody can take it**, because the friend is away, has paused lending, or a limit of the grant is used up, the step waits for \
`wait` and then fails with the reason. A run that was taken goes on there when the connection breaks or this node is restarted, and \
its result is fetched then: it is not run twice. A failed run is tried again by the step's own `retry`. With a `timeout` the run is \
ended there when the time is over.";
