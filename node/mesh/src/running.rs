//! One call of an engine of this node, from its admission to its receipt. It lives on when its stream breaks.

use std::sync::atomic::{AtomicBool, Ordering};
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
    /// What it gave, where no job keeps that.
    #[serde(default)]
    pub(crate) output: Option<String>,
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
    /// What it gave so far, where that comes in pieces.
    pieces: Mutex<Vec<Bytes>>,
    pieces_count: watch::Sender<usize>,
    /// Tokens that a model read and wrote for it so far.
    tokens: Mutex<(u64, u64)>,
    /// Whether its job is paused because its owner needs the machine.
    is_held: AtomicBool,
    /// Whether its turn has come.
    has_place: AtomicBool,
    /// Tokens that are kept for it.
    pub(crate) tokens_reserved: u64,
    outcome: watch::Sender<Option<Arc<Outcome>>>,
}

impl Running {
    pub(crate) fn new(served: Served, links: Vec<Link>, tokens_reserved: u64) -> Self {
        Self {
            served,
            links,
            end: CancellationToken::new(),
            why: Mutex::new(None),
            progress: watch::Sender::new(Vec::new()),
            pieces: Mutex::default(),
            pieces_count: watch::Sender::new(0),
            tokens: Mutex::default(),
            is_held: AtomicBool::new(false),
            has_place: AtomicBool::new(false),
            tokens_reserved,
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

    /// Why it was ended early.
    pub(crate) fn ended(&self) -> Refusal {
        lock(&self.why).clone().unwrap_or_else(|| Refusal::new("cancelled", "it was ended"))
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

    pub(crate) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Relaxed)
    }

    pub(crate) fn set_held(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::Relaxed);
    }

    pub(crate) fn got_place(&self) {
        self.has_place.store(true, Ordering::Relaxed);
    }

    /// Whether this machine works for it now.
    pub(crate) fn works_now(&self) -> bool {
        self.has_place.load(Ordering::Relaxed) && !self.is_held() && !self.has_ended()
    }

    /// Adds to what it gave.
    pub(crate) fn add_piece(&self, piece: Bytes) {
        let count = {
            let mut pieces = lock(&self.pieces);
            pieces.push(piece);
            pieces.len()
        };
        self.pieces_count.send_replace(count);
    }

    pub(crate) fn piece(&self, seq: u64) -> Option<Bytes> {
        lock(&self.pieces).get(usize::try_from(seq).ok()?).cloned()
    }

    /// How many bytes it gave so far in pieces.
    pub(crate) fn bytes_given(&self) -> u64 {
        lock(&self.pieces).iter().map(|piece| piece.len() as u64).sum()
    }

    /// How many pieces it gave so far.
    pub(crate) fn pieces(&self) -> watch::Receiver<usize> {
        self.pieces_count.subscribe()
    }

    pub(crate) fn used_tokens(&self, tokens_in: u64, tokens_out: u64) {
        *lock(&self.tokens) = (tokens_in, tokens_out);
    }

    /// Tokens that a model read and wrote for it so far.
    pub(crate) fn tokens(&self) -> (u64, u64) {
        *lock(&self.tokens)
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
