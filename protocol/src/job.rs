//! The few facts about a job that lists and queues need; everything else is folded from its events.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::{JobId, PresetId, StepId, VersionId};
use crate::time::Timestamp;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Accepted, not begun.
    Queued,
    /// Accepted, not begun because its preset's concurrency limit is reached.
    Held,
    /// A kernel has it.
    Running,
    /// Nothing to do until a time comes, a person decides or a child ends.
    Waiting,
    /// A person stopped it for a while.
    Paused,
    /// This kernel cannot go on with it (an unknown event or component version); a later one may.
    Parked,
    /// Ended well.
    Succeeded,
    /// Ended by an error.
    Failed,
    /// Ended by a person.
    Cancelled,
}

impl State {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Held,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Parked,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The stable small number that tables hold. Never reuse one.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Queued => 0,
            Self::Held => 1,
            Self::Running => 2,
            Self::Waiting => 3,
            Self::Paused => 4,
            Self::Parked => 5,
            Self::Succeeded => 6,
            Self::Failed => 7,
            Self::Cancelled => 8,
        }
    }

    /// The state with that number.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// The word for it, as in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Parked => "parked",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One line of a job list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Summary {
    /// Which job.
    pub id: JobId,
    /// The draft it came from.
    pub preset: PresetId,
    /// The preset's name when the job was accepted.
    pub name: String,
    /// What it runs.
    pub version: VersionId,
    /// Where it stands.
    pub state: State,
    /// Higher starts first.
    pub priority: i32,
    /// The trigger that fired, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<StepId>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its first step could start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When it wants to be looked at again, while waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The number of its last event.
    pub last_seq: u64,
    /// The job it replays, if it is a replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<JobId>,
    /// The job whose step started it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<JobId>,
    /// Whether it performs no external effect.
    #[serde(default)]
    pub dry_run: bool,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}
