//! What goes wrong with files: damage, a full disk, a kill.

#![allow(clippy::unwrap_used, clippy::panic)]

mod suite;

use std::collections::HashSet;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use flowork_ports::Bell;
use flowork_ports::store::{Error, Query, RowChange};
use flowork_ports::sweep::{Kept, Rules};
use flowork_protocol::command::{Command, Submission};
use flowork_protocol::job::State;
use flowork_protocol::{BlobId, Item, VersionId};
use flowork_store::{KernelStore, Layout, layout};
use suite::{id, ids, log, state, submission, write};

fn layout(dir: &Path) -> Layout {
    Layout::create_or_open(dir).unwrap()
}

async fn run_jobs(layout: &Layout, jobs: u64) -> KernelStore {
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = layout.kernel(Bell::default()).unwrap();
    for shard in &kernel.shards {
        shard.take().await.unwrap();
    }
    for n in 0..jobs {
        let job = id(u16::try_from(n % 4).unwrap(), n);
        inbox.submit(Command::Submit(Box::new(submission(job)))).await.unwrap();
    }
    for shard in &kernel.shards {
        for claimed in shard.drain(10_000, 10_000).await.unwrap().claimed {
            let job = claimed.submission.job;
            shard.append(write(job, &[log(2, &"words ".repeat(100))], state(State::Succeeded))).await.unwrap();
        }
    }
    kernel
}

#[tokio::test]
async fn what_the_first_gateway_accepts_is_drained_by_the_next_look_however_soon() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let kernel = layout.kernel(Bell::default()).unwrap();
    assert_eq!(kernel.node.drain().await.unwrap(), 0);
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    inbox.submit(Command::SetSecret { name: "mail".to_owned(), sealed: vec![1] }).await.unwrap();
    assert_eq!(kernel.node.drain().await.unwrap(), 1);
    assert_eq!(kernel.node.sealed_secret("mail").await.unwrap(), Some(vec![1]));
}

/// Overwrites the middle of a closed file.
fn damage(path: &Path, from: u64) {
    let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let bytes = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(&vec![0xA5; usize::try_from(bytes - from).unwrap()]).unwrap();
}

#[tokio::test]
async fn a_damaged_shard_is_out_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    drop(run_jobs(&layout(dir.path()), 400).await);
    damage(&dir.path().join("shards/01.db"), 0);
    let layout = layout(dir.path());
    let kernel = layout.kernel(Bell::default()).unwrap();
    assert_eq!(kernel.failures.len(), 1);
    assert_eq!(kernel.failures[0].file, "shards/01.db");
    assert!(kernel.failures[0].problem.contains("is damaged"));
    assert_eq!(kernel.shards.iter().map(|shard| shard.no().0).collect::<Vec<_>>(), [0, 2, 3]);
    let reader = layout.reader();
    let page = reader.jobs(&Query { limit: 1_000, ..Query::default() }).await.unwrap();
    assert_eq!((page.jobs.len(), page.missing.len(), page.missing[0].file.as_str()), (300, 1, "shards/01.db"));
    assert!(matches!(reader.job(id(1, 1)).await, Err(Error::Damaged { file, .. }) if file == "shards/01.db"));
    assert!(reader.job(id(2, 2)).await.unwrap().is_some());
    let stats = reader.stats().await.unwrap();
    assert!(stats.files.iter().any(|file| file.file == "shards/01.db" && file.problem.is_some()));
    // What is meant for it is accepted and waits.
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    inbox.submit(Command::Submit(Box::new(submission(id(1, 900))))).await.unwrap();
    inbox.submit(Command::Submit(Box::new(submission(id(2, 901))))).await.unwrap();
    for shard in &kernel.shards {
        shard.take().await.unwrap();
    }
    assert_eq!(ids(&kernel.shards[1].drain(9, 9).await.unwrap().claimed), [id(2, 901)]);
}

