//! The history of a job: an append-only list of events that record decisions. Folding them never decides anything.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smallvec::SmallVec;

use crate::command::Submission;
use crate::failure::Failure;
use crate::id::{JobId, StepId, VersionId};
use crate::item::List;
use crate::manifest::Effect;
use crate::time::Timestamp;

/// The schema version that [`encode`] writes.
pub const SCHEMA_VERSION: u32 = 1;

/// One run of one step: the step and, inside loops, the round of each loop around it, outermost first.
///
/// Written as `step`, `step[2]`, `step[2][0]`. Rounds count from 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// Which step.
    pub step: StepId,
    /// Which round of each loop around it.
    pub rounds: SmallVec<[u32; 2]>,
}

impl Run {
    /// The run of a step outside all loops.
    #[must_use]
    pub fn once(step: StepId) -> Self {
        Self { step, rounds: SmallVec::new() }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.step.as_str())?;
        self.rounds.iter().try_for_each(|round| write!(f, "[{round}]"))
    }
}

impl FromStr for Run {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (step, rest) = text.find('[').map_or((text, ""), |at| text.split_at(at));
        let mut rounds = SmallVec::new();
        for part in rest.split_terminator(']') {
            let round = part.strip_prefix('[').and_then(|digits| digits.parse().ok());
            rounds.push(round.ok_or_else(|| format!("`{text}` is not a run; write `step` or `step[2]`"))?);
        }
        Ok(Self { step: step.into(), rounds })
    }
}

impl Serialize for Run {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.rounds.is_empty() {
            return serializer.serialize_str(self.step.as_str());
        }
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Run {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Run".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}(\\[[0-9]+\\])*$" })
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Something that happened to a job, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Event {
    /// Its number in the job, from 1, without gaps.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The node took the job. Always the first event.
    Accepted(Box<Submission>),
    /// A kernel began it: sub-presets by name and the version each stands for in this job.
    Started {
        /// Name → version.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        presets: BTreeMap<String, VersionId>,
    },
    /// A try of a step began. For external steps this is on disk before the step acts.
    StepStarted {
        /// Which run.
        run: Run,
        /// Which try, from 1.
        attempt: u32,
        /// The effect class it runs under.
        effect: Effect,
    },
    /// A step gave its output.
    StepSucceeded(Box<StepResult>),
    /// A try failed, and what follows from it.
    StepFailed {
        /// Which run.
        run: Run,
        /// Which try.
        attempt: u32,
        /// What went wrong.
        error: Failure,
        /// What follows.
        then: AfterFailure,
        /// How long the try took, in microseconds.
        took_us: u64,
    },
    /// A step did not run.
    StepSkipped {
        /// Which run.
        run: Run,
        /// Why, for people.
        reason: String,
    },
    /// A step waits for something outside.
    StepSuspended {
        /// Which run.
        run: Run,
        /// Which try.
        attempt: u32,
        /// For what.
        wait: Wait,
    },
    /// What a step waited for came.
    StepResumed {
        /// Which run.
        run: Run,
        /// What came.
        with: Resume,
    },
    /// A loop began a round.
    LoopRound {
        /// The loop step's run.
        run: Run,
        /// The round, from 0.
        round: u32,
        /// The items of this round.
        items: List,
    },
    /// Lines that a step wrote.
    StepLog {
        /// Which run.
        run: Run,
        /// The lines.
        lines: Vec<LogLine>,
    },
    /// A person paused it.
    Paused,
    /// A person resumed it.
    Resumed,
    /// A person wants it to end.
    CancelRequested {
        /// Why.
        reason: String,
    },
    /// This kernel cannot go on with it.
    Parked {
        /// Why, and what would help.
        reason: String,
    },
    /// It ended. Always the last event.
    Ended {
        /// How.
        outcome: Outcome,
        /// The items of the steps that nothing follows, by step.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        output: BTreeMap<StepId, List>,
    },
}

/// What a step gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StepResult {
    /// Which run.
    pub run: Run,
    /// Which try.
    pub attempt: u32,
    /// The items by output port.
    pub ports: BTreeMap<String, Emitted>,
    /// How many items came in.
    pub items_in: u64,
    /// What it did, for people: `12 in → 9 out`.
    pub note: String,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What its expressions saw as `$now`.
    pub now: Timestamp,
    /// Seed of its random numbers.
    pub seed: u64,
    /// Names of the secrets it was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Whether it only said what it would have done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry: bool,
    /// Whether the items are pinned or kept from another job, and not computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Source>,
    /// The answer for a webhook that waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
}

/// Where a result comes from if it was not computed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The preset pins it.
    Pin,
    /// The step is disabled.
    Disabled,
    /// Kept from the job that this one replays.
    Kept(JobId),
    /// Edited by the person who replayed.
    Edited,
}

/// What came out of one port.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Emitted {
    /// The items.
    pub items: List,
    /// For each item the input item it came from.
    #[serde(default, skip_serializing_if = "Pairing::is_none")]
    pub pairs: Pairing,
}

