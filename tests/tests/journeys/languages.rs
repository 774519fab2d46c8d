//! Six languages and built-ins in one preset: started by webhook, read back, replayed, compared.

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use serde_json::{Value, json};

use crate::{check_history, events_of, fire};

const LANGUAGES: [&str; 6] = ["python", "javascript", "bash", "php", "perl", "ruby"];

fn relay() -> Value {
    json!({
        "flowork": "preset/1",
        "name": "relay",
        "title": "Six languages hand on an item",
        "variables": { "times": { "value": 2, "docs": "What the last script multiplies with." } },
        "triggers": { "hook": { "component": "webhook", "config": { "path": "relay" } } },
        "steps": {
            "begin": {
                "component": "set",
                "config": { "mode": "replace", "fields": { "n": "{{ $json.body.n }}", "via": [] } }
            },
            "python": { "component": "python", "config": { "code":
                "log(f'{len(items)} items')\nreturn [{**item.json, 'via': item.json['via'] + ['python']} for item in items]" } },
            "javascript": { "component": "javascript", "config": { "code":
                "return items.map(item => ({ ...item.json, via: [...item.json.via, 'javascript'] }));" } },
            "bash": { "component": "bash", "config": { "code": "sed 's/\"via\":\\[/&\"bash\",/'" } },
            "php": { "component": "php", "config": { "code":
                "return array_map(fn($i) => [...$i['json'], 'via' => [...$i['json']['via'], 'php']], $items);" } },
            "perl": { "component": "perl", "config": { "code":
                "return [ map { +{ %{$_->{json}}, via => [ @{$_->{json}{via}}, 'perl' ] } } @$items ];" } },
            "ruby": { "component": "ruby", "config": { "code":
                "items.map { |i| i['json'].merge('via' => i['json']['via'] + ['ruby'], 'n' => i['json']['n'] * vars['times']) }" } },
            "check": { "component": "if", "config": { "condition": "{{ $json.n > 100 }}" } },
            "large": { "component": "set", "config": { "fields": { "size": "large" } } },
            "small": { "component": "set", "config": { "fields": { "size": "small" } } }
        },
        "wires": [
            "hook -> begin", "begin -> python", "python -> javascript", "javascript -> bash", "bash -> php",
            "php -> perl", "perl -> ruby", "ruby -> check", "check:true -> large", "check:false -> small"
        ]
    })
}

