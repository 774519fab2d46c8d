//! What most components need: a manifest built in a few lines, and a body that is one function over a typed config.

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use flowork_ports::Component;
use flowork_ports::component::{Body, Call, Mentions, RunLater, RunNow, StepContext, Yield};
use flowork_protocol::Failure;
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::manifest::{Effect, Example, Kind as Sort, Manifest, Permissions, Port, Ports};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config;
use crate::expression;

/// What a body's future looks like.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Yield, Failure>> + Send>>;
type Now<C> = Arc<dyn Fn(&C, &Call) -> Result<Yield, Failure> + Send + Sync>;
type Later<C> = Arc<dyn Fn(Arc<C>, Call) -> Running + Send + Sync>;

enum Run<C> {
    Now(Now<C>),
    Busy(Now<C>),
    Later(Later<C>),
}

/// A component in the making: its manifest first, its body last.
pub(crate) struct Kind<C> {
    manifest: Manifest,
    run: Option<Run<C>>,
    ports: Option<fn(&C) -> Ports>,
    effect: Option<fn(&C) -> Effect>,
    check: Option<fn(&C) -> Vec<ConfigProblem>>,
    knows_dry_run: bool,
    mentions: fn(&Map<String, Value>) -> Mentions,
    config: PhantomData<fn() -> C>,
}

/// Begins a pure module that has one input `in` and one output `out`.
///
/// `docs` is the docs page after its title: what it does, when to use it, what goes in and out.
pub(crate) fn kind<C>(name: &str, title: &str, summary: &str, category: &str, docs: &str) -> Kind<C>
where
    C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
{
    Kind {
        manifest: Manifest {
            name: name.to_owned(),
            version: 1,
            title: title.to_owned(),
            summary: summary.to_owned(),
            docs: format!("# {title}\n\n{summary}\n\n{}\n", docs.trim()),
            category: category.to_owned(),
            kind: Sort::Module,
            inputs: vec![Port::new("in", "The items to work on.")],
            outputs: vec![Port::new("out", "The resulting items.")],
            config: config::schema_of::<C>(),
            effect: Effect::Pure,
            permissions: Permissions::default(),
            example: Example {
                title: String::new(),
                config: Value::Object(Map::new()),
                input: BTreeMap::new(),
                output: BTreeMap::new(),
            },
        },
        run: None,
        ports: None,
        effect: None,
        check: None,
        knows_dry_run: false,
        mentions: expression::mentions_in,
        config: PhantomData,
    }
}

