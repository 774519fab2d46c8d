//! Presets, components, secrets, files, settings, backup, and what the API says about itself.

use flowork_protocol::command::Command;
use serde_json::{Value, json};

use crate::fake::{LOCAL, Node, SUCCEEDED, got, preset};

#[tokio::test]
async fn a_draft_is_made_read_changed_frozen_and_taken_away() {
    let node = Node::start().await;
    let made = node.call("POST", "/api/v1/presets", json!(preset("p"))).await;
    assert_eq!((made.status, &made.json()["id"]), (201, &json!("id-p")));
    assert_eq!(node.call("POST", "/api/v1/presets", json!(preset("p"))).await.problem(), "name-taken");
    let mut changed = preset("p");
    changed.title = "Changed".to_owned();
    let put = node.call("PUT", "/api/v1/presets/p?message=title", json!(changed)).await;
    assert_eq!((put.status, &put.json()["preset"]["title"]), (200, &json!("Changed")));
    let frozen = node.call("POST", "/api/v1/presets/p/freeze", json!({ "label": "first" })).await;
    assert_eq!(frozen.status, 201);
    let version = frozen.json()["id"].as_str().unwrap().to_owned();
    let shown = node.get(&format!("/api/v1/versions/{version}")).await.json();
    assert_eq!(shown["preset"]["title"], "Changed");
    for path in ["history", "versions", "at?heads=aa"] {
        assert_eq!(node.get(&format!("/api/v1/presets/p/{path}")).await.status, 200, "{path}");
    }
    assert_eq!(node.call("DELETE", "/api/v1/presets/p", Value::Null).await.status, 204);
    assert_eq!(node.get("/api/v1/presets/p").await.problem(), "no-preset");
}

#[tokio::test]
async fn a_webhook_address_belongs_to_one_activated_preset() {
    let node = Node::start().await;
    node.hook("one", json!({ "path": "x" })).await;
    let mut two = preset("two");
    two.triggers =
        serde_json::from_value(json!({ "t": { "component": "webhook", "config": { "path": "/x" } } })).unwrap();
    node.drafts.all.lock().unwrap().insert("two".to_owned(), two);
    let taken = node.call("POST", "/api/v1/presets/two/activate", json!({})).await;
    assert_eq!((taken.status, taken.problem().as_str()), (409, "webhook-taken"));
    assert!(taken.text.contains("`one`"), "{}", taken.text);
    let again = node.call("POST", "/api/v1/presets/one/activate", json!({})).await;
    assert_eq!((again.status, &again.json()["webhooks"]), (202, &json!(["/hooks/x"])));
    let header = node.get("/api/v1/activations").await.json()[0]["header"].clone();
    assert_eq!((&header["steps"], &header["triggers"]["hook"]["component"]), (&json!({}), &json!("webhook")));
    assert_eq!(node.call("POST", "/api/v1/presets/one/deactivate", json!({})).await.status, 202);
    assert!(matches!(node.store.commands.lock().unwrap().last(), Some(Command::Deactivate(_))));
    assert_eq!(node.call("POST", "/api/v1/presets/no/deactivate", json!({})).await.problem(), "not-active");
}

#[tokio::test]
async fn a_check_lists_every_problem_with_its_place() {
    let node = Node::start().await;
    let body =
        json!({ "flowork": "preset/1", "name": "p", "steps": { "a": { "component": "sett" } }, "wires": ["a -> z"] });
    let checked = node.call("POST", "/api/v1/presets/check", body).await.json();
    let codes: Vec<_> = checked["problems"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    assert!(codes.contains(&json!("unknown-component")) && codes.contains(&json!("wire-without-step")), "{codes:?}");
}

#[tokio::test]
async fn a_secret_goes_in_sealed_and_never_comes_out() {
    let node = Node::start().await;
    let put = node.call("PUT", "/api/v1/secrets/api-key", json!({ "value": "hunter2" })).await;
    assert_eq!((put.status, put.text.as_str()), (202, ""));
    let commands = node.store.commands.lock().unwrap().clone();
    assert_eq!(commands, [Command::SetSecret { name: "api-key".to_owned(), sealed: b"2retnuh".to_vec() }]);
    assert_eq!(node.get("/api/v1/secrets").await.json(), json!([{ "name": "mail", "set_at": 1 }]));
    assert_eq!(node.call("DELETE", "/api/v1/secrets/none", Value::Null).await.problem(), "no-secret");
    assert_eq!(node.call("DELETE", "/api/v1/secrets/mail", Value::Null).await.status, 202);
}

#[tokio::test]
async fn a_file_goes_in_and_comes_out_as_a_download_under_any_name() {
    let node = Node::start().await;
    let request =
        node.ask("POST", "/api/v1/files?name=..%2Ftable.csv").bearer_auth(LOCAL).header("content-type", "text/csv");
    let kept = got(request.body("a,b\n")).await;
    assert_eq!(kept.status, 201, "{}", kept.text);
    let file = kept.json();
    assert_eq!(
        (&file["name"], &file["size"], &file["media_type"]),
        (&json!("table.csv"), &json!(4), &json!("text/csv"))
    );
    let back = node.get(&format!("/api/v1/files/{}?name=t%22.csv", file["blob"].as_str().unwrap())).await;
    assert_eq!((back.status, back.text.as_str()), (200, "a,b\n"));
    assert!(back.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"t_.csv\""));
    assert_eq!(
        (&back.headers["content-type"], &back.headers["x-content-type-options"]),
        (&"application/octet-stream".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    let missing = node.get(&format!("/api/v1/files/{}", "0".repeat(64))).await;
    assert_eq!((missing.status, missing.problem().as_str()), (404, "no-file"));
    let large = got(node.ask("POST", "/api/v1/files").bearer_auth(LOCAL).body(vec![0; (1 << 20) + 1])).await;
    assert_eq!((large.status, large.problem().as_str()), (413, "too-large"));
    let stream = futures::stream::iter((0..5).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 1 << 18])));
    let large =
        got(node.ask("POST", "/api/v1/files").bearer_auth(LOCAL).body(reqwest::Body::wrap_stream(stream))).await;
    assert_eq!((large.status, large.problem().as_str()), (413, "too-large"));
}

