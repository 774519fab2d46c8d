use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{list_files, read_file, write_file};
use crate::Options;
use crate::testing::{call, on, run};
use flowork_ports::component::{Output, Yield};
use flowork_protocol::Failure;

struct Desk {
    folder: tempfile::TempDir,
    options: Arc<Options>,
}

fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let options = Arc::new(crate::testing::options(folder.path()));
    Desk { folder, options }
}

impl Desk {
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    async fn run(&self, name: &str, config: Value, items: Vec<Value>, dry: bool) -> Result<Output, Failure> {
        let component = match name {
            "read" => read_file::component(&self.options),
            "write" => write_file::component(&self.options),
            _ => list_files::component(&self.options),
        };
        let mut call = call(&[("in", items)]);
        call.dry_run = dry;
        match run(&*component, config, call).await? {
            Yield::Output(output) => Ok(output),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_file_is_written_whole_or_not_at_all_and_read_back_in_every_form() -> Result<(), Failure> {
    let desk = desk();
    let items = vec![json!({ "n": 1 }), json!({ "n": 2 })];
    let lines = json!({ "path": "a/b.txt", "what": "lines", "text": "n={{ $json.n }}", "create_folders": true });
    let output = desk.run("write", lines.clone(), items.clone(), false).await?;
    assert_eq!(desk.text("a/b.txt"), "n=1\nn=2\n");
    assert!(output.note.is_some_and(|note| note.starts_with("wrote 8 bytes to ")));
    let left: Vec<_> = fs::read_dir(desk.folder.path().join("a")).into_iter().flatten().collect();
    assert_eq!(left.len(), 1, "nothing half-written is left");

    let read = desk.run("read", json!({ "path": "a/b.txt", "as": "lines" }), vec![json!({})], false).await?;
    assert_eq!(on(&read, "out"), [json!({ "line": "n=1", "number": 1 }), json!({ "line": "n=2", "number": 2 })]);
    let last = json!({ "path": "a/b.txt", "as": "lines", "max_lines": 1, "keep": "last" });
    assert_eq!(
        on(&desk.run("read", last, vec![json!({})], false).await?, "out"),
        [json!({ "line": "n=2", "number": 2 })]
    );
    let text = on(&desk.run("read", json!({ "path": "a/b.txt" }), vec![json!({})], false).await?, "out");
    assert_eq!(text[0]["text"], "n=1\nn=2\n");

    desk.run("write", json!({ "path": "c.json", "what": "json" }), items.clone(), false).await?;
    assert_eq!(
        on(&desk.run("read", json!({ "path": "c.json", "as": "json" }), vec![json!({})], false).await?, "out"),
        items
    );
    let file = desk.run("read", json!({ "path": "c.json", "as": "file" }), vec![json!({ "k": 1 })], false).await?;
    assert_eq!(file.ports[0].1.items[0].files["data"].media_type.as_deref(), Some("application/json"));
    assert_eq!(on(&file, "out")[0]["k"], 1);
    Ok(())
}

#[tokio::test]
async fn modes_and_dry_run_do_what_they_say() -> Result<(), Failure> {
    let desk = desk();
    let item = || vec![json!({ "text": "x" })];
    desk.run("write", json!({ "path": "a" }), item(), false).await?;
    desk.run("write", json!({ "path": "a", "mode": "append" }), item(), false).await?;
    assert_eq!(desk.text("a"), "xx");
    let refused = desk.run("write", json!({ "path": "a", "mode": "create" }), item(), false).await;
    assert_eq!(refused.map_err(|failure| failure.code), Err("file-exists".to_owned()));
    let dry = desk.run("write", json!({ "path": "b" }), item(), true).await?;
    assert!(dry.note.is_some_and(|note| note.starts_with("dry run: would have written 1 bytes to ")));
    assert!(!desk.folder.path().join("b").exists());
    Ok(())
}

#[tokio::test]
async fn errors_name_the_file_the_item_and_what_to_do() {
    let desk = desk();
    let missing = desk.run("read", json!({ "path": "{{ $json.path }}" }), vec![json!({ "path": "none" })], false).await;
    let failure = missing.err().unwrap_or_else(|| panic!("it read a file that is not there"));
    assert_eq!((failure.code.as_str(), failure.item), ("file-missing", Some(0)));
    assert!(failure.message.contains("none") && failure.hint.is_some());
    let outside = desk.run("read", json!({ "path": "../x" }), vec![json!({})], false).await;
    assert_eq!(outside.map_err(|failure| failure.code), Err("file-path".to_owned()));
    let device = desk.run("read", json!({ "path": "/dev/zero" }), vec![json!({})], false).await;
    assert_eq!(device.map_err(|failure| failure.code), Err("file-special".to_owned()));
    assert!(fs::write(desk.folder.path().join("large"), vec![b'x'; 2 << 20]).is_ok());
    let large = desk.run("read", json!({ "path": "large" }), vec![json!({})], false).await;
    assert_eq!(large.map_err(|failure| failure.code), Err("file-too-large".to_owned()));
    let long = desk.run("read", json!({ "path": "large", "as": "lines" }), vec![json!({})], false).await;
    assert_eq!(long.map_err(|failure| failure.code), Err("file-line-too-long".to_owned()));
}

#[tokio::test]
async fn files_in_proc_are_read_though_they_say_they_are_empty() -> Result<(), Failure> {
    let read = desk().run("read", json!({ "path": "/proc/meminfo", "as": "lines" }), vec![json!({})], false).await?;
    assert!(on(&read, "out")[0]["line"].as_str().is_some_and(|line| line.starts_with("MemTotal")));
    Ok(())
}

#[tokio::test]
async fn folders_are_listed_by_pattern_in_the_order_of_paths() -> Result<(), Failure> {
    let desk = desk();
    for name in ["b.csv", "a.csv", "c.txt", "sub/d.csv"] {
        desk.run("write", json!({ "path": name, "create_folders": true }), vec![json!({ "text": "1" })], false).await?;
    }
    let names = |output: &Output| on(output, "out").iter().map(|item| item["inside"].clone()).collect::<Vec<_>>();
    let flat = desk.run("list", json!({ "folder": ".", "patterns": ["*.csv"] }), vec![json!({})], false).await?;
    assert_eq!(names(&flat), ["a.csv", "b.csv"]);
    let deep = json!({ "folder": ".", "patterns": ["*.csv"], "recursive": true });
    assert_eq!(names(&desk.run("list", deep, vec![json!({})], false).await?), ["a.csv", "b.csv", "sub/d.csv"]);
    let many = desk.run("list", json!({ "folder": ".", "max": 1 }), vec![json!({})], false).await;
    assert_eq!(many.map_err(|failure| failure.code), Err("list-too-many".to_owned()));
    let none = desk.run("list", json!({ "folder": "nowhere" }), vec![json!({})], false).await;
    assert_eq!(none.map_err(|failure| failure.code), Err("file-missing".to_owned()));
    Ok(())
}

#[tokio::test]
async fn the_nodes_own_folder_is_closed_to_steps_by_whatever_path() -> Result<(), Failure> {
    let desk = desk();
    let at = |name: &str| desk.folder.path().join(name).display().to_string();
    for folder in ["data/run", "data/keys", "data/files", "other"] {
        fs::create_dir_all(at(folder)).unwrap_or_else(|error| panic!("{error}"));
    }
    for name in ["data/run/token", "data/keys/vault.key", "data/files/mine", "other/mine"] {
        fs::write(at(name), "flowork_0123").unwrap_or_else(|error| panic!("{error}"));
    }
    let link = |to: &str, from: &str| std::os::unix::fs::symlink(at(to), at(from)).unwrap_or_else(|e| panic!("{e}"));
    link("data", "way");
    link("data/run/token", "other/token");
    link("data/keys", "data/files/keys");
    let closed = [
        "data/run/token",
        "data/files/../run/token",
        "other/../data/run/token",
        "way/run/token",
        "other/token",
        "data/files/keys/vault.key",
    ];
    for path in closed {
        for form in ["text", "lines", "file"] {
            let read = desk.run("read", json!({ "path": at(path), "as": form }), vec![json!({})], false).await;
            assert_eq!(read.map_err(|failure| failure.code), Err("file-of-node".to_owned()), "{path} as {form}");
        }
        for mode in ["overwrite", "append", "create"] {
            let config = json!({ "path": at(path), "text": "x", "mode": mode });
            let written = desk.run("write", config, vec![json!({})], false).await;
            assert_eq!(written.map_err(|failure| failure.code), Err("file-of-node".to_owned()), "{path} by {mode}");
        }
    }
    for path in ["data/new/deep/x", "way/new/x", "data/files/keys/new/x", "other/none/../../data/new/x"] {
        let config = json!({ "path": at(path), "text": "x", "create_folders": true });
        let written = desk.run("write", config, vec![json!({})], false).await;
        assert_eq!(written.map_err(|failure| failure.code), Err("file-of-node".to_owned()), "{path}");
    }
    assert!(!desk.folder.path().join("data/new").exists());
    for folder in ["data", "data/run", "way", "data/files/keys"] {
        let listed = desk.run("list", json!({ "folder": at(folder) }), vec![json!({})], false).await;
        assert_eq!(listed.map_err(|failure| failure.code), Err("file-of-node".to_owned()), "{folder}");
    }
    let all = desk.run("list", json!({ "folder": at("."), "recursive": true }), vec![json!({})], false).await?;
    let inside: Vec<Value> = on(&all, "out").iter().map(|item| item["inside"].clone()).collect();
    assert_eq!(inside, ["other/mine"]);

    for path in ["data/files/mine", "way/files/mine", "other/mine"] {
        desk.run("read", json!({ "path": at(path) }), vec![json!({})], false).await?;
    }
    desk.run(
        "write",
        json!({ "path": at("data/files/new/x"), "text": "x", "create_folders": true }),
        vec![json!({})],
        false,
    )
    .await?;
    assert_eq!(
        (desk.text("data/files/new/x"), desk.text("data/run/token")),
        ("x".to_owned(), "flowork_0123".to_owned())
    );
    Ok(())
}
