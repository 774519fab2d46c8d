//! Every problem of a preset at once, each with its place and a suggestion.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::manifest::{Effect, Manifest, Ports};

/// The components that a preset is checked against.
pub trait Catalogue: Send + Sync {
    /// All component names, sorted.
    fn names(&self) -> Vec<String>;
    /// What the component says about itself.
    fn manifest(&self, name: &str) -> Option<Manifest>;
    /// The ports of a step with this config.
    fn ports(&self, name: &str, config: &Map<String, Value>) -> Option<Ports>;
    /// The effect class of a step with this config.
    fn effect(&self, name: &str, config: &Map<String, Value>) -> Option<Effect>;
    /// What is wrong with a config, by its JSON Schema and beyond.
    fn check_config(&self, name: &str, config: &Map<String, Value>) -> Vec<ConfigProblem>;
    /// What pins the component's behaviour in a version's lock: a hash over manifest and code version.
    fn digest(&self, name: &str) -> Option<String>;
}

/// What is wrong with one place in a config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigProblem {
    /// JSON Pointer into the config; empty is the whole.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub suggestion: Option<String>,
}

/// What is wrong with a preset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Problem {
    /// Whether it stops the preset from running.
    pub severity: Severity,
    /// A stable kebab-case word for programs, such as `unknown-component`.
    pub code: String,
    /// JSON Pointer into the preset, such as `/steps/fetch/config/url`.
    pub place: String,
    /// What is wrong, as a sentence.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The preset cannot be frozen or run.
    Error,
    /// It runs, perhaps not as meant.
    Warning,
}
