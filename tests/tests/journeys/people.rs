//! Three nodes: several of one person, grants that are passed on, asked for and renewed.

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use flowork_tests::node::flowork;
use flowork_tests::pair::{BORROWER, LENDER, LOOPBACK, Pair};
use serde_json::{Value, json};

use crate::lending::why;

/// Gives its items back.
fn echo() -> Value {
    json!({
        "flowork": "preset/1", "name": "echo",
        "steps": { "say": { "component": "set", "config": { "fields": { "said": true } } } },
        "wires": []
    })
}

/// Runs `echo` wherever it may be run.
async fn borrows(node: &Node) -> Result<Value> {
    let preset = json!({
        "flowork": "preset/1", "name": "asker",
        "steps": { "there": { "component": "borrow", "config": { "preset": "echo", "wait": "10s" } } }, "wires": []
    });
    let job = node.run(&preset, &[json!({ "n": 1 })]).await?;
    node.ended(&job).await
}

/// Says something on a node's command line, as a person does.
async fn says(node: &Node, words: &[&str]) -> Result<Value> {
    let (data, words) = (node.data().to_owned(), words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
    let output = tokio::task::spawn_blocking(move || {
        let mut all: Vec<&str> = words.iter().map(String::as_str).collect();
        all.push("--json");
        flowork(&data, &all)
    })
    .await??;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    Ok(if text.trim().is_empty() { Value::Null } else { serde_json::from_str(&text)? })
}

/// A third node, paired with `with`, which calls it by `name`.
async fn third(folder: &std::path::Path, with: &Node, name: &str, with_name: &str) -> Result<Node> {
    let node = Node::start_with(&folder.join(name), &LOOPBACK).await?;
    with.until("it listens", async || {
        Ok(with.read("/api/v1/mesh").await?["listens"].as_array().is_some_and(|all| all.len() >= 2))
    })
    .await?;
    let invited = with.make("/api/v1/peers/invitations", &json!({ "name": name })).await?;
    node.make("/api/v1/peers", &json!({ "link": invited["link"], "name": with_name })).await?;
    Ok(node)
}

async fn holds_a_grant(node: &Node) -> Result<()> {
    node.until("the grant arrives", async || {
        let held = node.read("/api/v1/grants").await?;
        Ok(held
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["is_given"] == false && one["revoked_at"].is_null())))
    })
    .await
}

#[tokio::test]
async fn what_a_person_was_granted_every_node_of_theirs_may_use_until_they_take_it_back() -> Result<()> {
    let pair = Pair::friends().await?;
    let desk = &pair.borrower;
    let made = says(desk, &["person", "create", "--name", "Ana", "--node-name", "desk"]).await?;
    let phrase = made["phrase"].as_str().context("the words are shown once")?;
    ensure!(phrase.split(' ').count() == 24, "{made}");
    pair.lender
        .until("the lender knows whose node it is", async || {
            Ok(pair.lender.read("/api/v1/peers").await?[0]["person_name"] == "Ana")
        })
        .await?;
    let grant = pair.lend(&echo(), &json!({ "calls_per_hour": 50 })).await?;
    // Her laptop was never paired with the lender: it comes by her desk alone.
    let laptop = third(pair.folder.path(), desk, "laptop", "desk").await?;
    let words = pair.folder.path().join("words");
    std::fs::write(&words, phrase)?;
    let id = laptop.read("/api/v1/node").await?["id"].as_str().context("a node has an id")?.to_owned();
    let file = words.to_str().context("a path")?;
    let made = says(desk, &["person", "certify", &id, "--node-name", "laptop", "--phrase-file", file]).await?;
    let text = made["certificate"].as_str().context("a certificate is a text")?;
    says(&laptop, &["person", "accept", text]).await?;
    holds_a_grant(&laptop).await?;
    laptop
        .until("the laptop is let in at the lender", async || {
            Ok(laptop.read("/api/v1/peers").await?.as_array().is_some_and(|all| all.len() == 2))
        })
        .await?;
    let row = borrows(&laptop).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let peers = pair.lender.read("/api/v1/peers").await?;
    ensure!(peers.to_string().contains("Ana (laptop)"), "{peers}");
    ensure!(desk.read("/api/v1/peers").await?.to_string().contains("\"is_mine\":true"));
    let receipts = pair.lender.read("/api/v1/receipts").await?;
    ensure!(receipts[0]["grant"] == grant["id"], "{receipts}");
    // Lost on a train. Her desk says so, the lender hears it, and the laptop may use nothing more.
    says(desk, &["person", "revoke", "laptop", "--phrase-file", file]).await?;
    pair.lender
        .until("the lender has heard it", async || {
            let said = pair.lender.read("/api/v1/mesh/decisions").await?;
            Ok(said.to_string().contains("node-revoked"))
        })
        .await?;
    let row = borrows(&laptop).await?;
    ensure!(row["state"] == "failed", "{row}");
    let row = borrows(desk).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    laptop.stop().await?;
    pair.stop().await
}

