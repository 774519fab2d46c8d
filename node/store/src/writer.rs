//! The one thread that writes a file: takes what waits, writes it in one transaction, answers.
//!
//! Some operations tell their value before the commit, so that who asked can go on and add to the same transaction: a job is
//! moved in, claimed, run and ended with one wait for the disk. Nobody may act on such a value outside of this process until
//! the commit is done; when it is undone, who asked is told so.
//!
//! Invariant: every SQLite file has exactly one writing process, and in it exactly one such thread.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flowork_ports::store::Error;
use tokio::sync::{Semaphore, oneshot};

use crate::error::Failed;

/// Operations that may wait for a writer.
const WAITING_MAX: usize = 4_096;
/// Operations that share one commit.
const GROUP_MAX: usize = 256;
/// Bytes that share one commit; one larger operation goes alone.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// How long a transaction stays open for what follows from values that were told early.
const OPEN_FOR: Duration = Duration::from_millis(1);
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
    /// Whether something that follows from a value told early should soon come for this transaction.
    fn expects_more(&self) -> bool {
        false
    }
    /// Tidies up between transactions. Gives when to call again though nothing happens.
    fn rest(&mut self) -> Option<Duration> {
        None
    }
}

trait Operation<T>: Send {
    fn cost_bytes(&self) -> usize;
    fn apply(&mut self, tables: &mut T) -> Result<(), Failed>;
    fn answer(self: Box<Self>, end: Result<u64, Error>);
    /// Whether its value was told before the commit: then it cannot be run again after a rollback.
    fn is_told(&self) -> bool {
        false
    }
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

/// An operation that tells its value when it was carried out, and later how the commit went.
struct Ahead<F, R> {
    cost_bytes: usize,
    run: F,
    told: Option<oneshot::Sender<Result<R, Error>>>,
    committed: oneshot::Sender<Result<u64, Error>>,
}

impl<T, R: Send, F: FnMut(&mut T) -> Result<R, Failed> + Send> Operation<T> for Ahead<F, R> {
    fn cost_bytes(&self) -> usize {
        self.cost_bytes
    }

    fn apply(&mut self, tables: &mut T) -> Result<(), Failed> {
        let told = match (self.run)(tables) {
            Ok(value) => Ok(value),
            Err(Failed::Refused(error)) => Err(error),
            Err(storage) => return Err(storage),
        };
        if let Some(reply) = self.told.take() {
            // Who asked may have gone; what is committed stays.
            let _ = reply.send(told);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<u64, Error>) {
        match (self.told, end) {
            (Some(reply), Err(error)) => drop(reply.send(Err(error))),
            (_, end) => drop(self.committed.send(end)),
        }
    }

    fn is_told(&self) -> bool {
        self.told.is_none()
    }
}

/// How the commit of an operation goes whose value was told before it.
pub(crate) struct Committed {
    end: oneshot::Receiver<Result<u64, Error>>,
    file: String,
}

impl Committed {
    /// Waits until it is on disk; gives the commit's number.
    pub(crate) async fn wait(self) -> Result<u64, Error> {
        self.end.await.map_err(|_| gone(&self.file))?
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
        self.queue(Box::new(Call { cost_bytes, run: operation, result: None, reply })).await?;
        answer.await.map_err(|_| self.gone())?
    }

    /// As [`Self::call`], but gives the value as soon as the operation is carried out, and the commit to wait for.
    /// `operation` runs once: when its transaction is undone, the commit fails.
    pub(crate) async fn call_ahead<R: Send + 'static>(
        &self, cost_bytes: usize, operation: impl FnMut(&mut T) -> Result<R, Failed> + Send + 'static,
    ) -> Result<(R, Committed), Error> {
        let ((told, value), (committed, end)) = (oneshot::channel(), oneshot::channel());
        self.queue(Box::new(Ahead { cost_bytes, run: operation, told: Some(told), committed })).await?;
        let value = value.await.map_err(|_| self.gone())??;
        Ok((value, Committed { end, file: self.file.clone() }))
    }

    async fn queue(&self, operation: Box<dyn Operation<T>>) -> Result<(), Error> {
        // The order of calls is the order of the queue: the gate is fair, and neither it nor the room may put a caller off
        // for fairness between tasks while a later call goes on.
        tokio::task::unconstrained(async {
            let _gate = self.gate.lock().await;
            let room = self.shared.room.acquire().await.map_err(|_| self.gone())?;
            room.forget();
            self.push(operation)
        })
        .await
    }

    /// As [`Self::call`], but [`Error::Busy`] at once when the queue is full.
    pub(crate) async fn call_now<R: Send + 'static>(
        &self, cost_bytes: usize, operation: impl FnMut(&mut T) -> Result<R, Failed> + Send + 'static,
    ) -> Result<(R, u64), Error> {
        let room = self.shared.room.try_acquire().map_err(|_| Error::Busy(self.file.clone()))?;
        room.forget();
        let (reply, answer) = oneshot::channel();
        self.push(Box::new(Call { cost_bytes, run: operation, result: None, reply }))?;
        answer.await.map_err(|_| self.gone())?
    }

