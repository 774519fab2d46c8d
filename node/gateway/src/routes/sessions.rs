//! Sessions of browsers: tokens that a login key opened. They begin in `login`; here they are listed and ended.

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::Timestamp;
use flowork_protocol::command::{Command, Role, Token};
use flowork_protocol::id::{LoginKeyId, TokenId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::access::{Permit, Viewer};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/api/v1/sessions",
            Role::Viewer,
            "Lists sessions: all for an admin, those of the own key for others.",
            list,
        )
        .reply::<Vec<Session>>(200, "The sessions."),
        Route::new(
            Method::DELETE,
            "/api/v1/sessions/{session}",
            Role::Viewer,
            "Ends a session: any for an admin, one of the own key for others.",
            end,
        )
        .reply_as(202, "It is on disk; the session stops in a moment.", "text/plain"),
    ]
}

/// One session, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
struct Session {
    /// Its name.
    id: TokenId,
    /// The key that opened it.
    key: LoginKeyId,
    /// What people call the browser.
    label: String,
    /// What it may do.
    role: Role,
    /// When it was opened.
    created_at: Timestamp,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
    /// Whether this very request was made with it.
    is_current: bool,
}

async fn list(State(ctx): State<Ctx>, permit: Permit<Viewer>) -> Result<Json<Vec<Session>>, Problem> {
    let now = now();
    let shown = |token: Token| {
        let Token { id, label, role, created_at, expires_at, login_key, .. } = token;
        let key = login_key.filter(|key| permit.may_see(key) && expires_at.is_none_or(|at| now < at))?;
        let is_current = permit.session() == Some(&id);
        Some(Session { id, key, label, role, created_at, expires_at, is_current })
    };
    Ok(Json(ctx.options.reader.tokens().await?.into_iter().filter_map(shown).collect()))
}

async fn end(
    State(ctx): State<Ctx>, permit: Permit<Viewer>, Path(session): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    let tokens = ctx.options.reader.tokens().await?;
    let ends = tokens.iter().find(|token| token.id == session).and_then(|token| permit.ends(token));
    let Some(ends) = ends else {
        return Err(Problem::missing("no-session", format!("there is no session `{session}` that you may end"))
            .hint("GET /api/v1/sessions lists them"));
    };
    ctx.command(&ends, Command::RemoveToken(session)).await?;
    Ok(StatusCode::ACCEPTED)
}
