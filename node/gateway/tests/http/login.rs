//! Logging in by key: each rule, and what breaks it.

use std::time::Duration;

use flowork_ports::Ring;
use flowork_protocol::command::Role;
use flowork_protocol::id::LoginLinkId;
use flowork_protocol::login::{self, Link, PublicKey};
use flowork_protocol::{NodeId, Timestamp};
use serde_json::{Value, json};

use crate::fake::{Got, Node, got};

/// The node of these tests, as `fake` makes it.
const NODE: NodeId = NodeId([7; 32]);

/// Whoever holds a key.
struct Browser {
    seed: [u8; 32],
}

impl Browser {
    fn new(seed: u8) -> Self {
        Self { seed: [seed; 32] }
    }

    fn key(&self) -> PublicKey {
        login::sign_session(&self.seed, NODE, "").unwrap().0
    }

    async fn enrol(&self, node: &Node, token: &str) -> Got {
        post(node, "enrol", json!({ "token": token, "public_key": self.key(), "label": " Firefox on Linux " })).await
    }

    async fn challenge(&self, node: &Node) -> String {
        let got = post(node, "challenge", json!({ "public_key": self.key() })).await;
        assert_eq!(got.status, 200, "{}", got.text);
        assert_eq!(got.json()["node"], NODE.to_string());
        got.json()["nonce"].as_str().unwrap().to_owned()
    }

    /// Answers a challenge; `signs` is who signs, and `over` the nonce that is signed.
    async fn answer(&self, node: &Node, nonce: &str, signs: &Self, over: &str) -> Got {
        let signature = login::sign_session(&signs.seed, NODE, over).unwrap().1;
        let answer = json!({ "public_key": self.key(), "nonce": nonce, "signature": login::encode(&signature) });
        post(node, "session", answer).await
    }

    async fn session(&self, node: &Node) -> Got {
        let nonce = self.challenge(node).await;
        self.answer(node, &nonce, self, &nonce).await
    }

    /// Enrols by a fresh link and opens a session; gives its secret.
    async fn log_in(&self, node: &Node, role: &str) -> String {
        let enrolled = self.enrol(node, &link(node, role).await).await;
        assert_eq!(enrolled.status, 201, "{}", enrolled.text);
        secret(&self.session(node).await)
    }
}

fn secret(opened: &Got) -> String {
    assert_eq!(opened.status, 201, "{}", opened.text);
    opened.json()["secret"].as_str().unwrap().to_owned()
}

/// Calls an open endpoint, as a page of the node does.
async fn post(node: &Node, what: &str, body: Value) -> Got {
    let request = node.ask("POST", &format!("/api/v1/login/{what}")).header("content-type", "application/json");
    got(request.header("origin", node.base.clone()).body(body.to_string())).await
}

