//! Reading requests, so that what is wrong with one is a problem with a hint and not a bare line of text.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flowork_protocol::{check, form};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::body;
use crate::context::Ctx;
use crate::problem::Problem;

/// How large the JSON body of an API request may be.
pub(crate) const BODY_BYTES_MAX: usize = 32 << 20;

/// A JSON body, in or out.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Ctx> for Json<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, ctx: &Ctx) -> Result<Self, Problem> {
        let plain = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_none_or(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().ends_with("json")));
        if !plain {
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "the body is not marked as JSON")
                .hint("send it with `Content-Type: application/json`"));
        }
        let bytes = Bytes::from_request(request, ctx).await.map_err(cut)?;
        parse(&bytes, ctx).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8], ctx: &Ctx) -> Result<T, Problem> {
    // An empty body asks for the defaults.
    let bytes = if bytes.trim_ascii().is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        if let Some(problems) = of_preset(bytes, ctx).filter(|_| error.is_data()) {
            return Problem::preset(problems);
        }
        let (status, code) = if error.is_data() {
            (StatusCode::UNPROCESSABLE_ENTITY, "wrong-body")
        } else {
            (StatusCode::BAD_REQUEST, "bad-json")
        };
        Problem::new(status, code, format!("the body does not read: {error}"))
            .hint("GET /api/v1/openapi.json describes every body")
    })
}

/// Every problem of the preset in a body that does not read, if there is one.
fn of_preset(bytes: &[u8], ctx: &Ctx) -> Option<Vec<check::Problem>> {
    let body: Value = serde_json::from_slice(bytes).ok()?;
    let preset = body.get("inline").or_else(|| body.get("flowork").map(|_| &body))?;
    let problems = form::problems(preset, &*ctx.options.catalogue);
    (!problems.is_empty() && !form::read(preset).1.is_empty()).then_some(problems)
}

/// What is wrong with a body that could not be read.
pub(crate) fn cut(rejection: BytesRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body", BODY_BYTES_MAX as u64),
        _ => body::ended(&rejection),
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The values of a query.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Ctx> for Query<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &Ctx) -> Result<Self, Problem> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "wrong-query",
                format!("the query does not read: {}", error.body_text()),
            )
            .hint("GET /api/v1/openapi.json describes every parameter")
        })
    }
}

/// The values in a path.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Ctx> for Path<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, ctx: &Ctx) -> Result<Self, Problem> {
        axum::extract::Path::<T>::from_request_parts(parts, ctx).await.map(|path| Self(path.0)).map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "wrong-path",
                format!("the address does not read: {}", error.body_text()),
            )
            .hint("GET /api/v1/openapi.json lists every address")
        })
    }
}
