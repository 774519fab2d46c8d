//! Serving calls of this node's engines.
//!
//! A call becomes a job of this node, named by who called and the call's id, so that a call opened twice runs once, whatever
//! breaks in between. A grant is checked when a call is opened and whenever it is taken up again, and taken back it ends the
//! calls that run under it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowork_ports::mesh::Offer;
use flowork_ports::mesh_table::{Change, Decision, StoredReceipt};
use flowork_ports::store::{self, Inbox, Reader};
use flowork_ports::{Followers, MeshTable, Models};
use flowork_protocol::chat::REQUEST_BYTES_MAX;
use flowork_protocol::command::Submission;
use flowork_protocol::grant::{Admitted, Asked, Link};
use flowork_protocol::id::Key;
use flowork_protocol::peer::call::{Accept, BODY_BYTES_MAX, CallId, Frame, Open};
use flowork_protocol::peer::tell::{COUNTERSIGNED_MAX, Countersigned};
use flowork_protocol::peer::{Refusal, pair};
use flowork_protocol::receipt::{COUNTERSIGN_DOMAIN, Receipt, Usage};
use flowork_protocol::signed::{self, Signed};
use flowork_protocol::{GrantId, JobId, NodeId, PersonId, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::contacts::Contacts;
use crate::energy::Energy;
use crate::files::{self, Files, Share, Wanted};
use crate::frames::{self, Reader as FrameReader, Writer};
use crate::grants::Grants;
use crate::keys::Keeper;
use crate::lending::{Engine, Lending};
use crate::lock;
use crate::meter::{Meter, UsedUp};
use crate::persons::Persons;
use crate::records::Records;
use crate::running::{KEPT_MS, Outcome, Running, Served, key};
use crate::work;

mod attend;
mod bring;
mod chat;
mod hold;
mod patience;
mod run;

pub(crate) use patience::Patience;

/// How long the first words of a caller may take.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// The same for a peer that this node is paired with.
pub(crate) const OPEN_AT_HAND: Duration = Duration::from_secs(600);
/// The longest frame that is read of a peer that is not paired, in bytes: it is told no, whatever it says.
const STRANGER_FRAME_BYTES_MAX: usize = 64 << 10;
/// How long a caller may be silent before its stream is given up; the call goes on.
const SILENT_FOR: Duration = Duration::from_secs(45);
/// How long after its end a call can be taken up from memory, before it has to be read again.
const KEPT_FOR: Duration = Duration::from_secs(120);
/// The same for an output that is longer than [`LONG_BYTES`].
const ATTENDED_FOR: Duration = Duration::from_secs(5);
const LONG_BYTES: usize = 1 << 20;
/// The most bytes of requests that are held at once before they are jobs.
const REQUESTS_KIB_MAX: u32 = 256 << 10;
/// The longest that a call may run.
const DEADLINE_MS_MAX: u64 = 30 * 24 * 3_600_000;
/// A peer's refusals for one reason are written down at most so often.
const NOTED_EVERY_MS: u64 = 60_000;
/// The most calls that run or wait at once, of all callers.
const CALLS_MAX: usize = 4_096;
/// The domain of the ids of jobs that calls become.
const JOB_DOMAIN: &str = "flowork engine call v1";

/// Serves calls.
pub(crate) struct Provider {
    pub(crate) me: NodeId,
    pub(crate) keeper: Keeper,
    pub(crate) contacts: Arc<Contacts>,
    pub(crate) persons: Arc<Persons>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) lending: Arc<Lending>,
    pub(crate) meter: Mutex<Meter>,
    pub(crate) served: Records<Served>,
    /// The calls whose jobs are paused because the owner needs the machine.
    pub(crate) held: Records<()>,
    pub(crate) table: Arc<dyn MeshTable>,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) followers: Followers,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) files: Arc<Files>,
    pub(crate) models: Arc<dyn Models>,
    /// What calls took, in watt hours.
    pub(crate) energy: Energy,
    /// The files that calls gave, for their callers until they have them.
    pub(crate) given: Mutex<HashMap<String, Share>>,
    pub(crate) calls: Mutex<HashMap<String, Arc<Running>>>,
    pub(crate) requests: Room,
    pub(crate) refusals: Noted,
    pub(crate) patience: Patience,
    pub(crate) stop: CancellationToken,
}

