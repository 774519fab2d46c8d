//! Webhooks from the outside.

use std::collections::BTreeMap;

use flowork_protocol::event::{Outcome, Response};
use serde_json::{Value, json};

use crate::fake::{Node, failed, got, inline};

#[tokio::test]
async fn a_webhook_starts_a_job_with_the_request_as_its_item() {
    let node = Node::start().await;
    node.hook("orders", json!({ "path": "orders/new", "method": "ANY" })).await;
    let request = node
        .ask("POST", "/hooks/orders/new?a=1&a=2&b=%C3%BC")
        .header("content-type", "application/json")
        .header("x-mark", "here")
        .header("authorization", "Bearer not for the history")
        .header("cookie", "session=1");
    let answer = got(request.body(r#"{"order":7}"#)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.headers["flowork-job"], answer.job().to_string());
    let submission = node.store.submissions().remove(0);
    assert_eq!((submission.job, submission.trigger), (answer.job(), Some("hook".into())));
    assert_eq!((submission.name.as_str(), submission.keyed), ("orders", false));
    let item = &submission.input[0].json;
    assert_eq!((&item["method"], &item["path"]), (&json!("POST"), &json!("orders/new")));
    assert_eq!(item["query"], json!({ "a": ["1", "2"], "b": "ü" }));
    assert_eq!(item["body"], json!({ "order": 7 }));
    assert_eq!(item["headers"]["x-mark"], "here");
    assert!(item["headers"]["authorization"].is_null() && item["headers"]["cookie"].is_null());
}

#[tokio::test]
async fn a_body_is_json_text_fields_or_a_file() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x" })).await;
    let send = |kind: &'static str, body: Vec<u8>| {
        let request = node.ask("POST", "/hooks/x").header("content-type", kind).body(body);
        async {
            assert_eq!(got(request).await.status, 202);
            node.store.submissions().pop().unwrap().input.remove(0)
        }
    };
    assert_eq!(send("text/plain", b"{\"a\":1}".to_vec()).await.json["body"], json!("{\"a\":1}"));
    assert_eq!(send("application/json", b"no json".to_vec()).await.json["body"], json!("no json"));
    assert_eq!(
        send("application/x-www-form-urlencoded", b"a=1&b=2".to_vec()).await.json["body"],
        json!({ "a": "1", "b": "2" })
    );
    assert_eq!(send("application/json", Vec::new()).await.json["body"], Value::Null);
    let large = vec![b'x'; 3 << 20];
    let escaped = "\u{1}".repeat(400_000).into_bytes();
    for bytes in [vec![0xff, 0xfe, 0x00], large, escaped] {
        let item = send("application/octet-stream", bytes.clone()).await;
        let file = &item.files["body"];
        assert_eq!((file.size, &item.json["body"]), (bytes.len() as u64, &Value::Null));
        assert_eq!(node.blobs.0.lock().unwrap()[&file.blob], bytes);
    }
}

#[tokio::test]
async fn an_unknown_address_a_wrong_method_and_a_switched_off_webhook_say_what_to_do() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x", "method": "PUT" })).await;
    let unknown = got(node.ask("POST", "/hooks/y")).await;
    assert_eq!((unknown.status, unknown.problem().as_str()), (404, "no-hook"));
    assert!(unknown.text.contains("flowork preset activate"), "{}", unknown.text);
    let method = got(node.ask("POST", "/hooks/x")).await;
    assert_eq!((method.status, method.problem().as_str()), (405, "hook-method"));
    assert_eq!(method.headers["allow"], "PUT");
    let mut activations = node.store.activations.lock().unwrap().clone();
    activations[0].header.triggers.get_mut("hook").unwrap().disabled = true;
    *node.store.activations.lock().unwrap() = activations;
    node.store.bell.ring(flowork_ports::Ring::Node);
    let off = loop {
        let answer = got(node.ask("PUT", "/hooks/x")).await;
        if answer.status != 202 {
            break answer;
        }
    };
    assert_eq!((off.status, off.problem().as_str()), (404, "hook-disabled"));
}

