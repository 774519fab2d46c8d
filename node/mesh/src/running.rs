//! One call of an engine of this node, from its admission to its receipt. It lives on when its stream breaks.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flowork_protocol::grant::{Capability, Link};
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::{CallId, Progress};
use flowork_protocol::signed::Signed;
use flowork_protocol::{GrantId, JobId, NodeId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::lock;

/// Lines of progress that are kept for whoever takes a call up again.
const PROGRESS_MAX: usize = 64;

/// What is written down of a call until its caller has what it gave, so that it is found again after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Served {
    pub(crate) peer: NodeId,
    pub(crate) call: [u8; 16],
    /// The chain's bytes.
    pub(crate) chain: Vec<u8>,
    pub(crate) engine: String,
    pub(crate) capability: Capability,
    pub(crate) request_hash: [u8; 32],
    /// The request's, and those of its files.
    pub(crate) request_bytes: u64,
    pub(crate) began_at: Timestamp,
    pub(crate) job: JobId,
    /// When it ended. What it gave is kept until the caller has signed for it, or for [`KEPT_MS`].
    #[serde(default)]
    pub(crate) ended_at: Option<Timestamp>,
}

/// How long what a call gave is kept for a caller who does not come for it.
pub(crate) const KEPT_MS: u64 = 24 * 3_600_000;

impl Served {
    pub(crate) fn key(&self) -> String {
        key(self.peer, CallId(self.call))
    }
}

/// What names a call here.
pub(crate) fn key(peer: NodeId, call: CallId) -> String {
    format!("{peer}/{call}")
}

/// How a call ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) output: Bytes,
    pub(crate) failure: Option<Refusal>,
    pub(crate) receipt: Signed,
}

/// A call that runs, or ran a moment ago.
pub(crate) struct Running {
    pub(crate) served: Served,
    pub(crate) links: Vec<Link>,
    /// Ends the work; [`Self::why_ended`] says why.
    pub(crate) end: CancellationToken,
    why: Mutex<Option<Refusal>>,
    progress: watch::Sender<Vec<Progress>>,
    outcome: watch::Sender<Option<Arc<Outcome>>>,
}

impl Running {
    pub(crate) fn new(served: Served, links: Vec<Link>) -> Self {
        Self {
            served,
            links,
            end: CancellationToken::new(),
            why: Mutex::new(None),
            progress: watch::Sender::new(Vec::new()),
            outcome: watch::Sender::new(None),
        }
    }

    /// The caller's own grant.
    pub(crate) fn grant(&self) -> GrantId {
        self.links.last().map_or(GrantId([0; 32]), |link| link.id)
    }

    /// Ends it early. The first reason stands.
    pub(crate) fn end(&self, why: Refusal) {
        lock(&self.why).get_or_insert(why);
        self.end.cancel();
    }

    /// Why it was ended early, if it was.
    pub(crate) fn why_ended(&self) -> Option<Refusal> {
        lock(&self.why).clone()
    }

    pub(crate) fn say(&self, kind: &str, text: String) {
        self.progress.send_modify(|lines| {
            if lines.len() < PROGRESS_MAX {
                lines.push(Progress { kind: kind.to_owned(), text });
            } else if let Some(last) = lines.last_mut() {
                // The newest line is the one that counts.
                *last = Progress { kind: kind.to_owned(), text };
            }
        });
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Vec<Progress>> {
        self.progress.subscribe()
    }

    pub(crate) fn finish(&self, outcome: Outcome) {
        self.outcome.send_replace(Some(Arc::new(outcome)));
    }

    /// Its outcome, now or when it comes.
    pub(crate) async fn outcome(&self) -> Option<Arc<Outcome>> {
        let mut outcome = self.outcome.subscribe();
        let found = outcome.wait_for(Option::is_some).await.ok()?;
        found.clone()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.outcome.borrow().is_some()
    }
}
