//! Preset files: read with the place of every mistake, and problems found again in the text.

use flowork_protocol::check::{Problem, Severity};
use flowork_protocol::preset::{FORMAT, Preset};
use serde_json::{Value, json};

use super::fail::Fail;
use super::input::not_json;
use super::place;

/// A preset file and its text.
#[derive(Debug)]
pub(crate) struct PresetFile {
    /// What it says.
    pub(crate) preset: Preset,
    path: String,
    text: String,
    raw: Value,
}

impl PresetFile {
    /// Reads a file. What is not a preset is told by line and column.
    pub(crate) fn read(path: &str) -> Result<Self, Fail> {
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Fail::usage(format!("there is no file {path}")),
            _ => Fail::usage(format!("cannot read {path}: {error}")),
        })?;
        Self::parse(path, text)
    }

    fn parse(path: &str, text: String) -> Result<Self, Fail> {
        let schema =
            |fail: Fail| fail.hint("`flowork schema preset` prints the form of presets; examples/ holds whole ones");
        let raw: Value = serde_json::from_str(&text).map_err(|error| not_json(path, &error))?;
        let preset = serde_json::from_str(&text).map_err(|error| schema(not_json(path, &error)))?;
        Ok(Self { preset, path: path.to_owned(), text, raw })
    }

    /// Where in the file a problem is: `file:line:column`.
    pub(crate) fn place(&self, pointer: &str) -> Option<String> {
        let pointer = self.in_text(pointer);
        let (line, column) = place::find(&self.text, &pointer)?;
        Some(format!("{}:{line}:{column}", self.path))
    }

    /// Wires that the file lists as texts have ids only in the preset: their place is their number in the list.
    fn in_text(&self, pointer: &str) -> String {
        let id = pointer.strip_prefix("/wires/").map(|rest| rest.split('/').next().unwrap_or_default());
        let (Some(id), Some(listed)) = (id, self.raw["wires"].as_array()) else {
            return pointer.to_owned();
        };
        let id = id.replace("~1", "/").replace("~0", "~");
        let number = listed.iter().position(|wire| {
            let alone = json!({ "flowork": FORMAT, "name": "x", "wires": [wire] });
            serde_json::from_value::<Preset>(alone)
                .is_ok_and(|preset| preset.wires.keys().any(|key| key.as_str() == id))
        });
        number.map_or_else(|| pointer.to_owned(), |number| format!("/wires/{number}"))
    }

    /// The problems with where they are in the file.
    pub(crate) fn placed(&self, problems: Vec<Problem>) -> Vec<(Problem, Option<String>)> {
        problems
            .into_iter()
            .map(|problem| (self.place(&problem.place), problem))
            .map(|(at, problem)| (problem, at))
            .collect()
    }

    /// A failure whose problems are about this file.
    pub(crate) fn locate(&self, mut fail: Fail) -> Fail {
        fail.problems = self.placed(fail.problems.into_iter().map(|(problem, _)| problem).collect());
        fail
    }
}

/// How many of the problems stop the preset.
pub(crate) fn errors(problems: &[Problem]) -> usize {
    problems.iter().filter(|problem| problem.severity == Severity::Error).count()
}

/// Whether an argument means a file and not a preset's name.
pub(crate) fn is_file(argument: &str) -> bool {
    argument.contains('/') || argument.ends_with(".json") || std::path::Path::new(argument).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "flowork": "preset/1", "name": "x",
  "steps": { "a": { "component": "no-op" }, "b": { "component": "no-op" } },
  "wires": [
    "a -> b",
    "b:left -> a"
  ]
}"#;

    #[test]
    fn a_listed_wire_is_found_in_its_line() {
        let file = PresetFile::parse("f.json", TEXT.to_owned()).unwrap();
        assert_eq!(file.place("/wires/b:left>a:in").as_deref(), Some("f.json:6:5"));
        assert_eq!(file.place("/steps/b/component").as_deref(), Some("f.json:3:52"));
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let told = |text: &str| PresetFile::parse("f.json", text.to_owned()).unwrap_err().message;
        assert!(
            told("{\n \"flowork\": }").starts_with("f.json:2:13: expected value"),
            "{}",
            told("{\n \"flowork\": }")
        );
        let unknown = told("{ \"flowork\": \"preset/1\", \"name\": \"x\",\n \"stepps\": {} }");
        assert!(unknown.starts_with("f.json:2:") && unknown.contains("unknown field `stepps`"), "{unknown}");
    }
}
