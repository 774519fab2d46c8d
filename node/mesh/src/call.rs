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
use flowork_ports::engines::{EngineCall, Given, News, Where};
use flowork_protocol::chat::OUTPUT_BYTES_MAX;
use flowork_protocol::grant::Verified;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::{
    BODY_BYTES_MAX, CallId, End, Frame, GrantRef, Open, PROTOCOL, REQUEST_INLINE_BYTES_MAX,
};
use flowork_protocol::receipt::{self, COUNTERSIGN_DOMAIN, Receipt};
use flowork_protocol::{Failure, GrantId, NodeId, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::body::{Incoming, Outgoing};
use crate::contacts::Contacts;
use crate::countersign::Signer;
use crate::files::{self, Came, Files, Wanted};
use crate::frames;
use crate::grants::{Grants, Kept};
use crate::here::{self, Here};
use crate::keys::Keeper;
use crate::lock;
use crate::net::{self, Net, Stream};
use crate::records::Records;
use crate::serve::{cut, stored};

/// How long a provider may take to say yes or no.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How often a quiet stream is asked whether it lives, and how long it may be silent.
const PING_EVERY: Duration = Duration::from_secs(10);
const SILENT_FOR: Duration = Duration::from_secs(30);
/// How long a provider may take to end what was cancelled.
const CANCEL_WITHIN: Duration = Duration::from_secs(3);
/// The pause before a provider is asked again, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// A provider that could not be reached so often is asked last, for a while.
const BREAKS_AFTER: u32 = 3;
const BROKEN_FOR: Duration = Duration::from_secs(30);

/// A call that ran, and whose files did not come.
const FILES_NOT_GIVEN: &str = "files-not-given";
/// A call that has ended, and whose output is kept no more.
const CALL_OVER: &str = "call-over";
/// How often a provider may say no to a file that it gave: once it was started anew, it shares what calls gave when they are
/// opened again.
const REFUSED_MAX: u32 = 3;

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

/// Somebody who may be asked.
struct Candidate {
    kept: Kept,
    grant: Arc<Verified>,
    name: String,
}

impl Candidate {
    fn label(&self) -> String {
        format!("{} of {}", self.grant.leaf().grant.engine, self.name)
    }
}

/// How asking one provider ended.
enum Asked {
    Gave(Given),
    /// It ran there, or began to, and that is the end of it.
    Failed(Failure),
    /// It was not accepted: somebody else may be asked, or the same later.
    NotNow(Refusal),
    /// It was not reached.
    Unreachable(String),
}

/// Calls engines.
pub(crate) struct Caller {
    pub(crate) me: NodeId,
    pub(crate) keeper: Keeper,
    pub(crate) contacts: Arc<Contacts>,
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
struct Journey<'a> {
    call: &'a EngineCall,
    id: CallId,
    generation: u32,
    request: Bytes,
    /// What the request names, for whoever is asked.
    files: Vec<Wanted>,
    hash: [u8; 32],
    news: &'a mpsc::Sender<News>,
    cancel: &'a CancellationToken,
    ends_at: Instant,
}

#[async_trait]
impl Engines for Caller {
    async fn call(
        &self, call: EngineCall, news: mpsc::Sender<News>, cancel: CancellationToken,
    ) -> Result<Given, Failure> {
        if let Where::Here { engine } = &call.at {
            return self.here.call(&call, engine.as_deref(), &news, &cancel).await;
        }
        if call.request.len() > BODY_BYTES_MAX {
            let text = format!("a request has at most {BODY_BYTES_MAX} bytes, this one has {}", call.request.len());
            return Err(Failure::new("request-too-large", text).hint("send fewer items at once: use `loop`"));
        }
        let generation = self.calling.get(&call.key).map_or(0, |calling| calling.generation);
        match self.call_once(&call, generation, &news, &cancel).await {
            // An answer that was signed for, and then lost with its step, is asked for anew. What a run did is not done twice.
            Err(failure) if failure.code == CALL_OVER && !call.capability.takes_items() => {
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
    ) -> Result<Given, Failure> {
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
        let ended = self.travel(&journey, patience).await;
        match &ended {
            // Forgotten with the receipt that is kept of it.
            Ok(_) => {}
            // It ran, and its files wait there: a later try fetches these.
            Err(failure) if failure.code == FILES_NOT_GIVEN => {}
            // A later try is a new call.
            Err(_) => self.note(&journey, generation + 1, None).await,
        }
        ended
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
    async fn travel(&self, journey: &Journey<'_>, patience: Instant) -> Result<Given, Failure> {
        let mut pause = PAUSE_FIRST;
        loop {
            let candidates = self.candidates(journey)?;
            let mut reasons = Vec::new();
            let mut again_in = pause;
            for candidate in &candidates {
                let label = candidate.label();
                match self.ask(candidate, journey).await {
                    Asked::Gave(given) => return Ok(given),
                    Asked::Failed(failure) => return Err(failure),
                    Asked::NotNow(refusal) => {
                        if let Some(ms) = refusal.retry_after_ms {
                            again_in = again_in.max(Duration::from_millis(ms).min(PAUSE_MAX));
                        }
                        reasons.push((label, refusal));
                    }
                    Asked::Unreachable(why) => {
                        reasons.push((label, Refusal::new("peer-away", why).retry_after_ms(0)));
                    }
                }
            }
            let helps = reasons.iter().any(|(_, refusal)| refusal.retry_after_ms.is_some());
            let now = Instant::now();
            if !helps || now + again_in > patience {
                return Err(refused(&reasons));
            }
            self.tell(journey, format!("waits for {}", in_words(&reasons)));
            tokio::select! {
                () = sleep(again_in) => {}
                () = journey.cancel.cancelled() => return Err(cancelled()),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Who may be asked, best first.
    fn candidates(&self, journey: &Journey<'_>) -> Result<Vec<Candidate>, Failure> {
        let EngineCall { at, capability, key, .. } = journey.call;
        let accepted = self.calling.get(key).and_then(|calling| calling.provider);
        let peer = match at {
            Where::Peer { peer, .. } => Some(self.contacts.named(peer).map_err(|error| {
                Failure::new("no-peer", error.to_string()).hint("`flowork peer list` shows who is paired")
            })?),
            Where::Any | Where::Here { .. } => None,
        };
        let engine = match at {
            Where::Peer { engine, .. } => engine.as_ref(),
            Where::Any | Where::Here { .. } => None,
        };
        let view = self.net.view();
        let view = view.borrow();
        let broken = lock(&self.broken);
        let running = lock(&self.running);
        let mut found: Vec<_> = self
            .grants
            .usable(capability, (self.clock)())
            .into_iter()
            .filter(|(kept, _)| peer.as_ref().is_none_or(|peer| peer.node == kept.owner))
            .filter(|(_, grant)| engine.is_none_or(|engine| grant.leaf().grant.engine == *engine))
            .filter(|(kept, _)| accepted.is_none_or(|(node, grant)| kept.owner == node && kept.id == grant))
            .map(|(kept, grant)| {
                let is_broken = broken
                    .get(&kept.owner)
                    .is_some_and(|(times, at)| *times >= BREAKS_AFTER && at.elapsed() < BROKEN_FOR);
                let connection = view.connection(kept.owner);
                let latency = connection.and_then(|connection| connection.latency).unwrap_or(Duration::MAX);
                let order = (is_broken, connection.is_none(), running.get(&kept.owner).copied().unwrap_or(0), latency);
                let name = self.contacts.name_of(kept.owner);
                (order, Candidate { kept, grant, name })
            })
            .collect();
        found.sort_by_key(|(order, _)| *order);
        if found.is_empty() {
            let whom = peer.map_or_else(|| "anybody".to_owned(), |peer| peer.name);
            let which = engine.map(|engine| format!(" with the engine `{engine}`")).unwrap_or_default();
            let text = if accepted.is_some() {
                "the grant under which this call runs was taken back, or has ended".to_owned()
            } else {
                format!("there is no grant to do `{capability}` at {whom}{which}")
            };
            return Err(Failure::new("no-grant", text).hint(
                "`flowork grant list` shows what this node may use; ask the owner for more, or choose another engine",
            ));
        }
        Ok(found.into_iter().map(|(_, candidate)| candidate).collect())
    }

    /// Asks one provider. Once it has accepted, stays with it over broken streams until the deadline.
    async fn ask(&self, candidate: &Candidate, journey: &Journey<'_>) -> Asked {
        let provider = candidate.kept.owner;
        *lock(&self.running).entry(provider).or_default() += 1;
        let asked = self.ask_counted(candidate, journey).await;
        if let Some(running) = lock(&self.running).get_mut(&provider) {
            *running = running.saturating_sub(1);
        }
        let mut broken = lock(&self.broken);
        match &asked {
            Asked::Unreachable(_) => {
                let entry = broken.entry(provider).or_insert((0, Instant::now()));
                *entry = (entry.0 + 1, Instant::now());
            }
            _ => drop(broken.remove(&provider)),
        }
        asked
    }

    async fn ask_counted(&self, candidate: &Candidate, journey: &Journey<'_>) -> Asked {
        let provider = candidate.kept.owner;
        // From here on it can read what the request names, for as long as it is asked.
        let _share = self.files.share(provider, &journey.files);
        let mut files_refused = 0;
        let output_max = if journey.call.capability.takes_items() { BODY_BYTES_MAX } else { OUTPUT_BYTES_MAX };
        let mut incoming = Incoming::new(output_max);
        let mut accepted = false;
        let mut pause = PAUSE_FIRST;
        let mut at_hand = true;
        loop {
            let addresses = self.contacts.get(provider).map(|contact| contact.multiaddrs()).unwrap_or_default();
            let stream = tokio::select! {
                stream = self.net.open_at_hand(provider, PROTOCOL, addresses, at_hand) => stream,
                () = journey.cancel.cancelled() => return Asked::Failed(cancelled()),
                () = sleep_until(journey.ends_at) => return Asked::Failed(late(candidate)),
            };
            let why = match stream {
                Ok((stream, was_at_hand)) => {
                    match self.converse(stream, candidate, journey, &mut incoming, &mut accepted).await {
                        Ok(Ended::Rejected(refusal)) => return Asked::NotNow(refusal),
                        Ok(Ended::End(end)) => {
                            let receipt = match self.check(candidate, journey, &incoming, &end) {
                                Ok(receipt) => receipt,
                                Err(failure) => return Asked::Failed(failure),
                            };
                            match self.fetch(candidate, journey, &incoming, &end, &mut files_refused).await {
                                Ok(None) => return self.finish(candidate, journey, incoming, &end, &receipt),
                                Ok(Some(why)) => why,
                                Err(asked) => return asked,
                            }
                        }
                        Ok(Ended::Cancelled) => return Asked::Failed(cancelled()),
                        Ok(Ended::Late) => return Asked::Failed(late(candidate)),
                        // What lay at hand had become useless: nothing was asked yet.
                        Err(frames::Error::Io(_) | frames::Error::Closed) if was_at_hand && !accepted => {
                            at_hand = false;
                            continue;
                        }
                        Err(error) => {
                            if matches!(error, frames::Error::Late(_)) {
                                // The connection leads nowhere any more; another one may.
                                self.net.disconnect(provider).await;
                            }
                            error.to_string()
                        }
                    }
                }
                Err(error @ (net::Error::Protocol(_) | net::Error::Itself | net::Error::Down)) => {
                    return Asked::Unreachable(error.to_string());
                }
                Err(error) => error.to_string(),
            };
            if !accepted {
                return Asked::Unreachable(why);
            }
            self.tell(
                journey,
                format!("the way to {} broke ({why}); it goes on there, taking it up again", candidate.name),
            );
            tokio::select! {
                () = sleep(pause) => {}
                () = journey.cancel.cancelled() => return Asked::Failed(cancelled()),
                () = sleep_until(journey.ends_at) => return Asked::Failed(late(candidate)),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One stream of a call.
    async fn converse(
        &self, stream: Stream, candidate: &Candidate, journey: &Journey<'_>, incoming: &mut Incoming,
        accepted: &mut bool,
    ) -> Result<Ended, frames::Error> {
        let (mut reader, mut writer) = frames::split(stream);
        let grant = match candidate.grant.links().len() {
            // The provider gave it itself, and has it.
            1 => GrantRef::Known(candidate.kept.id),
            _ => GrantRef::Chain(candidate.kept.chain.clone()),
        };
        let left = journey.ends_at.saturating_duration_since(Instant::now());
        let open = Open {
            call: journey.id,
            grant,
            engine: candidate.grant.leaf().grant.engine.clone(),
            capability: journey.call.capability.clone(),
            deadline_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            resume_from: incoming.next(),
            certificates: Vec::new(),
            request_bytes: journey.request.len() as u64,
            request_hash: journey.hash,
            request: (journey.request.len() <= REQUEST_INLINE_BYTES_MAX).then(|| journey.request.to_vec()),
        };
        writer.write(&Frame::Open(Box::new(open))).await?;
        let mut outgoing = match reader.next_within(ANSWER_WITHIN).await? {
            Frame::Accept(accept) if accept.has_request => None,
            Frame::Accept(accept) => Some(Outgoing::new(journey.request.clone(), 0, accept.credit)),
            Frame::Reject(refusal) => return Ok(Ended::Rejected(refusal)),
            _ => return Err(frames::Error::out_of_turn()),
        };
        if !*accepted {
            let provider = Some((candidate.kept.owner, candidate.kept.id));
            // Written down while the request is on its way, and before anything is made of the answer.
            let (noted, sent) = tokio::join!(self.note(journey, journey.generation, provider), async {
                while let Some(data) = outgoing.as_mut().and_then(Outgoing::next) {
                    writer.write(&Frame::Data(data)).await?;
                }
                Ok::<_, frames::Error>(())
            });
            let () = noted;
            *accepted = true;
            sent?;
        }
        let (mut heard_at, mut pings) = (Instant::now(), 0_u64);
        loop {
            while let Some(data) = outgoing.as_mut().and_then(Outgoing::next) {
                writer.write(&Frame::Data(data)).await?;
            }
            let frame = tokio::select! {
                frame = reader.next::<Frame>() => frame?,
                () = sleep(PING_EVERY) => {
                    if heard_at.elapsed() >= SILENT_FOR {
                        return Err(frames::Error::Late(SILENT_FOR));
                    }
                    pings += 1;
                    writer.write(&Frame::Ping(pings)).await?;
                    continue;
                }
                () = journey.cancel.cancelled() => {
                    let reason = "the step was ended".to_owned();
                    writer.write(&Frame::Cancel(reason)).await?;
                    wait_for_end(&mut reader).await;
                    return Ok(Ended::Cancelled);
                }
                () = sleep_until(journey.ends_at) => {
                    writer.write(&Frame::Cancel("the deadline has passed".to_owned())).await?;
                    wait_for_end(&mut reader).await;
                    return Ok(Ended::Late);
                }
            };
            heard_at = Instant::now();
            match frame {
                Frame::Credit(bytes) => {
                    if let Some(outgoing) = &mut outgoing {
                        outgoing.credit(bytes);
                    }
                }
                Frame::Progress(progress) => {
                    let news = News::There { kind: cut(&progress.kind), text: cut(&progress.text) };
                    // Somebody who does not read the news gets the result all the same.
                    let _ = journey.news.try_send(news);
                }
                Frame::Data(data) => {
                    let (seq, bytes) = (data.seq, data.bytes.clone());
                    let credit = incoming.take(data).map_err(|error| frames::Error::malformed(error.to_string()))?;
                    if journey.call.streams && !bytes.is_empty() {
                        // As fast as it is read. Who reads no more gets the whole all the same.
                        tokio::select! {
                            _ = journey.news.send(News::Piece { seq, bytes }) => {}
                            () = journey.cancel.cancelled() => {}
                        }
                    }
                    if !incoming.is_done() {
                        writer.write(&Frame::Credit(credit)).await?;
                    }
                }
                Frame::Ping(number) => writer.write(&Frame::Pong(number)).await?,
                Frame::Pong(_) => {}
                // Before the request was whole: limits, or a request that it does not take.
                Frame::Reject(refusal) => return Ok(Ended::Rejected(refusal)),
                Frame::End(end) => return Ok(Ended::End(end)),
                _ => return Err(frames::Error::out_of_turn()),
            }
        }
    }

    /// Gets the files that an output names. Gives what stands in the way for now, when something does: then the call is
    /// opened again, which makes its provider share them again.
    async fn fetch(
        &self, candidate: &Candidate, journey: &Journey<'_>, incoming: &Incoming, end: &End, files_refused: &mut u32,
    ) -> Result<Option<String>, Asked> {
        if end.failure.is_some() || !journey.call.capability.takes_items() {
            return Ok(None);
        }
        let label = candidate.label();
        let files = files::named_in(incoming.bytes()).map_err(|why| {
            Asked::Failed(Failure::new("output-invalid", format!("what {label} gave is no list of items: {why}")))
        })?;
        if files.is_empty() {
            return Ok(None);
        }
        let came = Came::new(&files);
        let say = |bytes| {
            if let Some(text) = came.add(bytes) {
                self.tell(journey, text);
            }
        };
        let provider = [candidate.kept.owner];
        let error = tokio::select! {
            result = self.files.fetch_all(&files, &provider, &say) => match result {
                Ok(()) => return Ok(None),
                Err(error) => error,
            },
            () = journey.cancel.cancelled() => return Err(Asked::Failed(cancelled())),
            () = sleep_until(journey.ends_at) => return Err(Asked::Failed(late(candidate))),
        };
        let is_refused = matches!(error, files::Error::Refused(_));
        *files_refused += u32::from(is_refused);
        if error.is_passing() || (is_refused && *files_refused < REFUSED_MAX) {
            return Ok(Some(error.to_string()));
        }
        tracing::warn!(provider = %candidate.kept.owner, %error, "the files that a call gave did not come");
        let text = format!("the files that {label} gave did not come: {error}");
        let hint = match error {
            files::Error::Full { .. } => {
                "free some space; the step can be tried again within a day without running anew"
            }
            files::Error::Disk(_) | files::Error::Store(_) => "the log of this node says what its disk answered",
            _ => "ask its owner; `flowork receipts` shows the call",
        };
        Err(Asked::Failed(Failure::new(FILES_NOT_GIVEN, text).hint(hint)))
    }

    fn check(
        &self, candidate: &Candidate, journey: &Journey<'_>, incoming: &Incoming, end: &End,
    ) -> Result<Receipt, Failure> {
        let checked = receipt::check(
            &end.receipt,
            &receipt::Known {
                provider: candidate.kept.owner,
                caller: self.me,
                call: journey.id,
                grant: candidate.kept.id,
                engine: &candidate.grant.leaf().grant.engine,
                capability: &journey.call.capability,
                request_hash: journey.hash,
                output_hash: end.failure.is_none().then(|| *blake3::hash(incoming.bytes()).as_bytes()),
            },
        );
        checked.map_err(|error| {
            let text = format!("{} gave a receipt that does not fit the call: {error}", candidate.label());
            Failure::new("receipt-wrong", text).hint("do not use this engine before you know why")
        })
    }

    /// Makes the result. The receipt is kept meanwhile: who dies before it is on disk asks again and gets the same.
    fn finish(
        &self, candidate: &Candidate, journey: &Journey<'_>, incoming: Incoming, end: &End, receipt: &Receipt,
    ) -> Asked {
        let label = candidate.label();
        let signature = self.keeper.sign(COUNTERSIGN_DOMAIN, end.receipt.bytes()).ok();
        let kept = stored(receipt, false, &end.receipt, signature.map(|bytes| bytes.to_vec()));
        let (signer, calling, key) = (self.signer.clone(), self.calling.clone(), journey.call.key.clone());
        let is_good = end.failure.is_none();
        tokio::spawn(async move {
            let also = if is_good { vec![calling.forgetting(&key)] } else { Vec::new() };
            match signer.keep(kept, also).await {
                Ok(()) if is_good => calling.let_go(&key),
                Ok(()) => {}
                Err(error) => tracing::error!(%error, "a receipt could not be kept"),
            }
        });
        if let Some(refusal) = &end.failure {
            let mut failure =
                Failure::new(format!("engine-{}", cut(&refusal.code)), format!("{label}: {}", cut(&refusal.message)));
            failure.retryable = refusal.retry_after_ms.is_some();
            return Asked::Failed(failure.hint("these are the provider's words; `flowork receipts` shows the call"));
        }
        let usage = receipt.usage;
        let mut note = format!("by {label} in {} ms", usage.work_ms);
        if usage.tokens_out > 0 {
            note = format!("{note}, {}", here::tokens(usage.tokens_in, usage.tokens_out));
        }
        Asked::Gave(Given { output: incoming.into_bytes().to_vec(), note, call: Some(journey.id.to_string()) })
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

/// How a stream of a call ended in order.
enum Ended {
    Rejected(Refusal),
    End(Box<End>),
    Cancelled,
    Late,
}

async fn wait_for_end<R: AsyncRead + Unpin>(reader: &mut frames::Reader<R>) {
    let end = async { while !matches!(reader.next::<Frame>().await, Ok(Frame::End(_)) | Err(_)) {} };
    // A provider that does not answer has heard it or will notice that nobody waits.
    let _ = tokio::time::timeout(CANCEL_WITHIN, end).await;
}

fn cancelled() -> Failure {
    Failure::new("cancelled", "the call was ended")
}

fn late(candidate: &Candidate) -> Failure {
    Failure::new("engine-late", format!("{} did not give a result in time", candidate.label()))
        .hint("give the step more time with `timeout_ms`")
        .retryable()
}

/// Why each does not, in its words.
fn in_words(reasons: &[(String, Refusal)]) -> String {
    let words: Vec<String> = reasons.iter().map(|(who, why)| format!("{who}: {}", cut(&why.message))).collect();
    words.join("; ")
}

/// Nobody did it: why, in the words of each.
fn refused(reasons: &[(String, Refusal)]) -> Failure {
    let code = reasons.first().map_or("peer-away", |(_, refusal)| refusal.code.as_str());
    let mut failure = Failure::new(cut(code), in_words(reasons));
    failure.retryable = reasons.iter().any(|(_, refusal)| refusal.retry_after_ms.is_some());
    match code {
        "peer-away" => failure.hint("is the other node running and online? `wait_ms` lets the step wait for it"),
        "grant-revoked" | "grant-expired" | "grant-unknown" => failure.hint("ask its owner for a new grant"),
        "limit-reached" => failure.hint("`flowork grant list` shows how much is used; wait, or ask its owner for more"),
        _ => failure.hint("these are the provider's words"),
    }
}