#[tokio::test]
async fn six_languages_in_one_preset_run_are_read_back_replayed_and_compared() -> Result<()> {
    let node = Node::fresh().await?;
    node.activate(&relay()).await?;
    let job = fire(&node, "relay", &json!({ "n": 21 })).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");

    let given = node.given(&job, "ruby", "out").await?;
    let item = given.first().context("ruby gives one item")?;
    ensure!(item["n"] == 42, "{item}");
    let mut via: Vec<_> = item["via"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    via.sort_unstable();
    let mut all = LANGUAGES;
    all.sort_unstable();
    ensure!(via == all, "{item}");
    ensure!(node.given(&job, "small", "out").await?.len() == 1);

    let history = node.history(&job).await?;
    check_history(&job, &history)?;
    read_back(&node, &job, history.len()).await?;
    ensure!(history.iter().any(|event| event.to_string().contains("1 items")), "python's log line is in the history");

    let answer = node
        .make(&format!("/api/v1/jobs/{job}/replay"), &json!({ "from": "perl", "variables": { "times": 20 } }))
        .await?;
    let again = flowork_tests::node::job_of(&answer)?;
    let row = node.ended(&again).await?;
    ensure!(row["state"] == "succeeded" && row["origin"] == job.as_str(), "{row}");
    ensure!(node.given(&again, "ruby", "out").await?[0]["n"] == 420);
    ensure!(node.given(&again, "large", "out").await?.len() == 1);
    let replayed = node.history(&again).await?;
    check_history(&again, &replayed)?;
    for kept in ["begin", "python", "javascript", "bash", "php"] {
        let ran = events_of(&replayed, kept).iter().any(|word| word == "step_started");
        ensure!(!ran, "`{kept}` keeps its result and does not run again");
    }
    ensure!(node.history(&job).await? == history, "the first job is left as it was");

    let differences = node.read(&format!("/api/v1/jobs/{job}/diff/{again}")).await?;
    let text = differences.to_string();
    ensure!(text.contains("times") && text.contains("ruby") && text.contains("large"), "{text}");
    ensure!(
        !differences.as_array().into_iter().flatten().any(|one| one["run"] == "php" && one["kind"] == "items"),
        "{text}"
    );
    node.stop().await
}

/// The view after each event holds what the events up to there say, and no more.
async fn read_back(node: &Node, job: &str, events: usize) -> Result<()> {
    let mut runs_before = 0;
    for at in 1..=events {
        let view = node.read(&format!("/api/v1/jobs/{job}/snapshot?at={at}")).await?;
        ensure!(view["last_seq"] == at, "the view at {at} is {}", view["last_seq"]);
        let runs = view["runs"].as_object().map_or(0, serde_json::Map::len);
        ensure!(runs >= runs_before, "runs are only added");
        runs_before = runs;
    }
    ensure!(runs_before >= 9, "{runs_before} runs were seen");
    Ok(())
}

#[tokio::test]
async fn a_step_that_fails_names_itself_the_reason_and_what_to_do() -> Result<()> {
    let node = Node::fresh().await?;
    let broken = [
        ("python", "raise ValueError('no such customer')", "no such customer"),
        ("javascript", "throw new Error('no such customer');", "no such customer"),
        ("bash", "echo 'no such customer' >&2; exit 3", "3"),
        ("php", "throw new Exception('no such customer');", "no such customer"),
        ("perl", "die \"no such customer\\n\";", "no such customer"),
        ("ruby", "raise 'no such customer'", "no such customer"),
    ];
    for (language, code, said) in broken {
        let preset = json!({
            "flowork": "preset/1", "name": format!("broken-{language}"),
            "steps": { "ask": { "component": language, "config": { "code": code } } }, "wires": []
        });
        let job = node.run(&preset, &[json!({ "id": 7 })]).await?;
        let row = node.ended(&job).await?;
        ensure!(row["state"] == "failed", "{language}: {row}");
        ensure!(row["error"]["step"] == "ask", "{language}: the error names the step: {}", row["error"]);
        ensure!(row["error"].to_string().contains(said), "{language}: the error says why: {}", row["error"]);
    }
    node.stop().await
}

#[tokio::test]
async fn a_script_that_misbehaves_ends_with_a_clear_error_and_the_node_goes_on() -> Result<()> {
    let node = Node::fresh().await?;
    let python = |code: &str, more: Value| {
        let mut config = json!({ "code": code, "timeout_ms": 5_000 });
        for (name, value) in more.as_object().into_iter().flatten() {
            config[name.as_str()] = value.clone();
        }
        json!({
            "flowork": "preset/1", "name": "misbehaves",
            "steps": { "bad": { "component": "python", "config": config } }, "wires": []
        })
    };
    let cases = [
        ("never ends", python("while True: pass", json!({ "timeout_ms": 500 })), true),
        ("eats memory", python("x = bytearray(3 << 30)\nreturn {'size': len(x)}", json!({ "memory_mb": 64 })), true),
        ("dies by a signal", python("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", json!({})), true),
        (
            "forks",
            python(
                "import os\nfor _ in range(2000):\n    if os.fork() == 0:\n        import time; time.sleep(30)\n",
                json!({}),
            ),
            true,
        ),
        (
            "prints bytes that are no text",
            python("import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\n')\nreturn {'ok': True}", json!({})),
            false,
        ),
        ("prints much", python("for n in range(200_000): print('x' * 100)\nreturn {'ok': True}", json!({})), false),
    ];
    for (what, preset, fails) in cases {
        let job = node.run(&preset, &[json!({})]).await?;
        let row = node.ended(&job).await?;
        let state = row["state"].as_str().unwrap_or_default();
        if fails {
            ensure!(state == "failed" && row["error"]["step"] == "bad", "{what}: {row}");
            ensure!(row["error"]["message"].as_str().is_some_and(|text| text.len() > 10), "{what}: {}", row["error"]);
        } else {
            ensure!(state == "succeeded" || row["error"]["step"] == "bad", "{what}: {row}");
        }
    }
    let well = json!({
        "flowork": "preset/1", "name": "well",
        "steps": { "good": { "component": "python", "config": { "code": "return items" } } }, "wires": []
    });
    let job = node.run(&well, &[json!({ "n": 1 })]).await?;
    ensure!(node.ended(&job).await?["state"] == "succeeded", "the next script runs");
    node.stop().await
}
