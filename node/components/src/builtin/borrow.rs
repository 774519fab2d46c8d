//! Runs a workflow that a friend lends, on the friend's node.

use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_ports::engines::{EngineCall, NEWS_WAITING_MAX, News, Where};
use flowork_protocol::event::{Level, Pairing};
use flowork_protocol::grant::Capability;
use flowork_protocol::manifest::Effect;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Options;
use crate::duration;
use crate::kind::{Made, kind};

/// How long a step without a timeout waits for its result.
const DEADLINE_MS_DEFAULT: u64 = 24 * 3_600_000;

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

async fn run(config: &Config, call: &Call, options: &Options) -> Result<Yield, Failure> {
    let items = call.input("in");
    let wait_ms =
        duration::read_ms(&config.wait).map_err(|why| Failure::new("wait-invalid", why).place("config.wait"))?;
    let request = serde_json::to_vec(items).map_err(|error| Failure::new("items-invalid", error.to_string()))?;
    let at = match &config.peer {
        Some(peer) => Where::Peer { peer: peer.clone(), engine: config.engine.clone() },
        None => Where::Any,
    };
    let deadline_ms = call.deadline.map_or(DEADLINE_MS_DEFAULT, |deadline| deadline.since_ms(call.now).max(1));
    let asked = EngineCall {
        key: call.key.to_string(),
        at,
        capability: Capability::run(&config.preset),
        request,
        deadline_ms,
        wait_ms,
    };
    let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
    let calling = options.engines.call(asked, sender, call.cancel.clone());
    tokio::pin!(calling);
    let given = loop {
        tokio::select! {
            biased;
            Some(news) = news.recv() => note(call, news),
            given = &mut calling => break given?,
        }
    };
    while let Ok(last) = news.try_recv() {
        note(call, last);
    }
    let items: Vec<Arc<Item>> = serde_json::from_slice(&given.output)
        .map_err(|error| Failure::new("output-invalid", format!("what came back is no list of items: {error}")))?;
    Ok(Yield::Output(Output::out(items, Pairing::None).note(given.note)))
}

fn note(call: &Call, news: News) {
    match news {
        News::Here(text) => call.log.line(Level::Info, &text),
        News::There { kind, text } => call.log.line(Level::Info, &format!("{kind}: {text}")),
    }
}

const DOCS: &str = "All items become the input of one run of the workflow on the other node, and what its last steps give goes out of \
`out`, with their files. The other node checks its grant for you, runs it, and signs a receipt of it (`flowork receipts`).

**Who sees the data.** The other node sees every item that you send with its files, and everything it makes of them. That it ran just \
this workflow cannot be proven. Files are checked against their hashes while they come, and go on where they broke off.

**When nobody can take it**, because the friend is away, has paused lending, or a limit of the grant is used up, the step waits for \
`wait` and then fails with the reason. A run that was taken goes on there when the connection breaks or this node is restarted, and \
its result is fetched then: it is not run twice. A failed run is tried again by the step's own `retry`. With a `timeout` the run is \
ended there when the time is over.";
