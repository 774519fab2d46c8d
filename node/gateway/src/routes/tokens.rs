//! Bearer tokens of programs: who may use this API, and how far. Sessions of browsers are in `sessions`.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::Timestamp;
use flowork_protocol::command::{Command, Role, Token};
use flowork_protocol::id::TokenId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Admin, Permit};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// What every secret of a token starts with, so that scanners find leaked ones.
const PREFIX: &str = "flowork_";
/// The most tokens that a node keeps: each request looks at all of them.
const TOKENS_MAX: usize = 1_000;
/// The most characters of a label.
pub(super) const LABEL_CHARS_MAX: usize = 100;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/api/v1/tokens", Role::Admin, "Lists tokens, without their secrets.", list)
            .reply::<Vec<Listed>>(200, "The tokens."),
        Route::new(Method::POST, "/api/v1/tokens", Role::Admin, "Makes a token. Its secret is shown only now.", create)
            .body::<Ask>()
            .reply::<Made>(201, "The token, good in a moment."),
        Route::new(Method::DELETE, "/api/v1/tokens/{token}", Role::Admin, "Lets a token in no more.", remove).reply_as(
            202,
            "It is on disk; the token stops in a moment.",
            "text/plain",
        ),
    ]
}

/// One token, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Token")]
struct Listed {
    /// Its name.
    id: TokenId,
    /// What people call it.
    label: String,
    /// What it may do.
    role: Role,
    /// When it was made.
    created_at: Timestamp,
    /// When it stops working.
    expires_at: Option<Timestamp>,
}

/// A token to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewToken")]
struct Ask {
    /// What people call it.
    label: String,
    /// What it may do.
    role: Role,
    /// How long it works, in milliseconds; for ever unless said.
    #[serde(default)]
    expires_in_ms: Option<u64>,
}

/// A token with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeToken")]
struct Made {
    /// Its name.
    id: TokenId,
    /// What to send as `Authorization: Bearer …`. The node keeps only its hash.
    secret: String,
    /// What it may do.
    role: Role,
    /// When it stops working.
    expires_at: Option<Timestamp>,
}

async fn list(State(ctx): State<Ctx>, _: Permit<Admin>) -> Result<Json<Vec<Listed>>, Problem> {
    let tokens = ctx.options.reader.tokens().await?;
    let listed = |token: Token| {
        let Token { id, label, role, created_at, expires_at, .. } = token;
        Listed { id, label, role, created_at, expires_at }
    };
    Ok(Json(tokens.into_iter().filter(is_of_a_program).map(listed).collect()))
}

async fn create(
    State(ctx): State<Ctx>, permit: Permit<Admin>, Json(ask): Json<Ask>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let label = ask.label.trim();
    if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX {
        return Err(Problem::wrong("bad-label", format!("a label has 1 to {LABEL_CHARS_MAX} characters"))
            .hint("say who or what will use the token"));
    }
    if ctx.known().tokens.iter().filter(|token| is_of_a_program(token)).count() >= TOKENS_MAX {
        return Err(Problem::conflict("too-many-tokens", format!("there are {TOKENS_MAX} tokens already"))
            .hint("remove some: DELETE /api/v1/tokens/{token}"));
    }
    let created_at = now();
    let expires_at = ask.expires_in_ms.map(|ms| created_at.plus_ms(ms));
    let secret = format!("{PREFIX}{}", hex(&rand::random::<[u8; 32]>()));
    let id = TokenId(hex(&rand::random::<[u8; 6]>()));
    let token = Token {
        id: id.clone(),
        label: label.to_owned(),
        secret_hash: blake3::hash(secret.as_bytes()).to_hex().to_string(),
        role: ask.role,
        created_at,
        expires_at,
        login_key: None,
    };
    ctx.command(&permit, Command::AddToken(token)).await?;
    // So that a program can use it at once. When the kernel is away it works as soon as that is back.
    let _ = ctx.carried_out(|known| known.tokens.iter().any(|token| token.id == id).then_some(())).await;
    Ok((StatusCode::CREATED, Json(Made { id, secret, role: ask.role, expires_at })))
}

async fn remove(
    State(ctx): State<Ctx>, permit: Permit<Admin>, Path(token): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    let tokens = ctx.options.reader.tokens().await?;
    if !tokens.iter().filter(|known| is_of_a_program(known)).any(|known| known.id == token) {
        return Err(
            Problem::missing("no-token", format!("there is no token `{token}`")).hint("GET /api/v1/tokens lists them")
        );
    }
    ctx.command(&permit, Command::RemoveToken(token)).await?;
    Ok(StatusCode::ACCEPTED)
}

fn is_of_a_program(token: &Token) -> bool {
    token.login_key.is_none()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
