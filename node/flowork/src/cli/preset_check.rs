//! `flowork preset check FILE`: every problem of a preset file at once. Works offline, with this program's own components.

use flowork_protocol::check::check;
use serde_json::json;

use super::fail::{Fail, USAGE, problem_json, problem_text};
use super::preset_file::{PresetFile, errors};
use super::{Context, print_json, print_text};
use crate::rooms::{self, Folders};

/// Checks files; ends with code 2 when one of them has an error, as every command does that is given such a file.
pub(crate) fn run(context: &Context, files: &[String]) -> Result<(), Fail> {
    let data = context.data().unwrap_or_else(|_| std::env::temp_dir());
    let (library, _workers) = rooms::library(
        &Folders { data, home: context.environment.home.clone() },
        std::sync::Arc::new(crate::mesh_link::NoMesh),
    );
    let mut wrong = 0;
    let mut told = Vec::new();
    for path in files {
        let file = PresetFile::look(path)?;
        let mut problems = file.mistakes.clone();
        problems.extend(check(&file.preset, &*library));
        problems.sort_by(|one, other| (one.severity, &one.place).cmp(&(other.severity, &other.place)));
        let count = errors(&problems);
        wrong += count;
        let warnings = problems.len() - count;
        let placed = file.placed(problems);
        if context.json {
            let problems: Vec<_> = placed.iter().map(|(problem, at)| problem_json(problem, at.as_deref())).collect();
            told.push(json!({ "file": path, "errors": count, "warnings": warnings, "problems": problems }));
            continue;
        }
        for (problem, at) in &placed {
            print_text(&format!("{}\n", problem_text(problem, at.as_deref())));
        }
        let verdict = match (count, warnings) {
            (0, 0) => "is fine".to_owned(),
            (0, warnings) => format!("can run, with {warnings} warnings"),
            (errors, warnings) => format!("cannot run: {errors} errors, {warnings} warnings"),
        };
        let (steps, wires) = (file.preset.steps.len(), file.preset.wires.len());
        print_text(&format!("{path}: `{}` ({steps} steps, {wires} wires) {verdict}\n", file.preset.name));
    }
    if context.json {
        print_json(&json!({ "files": told }));
    }
    if wrong > 0 { Err(Fail::new(USAGE, "")) } else { Ok(()) }
}
