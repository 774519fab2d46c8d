//! The mesh's interfaces over a link: the gateway asks questions ([`Client`]), kernel and gateway call engines ([`Engines`]).
//!
//! A call of an engine has a number, chosen by who calls. What is said about it is a link call of its own, so that it keeps
//! its order and who reads slowly is sent to slowly. A call outlives either end's restart: the kernel opens it again under the
//! same key, and mesh takes it up where it was.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::engines::{self, EngineCall, Given, NEWS_WAITING_MAX, News, NotGiven, Where};
use flowork_ports::mesh::{Ask, Error, Gave, Mesh};
use flowork_protocol::Failure;
use flowork_protocol::wire::{self, Party, Refusal, Verb};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::link::{self, Link};

/// The pause before a mesh that is away is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// How long a piece of an output waits for its reader.
const READ_WITHIN: Duration = Duration::from_secs(5);
/// How long after its deadline a call is given up that mesh says nothing about.
const OVERTIME: Duration = Duration::from_secs(60);
/// How often a caller that is flooded is told how its call ended.
const DONE_TRIES: u32 = 240;

/// How long a question waits for a mesh that is away.
const AWAY_FOR: Duration = Duration::from_secs(2);

/// The mesh as the gateway sees it.
pub(crate) struct Client {
    link: Link,
}

impl Client {
    /// Asks over this link.
    pub(crate) fn new(link: Link) -> Self {
        Self { link }
    }
}

#[async_trait]
impl Mesh for Client {
    async fn ask(&self, ask: Ask) -> Result<Gave, Error> {
        let patience = Instant::now() + AWAY_FOR;
        loop {
            let gave: Result<Result<Gave, Error>, _> = self.link.ask(Party::Mesh, Verb::Mesh, &ask).await;
            match gave {
                // It is being started anew. What would change something is not said twice.
                Err(link::Error::Refused(Refusal::Away(_))) if ask.only_reads() && Instant::now() < patience => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                Err(link::Error::Refused(Refusal::Away(_))) => {
                    return Err(Error::Away("it is being started".to_owned()));
                }
                Err(error) => return Err(Error::Away(error.to_string())),
                Ok(gave) => return gave,
            }
        }
    }
}

/// Answers a [`Client`].
pub(crate) async fn answer(mesh: &dyn Mesh, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let unreadable = |_| Refusal::Unreadable(Party::Mesh);
    let ask: Ask = wire::from_body(body).map_err(unreadable)?;
    wire::to_body(&mesh.ask(ask).await).map_err(unreadable)
}

/// What is said about a call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    /// Caller: call this.
    Open(u64, Box<EngineCall>),
    /// Caller: end it, also at the provider.
    Cancel(u64),
    /// Caller: nobody waits for it any more; it goes on at the provider.
    Drop(u64),
    /// Mesh: this happened.
    News(u64, News),
    /// Mesh: it ended.
    Done(u64, Box<Result<Given, NotGiven>>),
}

async fn say(link: &Link, to: Party, said: &Said) -> Result<(), link::Error> {
    link.call(to, Verb::Engine, wire::to_body(said)?).await.map(drop)
}

/// The caller's end.
#[derive(Clone, Default)]
pub(crate) struct Calls {
    waiting: Arc<Mutex<HashMap<u64, Waiting>>>,
    next: Arc<AtomicU64>,
}

struct Waiting {
    news: mpsc::Sender<News>,
    /// Whether who reads the news was too slow for pieces once: it is not waited for again.
    is_slow: Arc<AtomicBool>,
    done: oneshot::Sender<Result<Given, NotGiven>>,
}