/// Which input item each output item came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Not known.
    #[default]
    None,
    /// Item n came from input item n.
    Same,
    /// Item n came from input item `of[n]`; `u32::MAX` is none.
    Each(Vec<u32>),
}

impl Pairing {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }

    /// The input item that output item `index` came from.
    #[must_use]
    pub fn source_of(&self, index: usize) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Same => Some(index),
            Self::Each(of) => of.get(index).filter(|at| **at != u32::MAX).map(|at| *at as usize),
        }
    }
}

/// What follows from a failed try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AfterFailure {
    /// Another try, then.
    Retry {
        /// When.
        at: Timestamp,
    },
    /// The input goes out of the error port.
    ErrorPort,
    /// Nothing goes out, the job goes on.
    Continue,
    /// The job fails.
    FailJob,
    /// A person is asked whether it should run again ([`crate::preset::OnCrash::Ask`]).
    Ask,
}

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A time.
    Until(Timestamp),
    /// A person.
    Approval {
        /// What is asked.
        title: String,
        /// What will happen on yes, and what is at stake.
        message: String,
        /// When it stops waiting.
        #[serde(default)]
        expires_at: Option<Timestamp>,
        /// What counts then: true is yes.
        #[serde(default)]
        on_expiry: bool,
    },
    /// A person, whether a try that nobody saw the end of should run again. No event holds it: views show it for
    /// [`AfterFailure::Ask`].
    Rerun {
        /// The try that was cut off.
        attempt: u32,
    },
    /// A child job.
    Child {
        /// Which one.
        job: JobId,
        /// The preset it runs.
        preset: String,
    },
    /// The rounds of a loop.
    Rounds {
        /// How many there will be.
        rounds: u32,
    },
}

/// What came for a waiting step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resume {
    /// The time.
    Time,
    /// The answer.
    Decision {
        /// Yes or no.
        approved: bool,
        /// Who answered; `expiry` when nobody did.
        by: String,
        /// What they remarked.
        note: String,
    },
    /// The child's end.
    Child(crate::command::ChildOutcome),
    /// All rounds are done.
    RoundsDone,
}

/// One line of a step's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// How loud.
    pub level: Level,
    /// The text, without its line end; invalid UTF-8 shows as U+FFFD.
    pub text: String,
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For who writes the script.
    Debug,
    /// Plain; stdout.
    Info,
    /// Worth a look; stderr.
    Warn,
    /// Something failed.
    Error,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step ran, was skipped, or failed where the preset allows it.
    Succeeded,
    /// A step failed for good.
    Failed(Failure),
    /// A person ended it.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// The answer for a webhook that waits for one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers by name.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: a text goes out as it is, anything else as JSON.
    pub body: Value,
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A newer Flowork wrote it.
    #[error("these events have schema version {0}, this Flowork knows up to {SCHEMA_VERSION}; start the newer one")]
    Version(u32),
    /// The text is not a batch of events.
    #[error("a batch of events does not read")]
    Form(#[from] serde_json::Error),
}

/// A batch of events as the store keeps it: JSON `[version, [event, …]]`.
///
/// # Errors
/// When an event holds a value that JSON cannot, which none of ours does.
pub fn encode(events: &[Event]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(512 * events.len());
    serde_json::to_writer(&mut bytes, &(SCHEMA_VERSION, events))?;
    Ok(bytes)
}

/// Reads what [`encode`] wrote, now or in an earlier version.
///
/// # Errors
/// [`DecodeError::Version`] when a newer Flowork wrote it; the job is then parked, not lost.
pub fn decode(bytes: &[u8]) -> Result<Vec<Event>, DecodeError> {
    #[derive(Deserialize)]
    struct Head(u32, serde::de::IgnoredAny);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        DecodeError::Form(serde::de::Error::custom(format!("byte {} is not UTF-8", error.valid_up_to())))
    })?;
    // The version is read first, so that a newer form is named and not called damaged.
    match serde_json::from_str::<(u32, Vec<Event>)>(text) {
        Ok((SCHEMA_VERSION, events)) => Ok(events),
        Ok((version, _)) => Err(DecodeError::Version(version)),
        Err(error) => match serde_json::from_str::<Head>(text) {
            Ok(Head(version, _)) if version != SCHEMA_VERSION => Err(DecodeError::Version(version)),
            _ => Err(error.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_reads_back_from_its_text() {
        for text in ["a", "a[2]", "fetch-all[2][0]"] {
            assert_eq!(text.parse::<Run>().map(|run| run.to_string()), Ok(text.to_owned()));
        }
        assert!("a[x]".parse::<Run>().is_err());
    }

    #[test]
    fn a_newer_schema_is_named_and_not_called_damaged() {
        let read = decode(br#"[9,[{"seq":1,"at":0,"what":{"teleported":{}}}]]"#);
        assert!(matches!(read, Err(DecodeError::Version(9))));
    }
}