#[tokio::test]
async fn an_operation_on_a_damaged_page_fails_and_others_in_the_shard_go_on() {
    let dir = tempfile::tempdir().unwrap();
    drop(run_jobs(&layout(dir.path()), 400).await);
    let path = dir.path().join("shards/01.db");
    damage(&path, fs::metadata(&path).unwrap().len() / 2);
    let layout = layout(dir.path());
    let kernel = layout.kernel(Bell::default()).unwrap();
    let reader = layout.reader();
    let (mut read, mut damaged) = (0, 0);
    for n in 0..400 {
        let job = id(u16::try_from(n % 4).unwrap(), n);
        match reader.events(job, 0, 100).await {
            Ok(events) => read += usize::from(events.len() == 2),
            Err(Error::Damaged { file, .. }) => {
                assert_eq!(file, "shards/01.db");
                damaged += 1;
            }
            other => panic!("job {n}: {other:?}"),
        }
    }
    assert_eq!(read + damaged, 400, "nothing is lost in silence");
    assert!(damaged > 0 && read >= 300);
    drop(kernel);
}

#[tokio::test]
async fn a_missing_shard_is_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(layout(dir.path()));
    fs::remove_file(dir.path().join("shards/02.db")).unwrap();
    let kernel = layout(dir.path()).kernel(Bell::default()).unwrap();
    assert_eq!((kernel.shards.len(), kernel.failures[0].file.as_str()), (3, "shards/02.db"));
}

#[tokio::test]
async fn a_newer_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    drop(layout(dir.path()));
    let db = rusqlite::Connection::open(dir.path().join("documents.db")).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(db);
    let error = Layout::create_or_open(dir.path()).unwrap_err();
    assert!(matches!(&error, layout::Error::Newer { file, found: 99, .. } if file == "documents.db"), "{error}");
    let plan = dir.path().join("layout.json");
    let text = fs::read_to_string(&plan).unwrap().replace("\"format\": 2", "\"format\": 7");
    fs::write(&plan, text).unwrap();
    let error = Layout::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("layout.json has format 7"), "{error}");
}

#[tokio::test]
async fn a_directory_of_the_first_format_gets_what_the_second_added_and_nothing_that_it_lost() {
    let dir = tempfile::tempdir().unwrap();
    drop(layout(dir.path()));
    let plan = dir.path().join("layout.json");
    let text = fs::read_to_string(&plan).unwrap().replace("\"format\": 2", "\"format\": 1");
    fs::write(&plan, text).unwrap();
    fs::remove_file(dir.path().join("mesh.db")).unwrap();
    fs::remove_file(dir.path().join("shards/01.db")).unwrap();
    let upgraded = Layout::create_or_open(dir.path()).unwrap();
    assert_eq!(upgraded.plan().format, 2);
    assert!(upgraded.mesh_table().is_ok());
    assert!(!dir.path().join("shards/01.db").exists(), "a lost shard is reported, not made anew");
}