    fn push(&self, operation: Box<dyn Operation<T>>) -> Result<(), Error> {
        {
            let mut waiting = self.shared.lock();
            if waiting.closed {
                return Err(self.gone());
            }
            waiting.operations.push_back(operation);
        }
        self.shared.news.notify_one();
        Ok(())
    }
}

impl<T> Writer<T> {
    fn gone(&self) -> Error {
        gone(&self.file)
    }
}

fn gone(file: &str) -> Error {
    Error::Ended { file: file.to_owned() }
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
        let mut group = match next_group(shared, rest_again) {
            Next::Group(group) => group,
            Next::Idle => {
                rest_again = tables.rest();
                continue;
            }
            Next::Closed => return,
        };
        // What an undone transaction leaves is tried again without what broke it.
        while !group.is_empty() {
            group = transact(tables, shared, group);
        }
        groups_since_rest += 1;
        if groups_since_rest >= GROUPS_BETWEEN_RESTS || shared.lock().operations.is_empty() {
            rest_again = tables.rest();
            groups_since_rest = 0;
        }
    }
}

type Group<T> = VecDeque<Box<dyn Operation<T>>>;

enum Next<T> {
    Group(Group<T>),
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
    Next::Group(take(shared, &mut waiting, Room::default()))
}

/// What comes for an open transaction before `until`, as far as it has room; empty when nothing does.
fn more<T>(shared: &Shared<T>, until: Instant, room: Room) -> Group<T> {
    let mut waiting = shared.lock();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || room.is_full() {
            return Group::new();
        }
        if !waiting.operations.is_empty() || waiting.closed {
            return take(shared, &mut waiting, room);
        }
        waiting = shared.news.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// What a transaction may still take.
#[derive(Debug, Clone, Copy)]
struct Room {
    operations: usize,
    bytes: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { operations: GROUP_MAX, bytes: GROUP_BYTES_MAX }
    }
}

impl Room {
    fn is_full(self) -> bool {
        self.operations == 0 || self.bytes == 0
    }

    fn after(self, cost_bytes: usize) -> Self {
        Self { operations: self.operations.saturating_sub(1), bytes: self.bytes.saturating_sub(cost_bytes) }
    }
}

fn take<T>(shared: &Shared<T>, waiting: &mut Waiting<T>, mut room: Room) -> Group<T> {
    let mut group = Group::new();
    while let Some(next) = waiting.operations.front() {
        let cost = next.cost_bytes();
        // One that is too large for any group goes alone.
        if room.is_full() || (cost > room.bytes && room.operations < GROUP_MAX) {
            break;
        }
        room = room.after(cost);
        group.extend(waiting.operations.pop_front());
    }
    shared.room.add_permits(group.len());
    group
}

/// Carries out a group, and what follows from it at once, in one transaction. Gives back what must be tried again: when an
/// operation meets a damaged place it fails alone. A full disk or a lost lease fails all.
fn transact<T: Tables>(tables: &mut T, shared: &Shared<T>, mut group: Group<T>) -> Group<T> {
    let mut done: Group<T> = Group::with_capacity(group.len());
    match carry_out(tables, shared, &mut group, &mut done) {
        Ok(number) => {
            tables.ring();
            for operation in done {
                operation.answer(Ok(number));
            }
            Group::new()
        }
        Err((Some(broken), error @ Error::Damaged { .. })) => {
            tables.rollback();
            tracing::error!(%error, "an operation met a damaged place");
            broken.answer(Err(error));
            let mut again = Group::new();
            for operation in done {
                match operation.is_told() {
                    true => operation.answer(Err(Error::Busy(tables.file().to_owned()))),
                    false => again.push_back(operation),
                }
            }
            again.extend(group);
            again
        }
        Err((broken, error)) => {
            tables.rollback();
            let operations = done.into_iter().chain(broken).chain(group);
            if !matches!(error, Error::Fenced { .. }) {
                tracing::error!(%error, "a commit failed");
            }
            for operation in operations {
                operation.answer(Err(error.clone()));
            }
            Group::new()
        }
    }
}

type Broken<T> = (Option<Box<dyn Operation<T>>>, Error);

/// Moves what is carried out from `group` to `done` and commits.
fn carry_out<T: Tables>(
    tables: &mut T, shared: &Shared<T>, group: &mut Group<T>, done: &mut Group<T>,
) -> Result<u64, Broken<T>> {
    tables.begin().map_err(|failed| (None, failed.named(tables.file())))?;
    let mut room = Room::default();
    let mut open_until = None;
    loop {
        while let Some(mut operation) = group.pop_front() {
            room = room.after(operation.cost_bytes());
            match operation.apply(tables) {
                Ok(()) => done.push_back(operation),
                Err(failed) => return Err((Some(operation), failed.named(tables.file()))),
            }
        }
        if !tables.expects_more() {
            break;
        }
        let until = *open_until.get_or_insert_with(|| Instant::now() + OPEN_FOR);
        *group = more(shared, until, room);
        if group.is_empty() {
            break;
        }
    }
    tables.commit().map_err(|failed| (None, failed.named(tables.file())))
}
