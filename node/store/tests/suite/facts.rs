//! One function per promise.

use flowork_ports::store::{Error, JobWrite, Query, RetentionRules, RowChange};
use flowork_protocol::command::{Activation, Command, Role, Signal, Token};
use flowork_protocol::event::{Event, What, decode};
use flowork_protocol::id::{ChunkId, LoginLinkId, TokenId};
use flowork_protocol::job::State;
use flowork_protocol::login::{Enrolment, Link, PublicKey};
use flowork_protocol::preset::{Preset, Retention};
use flowork_protocol::{Failure, JobId, PresetId, Timestamp, VersionId};

use super::{Backend, T0, id, ids, log, state, submission, write};

pub async fn jobs_are_claimed_in_the_order_they_were_accepted(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let jobs: Vec<_> = (0..100).map(|n| id(0, n)).collect();
    for job in &jobs {
        store.submit(submission(*job)).await;
    }
    let first = store.shards[0].drain(60, 10).await.unwrap();
    assert_eq!(ids(&first.claimed), jobs[..10]);
    assert!(first.more);
    let second = store.shards[0].drain(60, 50).await.unwrap();
    assert_eq!(ids(&second.claimed), jobs[10..60]);
    let third = store.shards[0].drain(60, 50).await.unwrap();
    assert_eq!(ids(&third.claimed), jobs[60..]);
    assert!(!third.more);
    assert_eq!(third.claimed[0].submission, submission(jobs[60]));
}

pub async fn a_higher_priority_is_claimed_first(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    for (n, priority) in [(1, 0), (2, 5), (3, -5), (4, 5)] {
        store.submit(flowork_protocol::command::Submission { priority, ..submission(id(0, n)) }).await;
    }
    let drained = store.shards[0].drain(64, 3).await.unwrap();
    assert_eq!(ids(&drained.claimed), [id(0, 2), id(0, 4), id(0, 1)]);
    // A later one of lower priority does not overtake who waits.
    store.submit(flowork_protocol::command::Submission { priority: -9, ..submission(id(0, 5)) }).await;
    let drained = store.shards[0].drain(64, 9).await.unwrap();
    assert_eq!(ids(&drained.claimed), [id(0, 3), id(0, 5)]);
}

pub async fn an_entry_is_drained_once_across_reopening_at_any_point(backend: &impl Backend) {
    let mut claimed = Vec::new();
    for round in 0..8_u64 {
        let store = backend.open();
        for n in 0..10 {
            store.submit(submission(id(0, round * 10 + n))).await;
        }
        let store = if round % 2 == 0 {
            drop(store);
            backend.open()
        } else {
            store
        };
        store.take().await;
        let drained = store.shards[0].drain(7, 7).await.unwrap();
        claimed.extend(ids(&drained.claimed));
    }
    let store = backend.open();
    store.take().await;
    claimed.extend(ids(&store.drain(1_000).await.claimed));
    assert_eq!(claimed, (0..80).map(|n| id(0, n)).collect::<Vec<_>>());
}

pub async fn a_second_submission_of_a_job_changes_nothing(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    store.submit(submission(job)).await;
    store.submit(flowork_protocol::command::Submission { priority: 9, ..submission(job) }).await;
    assert_eq!(ids(&store.drain(9).await.claimed), [job]);
    store.submit(submission(job)).await;
    assert!(store.drain(9).await.claimed.is_empty());
    assert_eq!(store.reader.job(job).await.unwrap().unwrap().priority, 0);
}

pub async fn a_kernel_that_lost_its_lease_is_refused(backend: &impl Backend) {
    let old = backend.open();
    assert!(matches!(old.shards[0].drain(1, 1).await, Err(Error::Fenced { .. })), "no lease was taken yet");
    old.take().await;
    let job = id(0, 1);
    old.submit(submission(job)).await;
    assert_eq!(ids(&old.drain(9).await.claimed), [job]);
    let new = backend.open();
    assert_eq!(new.shards[0].take().await.unwrap(), [job]);
    let late = old.shards[0].append(write(job, &[log(2, "late")], RowChange::default())).await;
    assert!(matches!(late, Err(Error::Fenced { .. })), "{late:?}");
    assert!(matches!(old.shards[0].drain(9, 9).await, Err(Error::Fenced { .. })));
    assert!(matches!(old.shards[0].wake(job).await, Err(Error::Fenced { .. })));
    new.shards[0].append(write(job, &[log(2, "in time")], RowChange::default())).await.unwrap();
    let events = new.reader.events(job, 1, 9).await.unwrap();
    assert_eq!(events, [log(2, "in time")]);
}