impl Calls {
    fn waiting<T>(&self, with: impl FnOnce(&mut HashMap<u64, Waiting>) -> T) -> T {
        with(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The mesh is gone; who waits opens its call again.
    pub(crate) fn clear(&self) {
        self.waiting(HashMap::clear);
    }

    /// Takes what mesh says.
    pub(crate) async fn hear(&self, me: Party, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        match wire::from_body(body).map_err(|_| Refusal::Unreadable(me))? {
            Said::News(number, news) => {
                let reader =
                    self.waiting(|all| all.get(&number).map(|waiting| (waiting.news.clone(), waiting.is_slow.clone())));
                match (reader, &news) {
                    // As fast as it is read, for a while: until then mesh sends no more of this call.
                    (Some((sender, is_slow)), News::Piece { .. }) if !is_slow.load(Ordering::Relaxed) => {
                        if tokio::time::timeout(READ_WITHIN, sender.send(news)).await.is_err() {
                            is_slow.store(true, Ordering::Relaxed);
                        }
                    }
                    // Who does not read the news gets the result all the same, and all of the output with it.
                    (Some((sender, _)), _) => drop(sender.try_send(news)),
                    (None, _) => {}
                }
            }
            Said::Done(number, result) => {
                if let Some(waiting) = self.waiting(|all| all.remove(&number)) {
                    // The step may have been ended.
                    let _ = waiting.done.send(*result);
                }
            }
            _ => return Err(Refusal::Unreadable(me)),
        }
        Ok(Vec::new())
    }
}

/// Whether nothing is written down of a call: a model of this node, whose answer begins anew when it is asked again.
fn is_lost_with_mesh(call: &EngineCall) -> bool {
    !call.capability.takes_items() && matches!(call.at.first(), Some(Where::Here { .. }))
}

/// Engines as steps and clients see them.
pub(crate) struct Engines {
    link: Link,
    calls: Calls,
}

impl Engines {
    /// Calls over this link; what mesh says comes back by `calls`.
    pub(crate) fn new(link: Link, calls: Calls) -> Self {
        Self { link, calls }
    }
}

/// Tells mesh that nobody waits any more, however the waiting ends.
struct Forget<'a> {
    engines: &'a Engines,
    number: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if self.engines.calls.waiting(|all| all.remove(&self.number)).is_some() {
            let (link, number) = (self.engines.link.clone(), self.number);
            tokio::spawn(async move { say(&link, Party::Mesh, &Said::Drop(number)).await });
        }
    }
}

