//! Sends one request and reads its answer.

use std::error::Error as _;
use std::time::Duration;

use flowork_ports::component::Call;
use flowork_protocol::item::ITEM_JSON_BYTES_MAX;
use flowork_protocol::{BlobRef, Failure, Item};
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use reqwest::{Client, Response};
use serde_json::{Map, Value, json};
use tokio_util::io::{ReaderStream, StreamReader};
use url::Url;

use super::body::{Content, Request};
use super::redirect::{self, Hop};
use super::{Accept, Config, Form, Method};
use crate::files;

/// The largest answer that becomes a value or text; what remains of an item is for headers.
const BODY_BYTES_MAX: usize = ITEM_JSON_BYTES_MAX - (64 << 10);
/// The largest answer that becomes a file.
const FILE_BYTES_MAX: u64 = 64 << 30;
/// How much of a bad answer an error shows, in bytes.
const SHOWN_BYTES_MAX: usize = 2_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An address that can be requested.
pub(super) fn address(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::new("http-url", format!("`{text}` is not an address: {why}"))
            .place("config.url")
            .hint("write it in full, such as https://example.org/path")
    };
    let url = Url::parse(text.trim()).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it must start with http:// or https://"));
    }
    Ok(url)
}

/// The client of one run. Proxies are not taken from the environment: a step connects where its config says.
pub(super) fn client() -> Result<Client, Failure> {
    Client::builder()
        .user_agent(concat!("flowork/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        // `exchange` follows redirects itself: reqwest would carry headers of the config's own to any host.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| Failure::new("http-client", format!("requests cannot be sent from here: {error}")))
}

/// Sends a request and gives the answer as an item. The timeout covers the whole of it.
pub(super) async fn send(
    client: &Client, config: &Config, call: &Call, index: usize, request: Request,
) -> Result<Item, Failure> {
    let span = Duration::from_millis(config.timeout_ms);
    let shown = format!("{} {}", config.method.word(), without_secrets(&request.url));
    tokio::time::timeout(span, exchange(client, config, call, index, request, &shown)).await.unwrap_or_else(|_| {
        let failure = Failure::new("http-timeout", format!("{shown} was not answered within {} ms", config.timeout_ms))
            .hint("raise `timeout_ms`, or try again later");
        Err(failure.retryable())
    })
}

/// Query and user may hold secrets; an error shows neither.
fn without_secrets(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // These fail only for addresses that cannot have a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

async fn exchange(
    client: &Client, config: &Config, call: &Call, index: usize, request: Request, shown: &str,
) -> Result<Item, Failure> {
    let method = reqwest::Method::from_bytes(config.method.word().as_bytes())
        .map_err(|error| Failure::new("http-method", error.to_string()))?;
    let mut hop = Hop { method, request };
    for _ in 0..=config.max_redirects {
        let answer = hop.send(client, call).await?.send().await.map_err(|error| failed(shown, &error))?;
        match redirect::next(&answer, hop, &call.secrets, shown)? {
            Some(next) => hop = next,
            None => return read(config, call, index, answer, shown).await,
        }
    }
    Err(Failure::new("http-redirects", format!("{shown} leads from one redirect to the next"))
        .hint("raise `max_redirects`, or request the last address itself"))
}

impl Hop {
    async fn send(&self, client: &Client, call: &Call) -> Result<reqwest::RequestBuilder, Failure> {
        let mut sent = client.request(self.method.clone(), self.request.url.clone());
        for (name, value) in &self.request.headers {
            sent = sent.header(name, value);
        }
        Ok(match &self.request.content {
            Content::None => sent,
            Content::Bytes(bytes) => sent.body(bytes.clone()),
            Content::Blob(file) => {
                let (stream, size) = call.blobs.open(file.blob).await.map_err(|error| files::blob_failed(&error))?;
                sent.header("content-length", size).body(reqwest::Body::wrap_stream(ReaderStream::new(stream)))
            }
        })
    }
}

/// What went wrong before an answer was there.
fn failed(shown: &str, error: &reqwest::Error) -> Failure {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let why = causes.last().cloned().unwrap_or_else(|| error.to_string());
    if error.is_builder() {
        return Failure::new("http-request", format!("{shown} cannot be sent: {why}"))
            .hint("check names and values of `headers`: they are one line of ASCII");
    }
    let failure = Failure::new("http-connect", format!("{shown} was not answered: {why}")).detail(causes.join("\n"));
    failure.hint("check the address, and that the server is up and can be reached from this machine").retryable()
}

async fn read(config: &Config, call: &Call, index: usize, answer: Response, shown: &str) -> Result<Item, Failure> {
    let status = answer.status();
    let headers: Map<String, Value> = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned())))
        .collect();
    let media_type = header(&answer, &CONTENT_TYPE);
    if config.accept == Accept::Success && !status.is_success() {
        let detail = start_of(answer).await;
        let failure = Failure::new("http-status", format!("{shown} was answered with {status}")).detail(detail);
        return Err(match status.as_u16() {
            401 | 403 => failure.hint("check the secret in `auth` and what it may do"),
            404 => failure.hint("check the address"),
            429 => {
                failure.hint("the server wants fewer requests: lower `at_once`, or give the step a retry").retryable()
            }
            500..=599 => failure.hint("the server has a problem: give the step a retry").retryable(),
            _ => failure.hint("look at the answer in the detail"),
        });
    }
    let mut item = Item::json(json!({ "status": status.as_u16(), "headers": headers }));
    if config.response == Form::File {
        let file = as_file(call, index, answer, media_type).await?;
        item.files.insert("data".to_owned(), file);
        return Ok(item);
    }
    let bytes = if config.method == Method::Head { Vec::new() } else { limited(answer, shown).await? };
    let is_json = media_type.as_deref().is_some_and(|media_type| {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        essence.ends_with("/json") || essence.ends_with("+json")
    });
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    let body = match config.response {
        Form::Text => text(),
        Form::Auto if !is_json || bytes.is_empty() => text(),
        _ => serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new("http-not-json", format!("the answer to {shown} is not JSON: {error}"))
                .detail(String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_BYTES_MAX)]).into_owned())
                .hint("choose `response: \"text\"` to look at it")
        })?,
    };
    if let Value::Object(map) = &mut item.json {
        map.insert("body".to_owned(), body);
    }
    Ok(item)
}

