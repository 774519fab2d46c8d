//! Built-in steps together: fan-out, joins, loops, switches, sub-presets, error ports, webhooks that answer.

use anyhow::{Result, ensure};
use flowork_tests::Node;
use serde_json::{Value, json};

use crate::{check_history, events_of, fire};

#[tokio::test]
async fn branches_run_and_a_join_waits_for_all_of_them() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "fan",
        "steps": {
            "start": { "component": "no-op" },
            "left": { "component": "set", "config": { "fields": { "side": "left" } } },
            "right": { "component": "set", "config": { "fields": { "side": "right" } } },
            "both": { "component": "merge" },
            "count": { "component": "code", "config": { "code": "return [{ sides: $items.map(i => i.json.side).sort() }]" } }
        },
        "wires": ["start -> left", "start -> right", "left -> both:a", "right -> both:b", "both -> count"]
    });
    let job = node.run(&preset, &[json!({ "n": 1 })]).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    ensure!(node.given(&job, "count", "out").await? == [json!({ "sides": ["left", "right"] })]);
    let history = node.history(&job).await?;
    check_history(&job, &history)?;
    ensure!(events_of(&history, "both").iter().filter(|word| *word == "step_succeeded").count() == 1);
    node.stop().await
}

#[tokio::test]
async fn a_loop_runs_once_per_batch_and_gathers_what_came_back() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "batches",
        "steps": {
            "each": { "component": "loop", "config": { "batch": 2 } },
            "double": { "component": "set", "config": { "fields": { "n": "{{ $json.n * 2 }}" } } },
            "after": { "component": "no-op" }
        },
        "wires": ["each:loop -> double", "double -> each:back", "each:done -> after"]
    });
    let input: Vec<Value> = (1..=5).map(|n| json!({ "n": n })).collect();
    let job = node.run(&preset, &input).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    let given: Vec<_> = node.given(&job, "after", "out").await?.iter().filter_map(|item| item["n"].as_i64()).collect();
    ensure!(given == [2, 4, 6, 8, 10], "{given:?}");
    let history = node.history(&job).await?;
    check_history(&job, &history)?;
    for round in ["double[0]", "double[1]", "double[2]"] {
        ensure!(events_of(&history, round).contains(&"step_succeeded".to_owned()), "{round} ran");
    }
    node.stop().await
}

#[tokio::test]
async fn an_error_port_takes_the_input_of_a_step_that_failed() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "caught",
        "steps": {
            "risky": {
                "component": "code", "on_error": "port",
                "config": { "code": "throw new Error('the cat is on the keyboard')" }
            },
            "mend": { "component": "set", "config": { "fields": { "mended": true } } },
            "go-on": { "component": "no-op" }
        },
        "wires": ["risky -> go-on", "risky:error -> mend"]
    });
    let job = node.run(&preset, &[json!({ "n": 1 })]).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    let given = node.given(&job, "mend", "out").await?;
    ensure!(given.len() == 1 && given[0]["n"] == 1 && given[0]["mended"] == true, "{given:?}");
    ensure!(given[0].to_string().contains("the cat is on the keyboard"), "{given:?}");
    let skipped = events_of(&node.history(&job).await?, "go-on");
    ensure!(skipped.contains(&"step_skipped".to_owned()), "{skipped:?}");
    node.stop().await
}

#[tokio::test]
async fn a_webhook_answers_at_the_end_with_what_the_job_gave() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "adder",
        "triggers": { "hook": { "component": "webhook", "config": { "path": "add", "respond": "when-done" } } },
        "steps": { "sum": { "component": "set", "config": {
            "mode": "replace", "fields": { "sum": "{{ $json.body.a + $json.body.b }}" } } } },
        "wires": ["hook -> sum"]
    });
    node.activate(&preset).await?;
    let request = node.request("POST", "/hooks/add", br#"{"a":2,"b":3}"#);
    let mut answer = node.send(&request).await?;
    for _ in 0..1_000 {
        if answer.status != 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        answer = node.send(&request).await?;
    }
    ensure!(answer.status == 200 && answer.json() == json!([{ "sum": 5 }]), "{} {}", answer.status, answer.text());
    node.stop().await
}