#[tokio::test]
async fn settings_change_one_by_one_and_a_backup_is_streamed() {
    let node = Node::start().await;
    let put = node.call("PUT", "/api/v1/settings", json!({ "retention.days": 30, "budget": null })).await;
    assert_eq!(put.status, 202);
    assert_eq!(node.store.commands.lock().unwrap().len(), 2);
    assert_eq!(node.call("PUT", "/api/v1/settings", json!({ "a b": 1 })).await.problem(), "bad-name");
    let backup = node.call("POST", "/api/v1/backup", json!({ "passphrase": "p" })).await;
    assert_eq!((backup.status, backup.text.as_str()), (200, "everything"));
}

#[tokio::test]
async fn the_node_tells_what_it_is() {
    let node = Node::start().await;
    let job = node.job(1);
    node.store.end(job, flowork_protocol::event::Outcome::Succeeded, &[]);
    let about = node.get("/api/v1/node").await.json();
    assert_eq!((&about["roles"][0]["role"], &about["data_dir"]), (&json!("kernel"), &json!("/data/flowork")));
    assert_eq!(about["stats"]["jobs"][SUCCEEDED.word()], 1);
    let ready = got(node.ask("GET", "/readyz")).await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "ready": true, "problems": [] })));
}

#[tokio::test]
async fn the_document_is_whole_and_every_reference_in_it_leads_somewhere() {
    let node = Node::start().await;
    let document = got(node.ask("GET", "/api/v1/openapi.json")).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 100);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(ids.insert(operation["operationId"].to_string()), "{method} {path} has a name twice");
            assert!(
                operation["summary"].is_string() && operation["responses"]["default"].is_object(),
                "{method} {path}"
            );
            let inside = path.matches('{').count();
            let told = operation["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] == "path").count();
            assert_eq!(inside, told, "{method} {path}");
        }
    }
    let schema = got(node.ask("GET", "/api/v1/schema/preset")).await.json();
    assert!(schema["properties"]["steps"].is_object(), "{schema}");
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            references.extend(map.get("$ref").and_then(Value::as_str));
            map.values().for_each(|value| collect(value, references));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

/// The routes are read from the source, so that one which is added past the list is found too.
#[test]
fn every_route_is_in_the_document() {
    let document = flowork_gateway::openapi("test");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = 0;
    let files = std::fs::read_dir(folder.join("routes")).unwrap().map(|entry| entry.unwrap().path());
    for file in files.chain([folder.join("api.rs")]) {
        let text = std::fs::read_to_string(&file).unwrap();
        for place in text.match_indices("Route::new(").chain(text.match_indices(".route(")) {
            let rest = &text[place.0..];
            let Some(path) = rest.split('"').nth(1).filter(|path| path.starts_with('/')) else { continue };
            let path = path.replace("{*", "{");
            let item = document["paths"].get(&path).unwrap_or_else(|| panic!("{path} is not in the document"));
            if let Some(method) = rest.split("Method::").nth(1).filter(|_| !path.starts_with("/hooks")) {
                let method = method.split(',').next().unwrap().to_ascii_lowercase();
                assert!(item.get(&method).is_some(), "{method} {path} is not in the document");
            }
            found += 1;
        }
    }
    assert!(found > 50, "only {found} routes were found");
}