#[tokio::test]
async fn a_grant_that_may_be_passed_on_reaches_a_friends_friend_and_ends_with_either() -> Result<()> {
    let pair = Pair::friends().await?;
    let ana = &pair.borrower;
    let mut grant = pair.lend(&echo(), &json!({})).await?;
    let once = says(ana, &["grant", "pass-on", &short(&grant)?, "--to", LENDER]).await;
    ensure!(once.is_err_and(|error| error.to_string().contains("owns the engine")));
    // A grant that may be passed on, in place of the one that may not.
    pair.revoke(&grant).await?;
    let ask = json!({ "to": BORROWER, "engine": "box", "can": ["run:echo"], "until": soon(), "depth": 1 });
    grant = pair.lender.make("/api/v1/grants", &ask).await?;
    holds_a_grant(ana).await?;
    let cleo = third(pair.folder.path(), ana, "Cleo", "Ana").await?;
    let passed = says(ana, &["grant", "pass-on", &short(&grant)?, "--to", "Cleo", "--calls", "3/h"]).await?;
    let sentence = passed["sentence"].as_str().unwrap_or_default();
    ensure!(sentence.starts_with("Cleo may use box of Ben for echo · 3 calls/h"), "{sentence}");
    ensure!(passed["links"].as_array().is_some_and(|links| links.len() == 2), "{passed}");
    holds_a_grant(&cleo).await?;
    cleo.until("Cleo is let in at the lender", async || {
        Ok(cleo.read("/api/v1/peers").await?.as_array().is_some_and(|all| all.len() == 2))
    })
    .await?;
    let row = borrows(&cleo).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let used = pair.lender.read("/api/v1/grants").await?;
    let own = used.as_array().into_iter().flatten().find(|one| one["id"] == grant["id"]).context("it is listed")?;
    ensure!(own["used"]["calls_this_hour"] == 1, "it counts for the grant that was passed on: {own}");
    says(ana, &["grant", "revoke", &short(&passed)?]).await?;
    pair.lender
        .until("the owner has heard it", async || {
            Ok(pair.lender.read("/api/v1/mesh/decisions").await?.to_string().contains("grant-taken-back"))
        })
        .await?;
    let row = borrows(&cleo).await?;
    ensure!(row["state"] == "failed", "{row}");
    // Ana's own goes on.
    let row = borrows(ana).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    cleo.stop().await?;
    pair.stop().await
}

#[tokio::test]
async fn a_friend_asks_for_access_gets_it_and_it_is_renewed() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lender.make("/api/v1/presets", &echo()).await?;
    let lend = json!({ "run": ["echo"] }).to_string();
    pair.lender.insist(&pair.lender.request("PUT", "/api/v1/engines/box", lend.as_bytes())).await?;
    says(&pair.borrower, &["grant", "request", LENDER, "--can", "run:echo", "--note", "for my thesis"]).await?;
    let asked = says(&pair.lender, &["grant", "requests"]).await?;
    ensure!(asked[0]["from"] == BORROWER && asked[0]["note"] == "for my thesis", "{asked}");
    let request = asked[0]["id"].as_str().context("a request has an id")?;
    let words = [
        "grant",
        "create",
        "--to",
        BORROWER,
        "--engine",
        "box",
        "--can",
        "run:echo",
        "--until",
        "1h",
        "--request",
        request,
    ];
    let grant = says(&pair.lender, &words).await?;
    ensure!(says(&pair.lender, &["grant", "requests"]).await? == json!([]));
    holds_a_grant(&pair.borrower).await?;
    let row = borrows(&pair.borrower).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let renewed = says(&pair.lender, &["grant", "renew", &short(&grant)?, "--until", "2d"]).await?;
    ensure!(renewed["id"] != grant["id"] && renewed["used"]["calls_this_hour"] == 1, "{renewed}");
    let receipts = pair.lender.read("/api/v1/receipts").await?;
    pair.borrower
        .until("the new grant arrives", async || {
            let held = pair.borrower.read("/api/v1/grants").await?;
            Ok(held.as_array().is_some_and(|all| all.len() == 2))
        })
        .await?;
    let row = borrows(&pair.borrower).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let newest = pair.lender.read("/api/v1/receipts").await?;
    ensure!(newest[0]["grant"] == renewed["id"] && newest != receipts, "{newest}");
    pair.stop().await
}