/// Everything that a process leaves behind when it is killed: the files as they are, logs not merged.
fn killed(from: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else if !entry.file_name().to_string_lossy().ends_with("-shm") {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let to = tempfile::tempdir().unwrap();
    copy(from, to.path());
    to
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let alive = layout(dir.path());
    let inbox = alive.inbox("gateway", Bell::default()).unwrap();
    let kernel = alive.kernel(Bell::default()).unwrap();
    let shard = &kernel.shards[0];
    shard.take().await.unwrap();
    for n in 0..30 {
        inbox.submit(Command::Submit(Box::new(submission(id(0, n))))).await.unwrap();
        if n % 3 == 0 {
            for claimed in shard.drain(2, 2).await.unwrap().claimed {
                let job = claimed.submission.job;
                shard.append(write(job, &[log(2, "done")], RowChange::default())).await.unwrap();
            }
        }
        if n % 10 == 5 {
            let left = killed(dir.path());
            let after = layout(left.path());
            let next = after.kernel(Bell::default()).unwrap();
            let running = next.shards[0].take().await.unwrap();
            let rest = next.shards[0].drain(1_000, 1_000).await.unwrap();
            let mut all: Vec<_> = running.iter().copied().chain(ids(&rest.claimed)).collect();
            all.sort_unstable();
            assert_eq!(all, (0..=n).map(|n| id(0, n)).collect::<Vec<_>>(), "each is there once");
            for job in running {
                assert_eq!(after.reader().events(job, 0, 9).await.unwrap().len(), 2, "its commit is there");
            }
        }
    }
}

#[tokio::test]
async fn a_kill_between_a_claim_and_its_commit_loses_no_job_and_claims_none_twice() {
    let dir = tempfile::tempdir().unwrap();
    let alive = layout(dir.path());
    let inbox = alive.inbox("gateway", Bell::default()).unwrap();
    let kernel = alive.kernel(Bell::default()).unwrap();
    let shard = &kernel.shards[0];
    shard.take().await.unwrap();
    let mut ended = Vec::new();
    for round in 0..12_u64 {
        let jobs = [id(0, 2 * round), id(0, 2 * round + 1)];
        for job in jobs {
            inbox.submit(Command::Submit(Box::new(submission(job)))).await.unwrap();
        }
        let (drained, committed) = shard.drain_ahead(9, 9).await.unwrap();
        assert_eq!(ids(&drained.claimed), jobs);
        // The first shares the claim's commit if it comes in time; whether it did is seen from the end it has.
        let first = write(jobs[0], &[log(2, "done")], state(State::Succeeded));
        let append = tokio::spawn({
            let shard = shard.clone();
            async move { shard.append(first).await }
        });
        let left = killed(dir.path());
        let after = layout(left.path());
        let next = after.kernel(Bell::default()).unwrap();
        let mut there = next.shards[0].take().await.unwrap();
        there.extend(ids(&next.shards[0].drain(100, 100).await.unwrap().claimed));
        let end = after.reader().job(jobs[0]).await.unwrap().unwrap().state;
        there.extend((end == State::Succeeded).then_some(jobs[0]));
        there.sort_unstable();
        assert_eq!(there, jobs, "round {round}: each is there once");
        for job in &ended {
            assert_eq!(after.reader().events(*job, 0, 9).await.unwrap().len(), 2, "round {round}: its commit is there");
        }
        append.await.unwrap().unwrap();
        committed.await.unwrap();
        shard.append(write(jobs[1], &[log(2, "done")], state(State::Succeeded))).await.unwrap();
        ended.extend(jobs);
    }
}

#[tokio::test]
async fn a_queued_job_without_its_first_event_does_not_hold_up_the_others() {
    let dir = tempfile::tempdir().unwrap();
    {
        let layout = layout(dir.path());
        let inbox = layout.inbox("gateway", Bell::default()).unwrap();
        let kernel = layout.kernel(Bell::default()).unwrap();
        kernel.shards[0].take().await.unwrap();
        for n in 0..3 {
            inbox.submit(Command::Submit(Box::new(submission(id(0, n))))).await.unwrap();
        }
        assert!(kernel.shards[0].drain(9, 0).await.unwrap().claimed.is_empty());
    }
    rusqlite::Connection::open(dir.path().join("shards/00.db"))
        .unwrap()
        .execute("DELETE FROM journal WHERE job = (SELECT no FROM job WHERE id = ?1)", [id(0, 1).0])
        .unwrap();
    let kernel = layout(dir.path()).kernel(Bell::default()).unwrap();
    kernel.shards[0].take().await.unwrap();
    assert_eq!(ids(&kernel.shards[0].drain(9, 9).await.unwrap().claimed), [id(0, 0), id(0, 2)]);
    assert!(kernel.shards[0].drain(9, 9).await.unwrap().claimed.is_empty());
}

#[tokio::test]
async fn drained_entries_leave_the_inbox() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    drop(run_jobs(&layout, 400).await);
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let db = rusqlite::Connection::open(dir.path().join("inbox/gateway.db")).unwrap();
    let left = || db.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0)).unwrap();
    // The writer tidies up on its own clock.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while left() > 0 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(left(), 0);
    drop(inbox);
}

