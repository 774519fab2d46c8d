//! Starting, looking at and signalling jobs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use flowork_ports::store;
use flowork_protocol::command::{Command, Signal};
use flowork_protocol::event::{AfterFailure, Outcome, Run, Wait, What};
use flowork_protocol::id::ChunkId;
use flowork_protocol::item::{Chunked, List};
use flowork_protocol::manifest::Effect;
use flowork_protocol::preset::{Step, Wire};
use flowork_protocol::{Failure, Item, ShardNo};
use serde_json::{Value, json};

use crate::fake::{LOCAL, Node, failed, got, inline, preset};

const ACCEPTED: u16 = 202;

#[tokio::test]
async fn a_started_job_is_in_the_inbox_with_its_items_and_variables_before_202() {
    let node = Node::start().await;
    node.draft("orders");
    let body =
        json!({ "preset": "orders", "input": [{ "json": { "a": 1 } }, 7], "variables": { "rate": 3 }, "priority": 5 });
    let got = node.call("POST", "/api/v1/jobs", body).await;
    assert_eq!(got.status, ACCEPTED, "{}", got.text);
    let submission = node.store.submissions().remove(0);
    assert_eq!(submission.job, got.job());
    assert_eq!(got.json()["version"], json!(submission.version));
    assert_eq!(submission.input, [Item::json(json!({ "a": 1 })), Item::json(json!(7))]);
    assert_eq!((submission.variables["rate"].clone(), submission.priority, submission.keyed), (json!(3), 5, false));
    assert_eq!(got.headers["location"], format!("/api/v1/jobs/{}", got.job()));
}

#[tokio::test]
async fn jobs_are_spread_over_the_shards_in_turn() {
    let node = Node::start().await;
    node.draft("p");
    let mut shards = Vec::new();
    for _ in 0..8 {
        shards.push(node.call("POST", "/api/v1/jobs", json!({ "preset": "p" })).await.job().shard());
    }
    shards.sort_unstable();
    assert_eq!(shards, [0, 0, 1, 1, 2, 2, 3, 3].map(ShardNo));
}

#[tokio::test]
async fn the_same_idempotency_key_names_the_same_job() {
    let node = Node::start().await;
    node.draft("p");
    let send = |key: &'static str| {
        let request = node.ask("POST", "/api/v1/jobs").bearer_auth(LOCAL).header("idempotency-key", key);
        got(request.body(json!({ "preset": "p" }).to_string()))
    };
    let (one, two, other) = (send("order 7").await.job(), send("order 7").await.job(), send("order 8").await.job());
    assert_eq!(one, two);
    assert_ne!(one, other);
    assert!(node.store.submissions().iter().all(|it| it.keyed));
    let body = json!({ "preset": "p", "idempotency_key": "order 7" });
    assert_eq!(node.call("POST", "/api/v1/jobs", body).await.job(), one);
}

