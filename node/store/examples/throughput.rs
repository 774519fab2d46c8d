//! Jobs per second through the store alone: inbox → drain → one append with ten steps' events, each on disk.
//!
//! `cargo run --release -p flowork-store --example throughput -- [jobs] [shards]`

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use flowork_ports::Bell;
use flowork_ports::store::{Inbox, JobWrite, RowChange, Shard};
use flowork_protocol::command::{Command, Submission};
use flowork_protocol::event::{Event, What, encode};
use flowork_protocol::job::State;
use flowork_protocol::{Item, JobId, PresetId, ShardNo, Timestamp, VersionId};
use flowork_store::Layout;

const IN_FLIGHT: u64 = 256;
const BATCH: usize = 256;

fn submission(n: u64, shards: u16) -> Submission {
    let job = JobId::fresh(
        Timestamp(1_790_000_000_000).plus_ms(n),
        ShardNo(u16::try_from(n % u64::from(shards)).unwrap()),
        n,
    );
    Submission {
        job,
        keyed: false,
        preset: PresetId::from("bench"),
        name: "bench".to_owned(),
        version: VersionId::of(b"bench"),
        trigger: None,
        input: vec![Item::json(serde_json::json!({ "order": n, "customer": "somebody", "total": 12.5 }))],
        variables: BTreeMap::new(),
        priority: 0,
        concurrency: None,
        dry_run: false,
        replay: None,
        parent: None,
        depth: 0,
    }
}

/// Twelve events of about 300 bytes.
fn events() -> Vec<u8> {
    let text = "x".repeat(250);
    let all: Vec<_> =
        (2..=13).map(|seq| Event { seq, at: Timestamp(0), what: What::Parked { reason: text.clone() } }).collect();
    encode(&all).unwrap()
}

async fn submit(inbox: Arc<dyn Inbox>, next: Arc<AtomicU64>, jobs: u64) {
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= jobs {
            return;
        }
        inbox.submit(Command::Submit(Box::new(submission(n, inbox.shards())))).await.unwrap();
    }
}

async fn run(shard: Arc<dyn Shard>, bell: Bell, events: Arc<Vec<u8>>, done: Arc<AtomicU64>, jobs: u64) {
    shard.take().await.unwrap();
    let mut rings = bell.listen();
    while done.load(Ordering::Relaxed) < jobs {
        let drained = shard.drain(BATCH, BATCH).await.unwrap();
        if drained.claimed.is_empty() {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(5), rings.recv()).await;
            continue;
        }
        let appends = drained.claimed.into_iter().map(|claimed| {
            shard.append(JobWrite {
                job: Some(claimed.submission.job),
                first_seq: 2,
                last_seq: 13,
                events: events.to_vec(),
                row: RowChange { state: Some(State::Succeeded), ..RowChange::default() },
                ..JobWrite::default()
            })
        });
        let ended = futures::future::join_all(appends).await;
        ended.iter().for_each(|end| assert!(end.is_ok()));
        done.fetch_add(ended.len() as u64, Ordering::Relaxed);
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let jobs: u64 = arguments.next().map_or(40_000, |text| text.parse().unwrap());
    let shards: u16 = arguments.next().map_or(4, |text| text.parse().unwrap());
    let dir = tempfile::tempdir_in(".").unwrap();
    let layout = Layout::create_or_open_with(dir.path(), shards).unwrap();
    let bell = Bell::default();
    let inbox = layout.inbox("gateway", bell.clone()).unwrap();
    let kernel = layout.kernel(bell.clone()).unwrap();
    let (next, done, events) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)), Arc::new(events()));
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        tasks.spawn(submit(Arc::clone(&inbox), Arc::clone(&next), jobs));
    }
    for shard in &kernel.shards {
        tasks.spawn(run(Arc::clone(shard), bell.clone(), Arc::clone(&events), Arc::clone(&done), jobs));
    }
    while tasks.join_next().await.is_some() {}
    let took = began.elapsed().as_secs_f64();
    println!("{jobs} jobs, {shards} shards: {:.0} jobs/s", jobs as f64 / took);
}
