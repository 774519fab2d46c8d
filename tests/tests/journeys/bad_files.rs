//! Malformed presets of every kind, on the command line and over HTTP: told with place and advice, exit code 2, never a crash.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use flowork_tests::Node;
use flowork_tests::node::flowork;
use serde_json::{Value, json};

/// A malformed file, and words that must be in what is told about it.
struct Bad {
    name: &'static str,
    bytes: Vec<u8>,
    words: &'static [&'static str],
}

fn bad(name: &'static str, bytes: impl Into<Vec<u8>>, words: &'static [&'static str]) -> Bad {
    Bad { name, bytes: bytes.into(), words }
}

fn kinds() -> Vec<Bad> {
    let head = r#""flowork": "preset/1", "name": "x""#;
    let nested = format!("{{ {head}, \"steps\": {} }}", "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000));
    let unended = "[".repeat(10_000);
    let mistakes = json!({
        "flowork": "preset/1", "nam": "x", "steps": {
            "a": { "component": "sett" },
            "b": { "component": 7 },
            "c": { "component": "no-op", "retry": { "tries": "three" }, "on_error": "fial" },
            "d": { "component": "no-op", "configg": {} }
        },
        "wires": ["a -> d", "nonsense", 7, "c:nowhere -> d", "c -> ghost"],
        "settings": { "concurency": 3 }
    });
    vec![
        bad("empty.json", "", &["empty.json is empty"]),
        bad("blank.json", " \n\t\n", &["blank.json is empty"]),
        bad("cut.json", format!("{{ {head},\n \"steps\": {{"), &["cut.json:2:", "EOF"]),
        bad("comma.json", format!("{{\n {head},\n}}"), &["comma.json:3:", "trailing comma"]),
        bad("list.json", "[1, 2]", &["list.json:1:1", "a preset is an object"]),
        bad("text.json", "\"hello\"", &["a preset is an object"]),
        bad("latin.json", b"{\n \"flowork\": \"pr\xe9set/1\"}".to_vec(), &["latin.json:2:", "not UTF-8"]),
        bad("nul.json", vec![0; 64], &["nul.json:1:"]),
        bad("nested.json", nested, &["nested.json:1:", "nested deeper"]),
        bad("unended.json", unended, &["unended.json:1:", "nested deeper"]),
        bad(
            "twice.json",
            format!(r#"{{ {head}, "steps": {{ "a": {{ "component": "no-op" }}, "a": {{ "component": "set" }} }} }}"#),
            &["twice.json:1:", "`a` is there twice"],
        ),
        bad("field.json", format!(r#"{{ {head}, "name": "y" }}"#), &["field.json:1:", "duplicate field"]),
        bad(
            "mistakes.json",
            serde_json::to_vec_pretty(&mistakes).unwrap_or_default(),
            &[
                "did you mean `name`?",
                "/steps/a/component",
                "did you mean `set`?",
                "/steps/b/component",
                "give a string",
                "/steps/c/retry/tries",
                "did you mean `fail`?",
                "did you mean `config`?",
                "nonsense",
                "/wires/2",
                "nowhere",
                "ghost",
                "did you mean `concurrency`?",
                "mistakes.json:",
            ],
        ),
        bad("huge.json", huge(), &["`x", "component"]),
    ]
}

/// Ten megabytes of steps of a kind that nobody knows.
fn huge() -> Vec<u8> {
    let steps: serde_json::Map<String, Value> = (0..9_000)
        .map(|number| (format!("s{number}"), json!({ "component": "xylophone", "note": "n".repeat(1_100) })))
        .collect();
    json!({ "flowork": "preset/1", "name": "huge", "steps": steps, "wires": [] }).to_string().into_bytes()
}

fn told(data: &Path, arguments: &[&str]) -> Result<(Option<i32>, String)> {
    let output = flowork(data, arguments)?;
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
    ensure!(!text.contains("panicked"), "{arguments:?}: {text}");
    Ok((output.status.code(), text))
}

#[test]
fn every_malformed_preset_file_is_told_with_place_and_advice_and_exit_code_2() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    for Bad { name, bytes, words } in kinds() {
        let file = folder.path().join(name);
        fs::write(&file, bytes)?;
        let file = file.to_str().context("a path")?;
        for command in [&["preset", "check", file][..], &["run", file]] {
            let (code, text) = told(&data, command)?;
            let shown: String = text.chars().take(4_000).collect();
            ensure!(code == Some(2), "{command:?} ended with {code:?}: {shown}");
            // A run stops at the form; a check goes on to what the rest means.
            let words = if name == "mistakes.json" && command[0] == "run" { &words[..1] } else { words };
            for word in words {
                ensure!(text.contains(word), "{command:?} says nothing about {word}: {shown}");
            }
        }
    }
    let folder_name = folder.path().to_str().context("a path")?;
    for (file, words) in [(folder_name, "is a folder"), ("/nowhere/at/all.json", "there is no file")] {
        for command in [&["preset", "check", file][..], &["run", file]] {
            let (code, text) = told(&data, command)?;
            ensure!(code == Some(2) && text.contains(words), "{command:?} ended with {code:?}: {text}");
        }
    }
    ensure!(!data.join("layout.json").exists() || flowork(&data, &["job", "list"])?.status.code().is_some());
    Ok(())
}

#[tokio::test]
async fn the_same_over_http_is_a_problem_in_the_4xx_range_and_starts_nothing() -> Result<()> {
    let node = Node::fresh().await?;
    for Bad { name, bytes, words } in kinds() {
        let inline = [br#"{"inline":"#, bytes.as_slice(), b"}"].concat();
        for (path, body) in [("/api/v1/presets", &bytes), ("/api/v1/jobs", &inline), ("/api/v1/presets/check", &bytes)]
        {
            let answer = node.send(&node.request("POST", path, body)).await?;
            let checks = path.ends_with("check") && answer.status == 200;
            let shown: String = answer.text().chars().take(2_000).collect();
            ensure!(checks || (400..500).contains(&answer.status), "{name} to {path}: {} {shown}", answer.status);
            if checks {
                continue;
            }
            crate::bad_input::is_problem(&answer, answer.status)?;
            if name == "mistakes.json" {
                for word in words.iter().filter(|word| !word.starts_with(name)) {
                    ensure!(answer.text().contains(word), "{path} says nothing about {word}: {shown}");
                }
            }
        }
    }
    ensure!(node.read("/api/v1/jobs").await?["jobs"].as_array().is_some_and(Vec::is_empty), "nothing was started");
    ensure!(node.get("/healthz").await?.status == 200);
    node.stop().await
}
