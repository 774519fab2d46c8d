//! A disk without room: a file size limit for this process, which is why this test has a file of its own.

#![allow(clippy::unwrap_used, clippy::panic)]

mod suite;

use flowork_ports::Bell;
use flowork_ports::store::Error;
use flowork_protocol::command::{Command, Submission};
use flowork_protocol::{BlobId, Item};
use flowork_store::Layout;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use suite::{id, ids, log, submission, write};

fn noisy(n: u64) -> Submission {
    let noise: String = (0..300).map(|i| BlobId::of(format!("{n} {i}").as_bytes()).to_string()).collect();
    Submission { input: vec![Item::json(noise.into())], ..submission(id(0, n)) }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_work_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::create_or_open(dir.path()).unwrap();
    let inbox = layout.inbox("gateway", Bell::default()).unwrap();
    let kernel = layout.kernel(Bell::default()).unwrap();
    let shard = &kernel.shards[0];
    shard.take().await.unwrap();
    inbox.submit(Command::Submit(Box::new(noisy(0)))).await.unwrap();
    assert_eq!(shard.drain(9, 9).await.unwrap().claimed.len(), 1);

    let before = getrlimit(Resource::Fsize);
    // Past the limit the system sends SIGXFSZ, whose default is death; ignored, the write fails instead.
    let ignored = signal_ignored();
    setrlimit(Resource::Fsize, Rlimit { current: Some(2_000_000), maximum: before.maximum }).unwrap();
    let mut accepted = vec![];
    let mut refused = 0;
    for n in 1..400 {
        match inbox.submit(Command::Submit(Box::new(noisy(n)))).await {
            Ok(()) => accepted.push(id(0, n)),
            Err(Error::Full { file }) => {
                assert_eq!(file, "inbox/gateway.db");
                refused += 1;
                if refused == 3 {
                    break;
                }
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 3);
    // The shard fills up as well; its appends fail and change nothing.
    let mut seq = 2;
    let full = loop {
        let text: String = (0..2_000).map(|i| BlobId::of(format!("{seq} {i}").as_bytes()).to_string()).collect();
        match shard.append(write(id(0, 0), &[log(seq, &text)], Default::default())).await {
            Ok(_) => seq += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&full, Error::Full { file } if file == "shards/00.db"), "{full}");
    assert!(ignored);

    setrlimit(Resource::Fsize, before).unwrap();
    shard.append(write(id(0, 0), &[log(seq, "there is room again")], Default::default())).await.unwrap();
    assert_eq!(layout.reader().job(id(0, 0)).await.unwrap().unwrap().last_seq, seq);
    inbox.submit(Command::Submit(Box::new(noisy(999)))).await.unwrap();
    accepted.push(id(0, 999));
    let mut claimed = Vec::new();
    loop {
        let drained = shard.drain(64, 64).await.unwrap();
        claimed.extend(ids(&drained.claimed));
        if !drained.more {
            break;
        }
    }
    assert_eq!(claimed, accepted, "what was accepted is there, what was refused is not");
}

/// Has this process ignore SIGXFSZ.
#[allow(unsafe_code)]
fn signal_ignored() -> bool {
    // SAFETY: setting a signal's disposition to "ignore" runs no handler and touches no memory of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) != libc::SIG_ERR }
}