/// Room for requests in memory.
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(REQUESTS_KIB_MAX as usize)))
    }
}

impl Room {
    fn take(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).ok()?.max(1);
        self.0.clone().try_acquire_many_owned(kib).ok()
    }
}

/// Which refusals were written down a moment ago: a peer that asks again and again must not fill the disk.
#[derive(Default)]
pub(crate) struct Noted(Mutex<HashMap<(NodeId, String), Timestamp>>);

impl Noted {
    pub(crate) fn is_news(&self, peer: NodeId, code: &str, now: Timestamp) -> bool {
        let mut noted = lock(&self.0);
        noted.retain(|_, at| now.since_ms(*at) < NOTED_EVERY_MS);
        noted.insert((peer, code.to_owned()), now).is_none()
    }
}

/// An admitted call that is to begin.
struct Begin {
    engine: Engine,
    work: Work,
    /// How long its caller waits.
    deadline: Duration,
    /// Holds its room among the requests in memory until it is in the inbox.
    _room: OwnedSemaphorePermit,
}

/// What a call does.
enum Work {
    /// A job, and the files that its caller has to send before it can begin.
    Job(Box<Submission>, Vec<Wanted>),
    /// A question to a model.
    Chat(Box<chat::Question>),
}

impl Work {
    fn files(&self) -> &[Wanted] {
        match self {
            Self::Job(_, files) => files,
            Self::Chat(_) => &[],
        }
    }

    fn tokens_reserved(&self) -> u64 {
        match self {
            Self::Job(..) => 0,
            Self::Chat(question) => question.tokens_reserved,
        }
    }
}

type Halves<S> = (FrameReader<ReadHalf<S>>, Writer<WriteHalf<S>>);

fn renewed() -> Refusal {
    Refusal::new("grant-renewed", "the grant was renewed: use the new one").retry_after_ms(1_000)
}

fn limit_refusal(up: UsedUp) -> Refusal {
    let whose = if up.link > 1 { "the grant that yours was passed on from" } else { "the grant" };
    Refusal::new("limit-reached", format!("{whose} allows {up}")).retry_after_ms(up.retry_after_ms)
}

impl Provider {
    /// Takes up the calls that ran when this process last ended.
    pub(crate) fn resume(self: &Arc<Self>) {
        let mut of_old_key = Vec::new();
        for served in self.served.all().into_iter().filter(|served| served.ended_at.is_none()) {
            let Ok(verified) = self.grants.verify(&served.chain, self.me) else {
                of_old_key.push(served.key());
                continue;
            };
            let running = Arc::new(Running::new(served.clone(), verified.links().to_vec(), 0));
            if verified.links().iter().any(|link| self.grants.given_is_revoked(link.id)) {
                running.end(Refusal::new("grant-revoked", "the grant was taken back by its owner"));
            }
            // It was let in before: what it takes is charged, whether or not there is room.
            lock(&self.meter).charge(&running.links, served.request_bytes, served.began_at);
            running.set_held(self.held.get(&served.key()).is_some());
            lock(&self.calls).insert(served.key(), running.clone());
            tokio::spawn(self.clone().live(running, None));
        }
        if !of_old_key.is_empty() {
            let provider = self.clone();
            tokio::spawn(async move {
                if let Err(error) = provider.served.forget(&of_old_key, None).await {
                    tracing::warn!(%error, "calls of this node's old key could not be forgotten");
                }
            });
        }
    }