/// Makes a link; gives its token.
async fn link(node: &Node, role: &str) -> String {
    let made = node.call("POST", "/api/v1/login/links", json!({ "role": role })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let lasts = made.json()["expires_at"].as_i64().unwrap() - now();
    assert!((14 * 60_000..=15 * 60_000).contains(&lasts), "{lasts}");
    made.json()["token"].as_str().unwrap().to_owned()
}

fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

async fn as_session(node: &Node, method: &str, path: &str, secret: &str) -> Got {
    got(node.ask(method, path).bearer_auth(secret)).await
}

async fn until(node: &Node, secret: &str, status: u16) {
    let ask = async || as_session(node, "GET", "/api/v1/sessions", secret).await.status;
    let waits = async { while ask().await != status {} };
    tokio::time::timeout(Duration::from_secs(10), waits).await.unwrap();
}

#[track_caller]
fn refused(got: &Got, code: &str) {
    assert_eq!((got.status, got.problem().as_str()), (403, code), "{}", got.text);
    assert!(got.json()["hint"].is_string(), "{}", got.text);
}

#[tokio::test]
async fn a_browser_comes_in_by_a_link_and_logs_in_by_its_key_from_then_on() {
    let node = Node::start().await;
    let (browser, token) = (Browser::new(1), link(&node, "admin").await);
    let enrolled = browser.enrol(&node, &token).await;
    assert_eq!(enrolled.status, 201, "{}", enrolled.text);
    assert_eq!(enrolled.json(), json!({ "id": browser.key().id(), "role": "admin" }));
    let again = browser.enrol(&node, &token).await;
    assert_eq!((again.status, again.json()), (201, enrolled.json()), "a lost answer does no harm");

    let opened = browser.session(&node).await;
    let (secret, id) = (secret(&opened), opened.json()["id"].as_str().unwrap().to_owned());
    assert_eq!(opened.json()["role"], "admin");
    let lasts = opened.json()["expires_at"].as_i64().unwrap() - now();
    assert!(lasts > 0 && lasts <= 30 * 86_400_000, "{lasts}");
    // No waiting here: 201 means that it works.
    let sessions = as_session(&node, "GET", "/api/v1/sessions", &secret).await;
    assert_eq!(sessions.status, 200, "{}", sessions.text);
    let session = &sessions.json()[0];
    assert_eq!((&session["id"], &session["is_current"]), (&json!(id), &json!(true)));
    assert_eq!(session["label"], "Firefox on Linux");
    assert!(!sessions.text.contains(&secret) && !sessions.text.contains("secret"), "{}", sessions.text);

    let keys = as_session(&node, "GET", "/api/v1/login/keys", &secret).await.json();
    assert_eq!((&keys[0]["id"], &keys[0]["sessions"]), (&json!(browser.key().id()), &json!(1)));
    let tokens = as_session(&node, "GET", "/api/v1/tokens", &secret).await.text;
    assert!(!tokens.contains(&id), "a session is no token of a program: {tokens}");
    let as_token = as_session(&node, "DELETE", &format!("/api/v1/tokens/{id}"), &secret).await;
    assert_eq!(as_token.status, 404);
    let kept = node.store.tokens.lock().unwrap().iter().find(|token| token.id.as_str() == id).cloned().unwrap();
    assert_eq!(kept.secret_hash, blake3::hash(secret.as_bytes()).to_hex().to_string());
    assert!(node.store.logins.lock().unwrap().links.iter().all(|link| link.secret_hash != token));
}

#[tokio::test]
async fn a_link_works_once_in_time_and_for_one_key() {
    let node = Node::start().await;
    let token = link(&node, "admin").await;
    assert_eq!(Browser::new(1).enrol(&node, &token).await.status, 201);
    refused(&Browser::new(2).enrol(&node, &token).await, "used-link");
    refused(&Browser::new(2).enrol(&node, "guess").await, "unknown-link");
    refused(&Browser::new(2).enrol(&node, &"x".repeat(1_000)).await, "unknown-link");
    node.store.logins.lock().unwrap().links.push(Link {
        id: LoginLinkId::from("late"),
        secret_hash: blake3::hash(b"late").to_hex().to_string(),
        role: Role::Admin,
        created_at: Timestamp(0),
        expires_at: Timestamp(now()),
        used_by: None,
    });
    node.store.bell.ring(Ring::Node);
    let late = async {
        loop {
            let got = Browser::new(2).enrol(&node, "late").await;
            if got.problem() != "unknown-link" {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    refused(&tokio::time::timeout(Duration::from_secs(10), late).await.unwrap(), "late-link");
    assert_eq!(node.store.logins.lock().unwrap().keys.len(), 1);
}

#[tokio::test]
async fn two_browsers_that_come_with_one_link_at_once_are_one_too_many() {
    let node = Node::start().await;
    let token = link(&node, "admin").await;
    let (one, two) = (Browser::new(1), Browser::new(2));
    let (one, two) = tokio::join!(one.enrol(&node, &token), two.enrol(&node, &token));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 403], "{} {}", one.text, two.text);
}

#[tokio::test]
async fn a_nonce_works_once_for_its_key_and_only_signed_by_it() {
    let node = Node::start().await;
    let (browser, other) = (Browser::new(1), Browser::new(2));
    for browser in [&browser, &other] {
        assert_eq!(browser.enrol(&node, &link(&node, "admin").await).await.status, 201);
    }
    let nonce = browser.challenge(&node).await;
    refused(&browser.answer(&node, &nonce, &other, &nonce).await, "wrong-signature");
    let another = browser.challenge(&node).await;
    refused(&browser.answer(&node, &nonce, &browser, &another).await, "wrong-signature");
    refused(&other.answer(&node, &nonce, &other, &nonce).await, "bad-challenge");
    for wrong in ["", "AAAA", &"A".repeat(54), &format!("{nonce}="), &format!("A{}", &nonce[1..]), "x\ny"] {
        if wrong != nonce {
            refused(&browser.answer(&node, wrong, &browser, wrong).await, "bad-challenge");
        }
    }
    assert_eq!(browser.answer(&node, &nonce, &browser, &nonce).await.status, 201);
    refused(&browser.answer(&node, &nonce, &browser, &nonce).await, "bad-challenge");
    let short = json!({ "public_key": browser.key(), "nonce": another, "signature": "AAAA" });
    refused(&post(&node, "session", short).await, "wrong-signature");
    // Another gateway, or the next one, does not know this one's challenges.
    let next = Node::start().await;
    refused(&browser.answer(&next, &another, &browser, &another).await, "bad-challenge");
}

#[tokio::test]
async fn a_stranger_does_not_learn_who_is_in() {
    let node = Node::start().await;
    let (browser, stranger) = (Browser::new(1), Browser::new(2));
    browser.log_in(&node, "admin").await;
    assert_eq!(browser.challenge(&node).await.len(), stranger.challenge(&node).await.len());
    // Without the private half both are told the same; with it, a stranger is told how to get in.
    for who in [&browser, &stranger] {
        let nonce = who.challenge(&node).await;
        refused(&who.answer(&node, &nonce, &Browser::new(3), &nonce).await, "wrong-signature");
    }
    let told = stranger.session(&node).await;
    refused(&told, "unknown-key");
    assert!(told.json()["hint"].as_str().unwrap().contains("flowork login-link"), "{}", told.text);
}

#[tokio::test]
async fn a_session_that_is_ended_and_a_key_that_is_removed_let_nobody_in() {
    let node = Node::start().await;
    let browser = Browser::new(1);
    let token = link(&node, "admin").await;
    assert_eq!(browser.enrol(&node, &token).await.status, 201);
    let (first, second) = (browser.session(&node).await, browser.session(&node).await);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let (first, second) = (secret(&first), secret(&second));
    assert_eq!(as_session(&node, "DELETE", &format!("/api/v1/sessions/{id}"), &second).await.status, 202);
    until(&node, &first, 401).await;
    until(&node, &second, 200).await;
    let gone = as_session(&node, "DELETE", &format!("/api/v1/sessions/{id}"), &second).await;
    assert_eq!((gone.status, gone.problem().as_str()), (404, "no-session"));

    let key = browser.key().id();
    assert_eq!(node.call("DELETE", &format!("/api/v1/login/keys/{key}"), Value::Null).await.status, 202);
    until(&node, &second, 401).await;
    refused(&browser.session(&node).await, "unknown-key");
    refused(&browser.enrol(&node, &token).await, "removed-key");
    let gone = node.call("DELETE", &format!("/api/v1/login/keys/{key}"), Value::Null).await;
    assert_eq!((gone.status, gone.problem().as_str()), (404, "no-key"));
    // The way back is a new link.
    browser.log_in(&node, "viewer").await;
}

#[tokio::test]
async fn who_may_look_sees_and_ends_the_sessions_of_the_own_key_only() {
    let node = Node::start().await;
    let admin = Browser::new(1).log_in(&node, "admin").await;
    let viewer = Browser::new(2).log_in(&node, "viewer").await;
    let sessions = |secret: String| {
        let node = &node;
        async move { as_session(node, "GET", "/api/v1/sessions", &secret).await.json().as_array().unwrap().clone() }
    };
    let (all, own) = (sessions(admin.clone()).await, sessions(viewer.clone()).await);
    assert_eq!((all.len(), own.len()), (2, 1));
    assert_eq!(own[0]["key"], json!(Browser::new(2).key().id()));
    let of_admin = all.iter().find(|session| session["is_current"] == true).unwrap()["id"].as_str().unwrap();
    let path = format!("/api/v1/sessions/{of_admin}");
    assert_eq!(as_session(&node, "DELETE", &path, &viewer).await.status, 404);
    assert_eq!(as_session(&node, "DELETE", &path, "viewer").await.status, 404, "a viewer's token has no sessions");
    let low = as_session(&node, "GET", "/api/v1/login/keys", &viewer).await;
    refused(&low, "role-too-low");
    assert!(low.json()["hint"].as_str().unwrap().contains("login-link --role admin"), "{}", low.text);
    let own = format!("/api/v1/sessions/{}", own[0]["id"].as_str().unwrap());
    assert_eq!(as_session(&node, "DELETE", &own, &viewer).await.status, 202);
    until(&node, &viewer, 401).await;
    // A token of a program is no session, whatever its id.
    assert_eq!(as_session(&node, "DELETE", "/api/v1/sessions/editor", &admin).await.status, 404);
}

#[tokio::test]
async fn open_endpoints_take_little_and_not_too_often() {
    let node = Node::start().await;
    let mut weak = [0; 32];
    weak[0] = 1;
    let cases = [
        ("challenge", json!({ "public_key": login::encode(&weak) }), 422, "wrong-body"),
        ("challenge", json!({ "public_key": "short" }), 422, "wrong-body"),
        ("challenge", json!({}), 422, "wrong-body"),
        ("enrol", json!({ "token": "x", "public_key": Browser::new(1).key(), "label": " " }), 422, "bad-label"),
        ("enrol", json!({ "token": "x", "public_key": Browser::new(1).key(), "label": "a\nb" }), 422, "bad-label"),
        ("enrol", json!({ "token": "x".repeat(20_000) }), 413, "too-large"),
    ];
    for (what, body, status, word) in cases {
        let got = post(&node, what, body).await;
        assert_eq!((got.status, got.problem().as_str()), (status, word), "{}", got.text);
        assert!(got.json()["hint"].is_string(), "{}", got.text);
    }
    let foreign = node.ask("POST", "/api/v1/login/enrol").header("origin", "http://evil.example").body("{}");
    refused(&got(foreign).await, "foreign-origin");
    let hook = node.call("POST", "/api/v1/login/links", json!({ "role": "hook" })).await;
    assert_eq!((hook.status, hook.problem().as_str()), (422, "no-such-login"));

    let flood = async {
        loop {
            let got = Browser::new(1).enrol(&node, "guess").await;
            if got.status != 403 {
                return got;
            }
        }
    };
    let got = tokio::time::timeout(Duration::from_secs(20), flood).await.unwrap();
    assert_eq!((got.status, got.problem().as_str()), (429, "too-many-logins"));
    assert!(got.headers.contains_key("retry-after"));
    assert!(node.store.commands.lock().unwrap().is_empty(), "what strangers send reaches no disk");
}

#[tokio::test]
async fn a_browser_without_a_link_is_let_in_by_somebody_who_sees_its_code() {
    let node = Node::start().await;
    let browser = Browser::new(9);
    let ask = json!({ "public_key": browser.key(), "label": "Safari on a phone" });
    let asked = post(&node, "requests", ask.clone()).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let id = asked.json()["id"].as_str().unwrap().to_owned();
    let code = asked.json()["code"].as_str().unwrap().to_owned();
    assert!(code.len() == 7 && code.chars().all(|c| c.is_ascii_digit() || c == ' '), "{code}");
    let state =
        async |id: &str| got(node.ask("GET", &format!("/api/v1/login/requests/{id}"))).await.json()["state"].clone();
    assert_eq!(state(&id).await, "waits");
    refused(&browser.session(&node).await, "unknown-key");

    let listed = node.call("GET", "/api/v1/login/requests", json!({})).await.json();
    assert_eq!((&listed[0]["code"], &listed[0]["label"]), (&json!(code), &json!("Safari on a phone")));
    let approve = format!("/api/v1/login/requests/{id}/approve");
    let by_editor = got(node.ask("POST", &approve).bearer_auth("editor").body(json!({ "role": "viewer" }).to_string()));
    assert_eq!(by_editor.await.status, 403);
    let came = node.call("POST", &approve, json!({ "role": "runner" })).await;
    assert_eq!(came.status, 201, "{}", came.text);
    assert_eq!(came.json(), json!({ "id": browser.key().id(), "role": "runner" }));
    assert_eq!(state(&id).await, "let_in");
    let opened = browser.session(&node).await;
    assert_eq!((opened.status, opened.json()["role"].as_str()), (201, Some("runner")));
    let again = node.call("POST", &approve, json!({ "role": "admin" })).await;
    assert_eq!((again.status, again.problem().as_str()), (404, "no-request"), "once is enough");
}

#[tokio::test]
async fn a_request_that_is_refused_or_unknown_lets_nobody_in_and_few_may_wait() {
    let node = Node::start().await;
    let ask =
        async |seed: u8| post(&node, "requests", json!({ "public_key": Browser::new(seed).key(), "label": "x" })).await;
    let id = ask(1).await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(node.call("DELETE", &format!("/api/v1/login/requests/{id}"), json!({})).await.status, 204);
    let state = got(node.ask("GET", &format!("/api/v1/login/requests/{id}"))).await.json();
    assert_eq!(state["state"], "refused");
    let unknown = got(node.ask("GET", "/api/v1/login/requests/nothing")).await.json();
    assert_eq!(unknown["state"], "over");
    refused(&Browser::new(1).session(&node).await, "unknown-key");
    let mut flooded = 0;
    for seed in 2..40 {
        if ask(seed).await.status == 429 {
            flooded += 1;
        }
    }
    assert!(flooded > 20, "{flooded}");
    let bad = post(&node, "requests", json!({ "public_key": Browser::new(1).key(), "label": " " })).await;
    assert!(matches!(bad.status, 422 | 429), "{}", bad.text);
    let hook = node.call("POST", "/api/v1/login/requests/x/approve", json!({ "role": "hook" })).await;
    assert_eq!(hook.problem(), "no-such-login");
}
