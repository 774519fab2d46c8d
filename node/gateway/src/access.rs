//! Who may do what. A check yields a permit; without the permit value the next call does not compile.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use flowork_protocol::Timestamp;
use flowork_protocol::command::{Role, Token};
use flowork_protocol::id::{LoginKeyId, TokenId};
use subtle::ConstantTimeEq;

use crate::context::{Ctx, now};
use crate::problem::Problem;

/// The most characters of a bearer token; more is never one of ours.
const TOKEN_CHARS_MAX: usize = 256;
/// The name under which the command line of this machine acts.
const LOCAL: &str = "this machine";
/// What stands for it where tokens stand for others; no token is called so.
const LOCAL_NAME: &str = "-";

/// What a permit is good for.
pub(crate) trait Level: Send + Sync + 'static {
    /// The least role that has it.
    const ROLE: Role;
}

/// Looking.
#[derive(Debug)]
pub(crate) struct Viewer;
/// Starting, stopping and approving jobs.
#[derive(Debug)]
pub(crate) struct Runner;
/// Changing presets and secrets.
#[derive(Debug)]
pub(crate) struct Editor;
/// Making tokens, backing up, changing settings.
#[derive(Debug)]
pub(crate) struct Admin;

impl Level for Viewer {
    const ROLE: Role = Role::Viewer;
}
impl Level for Runner {
    const ROLE: Role = Role::Runner;
}
impl Level for Editor {
    const ROLE: Role = Role::Editor;
}
impl Level for Admin {
    const ROLE: Role = Role::Admin;
}

/// Somebody was let in and may act at level `L`. Only [`admit`] makes one.
#[derive(Debug)]
pub(crate) struct Permit<L> {
    who: String,
    role: Role,
    token: Option<TokenId>,
    session: Option<(TokenId, LoginKeyId)>,
    _level: PhantomData<fn() -> L>,
}

impl<L> Permit<L> {
    /// Who it is, as shown beside a decision.
    pub(crate) fn who(&self) -> &str {
        &self.who
    }

    /// What they may do.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// What [`by_name`] finds them by again.
    pub(crate) fn name(&self) -> &str {
        self.token.as_ref().map_or(LOCAL_NAME, TokenId::as_str)
    }

    /// The session that was used, if it was one.
    pub(crate) fn session(&self) -> Option<&TokenId> {
        self.session.as_ref().map(|(session, _)| session)
    }

    /// Whether they may see the sessions of a key, and end them: an admin any, others those of their own key.
    pub(crate) fn may_see(&self, key: &LoginKeyId) -> bool {
        self.role >= Role::Admin || self.session.as_ref().is_some_and(|(_, own)| own == key)
    }

    /// Grounds to end a session; none for tokens that are no session, and for the sessions of others.
    pub(crate) fn ends(&self, session: &Token) -> Option<EndsSession> {
        session.login_key.as_ref().filter(|key| self.may_see(key)).map(|_| EndsSession(()))
    }
}

/// Somebody may end a session. Only [`Permit::ends`] makes one.
#[derive(Debug)]
pub(crate) struct EndsSession(());

/// A webhook's own check was passed (or it asks for none). Only [`admit_hook`] makes one.
#[derive(Debug)]
pub(crate) struct HookPermit(());

/// Grounds on which a command may be kept.
pub(crate) trait Grounds {}
impl Grounds for Permit<Runner> {}
impl Grounds for Permit<Editor> {}
impl Grounds for Permit<Admin> {}
impl Grounds for HookPermit {}
impl Grounds for EndsSession {}

/// Who a bearer token lets in.
struct Bearer {
    who: String,
    role: Role,
    token: Option<TokenId>,
    session: Option<(TokenId, LoginKeyId)>,
}

/// Lets the request in at level `L`, or says why not.
///
/// # Errors
/// 401 without a good token, 403 with one whose role is too low.
pub(crate) fn admit<L: Level>(ctx: &Ctx, headers: &HeaderMap) -> Result<Permit<L>, Problem> {
    let bearer = bearer(ctx, headers)?;
    if bearer.role < L::ROLE {
        let detail =
            format!("the token `{}` has the role {}, this needs {}", bearer.who, word(bearer.role), word(L::ROLE));
        let hint = match bearer.session {
            Some(_) => format!("open a link of `flowork login-link --role {}` in this browser", word(L::ROLE)),
            None => format!("make one with `flowork token create --role {}`", word(L::ROLE)),
        };
        return Err(Problem::new(StatusCode::FORBIDDEN, "role-too-low", detail).hint(hint));
    }
    let Bearer { who, role, token, session } = bearer;
    Ok(Permit { who, role, token, session, _level: PhantomData })
}