impl<C> Kind<C>
where
    C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
{
    /// Makes it a trigger, which has no input.
    pub(crate) fn trigger(mut self) -> Self {
        self.manifest.kind = Sort::Trigger;
        self.manifest.inputs.clear();
        self
    }

    /// Other inputs than `in`.
    pub(crate) fn inputs(mut self, ports: &[(&str, &str)]) -> Self {
        self.manifest.inputs = ports.iter().map(|(name, docs)| Port::new(*name, *docs)).collect();
        self
    }

    /// Other outputs than `out`.
    pub(crate) fn outputs(mut self, ports: &[(&str, &str)]) -> Self {
        self.manifest.outputs = ports.iter().map(|(name, docs)| Port::new(*name, *docs)).collect();
        self
    }

    /// What repeating it would do.
    pub(crate) fn effect(mut self, effect: Effect) -> Self {
        self.manifest.effect = effect;
        self
    }

    /// What config makes of the effect class.
    pub(crate) fn effect_by(mut self, effect: fn(&C) -> Effect) -> Self {
        self.effect = Some(effect);
        self
    }

    /// What config makes of the ports.
    pub(crate) fn ports_by(mut self, ports: fn(&C) -> Ports) -> Self {
        self.ports = Some(ports);
        self
    }

    /// What is wrong with a config beyond its schema.
    pub(crate) fn check_by(mut self, check: fn(&C) -> Vec<ConfigProblem>) -> Self {
        self.check = Some(check);
        self
    }

    /// Its body looks at [`Call::dry_run`] itself: it performs nothing then and says what it would have done. The body of an
    /// external component that does not is not called in a dry run.
    pub(crate) fn knows_dry_run(mut self) -> Self {
        self.knows_dry_run = true;
        self
    }

    /// Where other steps are named, if not in expressions.
    pub(crate) fn mentions_by(mut self, mentions: fn(&Map<String, Value>) -> Mentions) -> Self {
        self.mentions = mentions;
        self
    }

    /// What it may touch.
    pub(crate) fn permissions(mut self, permissions: Permissions) -> Self {
        self.manifest.permissions = permissions;
        self
    }

    /// A config that works; `input` and `output` are the items by port, as `{ "in": [ … ] }`.
    pub(crate) fn example(mut self, title: &str, config: Value, input: Value, output: Value) -> Self {
        let ports = |value: Value| serde_json::from_value(value).unwrap_or_default();
        self.manifest.example = Example { title: title.to_owned(), config, input: ports(input), output: ports(output) };
        self
    }

    /// A body that computes shortly.
    pub(crate) fn now(mut self, run: impl Fn(&C, &Call) -> Result<Yield, Failure> + Send + Sync + 'static) -> Made {
        self.run = Some(Run::Now(Arc::new(run)));
        Arc::new(self)
    }

    /// A body that computes for long.
    pub(crate) fn busy(mut self, run: impl Fn(&C, &Call) -> Result<Yield, Failure> + Send + Sync + 'static) -> Made {
        self.run = Some(Run::Busy(Arc::new(run)));
        Arc::new(self)
    }

    /// A body that waits.
    pub(crate) fn later<F>(mut self, run: impl Fn(Arc<C>, Call) -> F + Send + Sync + 'static) -> Made
    where
        F: Future<Output = Result<Yield, Failure>> + Send + 'static,
    {
        self.run = Some(Run::Later(Arc::new(move |config, call| Box::pin(run(config, call)))));
        Arc::new(self)
    }
}

/// A finished component.
pub(crate) type Made = Arc<dyn Component>;

impl<C> Component for Kind<C>
where
    C: DeserializeOwned + JsonSchema + Send + Sync + 'static,
{
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn ports(&self, config: &Map<String, Value>) -> Ports {
        let by_config = self.ports.and_then(|ports| config::read(config).ok().map(|config| ports(&config)));
        by_config
            .unwrap_or_else(|| Ports { inputs: self.manifest.inputs.clone(), outputs: self.manifest.outputs.clone() })
    }

    fn effect(&self, config: &Map<String, Value>) -> Effect {
        let by_config = self.effect.and_then(|effect| config::read(config).ok().map(|config| effect(&config)));
        by_config.unwrap_or(self.manifest.effect)
    }

    fn knows_dry_run(&self) -> bool {
        self.knows_dry_run
    }

    fn check(&self, config: &Map<String, Value>) -> Vec<ConfigProblem> {
        match config::read::<C>(config) {
            Ok(config) => self.check.map(|check| check(&config)).unwrap_or_default(),
            Err(failure) => {
                vec![ConfigProblem { place: String::new(), message: failure.message, suggestion: None }]
            }
        }
    }

    fn prepare(&self, step: &StepContext<'_>) -> Result<Body, Failure> {
        let config: Arc<C> = Arc::new(config::read(step.config)?);
        let mentions = (self.mentions)(step.config);
        match &self.run {
            Some(Run::Now(run)) => Ok(Body::Now(Arc::new(Prepared { config, mentions, run: Arc::clone(run) }))),
            Some(Run::Busy(run)) => Ok(Body::Busy(Arc::new(Prepared { config, mentions, run: Arc::clone(run) }))),
            Some(Run::Later(run)) => Ok(Body::Later(Arc::new(Prepared { config, mentions, run: Arc::clone(run) }))),
            None => Err(Failure::new("component-without-body", format!("`{}` cannot be run", self.manifest.name))),
        }
    }
}

struct Prepared<C, F> {
    config: Arc<C>,
    mentions: Mentions,
    run: F,
}

impl<C: Send + Sync> RunNow for Prepared<C, Now<C>> {
    fn run(&self, call: &Call) -> Result<Yield, Failure> {
        (self.run)(&self.config, call)
    }

    fn mentions(&self) -> Mentions {
        self.mentions.clone()
    }
}

#[async_trait]
impl<C: Send + Sync> RunLater for Prepared<C, Later<C>> {
    async fn run(&self, call: Call) -> Result<Yield, Failure> {
        (self.run)(Arc::clone(&self.config), call).await
    }

    fn mentions(&self) -> Mentions {
        self.mentions.clone()
    }
}