pub async fn an_append_is_all_or_nothing(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    store.submit(submission(job)).await;
    store.drain(9).await;
    let child = JobId::child(job, "a", 1);
    let chunk = (ChunkId::of(b"items"), b"items".repeat(2_000));
    let whole = || JobWrite {
        chunks: vec![chunk.clone()],
        submissions: vec![submission(child)],
        checkpoint: Some(b"folded".to_vec()),
        ..write(job, &[log(2, "one"), log(3, "two")], RowChange::default())
    };
    let wrong = store.shards[0].append(JobWrite { first_seq: 3, last_seq: 4, ..whole() }).await;
    assert!(matches!(wrong, Err(Error::Other { .. })), "{wrong:?}");
    assert_eq!(store.reader.job(child).await.unwrap(), None);
    assert!(store.shards[0].chunks(job, vec![chunk.0]).await.unwrap().is_empty());
    store.shards[0].append(whole()).await.unwrap();
    let again = store.shards[0].append(whole()).await;
    assert!(matches!(again, Err(Error::Other { .. })), "the same events cannot come twice");
    assert_eq!(store.shards[0].chunks(job, vec![chunk.0]).await.unwrap(), vec![chunk.clone()]);
    assert_eq!(store.reader.chunks(job, vec![chunk.0]).await.unwrap(), vec![chunk]);
    let stored = store.shards[0].load(job).await.unwrap();
    assert_eq!(stored.checkpoint, Some((3, b"folded".to_vec())));
    assert_eq!(stored.batches.len(), 1, "everything but the first event is in the checkpoint");
    let seqs = |batches: &[Vec<u8>]| -> Vec<u64> {
        batches.iter().flat_map(|batch| decode(batch).unwrap()).map(|event| event.seq).collect()
    };
    assert_eq!(seqs(&stored.batches), [1]);
    assert_eq!(seqs(&store.shards[0].history(job).await.unwrap()), [1, 2, 3]);
    assert_eq!(ids(&store.drain(9).await.claimed), [child]);
    let nobody = id(0, 77);
    let lost = store.shards[0].append(write(nobody, &[log(2, "x")], RowChange::default())).await;
    assert!(matches!(lost, Err(Error::NoJob(job)) if job == nobody), "{lost:?}");
}

pub async fn appends_of_one_job_are_done_in_the_order_of_the_calls(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    store.submit(submission(job)).await;
    store.drain(9).await;
    let writes: Vec<_> = (2..200).map(|seq| write(job, &[log(seq, &seq.to_string())], RowChange::default())).collect();
    let done = futures::future::join_all(writes.into_iter().map(|write| store.shards[0].append(write))).await;
    let commits: Vec<u64> = done.into_iter().map(Result::unwrap).collect();
    assert!(commits.is_sorted());
    assert!(commits.last().unwrap() - commits.first().unwrap() < 100, "appends share commits");
    let events = store.reader.events(job, 0, 1_000).await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..200).collect::<Vec<_>>());
    assert!(matches!(&events[0].what, What::Accepted(accepted) if **accepted == submission(job)));
    let some = store.reader.events(job, 100, 10).await.unwrap();
    assert_eq!(some.iter().map(|event| event.seq).collect::<Vec<_>>(), (101..111).collect::<Vec<_>>());
}

