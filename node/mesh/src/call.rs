//! Calling engines of other nodes: whom to ask, in which order, and what to do when they are away or break off.
//!
//! Until a provider accepts a call, another may be asked. From then on it is that provider's, also after a crash of this node:
//! what was accepted is written down, and taken up again rather than asked of somebody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use flowork_ports::Engines;
use flowork_ports::engines::{EngineCall, Given, News, NotGiven, Where};
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::{BODY_BYTES_MAX, CallId};
use flowork_protocol::{Failure, GrantId, NodeId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::contacts::Contacts;
use crate::countersign::Signer;
use crate::files::{self, Files, Wanted};
use crate::grants::Grants;
use crate::here::Here;
use crate::keys::Keeper;
use crate::lending::OWN;
use crate::net::Net;
use crate::persons::Persons;
use crate::records::Records;
use crate::serve::cut;

mod candidates;
mod provider;

use provider::Asked;

/// The pause before a provider is asked again, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// A call that ran, and whose files did not come.
const FILES_NOT_GIVEN: &str = "files-not-given";
/// How long after its end an own run is written down.
const KEPT_FOR: Duration = Duration::from_secs(120);
/// What a provider says of calls only that it has not begun.
const NOT_BEGUN: [&str; 4] = ["grant-renewed", "busy", "limit-reached", "lending-paused"];
/// Nobody could be reached.
const PEER_AWAY: &str = "peer-away";
/// A call that has ended, and whose output is kept no more.
const CALL_OVER: &str = "call-over";

/// How long a call is written down whose step does not come back for it: longer than any step waits.
const CALLING_KEPT_MS: u64 = 31 * 24 * 3_600_000;

/// A call of this node as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calling {
    key: String,
    /// How many calls for this key have failed for good: each has an id of its own.
    generation: u32,
    /// Who accepted the current one, and under which grant.
    provider: Option<(NodeId, GrantId)>,
    at: Timestamp,
}

/// Calls engines.
pub(crate) struct Caller {
    pub(crate) me: NodeId,
    pub(crate) keeper: Keeper,
    pub(crate) contacts: Arc<Contacts>,
    pub(crate) persons: Arc<Persons>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) calling: Arc<Records<Calling>>,
    pub(crate) signer: Arc<Signer>,
    pub(crate) files: Arc<Files>,
    pub(crate) here: Here,
    pub(crate) net: Net,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) broken: Mutex<HashMap<NodeId, (u32, Instant)>>,
    pub(crate) running: Mutex<HashMap<NodeId, usize>>,
}

/// One call on its way.
pub(crate) struct Journey<'a> {
    pub(crate) call: &'a EngineCall,
    pub(crate) id: CallId,
    generation: u32,
    request: Bytes,
    /// What the request names, for whoever is asked.
    files: Vec<Wanted>,
    hash: [u8; 32],
    pub(crate) news: &'a mpsc::Sender<News>,
    pub(crate) cancel: &'a CancellationToken,
    pub(crate) ends_at: Instant,
}

#[async_trait]
impl Engines for Caller {
    async fn call(
        &self, call: EngineCall, news: mpsc::Sender<News>, cancel: CancellationToken,
    ) -> Result<Given, NotGiven> {
        if call.request.len() > BODY_BYTES_MAX {
            let text = format!("a request has at most {BODY_BYTES_MAX} bytes, this one has {}", call.request.len());
            return Err(Failure::new("request-too-large", text).hint("send fewer items at once: use `loop`").into());
        }
        let generation = self.calling.get(&call.key).map_or(0, |calling| calling.generation);
        match self.call_once(&call, generation, &news, &cancel).await {
            // An answer that was signed for, and then lost with its step, is asked for anew. What a run did is not done twice.
            Err(not) if not.failure.code == CALL_OVER && !call.capability.takes_items() => {
                self.call_once(&call, generation + 1, &news, &cancel).await
            }
            ended => ended,
        }
    }
}

impl Caller {
    /// The call of this generation, to its end.
    async fn call_once(
        &self, call: &EngineCall, generation: u32, news: &mpsc::Sender<News>, cancel: &CancellationToken,
    ) -> Result<Given, NotGiven> {
        let request = Bytes::from(call.request.clone());
        let files = match call.capability.takes_items() {
            true => files::named_in(&request).map_err(|why| Failure::new("request-invalid", why))?,
            false => Vec::new(),
        };
        let begun = Instant::now();
        let journey = Journey {
            id: self.call_id(&call.key, generation),
            generation,
            hash: *blake3::hash(&request).as_bytes(),
            request,
            files,
            news,
            cancel,
            ends_at: begun + Duration::from_millis(call.deadline_ms),
            call,
        };
        let patience = begun + Duration::from_millis(call.wait_ms.min(call.deadline_ms));
        self.from_place_to_place(&journey, patience).await
    }

