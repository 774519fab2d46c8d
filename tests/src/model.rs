//! A model server for journeys and the benchmark: it speaks OpenAI's format as llama.cpp does, and says what it is told to.
//!
//! Asked `say 5 words` it says `w0 w1 w2 w3 w4 `, a chunk a word. `then hang` after that makes it wait for ever, and
//! `pausing 200 us` makes it take so long for each. What a real server does stands in `flowork-engines`, recorded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What it calls its only model.
pub const MODEL: &str = "counts";

/// Ends when dropped.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    counts: Arc<Counts>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Counts {
    asked: AtomicUsize,
    answering: AtomicUsize,
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl ModelServer {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let shared = counts.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counts = shared.clone();
                // A client that goes away is an error of nobody.
                tokio::spawn(async move { drop(serve(stream, &counts).await) });
            }
        });
        Ok(Self { address, counts, task: task.abort_handle() })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often it was asked something.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.counts.asked.load(Ordering::SeqCst)
    }

    /// How many answers it is giving now.
    #[must_use]
    pub fn answering(&self) -> usize {
        self.counts.answering.load(Ordering::SeqCst)
    }
}

/// Counts an answer for as long as it is given.
struct Answering<'a>(&'a Counts);

impl<'a> Answering<'a> {
    fn new(counts: &'a Counts) -> Self {
        counts.asked.fetch_add(1, Ordering::SeqCst);
        counts.answering.fetch_add(1, Ordering::SeqCst);
        Self(counts)
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.answering.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(stream: TcpStream, counts: &Counts) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if stream.read_line(&mut first).await? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let line = line.trim().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        if first.starts_with("GET /v1/models ") {
            let list =
                json!({ "object": "list", "data": [{ "id": MODEL, "object": "model", "owned_by": "llamacpp" }] });
            let text = list.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", text.len());
            stream.write_all(format!("{head}{text}").as_bytes()).await?;
        } else {
            let _answering = Answering::new(counts);
            return answer(&mut stream, &serde_json::from_slice(&body)?).await;
        }
    }
}

/// The number after `word`.
fn number_after(text: &str, word: &str) -> Option<u64> {
    text.split_once(word)?.1.split_whitespace().next()?.parse().ok()
}

async fn answer(stream: &mut BufReader<TcpStream>, asked: &Value) -> Result<()> {
    let last = asked["messages"].as_array().and_then(|all| all.last()).context("a chat has a message")?;
    let text = last["content"].as_str().unwrap_or_default();
    let words = number_after(text, "say ").unwrap_or(1);
    let most = asked["max_tokens"].as_u64().unwrap_or(u64::MAX);
    let pause = Duration::from_micros(number_after(text, "pausing ").unwrap_or(0));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let event =
        |choices: &Value| format!("data: {}\n\n", json!({ "choices": choices, "object": "chat.completion.chunk" }));
    for word in 0..words.min(most) {
        let choices = json!([{ "index": 0, "delta": { "content": format!("w{word} ") }, "finish_reason": null }]);
        stream.write_all(event(&choices).as_bytes()).await?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    if text.contains("then hang") {
        // Until the client goes.
        stream.read_u8().await?;
    }
    let finish = if words > most { "length" } else { "stop" };
    stream.write_all(event(&json!([{ "index": 0, "delta": {}, "finish_reason": finish }])).as_bytes()).await?;
    let usage = json!({ "prompt_tokens": 7, "completion_tokens": words.min(most) });
    stream.write_all(format!("data: {}\n\n", json!({ "choices": [], "usage": usage })).as_bytes()).await?;
    stream.write_all(b"data: [DONE]\n\n").await?;
    stream.shutdown().await?;
    Ok(())
}