#[tokio::test]
async fn files_shrink_when_history_goes() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let kernel = run_jobs(&layout, 0).await;
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    for n in 0..300 {
        // Words of random-looking digits do not compress away.
        let noise: String = (0..200).map(|i| BlobId::of(format!("{n} {i}").as_bytes()).to_string()).collect();
        let one = Submission { input: vec![Item::json(noise.into())], ..submission(id(0, n)) };
        inbox.submit(Command::Submit(Box::new(one))).await.unwrap();
    }
    let shard = &kernel.shards[0];
    for claimed in shard.drain(1_000, 1_000).await.unwrap().claimed {
        shard.append(write(claimed.submission.job, &[log(2, "x")], state(State::Succeeded))).await.unwrap();
    }
    let size = || fs::metadata(dir.path().join("shards/00.db")).unwrap().len();
    let rules = flowork_ports::store::RetentionRules { bytes: Some(4 * 200_000), ..Default::default() };
    let gone = shard.forget(&rules, suite::T0, 1_000).await.unwrap();
    assert!(gone > 100 && gone < 300, "{gone} went");
    // The writer gives pages back on its own clock, some at a time.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while size() > 1_500_000 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(size() <= 1_500_000, "{} bytes are left", size());
}

#[tokio::test]
async fn blobs_that_nothing_names_go_after_the_grace_period() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let blobs = layout.blobs();
    let put = async |bytes: &'static [u8]| blobs.put_bytes(Bytes::from_static(bytes)).await.unwrap();
    let (named, waiting, version, lost) =
        (put(b"named").await, put(b"waiting").await, put(b"version").await, put(b"lost").await);
    let drafted = put(b"drafted").await;
    let of = |blob: BlobId| {
        serde_json::from_value::<Item>(serde_json::json!({
            "json": {}, "files": { "f": { "blob": blob.to_string(), "size": 5, "name": "f" } }
        }))
        .unwrap()
    };
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = run_jobs(&layout, 0).await;
    let submit = async |n, blob| {
        let one = Submission { input: vec![of(blob)], ..submission(id(0, n)) };
        inbox.submit(Command::Submit(Box::new(one))).await.unwrap();
    };
    submit(1, named).await;
    assert_eq!(kernel.shards[0].drain(9, 9).await.unwrap().claimed.len(), 1);
    submit(2, waiting).await;
    let kept = Kept { versions: HashSet::from([VersionId(version.0)]), blobs: HashSet::from([drafted]) };
    let rules = |grace| Rules { grace, versions: Duration::ZERO };
    let sweeper = layout.sweeper();
    let young = sweeper.sweep(rules(Duration::from_secs(3_600)), kept.clone()).await.unwrap();
    assert_eq!((young.kept, young.removed), (5, 0));
    let first = layout.sweeper().sweep(rules(Duration::from_millis(1)), kept.clone()).await.unwrap();
    assert_eq!(first.removed, 0, "one look is not enough");
    let swept = sweeper.sweep(rules(Duration::ZERO), kept.clone()).await.unwrap();
    assert_eq!((swept.kept, swept.removed, swept.removed_bytes), (4, 1, 4));
    assert!(!blobs.has(lost).await.unwrap());
    assert!(matches!(blobs.get(lost).await, Err(flowork_ports::blobs::Error::Missing(_))));
    for (kept, bytes) in [(named, &b"named"[..]), (waiting, b"waiting"), (version, b"version"), (drafted, b"drafted")] {
        assert_eq!(blobs.get(kept).await.unwrap(), bytes);
    }
    // What only a forgotten job named goes; a job that is there keeps its files.
    let shard = &kernel.shards[0];
    shard.append(write(id(0, 1), &[log(2, "x")], state(State::Succeeded))).await.unwrap();
    assert!(shard.delete(id(0, 1)).await.unwrap());
    // Its inbox entry names it too, until the inbox is trimmed on its own clock.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let mut swept = sweeper.sweep(rules(Duration::ZERO), kept.clone()).await.unwrap();
    while swept.removed == 0 && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
        swept = sweeper.sweep(rules(Duration::ZERO), kept.clone()).await.unwrap();
    }
    assert_eq!((swept.removed, swept.removed_bytes), (1, 5));
    assert!(!blobs.has(named).await.unwrap() && blobs.has(waiting).await.unwrap());
}

