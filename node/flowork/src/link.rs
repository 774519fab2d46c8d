//! A role's end of its link: calls that wait for their answer, notices that do not, and the calls of others served.
//!
//! One task reads and one writes. The reading task never waits for the writing one, so two parties that send each other much
//! cannot stop each other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf as _, BytesMut};
use flowork_protocol::wire::{self, BODY_BYTES_MAX, Frame, PART_BYTES_MAX, Party, Refusal, Verb};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// How many frames may wait for the socket.
pub(crate) const FRAMES_WAITING_MAX: usize = 256;
/// How many calls of others a role works on at once.
const CALLS_SERVED_MAX: usize = 64;
/// How many bytes of calls that are still arriving a role holds.
const ARRIVING_BYTES_MAX: usize = 2 * BODY_BYTES_MAX;
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How many frames share one write.
const FRAMES_PER_WRITE_MAX: usize = 32;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The link ended.
    #[error("the link to the supervisor is closed")]
    Closed,
    /// The other end, or the supervisor, said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing came.
    #[error("the {0} role did not answer in time; try again")]
    Late(Party),
    /// Bytes that are no frames.
    #[error(transparent)]
    Wire(#[from] wire::Error),
    /// The socket failed.
    #[error("the link failed")]
    Io(#[from] std::io::Error),
}

/// What a role does for others.
#[async_trait]
pub(crate) trait Serve: Send + Sync + 'static {
    /// Answers a call that its sender is allowed to make.
    async fn call(&self, from: Party, verb: Verb, body: Vec<u8>) -> Result<Vec<u8>, Refusal>;
    /// Hears what nobody waits for.
    fn notice(&self, verb: Verb, body: Vec<u8>);
}

/// One role's end. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Link {
    out: mpsc::Sender<Frame>,
    waiting: Arc<Mutex<HashMap<u64, Waiting>>>,
    next: Arc<AtomicU64>,
}

struct Waiting {
    peer: Party,
    so_far: Vec<u8>,
    answer: oneshot::Sender<Result<Vec<u8>, Refusal>>,
}

/// Opens `me`'s end on `stream`. The task ends when the link does; its result says why. `first_id` must differ between lives
/// of one role (a random number), so that a late answer to the life before is not taken for one to this.
pub(crate) fn open(
    stream: UnixStream, me: Party, first_id: u64, serve: Arc<dyn Serve>,
) -> (Link, JoinHandle<Result<(), Error>>) {
    let (reader, writer) = stream.into_split();
    let (out, frames) = mpsc::channel(FRAMES_WAITING_MAX);
    let link = Link { out: out.clone(), waiting: Arc::default(), next: Arc::new(AtomicU64::new(first_id)) };
    let writing = tokio::spawn(write_frames(writer, frames));
    let mut desk = Desk {
        me,
        out,
        waiting: link.waiting.clone(),
        serve,
        arriving: HashMap::new(),
        arriving_bytes: 0,
        places: Arc::new(Semaphore::new(CALLS_SERVED_MAX)),
    };
    let reading = tokio::spawn(async move {
        let mut frames = Frames::of(reader);
        let ended = loop {
            match frames.next().await {
                Ok(Some(frame)) => desk.take(frame),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // Whoever still waits will not be answered.
        lock(&desk.waiting).clear();
        writing.abort();
        ended
    });
    (link, reading)
}

impl Link {
    /// Asks `peer` and waits for the whole answer.
    ///
    /// Cancel-safe: a dropped call is answered to nobody.
    pub(crate) async fn call(&self, peer: Party, verb: Verb, body: Vec<u8>) -> Result<Vec<u8>, Error> {
        if body.len() > BODY_BYTES_MAX {
            return Err(Refusal::TooLong.into());
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        lock(&self.waiting).insert(id, Waiting { peer, so_far: Vec::new(), answer });
        let _forget = Forget { waiting: &self.waiting, id };
        for (part, more) in parts(&body) {
            let frame = Frame::Call { id, peer, verb, more, part: part.to_vec() };
            self.out.send(frame).await.map_err(|_| Error::Closed)?;
        }
        match tokio::time::timeout(ANSWER_WITHIN, answered).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::Late(peer)),
        }
    }

    /// Like [`Self::call`], with the bodies as values.
    pub(crate) async fn ask<Q: Serialize, A: for<'de> Deserialize<'de>>(
        &self, peer: Party, verb: Verb, question: &Q,
    ) -> Result<A, Error> {
        let answer = self.call(peer, verb, wire::to_body(question)?).await?;
        Ok(wire::from_body(&answer)?)
    }

    /// Tells the supervisor something. Waits only for room in the queue.
    pub(crate) async fn tell(&self, verb: Verb, body: Vec<u8>) -> Result<(), Error> {
        self.out.send(Frame::Notice { verb, body }).await.map_err(|_| Error::Closed)
    }
}

/// Takes a call off the list however its future ends.
struct Forget<'a> {
    waiting: &'a Mutex<HashMap<u64, Waiting>>,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.waiting).remove(&self.id);
    }
}

