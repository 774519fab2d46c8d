//! Scripts that mean harm: to the next job, to the node's files, to its disk.
#![allow(clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use flowork_ports::component::Yield;
use flowork_workers::Language::{self, Bash, Javascript, Perl, Php, Python, Ruby};
use flowork_workers::Layer;
use serde_json::json;
use support::{Bench, Kept};

fn each_language(codes: [&'static str; 6]) -> impl Iterator<Item = (Language, &'static str)> {
    [Python, Javascript, Bash, Php, Perl, Ruby].into_iter().zip(codes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_speaks_for_the_harness_does_not_get_the_next_call() {
    let bench = Bench::new();
    // Each gives a result, says that the worker is ready again, and waits for what is sent to it then.
    let codes = [
        "import os\nos.write(3, b'\\0\\0\\0\\x1ar{\"values\":[1],\"ports\":{}}\\0\\0\\0\\1y')\nx = os.read(3, 9000)\nos.write(1, b'STOLEN ' + x + b'\\n')",
        "const fs = require('fs');\nfs.writeSync(3, '\\0\\0\\0\\x1ar{\"values\":[1],\"ports\":{}}\\0\\0\\0\\1y');\nconst b = Buffer.alloc(9000);\nfs.readSync(3, b);\nfs.writeSync(1, 'STOLEN\\n');",
        "printf '\\0\\0\\0\\032r{\"values\":[1],\"ports\":{}}\\0\\0\\0\\1y' >&3\nIFS= read -r -N 200 x <&3\necho \"STOLEN $x\" >&2",
        "$c = fopen('php://fd/3', 'r+b');\nfwrite($c, \"\\0\\0\\0\\x1ar{\\\"values\\\":[1],\\\"ports\\\":{}}\\0\\0\\0\\1y\");\n$x = fread($c, 9000);\nfwrite(STDOUT, \"STOLEN $x\\n\");",
        "open(my $c, '+<&=', 3);\nsyswrite $c, \"\\0\\0\\0\\x1ar{\\\"values\\\":[1],\\\"ports\\\":{}}\\0\\0\\0\\1y\";\nsysread $c, my $x, 9000;\nprint \"STOLEN $x\\n\";",
        "c = IO.for_fd(3, 'r+b', autoclose: false)\nc.syswrite(\"\\0\\0\\0\\x1ar{\\\"values\\\":[1],\\\"ports\\\":{}}\\0\\0\\0\\1y\")\nx = c.readpartial(9000)\nputs \"STOLEN #{x}\"",
    ];
    for (language, code) in each_language(codes) {
        for _ in 0..2 {
            let run = bench.run(language, json!({ "code": code }), &[]).await;
            assert!(run.log.texts().is_empty(), "{language:?} heard {:?}", run.log.texts());
            assert_eq!(run.items(), [json!({ "value": 1 })], "{language:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_holds_no_channel_but_the_one_for_what_it_gives() {
    let bench = Bench::new();
    let codes = [
        "import os\nheld = []\nfor n in os.listdir('/proc/self/fd'):\n    try:\n        if os.readlink(f'/proc/self/fd/{n}').startswith('socket'): held.append(n)\n    except OSError: pass\nreturn held",
        "const fs = require('fs');\nreturn fs.readdirSync('/proc/self/fd').filter((n) => { try { return fs.readlinkSync('/proc/self/fd/' + n).startsWith('socket') } catch { return false } });",
        "for f in /proc/$BASHPID/fd/*; do [[ $(readlink $f) == socket* ]] && echo \"{\\\"value\\\":\\\"${f##*/}\\\"}\"; done; true",
        // PHP has the same socket a second time, as the stream that it opened for it.
        "$all = [];\n$its = readlink('/proc/self/fd/3');\nforeach (scandir('/proc/self/fd') as $n) { $to = (string) @readlink(\"/proc/self/fd/$n\"); if (str_starts_with($to, 'socket') && ($n === '3' || $to !== $its)) { $all[] = $n; } }\nreturn $all;",
        "opendir(my $d, '/proc/self/fd');\nreturn [grep { (readlink(\"/proc/self/fd/$_\") // '') =~ /^socket/ } readdir $d];",
        "Dir.children('/proc/self/fd').select { |n| (File.readlink(\"/proc/self/fd/#{n}\") rescue '').start_with?('socket') }",
    ];
    for (language, code) in each_language(codes) {
        let held = bench.run(language, json!({ "code": code }), &[]).await.items();
        assert_eq!(held, [json!({ "value": "3" })], "{language:?}");
    }
}

/// Leaves what it can on the first call and tells on the second what of it is there.
const LEFT: [&str; 6] = [
    r#"
import os, sys, signal, builtins, json, fcntl, time
if items:
    builtins.left = json.left = sys.left = 1
    json.dumps = lambda *_, **__: 'null'
    os.environ['LEFT'] = '1'
    for place in ('/tmp', '/dev/shm', '..', '.'):
        open(place + '/left', 'w').write('x')
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for n in (signal.SIGTERM, signal.SIGHUP): signal.signal(n, signal.SIG_IGN)
            while True:
                try: os.write(1, b'LEFT\n'); open('/tmp/again', 'w').close()
                except OSError: pass
        os._exit(0)
    for n in (1, 2, 3): fcntl.fcntl(n, fcntl.F_SETFL, os.O_NONBLOCK)
    for place in ('/tmp', '/dev/shm'):
        os.chmod(place, 0)
    os.chdir('/')
    return None
left = [place for place in ('/tmp', '/dev/shm', '..', '.') for name in os.listdir(place) if name in ('left', 'again')]
left += [name for name in ('LEFT',) if name in os.environ]
left += [m for m in (builtins, json, sys) if hasattr(m, 'left')]
left += ['processes'] * (sum(name.isdigit() for name in os.listdir('/proc')) - 3)
left += ['flags'] * sum(bool(fcntl.fcntl(n, fcntl.F_GETFL) & os.O_NONBLOCK) for n in (1, 2, 3))
left += ['cwd'] * (not os.getcwd().startswith('/flowork/work/'))
open('/tmp/mine', 'w').close()
return {'left': left}
"#,
    r#"
const fs = require('fs');
if (items.length) {
  globalThis.left = Object.prototype.left = process.env.LEFT = 1;
  for (const place of ['/tmp', '/dev/shm', '..', '.']) fs.writeFileSync(place + '/left', 'x');
  require('child_process').spawn('setsid', ['sh', '-c', 'while :; do echo LEFT; echo x > /tmp/again; done'], { detached: true, stdio: 'inherit' }).unref();
  fs.chmodSync('/tmp', 0);
  process.chdir('/');
  return;
}
const left = ['/tmp', '/dev/shm', '..', '.'].filter((place) => fs.readdirSync(place).some((name) => name === 'left' || name === 'again'));
if (globalThis.left || {}.left || process.env.LEFT) left.push('globals');
fs.writeFileSync('/tmp/mine', '');
return { left };
"#,
    r#"
if read -r line; then
  export LEFT=1
  for place in /tmp /dev/shm .. .; do echo x > $place/left; done
  log() { :; }
  (setsid bash -c 'trap "" TERM HUP; while :; do echo LEFT; echo x > /tmp/again; done' &)
  chmod 0 /tmp
  cd /
  exit 0
fi
left=()
for place in /tmp /dev/shm .. .; do [[ -e $place/left || -e $place/again ]] && left+=("\"$place\""); done
[[ ${LEFT-} ]] && left+=('"LEFT"')
[[ $(type log) == *level* ]] || left+=('"log"')
: > /tmp/mine || left+=('"/tmp"')
IFS=,
echo "{\"left\":[${left[*]}]}"
"#,
    r#"
if ($items) {
  $GLOBALS['left'] = 1;
  putenv('LEFT=1');
  ini_set('memory_limit', '99M');
  foreach (['/tmp', '/dev/shm', '..', '.'] as $place) { file_put_contents("$place/left", 'x'); }
  proc_open(['setsid', 'sh', '-c', 'while :; do echo LEFT; echo x > /tmp/again; done'], [1 => STDOUT], $pipes);
  stream_set_blocking(STDOUT, false);
  chmod('/tmp', 0);
  chdir('/');
  return;
}
$left = array_values(array_filter(['/tmp', '/dev/shm', '..', '.'], fn($place) => file_exists("$place/left") || file_exists("$place/again")));
if (isset($GLOBALS['left']) || getenv('LEFT') || ini_get('memory_limit') === '99M') { $left[] = 'globals'; }
file_put_contents('/tmp/mine', 'x') or $left[] = '/tmp';
return ['left' => $left];
"#,
    r#"
BEGIN { $main::begun++ }
if (@$items) {
    $main::left = $ENV{LEFT} = 1;
    for my $place ('/tmp', '/dev/shm', '..', '.') { open my $file, '>', "$place/left"; print $file 'x' }
    if (!fork) { POSIX::setsid(); if (!fork) { $SIG{TERM} = 'IGNORE'; while (1) { syswrite STDOUT, "LEFT\n"; open my $file, '>', '/tmp/again' } } POSIX::_exit(0) }
    chmod 0, '/tmp';
    chdir '/';
    return;
}
my @left = grep { -e "$_/left" || -e "$_/again" } '/tmp', '/dev/shm', '..', '.';
push @left, 'globals' if $main::left || $ENV{LEFT} || $main::begun > 1;
open(my $file, '>', '/tmp/mine') or push @left, '/tmp';
return { left => \@left };
"#,
    r##"
if items.any?
  $left = ENV['LEFT'] = '1'
  class String; def left = 1; end
  ['/tmp', '/dev/shm', '..', '.'].each { |place| File.write("#{place}/left", 'x') }
  fork { Process.setsid; fork { trap('TERM', 'IGNORE'); loop { $stdout.syswrite("LEFT\n") rescue nil; File.write('/tmp/again', '') rescue nil } } ; exit!(0) }
  File.chmod(0, '/tmp')
  Dir.chdir('/')
  next nil
end
left = ['/tmp', '/dev/shm', '..', '.'].select { |place| File.exist?("#{place}/left") || File.exist?("#{place}/again") }
left << 'globals' if $left || ENV['LEFT'] || ''.respond_to?(:left)
File.write('/tmp/mine', '')
{ 'left' => left }
"##,
];

#[tokio::test(flavor = "multi_thread")]
async fn what_one_job_leaves_anywhere_is_not_there_for_the_next() {
    let bench = Bench::new();
    for (language, code) in each_language(LEFT) {
        // The same worker, where the language lets it serve again.
        for _ in 0..2 {
            let first = bench.run(language, json!({ "code": code }), &[json!({ "n": 1 })]).await;
            first.result.unwrap_or_else(|failure| panic!("{language:?} {failure:#?}"));
            let next = bench.run(language, json!({ "code": code }), &[]).await;
            assert!(next.log.texts().is_empty(), "{language:?} {:?}", next.log.texts());
            assert_eq!(next.items(), [json!({ "left": [] })], "{language:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript_in_a_shared_process_finds_no_way_out_of_its_context() {
    let bench = Bench::new();
    let code = r#"
const found = [];
const way = async (name, way) => { try { const it = await way(); if (it) found.push(name) } catch (error) {
  try { if (error.constructor.constructor('return typeof pro' + 'cess')() !== 'undefined') found.push(name + ' error') } catch {} } };
await way('eval', () => eval('imp' + 'ort("node:fs")'));
await way('this', () => globalThis.constructor.constructor('return pro' + 'cess')());
await way('log', () => log.constructor('return pro' + 'cess')());
await way('timer', () => setTimeout.constructor('return pro' + 'cess')());
await way('console', () => console.log.constructor('return pro' + 'cess')());
await way('items', () => items.constructor.constructor('return pro' + 'cess')());
await way('atob', () => atob('%'));
Error.prepareStackTrace = (_, calls) => calls.map((call) => call.getThis?.()).find((it) => it && it !== globalThis && it['pro' + 'cess']);
await way('stack', () => new Error().stack);
Object.prototype.left = Array.prototype.left = 1;
return { found, left: typeof left === 'undefined' ? null : left, before: items.left ?? null };
"#;
    for _ in 0..2 {
        let given = bench.run(Javascript, json!({ "code": code }), &[]).await.items();
        assert_eq!(given[0]["found"], json!([]));
        // Back before the next call, which would otherwise start another one.
        while bench.handle.stats().idle == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    let clean =
        bench.run(Javascript, json!({ "code": "return { left: {}.left ?? null, array: [].left ?? null }" }), &[]);
    assert_eq!(clean.await.items(), [json!({ "left": null, "array": null })]);
    assert_eq!(bench.handle.stats().started, 1, "all in one process");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_in_place_of_its_folders_lead_the_node_nowhere() {
    let bench = Bench::new();
    let mine = bench.folder.path().join("mine");
    fs::create_dir_all(mine.join("out")).expect("made");
    fs::write(mine.join("key"), "flowork_0123").expect("written");
    let mine = mine.display();
    let read = format!(
        "import os\nhere = os.getcwd()\nos.rename(here, here + '-old')\nos.symlink('{mine}', here)\nreturn {{'files': {{'f': 'key'}}}}"
    );
    let failure = bench.run(Python, json!({ "code": read }), &[]).await.failure();
    assert_eq!(failure.code, "script-files", "{failure:#?}");
    for part in ["tmp", "shm"] {
        let remove = format!(
            "import os\npart = os.path.dirname(os.getcwd()) + '/{part}'\nif items:\n    os.rename(part, part + '-old')\n    os.symlink('{mine}', part)\nreturn 1"
        );
        for items in [vec![json!({})], Vec::new(), Vec::new()] {
            let given = bench.run(Python, json!({ "code": remove }), &items).await.items();
            assert_eq!(given, [json!({ "value": 1 })]);
        }
    }
    bench.handle.shutdown().await;
    assert_eq!(fs::read_to_string(bench.folder.path().join("mine/key")).expect("it is there"), "flowork_0123");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_fills_its_folder_is_told_so_and_harms_nobody() {
    let bench = Bench::with(|options| options.limits.scratch_bytes = 8 << 20);
    let codes = [
        "for n in range(64): open(f'f{n}', 'wb').write(b'x' * (1 << 20))",
        "for (let n = 0; n < 64; n++) require('fs').writeFileSync('f' + n, 'x'.repeat(1 << 20));",
        "for n in {1..64}; do head -c 1048576 /dev/zero > /tmp/f$n; done 2>/dev/null\ntrue",
        "for ($n = 0; $n < 64; $n++) { @file_put_contents(\"f$n\", str_repeat('x', 1 << 20)); }",
        "for my $n (1 .. 64) { open my $f, '>', \"/dev/shm/f$n\"; print $f 'x' x (1 << 20); close $f }\nreturn;",
        "64.times { |n| File.write(\"f#{n}\", 'x' * (1 << 20)) }",
    ];
    for (language, code) in each_language(codes) {
        let failure = bench.run(language, json!({ "code": code }), &[]).await.failure();
        assert_eq!(failure.code, "script-disk-full", "{language:?} {failure:#?}");
        assert!(failure.message.contains("8 MB") && failure.hint.is_some(), "{failure:#?}");
    }
    // Files that are open and have no name count as well; they may be gone again when the node looks, with the process.
    let unnamed = "import os\nkept = []\nfor n in range(64):\n    f = open('f', 'wb')\n    os.unlink('f')\n    f.write(b'x' * (1 << 20))\n    f.flush()\n    kept.append(f)";
    let failure = bench.run(Python, json!({ "code": unnamed }), &[]).await.failure();
    let told = failure.code == "script-disk-full" || failure.message.contains("No space left");
    assert!(told, "{failure:#?}");
    let small = bench.run(Python, json!({ "code": "open('f', 'wb').write(b'x' * (4 << 20))\nreturn 1" }), &[]).await;
    assert_eq!(small.items(), [json!({ "value": 1 })]);
}

/// A machine without namespaces; scripts run as nobody there and must reach their folder.
fn poorer(without: Vec<Layer>, unconfined: bool) -> Bench {
    let bench = Bench::with(|options| {
        options.without = without;
        options.unconfined = unconfined;
        options.limits.scratch_bytes = 8 << 20;
    });
    fs::set_permissions(bench.folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn without_mounts_the_folder_is_watched_instead() {
    let bench = poorer(vec![Layer::Namespaces], false);
    let code = "n = 0\nwhile True:\n    n += 1\n    open(f'f{n}', 'wb').write(b'x' * (1 << 20))\n    if n > 64: import time; time.sleep(1000)";
    let failure = bench.run(Python, json!({ "code": code }), &[]).await.failure();
    assert_eq!(failure.code, "script-disk-full", "{failure:#?}");
    assert_eq!(bench.run(Bash, json!({ "code": "echo '[1]'" }), &[]).await.items(), [json!({ "value": 1 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_holds_a_script_it_runs_by_the_owners_word_alone() {
    let neither = vec![Layer::Namespaces, Layer::Landlock];
    let failure = poorer(neither.clone(), false).run(Bash, json!({ "code": "echo '[1]'" }), &[]).await.failure();
    assert_eq!(failure.code, "script-worker");
    assert!(failure.message.contains("neither") && failure.message.contains("flowork doctor"), "{failure:#?}");
    let run = poorer(neither, true).run(Bash, json!({ "code": "echo '[1]'" }), &[]).await;
    assert_eq!(run.items(), [json!({ "value": 1 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_permission_opens_the_nodes_own_folder() {
    let bench = Bench::new();
    let at = |name: &str| bench.folder.path().join(name).display().to_string();
    for folder in ["data/run", "data/files", "other"] {
        fs::create_dir_all(at(folder)).expect("made");
    }
    fs::write(at("data/run/token"), "flowork_0123").expect("written");
    fs::write(at("data/files/mine"), "mine").expect("written");
    std::os::unix::fs::symlink(at("data"), at("other/way")).expect("linked");
    std::os::unix::fs::symlink(at("data/run"), at("data/files/run")).expect("linked");
    for path in ["data", "data/run", "data/run/token", "other/way", "other/way/run", "data/files/run"] {
        for kind in ["read", "write"] {
            let mut config = json!({ "code": "echo open", "permissions": {} });
            config["permissions"][kind] = json!([at(path)]);
            let failure = bench.run(Bash, config, &[]).await.failure();
            assert_eq!(failure.code, "file-of-node", "{kind} {path}: {failure:#?}");
        }
    }
    let whole = bench.folder.path().display().to_string();
    let refused = json!({ "code": "echo open", "permissions": { "write": [whole] } });
    assert_eq!(bench.run(Bash, refused, &[]).await.failure().code, "file-of-node");
    let code = format!("cd {whole}; find data; cat data/run/token; cat other/way/run/token; cat other/mine");
    fs::write(at("other/mine"), "mine").expect("written");
    let config = json!({ "code": code, "permissions": { "read": [whole] } });
    assert_eq!(bench.run(Bash, config, &[]).await.items(), [json!({ "line": "data" }), json!({ "line": "mine" })]);
    let config = json!({ "code": format!("cat {0}/mine; cat {0}/run/token; true", at("data/files")), "permissions": { "read": [at("data/files")] } });
    assert_eq!(bench.run(Bash, config, &[]).await.items(), [json!({ "line": "mine" })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn presets_of_the_same_name_share_no_worker() {
    let bench = Bench::new();
    let body = bench.body(Javascript, &json!({ "code": "return 1" }));
    for domain in ["one", "two", "one"] {
        let mut call = bench.call(Vec::new(), Arc::new(Kept::default()));
        call.domain = domain.into();
        assert!(matches!(body.run(call).await, Ok(Yield::Output(_))));
    }
    assert_eq!(bench.handle.stats().started, 2);
}
