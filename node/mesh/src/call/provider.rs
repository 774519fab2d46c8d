//! Asking one provider: streams, broken ones taken up again, files, the receipt.

use std::time::Duration;

use flowork_ports::engines::{Given, News};
use flowork_protocol::Failure;
use flowork_protocol::chat::OUTPUT_BYTES_MAX;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::{BODY_BYTES_MAX, End, Frame, GrantRef, Open, PROTOCOL, REQUEST_INLINE_BYTES_MAX};
use flowork_protocol::receipt::{self, COUNTERSIGN_DOMAIN, Receipt};
use tokio::io::AsyncRead;
use tokio::time::{Instant, sleep, sleep_until};

use super::candidates::Candidate;
use super::{Caller, FILES_NOT_GIVEN, Journey, PAUSE_FIRST, PAUSE_MAX, cancelled, late};
use crate::body::{Incoming, Outgoing};
use crate::files::{self, Came};
use crate::net::{self, Stream};
use crate::serve::{cut, stored};
use crate::{frames, here, lock};

/// How long a provider may take to say yes or no.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How often a quiet stream is asked whether it lives, and how long it may be silent.
const PING_EVERY: Duration = Duration::from_secs(10);
const SILENT_FOR: Duration = Duration::from_secs(30);
/// How long a provider may take to end what was cancelled.
const CANCEL_WITHIN: Duration = Duration::from_secs(3);
/// How often a provider may say no to a file that it gave: once it was started anew, it shares what calls gave when they are
/// opened again.
const REFUSED_MAX: u32 = 3;

/// How asking one provider ended.
pub(super) enum Asked {
    Gave(Given),
    /// It ran there, or began to, and that is the end of it.
    Failed(Failure),
    /// It was not accepted: somebody else may be asked, or the same later.
    NotNow(Refusal),
    /// It was not reached.
    Unreachable(String),
}

/// How a call stands with one provider.
#[derive(Default)]
struct Standing {
    /// Whether it may have heard of the call.
    was_asked: bool,
    /// Whether it took the call.
    was_accepted: bool,
    /// Since when it is away that took it.
    away_since: Option<Instant>,
}

/// How a stream of a call ended in order.
enum Ended {
    Rejected(Refusal),
    End(Box<End>),
    Cancelled,
    Late,
}

impl Caller {
    /// Asks one provider. Once it has accepted, stays with it over broken streams until the deadline.
    pub(super) async fn ask(&self, candidate: &Candidate, journey: &Journey<'_>) -> Asked {
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
        let mut standing = Standing::default();
        let mut pause = PAUSE_FIRST;
        let mut at_hand = true;
        let wait = Duration::from_millis(journey.call.wait_ms);
        loop {
            // Who took it and is away is left after a while, where the call says so.
            let leaves_at = match standing.away_since {
                Some(since) if journey.call.leaves => (since + wait).min(journey.ends_at),
                _ => journey.ends_at,
            };
            let addresses = self.contacts.get(provider).map(|contact| contact.multiaddrs()).unwrap_or_default();
            let stream = tokio::select! {
                stream = self.net.open_at_hand(provider, PROTOCOL, addresses, at_hand) => stream,
                () = journey.cancel.cancelled() => return Asked::Failed(cancelled()),
                () = sleep_until(leaves_at) => return gone(candidate, journey, leaves_at),
            };
            let why = match stream {
                Ok((stream, was_at_hand)) => {
                    match self.converse(stream, candidate, journey, &mut incoming, &mut standing).await {
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
                        Ok(Ended::Late) => return Asked::Failed(late(&candidate.label())),
                        // What lay at hand had become useless: nothing was asked yet.
                        Err(frames::Error::Io(_) | frames::Error::Closed) if was_at_hand && !standing.was_accepted => {
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
            if !standing.was_accepted {
                // It may have taken it and died: a run is asked of nobody else then, so that it does not run twice.
                if standing.was_asked && journey.call.capability.takes_items() {
                    self.note(journey, journey.generation, Some((provider, candidate.kept.id))).await;
                }
                return Asked::Unreachable(why);
            }
            standing.away_since.get_or_insert_with(Instant::now);
            self.tell(
                journey,
                format!("the way to {} broke ({why}); it goes on there, taking it up again", candidate.name),
            );
            tokio::select! {
                () = sleep(pause) => {}
                () = journey.cancel.cancelled() => return Asked::Failed(cancelled()),
                () = sleep_until(leaves_at) => return gone(candidate, journey, leaves_at),
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One stream of a call.
    async fn converse(
        &self, stream: Stream, candidate: &Candidate, journey: &Journey<'_>, incoming: &mut Incoming,
        standing: &mut Standing,
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
            certificates: self.persons.shown((self.clock)()),
            request_bytes: journey.request.len() as u64,
            request_hash: journey.hash,
            request: (journey.request.len() <= REQUEST_INLINE_BYTES_MAX).then(|| journey.request.to_vec()),
        };
        standing.was_asked = true;
        writer.write(&Frame::Open(Box::new(open))).await?;
        let mut outgoing = match reader.next_within(ANSWER_WITHIN).await? {
            Frame::Accept(accept) if accept.has_request => None,
            Frame::Accept(accept) => Some(Outgoing::new(journey.request.clone(), 0, accept.credit)),
            Frame::Reject(refusal) => return Ok(Ended::Rejected(refusal)),
            _ => return Err(frames::Error::out_of_turn()),
        };
        standing.away_since = None;
        if !standing.was_accepted {
            let provider = Some((candidate.kept.owner, candidate.kept.id));
            // Written down while the request is on its way, and before anything is made of the answer.
            let (noted, sent) = tokio::join!(self.note(journey, journey.generation, provider), async {
                while let Some(data) = outgoing.as_mut().and_then(Outgoing::next) {
                    writer.write(&Frame::Data(data)).await?;
                }
                Ok::<_, frames::Error>(())
            });
            let () = noted;
            standing.was_accepted = true;
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
            () = sleep_until(journey.ends_at) => return Err(Asked::Failed(late(&candidate.label()))),
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
}

async fn wait_for_end<R: AsyncRead + Unpin>(reader: &mut frames::Reader<R>) {
    let end = async { while !matches!(reader.next::<Frame>().await, Ok(Frame::End(_)) | Err(_)) {} };
    // A provider that does not answer has heard it or will notice that nobody waits.
    let _ = tokio::time::timeout(CANCEL_WITHIN, end).await;
}

/// The time for who took a call has passed: that of the call, or that for being away.
fn gone(candidate: &Candidate, journey: &Journey<'_>, leaves_at: Instant) -> Asked {
    if leaves_at >= journey.ends_at {
        return Asked::Failed(late(&candidate.label()));
    }
    Asked::Unreachable("it took the call and is away since".to_owned())
}
