//! What every request passes before a route sees it: host, origin, room, time; and what every answer carries.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::body;
use crate::context::Ctx;
use crate::problem::Problem;
use crate::{origins, routes};

/// How many API requests may be in work at once. Feeds and downloads count only until their first byte.
pub(crate) const API_IN_FLIGHT_MAX: usize = 512;
/// How long a request may take until its answer begins. Longer than any wait that a request may ask for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// How long an upload may take. What bounds a slow client is the pause between two pieces, not this.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(6 * 3_600);
/// Where webhooks live.
pub(crate) const HOOKS: &str = "/hooks/";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const NOTHING_ALLOWED: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");

/// The names that are this node. Everything else is refused, so that no foreign name can be pointed at it (DNS rebinding).
#[derive(Debug)]
pub(crate) struct Hosts(Vec<String>);

impl Hosts {
    /// The loopback names and the address itself with the port, and what the owner allows.
    pub(crate) fn new(addr: SocketAddr, allowed: &[String]) -> Self {
        let port = addr.port();
        let mut hosts = vec![format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
        if !addr.ip().is_unspecified() {
            hosts.push(addr.to_string());
        }
        for host in allowed {
            let host = host.to_ascii_lowercase();
            let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
            if !has_port {
                hosts.push(format!("{host}:{port}"));
            }
            hosts.push(host);
        }
        if port == 80 {
            hosts.extend(["127.0.0.1", "localhost", "[::1]"].map(str::to_owned));
        }
        Self(hosts)
    }

    fn knows(&self, host: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    fn check_host(&self, host: Option<&str>) -> Result<(), Problem> {
        let host = host.unwrap_or_default();
        if self.knows(host) {
            return Ok(());
        }
        let shown: String = host.chars().take(100).collect();
        Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown-host", format!("this node is not called `{shown}`"))
            .hint("use the address that `flowork status` shows"))
    }

    fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let foreign = |from: &str| {
            let shown: String = from.chars().take(100).collect();
            Err(Problem::new(
                StatusCode::FORBIDDEN,
                "foreign-origin",
                format!("a page of `{shown}` may not change anything here"),
            )
            .hint("open the address that `flowork status` shows"))
        };
        if let Some(origin) = headers.get(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            if !host.is_some_and(|host| self.knows(host)) {
                return foreign(origin);
            }
            return Ok(());
        }
        match headers.get(FETCH_SITE).map(HeaderValue::as_bytes) {
            None | Some(b"same-origin" | b"none") => Ok(()),
            Some(_) => foreign("another site"),
        }
    }
}

/// Lets a request through to its route, and finishes its answer.
pub(crate) async fn guard(State(ctx): State<Ctx>, request: Request, next: Next) -> Response {
    let is_hook = request.uri().path().starts_with(HOOKS);
    let page = origins::of(request.headers(), &ctx.known().origins);
    let mut response = match inside(&ctx, request, next, is_hook, page.is_some()).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    finish(response.headers_mut());
    if let Some(page) = page {
        origins::open(response.headers_mut(), page);
    }
    response
}

async fn inside(
    ctx: &Ctx, request: Request, next: Next, is_hook: bool, is_allowed_page: bool,
) -> Result<Response, Problem> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    ctx.hosts.check_host(host.or_else(|| request.uri().authority().map(|it| it.as_str())))?;
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // A webhook starts a job by whatever method it likes, and browsers let any page open a WebSocket.
    if !is_allowed_page && (is_hook || !only_looks || request.uri().path() == routes::sync::PATH) {
        ctx.hosts.check_origin(request.headers())?;
    }
    if is_allowed_page && let Some(answer) = origins::preflight(request.method(), request.headers()) {
        return Ok(answer);
    }
    let request = body::admit(ctx, request)?;
    let timeout = match request.uri().path() {
        body::FILES | "/api/v1/backup" => UPLOAD_TIMEOUT,
        routes::openai::CHAT_PATH => routes::openai::CHAT_TIMEOUT,
        _ => REQUEST_TIMEOUT,
    };
    // Webhooks have room of their own, so that a flood of them leaves the API usable.
    let _room = match is_hook {
        true => None,
        false => Some(ctx.api_room.try_acquire().map_err(|_| Problem::flooded("requests", API_IN_FLIGHT_MAX))?),
    };
    tokio::time::timeout(timeout, next.run(request)).await.map_err(|_| {
        let detail = format!("the request took longer than {} seconds", timeout.as_secs());
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail)
            .hint("what it asked for may still happen: look before you send it again, or use an Idempotency-Key")
    })
}

fn finish(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING_ALLOWED);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::new(SocketAddr::from(([127, 0, 0, 1], 4141)), &["box.lan".to_owned(), "Flow.example:443".to_owned()])
    }

    #[test]
    fn only_the_names_of_this_node_are_let_through() {
        for host in
            ["127.0.0.1:4141", "localhost:4141", "LOCALHOST:4141", "box.lan", "box.lan:4141", "flow.example:443"]
        {
            assert!(hosts().check_host(Some(host)).is_ok(), "{host}");
        }
        for host in ["evil.example", "localhost", "localhost:80", "box.lan.evil.example", "", "localhost:4141.evil"] {
            assert!(hosts().check_host(Some(host)).is_err(), "{host}");
        }
        assert!(hosts().check_host(None).is_err());
    }

    #[test]
    fn a_foreign_page_may_not_change_anything_and_a_program_without_origin_may() {
        let check = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            hosts().check_origin(&headers).is_ok()
        };
        assert!(check("origin", "http://localhost:4141"));
        assert!(check("origin", "https://box.lan"));
        assert!(!check("origin", "http://evil.example"));
        assert!(!check("origin", "null"));
        assert!(!check("sec-fetch-site", "cross-site"));
        assert!(check("sec-fetch-site", "same-origin"));
        assert!(hosts().check_origin(&HeaderMap::new()).is_ok());
    }
}
