//! Preset files: read with the place of every mistake, and problems found again in the text.

use flowork_protocol::check::{Problem, Severity};
use flowork_protocol::form;
use flowork_protocol::preset::{FORMAT, Preset};
use serde_json::{Value, json};

use super::fail::Fail;
use super::input::not_json;
use super::place;

/// The largest preset file: as much as the node takes.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// How much of a file is read, over all problems, to find their places.
const LOOKED_BYTES_MAX: usize = 256 << 20;
const FORM_HINT: &str = "`flowork schema preset` prints the form of presets; examples/ holds whole ones";

/// A preset file and its text.
#[derive(Debug)]
pub(crate) struct PresetFile {
    /// What it says; without what does not read, when `mistakes` are not empty.
    pub(crate) preset: Preset,
    /// What is wrong with its form.
    pub(crate) mistakes: Vec<Problem>,
    path: String,
    text: String,
    raw: Value,
}

impl PresetFile {
    /// Reads a file. What is not a preset is told by line and column, every mistake at once.
    pub(crate) fn read(path: &str) -> Result<Self, Fail> {
        let file = Self::look(path)?;
        if file.mistakes.is_empty() {
            return Ok(file);
        }
        let mut fail = Fail::usage(format!("{path} is not a preset")).hint(FORM_HINT);
        fail.problems = file.placed(file.mistakes.clone());
        Err(fail)
    }

    /// Reads a file that may have mistakes in its form. Fails when it is not even JSON.
    pub(crate) fn look(path: &str) -> Result<Self, Fail> {
        use std::io::ErrorKind;
        let bytes = std::fs::metadata(path).and_then(|about| match about.len() {
            size if size > FILE_BYTES_MAX => Err(ErrorKind::FileTooLarge.into()),
            _ => std::fs::read(path),
        });
        let bytes = bytes.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fail::usage(format!("there is no file {path}")),
            ErrorKind::IsADirectory => Fail::usage(format!("{path} is a folder"))
                .hint("name the preset file in it, such as examples/NAME.json"),
            ErrorKind::FileTooLarge => Fail::usage(format!("{path} is larger than {} MiB", FILE_BYTES_MAX >> 20))
                .hint("a preset holds steps and wires; keep data in files that a step reads"),
            _ => Fail::usage(format!("cannot read {path}: {error}")),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            Fail::usage(format!("{path}:{line}:{column}: this is not UTF-8 text")).hint("save the file as UTF-8")
        })?;
        Self::parse(path, text)
    }

    fn parse(path: &str, text: String) -> Result<Self, Fail> {
        if text.trim().is_empty() {
            return Err(Fail::usage(format!("{path} is empty")).hint(FORM_HINT));
        }
        let raw: Value = serde_json::from_str(&text).map_err(|error| not_json(path, &error))?;
        let (preset, mistakes) = match serde_json::from_str(&text) {
            Ok(preset) => (preset, Vec::new()),
            Err(error) => match form::read(&raw) {
                (preset, mistakes) if !mistakes.is_empty() => (preset.unwrap_or_else(|| Preset::named("")), mistakes),
                // Only the text has this mistake, such as an id that comes twice.
                _ => return Err(not_json(path, &error).hint(FORM_HINT)),
            },
        };
        Ok(Self { preset, mistakes, path: path.to_owned(), text, raw })
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
    ///
    /// Each is looked for from the file's start, so in a huge file only the first are; the others keep their pointer.
    pub(crate) fn placed(&self, problems: Vec<Problem>) -> Vec<(Problem, Option<String>)> {
        let looked_for = (LOOKED_BYTES_MAX / self.text.len().max(1)).max(1);
        let place = |(number, problem): (usize, Problem)| {
            let at = if number < looked_for { self.place(&problem.place) } else { None };
            (problem, at)
        };
        problems.into_iter().enumerate().map(place).collect()
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
        let text = "{ \"flowork\": \"preset/1\", \"name\": \"x\",\n \"stepps\": {} }";
        let file = PresetFile::parse("f.json", text.to_owned()).unwrap();
        let placed = file.placed(file.mistakes.clone());
        assert_eq!(placed[0].1.as_deref(), Some("f.json:2:2"), "{placed:?}");
        assert_eq!(placed[0].0.suggestion.as_deref(), Some("did you mean `steps`?"));
        let twice = told(
            "{ \"flowork\": \"preset/1\", \"name\": \"x\",\n \"steps\": { \"a\": {\"component\":\"no-op\"}, \"a\": {\"component\":\"set\"} } }",
        );
        assert!(twice.starts_with("f.json:2:") && twice.contains("`a` is there twice"), "{twice}");
        assert_eq!(told(" \n"), "f.json is empty");
        let deep = told(&"[".repeat(10_000));
        assert!(deep.starts_with("f.json:1:") && deep.contains("nested"), "{deep}");
    }
}
