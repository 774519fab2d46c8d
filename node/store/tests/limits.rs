//! What a kernel must know of concurrency limits before it claims anything.

#![allow(clippy::unwrap_used, clippy::panic)]

mod suite;

use flowork_ports::Bell;
use flowork_ports::store::JobWrite;
use flowork_protocol::command::{Command, Submission};
use flowork_store::Layout;
use suite::{id, submission};

fn limited(n: u64) -> Submission {
    Submission { concurrency: Some(2), ..submission(id(0, n)) }
}

#[tokio::test]
async fn the_running_jobs_of_limited_presets_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open_with(dir.path(), 1).unwrap();
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = layout.kernel(Bell::default()).unwrap();
    let shard = &kernel.shards[0];
    shard.take().await.unwrap();
    let free = Submission { preset: "free".into(), ..submission(id(0, 9)) };
    for job in [limited(1), limited(2), limited(3), free] {
        inbox.submit(Command::Submit(Box::new(job))).await.unwrap();
    }
    shard.drain(100, 100).await.unwrap();
    let preset = limited(1).preset;
    shard.claim_held(&preset, 2).await.unwrap();
    assert_eq!(shard.limited().await.unwrap(), [(id(0, 1), preset.clone()), (id(0, 2), preset)]);
}

#[tokio::test]
async fn a_child_does_not_lift_the_limit_of_its_preset() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open_with(dir.path(), 1).unwrap();
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = layout.kernel(Bell::default()).unwrap();
    let shard = &kernel.shards[0];
    shard.take().await.unwrap();
    let parent = Submission { preset: "parent".into(), ..submission(id(0, 1)) };
    inbox.submit(Command::Submit(Box::new(parent))).await.unwrap();
    inbox.submit(Command::Submit(Box::new(limited(2)))).await.unwrap();
    shard.drain(100, 100).await.unwrap();
    let child = Submission { parent: Some((id(0, 1), "step".to_owned())), depth: 1, ..submission(id(0, 3)) };
    let write = JobWrite { submissions: vec![child], ..JobWrite::default() };
    shard.append(write).await.unwrap();
    let held = shard.drain(100, 100).await.unwrap().held;
    assert_eq!(held, [(limited(2).preset, 2, 1)]);
}