#[tokio::test]
async fn the_same_key_on_the_same_webhook_names_the_same_job() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x" })).await;
    node.hook("q", json!({ "path": "y" })).await;
    let send = |path: &'static str| got(node.ask("POST", path).header("idempotency-key", "7"));
    let (one, two, other) = (send("/hooks/x").await.job(), send("/hooks/x").await.job(), send("/hooks/y").await.job());
    assert_eq!(one, two);
    assert_ne!(one, other);
    assert!(node.store.submissions().iter().all(|it| it.keyed));
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x" })).await;
    let send = |body: &'static str, agent: &'static str| {
        let request = node.ask("POST", "/hooks/x").header("idempotency-key", "7").header("user-agent", agent);
        got(request.header("content-type", "application/json").body(body))
    };
    let first = send(r#"{"n":1}"#, "one").await;
    assert_eq!(send(r#"{"n":1}"#, "two").await.json(), first.json(), "headers may differ");
    let other = send(r#"{"n":2}"#, "one").await;
    assert_eq!((other.status, other.problem().as_str()), (409, "key-reused"));
    assert_eq!(node.store.submissions().len(), 1);
}

#[tokio::test]
async fn a_webhook_that_asks_for_a_token_takes_one_for_webhooks_or_of_a_runner() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x", "auth": "token" })).await;
    for (secret, status) in
        [(None, 401), (Some("guess"), 401), (Some("viewer"), 403), (Some("hook"), 202), (Some("runner"), 202)]
    {
        let request = secret.iter().fold(node.ask("POST", "/hooks/x"), |request, secret| request.bearer_auth(secret));
        assert_eq!(got(request).await.status, status, "{secret:?}");
    }
    assert_eq!(node.store.submissions().len(), 2);
}

#[tokio::test]
async fn a_webhook_can_answer_with_the_output_of_the_job() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x", "respond": "when-done" })).await;
    *node.store.runs.lock().unwrap() = Some(|store, it| {
        store.end(it.job, Outcome::Succeeded, &[("b", json!({ "sum": 3 }))]);
    });
    let answer = got(node.ask("POST", "/hooks/x")).await;
    assert_eq!((answer.status, answer.json()), (200, json!([{ "sum": 3 }])));
    *node.store.runs.lock().unwrap() = Some(|store, it| {
        store.end(it.job, failed("no such table"), &[]);
    });
    let answer = got(node.ask("POST", "/hooks/x")).await;
    assert_eq!((answer.status, answer.problem().as_str()), (500, "job-failed"));
    assert!(answer.text.contains("no such table") && answer.json()["hint"] == "mend it", "{}", answer.text);
    assert!(answer.headers.contains_key("flowork-job"));
}

#[tokio::test]
async fn a_webhook_can_answer_with_what_a_step_says_before_the_job_ends() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x", "respond": "with-step" })).await;
    *node.store.runs.lock().unwrap() = Some(|store, it| {
        let headers = [("x-a", "1"), ("content-type", "text/html"), ("set-cookie", "a=1"), ("bad\nname", "x")];
        let headers: BTreeMap<_, _> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let response = Response { status: 201, headers, body: json!("<b>hi</b>") };
        store.succeed(it.job, "answer", inline(&[]), Some(response));
    });
    let answer = got(node.ask("POST", "/hooks/x")).await;
    assert_eq!((answer.status, answer.text.as_str()), (201, "<b>hi</b>"));
    assert_eq!(
        (&answer.headers["x-a"], &answer.headers["content-type"]),
        (&"1".parse().unwrap(), &"text/html".parse().unwrap())
    );
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(answer.headers["content-security-policy"].to_str().unwrap().starts_with("sandbox"));
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_answered_with_its_id() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x", "respond": "when-done", "timeout_ms": 20 })).await;
    let answer = got(node.ask("POST", "/hooks/x")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(node.store.submissions()[0].job, answer.job());
}

#[tokio::test]
async fn settings_of_the_preset_go_into_the_submission() {
    let node = Node::start().await;
    let mut preset = node.draft("p");
    preset.settings.concurrency = Some(2);
    preset.settings.priority = 9;
    preset.triggers =
        serde_json::from_value(json!({ "hook": { "component": "webhook", "config": { "path": "x" } } })).unwrap();
    node.drafts.all.lock().unwrap().insert("p".to_owned(), preset);
    assert_eq!(node.call("POST", "/api/v1/presets/p/activate", json!({})).await.status, 202);
    while got(node.ask("POST", "/hooks/x")).await.status == 404 {}
    let submission = node.store.submissions().remove(0);
    assert_eq!((submission.concurrency, submission.priority), (Some(2), 9));
}
