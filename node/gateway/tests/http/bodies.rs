//! Bodies that are too large, and clients that are too slow.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fake::{LOCAL, Node};

/// Longer than any answer may take here, and not what any of these tests waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection on which `head` and `body` were sent.
async fn sent(node: &Node, head: &str, body: &[u8]) -> TcpStream {
    let host = node.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!("{head}\r\nHost: {host}\r\nAuthorization: Bearer {LOCAL}\r\nContent-Type: application/json\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// All that comes until the other side has ended the connection.
async fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an end").unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn impatient() -> Node {
    Node::start_with(|options| {
        options.patience =
            flowork_gateway::Patience { head: Duration::from_millis(200), pause: Duration::from_millis(200) };
    })
    .await
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_comes() {
    let node = Node::start().await;
    for path in ["/api/v1/jobs", "/api/v1/presets", "/api/v1/files", "/hooks/none"] {
        // Not one byte of the body is sent.
        let told =
            answer(sent(&node, &format!("POST {path} HTTP/1.1"), b"Content-Length: 4294967296\r\n\r\n").await).await;
        assert!(told.starts_with("HTTP/1.1 413"), "{path}: {told}");
        assert!(told.contains("application/problem+json") && told.contains("hint"), "{path}: {told}");
    }
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_goes_on_sending() {
    let node = Node::start().await;
    let mut stream = sent(&node, "POST /api/v1/jobs HTTP/1.1", b"Content-Length: 4294967296\r\n\r\n").await;
    let piece = vec![b' '; 64 << 10];
    for _ in 0..256 {
        stream.write_all(&piece).await.expect("the connection is still taken in");
    }
    stream.shutdown().await.unwrap();
    let told = answer(stream).await;
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
}

#[tokio::test]
async fn a_body_in_chunks_is_refused_when_it_has_become_too_large() {
    let node = Node::start().await;
    let mut stream = sent(&node, "POST /api/v1/jobs HTTP/1.1", b"Transfer-Encoding: chunked\r\n\r\n").await;
    let mut chunk = b"100000\r\n".to_vec();
    chunk.resize(chunk.len() + (1 << 20), b' ');
    chunk.extend_from_slice(b"\r\n");
    for _ in 0..34 {
        stream.write_all(&chunk).await.unwrap();
    }
    let told = answer(stream).await;
    assert!(told.starts_with("HTTP/1.1 413"), "{told}");
}

#[tokio::test]
async fn a_client_that_stops_inside_a_body_is_told_and_let_go() {
    let node = impatient().await;
    for path in ["/api/v1/jobs", "/api/v1/files"] {
        let told =
            answer(sent(&node, &format!("POST {path} HTTP/1.1"), b"Content-Length: 50\r\n\r\n{\"pre").await).await;
        assert!(told.starts_with("HTTP/1.1 408"), "{path}: {told}");
        assert!(told.contains("hint"), "{path}: {told}");
    }
    assert!(node.store.submissions().is_empty());
}

#[tokio::test]
async fn a_client_that_never_ends_its_head_is_let_go() {
    let node = impatient().await;
    let told = answer(sent(&node, "POST /api/v1/jobs HTTP/1.1", b"X-Slow: ").await).await;
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
}
