//! What went wrong, for the person who has to do something about it.

use serde::{Deserialize, Serialize};

use crate::id::StepId;

/// A failed step or job: what happened, to what, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// A stable kebab-case word for programs, such as `script-timeout`.
    pub code: String,
    /// What happened, as a sentence.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The step it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// Which input item it happened at, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<u32>,
    /// Where in the config or code, such as `config.url` or `line 3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// More to read: a stack trace, the end of stderr.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether trying again can help. A retry policy does not retry what cannot help.
    #[serde(default)]
    pub retryable: bool,
}

impl Failure {
    /// A failure that retrying will not mend.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            step: None,
            item: None,
            place: None,
            detail: None,
            retryable: false,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the input item, counted from 0.
    #[must_use]
    pub fn item(mut self, index: usize) -> Self {
        self.item = u32::try_from(index).ok();
        self
    }

    /// Names the place in config or code.
    #[must_use]
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Adds more to read.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says that trying again may help.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}
