//! Files: bytes in, a name by hash out.

use std::io;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowork_ports::blobs::ByteStream;
use flowork_protocol::command::Role;
use flowork_protocol::{BlobId, BlobRef};
use futures::StreamExt as _;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::access::{Permit, Runner, Viewer};
use crate::api::Route;
use crate::body;
use crate::context::Ctx;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// How much of a download is read at once.
const READ_BYTES: usize = 64 << 10;
/// The most characters of a file's name.
const NAME_CHARS_MAX: usize = 255;

/// The routes of this noun.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/api/v1/files", Role::Runner, "Keeps a file. The body is its bytes.", upload)
            .query::<Named>()
            .body_bytes()
            .reply::<BlobRef>(201, "The file, as an item's `files` name it."),
        Route::new(Method::GET, "/api/v1/files/{blob}", Role::Viewer, "A file's bytes, as a download.", download)
            .query::<Named>()
            .reply_as(200, "The bytes.", "application/octet-stream"),
    ]
}

/// What people call a file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Named {
    /// The name, for display only.
    name: Option<String>,
}

async fn upload(
    State(ctx): State<Ctx>, _: Permit<Runner>, Query(named): Query<Named>, headers: HeaderMap, body: Body,
) -> Result<(StatusCode, Json<BlobRef>), Problem> {
    let limit = ctx.options.upload_bytes_max;
    let (blob, size) = ctx.options.blobs.put(reader(body), limit).await?;
    let name = clean(named.name.as_deref().unwrap_or("file"));
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    Ok((StatusCode::CREATED, Json(BlobRef { blob, size, name, media_type })))
}

/// A request's body as bytes to keep. A client that stops sending ends it with an error.
pub(crate) fn reader(body: Body) -> ByteStream {
    let kind = |error: &axum::Error| match body::is_slow(error) {
        true => io::ErrorKind::TimedOut,
        false => io::ErrorKind::ConnectionReset,
    };
    let pieces = body.into_data_stream().map(move |piece| piece.map_err(|error| io::Error::new(kind(&error), error)));
    Box::pin(StreamReader::new(pieces))
}

async fn download(
    State(ctx): State<Ctx>, _: Permit<Viewer>, Path(blob): Path<BlobId>, Query(named): Query<Named>, headers: HeaderMap,
) -> Result<Response, Problem> {
    let tag = format!("\"{blob}\"");
    // The name is the hash of the bytes, so what a client has is what there is.
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    let (stream, size) = ctx.options.blobs.open(blob).await?;
    let name = named.name.as_deref().map_or_else(|| blob.short(), clean);
    let mut response = Body::from_stream(ReaderStream::with_capacity(stream, READ_BYTES)).into_response();
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_LENGTH, size.into());
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    for (header, text) in [(header::CONTENT_DISPOSITION, attachment(&name)), (header::ETAG, tag)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            answer.insert(header, value);
        }
    }
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, immutable, max-age=31536000"));
    Ok(response)
}

/// A name for display: no path, no control characters.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "file".to_owned() } else { name }
}

/// Source: RFC 6266 with the encoding of RFC 8187, so that any name survives and none breaks out of the header.
pub(crate) fn attachment(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' }).collect();
    let mut coded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => coded.push(char::from(byte)),
            _ => {
                use std::fmt::Write as _;
                // Writing to a String cannot fail.
                let _ = write!(coded, "%{byte:02X}");
            }
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{coded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_header_or_names_a_path() {
        assert_eq!(clean("../../etc/passwd"), "passwd");
        assert_eq!(clean("a\r\nb\\c\u{0}.csv"), "c.csv");
        assert_eq!(clean(""), "file");
        let text = attachment("ü\"; x=\".csv");
        assert_eq!(text, "attachment; filename=\"___ x__.csv\"; filename*=UTF-8''%C3%BC%22%3B%20x%3D%22.csv");
    }
}
