//! Logging in by key: links, keys, challenges, sessions that begin. `docs/guide/logging-in.md` says it in plain words.
//!
//! Whoever is told 201 can go on at once: what was accepted is on disk, and the gateway has seen it carried out.

use std::time::Instant;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use flowork_protocol::command::{Command, Role, Token};
use flowork_protocol::id::{LoginKeyId, LoginLinkId, TokenId};
use flowork_protocol::login::{Enrolment, Key, Link, PublicKey, decode};
use flowork_protocol::{NodeId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tokens::{LABEL_CHARS_MAX, hex};
use crate::access::{Admin, Permit};
use crate::api::Route;
use crate::context::{Ctx, now};
use crate::extract::{Json, Path};
use crate::known::Known;
use crate::login::{Answer, Opens, linked};
use crate::problem::Problem;

/// How long a link works.
const LINK_FOR_MS: u64 = 15 * 60_000;
/// How long a session works. The browser opens another with its key.
const SESSION_FOR_MS: u64 = 7 * 86_400_000;
/// The most keys that a node keeps.
const KEYS_MAX: usize = 100;
/// What the secrets of sessions start with, so that scanners find leaked ones.
const SESSION_PREFIX: &str = "flowork_session_";

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/api/v1/login/enrol", None, "Lets a browser's key in by a one-time link.", enrol)
            .body::<Enrol>()
            .reply::<Enrolled>(201, "The key is in. The same key with the same link is answered the same again."),
        Route::new(
            Method::POST,
            "/api/v1/login/challenge",
            None,
            "Gives what a key must sign to open a session.",
            challenge,
        )
        .body::<AskChallenge>()
        .reply::<Challenge>(200, "The challenge; the same for keys that are not in."),
        Route::new(Method::POST, "/api/v1/login/session", None, "Opens a session by a signature.", open)
            .body::<Open>()
            .reply::<Opened>(201, "The session. Its secret is shown only now."),
        Route::new(
            Method::POST,
            "/api/v1/login/links",
            Role::Admin,
            "Makes a one-time link that lets one browser in. Its token is shown only now.",
            make_link,
        )
        .body::<NewLink>()
        .reply::<MadeLink>(201, "The link: the address of the node and `/#login=` with the token."),
        Route::new(Method::GET, "/api/v1/login/keys", Role::Admin, "Lists the keys that may open sessions.", keys)
            .reply::<Vec<ListedKey>>(200, "The keys."),
        Route::new(
            Method::DELETE,
            "/api/v1/login/keys/{key}",
            Role::Admin,
            "Lets a key in no more, and ends its sessions.",
            remove_key,
        )
        .reply_as(202, "It is on disk; the key and its sessions stop in a moment.", "text/plain"),
    ]
}

/// A key that comes with a link.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnrolKey")]
struct Enrol {
    /// The token of the link: what stands behind `#login=`.
    token: String,
    /// The key: 32 bytes of ed25519, base64url without padding.
    public_key: PublicKey,
    /// What people call the browser.
    label: String,
}

/// A key that is in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EnrolledKey")]
struct Enrolled {
    /// Its name.
    id: LoginKeyId,
    /// What its sessions may do.
    role: Role,
}

impl From<Key> for Enrolled {
    fn from(key: Key) -> Self {
        Self { id: key.id, role: key.role }
    }
}

/// Who wants to open a session.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AskLoginChallenge")]
struct AskChallenge {
    /// The key.
    public_key: PublicKey,
}

/// What a key must sign: the lines `flowork login session v1`, node, public key and nonce, without an end of the last.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LoginChallenge")]
struct Challenge {
    /// Works once, for this key, at this gateway.
    nonce: String,
    /// The node that asks.
    node: NodeId,
    /// Until when it may be answered.
    expires_at: Timestamp,
}

/// An answer to a challenge.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OpenSession")]
struct Open {
    /// The key.
    public_key: PublicKey,
    /// The nonce of the challenge.
    nonce: String,
    /// The ed25519 signature, 64 bytes, base64url without padding.
    signature: String,
}

/// A session with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OpenedSession")]
struct Opened {
    /// Its name.
    id: TokenId,
    /// What to send as `Authorization: Bearer …`. The node keeps only its hash.
    secret: String,
    /// What it may do.
    role: Role,
    /// When it ends.
    expires_at: Timestamp,
}

