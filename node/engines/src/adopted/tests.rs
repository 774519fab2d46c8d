use std::net::SocketAddr;

use flowork_protocol::chat::{Answer, Message, Speaker};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

const STREAM: &str = include_str!("../wire/llama-cpp-0.7.0-stream.txt");
const MODELS: &str = include_str!("../wire/llama-cpp-0.7.0-models.json");
const TOO_LONG: &str = include_str!("../wire/llama-cpp-0.7.0-too-long.json");

/// Answers one request with these words, byte for byte, and gives what was asked.
async fn server(status: &'static str, body: String) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        // A request ends where its body is as long as it said.
        while !is_whole(&asked) {
            let mut some = [0; 4_096];
            let count = stream.read(&mut some).await.unwrap();
            asked.extend_from_slice(&some[..count]);
        }
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        // In odd pieces: no chunk is an event.
        for part in body.as_bytes().chunks(7) {
            stream.write_all(part).await.unwrap();
        }
        String::from_utf8(asked).unwrap()
    });
    (address, asked)
}

fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn chat() -> Chat {
    Chat { messages: vec![Message::text(Speaker::User, "Count.")], max_tokens: Some(20), ..Chat::default() }
}

async fn answer(address: SocketAddr) -> (Answer, Result<(), Failure>) {
    let at = ModelAt { server: format!("http://{address}"), model: "models/smollm2.gguf".to_owned() };
    let (sender, mut pieces) = mpsc::channel(1_000);
    let result = Adopted::new().unwrap().chat(&at, &chat(), sender).await;
    let mut answer = Answer::default();
    while let Some(piece) = pieces.recv().await {
        answer.take(piece);
    }
    (answer, result)
}

#[tokio::test]
async fn an_answer_of_llama_cpp_is_read_to_its_end() {
    let (address, asked) = server("200 OK", STREAM.to_owned()).await;
    let (answer, result) = answer(address).await;
    result.unwrap();
    let end = answer.end.unwrap();
    assert_eq!((answer.text.as_str(), end.finish.as_str(), end.model.as_str()), ("1. ", "length", "smollm2"));
    assert_eq!((end.tokens_in, end.tokens_out, end.is_counted), (36, 20, true));
    let asked = asked.await.unwrap();
    assert!(asked.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{asked}");
    let body: Value = serde_json::from_str(asked.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&body["model"], &body["max_tokens"]), (&json!("models/smollm2.gguf"), &json!(20)));
    assert_eq!((&body["stream"], &body["stream_options"]["include_usage"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn an_answer_that_breaks_off_keeps_what_was_said_and_is_an_error() {
    let half = STREAM.split_once("\"finish_reason\":\"length\"").unwrap().0;
    let whole_events = half.rsplit_once("data:").unwrap().0.to_owned();
    let (address, _asked) = server("200 OK", whole_events).await;
    let (answer, result) = answer(address).await;
    let failure = result.unwrap_err();
    assert_eq!((answer.text.as_str(), failure.code.as_str(), failure.retryable), ("1. ", "model-broke", true));
}

#[tokio::test]
async fn what_the_server_refuses_is_told_in_its_words() {
    let (address, _asked) = server("400 Bad Request", TOO_LONG.to_owned()).await;
    let failure = answer(address).await.1.unwrap_err();
    let words = "request (3031 tokens) exceeds the available context size (2048 tokens), try increasing it";
    assert!(failure.message.ends_with(words), "{failure:?}");
    assert!(!failure.retryable && failure.code == "model-refused");
}

#[tokio::test]
async fn a_server_that_is_not_there_can_be_asked_later() {
    let (address, asked) = server("200 OK", String::new()).await;
    asked.abort();
    let _ = asked.await;
    let failure = answer(address).await.1.unwrap_err();
    assert!(failure.retryable && failure.code == "model-away", "{failure:?}");
}

#[tokio::test]
async fn a_server_is_found_with_its_models() {
    let (address, _asked) = server("200 OK", MODELS.to_owned()).await;
    let found = Adopted::new().unwrap().find(Some(&format!("http://{address}/v1/"))).await.unwrap();
    let url = format!("http://{address}/v1");
    let llama = ModelServer { url, software: "llama.cpp".to_owned(), models: vec!["smollm2".to_owned()] };
    assert_eq!(found, [llama]);
    let (address, _asked) = server("200 OK", "<html>".to_owned()).await;
    let failure = Adopted::new().unwrap().find(Some(&format!("http://{address}"))).await.unwrap_err();
    assert!(failure.message.contains("no list of models"), "{failure:?}");
}

#[test]
fn only_this_machine_is_asked() {
    for good in ["http://127.0.0.1:11434", "http://localhost:8080/v1", "http://[::1]:1", "127.0.0.1:11434"] {
        assert!(here(good).is_ok(), "{good}");
    }
    let elsewhere =
        ["http://192.168.1.2:1", "http://example.com", "http://localhost.example.com", "ftp://127.0.0.1", "gpu", ""];
    for bad in elsewhere {
        assert_eq!(here(bad).unwrap_err().code, "model-server-invalid", "{bad}");
    }
}

#[test]
fn an_address_is_taken_with_and_without_its_version() {
    for text in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/"] {
        assert_eq!(endpoint(&here(text).unwrap(), "models"), "http://127.0.0.1:1/v1/models");
    }
    assert_eq!(endpoint(&here("http://[::1]:1/a/v1").unwrap(), "models"), "http://[::1]:1/a/v1/models");
}

#[test]
fn what_a_server_complains_of_is_shown_without_its_wrapping() {
    assert_eq!(complaint(r#"{"error":{"message":"no such model","code":404}}"#), "no such model");
    assert_eq!(complaint(r#"{"error":"model 'x' not found"}"#), "model 'x' not found");
    assert_eq!(complaint(r#"{"message":"bad"}"#), "bad");
    assert_eq!(complaint("<html>\u{1b}[31m"), "<html>[31m");
}
