//! Runs a workflow or a single component that an engine offers: a friend's, or one of this node.

use std::sync::Arc;

use flowork_ports::component::{Call, Output, Yield};
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::event::Pairing;
use flowork_protocol::grant::Capability;
use flowork_protocol::manifest::Effect;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::engine::{At, Places, WhenAway};
use super::{Options, engine};
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The workflow, by the name under which it is lent.
    #[serde(default)]
    preset: Option<String>,
    /// Instead of a workflow, a single component that is lent, by its name.
    #[serde(default)]
    tool: Option<String>,
    /// Whose machine runs it.
    #[serde(default = "at_default")]
    at: At,
    /// Whose, by the name that this node knows them by. Anybody who lends it, when nothing is said.
    #[serde(default)]
    peer: Option<String>,
    /// Which of their engines, when several lend it.
    #[serde(default)]
    engine: Option<String>,
    /// How long to wait while nobody can take it: `30s`, `10m`, `2h`.
    #[serde(default = "wait_default")]
    wait: Value,
    /// What happens when nobody took it by then, or who took it is away for as long.
    #[serde(default)]
    when_away: WhenAway,
}

fn wait_default() -> Value {
    json!("30s")
}

const fn at_default() -> At {
    At::Friend
}

impl Config {
    fn places(&self) -> Places<'_> {
        Places { at: self.at, peer: self.peer.as_deref(), engine: self.engine.as_deref(), when_away: self.when_away }
    }

    /// What is to be run; none when it says nothing or too much.
    fn capability(&self) -> Option<Capability> {
        match (&self.preset, &self.tool) {
            (Some(preset), None) => Some(Capability::run(preset)),
            (None, Some(tool)) => Some(Capability::tool(tool)),
            _ => None,
        }
    }

    fn check(&self) -> Vec<ConfigProblem> {
        let mut problems = self.places().check();
        if self.capability().is_none() {
            problems.push(ConfigProblem {
                place: "/preset".to_owned(),
                message: "a step runs either a workflow or a single component".to_owned(),
                suggestion: Some("name one of `preset` and `tool`".to_owned()),
            });
        }
        problems
    }
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
    .check_by(Config::check)
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
    let capability = config
        .capability()
        .ok_or_else(|| Failure::new("config-invalid", "name one of `preset` and `tool`").place("config.preset"))?;
    if call.dry_run {
        let whom = config.peer.as_deref().map(|peer| format!(" at {peer}")).unwrap_or_default();
        let note = format!("dry run: would have sent {} items for {capability}{whom}", items.len());
        return Ok(Yield::Output(Output::out(items.to_vec(), Pairing::Same).note(note)));
    }
    let request = serde_json::to_vec(items).map_err(|error| Failure::new("items-invalid", error.to_string()))?;
    let places = config.places();
    let asked =
        engine::Asked { part: None, places: &places, capability, request, wait: &config.wait, cancel: &call.cancel };
    let given = match engine::call(options, call, asked, None).await {
        Ok(given) => given,
        Err(not_yet) => return not_yet.or_yield(),
    };
    let items: Vec<Arc<Item>> = serde_json::from_slice(&given.output)
        .map_err(|error| Failure::new("output-invalid", format!("what came back is no list of items: {error}")))?;
    Ok(Yield::Output(Output::out(items, Pairing::None).note(given.note)))
}

const DOCS: &str = "All items become the input of one run of the workflow on the other node, and what its last steps give goes out of \
`out`, with their files. The other node checks its grant for you, runs it, and signs a receipt of it (`flowork receipts`). With `tool` \
it is a single component that they lend.

**Who sees the data.** The other node sees every item that you send with its files, and everything it makes of them. That it ran just \
this workflow cannot be proven. Files are checked against their hashes while they come, and go on where they broke off. With \
`at: \"here\"` it never leaves this machine: an engine of this node runs it (`flowork engine lend`), and nobody else is ever asked. \
`at: \"anywhere\"` asks a friend only where this node has no such engine.

**When nobody can take it**, because the friend is away, has paused lending, or a limit of the grant is used up, the step waits for \
`wait`. What happens then `when_away` says: the step fails with the reason (`fail`), you are asked (`ask`, on the run's page), another \
friend who lends it does it (`other`), or an engine of this node (`here`). Only `other` and your yes let somebody else see the data.

**When a friend goes away in the middle**, a run that was taken goes on there when the connection breaks or this node is restarted, and \
its result is fetched then: it is not run twice. With `fail` the step waits for that until its `timeout`. With the others it is asked \
elsewhere after `wait`; the friend's machine may still do it too. A failed run is tried again by the step's own `retry`. With a \
`timeout` the run is ended there when the time is over. A dry run sends nothing.";
