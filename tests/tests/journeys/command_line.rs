//! The command line as scripts use it: exit codes, JSON, with and without a running node.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use flowork_tests::node::flowork;
use serde_json::{Value, json};

/// Runs a command with `--json` that must work; gives what it printed.
fn told(data: &Path, arguments: &[&str]) -> Result<Value> {
    let mut all = arguments.to_vec();
    all.push("--json");
    let output = flowork(data, &all)?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "flowork {} failed: {out}\n{err}", all.join(" "));
    serde_json::from_str(&out).with_context(|| format!("flowork {} told no JSON: {out}", all.join(" ")))
}

/// Runs a command that must end with an exit code; gives what it wrote.
fn fails(data: &Path, arguments: &[&str], code: i32) -> Result<String> {
    let output = flowork(data, arguments)?;
    let err = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    ensure!(
        output.status.code() == Some(code),
        "flowork {} ended with {:?}: {err}",
        arguments.join(" "),
        output.status
    );
    Ok(err)
}

fn write(folder: &Path, name: &str, value: &Value) -> Result<String> {
    let file = folder.join(name);
    fs::write(&file, serde_json::to_vec_pretty(value)?)?;
    Ok(file.display().to_string())
}

fn double() -> Value {
    json!({
        "flowork": "preset/1", "name": "double",
        "variables": { "times": { "value": 2 } },
        "steps": { "mul": { "component": "set", "config": { "fields": { "n": "{{ $json.n * $vars.times }}" } } } },
        "wires": []
    })
}

#[tokio::test]
async fn a_walk_through_presets_jobs_secrets_and_tokens() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let file = write(folder.path(), "double.json", &double())?;
    let input = write(folder.path(), "input.json", &json!([{ "n": 1 }, { "n": 2 }]))?;

    ensure!(told(&data, &["status"])?["roles"].as_array().is_some_and(|roles| roles.len() == 4));
    told(&data, &["preset", "import", &file])?;
    let list = told(&data, &["preset", "list"])?;
    ensure!(list.to_string().contains("double"), "{list}");

    let done = told(&data, &["run", "double", "--input", &input, "--wait"])?;
    ensure!(done["state"] == "succeeded", "{done}");
    ensure!(done.to_string().contains(r#"{"n":4}"#), "{done}");
    let job = done["job"].as_str().context("a job")?.to_owned();
    let shown = told(&data, &["job", "show", &job])?;
    ensure!(shown["state"] == "succeeded", "{shown}");
    let items = told(&data, &["job", "items", &job, "mul"])?;
    ensure!(items["total"] == 2, "{items}");

    let again = told(&data, &["job", "replay", &job, "--var", "times=10", "--wait"])?;
    ensure!(again.to_string().contains(r#"{"n":20}"#), "{again}");
    let other = again["job"].as_str().context("a job")?;
    let differences = told(&data, &["job", "diff", &job, other])?;
    ensure!(differences.to_string().contains("times"), "{differences}");
    ensure!(told(&data, &["job", "list"])?.to_string().contains(&job));

    let token = told(&data, &["token", "create", "--role", "viewer"])?;
    ensure!(token["role"] == "viewer" && token["secret"].is_string(), "{token}");
    ensure!(told(&data, &["component", "list"])?.to_string().contains("http-request"));
    ensure!(told(&data, &["schema", "preset"])?["$schema"].is_string());
    told(&data, &["secret", "ls"])?;
    node.stop().await
}

#[test]
fn a_file_runs_without_a_running_node_and_its_job_is_kept() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let file = write(folder.path(), "double.json", &double())?;
    let input = write(folder.path(), "input.json", &json!({ "n": 21 }))?;
    let done = told(&data, &["run", &file, "--input", &input])?;
    ensure!(done["state"] == "succeeded" && done.to_string().contains(r#"{"n":42}"#), "{done}");
    let followed = flowork(&data, &["run", &file, "--input", &input, "--follow"])?;
    ensure!(followed.status.success());
    ensure!(String::from_utf8_lossy(&followed.stdout).contains("42"), "{followed:?}");
    Ok(())
}

#[test]
fn exit_codes_mean_something() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let broken = json!({
        "flowork": "preset/1", "name": "broken", "wires": ["a -> b"],
        "steps": { "a": { "component": "sett" }, "b": { "component": "no-op", "config": { "what": 1 } } }
    });
    let broken = write(folder.path(), "broken.json", &broken)?;
    let err = fails(&data, &["preset", "check", &broken], 2)?;
    ensure!(err.contains("/steps/a") && err.contains("/steps/b") && err.contains("set"), "{err}");
    fails(&data, &["run", &broken], 2)?;
    fails(&data, &["no-such-command"], 2)?;
    fails(&data, &["run", &folder.path().join("none.json").display().to_string()], 2)?;
    let err = fails(&data, &["status"], 4)?;
    ensure!(err.contains("flowork"), "it says how to start one: {err}");
    let stops = json!({
        "flowork": "preset/1", "name": "stops", "wires": [],
        "steps": { "stop": { "component": "stop-with-error", "config": { "message": "not today" } } }
    });
    let stops = write(folder.path(), "stops.json", &stops)?;
    let err = fails(&data, &["run", &stops], 1)?;
    ensure!(err.contains("not today") && err.contains("stop"), "{err}");
    Ok(())
}

#[tokio::test]
async fn a_second_node_on_the_same_data_is_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let err = fails(&data, &["up", "--listen", "127.0.0.1:0"], 5)?;
    ensure!(!err.is_empty());
    node.stop().await
}

#[tokio::test]
async fn secrets_reach_their_step_by_name_and_never_the_history() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let node = Node::start(&data).await?;
    let value = "hunter2-and-some-more";
    let file = folder.path().join("secret.txt");
    fs::write(&file, value)?;
    told(&data, &["secret", "set", "shop-key", "--file", &file.display().to_string()])?;
    let preset = json!({
        "flowork": "preset/1", "name": "uses-secret",
        "steps": { "use": { "component": "python", "secrets": ["shop-key"], "config": { "code":
            "log('the key is ' + secrets['shop-key'])\nreturn {'length': len(secrets['shop-key'])}" } } },
        "wires": []
    });
    let job = node.run(&preset, &[json!({})]).await?;
    let row = node.ended(&job).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    ensure!(node.given(&job, "use", "out").await?[0]["length"] == value.len());
    let history = serde_json::to_string(&node.history(&job).await?)?;
    ensure!(!history.contains(value), "the value is redacted");
    ensure!(history.contains("shop-key"), "its use is on record");
    node.stop().await
}