    /// Speaks with a caller until the call ends or the stream does.
    pub(crate) async fn serve<S: AsyncRead + AsyncWrite>(self: Arc<Self>, peer: NodeId, stream: S) {
        let mut halves = frames::split(stream);
        if let Err(error) = self.converse(peer, &mut halves).await {
            tracing::debug!(%peer, %error, "a caller's stream ended");
        }
        halves.1.close().await;
    }

    async fn converse<S: AsyncRead + AsyncWrite>(
        self: &Arc<Self>, peer: NodeId, halves: &mut Halves<S>,
    ) -> Result<(), frames::Error> {
        // A friend may keep a stream at hand for its next call.
        let is_paired = self.contacts.get(peer).is_some();
        let within = if is_paired { OPEN_AT_HAND } else { OPEN_WITHIN };
        if !is_paired {
            halves.0.at_most(STRANGER_FRAME_BYTES_MAX);
        }
        let Frame::Open(open) = halves.0.next_within(within).await? else {
            return halves.1.write(&Frame::Reject(Refusal::new("protocol", "a call begins with Open"))).await;
        };
        // What runs already was let in, and its caller may come back to it.
        let is_running = lock(&self.calls).contains_key(&key(peer, open.call));
        if let Some(refusal) = self.patience.over(peer, (self.clock)()).filter(|_| !is_running) {
            tracing::debug!(%peer, "a call was not read: its caller was refused too often");
            return halves.1.write(&Frame::Reject(refusal)).await;
        }
        match self.take_in(peer, &open, halves).await? {
            Ok(running) => self.attend(&running, open.resume_from, halves).await,
            Err(refusal) => {
                // Of who is not paired nothing is checked.
                if is_paired {
                    self.patience.note(peer, &refusal, (self.clock)());
                }
                self.note_refusal(peer, &open, &refusal).await;
                halves.1.write(&Frame::Reject(refusal)).await
            }
        }
    }

