//! Engines as a step calls them.

use async_trait::async_trait;
use flowork_protocol::Failure;
use flowork_protocol::grant::Capability;
use flowork_protocol::wire::byte_string;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many messages about one call may wait.
pub const NEWS_WAITING_MAX: usize = 256;

/// Which engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// One of this node.
    Here {
        /// By name; the first that does this when it is not said.
        engine: Option<String>,
    },
    /// A peer's, by the peer's name here or its node id.
    Peer {
        /// Whose.
        peer: String,
        /// The engine's name there; any that may be used for this when it is not said.
        engine: Option<String>,
    },
    /// Any that may be used for this.
    Any,
}

/// One call of an engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineCall {
    /// The same for every try of the same step and after a crash.
    pub key: String,
    /// Which engine: these places in this order. A further one is asked when nobody at those before it takes the call.
    pub at: Vec<Where>,
    /// What to do with it.
    pub capability: Capability,
    /// What it is given, in the form that the capability has.
    #[serde(with = "byte_string")]
    pub request: Vec<u8>,
    /// How long to wait for its end, in milliseconds.
    pub deadline_ms: u64,
    /// How long to wait for a provider that is away, in milliseconds; within the deadline.
    pub wait_ms: u64,
    /// Whether to leave who took it when they have been away for [`Self::wait_ms`]. They may still do it: without this a call
    /// stays with who took it until its deadline, so that nothing runs twice.
    pub leaves: bool,
    /// Whether to tell of the output as it comes, where it comes in pieces.
    pub streams: bool,
}

/// What is said about a call before its end. Words may be lost where nobody reads them; pieces are not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// What happens with it here: whom it waits for, that it was taken up again.
    Here(String),
    /// What happens at the provider, in the provider's words.
    There {
        /// What it is about.
        kind: String,
        /// A sentence.
        text: String,
    },
    /// The output begins anew, elsewhere: the pieces before are no part of it.
    Anew,
    /// A piece of the output.
    Piece {
        /// Its number, from 0. One that came before may come again after a restart.
        seq: u64,
        /// It.
        #[serde(with = "byte_string")]
        bytes: Vec<u8>,
    },
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// In the form that the capability has.
    #[serde(with = "byte_string")]
    pub output: Vec<u8>,
    /// Who did it, what it used and under which grant, for people.
    pub note: String,
    /// The provider's signed receipt names the call by this; none when it was done here.
    pub call: Option<String>,
}

/// Why a call gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{failure}")]
pub struct NotGiven {
    /// In the provider's words where it is the provider's doing.
    pub failure: Failure,
    /// Whether it may be asked of somebody else: nobody took it, or who took it is gone and may be left.
    pub may_go_elsewhere: bool,
}

impl From<Failure> for NotGiven {
    /// It ran, or may have.
    fn from(failure: Failure) -> Self {
        Self { failure, may_go_elsewhere: false }
    }
}

impl NotGiven {
    /// Nobody took it.
    #[must_use]
    pub const fn not_taken(failure: Failure) -> Self {
        Self { failure, may_go_elsewhere: true }
    }
}

/// Calls engines.
#[async_trait]
pub trait Engines: Send + Sync {
    /// Calls one and waits for its end. The same key goes on with the same call. A dropped call goes on at the provider and can
    /// be taken up again; `cancel` ends it there.
    ///
    /// # Errors
    /// Why it did not give an output.
    async fn call(
        &self, call: EngineCall, news: mpsc::Sender<News>, cancel: CancellationToken,
    ) -> Result<Given, NotGiven>;
}