/// What the reading task knows.
struct Desk {
    me: Party,
    out: mpsc::Sender<Frame>,
    waiting: Arc<Mutex<HashMap<u64, Waiting>>>,
    serve: Arc<dyn Serve>,
    arriving: HashMap<(Party, u64), Arriving>,
    arriving_bytes: usize,
    places: Arc<Semaphore>,
}

/// A call whose parts are coming in.
enum Arriving {
    Growing(Vec<u8>),
    /// Said no already; the rest is let pass.
    Refused,
}

impl Desk {
    fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Call { id, peer, verb, more, part } => self.take_call(id, peer, verb, more, part),
            Frame::Reply { id, peer, more, part } => self.take_reply(id, peer, more, part),
            Frame::Refused { id, peer, why } => self.settle(id, peer, Err(why)),
            Frame::Notice { verb, body } if verb.allowed(Party::Supervisor, self.me) => {
                if verb == Verb::Down
                    && let Ok(gone) = wire::from_body::<Party>(&body)
                {
                    self.lose(gone);
                }
                self.serve.notice(verb, body);
            }
            Frame::Notice { verb, .. } => tracing::warn!(?verb, "a notice that nobody may send was dropped"),
        }
    }

    fn take_call(&mut self, id: u64, peer: Party, verb: Verb, more: bool, part: Vec<u8>) {
        let key = (peer, id);
        let refusal = if !verb.allowed(peer, self.me) {
            Some(Refusal::NotAllowed { from: peer, to: self.me, verb })
        } else if matches!(self.arriving.get(&key), Some(Arriving::Growing(so_far)) if so_far.len() + part.len() > BODY_BYTES_MAX)
        {
            Some(Refusal::TooLong)
        } else if self.arriving_bytes + part.len() > ARRIVING_BYTES_MAX || self.arriving.len() >= 2 * CALLS_SERVED_MAX {
            Some(Refusal::Busy(self.me))
        } else {
            None
        };
        let told = matches!(self.arriving.get(&key), Some(Arriving::Refused));
        if told || refusal.is_some() {
            if let (Some(why), false) = (refusal, told) {
                self.answer(Frame::Refused { id, peer, why });
            }
            self.drop_arriving(key);
            if more {
                self.arriving.insert(key, Arriving::Refused);
            }
            return;
        }
        self.arriving_bytes += part.len();
        let slot = self.arriving.entry(key).or_insert_with(|| Arriving::Growing(Vec::new()));
        if let Arriving::Growing(so_far) = slot {
            so_far.extend_from_slice(&part);
        }
        if !more && let Some(body) = self.drop_arriving(key) {
            self.work(id, peer, verb, body);
        }
    }

    fn drop_arriving(&mut self, key: (Party, u64)) -> Option<Vec<u8>> {
        match self.arriving.remove(&key) {
            Some(Arriving::Growing(body)) => {
                self.arriving_bytes -= body.len();
                Some(body)
            }
            _ => None,
        }
    }

    fn work(&self, id: u64, peer: Party, verb: Verb, body: Vec<u8>) {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return self.answer(Frame::Refused { id, peer, why: Refusal::Busy(self.me) });
        };
        let (serve, out) = (self.serve.clone(), self.out.clone());
        tokio::spawn(async move {
            let _place = place;
            match serve.call(peer, verb, body).await {
                Ok(body) if body.len() <= BODY_BYTES_MAX => {
                    for (part, more) in parts(&body) {
                        if out.send(Frame::Reply { id, peer, more, part: part.to_vec() }).await.is_err() {
                            break;
                        }
                    }
                }
                Ok(_) => drop(out.send(Frame::Refused { id, peer, why: Refusal::TooLong }).await),
                Err(why) => drop(out.send(Frame::Refused { id, peer, why }).await),
            }
        });
    }

    /// Sends without making the reading task wait: a task of its own waits when the queue is full.
    fn answer(&self, frame: Frame) {
        if let Err(mpsc::error::TrySendError::Full(frame)) = self.out.try_send(frame) {
            let out = self.out.clone();
            tokio::spawn(async move { out.send(frame).await });
        }
    }

    fn take_reply(&mut self, id: u64, peer: Party, more: bool, part: Vec<u8>) {
        {
            let mut waiting = lock(&self.waiting);
            let Some(call) = waiting.get_mut(&id).filter(|call| call.peer == peer) else {
                return; // Nobody waits any more.
            };
            if call.so_far.len() + part.len() <= BODY_BYTES_MAX {
                call.so_far.extend_from_slice(&part);
                if more {
                    return;
                }
            } else {
                drop(waiting);
                return self.settle(id, peer, Err(Refusal::TooLong));
            }
        }
        self.settle(id, peer, Ok(()));
    }

    fn settle(&self, id: u64, peer: Party, outcome: Result<(), Refusal>) {
        let mut waiting = lock(&self.waiting);
        if waiting.get(&id).is_some_and(|call| call.peer == peer)
            && let Some(call) = waiting.remove(&id)
        {
            // The caller may have given up: then the answer goes nowhere.
            let _ = call.answer.send(outcome.map(|()| call.so_far));
        }
    }

    /// A role is gone: its half calls are dropped, calls to it end.
    fn lose(&mut self, gone: Party) {
        let keys: Vec<_> = self.arriving.keys().copied().filter(|(peer, _)| *peer == gone).collect();
        for key in keys {
            self.drop_arriving(key);
        }
        let mut waiting = lock(&self.waiting);
        let ids: Vec<u64> = waiting.iter().filter(|(_, call)| call.peer == gone).map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(call) = waiting.remove(&id) {
                let _ = call.answer.send(Err(Refusal::Away(gone)));
            }
        }
    }
}

