//! Activated versions: those whose triggers fire.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::command::{Activation, Command, Role};
use flowork_protocol::preset::Preset;
use flowork_protocol::{PresetId, VersionId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Editor, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path};
use crate::hook::Hooks;
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/activations", Role::Viewer, "Lists the versions whose triggers fire.", list)
            .reply::<Vec<Activation>>(200, "The activations."),
        Route::new(
            Method::POST,
            "/api/v1/presets/{which}/activate",
            Role::Editor,
            "Fires the triggers of a version from now on; freezes the draft when none is said.",
            activate,
        )
        .body::<Ask>()
        .reply::<Activated>(202, "It is on disk; its triggers fire in a moment."),
        Route::new(
            Method::POST,
            "/api/v1/presets/{which}/deactivate",
            Role::Editor,
            "Fires no trigger of this preset any more.",
            deactivate,
        )
        .reply::<Activated>(202, "It is on disk; its triggers stop in a moment."),
    ]
}

/// What to activate.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Ask {
    /// The version; the draft as it is now is frozen unless said.
    version: Option<VersionId>,
}

/// What was activated or deactivated.
#[derive(Debug, Serialize, JsonSchema)]
struct Activated {
    /// The draft.
    preset: PresetId,
    /// The version whose triggers fire now; none when none do.
    version: Option<VersionId>,
    /// Addresses of its webhooks on this node.
    webhooks: Vec<String>,
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Activation>>, Problem> {
    Ok(Json(ctx.options.reader.activations().await?))
}

async fn activate(
    State(ctx): State<Ctx>, permit: Permit<Editor>, Path(which): Path<String>, Json(ask): Json<Ask>,
) -> Result<(StatusCode, Json<Activated>), Problem> {
    let documents = &ctx.options.documents;
    let (preset, version, text) = match ask.version {
        None => {
            let (version, text) = documents.freeze(&which, Vec::new(), None).await?;
            (version.preset, version.id, text)
        }
        Some(id) => {
            let (version, frozen) = documents.version(id).await?;
            if version.preset.as_str() != which && frozen.preset.name != which {
                let detail = format!("version {} was not frozen from `{which}`", id.short());
                return Err(Problem::conflict("other-preset", detail)
                    .hint("GET /api/v1/presets/{which}/versions lists the versions of a preset"));
            }
            (version.preset, id, frozen.preset)
        }
    };
    check_paths(&ctx, &preset, &text).await?;
    let header = Preset { steps: Default::default(), wires: Default::default(), ..text };
    let webhooks = crate::hook::addresses(&header);
    let activation = Activation { preset: preset.clone(), version, header };
    ctx.command(&permit, Command::Activate(Box::new(activation))).await?;
    Ok((StatusCode::ACCEPTED, Json(Activated { preset, version: Some(version), webhooks })))
}

/// Refuses webhook addresses that another activated preset has.
async fn check_paths(ctx: &Ctx, id: &PresetId, preset: &Preset) -> Result<(), Problem> {
    // Read now and not from memory: what was activated a moment ago counts.
    let hooks = Hooks::of(&ctx.options.reader.activations().await?);
    let taken = hooks.taken(id, preset);
    let Some((path, other)) = taken.first() else { return Ok(()) };
    Err(Problem::conflict(
        "webhook-taken",
        format!("the webhook address /hooks/{path} belongs to the preset `{other}`"),
    )
    .hint(format!("choose another `path` or method for the trigger, or deactivate `{other}`")))
}

async fn deactivate(
    State(ctx): State<Ctx>, permit: Permit<Editor>, Path(which): Path<String>,
) -> Result<(StatusCode, Json<Activated>), Problem> {
    let activations = ctx.options.reader.activations().await?;
    let found = activations.into_iter().find(|it| it.preset.as_str() == which || it.header.name == which);
    let preset = found.map(|activation| activation.preset).ok_or_else(|| {
        Problem::missing("not-active", format!("the preset `{which}` is not activated"))
            .hint("GET /api/v1/activations lists what is")
    })?;
    ctx.command(&permit, Command::Deactivate(preset.clone())).await?;
    Ok((StatusCode::ACCEPTED, Json(Activated { preset, version: None, webhooks: Vec::new() })))
}
