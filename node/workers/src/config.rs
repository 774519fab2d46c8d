//! The config of a script step.

use flowork_protocol::check::ConfigProblem;
use flowork_protocol::manifest::{Effect, Permissions};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::language::Language;

/// What a script step is told, all six languages alike.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The script.
    pub(crate) code: String,
    /// Once for all items, or for each.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// Output ports beside `out`.
    #[serde(default)]
    pub(crate) outputs: Vec<String>,
    /// How long one call may take.
    #[serde(default = "timeout_ms")]
    pub(crate) timeout_ms: u64,
    /// How much memory its processes may use together.
    #[serde(default = "memory_mb")]
    pub(crate) memory_mb: u64,
    /// What it may touch.
    #[serde(default)]
    pub(crate) permissions: Permissions,
    /// Where stdout goes; absent means what is usual in the language.
    #[serde(default)]
    pub(crate) stdout: Option<Stdout>,
    /// How stdout becomes items, where it does.
    #[serde(default)]
    pub(crate) parse: Parse,
    /// What repeating it would do.
    #[serde(default = "external")]
    pub(crate) effect: Effect,
}

/// How often the script runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Once, with all items.
    #[default]
    All,
    /// Once for each item, in one call.
    Each,
}

/// Where stdout goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stdout {
    /// Into the step's log.
    Log,
    /// Out of port `out`.
    Output,
}

/// How stdout becomes items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Parse {
    /// As JSON when every line is some, else as lines.
    #[default]
    Auto,
    /// Each line is JSON.
    Json,
    /// Each line is an item `{"line": …}`.
    Lines,
    /// All of it is one item `{"text": …}`.
    Text,
}

const MEMORY_MB_MIN: u64 = 16;
const MEMORY_MB_MAX: u64 = 65_536;
const TIMEOUT_MS_MAX: u64 = 86_400_000;
const OUTPUTS_MAX: usize = 32;
const CODE_BYTES_MAX: usize = 1 << 20;

const fn timeout_ms() -> u64 {
    60_000
}

const fn memory_mb() -> u64 {
    512
}

const fn external() -> Effect {
    Effect::External
}

impl Config {
    /// Reads it.
    pub(crate) fn read(config: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        serde_json::from_value(Value::Object(config.clone()))
    }

    /// Where stdout goes.
    pub(crate) fn stdout(&self, language: Language) -> Stdout {
        self.stdout.unwrap_or(if language == Language::Bash { Stdout::Output } else { Stdout::Log })
    }

    /// What is wrong with it, with where and what to do.
    pub(crate) fn problems(&self) -> Vec<ConfigProblem> {
        let mut problems = Vec::new();
        let mut wrong = |place: &str, message: String, suggestion: &str| {
            problems.push(ConfigProblem { place: place.to_owned(), message, suggestion: Some(suggestion.to_owned()) });
        };
        if self.code.trim().is_empty() {
            wrong("/code", "there is no code".to_owned(), "write what the step should do");
        }
        if self.code.len() > CODE_BYTES_MAX {
            wrong(
                "/code",
                format!("the code has more than {CODE_BYTES_MAX} bytes"),
                "move data into files or variables",
            );
        }
        if self.outputs.len() > OUTPUTS_MAX {
            wrong("/outputs", format!("there are more than {OUTPUTS_MAX} outputs"), "split the step");
        }
        for (index, port) in self.outputs.iter().enumerate() {
            if !plain_port(port)
                || port == "out"
                || port == "error"
                || self.outputs.iter().take(index).any(|other| other == port)
            {
                let message = format!("`{port}` cannot be a further output");
                wrong(
                    &format!("/outputs/{index}"),
                    message,
                    "use each name once, from a-z 0-9 _ -, and not `out` or `error`",
                );
            }
        }
        if self.effect == Effect::Pure && self.permissions != Permissions::default() {
            let message = "a pure script touches no hosts and no files".to_owned();
            wrong("/permissions", message, "take the permissions away, or say `effect: external`");
        }
        for (kind, paths) in [("read", &self.permissions.read), ("write", &self.permissions.write)] {
            for (index, path) in paths.iter().enumerate() {
                if !path.starts_with('/')
                    || path.trim_end_matches('/').is_empty()
                    || path.split('/').any(|part| part == "..")
                {
                    let message = format!("`{path}` cannot be given to a script");
                    wrong(
                        &format!("/permissions/{kind}/{index}"),
                        message,
                        "name a folder or file by its whole path, such as /srv/data",
                    );
                }
            }
        }
        problems
    }
}