#[tokio::test]
async fn a_blob_is_streamed_limited_and_checked() {
    use tokio::io::AsyncReadExt as _;
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let blobs = layout.blobs();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let stream = |bytes: &[u8]| -> flowork_ports::blobs::ByteStream { Box::pin(std::io::Cursor::new(bytes.to_vec())) };
    let (id, size) = blobs.put(stream(&bytes), 3_000_000).await.unwrap();
    assert_eq!((id, size), (BlobId::of(&bytes), 3_000_000));
    let again = blobs.put(stream(&bytes), 3_000_000).await.unwrap();
    assert_eq!(again, (id, size));
    let refused = blobs.put(stream(&bytes), 2_999_999).await;
    assert!(matches!(refused, Err(flowork_ports::blobs::Error::TooLarge { limit_bytes: 2_999_999 })));
    let (mut open, size) = blobs.open(id).await.unwrap();
    let mut back = Vec::new();
    open.read_to_end(&mut back).await.unwrap();
    assert_eq!((back, size), (bytes, 3_000_000));
    damage(&blobs.path(id).await.unwrap(), 100);
    assert!(matches!(blobs.get(id).await, Err(flowork_ports::blobs::Error::Damaged(_))));
    assert_eq!(fs::read_dir(dir.path().join("blobs/unfinished")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_document_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let table = layout.document_table().unwrap();
    table.put("a/1", b"one".to_vec()).await.unwrap();
    table.put("a/2", b"two".to_vec()).await.unwrap();
    table.put("b", b"three".to_vec()).await.unwrap();
    let all = |entries: &[(&str, &[u8])]| {
        entries.iter().map(|(key, body)| ((*key).to_owned(), body.to_vec())).collect::<Vec<_>>()
    };
    assert_eq!(table.load_range("a/").await.unwrap(), all(&[("a/1", b"one"), ("a/2", b"two")]));
    assert_eq!(table.load_range("").await.unwrap().len(), 3);
    table.delete("a/1").await.unwrap();
    assert_eq!(table.load("a/1").await.unwrap(), None);
    rusqlite::Connection::open(dir.path().join("documents.db"))
        .unwrap()
        .execute("UPDATE document SET body = x'00' WHERE key = 'a/2'", [])
        .unwrap();
    for error in
        [table.load("a/2").await.map(|_| ()).unwrap_err(), table.load_range("a/").await.map(|_| ()).unwrap_err()]
    {
        assert!(
            matches!(&error, Error::Damaged { file, detail } if file == "documents.db" && detail.contains("a/2")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn text_is_found_in_items_logs_and_errors() {
    let dir = tempfile::tempdir().unwrap();
    let layout = layout(dir.path());
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = run_jobs(&layout, 0).await;
    for n in 0..4 {
        let one = Submission {
            input: vec![Item::json(serde_json::json!({ "city": format!("Zürich-{n}"), "n": 42 }))],
            ..submission(id(0, n))
        };
        inbox.submit(Command::Submit(Box::new(one))).await.unwrap();
    }
    let shard = &kernel.shards[0];
    assert_eq!(shard.drain(9, 9).await.unwrap().claimed.len(), 4);
    shard.append(write(id(0, 2), &[log(2, "the Engine caught fire")], state(State::Failed))).await.unwrap();
    let reader = layout.reader();
    let find = async |text: &str, states: Vec<State>| {
        let query = Query { text: Some(text.to_owned()), states, limit: 100, ..Query::default() };
        loop {
            let page = reader.jobs(&query).await.unwrap();
            if page.index_lag == 0 {
                let mut found: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
                found.sort_unstable();
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert_eq!(find("zurich", vec![]).await.len(), 4);
    assert_eq!(find("Zürich-2", vec![]).await, [id(0, 2)]);
    assert_eq!(find("42 engine", vec![]).await, [id(0, 2)], "words from different events of one job");
    assert_eq!(find("zurich", vec![State::Running]).await.len(), 3);
    assert!(find("nowhere", vec![]).await.is_empty());
    assert!(find("\"; DROP TABLE", vec![]).await.is_empty());
    assert!(shard.delete(id(0, 2)).await.unwrap());
    assert!(find("engine", vec![]).await.is_empty());
}