    /// The call that `open` asks for, running: taken up again, or admitted and begun.
    async fn take_in<S: AsyncRead + AsyncWrite>(
        self: &Arc<Self>, peer: NodeId, open: &Open, halves: &mut Halves<S>,
    ) -> Result<Result<Arc<Running>, Refusal>, frames::Error> {
        let (admitted, engine, offer) = match self.admit(peer, open) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        match self.known(peer, open).await {
            Ok(None) => {}
            Ok(Some(running)) => {
                halves.1.write(&Frame::Accept(Accept { has_request: true, credit: 0 })).await?;
                return Ok(Ok(running));
            }
            Err(refusal) => return Ok(Err(refusal)),
        }
        if self.grants.was_renewed(admitted.links()) {
            return Ok(Err(renewed()));
        }
        if let Some(refusal) = self.lending.refusal(&engine, (self.clock)()) {
            return Ok(Err(refusal));
        }
        let request_max = if open.capability.takes_items() { BODY_BYTES_MAX } else { REQUEST_BYTES_MAX };
        if open.request_bytes > request_max as u64 {
            return Ok(Err(Refusal::new("request-too-large", format!("a request has at most {request_max} bytes"))));
        }
        if lock(&self.calls).len() >= CALLS_MAX {
            return Ok(Err(Refusal::new("busy", "it has as many calls as it takes").retry_after_ms(1_000)));
        }
        let Some(room) = self.requests.take(open.request_bytes) else {
            return Ok(Err(Refusal::new("busy", "it holds as many requests as it has room for").retry_after_ms(1_000)));
        };
        let now = (self.clock)();
        let links = self.grants.charged(admitted.links());
        if let Err(up) = lock(&self.meter).reserve(&links, open.request_bytes, now) {
            return Ok(Err(limit_refusal(up)));
        }
        // From here on the reservation is settled in `live`, or here when the request does not come.
        let unused = || lock(&self.meter).settle(&links, Usage::default(), (self.clock)());
        if let Err(error) = self.grants.note_ancestry(&links, now).await {
            tracing::error!(%error, "under which grants a call is made could not be written down");
            unused();
            return Ok(Err(try_again()));
        }
        let request = match self.request(open, halves).await {
            Ok(request) => request,
            Err(error) => {
                unused();
                return Err(error);
            }
        };
        let name = key(peer, open.call);
        let job = JobId::keyed(JOB_DOMAIN, name.as_bytes(), self.inbox.shards());
        let work = match request.and_then(|bytes| self.work(&offer, job, &bytes, &links, now)) {
            Ok(work) => work,
            Err(refusal) => {
                unused();
                return Ok(Err(refusal));
            }
        };
        let chain = match &open.grant {
            flowork_protocol::peer::call::GrantRef::Chain(bytes) => bytes.clone(),
            flowork_protocol::peer::call::GrantRef::Known(id) => self.grants.given_chain(*id).unwrap_or_default(),
        };
        let served = Served {
            peer,
            call: open.call.0,
            chain,
            engine: engine.name.clone(),
            capability: open.capability.clone(),
            request_hash: open.request_hash,
            request_bytes: open.request_bytes.saturating_add(files::bytes_of(work.files())),
            began_at: now,
            job,
            output: None,
            ended_at: None,
        };
        let deadline = Duration::from_millis(open.deadline_ms.min(DEADLINE_MS_MAX));
        let running = Arc::new(Running::new(served, links.clone(), work.tokens_reserved()));
        let begin = Begin { engine, work, deadline, _room: room };
        let raced = {
            let mut calls = lock(&self.calls);
            // Opened twice at once: one of them runs, both see it.
            match calls.get(&name) {
                Some(first) => Some(first.clone()),
                None => {
                    calls.insert(name, running.clone());
                    None
                }
            }
        };
        let given_back = || {
            unused();
            lock(&self.meter).release_tokens(&links, running.tokens_reserved);
        };
        if let Some(first) = raced {
            given_back();
            return Ok(Ok(first));
        }
        // While its request came the grant may have been taken back. From here on whoever takes it back finds the call.
        let still = self.admit(peer, open).and_then(|(admitted, ..)| match self.grants.was_renewed(admitted.links()) {
            true => Err(renewed()),
            false => Ok(()),
        });
        if let Err(refusal) = still {
            lock(&self.calls).remove(&running.served.key());
            given_back();
            return Ok(Err(refusal));
        }
        tokio::spawn(self.clone().live(running.clone(), Some(begin)));
        Ok(Ok(running))
    }

    /// What a request asks for. What it takes of limits beyond its own bytes is charged.
    fn work(&self, offer: &Offer, job: JobId, request: &[u8], links: &[Link], now: Timestamp) -> Result<Work, Refusal> {
        match offer {
            Offer::Run { .. } => {
                let lent = work::Lent::of(offer).ok_or_else(|| Refusal::new("engine-gone", "it runs no workflow"))?;
                let submission = work::submission(job, &lent, request)?;
                let files = files::named_by(&submission.input).map_err(|why| Refusal::new("request-invalid", why))?;
                lock(&self.meter).add_bytes(links, files::bytes_of(&files), now).map_err(limit_refusal)?;
                Ok(Work::Job(Box::new(submission), files))
            }
            Offer::Chat(at) => Ok(Work::Chat(Box::new(self.question(at, request, links, now)?))),
        }
    }

    /// The call, when it was opened before.
    async fn known(&self, peer: NodeId, open: &Open) -> Result<Option<Arc<Running>>, Refusal> {
        let in_memory = lock(&self.calls).get(&key(peer, open.call)).cloned();
        let known = match in_memory {
            Some(running) => running,
            None => match self.ended_before(peer, open.call).await? {
                Some(running) => running,
                None => return Ok(None),
            },
        };
        if known.served.request_hash != open.request_hash || known.served.capability != open.capability {
            return Err(Refusal::new("call-reused", "another call of yours has this id"));
        }
        Ok(Some(known))
    }