fn header(answer: &Response, name: &reqwest::header::HeaderName) -> Option<String> {
    answer.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

async fn limited(answer: Response, shown: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(part) = stream.next().await {
        bytes.extend_from_slice(&part.map_err(|error| failed(shown, &error))?);
        if bytes.len() > BODY_BYTES_MAX {
            return Err(Failure::new(
                "http-too-large",
                format!("the answer to {shown} is larger than {BODY_BYTES_MAX} bytes"),
            )
            .place("config.response")
            .hint("choose `response: \"file\"` for large answers"));
        }
    }
    Ok(bytes)
}

async fn start_of(answer: Response) -> String {
    let mut bytes = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(Ok(part)) = stream.next().await {
        bytes.extend_from_slice(&part);
        if bytes.len() >= SHOWN_BYTES_MAX {
            bytes.truncate(SHOWN_BYTES_MAX);
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn as_file(call: &Call, index: usize, answer: Response, media_type: Option<String>) -> Result<BlobRef, Failure> {
    let name = file_name(&answer).unwrap_or_else(|| format!("answer-{}", index + 1));
    let stream = StreamReader::new(answer.bytes_stream().map_err(std::io::Error::other));
    let (blob, size) =
        call.blobs.put(Box::pin(stream), FILE_BYTES_MAX).await.map_err(|error| files::blob_failed(&error))?;
    Ok(BlobRef { blob, size, name, media_type })
}

/// The name that the server gives the file, or the end of its address; for display only.
fn file_name(answer: &Response) -> Option<String> {
    let given = header(answer, &CONTENT_DISPOSITION).and_then(|text| {
        let (_, after) = text.split_once("filename=")?;
        Some(after.trim_start_matches('"').split(['"', ';']).next().unwrap_or_default().to_owned())
    });
    let from_url = || answer.url().path_segments().and_then(|mut parts| parts.next_back()).map(str::to_owned);
    let name = given.or_else(from_url)?;
    let name: String = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(200).collect();
    (!name.is_empty()).then_some(name)
}
