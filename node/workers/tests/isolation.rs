//! What scripts do wrong, on purpose or not, and that none of it reaches beyond their call.
#![allow(clippy::panic)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use flowork_workers::Language::{self, Bash, Javascript, Perl, Php, Python, Ruby};
use serde_json::{Value, json};
use support::{Bench, Kept};

fn each_language(codes: [&'static str; 6]) -> impl Iterator<Item = (Language, &'static str)> {
    [Python, Javascript, Bash, Php, Perl, Ruby].into_iter().zip(codes)
}

/// Whether a process with this word in its command line is there, anywhere on the machine.
fn runs(word: &str) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    processes.filter_map(Result::ok).any(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).split('\0').any(|argument| argument == word)
    })
}

async fn gone(word: &str) {
    let ended = async {
        while runs(word) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap_or_else(|_| panic!("`sleep {word}` outlived its call"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_the_script_with_all_it_started() {
    let bench = Bench::new();
    let codes = [
        "import subprocess\nsubprocess.Popen(['setsid', 'sleep', '98761'])\nwhile True: pass",
        "require('child_process').spawn('setsid', ['sleep', '98762'], { detached: true });\nawait new Promise(() => setInterval(() => {}, 1000));",
        "setsid sleep 98763 &\nwhile :; do :; done",
        "proc_open(['setsid', 'sleep', '98764'], [], $pipes);\nwhile (true);",
        "system 'setsid sleep 98765 &';\n1 while 1;",
        "spawn 'setsid sleep 98766'\nloop {}",
    ];
    for ((language, code), number) in each_language(codes).zip(98761..) {
        let failure = bench.run(language, json!({ "code": code, "timeout_ms": 1500 }), &[]).await.failure();
        assert_eq!(failure.code, "script-timeout", "{language:?} {failure:#?}");
        gone(&number.to_string()).await;
    }
    // In the shared JavaScript worker as well.
    let failure = bench.run(Javascript, json!({ "code": "while (true);", "timeout_ms": 1000 }), &[]).await.failure();
    assert_eq!(failure.code, "script-timeout");
    assert_eq!(bench.run(Javascript, json!({ "code": "return 1" }), &[]).await.items(), [json!({ "value": 1 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_and_a_cancelled_one_end_their_script() {
    let bench = Bench::new();
    let body = bench.body(Bash, &json!({ "code": "log started\nsleep 98770 & sleep 98770" }));
    for cancel in [false, true] {
        let log = Arc::new(Kept::default());
        let call = bench.call(Vec::new(), Arc::clone(&log));
        let token = call.cancel.clone();
        let running = tokio::spawn({
            let body = Arc::clone(&body);
            async move { body.run(call).await }
        });
        log.hear("started").await;
        if cancel {
            token.cancel();
            assert!(running.await.expect("no panic").is_err_and(|failure| failure.code == "cancelled"));
        } else {
            running.abort();
        }
        gone("98770").await;
    }
    assert_eq!(bench.handle.stats().killed, 2);
}

#[test]
fn a_killed_node_takes_its_scripts_with_it() {
    let this = std::env::current_exe().expect("a program knows itself");
    let mut node = std::process::Command::new(this)
        .args(["--exact", "the_node_that_is_killed", "--ignored"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("started");
    while !runs("98775") {
        assert!(node.try_wait().expect("asked").is_none(), "the node ended by itself");
        std::thread::yield_now();
    }
    node.kill().expect("killed");
    node.wait().expect("ended");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(gone("98775"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of a_killed_node_takes_its_scripts_with_it"]
async fn the_node_that_is_killed() {
    let bench = Bench::new();
    bench.run(Bash, json!({ "code": "setsid sleep 98775" }), &[]).await.output();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_leaves_running_ends_with_it() {
    let bench = Bench::new();
    let codes = [
        "import subprocess\nsubprocess.Popen(['setsid', 'sleep', '98781'])",
        "require('child_process').spawn('setsid', ['sleep', '98782'], { detached: true })\nreturn;",
        "setsid sleep 98783 &",
        "proc_open(['setsid', 'sleep', '98784'], [], $pipes);",
        "system 'setsid sleep 98785 &'; return;",
        "spawn 'setsid sleep 98786'; nil",
    ];
    for ((language, code), number) in each_language(codes).zip(98781..) {
        bench.run(language, json!({ "code": code }), &[]).await.output();
        gone(&number.to_string()).await;
    }
    assert_eq!(bench.handle.stats().killed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_ends_every_worker() {
    let bench = Bench::new();
    for (language, code) in each_language(["pass", ";", ":", ";", "return;", "nil"]) {
        bench.run(language, json!({ "code": code }), &[]).await.output();
    }
    bench.handle.shutdown().await;
    assert_eq!((bench.handle.stats().alive, bench.handle.stats().killed), (0, 0));
    let left = std::fs::read_dir(bench.folder.path().join("scratch")).expect("there").count();
    assert_eq!(left, 0, "folders of ended workers are gone");
    let failure = bench.run(Python, json!({ "code": "pass" }), &[]).await.failure();
    assert!(failure.message.contains("shutting down"));
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_nobody_needs_end_soon() {
    let bench = Bench::with(|options| options.idle = Duration::from_millis(100));
    bench.run(Python, json!({ "code": "pass" }), &[]).await.output();
    let ended = async {
        while bench.handle.stats().alive > 0 {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(10), ended).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_stdout_ends_with_a_clear_error() {
    let bench = Bench::with(|options| options.limits.output_bytes = 2 << 20);
    let codes = [
        "while True: print('x' * 1000)",
        "while (true) console.log('x'.repeat(1000));",
        "yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >&2",
        "while (true) echo str_repeat('x', 1000), \"\\n\";",
        "print 'x' x 1000, \"\\n\" while 1;",
        "loop { puts 'x' * 1000 }",
    ];
    for (language, code) in each_language(codes) {
        for stdout in ["log", "output"] {
            let failure = bench.run(language, json!({ "code": code, "stdout": stdout }), &[]).await.failure();
            assert_eq!(failure.code, "script-output-too-large", "{language:?} {failure:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_eats_memory_is_ended_and_told_so() {
    let bench = Bench::new();
    let codes = [
        "a = []\nwhile True: a.append('x' * 1000000)",
        "const a = [];\nwhile (true) a.push(new Array(100000).fill(a.length));",
        "a=$(head -c 2000000 /dev/zero | tr '\\0' x)\nwhile :; do a=$a$a; done",
        "$a = [];\nwhile (true) $a[] = str_repeat('x', 1000000);",
        "my @a;\npush @a, 'x' x 1000000 while 1;",
        "a = []\nloop { a << 'x' * 1000000 }",
    ];
    for (language, code) in each_language(codes) {
        let failure = bench.run(language, json!({ "code": code, "memory_mb": 64 }), &[]).await.failure();
        assert_eq!(failure.code, "script-memory", "{language:?} {failure:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_is_bounded() {
    let bench = Bench::new();
    // No process may be started beyond the bound, and none is left.
    let code = "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0:\n            time.sleep(1000)\n            os._exit(0)\n        n += 1\nexcept OSError:\n    return {'n': n}";
    let run = bench.run(Python, json!({ "code": code }), &[]).await;
    match run.result {
        Ok(output) => {
            let started = support::items(&output, "out")[0]["n"].as_u64().expect("a number");
            assert!((50..128).contains(&started), "{started}");
        }
        // Where the system does not count, the watch does.
        Err(failure) => assert_eq!(failure.code, "script-processes"),
    }
    let code = "bomb() { bomb | bomb & }\nbomb\nsleep 3600";
    let failure = bench.run(Bash, json!({ "code": code, "timeout_ms": 3000 }), &[]).await.failure();
    assert!(["script-timeout", "script-processes", "script-exit"].contains(&failure.code.as_str()), "{failure:#?}");
    assert_eq!(bench.run(Bash, json!({ "code": "echo fine" }), &[]).await.items(), [json!({ "line": "fine" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_by_signal_names_the_signal_and_the_next_call_works() {
    let bench = Bench::new();
    let codes = [
        "import os\nif items: os.kill(os.getpid(), 11)\nreturn 1",
        "if (items.length) process.kill(process.pid, 'SIGSEGV');\nreturn 1",
        "read -r x && kill -SEGV $BASHPID\necho '[1]'",
        "if ($items) posix_kill(getmypid(), 11);\nreturn 1;",
        "kill 'SEGV', $$ if @$items;\nreturn 1;",
        "Process.kill('SEGV', Process.pid) && sleep if items.any?\n1",
    ];
    for (language, code) in each_language(codes) {
        if language == Ruby {
            continue; // Its own handler turns SIGSEGV into SIGABRT, below.
        }
        let failure = bench.run(language, json!({ "code": code }), &[json!({})]).await.failure();
        assert_eq!(failure.code, "script-died", "{language:?} {failure:#?}");
        assert!(failure.message.contains("SIGSEGV"), "{language:?} {failure:#?}");
        assert_eq!(
            bench.run(language, json!({ "code": code }), &[]).await.items(),
            [json!({ "value": 1 })],
            "{language:?}"
        );
    }
    let failure = bench.run(Ruby, json!({ "code": "Process.kill('KILL', Process.pid)\nsleep" }), &[]).await.failure();
    assert!(failure.message.contains("SIGKILL"), "{failure:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_status_is_told_and_status_zero_is_success() {
    let bench = Bench::new();
    let fails = ["import sys; sys.exit(3)", "process.exit(3)", "exit 3", "exit(3);", "exit 3;", "exit 3"];
    for (language, code) in each_language(fails) {
        let failure = bench.run(language, json!({ "code": code }), &[]).await.failure();
        assert_eq!(failure.code, "script-exit", "{language:?} {failure:#?}");
        assert!(failure.message.contains("status 3"), "{language:?} {failure:#?}");
    }
    let fine = ["import sys; sys.exit(0)", "process.exit(0)", "exit 0", "exit(0);", "exit 0;", "exit 0"];
    for (language, code) in each_language(fine) {
        assert!(bench.run(language, json!({ "code": code }), &[]).await.items().is_empty(), "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_utf8_is_replaced_and_long_lines_are_cut() {
    let bench = Bench::new();
    let codes = [
        "import os; os.write(1, b'a\\xffb\\n')",
        "require('fs').writeSync(1, Buffer.from([97, 255, 98, 10])); return;",
        "printf 'a\\xffb\\n' >&2",
        "echo \"a\\xffb\\n\";",
        "binmode STDOUT, ':raw'; print \"a\\xffb\\n\"; return;",
        "$stdout.write(\"a\\xffb\\n\"); nil",
    ];
    for (language, code) in each_language(codes) {
        let run = bench.run(language, json!({ "code": code }), &[]).await;
        assert_eq!(run.log.texts(), ["a\u{fffd}b"], "{language:?}");
        run.output();
    }
    let run = bench.run(Python, json!({ "code": "print('x' * 100000)" }), &[]).await;
    assert!(run.log.texts()[0].ends_with("more bytes)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_items_is_named() {
    let bench = Bench::new();
    let codes = ["return [object()]", "return [{ n: 1n }]", "", "return NAN;", "return sub {};", "[Float::NAN]"];
    for (language, code) in each_language(codes) {
        if [Bash, Perl].contains(&language) {
            continue; // Text is always lines; Perl writes what it cannot as null.
        }
        let failure = bench.run(language, json!({ "code": code }), &[]).await.failure();
        assert_eq!(failure.code, "script-result", "{language:?} {failure:#?}");
    }
    let failure = bench.run(Python, json!({ "code": "return 'x' * (65 << 20)" }), &[]).await.failure();
    assert_eq!(failure.code, "script-result-too-large");
    assert!(failure.hint.is_some_and(|hint| hint.contains("files")));
    let failure = bench.run(Python, json!({ "code": "return 'x' * (2 << 20)" }), &[]).await.failure();
    assert_eq!(failure.code, "item-too-large");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_sees_nothing_of_the_node_and_writes_nowhere_else() {
    let bench = Bench::new();
    let secret = bench.folder.path().join("blobs/secret");
    std::fs::write(&secret, "x").expect("written");
    let tries = format!(
        "ls /root >&2 && echo root\ncat {0} >&2 && echo data\ncat /etc/shadow >&2 && echo shadow\n\
         for f in /usr/x /etc/x /x /flowork/x /flowork/in/x /flowork/boot/x /proc/sys/kernel/core_pattern; do (echo x > $f) 2>/dev/null && echo $f; done\n\
         mount -t tmpfs x /tmp 2>/dev/null && echo mounted\nunshare -U true 2>/dev/null && echo unshared\n\
         [[ $(ls /proc | grep -c '^[0-9]') -lt 10 ]] || echo processes\nln -s {0} out/link; echo '{{\"files\":{{}}}}' > /dev/null",
        secret.display()
    );
    let run = bench.run(Bash, json!({ "code": tries }), &[]).await;
    assert_eq!(run.items(), Vec::<Value>::new());
    // A link that leads out is not followed by the node either.
    let code =
        format!("import os\nos.symlink('{}', 'out/link')\nreturn {{'files': {{'f': 'out/link'}}}}", secret.display());
    let failure = bench.run(Python, json!({ "code": code }), &[]).await.failure();
    assert_eq!(failure.code, "script-files", "{failure:#?}");
    let failure = bench.run(Python, json!({ "code": "return {'files': {'f': '/etc/passwd'}}" }), &[]).await.failure();
    assert_eq!(failure.code, "script-files");
    let failure =
        bench.run(Python, json!({ "code": "return {'files': {'f': '../../boot/script'}}" }), &[]).await.failure();
    assert_eq!(failure.code, "script-files");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_hosts_there_is_no_network_and_with_hosts_there_is() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let code = format!(
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', {port}), 2)\n    return {{'open': True}}\nexcept OSError:\n    return {{'open': False}}"
    );
    assert_eq!(bench.run(Python, json!({ "code": code }), &[]).await.items(), [json!({ "open": false })]);
    let config = json!({ "code": code, "permissions": { "hosts": ["127.0.0.1"] } });
    assert_eq!(bench.run(Python, config, &[]).await.items(), [json!({ "open": true })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn named_folders_are_open_as_named_and_no_further() {
    let bench = Bench::new();
    let folder = bench.folder.path().join("given");
    std::fs::create_dir_all(folder.join("write")).expect("made");
    std::fs::write(folder.join("a.txt"), "hello").expect("written");
    let (read, write) = (folder.to_string_lossy(), folder.join("write").to_string_lossy().into_owned());
    let code = format!(
        "cat {read}/a.txt\necho\n(echo x > {read}/b.txt) 2>/dev/null && echo wrote\necho new > {write}/c.txt\nls {read}/.."
    );
    let config = json!({ "code": code, "permissions": { "read": [read], "write": [write] } });
    let run = bench.run(Bash, config, &[]).await;
    let lines: Vec<_> = run.items().into_iter().map(|item| item["line"].clone()).collect();
    assert_eq!(lines, ["hello", "given"]);
    assert_eq!(std::fs::read_to_string(folder.join("write/c.txt")).expect("written"), "new\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_gives_every_layer() {
    for finding in flowork_workers::doctor() {
        assert!(finding.ok, "{finding:#?}");
        assert!(!finding.text.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_all_come_back() {
    let bench = Bench::new();
    let codes = ["return items", "return items", "cat", "return $items;", "return $items;", "items"];
    let runs = (0..60).map(|number| {
        let (language, code) = each_language(codes).nth(number % 6).expect("six");
        let bench = &bench;
        async move {
            let items = [json!({ "n": number })];
            assert_eq!(bench.run(language, json!({ "code": code }), &items).await.items(), items, "{language:?}");
        }
    });
    futures::future::join_all(runs).await;
    assert_eq!(bench.handle.stats().killed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_limit_of_a_script_begins_when_a_worker_has_it() {
    let bench = Bench::with(|options| options.workers_per_script_max = 1);
    let config = || json!({ "code": "sleep 1; echo done", "timeout_ms": 2_000 });
    let runs = (0..4).map(|_| bench.run(Bash, config(), &[]));
    for run in futures::future::join_all(runs).await {
        assert_eq!(run.items(), [json!({ "line": "done" })]);
    }
}
