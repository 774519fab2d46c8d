//! Runs another preset as a step.

use std::collections::BTreeMap;

use flowork_ports::component::{Call, Output, Resumed, Suspend, Yield};
use flowork_protocol::Failure;
use flowork_protocol::command::ChildOutcome;
use flowork_protocol::event::Pairing;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::config::Field;
use crate::expression::Session;
use crate::kind::{Made, kind};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The preset, by name. The version that is active when the job starts is run.
    #[schemars(regex(pattern = "^[a-z0-9-]{1,64}$"))]
    preset: String,
    /// Its variables, where they differ from the preset's own.
    #[serde(default)]
    variables: Field<Map<String, Value>>,
}

pub(super) fn component() -> Made {
    kind::<Config>(
        "sub-preset",
        "Run a preset",
        "Runs another preset with the items and gives its output.",
        "Flow",
        DOCS,
    )
    .example(
        "A shared report",
        json!({ "preset": "report", "variables": { "title": "Week {{ $json.week }}" } }),
        json!({ "in": [{ "week": 7 }] }),
        json!({}),
    )
    .now(run)
}

fn run(config: &Config, call: &Call) -> Result<Yield, Failure> {
    match &call.resume {
        Some(Resumed::Child(ChildOutcome::Gave(items))) => {
            let items = items.iter().cloned().map(std::sync::Arc::new).collect();
            return Ok(Yield::Output(Output::out(items, Pairing::None)));
        }
        Some(Resumed::Child(ChildOutcome::Failed(cause))) => {
            let at = cause.step.as_ref().map(|step| format!(" at step `{step}`")).unwrap_or_default();
            let mut failure = Failure::new(
                "sub-preset-failed",
                format!("the preset `{}` failed{at}: {}", config.preset, cause.message),
            );
            failure.hint.clone_from(&cause.hint);
            failure.detail.clone_from(&cause.detail);
            failure.retryable = cause.retryable;
            return Err(failure);
        }
        Some(Resumed::Child(ChildOutcome::Cancelled)) => {
            return Err(Failure::new(
                "sub-preset-cancelled",
                format!("the job of preset `{}` was cancelled", config.preset),
            ));
        }
        _ => {}
    }
    let session = Session::new(call);
    let variables: BTreeMap<String, Value> = config.variables.get(&session.once())?.into_owned().into_iter().collect();
    Ok(Yield::Suspend(Suspend::Child { preset: config.preset.clone(), items: call.input("in").to_vec(), variables }))
}

const DOCS: &str = "All items become the input of one job of the other preset, and the items of its last steps go out of `out`. If \
that job fails, this step fails with its error. The preset must be active; which version is recorded when the job starts.";