pub async fn signals_reach_jobs_and_stay_until_they_are_carried_out(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let (job, other) = (id(0, 1), id(0, 2));
    store.submit(submission(job)).await;
    store.submit(submission(other)).await;
    store.drain(9).await;
    store.shards[0].append(write(job, &[log(2, "waits")], state(State::Waiting))).await.unwrap();
    store.signal(job, Signal::Pause).await;
    store.signal(other, Signal::Resume).await;
    store.signal(id(0, 99), Signal::Pause).await;
    assert_eq!(store.drain(9).await.signalled, [job, other]);
    assert!(store.shards[0].wake(job).await.unwrap());
    assert!(!store.shards[0].wake(job).await.unwrap(), "it is running now");
    assert!(!store.shards[0].wake(id(0, 99)).await.unwrap());
    drop(store);
    let store = backend.open();
    store.take().await;
    assert_eq!(store.drain(9).await.signalled, [job, other], "told again to the next kernel");
    let signals = store.shards[0].load(job).await.unwrap().signals;
    assert_eq!(signals.len(), 1);
    assert_eq!(signals[0].1, Signal::Pause);
    let done = JobWrite { signals_done: vec![signals[0].0], ..write(job, &[log(3, "paused")], state(State::Paused)) };
    store.shards[0].append(done).await.unwrap();
    assert!(store.shards[0].load(job).await.unwrap().signals.is_empty());
    // From one job to another, in one commit.
    let ends =
        JobWrite { signals: vec![(job, Signal::Resume)], ..write(other, &[log(2, "ends")], state(State::Failed)) };
    store.shards[0].append(ends).await.unwrap();
    assert_eq!(store.drain(9).await.signalled, [job]);
    store.signal(other, Signal::Pause).await;
    assert!(store.drain(9).await.signalled.is_empty(), "an ended job hears nothing");
    assert!(store.shards[0].load(other).await.unwrap().signals.is_empty());
}

pub async fn a_signal_through_one_gateway_waits_for_a_job_through_another(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    // As a clock that jumps leaves them: the signal looks older than what it is for, and hides behind it.
    store.signal(job, Signal::Pause).await;
    for n in 2..6 {
        store.submit(submission(id(0, n))).await;
    }
    store.other.submit(Command::Submit(Box::new(submission(id(0, 10))))).await.unwrap();
    store.other.submit(Command::Submit(Box::new(submission(job)))).await.unwrap();
    let mut claimed = Vec::new();
    let mut signalled = Vec::new();
    for _ in 0..9 {
        let drained = store.shards[0].drain(1, 9).await.unwrap();
        claimed.extend(ids(&drained.claimed));
        signalled.extend(drained.signalled);
    }
    assert_eq!(signalled, [job]);
    claimed.sort_unstable();
    assert_eq!(claimed, [1, 2, 3, 4, 5, 10].map(|n| id(0, n)));
    // Two that wait for each other's end are not waited for.
    // The signal is one that a drain only keeps: a pause would be carried out at once where it still finds its job.
    let decide = || Signal::Decide { run: "a".to_owned(), approved: true, by: "me".to_owned(), note: String::new() };
    store.signal(id(0, 30), decide()).await;
    store.other.submit(Command::Signal(id(0, 31), decide())).await.unwrap();
    store.submit(submission(id(0, 31))).await;
    store.other.submit(Command::Submit(Box::new(submission(id(0, 30))))).await.unwrap();
    let mut claimed = Vec::new();
    for _ in 0..6 {
        claimed.extend(ids(&store.shards[0].drain(9, 9).await.unwrap().claimed));
    }
    claimed.sort_unstable();
    assert_eq!(claimed, [id(0, 30), id(0, 31)]);
}

pub async fn a_job_that_has_not_begun_can_be_cancelled_out_of_turn(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    store.submit(submission(job)).await;
    assert!(store.shards[0].drain(9, 0).await.unwrap().claimed.is_empty());
    assert!(!store.shards[0].wake(job).await.unwrap(), "nobody asked for its end");
    store.signal(job, Signal::Cancel { reason: "no".to_owned() }).await;
    assert_eq!(store.shards[0].drain(9, 0).await.unwrap().signalled, [job]);
    assert!(store.shards[0].wake(job).await.unwrap());
    assert!(store.drain(9).await.claimed.is_empty(), "claimed once only");
}

