//! What the API says about itself.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use flowork_protocol::preset::Preset;
use serde_json::Value;

use crate::api::{self, Route};
use crate::context::Ctx;
use crate::extract::Json;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/schema/preset", None, "The JSON Schema of presets.", preset)
            .reply::<Value>(200, "The schema."),
        Route::new(Method::GET, "/api/v1/openapi.json", None, "This document.", openapi)
            .reply::<Value>(200, "The OpenAPI document."),
    ]
}

async fn preset() -> Response {
    (public(), Json(schemars::schema_for!(Preset))).into_response()
}

async fn openapi(State(ctx): State<Ctx>) -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let text = DOCUMENT.get_or_init(|| api::document(&ctx.options.version).to_string());
    (public(), [(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

fn public() -> [(header::HeaderName, &'static str); 1] {
    [(header::CACHE_CONTROL, "max-age=60")]
}
