//! The command line's way to a node: its HTTP API, also when the node runs inside this very process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use flowork_protocol::check::Problem;
use futures::StreamExt as _;
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::fail::{FAILED, Fail, NO_NODE, NOT_FOUND, REFUSED, UNAVAILABLE, USAGE};
use crate::lock::Lock;
use crate::node_files::NodeFiles;

/// How long an answer may take to begin.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// How long connecting may take on this machine.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Calls one node.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    token: String,
}

/// The parts of an RFC 9457 problem that the command line shows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    title: String,
    detail: String,
    hint: Option<String>,
    problems: Vec<Problem>,
    error: OpenAiError,
}

/// What answers of `/v1` say instead.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OpenAiError {
    message: String,
}

impl Client {
    /// A client of the node that runs on `data`.
    pub(crate) fn of_running(data: &Path) -> Result<Self, Fail> {
        let holder = Lock::holder(data);
        match (NodeFiles::find(data), holder) {
            (Some(found), Some(_)) => Self::new(found.address, found.token),
            (None, Some(pid)) => {
                Err(Fail::new(NO_NODE, format!("the node on {} (process {pid}) is still starting", data.display()))
                    .hint("try again in a moment"))
            }
            _ => Err(Fail::new(NO_NODE, format!("no node runs on {}", data.display()))
                .hint("start one with `flowork up`, or name another directory with --data")),
        }
    }

    /// A client of the node at `address`.
    pub(crate) fn new(address: SocketAddr, token: String) -> Result<Self, Fail> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            // Loopback only: no certificate is ever looked at, and reading the system's takes time.
            .tls_certs_only([])
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(ANSWER_WITHIN)
            .build()
            .map_err(|error| Fail::because("cannot make an HTTP client", &error))?;
        Ok(Self { http, address, token })
    }

    /// Where the node listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks for JSON.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Fail> {
        json(self.send(Method::GET, path, None, "application/json").await?).await
    }

    /// Sends JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Fail> {
        json(self.send(Method::POST, path, Some(body), "application/json").await?).await
    }

    /// Replaces with JSON.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Fail> {
        json(self.send(Method::PUT, path, Some(body), "application/json").await?).await
    }

    /// Changes a part with JSON.
    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<Value, Fail> {
        json(self.send(Method::PATCH, path, Some(body), "application/json").await?).await
    }

    /// Takes away.
    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Fail> {
        json(self.send(Method::DELETE, path, None, "application/json").await?).await
    }

    /// Opens a feed of server-sent events.
    pub(crate) async fn feed(&self, path: &str) -> Result<Feed, Fail> {
        let response = self.send(Method::GET, path, None, "text/event-stream").await?;
        Ok(Feed { response, buffer: Vec::new() })
    }

    /// Asks for a feed of server-sent events.
    pub(crate) async fn feed_of(&self, path: &str, body: &Value) -> Result<Feed, Fail> {
        let response = self.send(Method::POST, path, Some(body), "text/event-stream").await?;
        Ok(Feed { response, buffer: Vec::new() })
    }

    /// Uploads a file; gives what the node says about it (a `BlobRef`).
    pub(crate) async fn upload(&self, name: &str, media_type: &str, file: tokio::fs::File) -> Result<Value, Fail> {
        let path = format!("/api/v1/files?name={}", escape(name));
        let body = reqwest::Body::wrap_stream(tokio_util::io::ReaderStream::new(file));
        let request = self
            .request(Method::POST, &path, "application/json")
            .header(reqwest::header::CONTENT_TYPE, media_type)
            .body(body);
        json(self.check(request.send().await).await?).await
    }

    /// Sends JSON and writes what comes back to `file`; gives the number of bytes.
    pub(crate) async fn download(&self, path: &str, body: &Value, file: &mut tokio::fs::File) -> Result<u64, Fail> {
        let response = self.send(Method::POST, path, Some(body), "*/*").await?;
        let mut stream = response.bytes_stream();
        let mut written = 0;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| broke(&error))?;
            file.write_all(&chunk).await.map_err(|error| Fail::because("cannot write the file", &error))?;
            written += chunk.len() as u64;
        }
        file.sync_all().await.map_err(|error| Fail::because("cannot write the file", &error))?;
        Ok(written)
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>, accept: &str) -> Result<Response, Fail> {
        let mut request = self.request(method, path, accept);
        if let Some(body) = body {
            request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.to_string());
        }
        self.check(request.send().await).await
    }

    fn request(&self, method: Method, path: &str, accept: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.address))
            .bearer_auth(&self.token)
            .header(reqwest::header::ACCEPT, accept)
    }

    async fn check(&self, sent: Result<Response, reqwest::Error>) -> Result<Response, Fail> {
        let response = sent.map_err(|error| {
            Fail::new(NO_NODE, format!("the node at {} does not answer: {}", self.address, crate::chain(&error)))
                .hint("`flowork status` tells whether it runs; try again when it does")
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let details: Details = serde_json::from_str(&text).unwrap_or_default();
        let message = match (details.detail.is_empty(), details.title.is_empty()) {
            // Answers of /v1 have OpenAI's form.
            (true, true) if !details.error.message.is_empty() => details.error.message,
            (false, _) => details.detail,
            (true, false) => details.title,
            (true, true) => format!("the node answered {status}"),
        };
        Err(Fail {
            code: exit_code(status),
            message,
            hint: details.hint,
            problems: details.problems.into_iter().map(|problem| (problem, None)).collect(),
        })
    }
}

fn exit_code(status: StatusCode) -> u8 {
    match status.as_u16() {
        401 | 403 => REFUSED,
        404 | 410 => NOT_FOUND,
        408 | 429 | 502..=504 | 507 => UNAVAILABLE,
        400 | 413 | 415 | 422 => USAGE,
        _ => FAILED,
    }
}

async fn json(response: Response) -> Result<Value, Fail> {
    let bytes = response.bytes().await.map_err(|error| broke(&error))?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Fail::because("the node answered with something that is not JSON", &error))
}