#[async_trait]
impl engines::Engines for Engines {
    async fn call(
        &self, mut call: EngineCall, news: mpsc::Sender<News>, cancel: CancellationToken,
    ) -> Result<Given, NotGiven> {
        let ends_at = Instant::now() + Duration::from_millis(call.deadline_ms);
        loop {
            let number = self.calls.next.fetch_add(1, Ordering::Relaxed);
            let (done, mut ended) = oneshot::channel();
            self.calls.waiting(|all| all.insert(number, Waiting { news: news.clone(), is_slow: Arc::default(), done }));
            let _forget = Forget { engines: self, number };
            let left = ends_at.saturating_duration_since(Instant::now());
            call.deadline_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
            if say(&self.link, Party::Mesh, &Said::Open(number, Box::new(call.clone()))).await.is_ok() {
                tokio::select! {
                    result = &mut ended => match result {
                        Ok(result) => return result,
                        // Nothing is written down of it: a second answer would begin anew in the middle of the first.
                        Err(_) if is_lost_with_mesh(&call) => {
                            let text = "the mesh role was started anew in the middle of it";
                            return Err(Failure::new("engine-restarted", text).hint("try again").retryable().into());
                        }
                        Err(_) => {}
                    },
                    // Mesh keeps the deadline itself; this is for when it cannot say so.
                    () = tokio::time::sleep_until(ends_at + OVERTIME) => {
                        return Err(Failure::new("engine-late", "no result came in time").retryable().into());
                    }
                    () = cancel.cancelled() => {
                        // A mesh that is away ends nothing; the provider's own limits hold.
                        let _ = say(&self.link, Party::Mesh, &Said::Cancel(number)).await;
                        if let Ok(result) = (&mut ended).await {
                            return result;
                        }
                        return Err(Failure::new("cancelled", "the call was ended").into());
                    }
                }
            }
            if Instant::now() + AGAIN_AFTER > ends_at {
                let text = "the mesh role is away; the node restarts it";
                return Err(Failure::new("mesh-away", text).hint("try again").retryable().into());
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }
}

/// Mesh's end.
#[derive(Clone, Default)]
pub(crate) struct Desk {
    running: Arc<Mutex<HashMap<(Party, u64), Running>>>,
}

struct Running {
    cancel: CancellationToken,
    task: tokio::task::AbortHandle,
}

impl Desk {
    fn running<T>(&self, with: impl FnOnce(&mut HashMap<(Party, u64), Running>) -> T) -> T {
        with(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A caller is gone: its calls go on at their providers, and nobody waits for them here.
    pub(crate) fn clear(&self, who: Party) {
        let gone = self.running(|all| all.extract_if(|(party, _), _| *party == who).collect::<Vec<_>>());
        gone.into_iter().for_each(|(_, running)| running.task.abort());
    }

    /// Takes what a caller says.
    pub(crate) fn hear(
        &self, from: Party, link: &Link, engines: &Arc<dyn engines::Engines>, body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        match wire::from_body(body).map_err(|_| Refusal::Unreadable(Party::Mesh))? {
            Said::Open(number, call) => {
                let cancel = CancellationToken::new();
                let (desk, link, engines) = (self.clone(), link.clone(), engines.clone());
                let token = cancel.clone();
                // Not found before it has begun: the lock is held until it is in.
                self.running(|all| {
                    let task = tokio::spawn(desk.live((from, number), *call, link, engines, token)).abort_handle();
                    all.insert((from, number), Running { cancel, task });
                });
            }
            Said::Cancel(number) => {
                self.running(|all| all.get(&(from, number)).map(|running| running.cancel.cancel()));
            }
            Said::Drop(number) => {
                if let Some(running) = self.running(|all| all.remove(&(from, number))) {
                    running.task.abort();
                }
            }
            _ => return Err(Refusal::Unreadable(Party::Mesh)),
        }
        Ok(Vec::new())
    }

    async fn live(
        self, (who, number): (Party, u64), call: EngineCall, link: Link, engines: Arc<dyn engines::Engines>,
        cancel: CancellationToken,
    ) {
        let (sender, mut news) = mpsc::channel(NEWS_WAITING_MAX);
        let calling = engines.call(call, sender, cancel);
        tokio::pin!(calling);
        let result = loop {
            tokio::select! {
                biased;
                Some(news) = news.recv() => drop(say(&link, who, &Said::News(number, news)).await),
                result = &mut calling => break result,
            }
        };
        while let Ok(last) = news.try_recv() {
            drop(say(&link, who, &Said::News(number, last)).await);
        }
        let mut done = Said::Done(number, Box::new(result));
        for _ in 0..DONE_TRIES {
            match say(&link, who, &done).await {
                Ok(()) => break,
                Err(link::Error::Refused(Refusal::TooLong)) => {
                    let text = "the output is too long to be handed on within this node";
                    done = Said::Done(number, Box::new(Err(Failure::new("output-too-large", text).into())));
                }
                // It is flooded.
                Err(link::Error::Refused(Refusal::Busy(_)) | link::Error::Late(_)) => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
                // It is gone, and opens its call again when it is back.
                Err(error) => {
                    tracing::debug!(number, %error, "a caller does not hear how a call ended");
                    break;
                }
            }
        }
        self.running(|all| all.remove(&(who, number)));
    }
}

/// The mesh where there is none: in a node that lives for one command, and where components are only looked at.
pub(crate) struct NoMesh;

#[async_trait]
impl engines::Engines for NoMesh {
    async fn call(&self, _: EngineCall, _: mpsc::Sender<News>, _: CancellationToken) -> Result<Given, NotGiven> {
        Err(Failure::new("no-mesh", "other nodes can be asked only by a node that is up")
            .hint("start it with `flowork up`, then run the preset again")
            .into())
    }
}

#[async_trait]
impl Mesh for NoMesh {
    async fn ask(&self, _: Ask) -> Result<Gave, Error> {
        Err(Error::Away(
            "this node lives for one command only; `flowork up` starts one that others can reach".to_owned(),
        ))
    }
}