    /// Asks at one place after the other until somebody takes the call. Who took it keeps it, unless the call leaves them.
    async fn from_place_to_place(&self, journey: &Journey<'_>, patience: Instant) -> Result<Given, NotGiven> {
        let mut not_taken: Vec<Failure> = Vec::new();
        for place in self.places(journey) {
            if let Some(before) = not_taken.last() {
                self.tell(journey, format!("{}; it is asked elsewhere", before.message));
                if self.accepted(journey).is_some() {
                    self.note(journey, journey.generation, None).await;
                    let _ = journey.news.send(News::Anew).await;
                }
            }
            let asked = match &place {
                Where::Here { engine } => self.at_home(journey, engine.as_deref()).await,
                _ => self.travel(journey, &place, patience).await,
            };
            match asked {
                Ok(given) => return Ok(given),
                Err(not) if not.may_go_elsewhere && !journey.cancel.is_cancelled() => not_taken.push(not.failure),
                Err(not) => return Err(not),
            }
        }
        Err(NotGiven::not_taken(together(not_taken)))
    }

    /// Where to ask: first who took the call, when it was taken before.
    fn places(&self, journey: &Journey<'_>) -> Vec<Where> {
        let at = &journey.call.at;
        match self.accepted(journey) {
            None => at.clone(),
            Some((node, _)) if node == self.me => {
                at.iter().find(|place| matches!(place, Where::Here { .. })).cloned().into_iter().collect()
            }
            Some(_) if journey.call.leaves => std::iter::once(Where::Any).chain(at.iter().cloned()).collect(),
            Some(_) => vec![Where::Any],
        }
    }

    /// Who took the call, and under which grant; this node itself under [`OWN`].
    fn accepted(&self, journey: &Journey<'_>) -> Option<(NodeId, GrantId)> {
        self.calling.get(&journey.call.key).and_then(|calling| calling.provider)
    }

    /// Does it at this node.
    async fn at_home(&self, journey: &Journey<'_>, engine: Option<&str>) -> Result<Given, NotGiven> {
        let found = self.here.find(&journey.call.capability, engine).map_err(NotGiven::not_taken)?;
        let is_job = journey.call.capability.takes_items();
        if is_job {
            // It is found again by its key: nobody else is asked for it from here on.
            self.note(journey, journey.generation, Some((self.me, OWN))).await;
        }
        let given = self.here.call(found, journey).await;
        match &given {
            // Who dies before the result is on disk asks again and gets the same.
            Ok(_) if is_job => {
                let (calling, key) = (self.calling.clone(), journey.call.key.clone());
                tokio::spawn(async move {
                    sleep(KEPT_FOR).await;
                    if let Err(error) = calling.forget(std::slice::from_ref(&key), None).await {
                        tracing::warn!(%error, "a call that ended could not be forgotten");
                    }
                });
            }
            // Nothing was begun, or the job goes on: a later try finds out.
            Err(failure) if is_job && failure.code == "busy" => self.note(journey, journey.generation, None).await,
            Err(failure) if is_job && failure.code != "try-again" => {
                self.note(journey, journey.generation + 1, None).await;
            }
            _ => {}
        }
        Ok(given?)
    }

    /// Forgets calls whose step never came back for them.
    pub(crate) async fn sweep(&self, now: Timestamp) {
        if let Err(error) = self.calling.forget_where(|calling| calling.at.plus_ms(CALLING_KEPT_MS) <= now).await {
            tracing::warn!(%error, "calls of long ago could not be forgotten");
        }
    }

