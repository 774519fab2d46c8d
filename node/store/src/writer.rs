//! The one thread that writes a file: takes what waits, writes it in one transaction, answers.
//!
//! Invariant: every SQLite file has exactly one writing process, and in it exactly one such thread.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use flowork_ports::store::Error;
use tokio::sync::{Semaphore, oneshot};

use crate::error::Failed;

/// Operations that may wait for a writer.
const WAITING_MAX: usize = 4_096;
/// Operations that share one commit.
const GROUP_MAX: usize = 256;
/// Bytes that share one commit; one larger operation goes alone.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// After so many commits without a pause the writer tidies up in between.
const GROUPS_BETWEEN_RESTS: u32 = 32;

/// What a writer thread owns.
pub(crate) trait Tables: Send + 'static {
    /// The file, relative to the data directory.
    fn file(&self) -> &str;
    /// Begins a transaction.
    fn begin(&mut self) -> Result<(), Failed>;
    /// Commits it and gives the number of the commit, or of the last one when nothing was written.
    fn commit(&mut self) -> Result<u64, Failed>;
    /// Undoes it, also what is kept in memory.
    fn rollback(&mut self);
    /// Tells others about the commit.
    fn ring(&mut self);
    /// Tidies up between transactions. Gives when to call again though nothing happens.
    fn rest(&mut self) -> Option<Duration> {
        None
    }
}

trait Operation<T>: Send {
    fn cost_bytes(&self) -> usize;
    fn apply(&mut self, tables: &mut T) -> Result<(), Failed>;
    fn answer(self: Box<Self>, end: Result<u64, Error>);
}

type Answer<R> = oneshot::Sender<Result<(R, u64), Error>>;

struct Call<F, R> {
    cost_bytes: usize,
    run: F,
    result: Option<Result<R, Error>>,
    reply: Answer<R>,
}

impl<T, R: Send, F: FnMut(&mut T) -> Result<R, Failed> + Send> Operation<T> for Call<F, R> {
    fn cost_bytes(&self) -> usize {
        self.cost_bytes
    }

    fn apply(&mut self, tables: &mut T) -> Result<(), Failed> {
        self.result = None;
        match (self.run)(tables) {
            Ok(value) => self.result = Some(Ok(value)),
            Err(Failed::Refused(error)) => self.result = Some(Err(error)),
            Err(storage) => return Err(storage),
        }
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<u64, Error>) {
        let answer = match (end, self.result) {
            (Ok(commit), Some(Ok(value))) => Ok((value, commit)),
            (Ok(_), Some(Err(error))) | (Err(error), _) => Err(error),
            // Committed without having run: cannot be, and must not be taken for done.
            (Ok(_), None) => {
                Err(Error::Other { file: String::new(), detail: "the operation was not carried out".to_owned() })
            }
        };
        // Who asked may have gone; what was committed stays.
        let _ = self.reply.send(answer);
    }
}

struct Waiting<T> {
    operations: VecDeque<Box<dyn Operation<T>>>,
    /// No further operation comes.
    closed: bool,
}

struct Shared<T> {
    waiting: Mutex<Waiting<T>>,
    news: Condvar,
    room: Semaphore,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands operations to a writer thread. Dropping it finishes what waits and closes the file.
pub(crate) struct Writer<T> {
    shared: Arc<Shared<T>>,
    thread: Option<thread::JoinHandle<()>>,
    gate: tokio::sync::Mutex<()>,
    file: String,
}

impl<T: Tables> Writer<T> {
    /// Starts the thread.
    pub(crate) fn start(tables: T) -> Result<Self, Error> {
        let file = tables.file().to_owned();
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting { operations: VecDeque::new(), closed: false }),
            news: Condvar::new(),
            room: Semaphore::new(WAITING_MAX),
        });
        let thread = thread::Builder::new()
            .name(format!("write {file}"))
            .spawn({
                let shared = Arc::clone(&shared);
                move || run(tables, &shared)
            })
            .map_err(|error| Error::Other { file: file.clone(), detail: format!("no thread to write it: {error}") })?;
        Ok(Self { shared, thread: Some(thread), gate: tokio::sync::Mutex::new(()), file })
    }

    /// Runs `operation` in the next transaction and waits until it is on disk; gives its value and the commit's number.
    /// Waits for room in the queue. Once the operation is queued, dropping the future does not undo it.
    ///
    /// `operation` may be run more than once, each time after a rollback.
    pub(crate) async fn call<R: Send + 'static>(
        &self, cost_bytes: usize, operation: impl FnMut(&mut T) -> Result<R, Failed> + Send + 'static,
    ) -> Result<(R, u64), Error> {
        let (reply, answer) = oneshot::channel();
        // The order of calls is the order of the queue: the gate is fair, and neither it nor the room may put a caller off
        // for fairness between tasks while a later call goes on.
        tokio::task::unconstrained(async {
            let _gate = self.gate.lock().await;
            let room = self.shared.room.acquire().await.map_err(|_| self.gone())?;
            room.forget();
            self.push(cost_bytes, operation, reply)
        })
        .await?;
        answer.await.map_err(|_| self.gone())?
    }

    /// As [`Self::call`], but [`Error::Busy`] at once when the queue is full.
    pub(crate) async fn call_now<R: Send + 'static>(
        &self, cost_bytes: usize, operation: impl FnMut(&mut T) -> Result<R, Failed> + Send + 'static,
    ) -> Result<(R, u64), Error> {
        let room = self.shared.room.try_acquire().map_err(|_| Error::Busy(self.file.clone()))?;
        room.forget();
        let (reply, answer) = oneshot::channel();
        self.push(cost_bytes, operation, reply)?;
        answer.await.map_err(|_| self.gone())?
    }

    fn push<R: Send + 'static>(
        &self, cost_bytes: usize, run: impl FnMut(&mut T) -> Result<R, Failed> + Send + 'static, reply: Answer<R>,
    ) -> Result<(), Error> {
        {
            let mut waiting = self.shared.lock();
            if waiting.closed {
                return Err(self.gone());
            }
            waiting.operations.push_back(Box::new(Call { cost_bytes, run, result: None, reply }));
        }
        self.shared.news.notify_one();
        Ok(())
    }
}

