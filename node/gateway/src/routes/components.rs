//! Components: what steps can be made of.

use axum::extract::State;
use axum::http::Method;
use flowork_protocol::command::Role;
use flowork_protocol::manifest::Manifest;
use flowork_protocol::plan::nearest;

use crate::access::{Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/components", Role::Viewer, "Lists components, by name.", list)
            .reply::<Vec<Manifest>>(200, "The manifests."),
        Route::new(Method::GET, "/api/v1/components/{name}", Role::Viewer, "One component.", show)
            .reply::<Manifest>(200, "Its manifest."),
    ]
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Json<Vec<Manifest>> {
    let catalogue = &ctx.options.catalogue;
    Json(catalogue.names().iter().filter_map(|name| catalogue.manifest(name)).collect())
}

async fn show(State(ctx): State<Ctx>, _: Permit<Viewer>, Path(name): Path<String>) -> Result<Json<Manifest>, Problem> {
    let catalogue = &ctx.options.catalogue;
    catalogue.manifest(&name).map(Json).ok_or_else(|| {
        let names = catalogue.names();
        let hint = nearest(&name, names.iter().map(String::as_str))
            .map_or_else(|| "GET /api/v1/components lists all".to_owned(), |near| format!("did you mean `{near}`?"));
        Problem::missing("no-component", format!("there is no component `{name}`")).hint(hint)
    })
}
