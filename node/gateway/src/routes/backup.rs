//! A backup of the whole node, streamed while the node runs.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowork_protocol::command::Role;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::access::{Admin, Permit};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::Json;
use crate::problem::Problem;

/// How much of a backup is read at once.
const READ_BYTES: usize = 256 << 10;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/api/v1/backup",
            Role::Admin,
            "Writes a backup, encrypted, while the node runs.",
            write,
        )
        .body::<BackupAsk>()
        .reply_as(200, "The backup. A download that ends early is not one.", "application/octet-stream"),
    ]
}

/// How a backup is to be encrypted.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BackupAsk {
    /// What opens it again.
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for BackupAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackupAsk").field("passphrase", &self.passphrase.as_ref().map(|_| "…")).finish()
    }
}

async fn write(State(ctx): State<Ctx>, _: Permit<Admin>, Json(ask): Json<BackupAsk>) -> Result<Response, Problem> {
    let stream = ctx.options.backup.begin(ask).await.map_err(|why| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-backup", format!("the backup cannot begin: {why}"))
            .hint("`flowork doctor` looks at the data directory")
    })?;
    let mut response = Body::from_stream(ReaderStream::with_capacity(stream, READ_BYTES)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"flowork.backup\""));
    Ok(response)
}
