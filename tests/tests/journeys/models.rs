//! A model server beside one node, asked by the other.

use anyhow::{Context as _, Result, ensure};
use flowork_tests::model::{MODEL, ModelServer};
use flowork_tests::pair::Pair;
use serde_json::{Value, json};

use crate::lending::why;

/// The lender's model, lent to the borrower.
async fn lent(limits: &Value) -> Result<(Pair, ModelServer, Value)> {
    let (pair, model) = (Pair::friends().await?, ModelServer::start().await?);
    let grant = pair.lend_model(&model.url(), limits).await?;
    Ok((pair, model, grant))
}

fn asks(prompt: &str, at: &str) -> Value {
    json!({
        "flowork": "preset/1", "name": "asks",
        "steps": { "ask": { "component": "chat", "config": { "prompt": prompt, "at": at, "wait": "5s" } } },
        "wires": []
    })
}

async fn said(pair: &Pair, preset: &Value, items: &[Value]) -> Result<(String, Vec<Value>)> {
    let job = pair.borrower.run(preset, items).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    Ok((job.clone(), pair.borrower.given(&job, "ask", "out").await?))
}

#[tokio::test]
async fn a_step_asks_a_friends_model_and_both_count_its_tokens() -> Result<()> {
    let (pair, model, grant) = lent(&json!({ "tokens_per_day": 1_000 })).await?;
    let sentence = grant["sentence"].as_str().unwrap_or_default();
    ensure!(sentence.starts_with("Ana may use box for chat"), "{sentence}");
    let preset = asks("say {{ $json.n }} words", "friend");
    let (job, out) = said(&pair, &preset, &[json!({ "n": 2 }), json!({ "n": 3 })]).await?;
    ensure!(out[0]["text"] == "w0 w1 " && out[1]["text"] == "w0 w1 w2 ", "{out:?}");
    ensure!(out[1]["model"] == MODEL && out[1]["finish"] == "stop" && out[1]["tokens_out"] == 3, "{out:?}");
    let history = serde_json::to_string(&pair.borrower.history(&job).await?)?;
    ensure!(history.contains("by box of Ben in") && history.contains("w0 w1 w2"), "{history}");
    for node in [&pair.lender, &pair.borrower] {
        let receipts = node.read("/api/v1/receipts").await?;
        let tokens: u64 =
            receipts.as_array().into_iter().flatten().filter_map(|one| one["usage"]["tokens_out"].as_u64()).sum();
        ensure!(tokens == 5, "{receipts}");
    }
    let given = pair.lender.read("/api/v1/grants").await?;
    ensure!(given[0]["used"]["tokens_today"] == 2 * 7 + 5, "{given}");
    ensure!(model.asked() == 2);
    pair.stop().await
}

#[tokio::test]
async fn the_owners_own_steps_ask_the_model_without_a_grant() -> Result<()> {
    let (pair, _model, _) = lent(&json!({})).await?;
    for at in ["here", "anywhere"] {
        let job = pair.lender.run(&asks("say 2 words", at), &[json!({})]).await?;
        let row = pair.lender.ended(&job).await?;
        ensure!(row["state"] == "succeeded", "{}", why(&row));
        ensure!(pair.lender.given(&job, "ask", "out").await?[0]["text"] == "w0 w1 ");
    }
    let receipts = pair.lender.read("/api/v1/receipts").await?;
    ensure!(receipts == json!([]), "what is done for oneself needs no receipt: {receipts}");
    // A node without an engine asks its friend, where the step allows that.
    let job = pair.borrower.run(&asks("say 2 words", "here"), &[json!({})]).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["error"]["code"] == "no-engine-here", "{}", why(&row));
    said(&pair, &asks("say 2 words", "anywhere"), &[json!({})]).await?;
    pair.stop().await
}

#[tokio::test]
async fn a_grant_taken_back_in_the_middle_of_an_answer_ends_it_down_to_the_model() -> Result<()> {
    let (pair, model, grant) = lent(&json!({})).await?;
    let job = pair.borrower.run(&asks("say 3 words then hang", "friend"), &[json!({})]).await?;
    pair.lender.until("the model answers", async || Ok(model.answering() == 1)).await?;
    pair.lender
        .until("the words are on their way", async || {
            let grants = pair.lender.read("/api/v1/grants").await?;
            Ok(grants[0]["used"]["running"] == 1)
        })
        .await?;
    pair.revoke(&grant).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["error"]["code"] == "engine-grant-revoked", "{}", why(&row));
    pair.lender.until("the model is asked no more", async || Ok(model.answering() == 0)).await?;
    let job = pair.borrower.run(&asks("say 1 words", "friend"), &[json!({})]).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["error"]["code"] == "no-grant" && model.asked() == 1, "{}", why(&row));
    pair.stop().await
}

