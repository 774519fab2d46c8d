//! What a kind of step is to the kernel that runs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use flowork_protocol::check::ConfigProblem;
use flowork_protocol::command::ChildOutcome;
use flowork_protocol::event::{Level, Pairing, Response};
use flowork_protocol::manifest::{Effect, Manifest, Ports};
use flowork_protocol::{Failure, Item, JobId, StepId, Timestamp, VersionId};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::blobs::Blobs;

/// A kind of step: one file in `components`, registered in its library.
pub trait Component: Send + Sync + 'static {
    /// What it says about itself.
    fn manifest(&self) -> &Manifest;

    /// The ports of a step with this config. Override where config adds ports (switch).
    fn ports(&self, _config: &Map<String, Value>) -> Ports {
        let manifest = self.manifest();
        Ports { inputs: manifest.inputs.clone(), outputs: manifest.outputs.clone() }
    }

    /// The effect class of a step with this config. Override where config narrows it (a GET request).
    fn effect(&self, _config: &Map<String, Value>) -> Effect {
        self.manifest().effect
    }

    /// Whether its body looks at [`Call::dry_run`] itself. The kernel does not call an external body in a dry run unless it
    /// does; it passes the input on instead and says so.
    fn knows_dry_run(&self) -> bool {
        false
    }

    /// What is wrong with a config beyond what its JSON Schema says (an expression that does not parse).
    fn check(&self, _config: &Map<String, Value>) -> Vec<ConfigProblem> {
        Vec::new()
    }

    /// Compiles a step once per version; the body is then called once per run, from many jobs.
    ///
    /// # Errors
    /// What is wrong with the config, for people.
    fn prepare(&self, step: &StepContext<'_>) -> Result<Body, Failure>;
}

/// What a step is prepared from.
#[derive(Debug, Clone, Copy)]
pub struct StepContext<'a> {
    /// The version it belongs to; contexts of script engines are kept per version.
    pub version: VersionId,
    /// The step.
    pub step: &'a StepId,
    /// Its config.
    pub config: &'a Map<String, Value>,
}

/// A prepared step.
#[derive(Clone)]
pub enum Body {
    /// Computes and returns; short, never blocks. Runs on the job's own task.
    Now(Arc<dyn RunNow>),
    /// Computes for long (a code step); runs where it may occupy a thread.
    Busy(Arc<dyn RunNow>),
    /// Waits for something: a file, a request, a process.
    Later(Arc<dyn RunLater>),
}

impl Body {
    /// The names of other steps that its expressions read with `$('name')`.
    #[must_use]
    pub fn mentions(&self) -> Mentions {
        match self {
            Self::Now(body) | Self::Busy(body) => body.mentions(),
            Self::Later(body) => body.mentions(),
        }
    }
}

/// Which other steps' items a body reads; the kernel loads them first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mentions {
    /// These, by name.
    Named(Vec<String>),
    /// Perhaps any.
    Any,
}

impl Default for Mentions {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

/// A body that computes.
pub trait RunNow: Send + Sync {
    /// Runs once.
    ///
    /// # Errors
    /// Why the step failed; the kernel adds the step's name.
    fn run(&self, call: &Call) -> Result<Yield, Failure>;

    /// Which other steps it reads.
    fn mentions(&self) -> Mentions {
        Mentions::default()
    }
}

/// A body that waits.
#[async_trait]
pub trait RunLater: Send + Sync {
    /// Runs once. Dropped when the step is cancelled or times out: whatever it started must end with it.
    ///
    /// # Errors
    /// Why the step failed; the kernel adds the step's name.
    async fn run(&self, call: Call) -> Result<Yield, Failure>;

    /// Which other steps it reads.
    fn mentions(&self) -> Mentions {
        Mentions::default()
    }
}

/// A list of items as bodies see it. Cloning an item is cheap, and an item passed on unchanged is stored once.
pub type Items = Arc<Vec<Arc<Item>>>;

/// One call of a body.
#[derive(Clone)]
pub struct Call {
    /// The job.
    pub job: JobId,
    /// The job's version.
    pub version: VersionId,
    /// The preset's name. People choose it, and two presets may have the same.
    pub preset: Arc<str>,
    /// Whose code this is: what belongs to calls of one domain is never shared with another's.
    pub domain: Arc<str>,
    /// The step.
    pub step: StepId,
    /// The run, as `step` or `step[2]`.
    pub run: Arc<str>,
    /// Which try, from 1.
    pub attempt: u32,
    /// The same for every try and after a crash: what an idempotent request sends as its key.
    pub key: Arc<str>,
    /// The items by input port, in the manifest's order. Every port is there, perhaps empty.
    pub inputs: Vec<(String, Items)>,
    /// `$vars`.
    pub variables: Arc<BTreeMap<String, Value>>,
    /// The secrets given to this step, by name.
    pub secrets: Arc<BTreeMap<String, String>>,
    /// `$now`.
    pub now: Timestamp,
    /// Seed for everything random.
    pub seed: u64,
    /// In the innermost loop: the round, from 0.
    pub round: Option<u32>,
    /// Perform no external effect; give what can be given, and a note of what would have been done.
    pub dry_run: bool,
    /// What came, when this call goes on after [`Yield::Suspend`].
    pub resume: Option<Resumed>,
    /// What other steps gave.
    pub view: Arc<dyn View>,
    /// Takes lines for the step's log.
    pub log: Arc<dyn Log>,
    /// Files.
    pub blobs: Arc<dyn Blobs>,
    /// Ends when the step should stop.
    pub cancel: CancellationToken,
    /// When the step times out.
    pub deadline: Option<Timestamp>,
}

impl Call {
    /// The items of an input port; none when there is no such port.
    #[must_use]
    pub fn input(&self, port: &str) -> &[Arc<Item>] {
        self.inputs.iter().find(|(name, _)| name == port).map_or(&[], |(_, items)| items.as_slice())
    }
}

/// What came for a call that goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Resumed {
    /// The time.
    Time,
    /// The answer.
    Decision {
        /// Yes or no.
        approved: bool,
        /// Who answered.
        by: String,
        /// What they remarked.
        note: String,
    },
    /// The child job's end.
    Child(ChildOutcome),
}