/// Lets a webhook's caller in: with a token that is for webhooks alone, or one that may start jobs anyway.
///
/// # Errors
/// 401 without a good token, 403 with one that may only look, when the webhook asks for a token.
pub(crate) fn admit_hook(ctx: &Ctx, headers: &HeaderMap, needs_token: bool) -> Result<HookPermit, Problem> {
    if needs_token {
        // The gateway cannot open secrets, so it checks no signature of a sender: this node's own tokens are all it knows.
        let hint =
            "send `Authorization: Bearer …` with a token for webhooks; `flowork token create --role hook` makes one";
        let bearer = bearer(ctx, headers).map_err(|problem| problem.hint(hint))?;
        if bearer.role != Role::Hook && bearer.role < Role::Runner {
            let detail = format!("the token `{}` has the role {}, which starts no jobs", bearer.who, word(bearer.role));
            return Err(Problem::new(StatusCode::FORBIDDEN, "role-too-low", detail).hint(hint));
        }
    }
    Ok(HookPermit(()))
}

/// Whether the request comes with a token that may look. For pages that show less without one.
pub(crate) fn may_look(ctx: &Ctx, headers: &HeaderMap) -> bool {
    admit::<Viewer>(ctx, headers).is_ok()
}

impl<L: Level> FromRequestParts<Ctx> for Permit<L> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, ctx: &Ctx) -> Result<Self, Problem> {
        admit(ctx, &parts.headers)
    }
}

fn bearer(ctx: &Ctx, headers: &HeaderMap) -> Result<Bearer, Problem> {
    let missing = || {
        Problem::new(StatusCode::UNAUTHORIZED, "no-token", "this needs a bearer token")
            .hint("send `Authorization: Bearer …`; `flowork token create` makes a token")
    };
    let text = headers.get(header::AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let secret = match text.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => secret.trim(),
        _ => return Err(missing()),
    };
    if secret.is_empty() || secret.len() > TOKEN_CHARS_MAX {
        return Err(missing());
    }
    let hash = blake3::hash(secret.as_bytes()).to_hex();
    if let Some(local) = &ctx.options.local_token_hash
        && bool::from(local.as_bytes().ct_eq(hash.as_bytes()))
    {
        return Ok(Bearer { who: LOCAL.to_owned(), role: Role::Admin, token: None, session: None });
    }
    find(&ctx.known().tokens, hash.as_bytes(), now()).ok_or_else(|| {
        Problem::new(StatusCode::UNAUTHORIZED, "unknown-token", "this token is not known here, or it has expired")
            .hint("`flowork token list` shows the tokens of this node, `flowork token create` makes a new one")
    })
}

/// Looks at every token, so that the time taken does not tell which one was near.
fn find(tokens: &[Token], hash: &[u8], now: Timestamp) -> Option<Bearer> {
    let mut found = None;
    for token in tokens {
        let same = bool::from(token.secret_hash.as_bytes().ct_eq(hash));
        let alive = token.expires_at.is_none_or(|expires_at| now < expires_at);
        if same && alive {
            let session = token.login_key.clone().map(|key| (token.id.clone(), key));
            found = Some(Bearer { who: token.label.clone(), role: token.role, token: Some(token.id.clone()), session });
        }
    }
    found
}

/// Somebody who was let in before, as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// What others call them.
    pub(crate) who: String,
    /// What they may do.
    pub(crate) role: Role,
    /// When that ends.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Who has the token of that name ([`Permit::name`]), if it still lets them in.
pub(crate) fn by_name(tokens: &[Token], name: &str, now: Timestamp) -> Option<Known> {
    if name == LOCAL_NAME {
        return Some(Known { who: LOCAL.to_owned(), role: Role::Admin, expires_at: None });
    }
    let token = tokens.iter().find(|token| token.id.as_str() == name)?;
    let alive = token.expires_at.is_none_or(|expires_at| now < expires_at);
    alive.then(|| Known { who: token.label.clone(), role: token.role, expires_at: token.expires_at })
}

/// The word for a role, as in JSON.
pub(crate) fn word(role: Role) -> &'static str {
    match role {
        Role::Hook => "hook",
        Role::Viewer => "viewer",
        Role::Runner => "runner",
        Role::Editor => "editor",
        Role::Admin => "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(secret: &str, expires_at: Option<i64>) -> Token {
        Token {
            id: "t".into(),
            label: "laptop".to_owned(),
            secret_hash: blake3::hash(secret.as_bytes()).to_hex().to_string(),
            role: Role::Runner,
            created_at: Timestamp(0),
            expires_at: expires_at.map(Timestamp),
            login_key: None,
        }
    }

    #[test]
    fn a_token_is_found_by_the_hash_of_its_secret_until_it_expires() {
        let tokens = [token("other", None), token("mine", Some(100))];
        let hash = blake3::hash(b"mine").to_hex();
        assert!(find(&tokens, hash.as_bytes(), Timestamp(99)).is_some());
        assert!(find(&tokens, hash.as_bytes(), Timestamp(100)).is_none());
        assert!(find(&tokens, b"mine", Timestamp(0)).is_none());
    }
}
