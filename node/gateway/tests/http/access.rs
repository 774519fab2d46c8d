//! Who gets in, and who is told what.

use flowork_ports::Ring;
use flowork_protocol::command::Role;
use serde_json::{Value, json};

use crate::fake::{LOCAL, Node, ROLES, got, token};

/// Every operation of the OpenAPI document as `(method, path, least role)`.
fn operations() -> Vec<(String, String, Option<String>)> {
    let document = flowork_gateway::openapi("test");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let role = operation["description"].as_str().and_then(|text| {
                let role = text.strip_prefix("Needs a token with the role ")?;
                Some(role.trim_end_matches(" or higher.").to_owned())
            });
            assert_eq!(role.is_some(), operation["security"].is_array(), "{method} {path}");
            all.push((method.to_uppercase(), path.clone(), role));
        }
    }
    all
}

fn filled(path: &str) -> String {
    path.replace("{job}", "00000000000000000000000000")
        .replace("{other}", "00000000000000000000000000")
        .replace("{version}", &"0".repeat(64))
        .replace("{blob}", &"0".repeat(64))
        .replace(['{', '}'], "")
}

#[tokio::test]
async fn every_route_asks_for_the_role_that_its_description_names() {
    let node = Node::start().await;
    let mut closed = 0;
    for (method, path, role) in operations() {
        let Some(role) = role else { continue };
        closed += 1;
        let needs = ROLES.iter().find(|(word, _)| *word == role).unwrap().1;
        let url = filled(&path);
        let without = got(node.ask(&method, &url)).await;
        assert_eq!((without.status, without.problem().as_str()), (401, "no-token"), "{method} {path}");
        assert!(without.headers.contains_key("www-authenticate"));
        let unknown = got(node.ask(&method, &url).bearer_auth("guess")).await;
        assert_eq!((unknown.status, unknown.problem().as_str()), (401, "unknown-token"), "{method} {path}");
        for (secret, has) in ROLES {
            if path == "/api/v1/events" && has >= needs {
                continue;
            }
            let answer = got(node.ask(&method, &url).bearer_auth(secret)).await;
            if has < needs {
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
                    (403, "role-too-low"),
                    "{secret} {method} {path}"
                );
            } else {
                assert!(![401, 403, 405].contains(&answer.status), "{secret} {method} {path}: {}", answer.text);
            }
        }
    }
    assert!(closed > 40, "only {closed} routes ask for a token");
}