    /// The call, when it ended and is in memory no more.
    async fn ended_before(&self, peer: NodeId, call: CallId) -> Result<Option<Arc<Running>>, Refusal> {
        let stored = self.table.receipt(true, peer, call).await.map_err(|error| {
            tracing::error!(%error, "a receipt cannot be looked up");
            try_again()
        })?;
        let Some(stored) = stored else { return Ok(None) };
        let over = || Refusal::new("call-over", "this call has ended, and its output is kept no more");
        let served = self.served.get(&key(peer, call)).ok_or_else(over)?;
        let receipt: Signed = minicbor::decode(&stored.signed).map_err(|_| over())?;
        let verified = self.grants.verify(&served.chain, self.me).map_err(|_| over())?;
        let running = Arc::new(Running::new(served, verified.links().to_vec(), 0));
        if !running.served.capability.takes_items() {
            let output = running.served.output.clone();
            let failure = output.is_none().then(|| {
                let code = stored.failure.clone().unwrap_or_else(|| "output-gone".to_owned());
                Refusal::new(code, "it ended before, and more than that is kept no more")
            });
            let output = chat::again(&running, output.unwrap_or_default());
            self.finish(&running, output, failure, receipt);
            return Ok(Some(running));
        }
        let mut follower = self.followers.follow(running.served.job, 0);
        let say = |kind: &str, text| running.say(kind, text);
        let followed = work::Followed { job: running.served.job, links: &running.links, say: &say };
        let (output, failure) = match work::follow(&*self.reader, &mut follower, &followed, u64::MAX).await {
            Ok(output) => (output, None),
            Err(refusal) => (work::Output::default(), Some(refusal)),
        };
        self.finish(&running, output, failure, receipt);
        Ok(Some(running))
    }

    /// The call has ended: its caller may have what it gave.
    fn finish(&self, running: &Running, output: work::Output, failure: Option<Refusal>, receipt: Signed) {
        let key = running.served.key();
        if !output.files.is_empty() {
            let share = self.files.share(running.served.peer, &output.files);
            lock(&self.given).insert(key, share);
        }
        running.finish(Outcome { output: output.body, failure, receipt });
    }

    /// Whether the caller may do what it asks.
    fn admit(&self, peer: NodeId, open: &Open) -> Result<(Admitted, Engine, Offer), Refusal> {
        let Some(contact) = self.contacts.get(peer) else {
            return Err(Refusal::new("not-paired", "the two nodes are not paired"));
        };
        let now = (self.clock)();
        let shown = self
            .persons
            .of(peer, &open.certificates[..open.certificates.len().min(pair::CERTIFICATES_MAX)], now)
            .into_iter();
        let persons: Vec<PersonId> =
            shown.chain(self.persons.of_contact(&contact, now)).map(|said| said.person).collect();
        let asked = Asked { peer, persons: &persons, engine: &open.engine, capability: &open.capability, now };
        let admitted =
            self.grants.admit(&open.grant, &asked).map_err(|error| Refusal::new(error.code(), error.to_string()))?;
        let engine = self
            .lending
            .get(&open.engine)
            .map_err(|_| Refusal::new("engine-gone", format!("the engine `{}` is lent no more", open.engine)))?;
        let offer = engine.offers.get(&open.capability).cloned().ok_or_else(|| {
            Refusal::new(
                "engine-gone",
                format!("the engine `{}` does not do {} any more", open.engine, open.capability),
            )
        })?;
        Ok((admitted, engine, offer))
    }

    /// Keeps a caller's signatures beside the receipts of its calls, and forgets what these gave: that is its own.
    pub(crate) async fn countersigned(&self, peer: NodeId, said: Vec<Countersigned>) -> Result<(), store::Error> {
        let (mut changes, mut over) = (Vec::new(), Vec::new());
        for Countersigned { call, signature } in said.into_iter().take(COUNTERSIGNED_MAX) {
            let Some(stored) = self.table.receipt(true, peer, call).await? else { continue };
            let Ok(receipt) = minicbor::decode::<Signed>(&stored.signed) else { continue };
            if let Err(error) = signed::verify(peer.into(), COUNTERSIGN_DOMAIN, receipt.bytes(), &signature) {
                tracing::warn!(%peer, %error, "a receipt was not countersigned");
                continue;
            }
            let key = key(peer, call);
            changes.push(Change::Receipt(Box::new(StoredReceipt {
                countersignature: Some(signature.to_vec()),
                ..stored
            })));
            if let Some(served) = self.served.get(&key) {
                changes.push(self.served.forgetting(&key));
                over.push((key, served));
            }
        }
        self.table.write(changes).await?;
        for (key, served) in over {
            self.served.let_go(&key);
            lock(&self.calls).remove(&key);
            self.forget(&served).await;
        }
        Ok(())
    }

