//! Components of every effect class. Each writes down what it does; what it gives follows from its input alone, so that a
//! job gives the same whatever went wrong around it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::component::{Body, Call, Component, Output, Resumed, RunLater, RunNow, StepContext, Suspend, Yield};
use flowork_protocol::command::ChildOutcome;
use flowork_protocol::event::Pairing;
use flowork_protocol::manifest::{Effect, Example, Kind, Manifest, Permissions, Port};
use flowork_protocol::{Failure, Item};
use serde_json::{Value, json};

use crate::world::{Act, World};

pub(crate) const NAMES: [&str; 9] = ["ask", "ext", "fork", "idem", "loop", "nap", "pure", "slow", "sub-preset"];

/// The longest that a step takes unless its config says so.
const PAUSE_MS_MAX: u64 = 40;

struct Made {
    world: Arc<World>,
    manifest: Manifest,
}

pub(crate) fn component(world: &Arc<World>, name: &str) -> Option<Arc<dyn Component>> {
    if !NAMES.contains(&name) {
        return None;
    }
    let ports = |names: &[&str]| names.iter().map(|name| Port::new(*name, "")).collect();
    let outputs: &[&str] = match name {
        "fork" => &["out", "other"],
        "loop" => &["loop", "done"],
        _ => &["out"],
    };
    let manifest = Manifest {
        name: name.to_owned(),
        version: 1,
        title: name.to_owned(),
        summary: String::new(),
        docs: String::new(),
        category: String::new(),
        kind: Kind::Module,
        inputs: ports(if name == "loop" { &["in", "back"] } else { &["in"] }),
        outputs: ports(outputs),
        config: json!({}),
        effect: match name {
            "ext" => Effect::External,
            "idem" => Effect::Idempotent,
            _ => Effect::Pure,
        },
        permissions: Permissions::default(),
        example: Example { title: String::new(), config: json!({}), input: BTreeMap::new(), output: BTreeMap::new() },
    };
    Some(Arc::new(Made { world: Arc::clone(world), manifest }))
}

impl Component for Made {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn prepare(&self, step: &StepContext<'_>) -> Result<Body, Failure> {
        let name = self.manifest.name.clone();
        let text = |field: &str| step.config.get(field).and_then(Value::as_str).map(str::to_owned);
        let number = |field: &str| step.config.get(field).and_then(Value::as_u64);
        let it = It {
            world: Arc::clone(&self.world),
            effect: self.manifest.effect,
            fails: text("fails").unwrap_or_default(),
            preset: text("preset").unwrap_or_default(),
            takes_ms: number("takes_ms"),
            name,
        };
        Ok(match self.manifest.name.as_str() {
            "slow" | "ext" | "idem" => Body::Later(Arc::new(it)),
            _ => Body::Now(Arc::new(it)),
        })
    }
}

struct It {
    world: Arc<World>,
    name: String,
    effect: Effect,
    fails: String,
    preset: String,
    takes_ms: Option<u64>,
}

fn hash(value: impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn texts(call: &Call) -> Vec<String> {
    call.inputs.iter().flat_map(|(_, items)| items.iter().map(|item| item.json.to_string())).collect()
}

impl It {
    fn note(&self, call: &Call) {
        let act = Act {
            stamp: self.world.disk.stamp(),
            job: call.job,
            run: call.run.to_string(),
            attempt: call.attempt,
            effect: self.effect,
            resumed: call.resume.is_some(),
            input: json!(texts(call)),
        };
        self.world.acts.lock().unwrap().push(act);
    }

    fn gives(&self, call: &Call) -> Result<Yield, Failure> {
        let broken = Failure::new("broken", format!("{} is broken", self.name));
        match self.fails.as_str() {
            "always" => return Err(broken),
            "first" if call.attempt == 1 => return Err(broken.retryable()),
            _ => {}
        }
        let item = |salt: u64| Arc::new(Item::json(json!({ "h": hash((call.run.to_string(), texts(call), salt)) })));
        let items = (0..1 + hash(texts(call)) % 3).map(item).collect::<Vec<_>>();
        Ok(Yield::Output(match self.name.as_str() {
            "fork" if hash(texts(call)).is_multiple_of(2) => Output::port("other", items, Pairing::None),
            _ => Output::out(items, Pairing::None),
        }))
    }
}

impl RunNow for It {
    fn run(&self, call: &Call) -> Result<Yield, Failure> {
        // A loop divides its items again after a restart, which is no new result.
        if self.name != "loop" {
            self.note(call);
        }
        let pause_ms = self.takes_ms.unwrap_or_else(|| hash(texts(call)) % 3_000);
        match (self.name.as_str(), &call.resume) {
            ("nap", None) => Ok(Yield::Suspend(Suspend::Until(call.now.plus_ms(pause_ms)))),
            ("ask", None) => Ok(Yield::Suspend(Suspend::Approval {
                title: "Go on?".to_owned(),
                message: String::new(),
                expires_at: None,
                on_expiry: true,
            })),
            ("sub-preset", None) => Ok(Yield::Suspend(Suspend::Child {
                preset: self.preset.clone(),
                items: call.input("in").to_vec(),
                variables: BTreeMap::new(),
            })),
            ("sub-preset", Some(Resumed::Child(outcome))) => match outcome {
                ChildOutcome::Gave(items) => {
                    Ok(Yield::Output(Output::out(items.iter().cloned().map(Arc::new).collect(), Pairing::None)))
                }
                _ => Err(Failure::new("child-failed", "the child did not end well")),
            },
            ("loop", _) => Ok(Yield::Rounds(call.input("in").iter().map(|item| vec![Arc::clone(item)]).collect())),
            _ => self.gives(call),
        }
    }
}

#[async_trait]
impl RunLater for It {
    async fn run(&self, call: Call) -> Result<Yield, Failure> {
        let pause_ms = self.takes_ms.unwrap_or_else(|| hash((texts(&call), call.attempt)) % PAUSE_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause_ms / 2)).await;
        self.note(&call);
        tokio::time::sleep(Duration::from_millis(pause_ms.div_ceil(2))).await;
        self.gives(&call)
    }
}