pub async fn a_job_that_is_paused_before_it_began_is_not_claimed_until_it_is_resumed(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let (first, second, held) = (id(0, 1), id(0, 2), id(0, 3));
    for job in [first, second] {
        store.submit(submission(job)).await;
    }
    let limited = flowork_protocol::command::Submission {
        concurrency: Some(1),
        preset: PresetId::from("limited"),
        ..submission(held)
    };
    store.submit(limited.clone()).await;
    // In one look with what it is for: nothing of it may have begun.
    store.signal(first, Signal::Pause).await;
    store.signal(held, Signal::Pause).await;
    let drained = store.shards[0].drain(64, 64).await.unwrap();
    assert_eq!(ids(&drained.claimed), [second]);
    assert!(drained.held.is_empty() && drained.signalled.is_empty());
    let state_of = async |job| store.reader.job(job).await.unwrap().unwrap().state;
    for job in [first, held] {
        assert_eq!(state_of(job).await, State::Paused);
        assert!(matches!(
            store.reader.events(job, 1, 9).await.unwrap()[..],
            [Event { seq: 2, what: What::Paused, .. }]
        ));
    }
    assert!(store.shards[0].claim_held(&limited.preset, 9).await.unwrap().is_empty());
    // A second pause is no event.
    store.signal(first, Signal::Pause).await;
    store.drain(9).await;
    assert_eq!(store.reader.job(first).await.unwrap().unwrap().last_seq, 2);
    // Resumed, each is back where it waited.
    store.signal(first, Signal::Resume).await;
    store.signal(held, Signal::Resume).await;
    let drained = store.shards[0].drain(64, 64).await.unwrap();
    assert_eq!(ids(&drained.claimed), [first]);
    assert_eq!((drained.claimed[0].last_seq, &drained.claimed[0].submission), (3, &submission(first)));
    assert_eq!(drained.held, [(limited.preset.clone(), 1, 1)]);
    let claimed = store.shards[0].claim_held(&limited.preset, 9).await.unwrap();
    assert_eq!((ids(&claimed), claimed[0].last_seq), (vec![held], 3));
    store.shards[0].append(write(first, &[log(4, "goes on")], RowChange::default())).await.unwrap();
}

pub async fn a_job_that_is_paused_before_it_began_can_be_cancelled(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    store.submit(submission(job)).await;
    store.signal(job, Signal::Pause).await;
    assert!(store.drain(9).await.claimed.is_empty());
    store.signal(job, Signal::Cancel { reason: String::new() }).await;
    assert_eq!(store.drain(9).await.signalled, [job]);
    assert!(store.shards[0].wake(job).await.unwrap());
}

pub async fn pause_and_resume_of_a_job_that_began_are_for_the_kernel(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    store.submit(submission(job)).await;
    store.drain(9).await;
    store.signal(job, Signal::Pause).await;
    assert_eq!(store.drain(9).await.signalled, [job]);
    let signals_done = store.shards[0].load(job).await.unwrap().signals.iter().map(|it| it.0).collect();
    let row = RowChange { started_at: Some(T0), ..state(State::Paused) };
    let paused = JobWrite { signals_done, ..write(job, &[log(2, "paused")], row) };
    store.shards[0].append(paused).await.unwrap();
    store.signal(job, Signal::Resume).await;
    assert_eq!(store.drain(9).await.signalled, [job]);
    assert_eq!(store.reader.job(job).await.unwrap().unwrap().state, State::Paused, "its kernel decides");
    assert!(store.shards[0].wake(job).await.unwrap());
}

pub async fn a_claimed_job_with_signals_is_told_of(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    store.submit(submission(job)).await;
    store.signal(job, Signal::Cancel { reason: String::new() }).await;
    assert_eq!(store.shards[0].drain(9, 0).await.unwrap().signalled, [job]);
    let drained = store.shards[0].drain(9, 9).await.unwrap();
    assert_eq!((ids(&drained.claimed), drained.signalled), (vec![job], vec![job]));
}

