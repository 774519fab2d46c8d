//! The files of the web GUI, and how they are served: what is named by its content for ever, the rest asked for again.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowork_ports::gui::{File, Files};

/// What the GUI may load and call; as `policy` in `gui/vite.config.ts`, under which its browser checks run.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' blob: data:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Where files lie that are named by their content.
const ASSETS: &str = "assets/";
/// The page itself.
const INDEX: &str = "index.html";
/// First parts of paths that belong to the node and never to a page of the GUI.
const NOT_PAGES: &[&str] = &["api", "hooks", "sync", "healthz", "readyz", "v1"];

/// The file for a path, or the GUI's page; none where neither is meant.
pub(crate) fn serve(files: Option<Files>, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
    let files = files.filter(|_| matches!(*method, Method::GET | Method::HEAD))?;
    let path = path.strip_prefix('/')?;
    if let Some(file) = files.get(path) {
        return Some(answer(file, headers));
    }
    let first = path.split('/').next().unwrap_or_default();
    // A page that was loaded before an update asks for files that are gone; it must not get HTML in their place.
    if NOT_PAGES.contains(&first) || path.starts_with(ASSETS) {
        return None;
    }
    files.get(INDEX).map(|index| answer(index, headers))
}

fn answer(file: &File, headers: &HeaderMap) -> Response {
    let is_named_by_content = file.path.starts_with(ASSETS);
    let tag = format!("W/\"{}\"", blake3::hash(file.bytes).to_hex().split_at(32).0);
    let zipped = file.gzip.filter(|_| takes_gzip(headers));
    // Text of hex digits and quotes is always a header value.
    let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
    let is_known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag);
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => zipped.unwrap_or(file.bytes).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(header::ETAG, tag);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    let cache = if is_named_by_content { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if zipped.is_some() && !is_known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepts.split(',').any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, ""));
        name.trim().eq_ignore_ascii_case("gzip") && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_the_one_that_the_gui_is_checked_under() {
        let config = include_str!("../../../gui/vite.config.ts");
        let (_, rest) = config.split_once("const policy = [").unwrap();
        let (list, _) = rest.split_once("].join('; ')").unwrap();
        let lines: Vec<_> = list.lines().map(|line| line.trim().trim_end_matches(',').trim_matches('"')).collect();
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.join("; "), POLICY);
    }

    #[test]
    fn gzip_is_sent_to_who_takes_it() {
        let takes = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            takes_gzip(&headers)
        };
        assert!(takes("gzip, deflate, br") && takes("br;q=1.0, gzip;q=0.8"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes(""));
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
