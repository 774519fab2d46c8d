//! Where an answer leads, and what goes along: to another origin nothing that could be a secret.

use std::collections::BTreeMap;

use flowork_protocol::Failure;
use reqwest::header::LOCATION;
use reqwest::{Method, Response, StatusCode};

use super::body::{Content, Request};

/// Headers that log somebody in, whoever wrote them.
const LOGS_IN: [&str; 4] = ["authorization", "cookie", "cookie2", "proxy-authorization"];
/// Headers that say what the body is; they go when it goes.
const OF_BODY: [&str; 4] = ["content-type", "content-length", "content-encoding", "transfer-encoding"];

/// One request on the way to the answer.
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) request: Request,
}

/// Where `answer` to `hop` leads, as RFC 9110 (15.4) and the fetch standard say; none when it is the answer.
///
/// # Errors
/// When it leads to no address, or would send a secret in the body to another origin.
pub(super) fn next(
    answer: &Response, hop: Hop, secrets: &BTreeMap<String, String>, shown: &str,
) -> Result<Option<Hop>, Failure> {
    let status = answer.status();
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(to) = answer.headers().get(LOCATION) else { return Ok(None) };
    let to = String::from_utf8_lossy(to.as_bytes());
    let wrong = || {
        Failure::new("http-redirect", format!("{shown} leads to what is no http address"))
            .detail(to.clone().into_owned())
            .hint("request the address itself that it should lead to")
    };
    let url = answer.url().join(&to).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    let Hop { mut method, request: Request { url: from, mut headers, mut content } } = hop;
    let becomes_get = status == StatusCode::SEE_OTHER && method != Method::HEAD
        || matches!(status.as_u16(), 301 | 302) && method == Method::POST;
    if becomes_get {
        method = Method::GET;
        content = Content::None;
        headers.retain(|(name, _)| !is_one_of(name, &OF_BODY));
    }
    if url.origin() != from.origin() {
        headers.retain(|(name, value)| !is_one_of(name, &LOGS_IN) && !holds_secret(value.as_bytes(), secrets));
        if let Content::Bytes(bytes) = &content
            && holds_secret(bytes, secrets)
        {
            let host = url.host_str().unwrap_or_default();
            return Err(Failure::new(
                "http-redirect-secret",
                format!("{shown} leads to {host}, with a secret in the body"),
            )
            .hint("if the secret is meant for that server, request its address itself"));
        }
    }
    Ok(Some(Hop { method, request: Request { url, headers, content } }))
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn holds_secret(bytes: &[u8], secrets: &BTreeMap<String, String>) -> bool {
    let holds = |secret: &[u8]| !secret.is_empty() && bytes.windows(secret.len()).any(|part| part == secret);
    secrets.values().any(|secret| holds(secret.as_bytes()))
}
