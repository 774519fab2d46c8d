//! Frozen versions.

use axum::extract::State;
use axum::http::Method;
use flowork_ports::documents::{FrozenPreset, Version};
use flowork_protocol::VersionId;
use flowork_protocol::command::Role;
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::{Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/versions/{version}", Role::Viewer, "One frozen version.", show)
            .reply::<Shown>(200, "The version with what it holds."),
    ]
}

/// A version with what it holds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VersionDetail")]
struct Shown {
    /// Its name, a hash.
    id: VersionId,
    /// Where it comes from; not known while docs is away.
    version: Option<Version>,
    /// What it holds.
    #[serde(flatten)]
    frozen: FrozenPreset,
}

async fn show(State(ctx): State<Ctx>, _: Permit<Viewer>, Path(id): Path<VersionId>) -> Result<Json<Shown>, Problem> {
    match ctx.options.documents.version(id).await {
        Ok((version, frozen)) => Ok(Json(Shown { id, version: Some(version), frozen })),
        Err(error) => match ctx.frozen(id).await {
            Ok(frozen) => Ok(Json(Shown { id, version: None, frozen })),
            Err(_) => Err(error.into()),
        },
    }
}