/// A link to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewLoginLink")]
struct NewLink {
    /// What the browser may do that comes with it; everything unless said.
    #[serde(default)]
    role: Option<Role>,
}

/// A link with its token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeLoginLink")]
struct MadeLink {
    /// Its name.
    id: LoginLinkId,
    /// Open `/#login=TOKEN` at the node's address. The node keeps only its hash.
    token: String,
    /// What the browser may do that comes with it.
    role: Role,
    /// When it stops working, also unused.
    expires_at: Timestamp,
}

/// One key.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LoginKey")]
struct ListedKey {
    /// Its name.
    id: LoginKeyId,
    /// The public half.
    public_key: PublicKey,
    /// What people call the browser that holds it.
    label: String,
    /// What its sessions may do.
    role: Role,
    /// When it was let in first.
    created_at: Timestamp,
    /// How many sessions it has.
    sessions: usize,
}

async fn enrol(State(ctx): State<Ctx>, Json(ask): Json<Enrol>) -> Result<(StatusCode, Json<Enrolled>), Problem> {
    ctx.doors.enrol.admit(Instant::now())?;
    let label = label_of(&ask.label)?;
    let created = |key: Key| Ok((StatusCode::CREATED, Json(Enrolled::from(key))));
    let linked_now = match linked(&ctx.known(), &ask.token, ask.public_key, now())? {
        Opens::Done(key) => return created(key),
        Opens::Fresh(linked) => linked,
    };
    check_room(&ctx.known(), ask.public_key)?;
    let link = linked_now.link().id.clone();
    let enrolment = Enrolment { link, public_key: ask.public_key, label: label.to_owned() };
    ctx.command(&linked_now, Command::EnrolKey(enrolment)).await?;
    // Two browsers may come with one link at the same time; who was first is known when it is carried out.
    let decided = ctx.carried_out(|known| match linked(known, &ask.token, ask.public_key, Timestamp(0)) {
        Ok(Opens::Fresh(_)) => None,
        Ok(Opens::Done(key)) => Some(Ok(key)),
        Err(problem) => Some(Err(problem)),
    });
    created(decided.await.unwrap_or_else(|| Err(not_yet("the key is kept, but")))?)
}

async fn challenge(State(ctx): State<Ctx>, Json(ask): Json<AskChallenge>) -> Result<Json<Challenge>, Problem> {
    ctx.doors.challenge.admit(Instant::now())?;
    let (nonce, expires_at) = ctx.doors.challenge(ask.public_key, now(), rand::random());
    Ok(Json(Challenge { nonce, node: ctx.options.node_id, expires_at }))
}

async fn open(State(ctx): State<Ctx>, Json(ask): Json<Open>) -> Result<(StatusCode, Json<Opened>), Problem> {
    ctx.doors.session.admit(Instant::now())?;
    let signature = decode(&ask.signature).ok_or_else(|| {
        Problem::new(StatusCode::FORBIDDEN, "wrong-signature", "a signature is 64 bytes in base64url without padding")
            .hint("sign the challenge with the key, and ask for a fresh challenge")
    })?;
    let answer = Answer { key: ask.public_key, nonce: ask.nonce, signature };
    let created_at = now();
    let proven = ctx.doors.prove(&ctx.known(), ctx.options.node_id, &answer, created_at)?;
    let secret = format!("{SESSION_PREFIX}{}", hex(&rand::random::<[u8; 32]>()));
    let id = TokenId(hex(&rand::random::<[u8; 6]>()));
    let expires_at = created_at.plus_ms(SESSION_FOR_MS);
    let key = proven.key();
    let token = Token {
        id: id.clone(),
        label: key.label.clone(),
        secret_hash: blake3::hash(secret.as_bytes()).to_hex().to_string(),
        role: key.role,
        created_at,
        expires_at: Some(expires_at),
        login_key: Some(key.id.clone()),
    };
    ctx.command(&proven, Command::AddToken(token)).await?;
    let is_open = ctx.carried_out(|known| known.tokens.iter().any(|token| token.id == id).then_some(()));
    is_open.await.ok_or_else(|| not_yet("the session is kept, but"))?;
    Ok((StatusCode::CREATED, Json(Opened { id, secret, role: key.role, expires_at })))
}

