//! A job as a fold of its events: the golden view, and what holds for every history.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_protocol::event::{
    self, AfterFailure, Emitted, Event, Level, LogLine, Outcome, Pairing, Resume, Run, Source, StepResult, Wait, What,
};
use flowork_protocol::item::List;
use flowork_protocol::job::State;
use flowork_protocol::manifest::Effect;
use flowork_protocol::view::{JobView, Kind, LOG_LINES_MAX, Status, diff};
use flowork_protocol::{Failure, Item, Timestamp};
use proptest::prelude::*;
use serde_json::json;

fn run(text: &str) -> Run {
    text.parse().unwrap()
}

fn list(values: &[i64]) -> List {
    List::Inline(values.iter().map(|value| Arc::new(Item::json(json!(value)))).collect())
}

fn succeeded(text: &str, attempt: u32, values: &[i64], from: Option<Source>) -> What {
    What::StepSucceeded(Box::new(StepResult {
        run: run(text),
        attempt,
        ports: BTreeMap::from([("out".to_owned(), Emitted { items: list(values), pairs: Pairing::Same })]),
        items_in: 3,
        note: format!("3 in → {} out", values.len()),
        took_us: 1_500,
        now: Timestamp(500),
        seed: 7,
        secrets: vec!["mail".to_owned()],
        dry: false,
        from,
        response: None,
    }))
}

fn accepted() -> What {
    let submission = json!({
        "job": "01hzzzzzzz0000000000000001", "preset": "p1", "name": "report", "version": "ab".repeat(32),
        "input": [{ "json": { "n": 1 } }], "variables": { "rate": 2 },
    });
    What::Accepted(Box::new(serde_json::from_value(submission).unwrap()))
}

fn history() -> Vec<Event> {
    let started = |text: &str, attempt, effect| What::StepStarted { run: run(text), attempt, effect };
    let line = |text: &str| LogLine { at: Timestamp(120), level: Level::Info, text: text.to_owned() };
    let failure = || Failure::new("http-status", "the server said 503").hint("try later").retryable();
    let approval = Wait::Approval { title: "Send?".into(), message: String::new(), expires_at: None, on_expiry: false };
    let decision = Resume::Decision { approved: true, by: "ann".into(), note: "fine".into() };
    let whats = vec![
        accepted(),
        What::Started { presets: BTreeMap::new() },
        succeeded("kept", 1, &[1, 2], Some(Source::Pin)),
        started("fetch", 1, Effect::External),
        What::StepLog { run: run("fetch"), lines: vec![line("one"), line("two")] },
        What::StepFailed {
            run: run("fetch"),
            attempt: 1,
            error: failure(),
            then: AfterFailure::Retry { at: Timestamp(1_100) },
            took_us: 900,
        },
        started("fetch", 2, Effect::External),
        succeeded("fetch", 2, &[1, 2, 3], None),
        What::StepSkipped { run: run("errors"), reason: "nothing came in".to_owned() },
        What::StepSuspended { run: run("each"), attempt: 1, wait: Wait::Rounds { rounds: 2 } },
        What::LoopRound { run: run("each"), round: 0, items: list(&[1]) },
        succeeded("body[0]", 1, &[10], None),
        What::LoopRound { run: run("each"), round: 1, items: list(&[2]) },
        succeeded("body[1]", 1, &[20], None),
        What::StepResumed { run: run("each"), with: Resume::RoundsDone },
        succeeded("each", 1, &[10, 20], None),
        What::StepSuspended { run: run("ask"), attempt: 1, wait: approval },
        What::Paused,
        What::Resumed,
        What::StepResumed { run: run("ask"), with: decision },
        succeeded("ask", 1, &[10, 20], None),
        started("mail", 1, Effect::External),
        What::StepFailed {
            run: run("mail"),
            attempt: 1,
            error: Failure::new("smtp", "no such address").item(1),
            then: AfterFailure::FailJob,
            took_us: 40,
        },
        What::Ended {
            outcome: Outcome::Failed(Failure::new("smtp", "no such address").item(1)),
            output: BTreeMap::from([("ask".into(), list(&[10, 20]))]),
        },
    ];
    numbered(whats)
}

fn numbered(whats: Vec<What>) -> Vec<Event> {
    let event = |(index, what)| Event { seq: index as u64 + 1, at: Timestamp(100 * (index as i64 + 1)), what };
    whats.into_iter().enumerate().map(event).collect()
}

#[test]
fn the_view_of_a_history_is_the_one_that_was_agreed() {
    let text = serde_json::to_string_pretty(&JobView::fold(&history())).unwrap() + "\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/view.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "run with UPDATE_GOLDEN=1 if this is meant");
}

