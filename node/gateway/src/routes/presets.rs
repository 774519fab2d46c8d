//! Presets as drafts: making, changing, their history, and checking one.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_ports::documents::{Change, Draft, DraftSummary, Version};
use flowork_protocol::check::{Problem as PresetProblem, check};
use flowork_protocol::command::Role;
use flowork_protocol::preset::Preset;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Editor, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// How many changes a history holds unless it is said.
const HISTORY_DEFAULT: usize = 100;
/// The most changes that a history holds.
const HISTORY_MAX: usize = 10_000;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    use Role::{Editor, Viewer};
    vec![
        Route::new(Method::GET, "/api/v1/presets", Viewer, "Lists drafts, by name.", list)
            .reply::<Vec<DraftSummary>>(200, "The drafts."),
        Route::new(Method::POST, "/api/v1/presets", Editor, "Makes a draft. Problems are allowed in drafts.", create)
            .body::<Preset>()
            .reply::<Draft>(201, "The draft."),
        Route::new(Method::POST, "/api/v1/presets/check", Viewer, "Every problem of a preset at once.", check_one)
            .body::<Preset>()
            .reply::<Checked>(200, "The problems; none when it is fine."),
        Route::new(Method::GET, "/api/v1/presets/{which}", Viewer, "One draft, by id or name.", show)
            .reply::<Draft>(200, "The draft."),
        Route::new(
            Method::PUT,
            "/api/v1/presets/{which}",
            Editor,
            "Makes a draft read so, as the smallest edit that does.",
            update,
        )
        .query::<Message>()
        .body::<Preset>()
        .reply::<Draft>(200, "The draft."),
        Route::new(
            Method::DELETE,
            "/api/v1/presets/{which}",
            Editor,
            "Takes a draft away. Its versions and jobs stay.",
            remove,
        )
        .reply_as(204, "It is gone.", "text/plain"),
        Route::new(
            Method::GET,
            "/api/v1/presets/{which}/history",
            Viewer,
            "The changes of a draft, newest first.",
            history,
        )
        .query::<Max>()
        .reply::<Vec<Change>>(200, "The changes."),
        Route::new(Method::GET, "/api/v1/presets/{which}/at", Viewer, "A draft as it was.", at)
            .query::<Heads>()
            .reply::<Draft>(200, "The draft."),
        Route::new(
            Method::GET,
            "/api/v1/presets/{which}/versions",
            Viewer,
            "The versions of a draft, newest first.",
            versions,
        )
        .reply::<Vec<Version>>(200, "The versions."),
        Route::new(Method::POST, "/api/v1/presets/{which}/freeze", Editor, "Freezes a draft into a version.", freeze)
            .body::<Freeze>()
            .reply::<Version>(201, "The version. The same content gives the same one."),
    ]
}

/// What is wrong with a preset.
#[derive(Debug, Serialize, JsonSchema)]
struct Checked {
    /// Every problem, worst first.
    problems: Vec<PresetProblem>,
}

/// A remark about an edit.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Message {
    /// What the edit is for.
    message: Option<String>,
}

/// How much of a history.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Max {
    /// At most so many changes; 100 unless said.
    max: Option<usize>,
}

/// A point in a draft's history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Heads {
    /// Hashes of changes, hex, separated by commas.
    heads: String,
}

/// How to freeze.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Freeze {
    /// Freeze at these edits, hex; now unless said.
    heads: Vec<String>,
    /// What people call the version.
    label: Option<String>,
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<DraftSummary>>, Problem> {
    Ok(Json(ctx.options.documents.list().await?))
}

async fn create(
    State(ctx): State<Ctx>, _: Permit<Editor>, Json(preset): Json<Preset>,
) -> Result<(StatusCode, Json<Draft>), Problem> {
    Ok((StatusCode::CREATED, Json(ctx.options.documents.create(preset).await?)))
}

async fn check_one(State(ctx): State<Ctx>, _: Permit<Viewer>, Json(preset): Json<Preset>) -> Json<Checked> {
    Json(Checked { problems: check(&preset, &*ctx.options.catalogue) })
}

async fn show(State(ctx): State<Ctx>, _: Permit<Viewer>, Path(which): Path<String>) -> Result<Json<Draft>, Problem> {
    Ok(Json(ctx.options.documents.get(&which).await?))
}

async fn update(
    State(ctx): State<Ctx>, _: Permit<Editor>, Path(which): Path<String>, Query(ask): Query<Message>,
    Json(preset): Json<Preset>,
) -> Result<Json<Draft>, Problem> {
    Ok(Json(ctx.options.documents.update(&which, preset, ask.message).await?))
}

async fn remove(State(ctx): State<Ctx>, _: Permit<Editor>, Path(which): Path<String>) -> Result<StatusCode, Problem> {
    ctx.options.documents.delete(&which).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn history(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(which): Path<String>, Query(ask): Query<Max>,
) -> Result<Json<Vec<Change>>, Problem> {
    let max = ask.max.unwrap_or(HISTORY_DEFAULT).clamp(1, HISTORY_MAX);
    Ok(Json(ctx.options.documents.history(&which, max).await?))
}

async fn at(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(which): Path<String>, Query(ask): Query<Heads>,
) -> Result<Json<Draft>, Problem> {
    let heads = ask.heads.split(',').map(str::trim).filter(|head| !head.is_empty()).map(str::to_owned).collect();
    Ok(Json(ctx.options.documents.at(&which, heads).await?))
}

async fn versions(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(which): Path<String>,
) -> Result<Json<Vec<Version>>, Problem> {
    Ok(Json(ctx.options.documents.versions(&which).await?))
}

async fn freeze(
    State(ctx): State<Ctx>, _: Permit<Editor>, Path(which): Path<String>, Json(ask): Json<Freeze>,
) -> Result<(StatusCode, Json<Version>), Problem> {
    let (version, _) = ctx.options.documents.freeze(&which, ask.heads, ask.label).await?;
    Ok((StatusCode::CREATED, Json(version)))
}
