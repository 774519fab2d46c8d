//! Expressions tried while somebody writes them. Nothing runs by it and nothing is kept.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::Method;
use flowork_ports::component::Trial;
use flowork_protocol::command::Role;
use flowork_protocol::{Failure, Item};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::{Editor, Permit};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::Json;
use crate::problem::Problem;

/// How many are tried at once; each may take a second of a processor.
pub(crate) const AT_ONCE_MAX: usize = 2;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/api/v1/expressions/preview",
            Role::Editor,
            "What a text with expressions gives for one item.",
            preview,
        )
        .body::<Ask>()
        .reply::<Previewed>(200, "The value, or why there is none."),
    ]
}

/// A text, and what its expressions see.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PreviewExpression")]
struct Ask {
    /// The text: `Hello {{ $json.name }}`.
    text: String,
    /// The items that come into the step.
    input: Vec<Item>,
    /// Which of them is the current one, from 0.
    item: usize,
    /// `$vars`.
    variables: BTreeMap<String, Value>,
    /// What other steps gave, by name.
    steps: BTreeMap<String, Vec<Item>>,
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
struct Previewed {
    /// The value; absent when JavaScript would say `undefined`.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

async fn preview(State(ctx): State<Ctx>, _: Permit<Editor>, Json(ask): Json<Ask>) -> Result<Json<Previewed>, Problem> {
    let _room = ctx.trial_room.acquire().await.map_err(|_| Problem::flooded("expressions", AT_ONCE_MAX))?;
    let Ask { text, input, item, variables, steps } = ask;
    let trial = Trial { text, input, item, variables, steps, now: now() };
    let preview = ctx.options.preview.clone();
    let tried = tokio::task::spawn_blocking(move || preview.preview(trial)).await;
    let tried = tried.unwrap_or_else(|_| Err(Failure::new("expression-broke", "trying it stopped with a fault")));
    Ok(Json(match tried {
        Ok(value) => Previewed { value, error: None },
        Err(error) => Previewed { value: None, error: Some(error) },
    }))
}
