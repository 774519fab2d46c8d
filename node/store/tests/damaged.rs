//! A job that is damaged is out, and nothing else.

#![allow(clippy::unwrap_used, clippy::panic)]

mod suite;

use std::path::Path;

use flowork_ports::Bell;
use flowork_protocol::command::Command;
use flowork_protocol::job::State;
use flowork_store::Layout;
use suite::{id, ids, submission};

/// Three queued jobs in shard 0, the second of them damaged by `sql`, which is given its number.
async fn drain_after(sql: &str, concurrency: Option<u32>) {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open_with(dir.path(), 1).unwrap();
    {
        let inbox = layout.inbox("gateway", Bell::default()).unwrap();
        let kernel = layout.kernel(Bell::default()).unwrap();
        kernel.shards[0].take().await.unwrap();
        for n in 1..4 {
            let job = submission(id(0, n));
            let job = flowork_protocol::command::Submission { concurrency, ..job };
            inbox.submit(Command::Submit(Box::new(job))).await.unwrap();
        }
        kernel.shards[0].drain(100, 0).await.unwrap();
    }
    damage(dir.path(), sql);
    let kernel = layout.kernel(Bell::default()).unwrap();
    let shard = &kernel.shards[0];
    assert_eq!(shard.take().await.unwrap(), []);
    let drained = shard.drain(100, 100).await.unwrap();
    let mut claimed = ids(&drained.claimed);
    for (preset, _, held) in drained.held {
        claimed.extend(ids(&shard.claim_held(&preset, usize::try_from(held).unwrap()).await.unwrap()));
    }
    assert_eq!(claimed, [id(0, 1), id(0, 3)]);
    let damaged = layout.reader().job(id(0, 2)).await.unwrap().unwrap();
    assert_eq!(damaged.state, State::Parked);
    let error = damaged.error.unwrap();
    assert_eq!(error.code, "job-damaged");
    assert!(error.message.contains(&id(0, 2).to_string()), "{error}");
    assert_eq!(shard.drain(100, 100).await.unwrap().claimed, [], "it is not claimed again");
    assert_eq!(shard.take().await.unwrap(), [id(0, 1), id(0, 3)], "who is running has a task");
}

fn damage(dir: &Path, sql: &str) {
    let db = rusqlite::Connection::open(dir.join("shards/00.db")).unwrap();
    assert_eq!(db.execute(sql, []).unwrap(), 1);
}

const SECOND: &str = "(SELECT no FROM job ORDER BY no LIMIT 1 OFFSET 1)";

#[tokio::test]
async fn a_queued_job_without_its_first_event_is_set_aside_and_the_others_are_claimed() {
    drain_after(&format!("DELETE FROM journal WHERE job = {SECOND}"), None).await;
}

#[tokio::test]
async fn a_queued_job_whose_submission_does_not_read_is_set_aside_and_the_others_are_claimed() {
    drain_after(&format!("UPDATE journal SET body = x'00' WHERE job = {SECOND}"), None).await;
}

#[tokio::test]
async fn a_held_job_without_its_first_event_is_set_aside_and_the_others_are_claimed() {
    drain_after(&format!("DELETE FROM journal WHERE job = {SECOND}"), Some(9)).await;
}
