//! `flowork schema …`: published JSON Schemas. Needs no node.

use clap::Subcommand;
use flowork_protocol::preset;
use serde_json::Value;

use super::fail::Fail;
use super::{Context, print_json};

/// Print a JSON Schema
#[derive(Debug, Subcommand)]
pub(crate) enum Schema {
    /// Of preset files
    Preset,
}

impl Schema {
    /// Prints it.
    #[expect(clippy::unnecessary_wraps, reason = "commands share one form")]
    pub(crate) fn run(self, _: &Context) -> Result<(), Fail> {
        match self {
            Self::Preset => print_json(&Value::from(schemars::schema_for!(preset::Preset))),
        }
        Ok(())
    }
}
