//! A person logs in with a key, over real HTTP and over restarts.

use anyhow::{Context as _, Result, bail, ensure};
use flowork_protocol::login;
use flowork_tests::http::{Answer, request};
use flowork_tests::{Node, node};
use serde_json::{Value, json};

/// Sends without a token, as the page of the node does.
async fn page(node: &Node, path: &str, body: &Value) -> Result<Answer> {
    let host = node.address.to_string();
    let origin = format!("http://{host}");
    let headers = [("Content-Type", "application/json"), ("Origin", origin.as_str())];
    node.send(&request("POST", path, &host, &headers, body.to_string().as_bytes())).await
}

async fn as_session(node: &Node, method: &str, path: &str, secret: &str) -> Result<Answer> {
    let host = node.address.to_string();
    let bearer = format!("Bearer {secret}");
    node.send(&request(method, path, &host, &[("Authorization", bearer.as_str())], b"")).await
}

/// What the command line prints: the token of a one-time link.
fn link(node: &Node) -> Result<String> {
    let out = node::flowork(node.data(), &["login-link", "--json"])?;
    ensure!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let made: Value = serde_json::from_slice(&out.stdout)?;
    let link = made["link"].as_str().with_context(|| format!("no link in {made}"))?;
    let begin = format!("http://{}/#login=", node.address);
    Ok(link.strip_prefix(&begin).with_context(|| format!("{link} does not begin with {begin}"))?.to_owned())
}

/// Signs a challenge; gives the answer to the request for a session.
async fn open(node: &Node, seed: &[u8; 32]) -> Result<Answer> {
    let key = login::sign_session(seed, flowork_protocol::NodeId([0; 32]), "")?.0;
    let challenge = page(node, "/api/v1/login/challenge", &json!({ "public_key": key })).await?;
    ensure!(challenge.status == 200, "{}", challenge.text());
    let challenge = challenge.json();
    let nonce = challenge["nonce"].as_str().context("a nonce")?;
    let of: flowork_protocol::NodeId = challenge["node"].as_str().context("a node")?.parse()?;
    let (key, signature) = login::sign_session(seed, of, nonce)?;
    let answer = json!({ "public_key": key, "nonce": nonce, "signature": login::encode(&signature) });
    page(node, "/api/v1/login/session", &answer).await
}

#[tokio::test]
async fn a_key_comes_in_by_a_printed_link_and_its_session_lasts_over_restarts_until_the_key_is_removed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let seed = [42; 32];
    let key = login::sign_session(&seed, flowork_protocol::NodeId([0; 32]), "")?.0;
    let enrol = json!({ "token": link(&node)?, "public_key": key, "label": "a test" });
    let enrolled = page(&node, "/api/v1/login/enrol", &enrol).await?;
    ensure!(enrolled.status == 201 && enrolled.json()["role"] == "admin", "{}", enrolled.text());

    let opened = open(&node, &seed).await?;
    ensure!(opened.status == 201, "{}", opened.text());
    let secret = opened.json()["secret"].as_str().context("a secret")?.to_owned();
    // At once: the node said 201 only when it knew the session.
    let about = as_session(&node, "GET", "/api/v1/node", &secret).await?;
    ensure!(about.status == 200, "{}", about.text());
    node.cut_power()?;

    let node = Node::start(&data).await?;
    let about = as_session(&node, "GET", "/api/v1/node", &secret).await?;
    ensure!(about.status == 200, "a session is on disk: {}", about.text());
    let again = page(&node, "/api/v1/login/enrol", &enrol).await?;
    ensure!(again.status == 201, "the same key with the same link: {}", again.text());
    let mut other = enrol.clone();
    other["public_key"] = json!(login::sign_session(&[43; 32], flowork_protocol::NodeId([0; 32]), "")?.0);
    ensure!(page(&node, "/api/v1/login/enrol", &other).await?.status == 403, "a link is for one key");

    // A new session beside the old one, after the key came back from the disk.
    let opened = open(&node, &seed).await?;
    ensure!(opened.status == 201, "{}", opened.text());
    let second = opened.json()["secret"].as_str().context("a secret")?.to_owned();
    let removed = as_session(&node, "DELETE", &format!("/api/v1/login/keys/{}", key.id()), &second).await?;
    ensure!(removed.status == 202, "{}", removed.text());
    for secret in [&secret, &second] {
        node.until("that a removed key ends its sessions", async || {
            Ok(as_session(&node, "GET", "/api/v1/node", secret).await?.status == 401)
        })
        .await?;
    }
    match open(&node, &seed).await?.status {
        403 => Ok(()),
        status => bail!("a removed key got {status}"),
    }
}

#[tokio::test]
async fn the_page_is_there_and_never_instead_of_the_api() -> Result<()> {
    let node = Node::fresh().await?;
    let home = node.get("/").await?;
    ensure!(home.status == 200 && home.text().to_lowercase().starts_with("<!doctype html>"), "{}", home.text());
    ensure!(node.get("/plain").await?.text().contains("kernel"));
    ensure!(node.get("/api/v1/nothing").await?.status == 404);
    Ok(())
}
