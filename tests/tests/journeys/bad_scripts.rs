//! Scripts that misbehave: a clear error on that step, and a node that goes on as if nothing had been.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, Result, ensure};
use flowork_tests::{Node, process};
use serde_json::{Value, json};

/// What all processes of a node may hold in memory while scripts misbehave, the scripts' own left out.
const MEMORY_BYTES_MAX: u64 = 400 << 20;

/// Looks at the memory of the roles again and again until it is stopped; gives the most that it saw.
struct Watch {
    stop: Arc<AtomicBool>,
    most: Arc<AtomicU64>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    async fn on(node: &Node) -> Result<Self> {
        let mut pids = vec![node.pid()];
        for role in ["gateway", "kernel", "docs", "mesh"] {
            pids.push(node.role(role).await?.with_context(|| format!("{role} does not run"))?);
        }
        let (stop, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::spawn({
            let (stop, most) = (stop.clone(), most.clone());
            move || {
                while !stop.load(Ordering::Relaxed) {
                    most.fetch_max(pids.iter().map(|pid| process::memory_bytes_of(*pid)).sum(), Ordering::Relaxed);
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            }
        });
        Ok(Self { stop, most, thread: Some(thread) })
    }

    fn most(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.most.load(Ordering::Relaxed)
    }
}

async fn run(node: &Node, component: &str, config: Value) -> Result<(String, Value)> {
    let preset = json!({
        "flowork": "preset/1", "name": "misbehaves",
        "steps": { "script": { "component": component, "config": config } }, "wires": []
    });
    let job = node.run(&preset, &[json!({})]).await?;
    let row = node.ended(&job).await?;
    Ok((job, row))
}

/// Runs a script that must fail; its error names the step, says one of the words, and what to do.
async fn fails(node: &Node, component: &str, config: Value, code: &str, hint: &str) -> Result<String> {
    let (job, row) = run(node, component, config).await?;
    let error = &row["error"];
    ensure!(row["state"] == "failed" && error["code"] == code && error["step"] == "script", "{component}: {row}");
    let told = error["hint"].as_str().unwrap_or_default();
    ensure!(told.contains(hint), "{component}, {code}: the hint is `{told}`");
    Ok(job)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_misbehave_in_every_way_fail_alone_and_memory_stays_flat() -> Result<()> {
    let node = Node::fresh().await?;
    let watch = Watch::on(&node).await?;
    // Two gigabytes, as fast as they come.
    let flood = "head -c 2000000000 /dev/zero | tr '\\0' x";
    for stdout in ["log", "output"] {
        fails(&node, "bash", json!({ "code": flood, "stdout": stdout }), "script-output-too-large", "out/").await?;
    }
    let lines = "yes 'a line of a log that nobody will read' | head -c 2000000000 >&2";
    let job = fails(&node, "bash", json!({ "code": lines }), "script-output-too-large", "out/").await?;
    let logged: usize = node.history(&job).await?.iter().map(|event| event["what"]["step_log"].to_string().len()).sum();
    ensure!(logged < 96 << 20, "{logged} bytes of log were kept");
    fails(&node, "python", json!({ "code": "while True: print('x' * 100000)" }), "script-output-too-large", "out/")
        .await?;

    fails(
        &node,
        "bash",
        json!({ "code": ":(){ :|:& };:; wait; sleep 60", "timeout_ms": 20000 }),
        "script-processes",
        "fewer",
    )
    .await?;
    let eats = "a = []\nwhile True: a.append(bytearray(10_000_000))";
    fails(&node, "python", json!({ "code": eats, "memory_mb": 64 }), "script-memory", "memory_mb").await?;
    fails(&node, "python", json!({ "code": "while True: pass", "timeout_ms": 300 }), "script-timeout", "timeout_ms")
        .await?;
    fails(&node, "perl", json!({ "code": "kill 'SEGV', $$; sleep 60" }), "script-died", "crash").await?;
    fails(&node, "bash", json!({ "code": "kill -9 $$; sleep 60" }), "script-died", "memory").await?;
    let (job, row) = run(&node, "bash", json!({ "code": "printf 'caf\\xe9 \\xff\\xfe\\n'", "parse": "lines" })).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    let given = node.given(&job, "script", "out").await?;
    ensure!(given == [json!({ "line": "caf\u{fffd} \u{fffd}\u{fffd}" })], "{given:?}");
    let (_, row) =
        run(&node, "python", json!({ "code": "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe\\n')\nreturn items" }))
            .await?;
    ensure!(row["state"] == "succeeded", "{row}");

    let most = watch.most();
    println!("the roles held {} MB at most", most >> 20);
    ensure!(most < MEMORY_BYTES_MAX, "the roles held {} MB", most >> 20);
    let (_, row) = run(&node, "python", json!({ "code": "return [{'fine': True}]" })).await?;
    ensure!(row["state"] == "succeeded", "{row}");
    node.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_megabytes_as_one_item_are_refused_with_the_advice_to_use_files() -> Result<()> {
    let node = Node::fresh().await?;
    let watch = Watch::on(&node).await?;
    let large = [
        ("python", "return [{'text': 'x' * 500_000_000}]"),
        ("javascript", "return [{ parts: Array.from({ length: 50 }, () => 'x'.repeat(10_000_000)) }];"),
        ("bash", "printf '{\"text\":\"'; head -c 500000000 /dev/zero | tr '\\0' x; echo '\"}'"),
        ("perl", "return [ { text => 'x' x 500_000_000 } ];"),
        ("ruby", "[{ 'text' => 'x' * 500_000_000 }]"),
        ("php", "ini_set('memory_limit', '-1'); return [['text' => str_repeat('x', 500000000)]];"),
    ];
    for (language, code) in large {
        let (_, row) = run(&node, language, json!({ "code": code, "memory_mb": 4000 })).await?;
        let error = &row["error"];
        let hint = error["hint"].as_str().unwrap_or_default();
        println!("{language}: {} → {hint}", error["message"]);
        ensure!(row["state"] == "failed" && error["step"] == "script" && hint.contains("file"), "{language}: {row}");
    }
    let file = node.data().join("files/large.json");
    write_large(&file, 500_000_000)?;
    for form in ["json", "text", "lines"] {
        let (_, row) = run(&node, "read-file", json!({ "path": "large.json", "as": form })).await?;
        let error = &row["error"];
        let hint = error["hint"].as_str().unwrap_or_default();
        println!("{form}: {} → {hint}", error["message"]);
        ensure!(row["state"] == "failed" && error["step"] == "script" && hint.contains("file"), "{form}: {row}");
    }
    let most = watch.most();
    println!("the roles held {} MB at most", most >> 20);
    ensure!(most < MEMORY_BYTES_MAX, "the roles held {} MB", most >> 20);
    node.stop().await
}

/// A JSON text on one line. Only its beginning and end take room on the disk.
fn write_large(path: &Path, bytes: u64) -> Result<()> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::create(path)?;
    file.write_all_at(b"[\"", 0)?;
    Ok(file.write_all_at(b"\"]", bytes)?)
}