fn broke(error: &reqwest::Error) -> Fail {
    Fail::new(UNAVAILABLE, format!("the connection to the node broke: {}", crate::chain(error)))
        .hint("the gateway may have been restarted; try again")
}

/// A feed of server-sent events.
#[derive(Debug)]
pub(crate) struct Feed {
    response: Response,
    buffer: Vec<u8>,
}

/// The longest event that is waited for.
const EVENT_BYTES_MAX: usize = 64 << 20;

impl Feed {
    /// The data of the next event; none when the feed ended. Comments and events without data are passed over.
    ///
    /// Source: WHATWG HTML, 9.2.5.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Fail> {
        let mut searched = 0;
        loop {
            if let Some(at) = find(&self.buffer[searched..], b"\n\n").map(|at| at + searched) {
                let event: Vec<u8> = self.buffer.drain(..at + 2).collect();
                searched = 0;
                if let Some(data) = data_of(&String::from_utf8_lossy(&event)) {
                    return Ok(Some(data));
                }
                continue;
            }
            searched = self.buffer.len().saturating_sub(1);
            if self.buffer.len() > EVENT_BYTES_MAX {
                return Err(Fail::new(FAILED, "the node sent an event that does not end"));
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk),
                Ok(None) => return Ok(None),
                Err(error) => return Err(broke(&error)),
            }
        }
    }
}

fn data_of(event: &str) -> Option<String> {
    let lines: Vec<&str> = event
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .map(|data| data.strip_prefix(' ').unwrap_or(data))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Percent-encodes what is not plain in a path segment or query value (RFC 3986, 2.3).
pub(crate) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// `path?name=value&…` with the pairs that have a value.
pub(crate) fn with_query(path: &str, pairs: &[(&str, Option<String>)]) -> String {
    let mut out = path.to_owned();
    let mut mark = '?';
    for (name, value) in pairs {
        if let Some(value) = value {
            out.push(mark);
            out.push_str(name);
            out.push('=');
            out.push_str(&escape(value));
            mark = '&';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_events_data_lines_are_joined_and_comments_passed_over() {
        assert_eq!(
            data_of("id: 4\nevent: x\ndata: {\"a\":1,\ndata: \"b\":2}\n\n").as_deref(),
            Some("{\"a\":1,\n\"b\":2}")
        );
        assert_eq!(data_of(": still here\n\n"), None);
    }

    #[test]
    fn a_query_holds_only_what_was_said() {
        let path = with_query("/x", &[("a", None), ("b", Some("1 &2".to_owned())), ("c", Some("ü".to_owned()))]);
        assert_eq!(path, "/x?b=1%20%262&c=%C3%BC");
    }
}
