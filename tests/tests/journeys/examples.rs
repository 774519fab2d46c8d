//! The presets in `examples/`, run on real input by the command line, without a running node.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use flowork_tests::node::{flowork, repository};
use serde_json::Value;

/// Runs an example to its end; gives the one item of its last step.
fn run(name: &str, variables: &[String]) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let file = format!("examples/{name}.json");
    let mut arguments = vec!["run", &file, "--wait", "--json"];
    for variable in variables {
        arguments.extend(["--var", variable]);
    }
    let output = flowork(&folder.path().join("data"), &arguments)?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{name}: {told}\n{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&told).with_context(|| format!("{name} told no JSON: {told}"))?;
    ensure!(told["state"] == "succeeded", "{name}: {told}");
    let outputs = told["output"].as_object().context("the job gave something")?;
    let items: Vec<_> = outputs.values().flat_map(|given| given["items"].as_array().into_iter().flatten()).collect();
    ensure!(items.len() == 1, "{name} gives one item: {told}");
    Ok(items[0]["json"].clone())
}

fn sh(folder: &Path, script: &str) -> Result<()> {
    let status = Command::new("bash").args(["-ec", script]).current_dir(folder).status()?;
    ensure!(status.success(), "{script}");
    Ok(())
}

/// A folder that sandboxed scripts, which run as another user, may enter.
fn open_folder() -> Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::Builder::new().prefix("flowork-example-").tempdir_in("/tmp")?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

#[test]
fn good_and_bad_rows_of_a_csv_are_told_apart() -> Result<()> {
    let orders = repository().join("examples/data/orders.csv");
    let report = run("csv-clean", &[format!("csv={}", orders.display())])?;
    // Counted by hand: 22 rows, of which ten have a price, date, number or value that is none.
    ensure!(report["title"] == "12 good rows, 10 bad rows", "{report:#}");
    ensure!(report["amount"] == 1190.82, "{report:#}");
    let text = report["report"].as_str().unwrap_or_default();
    for said in ["GB", "line 6", "line 9", "order 1016 sells -1"] {
        ensure!(text.contains(said), "nothing about {said} in\n{text}");
    }
    Ok(())
}

#[test]
fn a_log_is_counted_by_day_and_kind() -> Result<()> {
    let folder = open_folder()?;
    let log = folder.path().join("app.log");
    let mut text = String::new();
    for (day, kind, lines) in [("2026-11-20", "ERROR", 3), ("2026-11-20", "INFO", 10), ("2026-11-21", "WARN", 5)] {
        for n in 0..lines {
            text.push_str(&format!("{day} 08:00:{n:02} {kind} something happened {n}\n"));
        }
    }
    fs::write(&log, text)?;
    let report = run("log-report", &[format!("log={}", log.display())])?;
    ensure!(report["title"] == format!("{}: 18 lines on 2 days", log.display()), "{report:#}");
    let told = report["report"].as_str().unwrap_or_default();
    let line = |word: &str| told.lines().find(|line| line.to_lowercase().contains(word)).unwrap_or_default().to_owned();
    for (word, count) in [("2026-11-20", "13"), ("2026-11-21", "5"), ("error", "3"), ("info", "10"), ("warn", "5")] {
        ensure!(line(word).trim().ends_with(count), "{word} should be {count} in\n{told}");
    }
    Ok(())
}

#[test]
fn the_log_of_this_machine_is_read_where_there_is_one() -> Result<()> {
    let log = Path::new("/var/log/dpkg.log");
    let lines = fs::read_to_string(log).map_or(0, |text| text.lines().filter(|line| !line.is_empty()).count());
    if lines == 0 {
        println!("this machine has no dpkg.log with lines");
        return Ok(());
    }
    let report = run("log-report", &[])?;
    let title = report["title"].as_str().unwrap_or_default();
    ensure!(title.contains(&format!("{} lines", lines.min(50_000))), "{lines} lines: {report:#}");
    Ok(())
}

#[test]
fn a_git_history_is_reported_by_author_and_file() -> Result<()> {
    if Command::new("git").arg("--version").output().is_err() {
        println!("git is not installed");
        return Ok(());
    }
    let folder = open_folder()?;
    sh(
        folder.path(),
        r#"
        git init -q .
        commit() { git -c user.name="$1" -c user.email="$1@example.org" commit -q -m "$2"; }
        for n in 1 2 3; do echo $n > a.txt; git add a.txt; commit Ada "change $n"; done
        echo 1 > b.txt; git add b.txt; commit Grace "begin b"
        "#,
    )?;
    let report = run("git-history", &[format!("repository={}", folder.path().display())])?;
    ensure!(report["title"] == "4 commits by 2 authors", "{report:#}");
    let told = report["report"].as_str().unwrap_or_default();
    let line = |word: &str| told.lines().find(|line| line.contains(word)).unwrap_or_default().to_owned();
    for (word, count) in [("Ada", "3"), ("Grace", "1"), ("a.txt", "3"), ("b.txt", "1")] {
        ensure!(line(word).trim().ends_with(count), "{word} should be {count} in\n{told}");
    }
    Ok(())
}

#[test]
fn six_languages_work_on_one_order() -> Result<()> {
    let answer = run("six-languages", &[])?;
    let text = answer.to_string();
    // 2 × 4.50 and 1 × 30; ten percent off from 35 on.
    ensure!(text.contains("39"), "{answer:#}");
    ensure!(text.contains("35.1"), "{answer:#}");
    ensure!(text.contains("Grace"), "{answer:#}");
    Ok(())
}

#[test]
fn the_welcome_preset_reports_real_facts_of_this_machine() -> Result<()> {
    let report = run("welcome", &[])?;
    let lines = report["lines"].as_array().map_or(0, Vec::len);
    ensure!(lines >= 5, "{report:#}");
    let text = report["report"].as_str().unwrap_or_default();
    ensure!(text.starts_with("Welcome to Flowork"), "{text}");
    println!("{text}");
    Ok(())
}

#[test]
fn every_example_is_without_problems() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut count = 0;
    for entry in fs::read_dir(repository().join("examples"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let output = flowork(folder.path(), &["preset", "check", &path.display().to_string()])?;
            ensure!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
            count += 1;
        }
    }
    ensure!(count >= 5, "{count} examples");
    Ok(())
}