impl<T> Writer<T> {
    fn gone(&self) -> Error {
        Error::Other { file: self.file.clone(), detail: "its writer has ended; restart this role".to_owned() }
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // The thread only ends by itself; a panic in it was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn run<T: Tables>(mut tables: T, shared: &Shared<T>) {
    let worked = panic::catch_unwind(AssertUnwindSafe(|| work(&mut tables, shared)));
    let mut waiting = shared.lock();
    waiting.closed = true;
    shared.room.close();
    // Dropping an operation tells its caller that the writer is gone.
    waiting.operations.clear();
    if worked.is_err() {
        tracing::error!(file = tables.file(), "the writer of a file ended by a fault in Flowork");
    }
}

fn work<T: Tables>(tables: &mut T, shared: &Shared<T>) {
    let mut groups_since_rest = 0;
    let mut rest_again = tables.rest();
    loop {
        let group = match next_group(shared, rest_again) {
            Next::Group(group) => group,
            Next::Idle => {
                rest_again = tables.rest();
                continue;
            }
            Next::Closed => return,
        };
        shared.room.add_permits(group.len());
        commit(tables, group);
        groups_since_rest += 1;
        if groups_since_rest >= GROUPS_BETWEEN_RESTS || shared.lock().operations.is_empty() {
            rest_again = tables.rest();
            groups_since_rest = 0;
        }
    }
}

enum Next<T> {
    Group(VecDeque<Box<dyn Operation<T>>>),
    Idle,
    Closed,
}

fn next_group<T>(shared: &Shared<T>, rest_again: Option<Duration>) -> Next<T> {
    let mut waiting = shared.lock();
    while waiting.operations.is_empty() {
        if waiting.closed {
            return Next::Closed;
        }
        waiting = match rest_again {
            None => shared.news.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            Some(pause) => {
                let (waiting, timeout) =
                    shared.news.wait_timeout(waiting, pause).unwrap_or_else(PoisonError::into_inner);
                if timeout.timed_out() && waiting.operations.is_empty() && !waiting.closed {
                    return Next::Idle;
                }
                waiting
            }
        };
    }
    let mut group = VecDeque::new();
    let mut bytes = 0;
    while let Some(next) = waiting.operations.front() {
        bytes += next.cost_bytes();
        if !group.is_empty() && (group.len() >= GROUP_MAX || bytes > GROUP_BYTES_MAX) {
            break;
        }
        group.extend(waiting.operations.pop_front());
    }
    Next::Group(group)
}

/// Carries out a group in one transaction. An operation that meets a damaged place fails alone; the others are run again
/// without it. A full disk or a lost lease fails all.
fn commit<T: Tables>(tables: &mut T, mut group: VecDeque<Box<dyn Operation<T>>>) {
    while !group.is_empty() {
        match try_commit(tables, &mut group) {
            Ok(number) => {
                tables.ring();
                for operation in group {
                    operation.answer(Ok(number));
                }
                return;
            }
            Err((Some(place), error @ Error::Damaged { .. })) => {
                tables.rollback();
                tracing::error!(%error, "an operation met a damaged place");
                if let Some(operation) = group.remove(place) {
                    operation.answer(Err(error));
                }
            }
            Err((_, error)) => {
                tables.rollback();
                if !matches!(error, Error::Fenced { .. }) {
                    tracing::error!(%error, operations = group.len(), "a commit failed");
                }
                for operation in group {
                    operation.answer(Err(error.clone()));
                }
                return;
            }
        }
    }
}

fn try_commit<T: Tables>(
    tables: &mut T, group: &mut VecDeque<Box<dyn Operation<T>>>,
) -> Result<u64, (Option<usize>, Error)> {
    tables.begin().map_err(|failed| (None, failed.named(tables.file())))?;
    for (place, operation) in group.iter_mut().enumerate() {
        operation.apply(tables).map_err(|failed| (Some(place), failed.named(tables.file())))?;
    }
    tables.commit().map_err(|failed| (None, failed.named(tables.file())))
}