pub async fn held_jobs_wait_for_their_preset(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    for n in 0..5 {
        let priority = i32::try_from(n % 2).unwrap();
        store
            .submit(flowork_protocol::command::Submission { concurrency: Some(2), priority, ..submission(id(0, n)) })
            .await;
    }
    let drained = store.shards[0].drain(64, 64).await.unwrap();
    assert!(drained.claimed.is_empty());
    let preset = PresetId::from("preset-1");
    assert_eq!(drained.held, [(preset.clone(), 2, 5)]);
    assert_eq!(store.reader.job(id(0, 0)).await.unwrap().unwrap().state, State::Held);
    let claimed = store.shards[0].claim_held(&preset, 2).await.unwrap();
    assert_eq!(ids(&claimed), [id(0, 1), id(0, 3)]);
    assert_eq!(store.shards[0].drain(64, 64).await.unwrap().held, [(preset.clone(), 2, 3)]);
    assert_eq!(ids(&store.shards[0].claim_held(&preset, 9).await.unwrap()).len(), 3);
    assert!(store.shards[0].drain(64, 64).await.unwrap().held.is_empty());
    assert!(store.shards[0].claim_held(&PresetId::from("nobody"), 9).await.unwrap().is_empty());
}

pub async fn due_jobs_are_claimed_when_their_time_has_come(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    for n in 1..=3 {
        store.submit(submission(id(0, n))).await;
    }
    store.drain(9).await;
    assert_eq!(store.shards[0].next_due().await.unwrap(), None);
    for n in 1..=3 {
        let row = RowChange {
            state: Some(State::Waiting),
            due_at: Some((n != 2).then(|| T0.plus_ms(1_000 * n))),
            ..RowChange::default()
        };
        store.shards[0].append(write(id(0, n), &[log(2, "waits")], row)).await.unwrap();
    }
    assert_eq!(store.shards[0].next_due().await.unwrap(), Some(T0.plus_ms(1_000)));
    assert!(store.shards[0].claim_due(T0, 9).await.unwrap().is_empty());
    assert_eq!(store.shards[0].claim_due(T0.plus_ms(5_000), 1).await.unwrap(), [id(0, 1)]);
    assert_eq!(store.shards[0].next_due().await.unwrap(), Some(T0.plus_ms(3_000)));
    assert_eq!(store.shards[0].claim_due(T0.plus_ms(3_000), 9).await.unwrap(), [id(0, 3)]);
    assert_eq!(store.shards[0].next_due().await.unwrap(), None);
    let running = RowChange { due_at: Some(None), ..RowChange::default() };
    store.shards[0].append(write(id(0, 1), &[log(3, "goes on")], running)).await.unwrap();
    assert_eq!(store.reader.job(id(0, 1)).await.unwrap().unwrap().due_at, None);
}

pub async fn retention_forgets_whole_ended_jobs_and_remembers_keys(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    for n in 0..10 {
        store.submit(flowork_protocol::command::Submission { keyed: n == 0, ..submission(id(0, n)) }).await;
    }
    store.drain(100).await;
    let day = 86_400_000;
    for n in 0..9 {
        store.end(id(0, n), T0.plus_ms(n * day)).await;
    }
    let now = T0.plus_ms(10 * day);
    let rules = RetentionRules { days: Some(5), ..RetentionRules::default() };
    assert_eq!(store.shards[0].forget(&rules, now, 2).await.unwrap(), 2);
    assert_eq!(store.shards[0].forget(&rules, now, 100).await.unwrap(), 3);
    assert_eq!(store.shards[0].forget(&rules, now, 100).await.unwrap(), 0);
    assert_eq!(store.reader.job(id(0, 4)).await.unwrap(), None);
    assert!(matches!(store.reader.events(id(0, 4), 0, 9).await, Err(Error::NoJob(_))));
    // The keyed one may not run again, the other may.
    store.submit(flowork_protocol::command::Submission { keyed: true, ..submission(id(0, 0)) }).await;
    store.submit(submission(id(0, 1))).await;
    assert_eq!(ids(&store.drain(9).await.claimed), [id(0, 1)]);
    let own = Retention { days: None, jobs: Some(1) };
    let rules = RetentionRules { presets: [(PresetId::from("preset-1"), own)].into(), ..rules };
    assert_eq!(store.shards[0].forget(&rules, now, 100).await.unwrap(), 3);
    assert!(store.reader.job(id(0, 8)).await.unwrap().is_some(), "the newest ended one is kept");
    assert!(store.reader.job(id(0, 9)).await.unwrap().is_some(), "it has not ended");
    assert!(!store.shards[0].delete(id(0, 9)).await.unwrap());
    store.inbox.submit(Command::DeleteJob(id(0, 8))).await.unwrap();
    store.drain(0).await;
    assert_eq!(store.reader.job(id(0, 8)).await.unwrap(), None);
    assert!(!store.shards[0].delete(id(0, 8)).await.unwrap());
}