/// `body` in parts, each with whether more follow; an empty body is one empty part.
fn parts(body: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let count = body.len().div_ceil(PART_BYTES_MAX).max(1);
    (0..count).map(move |at| {
        let end = body.len().min((at + 1) * PART_BYTES_MAX);
        (&body[at * PART_BYTES_MAX..end], at + 1 < count)
    })
}

/// Reads frames.
pub(crate) struct Frames<R> {
    reader: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// Reads them from `reader`.
    pub(crate) fn of(reader: R) -> Self {
        Self { reader, buffer: BytesMut::with_capacity(8 << 10) }
    }

    /// The next frame; none when the other end has closed.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            if let Some((frame, took)) = wire::decode(&self.buffer)? {
                self.buffer.advance(took);
                return Ok(Some(frame));
            }
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())
                };
            }
        }
    }
}

/// Writes frames until nobody can send any more or the other end is gone.
pub(crate) async fn write_frames<W: AsyncWrite + Unpin>(
    mut writer: W, mut frames: mpsc::Receiver<Frame>,
) -> Result<(), Error> {
    let mut batch = Vec::with_capacity(FRAMES_PER_WRITE_MAX);
    let mut bytes = Vec::new();
    while frames.recv_many(&mut batch, FRAMES_PER_WRITE_MAX).await > 0 {
        bytes.clear();
        for frame in batch.drain(..) {
            bytes.extend_from_slice(&wire::encode(&frame)?);
        }
        writer.write_all(&bytes).await?;
        // One long body must not be kept as memory for ever.
        bytes.shrink_to(64 << 10);
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