#[test]
fn a_job_stands_where_its_events_say() {
    let events = history();
    let state_at = |seq: usize| JobView::fold(&events[..seq]).state();
    let states =
        [(0, State::Queued), (1, State::Queued), (2, State::Running), (4, State::Running), (6, State::Waiting)];
    let more =
        [(7, State::Running), (17, State::Waiting), (18, State::Paused), (19, State::Waiting), (24, State::Failed)];
    for (seq, state) in states.into_iter().chain(more) {
        assert_eq!(state_at(seq), state, "after event {seq}");
    }
}

#[test]
fn a_parked_job_goes_on_where_a_newer_kernel_takes_it() {
    let mut whats = vec![accepted(), What::Started { presets: BTreeMap::new() }];
    whats.push(What::Parked { reason: "an unknown component version".to_owned() });
    assert_eq!(JobView::fold(&numbered(whats.clone())).state(), State::Parked);
    whats.push(succeeded("a", 1, &[1], None));
    assert_eq!(JobView::fold(&numbered(whats)).state(), State::Running);
}

#[test]
fn what_was_at_work_at_the_end_of_a_job_is_stopped() {
    let whats = vec![
        accepted(),
        What::Started { presets: BTreeMap::new() },
        What::StepStarted { run: run("a"), attempt: 1, effect: Effect::External },
        What::StepSuspended { run: run("b"), attempt: 1, wait: Wait::Until(Timestamp(9_000)) },
        What::CancelRequested { reason: "enough".to_owned() },
        What::Ended { outcome: Outcome::Cancelled { reason: "enough".to_owned() }, output: BTreeMap::new() },
    ];
    let view = JobView::fold(&numbered(whats));
    assert_eq!((view.state(), view.runs_running, view.runs_waiting), (State::Cancelled, 0, 0));
    assert!(view.runs.values().all(|run| run.status == Status::Stopped && run.wait.is_none()));
}

#[test]
fn a_view_keeps_the_last_lines_of_a_log_and_counts_the_others() {
    let line = |n: usize| LogLine { at: Timestamp(1), level: Level::Info, text: n.to_string() };
    let lines = (0..LOG_LINES_MAX + 5).map(line).collect();
    let view = JobView::fold(&numbered(vec![accepted(), What::StepLog { run: run("a"), lines }]));
    let run = &view.runs[&run("a")];
    assert_eq!((run.logs.len(), run.logs_left_out), (LOG_LINES_MAX, 5));
    assert_eq!(run.logs.front().map(|line| line.text.as_str()), Some("5"));
}

#[test]
fn two_jobs_differ_where_their_steps_did_something_else() {
    let before = JobView::fold(&history());
    assert_eq!(diff(&before, &before), []);
    let mut events = history();
    events[7].what = succeeded("fetch", 2, &[1, 2, 4], None);
    events[22].what = succeeded("mail", 1, &[], None);
    events[23].what = What::Ended { outcome: Outcome::Succeeded, output: BTreeMap::new() };
    let found = diff(&before, &JobView::fold(&events));
    let kinds: Vec<_> = found.iter().map(|it| (it.run.as_ref().map(ToString::to_string), it.kind)).collect();
    let mail = |kind| (Some("mail".to_owned()), kind);
    let expected = [
        (None, Kind::State),
        (None, Kind::Error),
        (Some("fetch".to_owned()), Kind::Item),
        mail(Kind::Status),
        mail(Kind::Error),
        mail(Kind::ItemsIn),
        mail(Kind::Note),
        mail(Kind::Duration),
    ];
    assert_eq!(kinds, expected);
    assert_eq!((&found[2].place, &found[2].after["json"]), (&Some("2".to_owned()), &json!(4)));
}

#[test]
fn a_long_list_of_different_items_is_cut_and_counted() {
    let of = |add: i64| {
        let values: Vec<i64> = (0..100).map(|n| n + add).collect();
        JobView::fold(&numbered(vec![accepted(), succeeded("a", 1, &values, None)]))
    };
    let found = diff(&of(0), &of(1));
    assert_eq!(found.len(), 21);
    assert_eq!((found[20].kind, &found[20].before), (Kind::MoreItems, &json!(80)));
}

fn any_run() -> impl Strategy<Value = Run> {
    prop::sample::select(vec!["a", "b", "c[0]", "c[1]", "d[1][2]"]).prop_map(run)
}