#[tokio::test]
async fn a_node_with_a_new_key_is_the_same_friend_and_keeps_what_it_gave_and_was_given() -> Result<()> {
    for rotates in ["lender", "borrower"] {
        let pair = Pair::friends().await?;
        let grant = pair.lend(&echo(), &json!({ "calls_per_hour": 50 })).await?;
        let row = borrows(&pair.borrower).await?;
        ensure!(row["state"] == "succeeded", "{}", why(&row));
        let Pair { lender, borrower, folder } = pair;
        let (moving, staying) = if rotates == "lender" { (lender, borrower) } else { (borrower, lender) };
        let data = moving.data().to_owned();
        let running = says(&moving, &["id", "rotate", "--yes"]).await;
        ensure!(running.is_err_and(|error| error.to_string().contains("in use")), "not while it runs");
        moving.stop().await?;
        let output = flowork(&data, &["id", "rotate", "--yes", "--json"])?;
        let said: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(said["node"] != said["was"], "{said}");
        let moving = Node::start_with(&data, &LOOPBACK).await?;
        ensure!(moving.read("/api/v1/node").await?["id"] == said["node"]);
        let name = if rotates == "lender" { LENDER } else { BORROWER };
        staying
            .until("the friend is known by the new key, under the old name", async || {
                let peers = staying.read("/api/v1/peers").await?;
                Ok(peers[0]["node"] == said["node"] && peers[0]["name"] == name && peers[1].is_null())
            })
            .await?;
        let (lender, borrower) = if rotates == "lender" { (moving, staying) } else { (staying, moving) };
        holds_a_grant(&borrower).await?;
        let row = borrows(&borrower).await?;
        ensure!(row["state"] == "succeeded", "{rotates}: {}", why(&row));
        let receipts = lender.read("/api/v1/receipts").await?;
        ensure!(receipts[0]["grant"] != grant["id"], "it is under a new grant: {receipts}");
        let given = lender.read("/api/v1/grants").await?;
        let anew = given.as_array().into_iter().flatten().find(|one| one["id"] == receipts[0]["grant"]);
        let anew = anew.context("it was given anew")?;
        ensure!(anew["limits"]["calls_per_hour"] == 50 && anew["ends_at"] == grant["ends_at"], "{anew}");
        if rotates == "borrower" {
            ensure!(anew["used"]["calls_this_hour"] == 2, "what was used stays used: {anew}");
        }
        lender.stop().await?;
        borrower.stop().await?;
        drop(folder);
    }
    Ok(())
}

#[tokio::test]
async fn what_ends_with_a_friend_is_said_before_with_the_workflows_that_ask_them() -> Result<()> {
    let pair = Pair::friends().await?;
    pair.lend(&echo(), &json!({})).await?;
    let step = |peer: &str| json!({ "component": "borrow", "config": { "preset": "echo", "peer": peer } });
    for (name, peer) in [("asks-ben", "ben"), ("asks-nobody", "Cleo")] {
        let preset = json!({ "flowork": "preset/1", "name": name, "steps": { "there": step(peer) }, "wires": [] });
        pair.borrower.make("/api/v1/presets", &preset).await?;
    }
    let parting = pair.borrower.read(&format!("/api/v1/peers/{LENDER}/parting")).await?;
    ensure!(parting["workflows"] == json!(["asks-ben"]), "{parting}");
    ensure!(parting["held"].as_array().is_some_and(|held| held.len() == 1), "{parting}");
    let output = flowork(pair.borrower.data(), &["peer", "rm", LENDER])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && said.contains("asks-ben") && said.contains("echo"), "{said}");
    pair.stop().await
}

fn short(grant: &Value) -> Result<String> {
    Ok(grant["id"].as_str().context("a grant has an id")?.chars().take(12).collect())
}

fn soon() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(0) + 3_600_000
}
