//! A small HTTP/1.1 client over one kept connection: cheap enough that a load test measures the server.
//!
//! Source: RFC 9112. Non-goals: TLS, redirects, proxies, HTTP/2.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest head that an answer may have.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How much is read at once.
const READ_BYTES: usize = 16 << 10;

/// One kept connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Bytes that were read and not yet used.
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 shows as U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// The bytes of a request, made once and sent many times.
#[must_use]
pub fn request(method: &str, path: &str, host: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || method != "GET" {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// What the system said.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?)
    }

    /// Connects over a socket that somebody else connected.
    ///
    /// # Errors
    /// What the system said.
    pub fn over(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(READ_BYTES) })
    }

    /// Sends one request and reads the whole answer. Not cancel-safe: drop the connection with the future.
    ///
    /// # Errors
    /// When the connection breaks or what came is not HTTP.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.write_all(request).await?;
        self.rest().await
    }

    async fn rest(&mut self) -> Result<Answer> {
        let (status, headers) = self.head().await?;
        let find = |name: &str| headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
        let body = if find("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk().await? {
                body.extend_from_slice(&chunk);
            }
            body
        } else {
            let length = find("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
            self.take(length).await?
        };
        Ok(Answer { status, headers, body })
    }

    /// Sends one request and gives the status alone; what a load test calls. Not cancel-safe.
    ///
    /// # Errors
    /// When the connection breaks or what came is not HTTP.
    pub async fn status(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = &self.buffer[..end];
                let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                let status = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not an HTTP answer"))?;
                let Some(length) = content_length(head) else { break };
                let whole = end + 4 + length;
                while self.buffer.len() < whole {
                    self.read().await?;
                }
                self.buffer.drain(..whole);
                return Ok(status);
            }
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(Error::new(ErrorKind::InvalidData, "a head that does not end"));
            }
            self.read().await?;
        }
        // Chunked: nothing was taken from the buffer yet, the general way reads it.
        self.rest().await.map(|answer| answer.status)
    }

    /// Sends one request whose answer does not end (server-sent events); [`Self::event`] then reads it.
    ///
    /// # Errors
    /// When the connection breaks or the status is not 200.
    pub async fn subscribe(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        let (status, _) = self.head().await?;
        if status == 200 { Ok(()) } else { Err(Error::other(format!("the feed answered {status}"))) }
    }

    /// The next piece of a chunked answer; none at its end.
    ///
    /// # Errors
    /// When the connection breaks or what came is not HTTP.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let line = self.line().await?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length =
            usize::from_str_radix(digits, 16).map_err(|_| Error::new(ErrorKind::InvalidData, "not a chunk"))?;
        if length == 0 {
            while !self.line().await?.is_empty() {}
            return Ok(None);
        }
        let chunk = self.take(length).await?;
        self.line().await?;
        Ok(Some(chunk))
    }

    async fn head(&mut self) -> Result<(u16, Vec<(String, String)>)> {
        loop {
            let first = self.line().await?;
            let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
            let status: u16 = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not an HTTP answer"))?;
            let mut headers = Vec::new();
            loop {
                let line = self.line().await?;
                let Some((name, value)) = line.split_once(':') else { break };
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            // 1xx answers come before the real one.
            if status >= 200 {
                return Ok((status, headers));
            }
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut looked = 0;
        loop {
            if let Some(at) = self.buffer[looked..].iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=looked + at).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            looked = self.buffer.len();
            if looked > HEAD_BYTES_MAX {
                return Err(Error::new(ErrorKind::InvalidData, "a line that does not end"));
            }
            self.read().await?;
        }
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.read().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn read(&mut self) -> Result<()> {
        self.buffer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            _ => Ok(()),
        }
    }
}

/// The length that a head announces; none when it is chunked.
fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME))?;
    std::str::from_utf8(&line[NAME.len()..]).ok()?.trim().parse().ok()
}
