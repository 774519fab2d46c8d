//! What a gateway asks of a kernel, durably: the entries of an inbox.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{JobId, LoginKeyId, PresetId, ShardNo, StepId, TokenId, VersionId};
use crate::item::Item;
use crate::login::{Enrolment, Link};
use crate::preset::Preset;

/// One entry of an inbox. Carried out in order per shard, exactly once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Run a version. A second submission of the same job id changes nothing.
    Submit(Box<Submission>),
    /// Something for a job that exists.
    Signal(JobId, Signal),
    /// Fire the triggers of this version from now on.
    Activate(Box<Activation>),
    /// Fire no trigger of this preset any more.
    Deactivate(PresetId),
    /// Keep a secret, sealed to the vault key.
    SetSecret {
        /// Its name.
        name: String,
        /// The age file that only the vault key opens.
        #[serde(with = "hex_bytes")]
        sealed: Vec<u8>,
    },
    /// Forget a secret.
    RemoveSecret(String),
    /// Let a bearer token in.
    AddToken(Token),
    /// Let a bearer token in no more.
    RemoveToken(TokenId),
    /// Let the first key in that comes with this link.
    AddLoginLink(Link),
    /// Let the key in that came with a link. Only the first key of a link is; a key that is in already keeps the higher role.
    EnrolKey(Enrolment),
    /// Let a key in no more, and end its sessions.
    RemoveLoginKey(LoginKeyId),
    /// Forget an ended job and all it holds.
    DeleteJob(JobId),
    /// Change a setting of the node.
    Set {
        /// The setting.
        name: String,
        /// Its new value; null takes it back to the default.
        value: Value,
    },
}

impl Command {
    /// The shard that carries it out.
    #[must_use]
    pub fn shard(&self) -> ShardNo {
        match self {
            Self::Submit(submission) => submission.job.shard(),
            Self::Signal(job, _) | Self::DeleteJob(job) => job.shard(),
            _ => ShardNo::NODE,
        }
    }
}

/// A job to run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Submission {
    /// The job's id, chosen by who accepts it.
    pub job: JobId,
    /// Whether the id comes from an idempotency key or a trigger's event, and so must be remembered after the job is
    /// forgotten.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyed: bool,
    /// The draft it comes from.
    pub preset: PresetId,
    /// The preset's name.
    pub name: String,
    /// What to run.
    pub version: VersionId,
    /// The trigger that fired; none gives the input to every step without a wire in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<StepId>,
    /// The items that the trigger gives.
    #[serde(default)]
    pub input: Vec<Item>,
    /// Variables that differ from the preset's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
    /// Higher starts first.
    #[serde(default)]
    pub priority: i32,
    /// How many jobs of this preset may run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Perform no external effect; say what would have been done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Go on from a step of another job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// The job and run whose step started this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<(JobId, String)>,
    /// How many jobs stand above this one; a chain of jobs that start each other ends at [`DEPTH_MAX`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub depth: u32,
}

/// How deep jobs may start each other.
pub const DEPTH_MAX: u32 = 32;

fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// From where in another job a new job goes on, and with what changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The job that ran before. It is left untouched.
    pub origin: JobId,
    /// The first step to run again; what comes before it keeps its results. None runs everything again.
    #[serde(default)]
    pub from: Option<StepId>,
    /// Items that a kept step gives instead, by step and port.
    #[serde(default)]
    pub edits: BTreeMap<StepId, BTreeMap<String, Vec<Item>>>,
}

/// Something that reaches a job from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// End it. Running steps are stopped.
    Cancel {
        /// Why, for people.
        #[serde(default)]
        reason: String,
    },
    /// Start no further step until resumed.
    Pause,
    /// Go on.
    Resume,
    /// A person's answer to an approval.
    Decide {
        /// The run that asked, as `step` or `step[2]`.
        run: String,
        /// Yes or no.
        approved: bool,
        /// Who answered.
        by: String,
        /// What they remarked.
        #[serde(default)]
        note: String,
    },
    /// A child job ended.
    ChildEnded {
        /// The run that started it.
        run: String,
        /// Which child.
        child: JobId,
        /// How it ended, and what it gave.
        outcome: Box<ChildOutcome>,
    },
}

/// What became of a child job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChildOutcome {
    /// The items of its last steps.
    Gave(Vec<Item>),
    /// Its error.
    Failed(crate::Failure),
    /// It was cancelled.
    Cancelled,
}

/// A version whose triggers fire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Activation {
    /// The draft.
    pub preset: PresetId,
    /// The version whose triggers fire.
    pub version: VersionId,
    /// Its text, for its triggers and settings; steps are left out.
    pub header: Preset,
}

/// A bearer token as the node keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its name in lists.
    pub id: TokenId,
    /// What people call it.
    pub label: String,
    /// BLAKE3 of its secret, hex.
    pub secret_hash: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: crate::Timestamp,
    /// When it stops working.
    #[serde(default)]
    pub expires_at: Option<crate::Timestamp>,
    /// The login key that opened it, for a session of a browser. Such a token ends with its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_key: Option<LoginKeyId>,
}

/// What a member or token may do. From viewer on, each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Call webhooks that ask for a token, and nothing else.
    Hook,
    /// Look.
    Viewer,
    /// Start, stop and approve jobs.
    Runner,
    /// Change presets and secrets.
    Editor,
    /// Make tokens, back up, change settings.
    Admin,
}

mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            use std::fmt::Write as _;
            write!(text, "{byte:02x}").map_err(serde::ser::Error::custom)?;
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.is_ascii() || text.len() % 2 == 1 {
            return Err(D::Error::custom("hexadecimal digits come in pairs"));
        }
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(D::Error::custom))
            .collect()
    }
}
