//! Chat in OpenAI's format.

use serde_json::{Value, json};

use crate::fake::Node;

fn hello(extra: Value) -> Value {
    let mut body = json!({ "model": "gpu", "messages": [{ "role": "user", "content": "Hi" }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn an_answer_comes_whole() {
    let node = Node::start().await;
    let got = node.call("POST", "/v1/chat/completions", hello(json!({}))).await;
    assert_eq!(got.status, 200, "{}", got.text);
    let said = got.json();
    assert_eq!(said["choices"][0]["message"], json!({ "role": "assistant", "content": "Hello you" }));
    assert_eq!((&said["object"], &said["model"]), (&json!("chat.completion"), &json!("gpu")));
    assert_eq!(said["usage"], json!({ "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 }));
}

#[tokio::test]
async fn an_answer_streams_with_its_use_where_that_is_asked_for() {
    let node = Node::start().await;
    let asked = hello(json!({ "stream": true, "stream_options": { "include_usage": true } }));
    let got = node.call("POST", "/v1/chat/completions", asked).await;
    let events: Vec<&str> = got.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"), "{}", got.text);
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "Hello you");
    let before_last = &chunks[chunks.len() - 2];
    assert_eq!(before_last["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        (&chunks[chunks.len() - 1]["choices"], &chunks[chunks.len() - 1]["usage"]["total_tokens"]),
        (&json!([]), &json!(5))
    );
    assert!(chunks.iter().all(|chunk| chunk["id"] == chunks[0]["id"]), "one answer has one id");
}

#[tokio::test]
async fn errors_have_the_form_that_openai_s_clients_read() {
    let node = Node::start().await;
    let away = node.call("POST", "/v1/chat/completions", hello(json!({ "model": "gone" }))).await;
    assert_eq!((away.status, &away.json()["error"]["code"]), (404, &json!("no-engine-here")));
    let wrong = node.call("POST", "/v1/chat/completions", hello(json!({ "n": 3 }))).await;
    assert_eq!((wrong.status, &wrong.json()["error"]["type"]), (400, &json!("invalid_request_error")));
    let stranger = node.ask("GET", "/v1/models").bearer_auth("nobody").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let body: Value = serde_json::from_str(&stranger.text().await.unwrap()).unwrap();
    assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}

#[tokio::test]
async fn who_may_only_look_asks_no_model() {
    let node = Node::start().await;
    let viewer = node
        .ask("POST", "/v1/chat/completions")
        .bearer_auth("viewer")
        .header("content-type", "application/json")
        .body(hello(json!({})).to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(viewer.status(), 403);
}