    /// Forgets what calls gave whose callers did not come for it.
    pub(crate) async fn sweep(&self, now: Timestamp) {
        self.files.sweep();
        if let Err(error) = self.grants.sweep(now).await {
            tracing::warn!(%error, "what was used under grants long ago could not be forgotten");
        }
        let is_old = |served: &Served| served.ended_at.is_some_and(|at| at.plus_ms(KEPT_MS) <= now);
        match self.served.forget_where(is_old).await {
            Ok(old) => {
                for served in old {
                    self.forget(&served).await;
                }
            }
            Err(error) => tracing::warn!(%error, "what calls gave long ago could not be forgotten"),
        }
    }

    async fn forget(&self, served: &Served) {
        let key = served.key();
        lock(&self.given).remove(&key);
        if self.held.get(&key).is_some()
            && let Err(error) = self.held.forget(std::slice::from_ref(&key), None).await
        {
            tracing::warn!(%error, "that a call was held could not be forgotten");
        }
        if served.capability.takes_items() {
            work::forget(&*self.inbox, served.job).await;
        }
    }

    /// Runs a call to its end: waits for its turn, submits its job, follows it, writes the receipt.
    async fn live(self: Arc<Self>, running: Arc<Running>, begin: Option<Begin>) {
        let served = &running.served;
        let result = tokio::select! {
            result = self.run(&running, begin) => result,
            // The job goes on; it is found again when this role comes back.
            () = self.stop.cancelled() => return,
        };
        let (output, failure) = match result {
            Ok(output) => (output, None),
            Err(refusal) => (work::Output::default(), Some(refusal)),
        };
        let is_long = output.body.len() > LONG_BYTES;
        let now = (self.clock)();
        let (tokens_in, tokens_out) = running.tokens();
        let usage = Usage {
            bytes_in: served.request_bytes,
            bytes_out: output.bytes().max(running.bytes_given()),
            work_ms: now.since_ms(served.began_at),
            tokens_in,
            tokens_out,
        };
        let receipt = Receipt {
            v: 1,
            provider: self.me,
            caller: served.peer,
            call: CallId(served.call),
            grant: running.grant(),
            engine: served.engine.clone(),
            capability: served.capability.clone(),
            request_hash: served.request_hash,
            output_hash: *blake3::hash(&output.body).as_bytes(),
            began_at: u64::try_from(served.began_at.0).unwrap_or(0),
            ended_at: u64::try_from(now.0).unwrap_or(0),
            usage,
            failure: failure.as_ref().map(|refusal| refusal.code.clone()),
        };
        {
            let mut meter = lock(&self.meter);
            meter.settle(&running.links, usage, now);
            meter.release_tokens(&running.links, running.tokens_reserved);
        }
        match self.keeper.state(&receipt) {
            Ok(signed) => {
                // A job keeps its output itself.
                let text = || String::from_utf8_lossy(&output.body).into_owned();
                let kept = (failure.is_none() && !served.capability.takes_items()).then(text);
                let ended = Served { ended_at: Some(now), output: kept, ..served.clone() };
                let kept = Change::Receipt(Box::new(stored(&receipt, true, &signed, None)));
                // Signed when it is on disk: what cannot be written down now is asked for again.
                match self.served.put_with(served.key(), ended, vec![kept]).await {
                    Ok(()) => self.finish(&running, output, failure, signed),
                    Err(error) => {
                        tracing::error!(%error, "a receipt could not be written; the caller has to ask again");
                    }
                }
            }
            Err(error) => tracing::error!(%error, "a receipt could not be signed"),
        }
        // A long output is rather read again than held.
        let kept_for = if is_long { ATTENDED_FOR } else { KEPT_FOR };
        tokio::select! {
            () = tokio::time::sleep(kept_for) => {}
            () = self.stop.cancelled() => {}
        }
        lock(&self.calls).remove(&served.key());
    }