    fn call_id(&self, key: &str, generation: u32) -> CallId {
        let mut hasher = blake3::Hasher::new_derive_key("flowork call id v1");
        hasher.update(&self.me.0);
        hasher.update(&generation.to_le_bytes());
        hasher.update(key.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        CallId(id)
    }

    /// Asks one candidate after the other, and all of them again while there is patience left.
    async fn travel(&self, journey: &Journey<'_>, place: &Where, patience: Instant) -> Result<Given, NotGiven> {
        let mut pause = PAUSE_FIRST;
        loop {
            let accepted = self.accepted(journey);
            let candidates = self
                .candidates(journey, place, accepted)
                .map_err(|failure| NotGiven { failure, may_go_elsewhere: accepted.is_none() })?;
            let mut reasons = Vec::new();
            let mut again_in = pause;
            for candidate in &candidates {
                let label = candidate.label();
                match self.ask(candidate, journey).await {
                    Asked::Gave(given) => return Ok(given),
                    Asked::Failed(failure) => {
                        // It ran, and its files wait there: a later try fetches these. Else a later try is a new call.
                        if failure.code != FILES_NOT_GIVEN {
                            self.note(journey, journey.generation + 1, None).await;
                        }
                        return Err(failure.into());
                    }
                    Asked::NotNow(refusal) => {
                        // These are only said of a call that is not known there.
                        if NOT_BEGUN.contains(&refusal.code.as_str()) && self.accepted(journey).is_some() {
                            self.note(journey, journey.generation, None).await;
                        }
                        if let Some(ms) = refusal.retry_after_ms {
                            again_in = again_in.max(Duration::from_millis(ms).min(PAUSE_MAX));
                        }
                        reasons.push((label, refusal));
                    }
                    Asked::Unreachable(why) => {
                        reasons.push((label, Refusal::new(PEER_AWAY, why).retry_after_ms(0)));
                    }
                }
                if self.accepted(journey).is_some() {
                    break;
                }
            }
            let helps = reasons.iter().any(|(_, refusal)| refusal.retry_after_ms.is_some());
            let now = Instant::now();
            if !helps || now + again_in > patience {
                let is_away = reasons.iter().all(|(_, refusal)| refusal.code == PEER_AWAY);
                let may_go_elsewhere = self.accepted(journey).is_none() || (is_away && journey.call.leaves);
                return Err(NotGiven { failure: refused(&reasons), may_go_elsewhere });
            }
            self.tell(journey, format!("waits for {}", in_words(&reasons)));
            tokio::select! {
                () = sleep(again_in) => {}
                () = journey.cancel.cancelled() => return Err(cancelled().into()),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn tell(&self, journey: &Journey<'_>, text: String) {
        // Somebody who does not read the news gets the result all the same.
        let _ = journey.news.try_send(News::Here(text));
    }

    async fn note(&self, journey: &Journey<'_>, generation: u32, provider: Option<(NodeId, GrantId)>) {
        let key = journey.call.key.clone();
        let calling = Calling { key: key.clone(), generation, provider, at: (self.clock)() };
        if let Err(error) = self.calling.put(key, calling, None).await {
            tracing::error!(%error, "a call that is under way could not be written down");
        }
    }
}

pub(crate) fn cancelled() -> Failure {
    Failure::new("cancelled", "the call was ended")
}

pub(crate) fn late(who: &str) -> Failure {
    let failure = Failure::new("engine-late", format!("{who} did not give a result in time"));
    failure.hint("give the step more time with `timeout_ms`").retryable()
}

/// Why nobody at any of the places took it.
fn together(mut all: Vec<Failure>) -> Failure {
    if all.len() < 2 {
        return all.pop().unwrap_or_else(|| Failure::new("no-place", "the call names no place where it may be done"));
    }
    let words: Vec<&str> = all.iter().map(|failure| failure.message.as_str()).collect();
    let message = words.join("; ");
    let retryable = all.iter().any(|failure| failure.retryable);
    Failure { message, retryable, ..all.swap_remove(0) }
}

/// Why each does not, in its words.
fn in_words(reasons: &[(String, Refusal)]) -> String {
    let words: Vec<String> = reasons.iter().map(|(who, why)| format!("{who}: {}", cut(&why.message))).collect();
    words.join("; ")
}

/// Nobody did it: why, in the words of each.
fn refused(reasons: &[(String, Refusal)]) -> Failure {
    let code = reasons.first().map_or(PEER_AWAY, |(_, refusal)| refusal.code.as_str());
    let mut failure = Failure::new(cut(code), in_words(reasons));
    failure.retryable = reasons.iter().any(|(_, refusal)| refusal.retry_after_ms.is_some());
    match code {
        PEER_AWAY => failure.hint("is the other node running and online? `wait_ms` lets the step wait for it"),
        "grant-revoked" | "grant-expired" | "grant-unknown" => failure.hint("ask its owner for a new grant"),
        "limit-reached" => failure.hint("`flowork grant list` shows how much is used; wait, or ask its owner for more"),
        _ => failure.hint("these are the provider's words"),
    }
}