#[tokio::test]
async fn the_same_key_with_the_same_request_is_answered_with_what_its_job_runs() {
    let node = Node::start().await;
    node.draft("p");
    let body = json!({ "preset": "p", "input": [1], "idempotency_key": "order 7" });
    let first = node.call("POST", "/api/v1/jobs", body.clone()).await;
    let mut changed = preset("p");
    changed.docs = "edited meanwhile".to_owned();
    changed.settings.priority = 5;
    node.drafts.all.lock().unwrap().insert("p".to_owned(), changed);
    let again = node.call("POST", "/api/v1/jobs", body).await;
    assert_eq!(again.status, ACCEPTED, "{}", again.text);
    assert_eq!(again.json(), first.json(), "the version is the one that the job runs");
    assert_eq!(node.store.submissions().len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_request_is_refused_by_name() {
    let node = Node::start().await;
    node.draft("p");
    let body = |more: Value| {
        let mut body = json!({ "preset": "p", "input": [1], "idempotency_key": "order 7" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let first = node.call("POST", "/api/v1/jobs", body(json!({}))).await;
    for other in [json!({ "input": [2] }), json!({ "dry_run": true }), json!({ "priority": 9 })] {
        let got = node.call("POST", "/api/v1/jobs", body(other.clone())).await;
        assert_eq!((got.status, got.problem().as_str()), (409, "key-reused"), "{other}");
        assert!(got.text.contains(&first.job().to_string()), "{}", got.text);
    }
    assert_eq!(node.store.submissions().len(), 1);
}

#[tokio::test]
async fn a_wrong_start_says_what_is_wrong_and_keeps_nothing() {
    let node = Node::start().await;
    node.draft("p");
    let blob = "0".repeat(64);
    let mut bad = preset("bad");
    bad.steps.get_mut("a").unwrap().component = "sett".to_owned();
    let cases = [
        (json!({}), 422, "nothing-to-run"),
        (json!({ "preset": "p", "inline": preset("q") }), 422, "two-things-to-run"),
        (json!({ "preset": "none" }), 404, "no-preset"),
        (json!({ "preset": "p", "variables": { "rat": 1 } }), 422, "unknown-variable"),
        (json!({ "preset": "p", "trigger": "t" }), 422, "unknown-trigger"),
        (json!({ "preset": "p", "heads": ["bb"] }), 409, "heads-missing"),
        (json!({ "preset": "p", "input": [{ "json": 1, "files": 3 }] }), 422, "wrong-input"),
        (json!({ "preset": "p", "input": { "a": 1 } }), 422, "wrong-body"),
        (
            json!({ "preset": "p", "input": [{ "json": 1, "files": { "f": { "blob": blob, "size": 1, "name": "f" } } }] }),
            422,
            "no-file",
        ),
        (json!({ "preset": "p", "input": ["x".repeat(1 << 20)] }), 413, "too-large"),
        (json!({ "inline": bad }), 422, "preset-problems"),
    ];
    for (body, status, word) in cases {
        let got = node.call("POST", "/api/v1/jobs", body).await;
        assert_eq!((got.status, got.problem().as_str()), (status, word), "{}", got.text);
    }
    let mut bad = preset("bad");
    bad.steps.get_mut("a").unwrap().component = "sett".to_owned();
    let problems = node.call("POST", "/api/v1/jobs", json!({ "inline": bad })).await.json()["problems"].clone();
    assert_eq!(
        (&problems[0]["code"], &problems[0]["place"]),
        (&json!("unknown-component"), &json!("/steps/a/component"))
    );
    assert!(node.store.commands.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_runner_starts_what_editors_made_and_brings_no_preset_of_its_own() {
    let node = Node::start().await;
    node.draft("p");
    let start = |secret: &'static str, body: Value| {
        got(node.ask("POST", "/api/v1/jobs").bearer_auth(secret).body(body.to_string()))
    };
    let refused = start("runner", json!({ "inline": preset("mine") })).await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "role-too-low"), "{}", refused.text);
    assert!(refused.text.contains("inline"), "{}", refused.text);
    assert!(node.store.submissions().is_empty());
    assert_eq!(start("runner", json!({ "preset": "p" })).await.status, ACCEPTED);
    assert_eq!(start("editor", json!({ "inline": preset("mine") })).await.status, ACCEPTED);
}

#[tokio::test]
async fn a_store_that_cannot_keep_a_job_is_told_by_its_own_status() {
    let node = Node::start().await;
    node.draft("p");
    let file = || "inbox-00.db".to_owned();
    let cases = [
        (store::Error::Full { file: file() }, 507, "disk-full"),
        (store::Error::Busy(file()), 503, "store-busy"),
        (store::Error::Damaged { file: file(), detail: "malformed".to_owned() }, 503, "store-damaged"),
        (store::Error::Locked { file: file() }, 503, "store-locked"),
    ];
    for (error, status, word) in cases {
        *node.store.refuse.lock().unwrap() = Some(error);
        let got = node.call("POST", "/api/v1/jobs", json!({ "preset": "p" })).await;
        assert_eq!((got.status, got.problem().as_str()), (status, word), "{}", got.text);
        assert!(got.text.contains("inbox-00.db"), "{}", got.text);
        assert_eq!(got.headers.contains_key("retry-after"), ["store-busy", "store-locked"].contains(&word));
    }
}

#[tokio::test]
async fn a_gateway_that_can_accept_nothing_any_more_says_so_and_ends() {
    let mut node = Node::start().await;
    node.draft("p");
    *node.store.refuse.lock().unwrap() = Some(store::Error::Ended { file: "inbox/main.db".to_owned() });
    let got = node.call("POST", "/api/v1/jobs", json!({ "preset": "p" })).await;
    assert_eq!((got.status, got.problem().as_str()), (503, "store-ended"), "{}", got.text);
    node.handle.take().unwrap().ended().await;
    assert!(!node.cancel.is_cancelled(), "it ended by itself");
}

#[tokio::test]
async fn an_activated_preset_runs_by_name_while_docs_is_away() {
    let node = Node::start().await;
    node.hook("p", json!({ "path": "x" })).await;
    node.draft("q");
    node.drafts.away.store(true, Ordering::Relaxed);
    let got = node.call("POST", "/api/v1/jobs", json!({ "preset": "p" })).await;
    assert_eq!(got.status, ACCEPTED, "{}", got.text);
    let version = node.store.submissions()[0].version;
    let by_version = node.call("POST", "/api/v1/jobs", json!({ "version": version })).await;
    assert_eq!(by_version.status, ACCEPTED, "{}", by_version.text);
    let got = node.call("POST", "/api/v1/jobs", json!({ "preset": "q" })).await;
    assert_eq!((got.status, got.problem().as_str()), (503, "documents-away"));
}

#[tokio::test]
async fn a_start_may_wait_for_the_end() {
    let node = Node::start().await;
    node.draft("p");
    *node.store.runs.lock().unwrap() = Some(|store, submission| {
        store.push(submission.job, What::Started { presets: Default::default() });
        store.end(submission.job, Outcome::Succeeded, &[("b", json!({ "done": true }))]);
    });
    let got = node.call("POST", "/api/v1/jobs?wait_ms=20000", json!({ "preset": "p" })).await;
    assert_eq!((got.status, &got.json()["state"]), (200, &json!("succeeded")), "{}", got.text);
    assert_eq!(got.json()["view"]["output"]["b"]["inline"][0]["json"], json!({ "done": true }));
    *node.store.runs.lock().unwrap() = None;
    let got = node.call("POST", "/api/v1/jobs?wait_ms=1", json!({ "preset": "p" })).await;
    assert_eq!(got.status, ACCEPTED);
}

#[tokio::test]
async fn a_job_is_seen_as_it_is_and_as_it_was() {
    let node = Node::start().await;
    let job = node.job(1);
    let many: Vec<Value> = (0..50).map(|n| json!({ "n": n })).collect();
    let at = node.store.succeed(job, "a", inline(&many), None);
    node.store.succeed(job, "b", inline(&many[..2]), None);
    let now = node.get(&format!("/api/v1/jobs/{job}")).await.json();
    assert_eq!((&now["state"], &now["view"]["runs"]["b"]["status"]), (&json!("running"), &json!("succeeded")));
    assert_eq!(
        now["view"]["runs"]["a"]["ports"]["out"]["items"],
        json!({ "chunked": { "chunks": [], "runs": [], "len": 50 } })
    );
    let then = node.get(&format!("/api/v1/jobs/{job}/snapshot?at={at}")).await.json();
    assert_eq!((&then["last_seq"], &then["runs"]["b"]), (&json!(at), &Value::Null));
    let events = node.get(&format!("/api/v1/jobs/{job}/events?after={at}")).await.json();
    assert_eq!((events.as_array().unwrap().len(), &events[0]["seq"]), (1, &json!(at + 1)));
    let listed = node.get("/api/v1/jobs?state=running,waiting").await.json();
    assert_eq!(listed["jobs"][0]["id"], json!(job));
    let missing = node.get("/api/v1/jobs/0123456789abcdefghjkmnpqrs").await;
    assert_eq!((missing.status, missing.problem().as_str()), (404, "no-job"));
}

#[tokio::test]
async fn items_come_page_by_page_out_of_chunks_and_the_input_of_a_step_is_what_fed_it() {
    let node = Node::start().await;
    let job = node.job(1);
    let items: Vec<Item> = (0..10).map(|n| Item::json(json!(n))).collect();
    let bytes = serde_json::to_vec(&items).unwrap();
    let chunk = ChunkId::of(&bytes);
    node.store.chunks.lock().unwrap().insert(chunk, bytes);
    let list = List::Chunked(Chunked { chunks: vec![chunk], runs: vec![(0, 6, 4), (0, 0, 3)], len: 7 });
    node.store.succeed(job, "a", list, None);
    let page = |path: &str| {
        let (path, node) = (format!("/api/v1/jobs/{job}/items?{path}"), &node);
        async move { node.get(&path).await.json() }
    };
    let values =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|it| it["json"].clone()).collect::<Vec<_>>();
    let out = page("run=a&port=out&offset=2&limit=4").await;
    assert_eq!((values(&out), &out["total"]), ([8, 9, 0, 1].map(|n| json!(n)).to_vec(), &json!(7)));
    let given = page("run=b&side=in&limit=2").await;
    assert_eq!((values(&given), &given["total"]), ([6, 7].map(|n| json!(n)).to_vec(), &json!(7)));
    let first = page("run=a&side=in").await;
    assert_eq!(values(&first), [json!({ "n": 1 })]);
    let none = node.get(&format!("/api/v1/jobs/{job}/items?run=b")).await;
    assert_eq!((none.status, none.problem().as_str()), (404, "no-run"));
    node.store.chunks.lock().unwrap().clear();
    let lost = node.get(&format!("/api/v1/jobs/{job}/items?run=a")).await;
    assert_eq!((lost.status, lost.problem().as_str()), (503, "chunk-damaged"));
}

#[tokio::test]
async fn two_jobs_are_compared_by_value_even_where_one_keeps_its_items_in_chunks() {
    let node = Node::start().await;
    let (one, two) = (node.job(1), node.job(2));
    let items = vec![Arc::new(Item::json(json!(1))), Arc::new(Item::json(json!(2)))];
    let bytes = serde_json::to_vec(&items).unwrap();
    let chunk = ChunkId::of(&bytes);
    node.store.chunks.lock().unwrap().insert(chunk, bytes);
    node.store.succeed(one, "a", List::Inline(items), None);
    node.store.succeed(two, "a", List::Chunked(Chunked { chunks: vec![chunk], runs: vec![(0, 0, 2)], len: 2 }), None);
    let same = node.get(&format!("/api/v1/jobs/{one}/diff/{two}")).await.json();
    assert_eq!(same, json!([]));
    node.store.succeed(one, "b", inline(&[json!("x")]), None);
    node.store.succeed(two, "b", inline(&[json!("y")]), None);
    let differences = node.get(&format!("/api/v1/jobs/{one}/diff/{two}")).await.json();
    assert_eq!(differences.as_array().unwrap().len(), 1, "{differences}");
    assert_eq!((&differences[0]["kind"], &differences[0]["after"]["json"]), (&json!("item"), &json!("y")));
}

#[tokio::test]
async fn signals_reach_open_jobs_and_ended_ones_say_that_they_are() {
    let node = Node::start().await;
    let job = node.job(1);
    for (verb, body) in [("cancel", json!({ "reason": "enough" })), ("pause", Value::Null), ("resume", Value::Null)] {
        let got = node.call("POST", &format!("/api/v1/jobs/{job}/{verb}"), body).await;
        assert_eq!(got.status, ACCEPTED, "{verb}: {}", got.text);
    }
    let commands = node.store.commands.lock().unwrap().clone();
    assert_eq!(commands[0], Command::Signal(job, Signal::Cancel { reason: "enough".to_owned() }));
    assert_eq!(node.call("DELETE", &format!("/api/v1/jobs/{job}"), Value::Null).await.problem(), "not-ended");
    assert_eq!(node.call("POST", &format!("/api/v1/jobs/{job}/replay"), json!({})).await.problem(), "not-ended");
    node.store.end(job, failed("it broke"), &[]);
    let got = node.call("POST", &format!("/api/v1/jobs/{job}/cancel"), json!({})).await;
    assert_eq!((got.status, got.problem().as_str()), (409, "ended"));
    let got = node.call("DELETE", &format!("/api/v1/jobs/{job}"), Value::Null).await;
    assert_eq!(got.status, ACCEPTED);
    assert_eq!(node.store.commands.lock().unwrap().last(), Some(&Command::DeleteJob(job)));
}

#[tokio::test]
async fn an_approval_is_listed_and_answered_once_asked() {
    let node = Node::start().await;
    let job = node.job(1);
    let decide = json!({ "run": "a", "approved": true, "note": "fine" });
    let early = node.call("POST", &format!("/api/v1/jobs/{job}/decide"), decide.clone()).await;
    assert_eq!((early.status, early.problem().as_str()), (409, "no-approval"));
    let wait = Wait::Approval { title: "Send?".to_owned(), message: String::new(), expires_at: None, on_expiry: false };
    node.store.push(job, What::StepSuspended { run: Run::once("a".into()), attempt: 1, wait });
    let listed = node.get("/api/v1/approvals").await.json();
    assert_eq!((&listed["approvals"][0]["title"], &listed["approvals"][0]["run"]), (&json!("Send?"), &json!("a")));
    let got =
        got(node.ask("POST", &format!("/api/v1/jobs/{job}/decide")).bearer_auth("runner").body(decide.to_string()))
            .await;
    assert_eq!(got.status, ACCEPTED, "{}", got.text);
    let commands = node.store.commands.lock().unwrap().clone();
    let Command::Signal(_, Signal::Decide { by, note, approved: true, .. }) = &commands[0] else {
        panic!("{commands:?}")
    };
    assert_eq!((by.as_str(), note.as_str()), ("runner", "fine"));
}

#[tokio::test]
async fn a_step_that_a_crash_cut_off_is_listed_and_decided_like_an_approval() {
    let node = Node::start().await;
    let job = node.job(1);
    let run = Run::once("a".into());
    node.store.push(job, What::StepStarted { run: run.clone(), attempt: 1, effect: Effect::External });
    let error = Failure::new("interrupted", "nobody saw its end");
    node.store.push(job, What::StepFailed { run, attempt: 1, error, then: AfterFailure::Ask, took_us: 0 });
    let listed = node.get("/api/v1/approvals").await.json();
    assert_eq!(listed["approvals"][0]["title"], "Run `a` again? Try 1 was cut off");
    assert_eq!((&listed["approvals"][0]["run"], &listed["approvals"][0]["on_expiry"]), (&json!("a"), &json!(false)));
    let decide = json!({ "run": "a", "approved": false });
    let got = node.call("POST", &format!("/api/v1/jobs/{job}/decide"), decide).await;
    assert_eq!(got.status, ACCEPTED, "{}", got.text);
}

#[tokio::test]
async fn a_replay_is_a_new_job_in_the_same_shard_that_points_to_its_origin() {
    let node = Node::start().await;
    let origin = node.job(1);
    node.store.end(origin, Outcome::Succeeded, &[]);
    let path = format!("/api/v1/jobs/{origin}/replay");
    let body = json!({ "from": "b", "edits": { "a": { "out": [{ "n": 9 }] } }, "variables": { "rate": 2 } });
    let got = node.call("POST", &path, body).await;
    assert_eq!(got.status, ACCEPTED, "{}", got.text);
    let submission = node.store.submissions().remove(0);
    let replay = submission.replay.unwrap();
    assert_eq!((submission.job.shard(), replay.origin), (origin.shard(), origin));
    assert_ne!(submission.job, origin);
    assert_eq!(replay.edits["a"]["out"], [Item::json(json!({ "n": 9 }))]);
    assert_eq!((submission.variables["rate"].clone(), submission.input.len()), (json!(2), 1));
    let wrong = node.call("POST", &path, json!({ "from": "z" })).await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (422, "unknown-step"));
    let wrong = node.call("POST", &path, json!({ "variables": { "z": 1 } })).await;
    assert_eq!((wrong.status, wrong.problem().as_str()), (422, "unknown-variable"));
}

#[tokio::test]
async fn a_shard_that_is_damaged_gets_no_new_job_and_a_key_that_falls_on_it_is_told_so() {
    let node = Node::start().await;
    node.draft("p");
    let error = store::Error::Damaged { file: "shards/01.db".to_owned(), detail: "not a database".to_owned() };
    let trouble = flowork_ports::roles::Trouble::of(&error, Some(ShardNo(1)), true);
    node.roles.send_modify(|roles| roles[0].troubles = vec![trouble]);
    let mut shards = Vec::new();
    for _ in 0..9 {
        shards.push(node.call("POST", "/api/v1/jobs", json!({ "preset": "p" })).await.job().shard().0);
    }
    assert!(shards.iter().all(|shard| *shard != 1) && shards.contains(&0) && shards.contains(&2), "{shards:?}");
    let mut told = 0;
    for number in 0..32 {
        let got =
            node.call("POST", "/api/v1/jobs", json!({ "preset": "p", "idempotency_key": format!("{number}") })).await;
        if got.status != ACCEPTED {
            assert_eq!((got.status, &got.json()["type"]), (503, &json!("urn:flowork:problem:shard-out")));
            assert!(got.text.contains("shards/01.db"), "{}", got.text);
            told += 1;
        }
    }
    assert!((1..32).contains(&told), "{told}");
    let ready = got(node.ask("GET", "/readyz")).await.text;
    assert!(ready.contains("shards/01.db is damaged"), "{ready}");
}

#[tokio::test]
async fn a_part_of_a_draft_runs_as_a_job_of_the_draft() {
    let node = Node::start().await;
    let mut chain = preset("chain");
    chain.steps.clear();
    chain.wires.clear();
    for id in ["a", "b", "c"] {
        chain.steps.insert(id.into(), Step::of("set", serde_json::Map::new()));
    }
    for text in ["a -> b", "b -> c"] {
        let wire = Wire::parse(text).unwrap();
        chain.wires.insert(wire.natural_id(), wire);
    }
    node.drafts.all.lock().unwrap().insert("chain".to_owned(), chain);
    let pins = json!({ "a": { "out": [{ "json": { "n": 1 } }] } });
    let body = json!({ "preset": "chain", "heads": ["aa"], "until": ["b"], "pins": pins });
    let started = node.call("POST", "/api/v1/jobs", body).await;
    assert_eq!(started.status, ACCEPTED, "{}", started.text);
    let submission = node.store.submissions().remove(0);
    assert_eq!(submission.preset.as_str(), "id-chain");
    let version = node.call("GET", &format!("/api/v1/versions/{}", submission.version), json!({})).await.json();
    let steps: Vec<&String> = version["preset"]["steps"].as_object().unwrap().keys().collect();
    assert_eq!(steps, ["a", "b"]);
    assert_eq!(version["preset"]["steps"]["a"]["pin"]["out"][0]["json"]["n"], 1);

    let ask = |body: Value| node.call("POST", "/api/v1/jobs", body);
    let version = json!({ "version": submission.version, "until": ["b"] });
    assert_eq!(ask(version).await.problem(), "part-of-a-version");
    assert_eq!(ask(json!({ "preset": "chain", "until": ["bb"] })).await.problem(), "unknown-step");
    let request = node.ask("POST", "/api/v1/jobs").bearer_auth("runner");
    let refused = got(request.body(json!({ "preset": "chain", "pins": pins }).to_string())).await;
    assert_eq!((refused.status, refused.problem().as_str()), (403, "role-too-low"));
}

#[tokio::test]
async fn an_expression_is_tried_and_its_error_is_an_answer() {
    let node = Node::start().await;
    let tried = |text: &str| {
        let body = json!({ "text": text, "input": [{ "json": 1 }, { "json": 2 }], "item": 1 });
        node.call("POST", "/api/v1/expressions/preview", body)
    };
    assert_eq!(tried("{{ 1 }}").await.json(), json!({ "value": { "text": "{{ 1 }}", "items": 2, "item": 1 } }));
    assert_eq!(tried("nothing").await.json(), json!({}));
    assert_eq!(tried("fail").await.json()["error"]["code"], "expression-syntax");
    let request = node.ask("POST", "/api/v1/expressions/preview").bearer_auth("runner");
    assert_eq!(got(request.body("{}")).await.status, 403);
}
