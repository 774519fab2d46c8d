//! Pages elsewhere that may ask this node: a copy of the GUI hosted somewhere, at an origin that the owner allows.
//!
//! Sessions are bearer secrets and no cookies, so a foreign page can do nothing that its person did not sign in for there. What is
//! allowed here is that a browser lets such a page read answers at all (CORS, <https://fetch.spec.whatwg.org/#http-cors-protocol>).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use url::{Origin, Url};

/// The setting that lists them.
pub(crate) const SETTING: &str = "gui.origins";
/// How many may be allowed.
const ORIGINS_MAX: usize = 32;
/// How long a browser may remember what a preflight said.
const PREFLIGHT_FOR: HeaderValue = HeaderValue::from_static("600");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, last-event-id, range");
const EXPOSED: HeaderValue = HeaderValue::from_static("content-length, content-disposition, location, retry-after");
const ASKS_PRIVATE: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// The origins in the setting's value.
///
/// # Errors
/// Which entry is none, for people.
pub(crate) fn read(value: &Value) -> Result<Vec<String>, String> {
    let list = value.as_array().ok_or("it is a list of origins such as \"https://gui.example.org\"")?;
    if list.len() > ORIGINS_MAX {
        return Err(format!("at most {ORIGINS_MAX} origins may be allowed"));
    }
    list.iter()
        .map(|entry| origin(entry).ok_or_else(|| format!("{entry} is not an origin: HTTPS, or HTTP on this machine")))
        .collect()
}

fn origin(entry: &Value) -> Option<String> {
    let text = entry.as_str()?;
    let url = Url::parse(text).ok()?;
    let is_safe = match (url.scheme(), url.host()) {
        ("https", _) => true,
        ("http", Some(url::Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(url::Host::Ipv6(address))) => address.is_loopback(),
        ("http", Some(url::Host::Domain(name))) => name == "localhost",
        _ => false,
    };
    let origin = url.origin();
    // As browsers write it, and nothing behind it.
    (is_safe && matches!(origin, Origin::Tuple(..)) && origin.ascii_serialization() == text).then(|| text.to_owned())
}

/// The origin that a request comes from, when it is an allowed one.
pub(crate) fn of(headers: &HeaderMap, allowed: &[String]) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// The answer to a browser that asks whether it may send a request.
pub(crate) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Response> {
    if *method != Method::OPTIONS || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    let answer = response.headers_mut();
    answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    answer.insert(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_FOR);
    if headers.contains_key(ASKS_PRIVATE) {
        answer.insert(ALLOWS_PRIVATE, HeaderValue::from_static("true"));
    }
    Some(response)
}

/// Lets the page at `origin` read an answer.
pub(crate) fn open(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn origins_are_taken_as_browsers_write_them_and_nothing_else() {
        let good =
            json!(["https://gui.example.org", "http://localhost:5173", "http://127.0.0.1:8080", "https://a.b:444"]);
        assert_eq!(read(&good).map(|list| list.len()), Ok(4));
        for bad in [
            "https://gui.example.org/",
            "http://gui.example.org",
            "null",
            "*",
            "https://a.b/path",
            "HTTPS://A.B",
            "file:///x",
            "",
        ] {
            assert!(read(&json!([bad])).is_err(), "{bad}");
        }
        assert!(read(&json!("https://gui.example.org")).is_err());
        assert!(read(&json!([1])).is_err());
        assert!(read(&json!(vec!["https://a.b"; 33])).is_err());
    }
}