fn plain_port(port: &str) -> bool {
    !port.is_empty()
        && port.len() <= 64
        && port.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The JSON Schema of the config.
pub(crate) fn schema(language: Language) -> Value {
    let paths =
        |what: &str| json!({ "type": "array", "items": { "type": "string" }, "description": what, "maxItems": 64 });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["code"],
        "properties": {
            "code": {
                "type": "string", "title": "Code", "minLength": 1, "maxLength": CODE_BYTES_MAX,
                "contentMediaType": language.media_type(),
                "description": "The script. It sees `items`, `vars`, `secrets`, `log` and `set_output`; the docs show how.",
            },
            "mode": {
                "enum": ["all", "each"], "default": "all", "title": "Run",
                "description": "`all`: once, with all items. `each`: once for each item.",
            },
            "outputs": {
                "type": "array", "items": { "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" }, "uniqueItems": true,
                "maxItems": OUTPUTS_MAX, "default": [], "title": "Further outputs",
                "description": "Ports beside `out` that the script gives items to with `set_output`.",
            },
            "timeout_ms": {
                "type": "integer", "minimum": 1, "maximum": TIMEOUT_MS_MAX, "default": timeout_ms(), "title": "Time limit (ms)",
                "description": "Past it the script and everything it started is ended.",
            },
            "memory_mb": {
                "type": "integer", "minimum": MEMORY_MB_MIN, "maximum": MEMORY_MB_MAX, "default": memory_mb(),
                "title": "Memory limit (MB)", "description": "For all its processes together, beside the interpreter's own.",
            },
            "permissions": {
                "type": "object", "additionalProperties": false, "title": "Permissions",
                "description": "What it may touch. Nothing unless named.",
                "properties": {
                    "hosts": paths("Hosts it may connect to. In this version any entry opens the whole network."),
                    "read": paths("Folders and files it may read, by whole path."),
                    "write": paths("Folders and files it may write, by whole path."),
                    "paths_from_config": { "type": "boolean", "default": false },
                },
            },
            "stdout": {
                "enum": ["log", "output"], "default": if language == Language::Bash { "output" } else { "log" },
                "title": "Standard output", "description": "`log`: into the step's log. `output`: out of port `out` as items.",
            },
            "parse": {
                "enum": ["auto", "json", "lines", "text"], "default": "auto", "title": "Read standard output as",
                "description": "With `stdout: output`. `auto`: items when every line is JSON, else one item {\"line\": …} per line.",
            },
            "effect": {
                "enum": ["pure", "idempotent", "external"], "default": "external", "title": "What repeating it does",
                "description": "`pure`: nothing, it only computes. `idempotent`: it may be repeated. `external`: it changes the world.",
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: Value) -> Vec<String> {
        let config: Config = serde_json::from_value(config).unwrap();
        config.problems().into_iter().map(|problem| problem.place).collect()
    }

    #[test]
    fn every_problem_is_told_at_once_with_its_place() {
        let config = json!({
            "code": " ", "outputs": ["out", "a b", "ok"], "effect": "pure",
            "permissions": { "read": ["/", "data"], "write": ["/srv/../etc"] },
        });
        let expect = [
            "/code",
            "/outputs/0",
            "/outputs/1",
            "/permissions",
            "/permissions/read/0",
            "/permissions/read/1",
            "/permissions/write/0",
        ];
        assert_eq!(problems(config), expect);
        assert!(problems(json!({ "code": "x" })).is_empty());
    }
}