pub async fn accepted_jobs_are_seen_before_a_kernel_drains_them(backend: &impl Backend) {
    let store = backend.open();
    let job = id(1, 1);
    store.submit(submission(job)).await;
    let seen = store.reader.job(job).await.unwrap().unwrap();
    assert_eq!((seen.state, seen.last_seq, seen.name.as_str()), (State::Queued, 1, "orders"));
    let waiting = store.reader.events(job, 0, 9).await.unwrap();
    assert_eq!(
        store.reader.jobs(&Query { limit: 9, ..Query::default() }).await.unwrap().jobs,
        std::slice::from_ref(&seen)
    );
    assert_eq!(store.reader.stats().await.unwrap().jobs.get("queued"), Some(&1));
    store.take().await;
    store.drain(9).await;
    assert_eq!(store.reader.events(job, 0, 9).await.unwrap(), waiting, "event 1 is the same before and after");
    let jobs = store.reader.jobs(&Query { limit: 9, ..Query::default() }).await.unwrap().jobs;
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].state, jobs[0].accepted_at), (State::Running, seen.accepted_at));
}

pub async fn pages_hold_every_job_once_newest_first(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let mut all = Vec::new();
    for n in 0..60_u64 {
        let shard = u16::try_from(n % 3).unwrap();
        store.submit(submission(id(shard, n))).await;
        all.push(id(shard, n));
        if n == 30 {
            store.drain(1_000).await;
        }
    }
    let mut found = Vec::new();
    let mut query = Query { limit: 7, ..Query::default() };
    loop {
        let page = store.reader.jobs(&query).await.unwrap();
        assert!(page.missing.is_empty());
        assert!(page.jobs.len() <= 7);
        found.extend(page.jobs);
        // Jobs move from inboxes to shards and states change between pages.
        if found.len() == 14 {
            store.drain(1_000).await;
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert!(found.is_sorted_by_key(|job| std::cmp::Reverse((job.accepted_at, job.id))));
    let mut sorted: Vec<_> = found.iter().map(|job| job.id).collect();
    sorted.sort_unstable();
    all.sort_unstable();
    assert_eq!(sorted, all);
    let error = store.reader.jobs(&Query { after: Some("x".to_owned()), limit: 1, ..Query::default() }).await;
    assert!(error.is_err());
}

pub async fn lists_are_filtered(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    for n in 0..6 {
        let parent = (n == 5).then(|| (id(0, 0), "a".to_owned()));
        let name = if n < 3 { "orders" } else { "mails" };
        let preset = PresetId::from(if n < 3 { "preset-1" } else { "preset-2" });
        let one =
            flowork_protocol::command::Submission { parent, preset, name: name.to_owned(), ..submission(id(0, n)) };
        store.submit(one).await;
    }
    store.drain(9).await;
    let error = Failure::new("broken", "the step `fetch` could not reach example.org");
    let failed = RowChange { state: Some(State::Failed), error: Some(error.clone()), ..RowChange::default() };
    store.shards[0].append(write(id(0, 4), &[log(2, "x")], failed)).await.unwrap();
    let list = async |query: Query| {
        let jobs = store.reader.jobs(&Query { limit: 100, ..query }).await.unwrap().jobs;
        let mut numbers: Vec<_> = (0..6).filter(|n| jobs.iter().any(|job| job.id == id(0, *n))).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(list(Query { states: vec![State::Failed], ..Query::default() }).await, [4]);
    assert_eq!(list(Query { preset: Some("mails".to_owned()), ..Query::default() }).await, [3, 4, 5]);
    assert_eq!(list(Query { preset: Some("preset-1".to_owned()), ..Query::default() }).await, [0, 1, 2]);
    assert_eq!(list(Query { parent: Some(id(0, 0)), ..Query::default() }).await, [5]);
    assert_eq!(list(Query { until: Some(Timestamp(0)), ..Query::default() }).await, Vec::<u64>::new());
    let running = Query {
        states: vec![State::Running],
        preset: Some("mails".to_owned()),
        since: Some(Timestamp(0)),
        ..Query::default()
    };
    assert_eq!(list(running).await, [3, 5]);
    assert_eq!(store.reader.job(id(0, 4)).await.unwrap().unwrap().error, Some(error));
    let stats = store.reader.stats().await.unwrap();
    assert_eq!((stats.jobs["running"], stats.jobs["failed"], stats.jobs["queued"]), (5, 1, 0));
}

pub async fn the_nodes_tables_follow_their_commands(backend: &impl Backend) {
    let store = backend.open();
    let token = Token {
        id: TokenId::from("t1"),
        label: "laptop".to_owned(),
        secret_hash: "ab".to_owned(),
        role: Role::Editor,
        created_at: T0,
        expires_at: None,
        login_key: None,
    };
    let mut header = Preset::named("orders");
    header.settings.retention = Some(Retention { days: Some(3), jobs: None });
    let activation = Activation { preset: PresetId::from("p"), version: VersionId::of(b"v"), header };
    for command in [
        Command::AddToken(token.clone()),
        Command::SetSecret { name: "mail".to_owned(), sealed: vec![1, 2, 3] },
        Command::Activate(Box::new(activation.clone())),
        Command::Set { name: "retention.days".to_owned(), value: 30.into() },
        Command::Set { name: "disk.budget_bytes".to_owned(), value: 1_000_000.into() },
    ] {
        store.inbox.submit(command).await.unwrap();
    }
    assert_eq!(store.node.drain().await.unwrap(), 5);
    assert_eq!(store.node.drain().await.unwrap(), 0);
    assert_eq!(store.reader.tokens().await.unwrap(), [token]);
    assert_eq!(store.node.sealed_secret("mail").await.unwrap(), Some(vec![1, 2, 3]));
    assert_eq!(store.node.sealed_secret("post").await.unwrap(), None);
    assert_eq!(store.reader.secrets().await.unwrap()[0].0, "mail");
    assert_eq!(store.node.activation_by_name("orders").await.unwrap(), Some(activation.clone()));
    assert_eq!(store.reader.activations().await.unwrap(), [activation]);
    let rules = store.node.retention().await.unwrap();
    assert_eq!((rules.days, rules.presets[&PresetId::from("p")].days), (Some(30), Some(3)));
    assert_eq!(store.reader.stats().await.unwrap().budget_bytes, Some(1_000_000));
    for command in [
        Command::RemoveToken(TokenId::from("t1")),
        Command::RemoveSecret("mail".to_owned()),
        Command::Deactivate(PresetId::from("p")),
        Command::Set { name: "retention.days".to_owned(), value: serde_json::Value::Null },
    ] {
        store.inbox.submit(command).await.unwrap();
    }
    drop(store);
    let store = backend.open();
    assert_eq!(store.node.drain().await.unwrap(), 4);
    assert!(store.reader.tokens().await.unwrap().is_empty() && store.reader.secrets().await.unwrap().is_empty());
    assert!(store.reader.activations().await.unwrap().is_empty());
    assert_eq!(store.node.setting("retention.days").await.unwrap(), None);
    assert_eq!(store.reader.settings().await.unwrap().len(), 1);
}

/// The public half of the key whose every secret byte is `seed`.
fn public_key(seed: u8) -> PublicKey {
    // Points on the curve, found once: the store checks no signatures and needs no secret halves.
    let text = ["iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w", "gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q"];
    text[usize::from(seed) - 1].parse().unwrap()
}

pub async fn a_link_lets_one_key_in_and_sessions_end_with_their_key(backend: &impl Backend) {
    let store = backend.open();
    let (one, two) = (public_key(1), public_key(2));
    let link = |id: &str, role, expires_at| {
        let (id, secret_hash) = (LoginLinkId::from(id), "ab".to_owned());
        Command::AddLoginLink(Link { id, secret_hash, role, created_at: T0, expires_at, used_by: None })
    };
    let enrol = |link: &str, public_key, label: &str| {
        Command::EnrolKey(Enrolment { link: link.into(), public_key, label: label.to_owned() })
    };
    let session = |id: &str, key: &PublicKey, n: i64| {
        Command::AddToken(Token {
            id: TokenId::from(id),
            label: "laptop".to_owned(),
            secret_hash: id.to_owned(),
            role: Role::Admin,
            created_at: Timestamp(n),
            expires_at: Some(Timestamp(i64::MAX)),
            login_key: Some(key.id()),
        })
    };
    let never = Timestamp(i64::MAX);
    for command in [
        link("first", Role::Admin, never),
        link("late", Role::Admin, Timestamp(1)),
        enrol("first", one, "laptop"),
        enrol("first", two, "thief"),
        enrol("late", two, "thief"),
        enrol("nothing", two, "thief"),
        session("s0", &two, 0),
    ] {
        store.inbox.submit(command).await.unwrap();
    }
    store.node.drain().await.unwrap();
    let logins = store.reader.logins().await.unwrap();
    assert_eq!(logins.keys.len(), 1);
    assert_eq!((logins.keys[0].public_key, logins.keys[0].id.clone()), (one, one.id()));
    assert_eq!((logins.keys[0].label.as_str(), logins.keys[0].role), ("laptop", Role::Admin));
    assert_eq!(logins.links.iter().find(|link| link.id.as_str() == "first").unwrap().used_by, Some(one));
    assert!(store.reader.tokens().await.unwrap().is_empty(), "a key that is not in opens no session");

    // A key that comes again keeps the higher role and takes the newer name.
    store.inbox.submit(link("second", Role::Viewer, never)).await.unwrap();
    store.inbox.submit(enrol("second", one, "old laptop")).await.unwrap();
    for n in 0..40 {
        store.inbox.submit(session(&format!("s{n}"), &one, n)).await.unwrap();
    }
    drop(store);
    let store = backend.open();
    store.node.drain().await.unwrap();
    let logins = store.reader.logins().await.unwrap();
    assert_eq!((logins.keys[0].label.as_str(), logins.keys[0].role), ("old laptop", Role::Admin));
    let tokens = store.reader.tokens().await.unwrap();
    assert_eq!(tokens.len(), 32, "the oldest sessions of a key end");
    assert_eq!(tokens[0].id.as_str(), "s8");
    assert_eq!(tokens[0].login_key, Some(one.id()));

    store.inbox.submit(Command::RemoveLoginKey(one.id())).await.unwrap();
    store.inbox.submit(session("after", &one, 50)).await.unwrap();
    store.node.drain().await.unwrap();
    assert!(store.reader.logins().await.unwrap().keys.is_empty());
    assert!(store.reader.tokens().await.unwrap().is_empty());
}

pub async fn large_bodies_read_back_as_they_were(backend: &impl Backend) {
    let store = backend.open();
    store.take().await;
    let job = id(0, 1);
    let mut large = submission(job);
    large.priority = 3;
    large.variables.insert("text".to_owned(), "flow and work ".repeat(20_000).into());
    store.submit(large.clone()).await;
    let drained = store.drain(9).await;
    assert_eq!(drained.claimed[0].submission, large);
    let many: Vec<_> = (2..600).map(|seq| log(seq, &"again ".repeat(20))).collect();
    store.shards[0].append(write(job, &many, RowChange::default())).await.unwrap();
    let events = store.reader.events(job, 1, 10_000).await.unwrap();
    assert_eq!(events, many);
    assert_eq!(store.reader.events(job, 300, 10).await.unwrap()[0].seq, 301);
}
