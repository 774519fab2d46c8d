//! What a component says about itself: its forms, its docs and its limits all come from here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Describes a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Manifest {
    /// The name that presets use, such as `http-request`.
    pub name: String,
    /// Rises with every change of behaviour. A step pins the version it was drawn with.
    pub version: u32,
    /// The name for people.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// The docs page, in Markdown.
    pub docs: String,
    /// Where the palette lists it.
    pub category: String,
    /// Module, trigger or tool.
    pub kind: Kind,
    /// Where items come in. A trigger has none.
    pub inputs: Vec<Port>,
    /// Where items go out. Some components add ports by config ([`crate::check::Catalogue::ports`]).
    pub outputs: Vec<Port>,
    /// JSON Schema of the config; forms are generated from it.
    pub config: Value,
    /// What repeating it would do. Config may narrow it.
    pub effect: Effect,
    /// What it may touch.
    pub permissions: Permissions,
    /// A config that works, with what it is for.
    pub example: Example,
}

/// What kind of step a component makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Works on items.
    Module,
    /// Starts jobs.
    Trigger,
    /// Can be called by agents as well.
    Tool,
}

/// One input or output of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Port {
    /// The name that wires use.
    pub name: String,
    /// What comes through here.
    pub docs: String,
}

impl Port {
    /// A port.
    pub fn new(name: impl Into<String>, docs: impl Into<String>) -> Self {
        Self { name: name.into(), docs: docs.into() }
    }
}

/// The ports of one step, after its config has had its say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// Where items come in.
    pub inputs: Vec<Port>,
    /// Where items go out, without `error`.
    pub outputs: Vec<Port>,
}

/// What repeating a step after a crash would do, and so when its commits must happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// No network, no files. Re-run after a crash; journaled with the next commit.
    Pure,
    /// May be repeated with the same key.
    Idempotent,
    /// Changes the world: its start is committed before it acts and its result before a successor starts.
    External,
}

/// What a component may touch. Absent means nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Permissions {
    /// Hosts it may connect to; `*` is any.
    pub hosts: Vec<String>,
    /// Folders and files it may read, absolute paths.
    pub read: Vec<String>,
    /// Folders and files it may write, absolute paths.
    pub write: Vec<String>,
    /// Whether it may name further folders in its config.
    pub paths_from_config: bool,
}

/// A config that works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Example {
    /// What it shows.
    pub title: String,
    /// The config.
    pub config: Value,
    /// Items that come in, by port.
    #[serde(default)]
    pub input: BTreeMap<String, Vec<Value>>,
    /// Items that go out, by port; empty when it depends on the world.
    #[serde(default)]
    pub output: BTreeMap<String, Vec<Value>>,
}
