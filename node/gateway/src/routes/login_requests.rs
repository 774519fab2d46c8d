//! Asking to be let in: a browser without a link shows a code, and somebody who is signed in lets the browser with that code in.
//!
//! Requests are this process's own and short-lived; a gateway that starts anew knows none, and the browser asks again. Letting
//! in goes the way of a link that nobody ever sees.

use std::time::Instant;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::Timestamp;
use flowork_protocol::command::{Command, Role};
use flowork_protocol::id::LoginKeyId;
use flowork_protocol::login::{Enrolment, PublicKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::login::{check_room, label_of, make_hidden_link, not_yet, role_of};
use crate::access::{Admin, Permit};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::{Json, Path};
use crate::login::{Asked, Standing};
use crate::problem::Problem;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/api/v1/login/requests",
            None,
            "Asks that a browser's key be let in by somebody who is signed in.",
            ask,
        )
        .body::<AskIn>()
        .reply::<Waits>(202, "It waits, for ten minutes. The code is shown on both sides."),
        Route::new(
            Method::GET,
            "/api/v1/login/requests/{request}",
            None,
            "What became of a request to be let in.",
            state,
        )
        .reply::<Became>(200, "How it stands."),
        Route::new(Method::GET, "/api/v1/login/requests", Role::Admin, "Who asks to be let in.", list)
            .reply::<Vec<Waits>>(200, "The requests that wait, oldest first."),
        Route::new(
            Method::POST,
            "/api/v1/login/requests/{request}/approve",
            Role::Admin,
            "Lets the key of a request in.",
            approve,
        )
        .body::<LetIn>()
        .reply::<Came>(201, "The key is in; its browser can open a session."),
        Route::new(
            Method::DELETE,
            "/api/v1/login/requests/{request}",
            Role::Admin,
            "Refuses a request to be let in.",
            refuse,
        )
        .reply_as(204, "It is refused.", "text/plain"),
    ]
}

/// Who asks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskLogin")]
struct AskIn {
    /// The key: 32 bytes of ed25519, base64url without padding.
    public_key: PublicKey,
    /// What people call the browser.
    label: String,
}

/// A request that waits.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LoginRequest")]
struct Waits {
    /// Its name.
    id: String,
    /// What the browser calls itself.
    label: String,
    /// Six digits that follow from the key: the same on both screens, or it is another browser.
    code: String,
    /// When it was made.
    asked_at: Timestamp,
    /// Until when it waits.
    expires_at: Timestamp,
}

impl From<Asked> for Waits {
    fn from(asked: Asked) -> Self {
        let code = asked.code();
        Self { id: asked.id, label: asked.label, code, asked_at: asked.asked_at, expires_at: asked.expires_at }
    }
}

/// What became of a request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LoginRequestState")]
struct Became {
    /// Where it stands.
    state: Standing,
}

/// As what somebody is let in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApproveLogin")]
struct LetIn {
    /// What the browser may do.
    role: Role,
}

/// A key that was let in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ApprovedLogin")]
struct Came {
    /// Its name.
    id: LoginKeyId,
    /// What its sessions may do.
    role: Role,
}

async fn ask(State(ctx): State<Ctx>, Json(ask): Json<AskIn>) -> Result<(StatusCode, Json<Waits>), Problem> {
    ctx.doors.ask.admit(Instant::now())?;
    let label = label_of(&ask.label)?.to_owned();
    let asked = ctx.doors.keep_asked(ask.public_key, label, now(), rand::random())?;
    Ok((StatusCode::ACCEPTED, Json(asked.into())))
}

async fn state(State(ctx): State<Ctx>, Path(request): Path<String>) -> Json<Became> {
    Json(Became { state: ctx.doors.standing(&request, now()) })
}

async fn list(State(ctx): State<Ctx>, _: Permit<Admin>) -> Json<Vec<Waits>> {
    Json(ctx.doors.asked(now()).into_iter().map(Waits::from).collect())
}

async fn approve(
    State(ctx): State<Ctx>, permit: Permit<Admin>, Path(request): Path<String>, Json(ask): Json<LetIn>,
) -> Result<(StatusCode, Json<Came>), Problem> {
    let role = role_of(Some(ask.role))?;
    let asked = ctx.doors.asked(now()).into_iter().find(|asked| asked.id == request).ok_or_else(no_request)?;
    check_room(&ctx.known(), asked.key)?;
    let link = make_hidden_link(&ctx, &permit, role).await?;
    let enrolment = Enrolment { link, public_key: asked.key, label: asked.label };
    ctx.command(&permit, Command::EnrolKey(enrolment)).await?;
    let key = ctx.carried_out(|known| {
        known.logins.keys.iter().find(|key| key.public_key == asked.key && key.role == role).cloned()
    });
    let key = key.await.ok_or_else(|| not_yet("the key is kept, but"))?;
    ctx.doors.settle(&request, Standing::LetIn);
    Ok((StatusCode::CREATED, Json(Came { id: key.id, role: key.role })))
}

async fn refuse(State(ctx): State<Ctx>, _: Permit<Admin>, Path(request): Path<String>) -> Result<StatusCode, Problem> {
    match ctx.doors.asked(now()).iter().any(|asked| asked.id == request) {
        true => {
            ctx.doors.settle(&request, Standing::Refused);
            Ok(StatusCode::NO_CONTENT)
        }
        false => Err(no_request()),
    }
}

fn no_request() -> Problem {
    Problem::missing("no-request", "nobody waits under this name any more")
        .hint("GET /api/v1/login/requests lists who does; a request waits for ten minutes")
}
