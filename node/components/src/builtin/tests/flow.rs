use std::collections::BTreeMap;
use std::sync::Arc;

use flowork_ports::component::{Resumed, Suspend, Yield};
use flowork_protocol::command::ChildOutcome;
use flowork_protocol::event::Pairing;
use flowork_protocol::{Failure, Item, Timestamp};
use serde_json::{Value, json};

use crate::testing::{call, component, on, output, run};

async fn given(
    name: &str, config: Value, inputs: &[(&str, Vec<Value>)],
) -> Result<flowork_ports::component::Output, Failure> {
    output(name, config, call(inputs)).await
}

fn numbers(count: i64) -> Vec<Value> {
    (0..count).map(|n| json!({ "n": n })).collect()
}

#[tokio::test]
async fn a_wait_suspends_until_its_time_and_then_passes_its_items() -> Result<(), Failure> {
    let wait = component("wait");
    let first = call(&[("in", numbers(2))]);
    let until = run(&*wait, json!({ "for": "1h 30m" }), first.clone()).await?;
    assert_eq!(until, Yield::Suspend(Suspend::Until(Timestamp(first.now.0 + 5_400_000))));
    let at = run(&*wait, json!({ "until": "{{ new Date($now.getTime() + 1000) }}" }), first.clone()).await?;
    assert_eq!(at, Yield::Suspend(Suspend::Until(Timestamp(first.now.0 + 1_000))));
    let mut second = first;
    second.resume = Some(Resumed::Time);
    let Yield::Output(given) = run(&*wait, json!({ "for": "5m" }), second).await? else { panic!("it waits again") };
    assert_eq!(on(&given, "out"), numbers(2));
    Ok(())
}

#[tokio::test]
async fn an_approval_asks_and_then_sends_all_items_one_way() -> Result<(), Failure> {
    let approval = component("approval");
    let config = json!({ "title": "Pay {{ $json.n }}?", "expires": "1d", "on_expiry": "approve" });
    let mut call = call(&[("in", numbers(1))]);
    let Yield::Suspend(Suspend::Approval { title, expires_at, on_expiry, .. }) =
        run(&*approval, config.clone(), call.clone()).await?
    else {
        panic!("it does not ask")
    };
    assert_eq!((title.as_str(), expires_at, on_expiry), ("Pay 0?", Some(Timestamp(call.now.0 + 86_400_000)), true));
    call.resume = Some(Resumed::Decision { approved: false, by: "ada".to_owned(), note: "too much".to_owned() });
    let Yield::Output(given) = run(&*approval, config, call).await? else { panic!("it asks again") };
    assert_eq!((on(&given, "rejected").len(), on(&given, "approved").len()), (1, 0));
    assert_eq!(given.note.as_deref(), Some("rejected by ada: too much"));
    Ok(())
}

#[tokio::test]
async fn a_sub_preset_starts_a_child_and_gives_what_became_of_it() -> Result<(), Failure> {
    let sub = component("sub-preset");
    let config = json!({ "preset": "report", "variables": { "n": "{{ $json.n + 1 }}" } });
    let mut call = call(&[("in", numbers(1))]);
    let Yield::Suspend(Suspend::Child { preset, items, variables }) = run(&*sub, config.clone(), call.clone()).await?
    else {
        panic!("it starts no child")
    };
    assert_eq!((preset.as_str(), items.len()), ("report", 1));
    assert_eq!(variables, BTreeMap::from([("n".to_owned(), json!(1))]));
    call.resume = Some(Resumed::Child(ChildOutcome::Gave(vec![Item::json(json!("x"))])));
    let Yield::Output(given) = run(&*sub, config.clone(), call.clone()).await? else { panic!("it gives nothing") };
    assert_eq!(on(&given, "out"), [json!("x")]);
    call.resume = Some(Resumed::Child(ChildOutcome::Failed(Failure::new("x", "no disk"))));
    let failed = run(&*sub, config, call).await;
    assert!(failed.is_err_and(|failure| failure.message == "the preset `report` failed: no disk"));
    Ok(())
}

