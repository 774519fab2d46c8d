//! Engines that this node lends.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_ports::mesh::{Ask, Engine, Gave, Lend, Offer};
use flowork_protocol::command::Role;
use flowork_protocol::grant::Capability;
use schemars::JsonSchema;
use serde::Deserialize;

use super::peers::ask;
use crate::access::{Admin, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// What a version that is lent is called among the versions of its draft.
const LABEL: &str = "lent";

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/engines", Role::Viewer, "Lists the engines that this node lends.", list)
            .reply::<Vec<Engine>>(200, "The engines."),
        Route::new(
            Method::PUT,
            "/api/v1/engines/{engine}",
            Role::Admin,
            "Lends presets as an engine. What each does is frozen now; who may use it, grants say.",
            lend,
        )
        .body::<LendPresets>()
        .reply::<Engine>(200, "The engine."),
        Route::new(
            Method::DELETE,
            "/api/v1/engines/{engine}",
            Role::Admin,
            "Lends an engine no more, or one of its capabilities.",
            unlend,
        )
        .query::<Which>()
        .reply_as(204, "It is lent no more. Calls that run go on.", "text/plain"),
        Route::new(Method::PUT, "/api/v1/lending", Role::Admin, "Pauses or resumes all lending.", pause_all)
            .body::<Pause>()
            .reply_as(204, "It is on disk.", "text/plain"),
        Route::new(
            Method::PUT,
            "/api/v1/engines/{engine}/lending",
            Role::Admin,
            "Pauses or resumes the lending of one engine.",
            pause,
        )
        .body::<Pause>()
        .reply_as(204, "It is on disk.", "text/plain"),
    ]
}

/// What to lend.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LendPresets {
    /// Presets, by name or id. Each may then be run by whoever holds a grant for `run:` and its name.
    run: Vec<String>,
    /// How many calls the engine runs at once.
    #[serde(default)]
    concurrent: Option<u32>,
}

/// One capability.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Which {
    /// Only this, such as `run:summarise`.
    capability: Option<Capability>,
}

/// Whether.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PauseLending")]
struct Pause {
    /// True takes no calls; those that run go on.
    paused: bool,
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Engine>>, Problem> {
    Ok(Json(ask!(ctx, Ask::Engines, Gave::Engines(engines) => engines)))
}

async fn lend(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(engine): Path<String>, Json(lend): Json<LendPresets>,
) -> Result<Json<Engine>, Problem> {
    let mut offers = BTreeMap::new();
    for which in &lend.run {
        let (version, preset) = ctx.options.documents.freeze(which, Vec::new(), Some(LABEL.to_owned())).await?;
        let offer = Offer::Run {
            preset: version.preset,
            name: preset.name.clone(),
            version: version.id,
            concurrency: preset.settings.concurrency,
        };
        offers.insert(Capability::run(&preset.name), offer);
    }
    let lend = Lend { engine, offers, concurrent: lend.concurrent };
    Ok(Json(ask!(ctx, Ask::Lend(lend), Gave::Engine(engine) => engine)))
}

async fn unlend(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(engine): Path<String>, Query(which): Query<Which>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::Unlend { engine, capability: which.capability }, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}

async fn pause_all(
    State(ctx): State<Ctx>, _: Permit<Admin>, Json(Pause { paused }): Json<Pause>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::PauseLending { engine: None, paused }, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}

async fn pause(
    State(ctx): State<Ctx>, _: Permit<Admin>, Path(engine): Path<String>, Json(Pause { paused }): Json<Pause>,
) -> Result<StatusCode, Problem> {
    ask!(ctx, Ask::PauseLending { engine: Some(engine), paused }, Gave::Done => ());
    Ok(StatusCode::NO_CONTENT)
}