fn any_what() -> impl Strategy<Value = What> {
    let failure = || Failure::new("broken", "it broke");
    prop_oneof![
        (any_run(), 1..4_u32).prop_map(|(run, attempt)| What::StepStarted { run, attempt, effect: Effect::External }),
        (any_run(), 1..4_u32, prop::collection::vec(any::<i64>(), 0..4)).prop_map(|(run, attempt, values)| succeeded(
            &run.to_string(),
            attempt,
            &values,
            None
        )),
        (any_run(), 1..4_u32, any::<bool>()).prop_map(move |(run, attempt, again)| What::StepFailed {
            run,
            attempt,
            error: failure(),
            then: if again { AfterFailure::Retry { at: Timestamp(9) } } else { AfterFailure::Continue },
            took_us: 3,
        }),
        any_run().prop_map(|run| What::StepSkipped { run, reason: "nothing came in".to_owned() }),
        any_run().prop_map(|run| What::StepSuspended { run, attempt: 1, wait: Wait::Until(Timestamp(5)) }),
        any_run().prop_map(|run| What::StepResumed { run, with: Resume::Time }),
        (any_run(), 0..5_u32).prop_map(|(run, round)| What::LoopRound { run, round, items: list(&[1]) }),
        Just(What::Paused),
        Just(What::Resumed),
        Just(What::Parked { reason: "unknown".to_owned() }),
        Just(What::CancelRequested { reason: String::new() }),
        Just(What::Ended { outcome: Outcome::Succeeded, output: BTreeMap::new() }),
    ]
}

fn any_history() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(any_what(), 0..60).prop_map(|rest| numbered([vec![accepted()], rest].concat()))
}

proptest! {
    #[test]
    fn folding_a_part_and_then_the_rest_is_folding_all(events in any_history(), cut in 0..60_usize) {
        let cut = cut.min(events.len());
        let mut view = JobView::fold(&events[..cut]);
        // A feed that resumes may repeat what was seen.
        events[cut / 2..].iter().for_each(|event| view.apply(event));
        prop_assert_eq!(view, JobView::fold(&events));
    }

    #[test]
    fn the_counts_of_a_view_are_those_of_its_runs(events in any_history()) {
        let view = JobView::fold(&events);
        let count = |is: fn(Status) -> bool| view.runs.values().filter(|run| is(run.status)).count() as u64;
        prop_assert_eq!(view.runs_running, count(Status::is_running));
        prop_assert_eq!(view.runs_waiting, count(Status::is_waiting));
        prop_assert_eq!(view.last_seq, events.len() as u64);
    }

    #[test]
    fn a_view_reads_back_from_its_json_and_a_history_from_its_bytes(events in any_history()) {
        let view = JobView::fold(&events);
        let text = serde_json::to_string(&view).unwrap();
        prop_assert_eq!(&serde_json::from_str::<JobView>(&text).unwrap(), &view);
        let read = event::decode(&event::encode(&events).unwrap()).unwrap();
        prop_assert_eq!(JobView::fold(&read), view);
    }

    #[test]
    fn a_job_is_the_same_as_itself_and_differences_mirror(one in any_history(), other in any_history()) {
        let (one, other) = (JobView::fold(&one), JobView::fold(&other));
        prop_assert!(diff(&one, &one).is_empty());
        let there = diff(&one, &other);
        let back = diff(&other, &one);
        prop_assert_eq!(there.len(), back.len());
        for difference in there {
            prop_assert!(back.iter().any(|it| it.kind == difference.kind
                && it.run == difference.run && it.before == difference.after && it.after == difference.before));
        }
    }
}

#[test]
fn a_run_that_a_crash_cut_off_waits_for_a_persons_word() {
    let failed = |then| What::StepFailed {
        run: run("mail"),
        attempt: 1,
        error: Failure::new("interrupted", "nobody saw its end"),
        then,
        took_us: 0,
    };
    let decision = |approved| Resume::Decision { approved, by: "ann".into(), note: String::new() };
    let mut whats = vec![
        accepted(),
        What::Started { presets: BTreeMap::new() },
        What::StepStarted { run: run("mail"), attempt: 1, effect: Effect::External },
        failed(AfterFailure::Ask),
    ];
    let view = JobView::fold(&numbered(whats.clone()));
    let mail = &view.runs[&run("mail")];
    assert_eq!((view.state(), mail.status), (State::Waiting, Status::Waiting));
    assert_eq!(mail.wait, Some(Wait::Rerun { attempt: 1 }));
    assert_eq!(view.runs_waiting, 1);
    whats.push(What::StepResumed { run: run("mail"), with: decision(false) });
    whats.push(failed(AfterFailure::FailJob));
    let view = JobView::fold(&numbered(whats));
    let mail = &view.runs[&run("mail")];
    assert_eq!((mail.status, &mail.wait, view.runs_waiting), (Status::Failed, &None, 0));
}