#[tokio::test]
async fn a_loop_cuts_its_items_into_bounded_rounds() -> Result<(), Failure> {
    let inputs = [("in", numbers(5)), ("back", Vec::new())];
    let Yield::Rounds(rounds) = run(&*component("loop"), json!({ "batch": 2 }), call(&inputs)).await? else {
        panic!("no rounds")
    };
    assert_eq!(rounds.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let long = run(&*component("loop"), json!({ "max_rounds": 4 }), call(&inputs)).await;
    assert!(long.is_err_and(|failure| failure.code == "loop-too-long"));
    Ok(())
}

#[tokio::test]
async fn merging_by_key_joins_as_a_database_would() -> Result<(), Failure> {
    let a = vec![json!({ "k": 1, "a": 1 }), json!({ "k": "2", "a": 2 }), json!({ "a": 3 })];
    let b = vec![json!({ "k": "1", "b": 1 }), json!({ "k": 2, "b": 2 }), json!({ "k": 9, "b": 9 })];
    for (join, count) in [("inner", 2), ("left", 3), ("right", 3), ("outer", 4), ("left-only", 1)] {
        let config = json!({ "mode": "by-key", "key": "k", "join": join });
        let merged = given("merge", config, &[("a", a.clone()), ("b", b.clone())]).await?;
        assert_eq!(on(&merged, "out").len(), count, "{join}");
        if join == "outer" {
            // What only `b` has counts on behind the items of `a`.
            assert_eq!(merged.ports[0].1.pairs, Pairing::Each(vec![0, 1, 2, 5]));
        }
    }
    let all = given("merge", json!({ "mode": "combinations" }), &[("a", a.clone()), ("b", b.clone())]).await?;
    assert_eq!(on(&all, "out").len(), 9);
    let appended = given("merge", json!({}), &[("a", a), ("b", b)]).await?;
    assert_eq!((on(&appended, "out").len(), &appended.ports[0].1.pairs), (6, &Pairing::Same));
    Ok(())
}

#[tokio::test]
async fn items_remember_where_they_came_from() -> Result<(), Failure> {
    let sorted = given("sort", json!({ "keys": [{ "by": "n", "direction": "down" }] }), &[("in", numbers(3))]).await?;
    assert_eq!(sorted.ports[0].1.pairs, Pairing::Each(vec![2, 1, 0]));
    let split = given("split-out", json!({ "of": "{{ [1, 2] }}", "as": "x" }), &[("in", numbers(2))]).await?;
    assert_eq!(split.ports[0].1.pairs, Pairing::Each(vec![0, 0, 1, 1]));
    let even = given("filter", json!({ "condition": "$json.n % 2 === 0" }), &[("in", numbers(4))]).await?;
    assert_eq!(
        (&even.ports[0].1.pairs, &even.ports[1].1.pairs),
        (&Pairing::Each(vec![0, 2]), &Pairing::Each(vec![1, 3]))
    );
    let each = json!({ "mode": "each", "code": "return $json.n === 1 ? null : [{ a: $index }, { b: $index }]" });
    let each = given("code", each, &[("in", numbers(3))]).await?;
    assert_eq!(each.ports[0].1.pairs, Pairing::Each(vec![0, 0, 2, 2]));
    Ok(())
}

#[tokio::test]
async fn code_runs_fresh_each_time_logs_and_names_the_line_that_failed() -> Result<(), Failure> {
    let lines = Arc::new(crate::testing::Lines::default());
    let mut logged = call(&[("in", numbers(1))]);
    logged.log = Arc::clone(&lines) as Arc<dyn flowork_ports::component::Log>;
    let code = "Array.prototype.evil = 1; globalThis.kept = (globalThis.kept ?? 0) + 1;\nconsole.warn('a\\nb', { c: 1 });\nawait null;\nreturn { kept, r: Math.random() }";
    let first = output("code", json!({ "code": code }), logged.clone()).await?;
    let second = output("code", json!({ "code": code }), logged).await?;
    assert_eq!(on(&first, "out"), on(&second, "out"));
    assert_eq!(on(&first, "out")[0]["kept"], 1);
    let lines =
        lines.0.lock().map(|lines| lines.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>()).unwrap_or_default();
    assert_eq!(lines, ["a", "b {\"c\":1}", "a", "b {\"c\":1}"]);
    let fails =
        async |code: &str| match given("code", json!({ "code": code, "timeout_ms": 200 }), &[("in", numbers(1))]).await
        {
            Err(failure) => failure,
            Ok(given) => panic!("{given:?}"),
        };
    let thrown = fails("const a = 1;\n\nthrow new Error('no')").await;
    assert_eq!((thrown.message.as_str(), thrown.place.as_deref()), ("no", Some("code, line 3")));
    assert_eq!(fails("for (;;);").await.code, "code-timeout");
    assert_eq!(fails("const all = []; for (;;) all.push('x'.repeat(1e6) + all.length)").await.code, "code-memory");
    assert_eq!(fails("return 5").await.code, "code-not-an-item");
    assert_eq!(fails("const a = ;").await.code, "code-error");
    assert!(fails("await new Promise(() => {})").await.message.contains("never comes"));
    Ok(())
}

#[tokio::test]
async fn an_error_of_ones_own_and_an_answer_say_what_was_written() -> Result<(), Failure> {
    let stopped = given("stop-with-error", json!({ "message": "n is {{ $json.n }}" }), &[("in", numbers(1))]).await;
    assert!(stopped.is_err_and(|failure| failure.message == "n is 0" && failure.code == "stopped"));
    let answer = given(
        "respond",
        json!({ "status": "{{ 200 + 1 }}", "headers": { "X-N": "{{ $json.n }}" } }),
        &[("in", numbers(1))],
    )
    .await?;
    let response = answer.response.unwrap_or_else(|| panic!("no answer"));
    assert_eq!((response.status, response.headers["X-N"].as_str(), response.body), (201, "0", json!({ "n": 0 })));
    let wrong = given("respond", json!({ "headers": { "X": "a\r\nb" } }), &[("in", numbers(1))]).await;
    assert!(wrong.is_err_and(|failure| failure.code == "respond-header"));
    Ok(())
}

#[tokio::test]
async fn bad_json_and_bad_csv_are_told_by_line() -> Result<(), Failure> {
    let json = given("json", json!({}), &[("in", vec![json!({ "text": "{\n\"a\": }" })])]).await;
    assert!(json.is_err_and(|failure| failure.message.contains("line 2") && failure.item == Some(0)));
    let text = "a;b\n1;x\n2\n\"multi\nline\";y\nz;w;v\n";
    let config = json!({ "delimiter": ";", "types": { "a": "whole" } });
    let csv = given("csv-parse", config, &[("in", vec![json!({ "text": text })])]).await?;
    assert_eq!(on(&csv, "out"), [json!({ "a": 1, "b": "x" })]);
    let lines: Vec<_> = on(&csv, "bad").iter().map(|bad| bad["line"].clone()).collect();
    assert_eq!(lines, [3, 4, 6]);
    assert_eq!(csv.note.as_deref(), Some("1 good rows, 3 bad rows"));
    Ok(())
}

#[tokio::test]
async fn rules_compare_numbers_that_arrive_as_text() -> Result<(), Failure> {
    for (left, op, right, holds) in [
        (json!("10"), "greater", json!(9), true),
        (json!("10"), "equals", json!(10.0), true),
        (json!("abc"), "contains", json!("b"), true),
        (json!([1, "2"]), "contains", json!(2), true),
        (json!("x"), "in", json!(["y", "x"]), true),
        (json!("file-12"), "matches", json!("^file-\\d+$"), true),
        (json!(null), "missing", json!(null), true),
        (json!([]), "not-empty", json!(null), false),
        (json!("b"), "less", json!("a"), false),
        (json!({}), "greater", json!(1), false),
    ] {
        let config = json!({ "rules": [{ "left": left, "op": op, "right": right }] });
        let sorted = given("if", config.clone(), &[("in", vec![json!({})])]).await?;
        assert_eq!(on(&sorted, "true").len() == 1, holds, "{config}");
    }
    let wrong =
        given("if", json!({ "rules": [{ "left": "x", "op": "matches", "right": "(" }] }), &[("in", vec![json!({})])])
            .await;
    assert!(wrong.is_err_and(|failure| failure.code == "rule-pattern"));
    Ok(())
}