#[tokio::test]
async fn an_answer_goes_on_when_the_borrowers_mesh_is_killed_and_fails_by_name_when_the_lenders_is() -> Result<()> {
    let (pair, model, _) = lent(&json!({})).await?;
    // Long enough that it is in the middle when the mesh dies.
    let job = pair.borrower.run(&asks("say 400 words pausing 5000 us", "friend"), &[json!({})]).await?;
    pair.lender.until("the model answers", async || Ok(model.answering() == 1)).await?;
    let before = pair.borrower.kill("mesh").await?;
    pair.borrower.back("mesh", before).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let text = pair.borrower.given(&job, "ask", "out").await?[0]["text"].clone();
    let words = text.as_str().context("an answer is text")?.split_whitespace().count();
    ensure!(words == 400 && model.asked() == 1, "{words} words, asked {} times", model.asked());
    let job = pair.borrower.run(&asks("say 3 words then hang", "friend"), &[json!({})]).await?;
    pair.lender.until("the model answers", async || Ok(model.answering() == 1)).await?;
    pair.lender
        .until("it is written down", async || Ok(pair.lender.read("/api/v1/grants").await?[0]["used"]["running"] == 1))
        .await?;
    pair.lender.kill("mesh").await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["error"]["code"] == "engine-engine-restarted", "{}", why(&row));
    ensure!(model.asked() == 2, "asked {} times", model.asked());
    pair.stop().await
}

#[tokio::test]
async fn openais_format_reaches_a_friends_model_and_its_limit() -> Result<()> {
    let (pair, model, _) = lent(&json!({ "calls_per_hour": 2 })).await?;
    let models = pair.borrower.read("/v1/models").await?;
    ensure!(models["data"][0]["id"] == "box@Ben", "{models}");
    let ask = |stream: bool| json!({ "model": "box@Ben", "stream": stream, "messages": [{ "role": "user", "content": "say 3 words" }] });
    let whole = pair.borrower.make("/v1/chat/completions", &ask(false)).await?;
    ensure!(
        whole["choices"][0]["message"]["content"] == "w0 w1 w2 " && whole["usage"]["total_tokens"] == 10,
        "{whole}"
    );
    let streamed = pair.borrower.post("/v1/chat/completions", &ask(true)).await?;
    ensure!(streamed.text().matches("\"content\":\"w").count() == 3, "{}", streamed.text());
    ensure!(streamed.text().trim_end().ends_with("data: [DONE]"), "{}", streamed.text());
    let refused = pair.borrower.post("/v1/chat/completions", &ask(true)).await?;
    ensure!(refused.status == 429, "{}", refused.text());
    ensure!(
        refused.json()["error"]["message"].as_str().is_some_and(|text| text.contains("2 calls per hour")),
        "{}",
        refused.text()
    );
    ensure!(model.asked() == 2);
    pair.stop().await
}

#[tokio::test]
async fn a_step_of_many_questions_goes_on_after_a_crash_although_the_first_answers_are_gone() -> Result<()> {
    let (pair, model, _) = lent(&json!({})).await?;
    let items = [json!({ "n": 2, "us": 0 }), json!({ "n": 900, "us": 8_000 })];
    let preset = asks("say {{ $json.n }} words pausing {{ $json.us }} us", "friend");
    let job = pair.borrower.run(&preset, &items).await?;
    pair.lender
        .until("the first answer is signed for by both", async || {
            let exported = pair.lender.read("/api/v1/receipts/export").await?;
            Ok(exported[0]["receipt"]["countersignature"].is_string())
        })
        .await?;
    ensure!(model.answering() == 1, "the second is in the middle");
    let before = pair.borrower.kill("kernel").await?;
    pair.borrower.back("kernel", before).await?;
    let row = pair.borrower.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{}", why(&row));
    let out = pair.borrower.given(&job, "ask", "out").await?;
    let words = out[1]["text"].as_str().context("an answer is text")?.split_whitespace().count();
    ensure!(out[0]["text"] == "w0 w1 " && words == 900, "{words}: {}", out[0]);
    ensure!(model.asked() == 3, "the first was asked again, the second was taken up: {}", model.asked());
    pair.stop().await
}