#[tokio::test]
async fn open_routes_answer_without_a_token_and_give_nothing_away() {
    let node = Node::start().await;
    for path in ["/", "/page.css", "/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/schema/preset"] {
        let answer = got(node.ask("GET", path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(answer.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    }
    let page = got(node.ask("GET", "/")).await.text;
    assert!(page.contains("kernel") && page.contains("0.1.0 &lt;test&gt;") && !page.contains("12D3Koo"), "{page}");
    let page = node.get("/").await.text;
    assert!(page.contains("12D3Koo") && page.contains("/data/flowork"), "{page}");
}

#[tokio::test]
async fn a_request_for_another_name_is_refused_whatever_it_asks_for() {
    let node = Node::start().await;
    for path in ["/healthz", "/api/v1/node", "/hooks/x", "/nothing"] {
        let answer = got(node.ask("GET", path).bearer_auth(LOCAL).header("host", "evil.example")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (421, "unknown-host"), "{path}");
    }
    let answer = got(node.ask("GET", "/healthz").header("host", "box.lan")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_foreign_page_cannot_change_anything_and_cannot_fire_a_webhook() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x", "method": "ANY" })).await;
    for (method, path) in
        [("POST", "/api/v1/jobs"), ("DELETE", "/api/v1/presets/p"), ("POST", "/hooks/x"), ("GET", "/hooks/x")]
    {
        for (header, value) in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")]
        {
            let answer = got(node.ask(method, path).bearer_auth(LOCAL).header(header, value)).await;
            assert_eq!((answer.status, answer.problem().as_str()), (403, "foreign-origin"), "{method} {path} {value}");
        }
    }
    let own = node.base.clone();
    let answer = got(node.ask("POST", "/hooks/x").header("origin", own)).await;
    assert_eq!(answer.status, 202);
    assert_eq!(node.store.submissions().len(), 1);
}

#[tokio::test]
async fn a_token_is_shown_once_works_soon_and_stops_when_it_expires_or_is_removed() {
    let node = Node::start().await;
    let made = node.call("POST", "/api/v1/tokens", json!({ "label": "laptop", "role": "viewer" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (secret, id) =
        (made.json()["secret"].as_str().unwrap().to_owned(), made.json()["id"].as_str().unwrap().to_owned());
    let listed = node.get("/api/v1/tokens").await.text;
    assert!(listed.contains("laptop") && !listed.contains(&secret) && !listed.contains("secret_hash"), "{listed}");
    until(&node, &secret, 200).await;
    let gone = node.call("DELETE", &format!("/api/v1/tokens/{id}"), Value::Null).await;
    assert_eq!(gone.status, 202);
    until(&node, &secret, 401).await;
    node.store.tokens.lock().unwrap().push(token("late", Role::Admin, Some(1)));
    node.store.bell.ring(Ring::Node);
    until(&node, "late", 401).await;
}

async fn until(node: &Node, secret: &str, status: u16) {
    let ask = || got(node.ask("GET", "/api/v1/secrets").bearer_auth(secret));
    tokio::time::timeout(std::time::Duration::from_secs(10), async { while ask().await.status != status {} })
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_not_there_and_what_does_not_read_are_problems_with_a_hint() {
    let node = Node::start().await;
    let cases = [
        ("GET", "/api/v1/nothing", Value::Null, 404, "no-route"),
        ("PATCH", "/api/v1/jobs", Value::Null, 405, "no-method"),
        ("GET", "/api/v1/jobs/what", Value::Null, 400, "wrong-path"),
        ("GET", "/api/v1/jobs?limit=many", Value::Null, 400, "wrong-query"),
        ("GET", "/api/v1/jobs?limit=0", Value::Null, 422, "wrong-limit"),
        ("GET", "/api/v1/jobs?state=asleep", Value::Null, 422, "unknown-state"),
        ("POST", "/api/v1/jobs", json!({ "prest": "p" }), 422, "wrong-body"),
        ("GET", "/api/v1/components/sett", Value::Null, 404, "no-component"),
        ("PUT", "/api/v1/secrets/a%20b", json!({ "value": "x" }), 422, "bad-name"),
        ("PUT", "/api/v1/secrets/pin", json!({ "value": "123" }), 422, "short-secret"),
        ("POST", "/api/v1/backup", json!({}), 503, "no-backup"),
    ];
    for (method, path, body, status, word) in cases {
        let answer = node.call(method, path, body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, word), "{method} {path}: {}", answer.text);
        assert!(answer.json()["hint"].is_string(), "{}", answer.text);
    }
    let broken =
        node.ask("POST", "/api/v1/jobs").bearer_auth(LOCAL).header("content-type", "application/json").body("{");
    assert_eq!(got(broken).await.problem(), "bad-json");
    let plain = node.ask("POST", "/api/v1/jobs").bearer_auth(LOCAL).header("content-type", "text/plain").body("{}");
    assert_eq!(got(plain).await.problem(), "not-json");
    let large = node.ask("POST", "/api/v1/presets").bearer_auth(LOCAL).header("content-type", "application/json");
    let large = got(large.body(vec![b' '; 33 << 20])).await;
    assert_eq!((large.status, large.problem().as_str()), (413, "too-large"));
}

#[tokio::test]
async fn a_page_elsewhere_may_ask_when_the_owner_allows_its_origin() {
    let node = Node::start().await;
    const PAGE: &str = "https://gui.example.org";
    let ask = |method: &str, path: &str, origin: &'static str| {
        got(node.ask(method, path).bearer_auth(LOCAL).header("origin", origin))
    };
    let before = ask("POST", "/api/v1/sync/tickets", PAGE).await;
    assert_eq!((before.status, before.headers.get("access-control-allow-origin")), (403, None));
    let set = node.call("PUT", "/api/v1/settings", json!({ "gui.origins": [PAGE] })).await;
    assert_eq!(set.status, 202, "{}", set.text);
    node.store.bell.ring(Ring::Node);
    let allowed = tokio::time::timeout(std::time::Duration::from_secs(10), async {
        while ask("POST", "/api/v1/sync/tickets", PAGE).await.status != 201 {}
        ask("GET", "/api/v1/node", PAGE).await
    });
    let allowed = allowed.await.unwrap();
    assert_eq!((allowed.status, allowed.headers["access-control-allow-origin"].to_str().unwrap()), (200, PAGE));
    assert!(allowed.headers.get_all("vary").iter().any(|vary| vary == "origin"));
    assert!(!allowed.headers.contains_key("access-control-allow-credentials"), "there are no cookies to send");
    assert_eq!(allowed.json()["you"]["role"], "admin");
    // A browser asks first, without a token.
    let preflight = node.ask("OPTIONS", "/api/v1/jobs").header("origin", PAGE);
    let preflight = got(preflight.header("access-control-request-method", "POST")).await;
    assert_eq!(preflight.status, 204, "{}", preflight.text);
    assert!(preflight.headers["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    let other = node.ask("OPTIONS", "/api/v1/jobs").header("origin", "https://evil.example");
    let other = got(other.header("access-control-request-method", "POST")).await;
    assert!(!other.headers.contains_key("access-control-allow-origin"));
    assert_eq!(ask("POST", "/api/v1/sync/tickets", "https://evil.example").await.status, 403);
    for bad in [json!(["http://gui.example.org"]), json!(["*"]), json!("https://a.b")] {
        let refused = node.call("PUT", "/api/v1/settings", json!({ "gui.origins": bad })).await;
        assert_eq!(refused.problem(), "bad-origins");
    }
}
