//! What the history of an ended job must look like, whatever happened to the node meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde_json::Value;

/// What was seen of one run so far.
#[derive(Default)]
struct Seen {
    /// The newest try that began.
    started: u64,
    /// Tries whose end is on record.
    ended: BTreeSet<u64>,
    /// The word of the event that settled it.
    settled: Option<String>,
    /// A person was asked whether it should run again.
    is_asking: bool,
}

/// Checks a whole history: numbered without gaps; begun by its one acceptance, ended once and last; of every run at most one
/// result, at most one end of every try, and nothing more once it was settled, so that nothing committed was computed again.
pub(crate) fn check_history(job: &str, history: &[Value]) -> Result<()> {
    ensure!(!history.is_empty(), "job {job} has no history");
    let mut runs: BTreeMap<String, Seen> = BTreeMap::new();
    let mut begun = 0;
    for (index, event) in history.iter().enumerate() {
        ensure!(event["seq"].as_u64() == Some(index as u64 + 1), "job {job}: event {index} is {event}");
        let what = &event["what"];
        ensure!((index == 0) == what.get("accepted").is_some(), "job {job}: event {index} is {event}");
        let last = index + 1 == history.len();
        ensure!(last == what.get("ended").is_some(), "job {job}: event {index} of {} is {event}", history.len());
        begun += usize::from(what.get("started").is_some());
        ensure!(begun <= 1, "job {job} began twice: {event}");
        for (word, detail) in what.as_object().into_iter().flatten() {
            if let Some(run) = detail["run"].as_str() {
                check_run(runs.entry(run.to_owned()).or_default(), word, detail)
                    .map_err(|why| why.context(format!("job {job}, event {index}: {event}")))?;
            }
        }
    }
    Ok(())
}

fn check_run(run: &mut Seen, word: &str, detail: &Value) -> Result<()> {
    // Lines that a process wrote may arrive late.
    if word == "step_log" {
        return Ok(());
    }
    let attempt = detail["attempt"].as_u64().unwrap_or(0);
    ensure!(run.settled.is_none(), "the run was settled by `{}` already", run.settled.as_deref().unwrap_or(""));
    match word {
        "step_started" => {
            ensure!(attempt >= run.started, "try {attempt} began after try {}", run.started);
            ensure!(!run.ended.contains(&attempt), "try {attempt} began again after its end");
            run.started = attempt;
        }
        "step_succeeded" => {
            ensure!(run.ended.insert(attempt), "try {attempt} ended twice");
            ensure!(run.started == 0 || attempt == run.started, "try {attempt} gave a result, {} ran", run.started);
            run.settled = Some(word.to_owned());
        }
        "step_failed" => {
            ensure!(run.ended.insert(attempt) || run.is_asking, "try {attempt} ended twice");
            let then = &detail["then"];
            run.is_asking = *then == "ask";
            if !run.is_asking && then.get("retry").is_none() {
                run.settled = Some(format!("{word} {then}"));
            }
        }
        "step_skipped" => run.settled = Some(word.to_owned()),
        _ => {}
    }
    Ok(())
}

/// The words of the events of one run, in order.
pub(crate) fn events_of(history: &[Value], run: &str) -> Vec<String> {
    let mut words = Vec::new();
    for event in history {
        for (word, detail) in event["what"].as_object().into_iter().flatten() {
            if detail["run"] == run {
                words.push(word.clone());
            }
        }
    }
    words
}

mod tests {
    use serde_json::json;

    use super::*;

    /// Checks what lies between the acceptance and the end of a job.
    fn check(between: &[Value]) -> Result<()> {
        let all = [&[json!({ "accepted": {} })], between, &[json!({ "ended": {} })]].concat();
        let numbered = all.into_iter().zip(1..).map(|(what, seq)| json!({ "seq": seq, "what": what }));
        check_history("j", &numbered.collect::<Vec<_>>())
    }

    fn of(word: &str, attempt: u64) -> Value {
        json!({ word: { "run": "a", "attempt": attempt } })
    }

    fn failed(attempt: u64, then: &Value) -> Value {
        json!({ "step_failed": { "run": "a", "attempt": attempt, "then": then } })
    }

    #[test]
    fn what_a_crash_may_leave_is_fine() {
        let retry = json!({ "retry": { "at": 1 } });
        // A pure or idempotent try begins again under its number; an external one fails and is followed by another.
        check(&[of("step_started", 1), of("step_started", 1), of("step_succeeded", 1)]).unwrap();
        check(&[of("step_started", 1), failed(1, &retry), of("step_started", 2), of("step_succeeded", 2)]).unwrap();
        check(&[failed(1, &json!("ask")), failed(1, &json!("fail_job"))]).unwrap();
        check(&[of("step_succeeded", 1), of("step_log", 1)]).unwrap();
    }

    #[test]
    fn a_committed_step_that_is_computed_again_is_found() {
        for again in [of("step_started", 1), of("step_started", 2), of("step_succeeded", 1), of("step_succeeded", 2)] {
            assert!(check(&[of("step_started", 1), of("step_succeeded", 1), again.clone()]).is_err(), "{again}");
            assert!(check(&[of("step_skipped", 1), again.clone()]).is_err(), "{again}");
            assert!(check(&[failed(1, &json!("continue")), again.clone()]).is_err(), "{again}");
        }
    }

    #[test]
    fn a_try_ends_once_and_a_job_begins_once() {
        let retry = json!({ "retry": { "at": 1 } });
        assert!(check(&[failed(1, &retry), failed(1, &retry)]).is_err());
        assert!(check(&[failed(1, &retry), of("step_started", 1)]).is_err());
        assert!(check(&[of("step_started", 2), of("step_succeeded", 1)]).is_err());
        assert!(check(&[json!({ "started": {} }), json!({ "started": {} })]).is_err());
        assert!(check(&[json!({ "accepted": {} })]).is_err());
        assert!(check(&[json!({ "ended": {} })]).is_err());
    }
}
