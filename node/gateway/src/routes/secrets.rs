//! Secrets: they go in and never come out.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::Timestamp;
use flowork_protocol::command::{Command, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Editor, Permit, Viewer};
use crate::api::Route;
use crate::context::Ctx;
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// How long a secret must be: a shorter text is too common to be found again and taken out of logs and history.
const SECRET_BYTES_MIN: usize = 4;
/// How large a secret may be.
const SECRET_BYTES_MAX: usize = 64 << 10;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/secrets", Role::Viewer, "Lists the names of secrets.", list)
            .reply::<Vec<Secret>>(200, "The names."),
        Route::new(Method::PUT, "/api/v1/secrets/{name}", Role::Editor, "Keeps a secret, sealed.", set)
            .body::<Plain>()
            .reply_as(202, "It is on disk.", "text/plain"),
        Route::new(Method::DELETE, "/api/v1/secrets/{name}", Role::Editor, "Forgets a secret.", remove).reply_as(
            202,
            "It will be forgotten.",
            "text/plain",
        ),
    ]
}

/// One secret, without its value.
#[derive(Debug, Serialize, JsonSchema)]
struct Secret {
    /// Its name.
    name: String,
    /// When it was last set.
    set_at: Timestamp,
}

/// A secret in plain text, on its way in. Has no `Debug`, so that it cannot slip into a log.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Plain {
    /// The value.
    value: String,
}

async fn list(State(ctx): State<Ctx>, _: Permit<Viewer>) -> Result<Json<Vec<Secret>>, Problem> {
    let secrets = ctx.options.reader.secrets().await?;
    Ok(Json(secrets.into_iter().map(|(name, set_at)| Secret { name, set_at }).collect()))
}

fn check_name(name: &str) -> Result<(), Problem> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        return Err(Problem::wrong("bad-name", "this is not a name for a secret")
            .hint("use 1 to 64 characters of a-z, A-Z, 0-9, _, - and ."));
    }
    Ok(())
}

async fn set(
    State(ctx): State<Ctx>, permit: Permit<Editor>, Path(name): Path<String>, Json(plain): Json<Plain>,
) -> Result<StatusCode, Problem> {
    check_name(&name)?;
    if plain.value.is_empty() {
        return Err(Problem::wrong("empty-secret", format!("the secret `{name}` is empty"))
            .hint("give it a value, or remove it with DELETE"));
    }
    if plain.value.trim().len() < SECRET_BYTES_MIN {
        let detail = format!("the secret `{name}` has less than {SECRET_BYTES_MIN} bytes");
        return Err(Problem::wrong("short-secret", detail)
            .hint("a text this short cannot be kept out of logs and history; use a longer secret, or a variable"));
    }
    if plain.value.len() > SECRET_BYTES_MAX {
        return Err(Problem::too_large("the secret", SECRET_BYTES_MAX as u64));
    }
    let sealed = ctx.options.seal.seal(&plain.value).map_err(|why| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not-sealed", format!("the secret cannot be sealed: {why}"))
            .hint("`flowork doctor` looks at the node's keys")
    })?;
    ctx.command(&permit, Command::SetSecret { name, sealed }).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn remove(
    State(ctx): State<Ctx>, permit: Permit<Editor>, Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    check_name(&name)?;
    if !ctx.options.reader.secrets().await?.iter().any(|(known, _)| *known == name) {
        return Err(Problem::missing("no-secret", format!("there is no secret `{name}`"))
            .hint("GET /api/v1/secrets lists the names"));
    }
    ctx.command(&permit, Command::RemoveSecret(name)).await?;
    Ok(StatusCode::ACCEPTED)
}