/// What other steps gave, as seen from one run.
pub trait View: Send + Sync {
    /// The items that the step called `name` gave on `port` (its first port when none is said); none when there is no such
    /// step, or it has not given anything to here.
    fn given(&self, name: &str, port: Option<&str>) -> Option<Items>;
    /// The item of the step called `name` that input item `index` descends from. The index counts through the input
    /// ports in order.
    fn paired(&self, name: &str, index: usize) -> Option<Arc<Item>>;
}

/// Takes lines for a step's log.
pub trait Log: Send + Sync {
    /// One line, without its end.
    fn line(&self, level: Level, text: &str);
}

/// What a body gives back.
#[derive(Debug, Clone, PartialEq)]
pub enum Yield {
    /// Its output.
    Output(Output),
    /// Call again when this has come.
    Suspend(Suspend),
    /// Run what hangs on port `loop` once for each of these lists, then give on port `done` what came back.
    Rounds(Vec<Vec<Arc<Item>>>),
}

/// What a step gives.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// Items by port. A port that is left out gives nothing.
    pub ports: Vec<(String, Given)>,
    /// What it did, where `12 in → 9 out` says too little.
    pub note: Option<String>,
    /// The answer for a webhook that waits for one.
    pub response: Option<Response>,
}

/// The items of one port.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Given {
    /// The items.
    pub items: Vec<Arc<Item>>,
    /// For each the input item it came from. The index counts through the input ports in order.
    pub pairs: Pairing,
}

impl Output {
    /// Items on port `out`.
    #[must_use]
    pub fn out(items: Vec<Arc<Item>>, pairs: Pairing) -> Self {
        Self::port("out", items, pairs)
    }

    /// Items on one port.
    #[must_use]
    pub fn port(port: &str, items: Vec<Arc<Item>>, pairs: Pairing) -> Self {
        Self::default().and(port, items, pairs)
    }

    /// Items on a further port.
    #[must_use]
    pub fn and(mut self, port: &str, items: Vec<Arc<Item>>, pairs: Pairing) -> Self {
        self.ports.push((port.to_owned(), Given { items, pairs }));
        self
    }

    /// Says what it did.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq)]
pub enum Suspend {
    /// A time.
    Until(Timestamp),
    /// A person.
    Approval {
        /// What is asked.
        title: String,
        /// What will happen on yes, and what is at stake.
        message: String,
        /// When it stops waiting.
        expires_at: Option<Timestamp>,
        /// What counts then: true is yes.
        on_expiry: bool,
    },
    /// A job of another preset, started now with these items.
    Child {
        /// The preset, by name.
        preset: String,
        /// Its input.
        items: Vec<Arc<Item>>,
        /// Its variables, where they differ.
        variables: BTreeMap<String, Value>,
    },
}

/// All components of a node.
pub trait Library: flowork_protocol::check::Catalogue {
    /// The component with that name.
    fn component(&self, name: &str) -> Option<Arc<dyn Component>>;
}

/// A text with expressions to try, and what they see.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The text: `Hello {{ $json.name }}`.
    pub text: String,
    /// The items that come into the step.
    pub input: Vec<Item>,
    /// Which of them is the current one, from 0.
    pub item: usize,
    /// `$vars`.
    pub variables: BTreeMap<String, Value>,
    /// What other steps gave, by the name that expressions use.
    pub steps: BTreeMap<String, Vec<Item>>,
    /// `$now`.
    pub now: Timestamp,
}

/// Tries expressions without a job.
pub trait Preview: Send + Sync {
    /// The value of a text as a step would see it; none when JavaScript would say `undefined`. Blocks, for about a second at
    /// most.
    ///
    /// # Errors
    /// What a step would fail with.
    fn preview(&self, trial: Trial) -> Result<Option<Value>, Failure>;
}
