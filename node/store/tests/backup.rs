//! A backup taken while work goes on, and the way back.

#![allow(clippy::unwrap_used, clippy::panic)]

mod suite;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use flowork_ports::Bell;
use flowork_protocol::command::Command;
use flowork_protocol::job::State;
use flowork_store::backup::{self, Error};
use flowork_store::{Layout, Mode, Secret, restore};
use suite::{id, ids, log, state, submission, write};

const IDENTITY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn keys(dir: &Path) {
    fs::create_dir_all(dir.join("keys")).unwrap();
    fs::write(dir.join("keys/node.key"), "identity").unwrap();
    fs::write(dir.join("keys/vault.key"), "vault").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_under_load_restores_and_its_jobs_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    keys(dir.path());
    let blob = layout.blobs().put_bytes(Bytes::from_static(b"a file")).await.unwrap();
    let table = layout.document_table().unwrap();
    table.put("draft", b"changes".to_vec()).await.unwrap();
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = layout.kernel(Bell::default()).unwrap();
    for shard in &kernel.shards {
        shard.take().await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let work = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move {
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..8 {
                    inbox
                        .submit(Command::Submit(Box::new(submission(id(u16::try_from(n % 4).unwrap(), n)))))
                        .await
                        .unwrap();
                    n += 1;
                }
                for shard in &kernel.shards {
                    for claimed in shard.drain(64, 1).await.unwrap().claimed {
                        shard
                            .append(write(claimed.submission.job, &[log(2, "x")], state(State::Succeeded)))
                            .await
                            .unwrap();
                    }
                }
            }
            n
        }
    });
    let aside = tempfile::tempdir().unwrap();
    let target = aside.path().join("node.backup");
    let secret = Secret::Identity(IDENTITY.to_owned().into());
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let manifest = tokio::task::spawn_blocking({
        let (layout, target, secret) = (layout.clone(), target.clone(), secret.clone());
        move || layout.backup(&target, &secret).unwrap()
    })
    .await
    .unwrap();
    stop.store(true, Ordering::Relaxed);
    let submitted = work.await.unwrap();
    assert!(manifest.files[0].path.starts_with("inbox/"), "inboxes come first");
    assert!(manifest.files.iter().any(|file| file.path == "keys/node.key"));

    let new = tempfile::tempdir().unwrap();
    let restored = restore(&target, &secret, new.path(), Mode::Move).unwrap();
    assert_eq!(fs::read_to_string(new.path().join("keys/node.key")).unwrap(), "identity");
    assert_eq!(restored.blobs().get(blob).await.unwrap(), "a file");
    assert_eq!(restored.document_table().unwrap().load("draft").await.unwrap().unwrap(), b"changes");
    let reader = restored.reader();
    let mut there = 0;
    for n in 0..submitted {
        there += u64::from(reader.job(id(u16::try_from(n % 4).unwrap(), n)).await.unwrap().is_some());
    }
    assert!(there > 0);
    // New work is not taken for drained, and old work goes on, each job once.
    let inbox = restored.inbox("gateway", Bell::default()).unwrap();
    let kernel = restored.kernel(Bell::default()).unwrap();
    for n in 0..40 {
        inbox
            .submit(Command::Submit(Box::new(submission(id(u16::try_from(n % 4).unwrap(), 1_000_000 + n)))))
            .await
            .unwrap();
    }
    let mut claimed = Vec::new();
    for shard in &kernel.shards {
        let running = shard.take().await.unwrap();
        claimed.extend(running);
        loop {
            let drained = shard.drain(256, 256).await.unwrap();
            claimed.extend(ids(&drained.claimed));
            if !drained.more {
                break;
            }
        }
    }
    let unique: std::collections::HashSet<_> = claimed.iter().copied().collect();
    assert_eq!(unique.len(), claimed.len(), "each job is claimed once");
    for n in 0..40 {
        assert!(unique.contains(&id(u16::try_from(n % 4).unwrap(), 1_000_000 + n)), "new job {n} was skipped");
    }
    let stats = reader.stats().await.unwrap().jobs;
    assert_eq!(stats["running"] + stats["succeeded"], there + 40, "nothing of the backup is lost");
}

#[tokio::test]
async fn a_copy_leaves_the_node_key_behind() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    keys(dir.path());
    let aside = tempfile::tempdir().unwrap();
    let target = aside.path().join("b");
    layout.backup(&target, &Secret::Recipient(RECIPIENT.to_owned())).unwrap();
    let secret = Secret::Identity(IDENTITY.to_owned().into());
    let new = aside.path().join("new");
    let mut copy = restore(&target, &secret, &new, Mode::Copy).unwrap();
    assert!(!new.join("keys/node.key").exists());
    assert!(new.join("keys/vault.key").exists());
    assert!(copy.plan().copied_at.is_some());
    copy.settle_copy().unwrap();
    assert_eq!(Layout::open(&new).unwrap().plan().copied_at, None);
    assert!(matches!(restore(&target, &secret, &new, Mode::Move), Err(Error::NotEmpty(_))));
    assert!(matches!(layout.backup(&target, &secret), Err(Error::NotEmpty(_))), "an old backup is not overwritten");
}

#[tokio::test]
async fn a_wrong_secret_and_a_damaged_backup_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let aside = tempfile::tempdir().unwrap();
    let target = aside.path().join("b");
    let secret = Secret::passphrase("correct horse".to_owned());
    layout.backup(&target, &secret).unwrap();
    backup::verify(&target, &secret).unwrap();
    // age would measure this machine and refuse on a slower one, or on this one when it is busy.
    let head = String::from_utf8_lossy(&fs::read(&target).unwrap()[..200]).into_owned();
    let work = head.lines().find_map(|line| line.strip_prefix("-> scrypt ")?.split(' ').nth(1).map(str::to_owned));
    assert_eq!(work.as_deref(), Some("17"), "{head}");
    let new = aside.path().join("new");
    let wrong = restore(&target, &Secret::passphrase("wrong".to_owned()), &new, Mode::Move);
    assert!(matches!(wrong, Err(Error::Locked(_))), "{:?}", wrong.map(|_| ()));
    assert!(Layout::open(&new).is_err(), "nothing usable is left");
    let mut bytes = fs::read(&target).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&target, &bytes).unwrap();
    let damaged = backup::verify(&target, &secret);
    assert!(damaged.is_err(), "one flipped bit is found");
    bytes[middle] ^= 1;
    bytes.truncate(middle);
    fs::write(&target, &bytes).unwrap();
    assert!(backup::verify(&target, &secret).is_err(), "a cut backup is found");
}
