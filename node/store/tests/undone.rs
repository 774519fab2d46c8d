//! Claims that were told and then never reached the disk. A file size limit for this process makes commits fail, which is why
//! these tests have a file of their own and are one test.

#![allow(clippy::unwrap_used, clippy::panic)]

mod suite;

use std::fs;

use flowork_ports::Bell;
use flowork_ports::store::{Error, RowChange, Shard};
use flowork_protocol::command::{Command, Signal};
use flowork_protocol::job::State;
use flowork_protocol::{BlobId, JobId};
use flowork_store::Layout;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use suite::{id, ids, log, state, submission, write};

/// No file of this process can grow past `bytes` for as long as it lives.
struct Limit(Rlimit);

impl Limit {
    fn of(bytes: u64) -> Self {
        let before = getrlimit(Resource::Fsize);
        setrlimit(Resource::Fsize, Rlimit { current: Some(bytes), maximum: before.maximum }).unwrap();
        Self(before)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        let before = Rlimit { current: self.0.current, maximum: self.0.maximum };
        setrlimit(Resource::Fsize, before).unwrap();
    }
}

/// Has this process ignore SIGXFSZ, whose default is death; the write that is too long fails instead.
#[allow(unsafe_code)]
fn ignore_signal() {
    // SAFETY: setting a signal's disposition to "ignore" runs no handler and touches no memory of ours.
    assert!(unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) != libc::SIG_ERR });
}

async fn refused(shard: &dyn Shard, job: JobId) {
    let late = shard.append(write(job, &[log(2, "of a claim that was undone")], state(State::Succeeded))).await;
    assert!(matches!(late, Err(Error::NoJob(_) | Error::Other { .. })), "{late:?}");
}

#[tokio::test]
async fn nothing_follows_from_a_claim_that_was_undone_and_its_jobs_come_again() {
    ignore_signal();
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = layout.kernel(Bell::default()).unwrap();
    let reader = layout.reader();
    let shard = &kernel.shards[0];
    shard.take().await.unwrap();
    // The log must be long before it is limited, so that the limit meets nothing else.
    let filler = id(0, 0);
    inbox.submit(Command::Submit(Box::new(submission(filler)))).await.unwrap();
    shard.drain(9, 9).await.unwrap();
    for seq in 2..12 {
        let noise: String = (0..1_000).map(|n| BlobId::of(format!("{seq} {n}").as_bytes()).to_string()).collect();
        shard.append(write(filler, &[log(seq, &noise)], RowChange::default())).await.unwrap();
    }
    let full = || Limit::of(fs::metadata(dir.path().join("shards/00.db-wal")).unwrap().len());

    // Moved in and claimed at once: undone, they are in the inbox alone.
    let fresh = [1, 2, 3].map(|n| id(0, n));
    for job in fresh {
        inbox.submit(Command::Submit(Box::new(submission(job)))).await.unwrap();
    }
    let limit = full();
    let (drained, committed) = shard.drain_ahead(9, 9).await.unwrap();
    assert_eq!(ids(&drained.claimed), fresh);
    // Whether it shares the transaction or comes after its end: it must not be taken.
    let at_once = shard.append(write(fresh[0], &[log(2, "too early")], state(State::Succeeded))).await;
    assert!(at_once.is_err(), "{at_once:?}");
    let end = committed.await;
    assert!(matches!(end, Err(Error::Full { .. })), "{end:?}");
    drop(limit);
    refused(&**shard, fresh[0]).await;
    for job in fresh {
        let row = reader.job(job).await.unwrap().unwrap();
        assert_eq!((row.state, row.last_seq), (State::Queued, 1), "accepted, as it was");
    }
    assert_eq!(ids(&shard.drain(9, 0).await.unwrap().claimed), []);

    // Queued in the shard: undone, they are queued again; what woke is asleep again, and its signal is told again.
    let limit = full();
    let (drained, committed) = shard.drain_ahead(9, 9).await.unwrap();
    assert_eq!(ids(&drained.claimed), fresh);
    assert!(committed.await.is_err());
    drop(limit);
    refused(&**shard, fresh[1]).await;
    shard.append(write(filler, &[log(12, "waits")], state(State::Waiting))).await.unwrap();
    inbox.submit(Command::Signal(filler, Signal::Resume)).await.unwrap();
    let limit = full();
    let (drained, committed) = shard.drain_ahead(9, 0).await.unwrap();
    assert_eq!(drained.signalled, [filler]);
    assert!(committed.await.is_err() && shard.wake(filler).await.is_err());
    drop(limit);
    assert_eq!(reader.job(filler).await.unwrap().unwrap().state, State::Waiting);

    let drained = shard.drain(9, 9).await.unwrap();
    assert_eq!((ids(&drained.claimed), drained.signalled), (fresh.to_vec(), vec![filler]));
    assert!(shard.wake(filler).await.unwrap());
    for job in fresh {
        shard.append(write(job, &[log(2, "done")], state(State::Succeeded))).await.unwrap();
        assert_eq!(reader.events(job, 0, 9).await.unwrap().len(), 2, "nothing came twice");
    }
    assert!(shard.drain(9, 9).await.unwrap().claimed.is_empty());
}