async fn make_link(
    State(ctx): State<Ctx>, permit: Permit<Admin>, Json(ask): Json<NewLink>,
) -> Result<(StatusCode, Json<MadeLink>), Problem> {
    let role = role_of(ask.role)?;
    let token = hex(&rand::random::<[u8; 32]>());
    let link = add_link(&ctx, &permit, role, &token).await?;
    Ok((StatusCode::CREATED, Json(MadeLink { id: link.id, token, role, expires_at: link.expires_at })))
}

async fn add_link(ctx: &Ctx, permit: &Permit<Admin>, role: Role, token: &str) -> Result<Link, Problem> {
    let created_at = now();
    let link = Link {
        id: LoginLinkId(hex(&rand::random::<[u8; 6]>())),
        secret_hash: blake3::hash(token.as_bytes()).to_hex().to_string(),
        role,
        created_at,
        expires_at: created_at.plus_ms(LINK_FOR_MS),
        used_by: None,
    };
    ctx.command(permit, Command::AddLoginLink(link.clone())).await?;
    let is_there = ctx.carried_out(|known| known.logins.links.iter().any(|it| it.id == link.id).then_some(()));
    is_there.await.ok_or_else(|| not_yet("the link is kept, but"))?;
    Ok(link)
}

/// A link whose token nobody sees: who is let in by it is said where it is made.
pub(super) async fn make_hidden_link(ctx: &Ctx, permit: &Permit<Admin>, role: Role) -> Result<LoginLinkId, Problem> {
    Ok(add_link(ctx, permit, role, &hex(&rand::random::<[u8; 32]>())).await?.id)
}

/// What somebody is let in as; everything unless said.
pub(super) fn role_of(asked: Option<Role>) -> Result<Role, Problem> {
    match asked.unwrap_or(Role::Admin) {
        Role::Hook => {
            Err(Problem::wrong("no-such-login", "the role hook is for programs that call webhooks, not for people")
                .hint("choose viewer, runner, editor or admin"))
        }
        role => Ok(role),
    }
}

/// What people call a browser.
pub(super) fn label_of(text: &str) -> Result<&str, Problem> {
    let label = text.trim();
    if label.is_empty() || label.chars().count() > LABEL_CHARS_MAX || label.chars().any(char::is_control) {
        return Err(Problem::wrong("bad-label", format!("a label has 1 to {LABEL_CHARS_MAX} characters, all visible"))
            .hint("say which browser this is"));
    }
    Ok(label)
}

/// Refuses a key more when there are as many as may be.
pub(super) fn check_room(known: &Known, key: PublicKey) -> Result<(), Problem> {
    let is_new = known.logins.keys.iter().all(|known| known.public_key != key);
    if is_new && known.logins.keys.len() >= KEYS_MAX {
        return Err(Problem::conflict("too-many-keys", format!("{KEYS_MAX} keys are in already"))
            .hint("remove some: DELETE /api/v1/login/keys/{key}"));
    }
    Ok(())
}

async fn keys(State(ctx): State<Ctx>, _: Permit<Admin>) -> Result<Json<Vec<ListedKey>>, Problem> {
    let (logins, tokens, now) = (ctx.options.reader.logins().await?, ctx.options.reader.tokens().await?, now());
    let alive = |token: &&Token| token.expires_at.is_none_or(|at| now < at);
    let listed = |key: Key| {
        let sessions = tokens.iter().filter(alive).filter(|token| token.login_key.as_ref() == Some(&key.id)).count();
        let Key { id, public_key, label, role, created_at } = key;
        ListedKey { id, public_key, label, role, created_at, sessions }
    };
    Ok(Json(logins.keys.into_iter().map(listed).collect()))
}

async fn remove_key(
    State(ctx): State<Ctx>, permit: Permit<Admin>, Path(key): Path<LoginKeyId>,
) -> Result<StatusCode, Problem> {
    if !ctx.options.reader.logins().await?.keys.iter().any(|known| known.id == key) {
        return Err(
            Problem::missing("no-key", format!("there is no key `{key}`")).hint("GET /api/v1/login/keys lists them")
        );
    }
    ctx.command(&permit, Command::RemoveLoginKey(key)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// It is on disk, and nobody carries it out now.
pub(super) fn not_yet(what: &str) -> Problem {
    let detail = format!("{what} the kernel, which lets people in, has not come to it");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "login-waits", detail)
        .hint("who is signed in already is not held up; try again in a moment, and look at `flowork status` if it stays so")
        .retry_after(2)
}
