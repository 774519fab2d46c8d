//! The contract, in every language. A missing interpreter is a failure: `make test` installs them.
#![allow(clippy::panic)]

mod support;

use flowork_protocol::event::{Level, Pairing};
use flowork_workers::Language::{self, Bash, Javascript, Perl, Php, Python, Ruby};
use serde_json::{Value, json};
use support::{Bench, items};

/// The same program in each language.
fn each_language(codes: [&'static str; 6]) -> impl Iterator<Item = (Language, &'static str)> {
    [Python, Javascript, Bash, Php, Perl, Ruby].into_iter().zip(codes)
}

fn people() -> Vec<Value> {
    vec![json!({ "name": "Ana" }), json!({ "name": "Bo 🦊" })]
}

#[tokio::test(flavor = "multi_thread")]
async fn items_go_through_unchanged_and_stay_paired() {
    let bench = Bench::new();
    let codes = ["return items", "return items", "cat", "return $items;", "return $items;", "items"];
    for (language, code) in each_language(codes) {
        let output = bench.run(language, json!({ "code": code }), &people()).await.output();
        assert_eq!(items(&output, "out"), people(), "{language:?}");
        assert_eq!(output.ports[0].1.pairs, Pairing::Same, "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_every_manifest_works() {
    let bench = Bench::new();
    for component in &bench.components {
        let manifest = component.manifest();
        let language = Language::ALL.into_iter().find(|one| one.name() == manifest.name).expect("known");
        let run = bench.run(language, manifest.example.config.clone(), &manifest.example.input["in"]).await;
        assert_eq!(run.items(), manifest.example.output["out"], "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_mode_each_the_code_sees_one_item_and_its_output_is_paired_with_it() {
    let bench = Bench::new();
    // Nothing for the first item, two for the second.
    let codes = [
        "if item.json['n'] == 1: return\nreturn [{'m': item.json['n']}, {'m': index}]",
        "if (item.json.n === 1) return;\nreturn [{ m: item.json.n }, { m: index }];",
        "[[ $FLOWORK_ITEM == '{\"n\":1}' ]] && exit 0\necho '{\"m\":2}'; echo '{\"m\":1}'",
        "if ($item['json']['n'] === 1) return;\nreturn [['m' => $item['json']['n']], ['m' => $index]];",
        "return if $item->{json}{n} == 1;\nreturn [{ m => $item->{json}{n} }, { m => $index }];",
        "next nil if item['json']['n'] == 1\n[{ m: item['json']['n'] }, { m: index }]",
    ];
    for (language, code) in each_language(codes) {
        let config = json!({ "code": code, "mode": "each" });
        let output = bench.run(language, config, &[json!({ "n": 1 }), json!({ "n": 2 })]).await.output();
        assert_eq!(items(&output, "out"), [json!({ "m": 2 }), json!({ "m": 1 })], "{language:?}");
        assert_eq!(output.ports[0].1.pairs, Pairing::Each(vec![1, 1]), "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_values_are_wrapped_and_nothing_gives_nothing() {
    let bench = Bench::new();
    let codes = [
        "return [1, 'x', None, {'json': {'a': 1}}]",
        "return [1, 'x', null, { json: { a: 1 } }]",
        "echo '[1,\"x\",null,{\"json\":{\"a\":1}}]'",
        "return [1, 'x', null, ['json' => ['a' => 1]]];",
        "return [1, 'x', undef, { json => { a => 1 } }];",
        "[1, 'x', nil, { json: { a: 1 } }]",
    ];
    let expect = [json!({ "value": 1 }), json!({ "value": "x" }), json!({ "value": null }), json!({ "a": 1 })];
    for (language, code) in each_language(codes) {
        assert_eq!(bench.run(language, json!({ "code": code }), &[]).await.items(), expect, "{language:?}");
    }
    for (language, code) in each_language(["pass", ";", ":", ";", "return;", "nil"]) {
        assert!(bench.run(language, json!({ "code": code }), &people()).await.items().is_empty(), "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_secrets_and_the_log_are_there() {
    let bench = Bench::new();
    let codes = [
        "log('one ü')\nlog_warn('two')\nprint('three')\nreturn {'c': vars['city'], 's': secrets['token']}",
        "log('one ü');\nlog_warn('two');\nconsole.log('three');\nreturn { c: vars.city, s: secrets.token };",
        "log 'one ü'\nlog_warn 'two'\necho three >&2\nprintf '{\"c\":\"%s\",\"s\":\"%s\"}\\n' \"$VAR_city\" \"$SECRET_token\"",
        "log_info('one ü');\nlog_warn('two');\necho \"three\\n\";\nreturn ['c' => $vars['city'], 's' => $secrets['token']];",
        "log('one ü');\nlog_warn('two');\nsay 'three';\nreturn { c => $vars->{city}, s => $secrets->{token} };",
        "log 'one ü'\nlog_warn 'two'\nputs 'three'\n{ c: vars['city'], s: secrets['token'] }",
    ];
    for (language, code) in each_language(codes) {
        let run = bench.run(language, json!({ "code": code }), &[]).await;
        let mut lines = run.log.lines();
        lines.sort_by(|one, other| one.1.cmp(&other.1));
        let third = if language == Bash { Level::Warn } else { Level::Info };
        let expect = [(Level::Info, "one ü"), (third, "three"), (Level::Warn, "two")];
        assert_eq!(lines, expect.map(|(level, text)| (level, text.to_owned())), "{language:?}");
        assert_eq!(run.items(), [json!({ "c": "Zürich 東京 🦊", "s": "s3cr'et $x" })], "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn set_output_gives_items_to_further_ports_and_names_those_that_are_not_declared() {
    let bench = Bench::new();
    let codes = [
        "set_output('bad', [{'n': 1}, {'n': 2}])\nset_output('bad', {'n': 3})\nreturn {'n': 0}",
        "set_output('bad', [{ n: 1 }, { n: 2 }]);\nset_output('bad', { n: 3 });\nreturn { n: 0 };",
        "printf '{\"n\":1}\\n{\"n\":2}\\n' | set_output bad\nset_output bad <<< '{\"n\":3}'\necho '{\"n\":0}'",
        "set_output('bad', [['n' => 1], ['n' => 2]]);\nset_output('bad', ['n' => 3]);\nreturn ['n' => 0];",
        "set_output('bad', [{ n => 1 }, { n => 2 }]);\nset_output('bad', { n => 3 });\nreturn { n => 0 };",
        "set_output('bad', [{ n: 1 }, { n: 2 }])\nset_output('bad', { n: 3 })\n{ n: 0 }",
    ];
    for (language, code) in each_language(codes) {
        let output = bench.run(language, json!({ "code": code, "outputs": ["bad"] }), &[]).await.output();
        assert_eq!(items(&output, "bad"), [json!({ "n": 1 }), json!({ "n": 2 }), json!({ "n": 3 })], "{language:?}");
        assert_eq!(items(&output, "out"), [json!({ "n": 0 })], "{language:?}");
        let failure = bench.run(language, json!({ "code": code }), &[]).await.failure();
        assert_eq!(failure.code, "script-output-unknown", "{language:?}");
        assert!(failure.hint.is_some_and(|hint| hint.contains("add \"bad\" to `outputs`")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_names_the_line_and_shows_the_trace() {
    let bench = Bench::new();
    let codes = [
        "def deep():\n    x = 1\n    raise ValueError('no such thing')\ndeep()",
        "function deep() {\n  const x = 1;\n  throw new Error('no such thing');\n}\ndeep();",
        "x=1\n\ncat no-such-thing\n",
        "$deep = function () {\n  $x = 1;\n  throw new Exception('no such thing');\n};\n$deep();",
        "my $deep = sub {\n  my $x = 1;\n  die 'no such thing';\n};\n$deep->();",
        "deep = lambda do\n  x = 1\n  raise 'no such thing'\nend\ndeep.call",
    ];
    for (language, code) in each_language(codes) {
        for _ in 0..2 {
            let failure = bench.run(language, json!({ "code": code }), &[]).await.failure();
            assert_eq!(failure.place.as_deref(), Some("line 3"), "{language:?} {failure:#?}");
            assert_eq!(failure.code, if language == Bash { "script-exit" } else { "script-error" }, "{language:?}");
            let text = format!("{} {:?}", failure.message, failure.detail);
            assert!(text.contains("no such thing") || text.contains("no-such-thing"), "{language:?} {failure:#?}");
            assert!(!text.contains("harness"), "{language:?} shows its own inside: {text}");
        }
    }
    // The worker outlives a failing script, but a failed one is not ended with it.
    assert_eq!(bench.handle.stats().killed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_does_not_parse_is_told_with_its_line() {
    let bench = Bench::new();
    let codes = [
        "x = 1\ny = (2\nz = 3 +",
        "const x = 1;\nconst y = 2;\nreturn x +* y;",
        "x=1\ny=2\nif true; then )\n",
        "$x = 1;\n$y = 2;\n$z = $x +* 3;",
        "my $x = 1;\nmy $y = 2;\n$nope = 1;",
        "x = 1\ny = 2\nz = )",
    ];
    for (language, code) in each_language(codes) {
        let failure = bench.run(language, json!({ "code": code }), &[]).await.failure();
        assert_eq!(failure.code, "script-syntax", "{language:?} {failure:#?}");
        let expect = if language == Python { "line 2" } else { "line 3" };
        assert_eq!(failure.place.as_deref(), Some(expect), "{language:?} {failure:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_call_is_seen_by_the_next() {
    let bench = Bench::with(|options| options.workers_per_script_max = 1);
    let codes = [
        "import builtins, os, json\nseen = [getattr(builtins, 'leak', 0), os.path.exists('/tmp/leak'), getattr(json, 'leak', 0)]\nbuiltins.leak = json.leak = 1\nopen('/tmp/leak', 'w').write('x')\nopen('/dev/shm/leak', 'w').write('x')\nreturn {'seen': seen}",
        "const seen = [globalThis.leak ?? 0, [].leak ?? 0, ({}).leak ?? 0];\nglobalThis.leak = 1; Array.prototype.leak = 1; Object.prototype.leak = 1;\nconst t = setInterval(() => log('still here'), 1);\nreturn { seen };",
        "seen=\"${LEAK:-0} $([[ -e /tmp/leak ]] && echo yes)\"\nexport LEAK=1; echo x > /tmp/leak\nls() { echo leaked; }\necho \"{\\\"seen\\\":\\\"$seen\\\"}\"",
        "$seen = [$GLOBALS['leak'] ?? 0, file_exists('/tmp/leak'), getenv('LEAK')];\n$GLOBALS['leak'] = 1; touch('/tmp/leak'); putenv('LEAK=1');\nreturn ['seen' => $seen];",
        "our $leak; my $seen = [$leak // 0, -e '/tmp/leak' ? 1 : 0, $ENV{LEAK}];\n$leak = 1; $ENV{LEAK} = 1; open my $f, '>', '/tmp/leak'; close $f;\nreturn { seen => $seen };",
        "seen = [$leak, File.exist?('/tmp/leak'), String.method_defined?(:leak)]\n$leak = 1; File.write('/tmp/leak', 'x'); String.define_method(:leak) { 1 }\n{ seen: seen }",
    ];
    for (language, code) in each_language(codes) {
        let first = bench.run(language, json!({ "code": code }), &[]).await.items();
        for _ in 0..3 {
            let run = bench.run(language, json!({ "code": code }), &[]).await;
            assert!(run.log.texts().is_empty(), "{language:?} {:?}", run.log.texts());
            assert_eq!(run.items(), first, "{language:?}");
        }
    }
    // The same workers served all of it.
    assert_eq!(bench.handle.stats().started, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript_with_modules_leaks_nothing_either() {
    let bench = Bench::new();
    let code = "const fs = require('fs');\nconst seen = fs.leak ?? 0;\nfs.leak = 1;\nconst { join } = await import('node:path');\nreturn { seen, path: join('a', 'b') };";
    for _ in 0..3 {
        let got = bench.run(Javascript, json!({ "code": code }), &[]).await.items();
        assert_eq!(got, [json!({ "seen": 0, "path": "a/b" })]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_in_read_only_and_go_out_as_blobs() {
    use flowork_ports::Blobs;
    use flowork_protocol::{BlobRef, Item};
    let bench = Bench::new();
    let blob = bench.blobs.put_bytes("hello ü".into()).await.expect("kept");
    let given = BlobRef { blob, size: 8, name: "../my file.txt".to_owned(), media_type: None };
    let codes = [
        "p = item.files['a']['path']\ntext = open(p).read()\ntry:\n    open(p, 'a').write('x')\n    log('written')\nexcept OSError: pass\nopen('out/b.csv', 'w').write(text * 2)\nreturn {'files': {'b': 'out/b.csv', 'a': p}}",
        "const fs = require('fs');\nconst p = item.files.a.path;\nconst text = fs.readFileSync(p, 'utf8');\ntry { fs.appendFileSync(p, 'x'); log('written'); } catch {}\nfs.writeFileSync('out/b.csv', text + text);\nreturn { files: { b: { path: 'out/b.csv' }, a: item.files.a } };",
        "[[ $FLOWORK_ITEM =~ \\\"path\\\":\\\"([^\\\"]+) ]]; p=${BASH_REMATCH[1]}\n(echo x >> \"$p\") 2>/dev/null && log written\ncat \"$p\" \"$p\" > out/b.csv\necho \"{\\\"files\\\":{\\\"b\\\":\\\"out/b.csv\\\",\\\"a\\\":\\\"$p\\\"}}\"",
        "$p = $item['files']['a']['path'];\n$text = file_get_contents($p);\nif (@file_put_contents($p, 'x', FILE_APPEND)) log_info('written');\nfile_put_contents('out/b.csv', $text . $text);\nreturn ['files' => ['b' => 'b.csv', 'a' => $p]];",
        "my $p = $item->{files}{a}{path};\nopen my $in, '<', $p or die; my $text = <$in>;\nlog('written') if open my $x, '>>', $p;\nopen my $o, '>', 'out/b.csv'; print $o $text, $text; close $o;\nreturn { files => { b => 'out/b.csv', a => $p } };",
        "p = item['files']['a']['path']\ntext = File.read(p)\nbegin\n  File.write(p, 'x', mode: 'a'); log 'written'\nrescue SystemCallError\nend\nFile.write('out/b.csv', text * 2)\n{ files: { b: 'out/b.csv', a: p } }",
    ];
    for (language, code) in each_language(codes) {
        let item = Item { json: json!({}), files: [("a".to_owned(), given.clone())].into() };
        let run = bench.run_items(language, json!({ "code": code, "mode": "each" }), vec![item]).await;
        assert!(run.log.texts().is_empty(), "{language:?} {:?}", run.log.texts());
        let output = run.output();
        let files = &output.ports[0].1.items[0].files;
        assert_eq!(files["a"], given, "{language:?}");
        assert_eq!(files["b"].media_type.as_deref(), Some("text/csv"), "{language:?}");
        let bytes = bench.blobs.get(files["b"].blob).await.expect("kept");
        assert_eq!(String::from_utf8_lossy(&bytes), "hello ühello ü", "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stdout_can_be_the_output() {
    let bench = Bench::new();
    let codes = [
        "print('a ü')",
        "console.log('a ü')",
        "echo 'a ü'",
        "echo \"a ü\\n\";",
        "print \"a ü\\n\"; return;",
        "puts 'a ü'",
    ];
    for (language, code) in each_language(codes) {
        let run = bench.run(language, json!({ "code": code, "stdout": "output" }), &[]).await;
        assert_eq!(run.items(), [json!({ "line": "a ü" })], "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_have_run() {
    let bench = Bench::new();
    let body = bench.body(Python, &json!({ "code": "open('/nope')" }));
    let mut call = bench.call(Vec::new(), std::sync::Arc::default());
    call.dry_run = true;
    let flowork_ports::component::Yield::Output(output) = body.run(call).await.expect("nothing runs") else {
        panic!("output")
    };
    assert_eq!(output.note.as_deref(), Some("dry run: would have run Python code over 0 items"));
    assert_eq!(bench.handle.stats().calls, 0);
}