#[tokio::test]
async fn a_sub_preset_runs_as_a_job_of_its_own_and_gives_its_items_back() -> Result<()> {
    let node = Node::fresh().await?;
    let inner = json!({
        "flowork": "preset/1", "name": "square",
        "steps": { "mul": { "component": "set", "config": { "fields": { "n": "{{ $json.n * $json.n }}" } } } },
        "wires": []
    });
    node.activate(&inner).await?;
    let outer = json!({
        "flowork": "preset/1", "name": "outer",
        "triggers": { "hook": { "component": "webhook", "config": { "path": "outer" } } },
        "steps": {
            "body": { "component": "set", "config": { "mode": "replace", "fields": { "n": "{{ $json.body.n }}" } } },
            "call": { "component": "sub-preset", "config": { "preset": "square" } },
            "plus": { "component": "set", "config": { "fields": { "n": "{{ $json.n + 1 }}" } } }
        },
        "wires": ["hook -> body", "body -> call", "call -> plus"]
    });
    node.activate(&outer).await?;
    let job = fire(&node, "outer", &json!({ "n": 6 })).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    ensure!(node.given(&job, "plus", "out").await?[0]["n"] == 37);
    let children = node.read(&format!("/api/v1/jobs?parent={job}")).await?;
    ensure!(children["jobs"].as_array().is_some_and(|jobs| jobs.len() == 1), "{children}");
    node.stop().await
}

#[tokio::test]
async fn the_same_key_starts_one_job_however_often_it_is_sent() -> Result<()> {
    let node = Node::fresh().await?;
    let preset = json!({
        "flowork": "preset/1", "name": "once", "steps": { "only": { "component": "no-op" } }, "wires": []
    });
    let ask = json!({ "inline": preset, "input": [{ "n": 1 }], "idempotency_key": "order 7" });
    let first = flowork_tests::node::job_of(&node.make("/api/v1/jobs", &ask).await?)?;
    node.ended(&first).await?;
    let second = flowork_tests::node::job_of(&node.make("/api/v1/jobs", &ask).await?)?;
    ensure!(first == second, "{first} {second}");
    let jobs = node.read("/api/v1/jobs").await?;
    ensure!(jobs["jobs"].as_array().is_some_and(|jobs| jobs.len() == 1), "{jobs}");
    node.stop().await
}

#[tokio::test]
async fn a_dry_run_runs_no_script_and_says_what_it_would_have_done() -> Result<()> {
    let node = Node::fresh().await?;
    let folder = tempfile::tempdir()?;
    let touched = folder.path().join("touched");
    let preset = json!({
        "flowork": "preset/1", "name": "dry",
        "steps": { "touch": { "component": "bash", "config": {
            "code": format!("touch {}", touched.display()),
            "permissions": { "write": [folder.path()] } } } },
        "wires": []
    });
    let answer = node.make("/api/v1/jobs", &json!({ "inline": preset, "input": [{}], "dry_run": true })).await?;
    let job = flowork_tests::node::job_of(&answer)?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded" && row["dry_run"] == true, "{row}");
    ensure!(!touched.exists(), "a dry run touches nothing");
    ensure!(node.history(&job).await?.iter().any(|event| event.to_string().contains("was not run")));
    node.stop().await
}

#[tokio::test]
async fn a_dry_run_sends_and_writes_nothing_and_says_what_it_would_have() -> Result<()> {
    let node = Node::fresh().await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("report.txt");
    // Nobody listens there: a request that is sent all the same fails.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{closed}/orders/{{{{ $json.id }}}}");
    let preset = json!({
        "flowork": "preset/1", "name": "dry-effects",
        "steps": {
            "post": { "component": "http-request", "config": { "method": "POST", "url": url } },
            "write": { "component": "write-file", "config": { "path": file, "text": "{{ $json.method }}!" } }
        },
        "wires": ["post -> write"]
    });
    let answer =
        node.make("/api/v1/jobs", &json!({ "inline": preset, "input": [{ "id": 7 }], "dry_run": true })).await?;
    let job = flowork_tests::node::job_of(&answer)?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    let detail = node.read(&format!("/api/v1/jobs/{job}")).await?;
    let run = |step: &str| detail["view"]["runs"][step].clone();
    let said = |step: &str| run(step)["note"].as_str().unwrap_or_default().to_owned();
    ensure!(said("post").contains(&format!("would have sent POST http://{closed}/orders/7")), "{}", said("post"));
    ensure!(said("write").contains(&format!("would have written 5 bytes to {}", file.display())), "{}", said("write"));
    ensure!(run("post")["dry"] == true && run("write")["dry"] == true, "{detail}");
    ensure!(!file.exists(), "a dry run writes nothing");
    node.stop().await
}