    /// Ends the calls that run under a link of a grant; gives how many.
    pub(crate) fn end_under(&self, grant: GrantId, why: &Refusal) -> usize {
        self.end_where(why, |running| running.links.iter().any(|link| link.id == grant))
    }

    /// Ends the calls of a peer; gives how many.
    pub(crate) fn end_of(&self, peer: NodeId, why: &Refusal) -> usize {
        self.end_where(why, |running| running.served.peer == peer)
    }

    /// Ends the calls of a peer that it may make as a person's node alone; gives how many.
    pub(crate) fn end_of_person(&self, peer: NodeId, person: PersonId, why: &Refusal) -> usize {
        let is_for = |running: &Running| {
            running.served.peer == peer && running.links.last().is_some_and(|link| link.grant.aud == Key::from(person))
        };
        self.end_where(why, is_for)
    }

    /// How many calls of a peer run now.
    pub(crate) fn running_of(&self, peer: NodeId) -> usize {
        lock(&self.calls).values().filter(|running| running.served.peer == peer && !running.has_ended()).count()
    }

    fn end_where(&self, why: &Refusal, is_meant: impl Fn(&Running) -> bool) -> usize {
        let meant: Vec<_> =
            lock(&self.calls).values().filter(|running| !running.has_ended() && is_meant(running)).cloned().collect();
        meant.iter().for_each(|running| running.end(why.clone()));
        meant.len()
    }

    /// Writes down that a paired node was refused. What strangers try is only logged: it must not fill the disk.
    async fn note_refusal(&self, peer: NodeId, open: &Open, refusal: &Refusal) {
        tracing::info!(%peer, code = %refusal.code, "a call was refused");
        // Whoever was renewed a grant may still try the old one.
        let is_decision =
            (refusal.code.starts_with("grant-") && refusal.code != "grant-renewed") || refusal.code == "limit-reached";
        if self.contacts.get(peer).is_none()
            || !is_decision
            || !self.refusals.is_news(peer, &refusal.code, (self.clock)())
        {
            return;
        }
        let text = format!(
            "{} was refused {} of the engine {}: {}",
            self.contacts.name_of(peer),
            cut(&open.capability.0),
            cut(&open.engine),
            refusal.message
        );
        let decided = Decision::new((self.clock)(), "call-refused", Some(peer), text);
        if let Err(error) = self.table.write(vec![Change::Decision(decided)]).await {
            tracing::warn!(%error, "a refusal could not be written down");
        }
    }
}

/// A receipt with what lists need.
pub(crate) fn stored(
    receipt: &Receipt, is_given: bool, signed: &Signed, countersignature: Option<Vec<u8>>,
) -> StoredReceipt {
    StoredReceipt {
        is_given,
        peer: if is_given { receipt.caller } else { receipt.provider },
        call: receipt.call,
        grant: receipt.grant,
        engine: receipt.engine.clone(),
        capability: receipt.capability.clone(),
        ended_at: Timestamp(i64::try_from(receipt.ended_at).unwrap_or(i64::MAX)),
        usage: receipt.usage,
        failure: receipt.failure.clone(),
        signed: signed::encode(signed),
        countersignature,
    }
}

/// What a peer sent, short enough to be shown.
pub(crate) fn cut(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

fn try_again() -> Refusal {
    Refusal::new("try-again", "the provider cannot use its disk now").retry_after_ms(1_000)
}

#[cfg(test)]
mod tests;
