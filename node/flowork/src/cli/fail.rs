//! How a command ends badly: an exit code, what happened, and what to do next.

use flowork_protocol::check::{Problem, Severity};
use serde_json::{Value, json};

use super::print_remark;

/// A job or an operation failed.
pub(crate) const FAILED: u8 = 1;
/// The command line, a file or an input is not what it should be.
pub(crate) const USAGE: u8 = 2;
/// What was named is not there.
pub(crate) const NOT_FOUND: u8 = 3;
/// No node runs on the data directory.
pub(crate) const NO_NODE: u8 = 4;
/// The node, or this machine, does not allow it (a token, a lock, a port).
pub(crate) const REFUSED: u8 = 5;
/// The node cannot do it right now; trying again may help.
pub(crate) const UNAVAILABLE: u8 = 6;

/// The exit codes, for `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  it worked
  1  the job or the operation failed
  2  the command line, a file or an input is not what it should be
  3  what was named is not there
  4  no node runs on this data directory
  5  it is not allowed (a token, a lock, a taken port)
  6  the node cannot do it right now; try again";

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) struct Fail {
    /// The exit code.
    pub(crate) code: u8,
    /// What happened, to what.
    pub(crate) message: String,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// Every problem of a preset, each with where it is in the file.
    pub(crate) problems: Vec<(Problem, Option<String>)>,
}

impl Fail {
    /// With this exit code.
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, problems: Vec::new() }
    }

    /// The command line, a file or an input is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, message)
    }

    /// Something went wrong on this machine.
    pub(crate) fn because(message: impl Into<String>, error: &(dyn std::error::Error + 'static)) -> Self {
        Self::new(FAILED, format!("{}: {}", message.into(), crate::chain(error)))
    }

    /// Says what to do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Shows it on stderr.
    pub(crate) fn show(&self, as_json: bool) {
        if self.message.is_empty() && self.problems.is_empty() {
            return; // Everything was said on stdout.
        }
        if as_json {
            let problems: Vec<Value> =
                self.problems.iter().map(|(problem, at)| problem_json(problem, at.as_deref())).collect();
            let mut error = json!({ "code": self.code, "message": self.message });
            if let Some(hint) = &self.hint {
                error["hint"] = json!(hint);
            }
            if !problems.is_empty() {
                error["problems"] = json!(problems);
            }
            print_remark(&json!({ "error": error }).to_string());
            return;
        }
        for (problem, at) in &self.problems {
            print_remark(&problem_text(problem, at.as_deref()));
        }
        if !self.message.is_empty() {
            print_remark(&format!("error: {}", self.message));
        }
        if let Some(hint) = &self.hint {
            print_remark(&format!("  → {hint}"));
        }
    }
}

/// A problem as JSON, with its place in the file.
pub(crate) fn problem_json(problem: &Problem, at: Option<&str>) -> Value {
    let mut value = serde_json::to_value(problem).unwrap_or_default();
    if let Some(at) = at {
        value["at"] = json!(at);
    }
    value
}

/// A problem for people: where, how bad, what, and what to do.
pub(crate) fn problem_text(problem: &Problem, at: Option<&str>) -> String {
    let word = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = if problem.place.is_empty() { "the preset" } else { problem.place.as_str() };
    let mut text = match at {
        Some(at) => format!("{at}: {word}: {place}: {} [{}]", problem.message, problem.code),
        None => format!("{word}: {place}: {} [{}]", problem.message, problem.code),
    };
    if let Some(suggestion) = &problem.suggestion {
        text.push_str("\n  → ");
        text.push_str(suggestion);
    }
    text
}
