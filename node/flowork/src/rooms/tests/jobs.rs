//! Jobs of the real kernel on the real store that have a long history or much data.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flowork_ports::Documents as _;
use flowork_ports::bell::Bell;
use flowork_ports::store::{Inbox, Reader, Stored};
use flowork_protocol::JobId;
use flowork_protocol::command::{Command, Signal, Submission};
use flowork_protocol::event::{What, decode};
use flowork_protocol::item::{Item, List};
use flowork_protocol::job::{State, Summary};
use flowork_store::{KernelStore, Layout};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{NoSecrets, preset};
use crate::rooms::{self, Folders};

/// A data directory with docs and a gateway's inbox; kernels come and go.
struct Place {
    dir: tempfile::TempDir,
    layout: Layout,
    bell: Bell,
    inbox: Arc<dyn Inbox>,
    reader: Arc<dyn Reader>,
    docs: flowork_documents::Handle,
    stop: CancellationToken,
}

struct Running {
    handle: flowork_kernel::Handle,
    workers: flowork_workers::Handle,
}

impl Place {
    async fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create_or_open(dir.path()).unwrap();
        let (bell, stop) = (Bell::default(), CancellationToken::new());
        let (library, _) = rooms::library(
            &Folders { data: dir.path().to_owned(), home: dir.path().to_owned() },
            Arc::new(crate::mesh_link::NoMesh),
        );
        let docs = rooms::docs(&layout, library, bell.clone(), stop.clone()).await.unwrap();
        let (inbox, reader) = (layout.inbox("gateway", bell.clone()).unwrap(), layout.reader());
        Self { dir, layout, bell, inbox, reader, docs, stop }
    }

    fn kernel(&self) -> Running {
        let folders = Folders { data: self.dir.path().to_owned(), home: self.dir.path().to_owned() };
        let (library, workers) = rooms::library(&folders, Arc::new(crate::mesh_link::NoMesh));
        let KernelStore { shards, node, .. } = self.layout.kernel(self.bell.clone()).unwrap();
        let options = flowork_kernel::Options {
            shards,
            node,
            library,
            blobs: self.layout.blobs(),
            vault: Arc::new(NoSecrets),
            bell: self.bell.clone(),
            clock: Arc::new(crate::now),
            jobs_per_shard_max: 8,
            troubles: tokio::sync::watch::Sender::default(),
        };
        Running { handle: flowork_kernel::run(options, &self.stop), workers }
    }

    /// What the store gives to a kernel that takes the job up.
    async fn stored(&self, job: JobId) -> Stored {
        let shards = self.layout.kernel(Bell::default()).unwrap().shards;
        let shard = shards.iter().find(|shard| shard.no() == job.shard()).unwrap();
        shard.load(job).await.unwrap()
    }

    async fn decide(&self, job: JobId, run: &str) {
        let decide = Signal::Decide { run: run.to_owned(), approved: true, by: "test".to_owned(), note: String::new() };
        self.inbox.submit(Command::Signal(job, decide)).await.unwrap();
    }

    async fn submit(&self, text: Value, input: Vec<Value>) -> JobId {
        let (version, frozen) = self.docs.freeze_file(preset(text)).await.unwrap();
        let submission = json!({
            "job": JobId::keyed("test", b"1", self.inbox.shards()), "preset": version.preset, "name": frozen.name,
            "version": version.id
        });
        let mut submission: Submission = serde_json::from_value(submission).unwrap();
        submission.input = input.into_iter().map(Item::json).collect();
        let job = submission.job;
        self.inbox.submit(Command::Submit(Box::new(submission))).await.unwrap();
        job
    }

    /// The job's row as soon as it is as wanted.
    async fn once(&self, job: JobId, wanted: impl Fn(&Summary) -> bool) -> Summary {
        let mut rings = self.bell.listen();
        let wait = async {
            loop {
                match self.reader.job(job).await.unwrap() {
                    Some(row) if wanted(&row) => return row,
                    _ => drop(rings.recv().await),
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(300), wait).await.expect("the job comes this far")
    }

    /// What the steps gave that nothing follows, in the job's last event.
    async fn gave(&self, job: JobId, row: &Summary) -> Vec<Value> {
        let events = self.reader.events(job, row.last_seq - 1, 10).await.unwrap();
        let Some(What::Ended { output, .. }) = events.last().map(|event| &event.what) else { panic!("{events:?}") };
        let items = output.values().flat_map(|list| match list {
            List::Inline(items) => items.clone(),
            List::Chunked(_) => panic!("a short list was expected"),
        });
        items.map(|item| item.json.clone()).collect()
    }

    async fn end(self) {
        self.stop.cancel();
        self.docs.ended().await;
    }
}

impl Running {
    async fn stop(self) {
        self.handle.stop().await;
        self.workers.shutdown().await;
    }
}

/// A loop of so many rounds, a question to a person, and a sum of what the rounds gave.
fn long(in_loop: Value) -> Value {
    json!({
        "flowork": "preset/1", "name": "long",
        "steps": {
            "each": { "component": "loop", "config": { "batch": 1, "max_rounds": 100_000 } },
            "body": in_loop,
            "ask": { "component": "approval", "config": { "title": "Go on?" } },
            "sum": { "component": "aggregate", "config": { "compute": [
                { "op": "sum", "of": "n", "as": "sum" }, { "op": "count", "as": "count" }] } }
        },
        "wires": ["each:loop -> body", "body -> each:back", "each:done -> ask", "ask:approved -> sum"]
    })
}

fn events_in(stored: &Stored) -> usize {
    stored.batches.iter().map(|batch| decode(batch).unwrap().len()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_with_ten_thousand_events_is_taken_up_from_its_checkpoint() {
    let place = Place::make().await;
    let kernel = place.kernel();
    let double = json!({ "component": "set", "config": { "fields": { "n": "{{ $json.n * 2 }}" } } });
    let job = place.submit(long(double), (0..5_000).map(|n| json!({ "n": n })).collect()).await;
    let row = place.once(job, |row| row.state == State::Waiting || row.state.has_ended()).await;
    assert_eq!(row.state, State::Waiting, "{row:?}");
    assert!(row.last_seq > 10_000, "{} events", row.last_seq);
    kernel.stop().await;

    let stored = place.stored(job).await;
    let (seq, bytes) = stored.checkpoint.as_ref().expect("there is a checkpoint");
    assert!(events_in(&stored) < 1_000, "{} of {} events are left to read", events_in(&stored), row.last_seq);
    println!("checkpoint after {seq} of {} events, {} bytes", row.last_seq, bytes.len());

    let kernel = place.kernel();
    let begun = Instant::now();
    place.decide(job, "ask").await;
    let row = place.once(job, |row| row.state.has_ended()).await;
    println!("taken up and brought to its end in {:?}", begun.elapsed());
    assert_eq!(row.state, State::Succeeded, "{row:?}");
    assert_eq!(place.gave(job, &row).await, [json!({ "sum": 24_995_000, "count": 5_000 })]);
    kernel.stop().await;
    place.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_goes_on_from_its_checkpoints_however_often_the_kernel_ends() {
    let place = Place::make().await;
    let wait = json!({ "component": "wait", "config": { "for": 1 } });
    let mut kernel = place.kernel();
    let job = place.submit(long(wait), (0..200).map(|n| json!({ "n": n })).collect()).await;
    for events in [100, 300, 500, 700] {
        place.once(job, |row| row.last_seq >= events).await;
        kernel.stop().await;
        let stored = place.stored(job).await;
        let seq = stored.checkpoint.as_ref().map_or(0, |(seq, _)| *seq);
        assert!(stored.summary.last_seq - seq < 600, "{} of {}", seq, stored.summary.last_seq);
        assert!(events < 500 || seq > 0, "there is a checkpoint by now");
        kernel = place.kernel();
    }
    place.once(job, |row| row.state == State::Waiting && row.due_at.is_none()).await;
    place.decide(job, "ask").await;
    let row = place.once(job, |row| row.state.has_ended()).await;
    assert_eq!(place.gave(job, &row).await, [json!({ "sum": 19_900, "count": 200 })], "{row:?}");
    kernel.stop().await;
    place.end().await;
}

/// Steps one after the other that each give new items as large as what came in, and one that looks back at the first.
fn large(steps: usize) -> Value {
    let mut all = serde_json::Map::new();
    let mut wires = Vec::new();
    for step in 0..steps {
        let fields = json!({ "text": format!("{{{{ '{step}' + $json.text }}}}"), "n": "{{ $json.n }}" });
        all.insert(
            format!("s{step}"),
            json!({ "component": "set", "config": { "mode": "replace", "fields": fields } }),
        );
        if step > 0 {
            wires.push(format!("s{} -> s{step}", step - 1));
        }
    }
    let back = json!({ "first": "{{ $('s0').item.json.text.length }}", "second": "{{ $('s1').item.json.n }}",
                       "last": "{{ $json.text.length }}" });
    all.insert("look".to_owned(), json!({ "component": "set", "config": { "mode": "replace", "fields": back } }));
    wires.push(format!("s{} -> look", steps - 1));
    let compute = json!([{ "op": "sum", "of": "first" }, { "op": "sum", "of": "second" }, { "op": "sum", "of": "last" },
                         { "op": "count", "as": "count" }]);
    all.insert("sum".to_owned(), json!({ "component": "aggregate", "config": { "compute": compute } }));
    wires.push("look -> sum".to_owned());
    json!({ "flowork": "preset/1", "name": "large", "steps": all, "wires": wires })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_running_step_needs_leaves_memory_and_comes_back_when_one_does() {
    const ITEMS: u64 = 16_000;
    const STEPS: usize = 10;
    let place = Place::make().await;
    let kernel = place.kernel();
    let text = "x".repeat(1_000);
    let job = place.submit(large(STEPS), (0..ITEMS).map(|n| json!({ "n": n, "text": text })).collect()).await;
    let (mut most, mut rings) = (0, place.bell.listen());
    let row = loop {
        most = most.max(kernel.handle.items_bytes());
        match place.reader.job(job).await.unwrap() {
            Some(row) if row.state.has_ended() => break row,
            _ => drop(tokio::time::timeout(Duration::from_millis(5), rings.recv()).await),
        }
    };
    assert_eq!(row.state, State::Succeeded, "{row:?}");
    let (first, last) = (ITEMS * 1_001, ITEMS * (1_000 + STEPS as u64));
    let sums = json!({ "sum_first": first, "sum_second": ITEMS * (ITEMS - 1) / 2, "sum_last": last, "count": ITEMS });
    assert_eq!(place.gave(job, &row).await, [sums]);
    let all = usize::try_from(first).unwrap() * STEPS;
    println!("the steps gave {} MiB, at most {} MiB of it were in memory", all >> 20, most >> 20);
    // The bound, and one step's input and output beyond it.
    assert!(most < (64 << 20) + 3 * usize::try_from(first).unwrap() && most > 0, "{} MiB", most >> 20);
    assert!(most < all * 3 / 4);
    kernel.stop().await;
    place.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_results_are_complete_after_they_left_memory() {
    const ROUNDS: u64 = 12_000;
    let place = Place::make().await;
    let kernel = place.kernel();
    let body = json!({ "component": "set", "config": { "fields": { "text": "{{ 'y'.repeat(1500) }}" } } });
    let mut preset = long(body);
    preset["name"] = json!("small");
    let job = place.submit(preset, (0..ROUNDS).map(|n| json!({ "n": n })).collect()).await;
    let mut most = 0;
    let row = loop {
        most = most.max(kernel.handle.items_bytes());
        match place.reader.job(job).await.unwrap() {
            Some(row) if row.state.has_ended() || row.state == State::Waiting => break row,
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    };
    assert_eq!(row.state, State::Waiting, "{row:?}");
    println!(
        "{} rounds gave {} MiB in small lists, at most {} MiB were in memory",
        ROUNDS,
        (ROUNDS * 1_500) >> 20,
        most >> 20
    );
    place.decide(job, "ask").await;
    let row = place.once(job, |row| row.state.has_ended()).await;
    let sum = ROUNDS * (ROUNDS - 1) / 2;
    assert_eq!(place.gave(job, &row).await, [json!({ "sum": sum, "count": ROUNDS })], "{row:?}");
    kernel.stop().await;
    place.end().await;
}
