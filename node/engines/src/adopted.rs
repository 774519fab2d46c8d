//! Asking a model server of this machine, in the format that OpenAI began and all of them speak.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::Models;
use flowork_ports::models::{ModelAt, ModelServer};
use flowork_protocol::Failure;
use flowork_protocol::chat::{Chat, Piece};
use futures::TryStreamExt as _;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::codec::{FramedRead, LinesCodec};
use tokio_util::io::StreamReader;
use url::{Host, Url};

use crate::answer::Reading;
use crate::find;

/// How long a server may take to answer the phone. How long it then thinks, its caller says.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// The longest line of an answer.
const LINE_BYTES_MAX: usize = 1 << 20;
/// As much of what a server says about an error is shown.
const ERROR_CHARS_MAX: usize = 300;

/// Model servers of this machine.
#[derive(Debug, Clone)]
pub struct Adopted {
    client: Client,
}

impl Adopted {
    /// Needs nothing and contacts nobody yet.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new() -> Result<Self, Failure> {
        let client = Client::builder()
            // A server of this machine is not asked by way of another one, and sends nobody elsewhere.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .build()
            .map_err(|error| Failure::new("model-client", format!("no model server can be asked: {error}")))?;
        Ok(Self { client })
    }

    async fn ask(&self, at: &ModelAt, chat: &Chat) -> Result<Response, Failure> {
        let url = here(&at.server)?;
        let body = body(at, chat);
        let request = self.client.post(endpoint(&url, "chat/completions")).header(CONTENT_TYPE, "application/json");
        let response = request.body(body.to_string()).send().await.map_err(|error| {
            Failure::new("model-away", format!("the model server cannot be asked: {}", root(&error)))
                .hint("is it running?")
                .retryable()
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let said = response.text().await.unwrap_or_default();
        let text = format!("the model server says {status}: {}", complaint(&said));
        let mut failure = Failure::new("model-refused", text);
        failure.retryable = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
        Err(failure)
    }
}

#[async_trait]
impl Models for Adopted {
    async fn find(&self, at: Option<&str>) -> Result<Vec<ModelServer>, Failure> {
        match at {
            Some(at) => Ok(vec![find::at(&self.client, &here(at)?).await?]),
            None => Ok(find::everywhere(&self.client).await),
        }
    }

    async fn chat(&self, at: &ModelAt, chat: &Chat, pieces: mpsc::Sender<Piece>) -> Result<(), Failure> {
        let response = self.ask(at, chat).await?;
        let bytes = response.bytes_stream().map_err(std::io::Error::other);
        let mut lines = FramedRead::new(StreamReader::new(bytes), LinesCodec::new_with_max_length(LINE_BYTES_MAX));
        let mut reading = Reading::new(&at.model, chat);
        let broke = |why: String| Failure::new("model-broke", format!("the model server broke off: {why}")).retryable();
        // Server-sent events: what is no data is a comment, a name or an empty line between two.
        while let Some(line) = lines.try_next().await.map_err(|error| broke(error.to_string()))? {
            let Some(data) = line.strip_prefix("data:").map(str::trim) else { continue };
            if data == "[DONE]" {
                break;
            }
            let chunk: Value = serde_json::from_str(data).map_err(|error| broke(format!("{error} in its answer")))?;
            if let Some(error) = chunk.get("error") {
                return Err(broke(complaint(&error.to_string())));
            }
            for piece in reading.take(&chunk) {
                if pieces.send(piece).await.is_err() {
                    return Ok(());
                }
            }
        }
        let end = reading.end().ok_or_else(|| broke("its answer has no end".to_owned()))?;
        // Who does not listen any more needs no end.
        let _ = pieces.send(Piece::End(end)).await;
        Ok(())
    }
}

/// The address, when it is one of this machine.
pub(crate) fn here(text: &str) -> Result<Url, Failure> {
    let invalid = |text: String| Failure::new("model-server-invalid", text);
    let hint = "name it as in `http://127.0.0.1:11434`";
    // People leave the scheme out.
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url: Url = whole.parse().map_err(|error| invalid(format!("`{text}` is no address: {error}")).hint(hint))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(format!("`{text}` is no http address")).hint(hint));
    }
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    };
    if !is_here {
        let text = format!("`{text}` is not on this machine; only a model server that runs beside this node is lent");
        return Err(invalid(text).hint("run a node on that machine and lend it from there"));
    }
    Ok(url)
}

/// Where the server takes this; its address may end with the `/v1` that clients are told, or not.
pub(crate) fn endpoint(url: &Url, what: &str) -> String {
    let base = url.as_str().trim_end_matches('/');
    let base = base.strip_suffix("/v1").unwrap_or(base);
    format!("{base}/v1/{what}")
}

/// What is sent: what was asked, of the model that the engine's owner chose.
fn body(at: &ModelAt, chat: &Chat) -> Value {
    let mut body = serde_json::to_value(chat).unwrap_or_default();
    if let Value::Object(map) = &mut body {
        map.insert("model".to_owned(), json!(at.model));
        map.insert("stream".to_owned(), json!(true));
        map.insert("stream_options".to_owned(), json!({ "include_usage": true }));
    }
    body
}

/// What a server says went wrong, without its wrapping.
fn complaint(said: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(said).ok();
    let message = parsed.as_ref().and_then(|value| {
        let error = value.get("error").unwrap_or(value);
        error.get("message").or(Some(error)).and_then(Value::as_str)
    });
    message.unwrap_or(said).chars().filter(|letter| !letter.is_control()).take(ERROR_CHARS_MAX).collect()
}

/// The innermost reason.
pub(crate) fn root(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let text = inner.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
