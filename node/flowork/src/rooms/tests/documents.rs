//! Docs on the real table of documents, with rows of it damaged on disk.

use std::fs;
use std::path::Path;

use flowork_documents::Handle;
use flowork_ports::Bell;
use flowork_ports::Documents;
use flowork_protocol::preset::Preset;
use flowork_protocol::{PresetId, VersionId};
use flowork_store::Layout;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::rooms::{self, Folders};

struct Docs {
    handle: Handle,
    cancel: CancellationToken,
}

impl Docs {
    async fn start(dir: &Path) -> Self {
        let layout = Layout::open(dir).unwrap();
        let (library, _) = rooms::library(
            &Folders { data: dir.to_owned(), home: dir.to_owned() },
            std::sync::Arc::new(crate::mesh_link::NoMesh),
        );
        let cancel = CancellationToken::new();
        let handle = rooms::docs(&layout, library, Bell::default(), cancel.clone()).await;
        Self { handle: handle.unwrap_or_else(|error| panic!("docs does not start: {error:?}")), cancel }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.handle.ended().await;
    }
}

fn preset(name: &str, note: &str) -> Preset {
    let value = json!({
        "flowork": "preset/1", "name": name,
        "steps": { "one": { "component": "no-op", "note": note } }, "wires": {}
    });
    serde_json::from_value(value).unwrap()
}

/// What is there before anything is damaged.
struct Whole {
    rows: Vec<(String, Vec<u8>)>,
    report: PresetId,
    version: VersionId,
}

impl Whole {
    /// Two drafts, one with several edits and a version, and what the watch over loading may leave behind.
    async fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create_or_open(dir.path()).unwrap();
        let docs = Docs::start(dir.path()).await;
        let report = docs.handle.create(preset("report", "first")).await.unwrap().id;
        docs.handle.create(preset("other", "safe")).await.unwrap();
        for edit in 1..=5 {
            docs.handle.update("report", preset("report", &format!("edit {edit}")), None).await.unwrap();
        }
        let (version, _) = docs.handle.freeze("report", Vec::new(), None).await.unwrap();
        docs.stop().await;
        let table = layout.document_table().unwrap();
        table.put(&format!("opening/{report}"), br#"{"ends":1}"#.to_vec()).await.unwrap();
        let aside = br#"{"why":"a test","until":0,"times":1}"#;
        table.put(&format!("aside/{report}"), aside.to_vec()).await.unwrap();
        Self { rows: table.load_range("").await.unwrap(), report, version: version.id }
    }

    fn kinds(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = self.rows.iter().filter_map(|(key, _)| key.split('/').next()).collect();
        kinds.dedup();
        kinds
    }

    /// A data directory with the same rows, one bit wrong on disk in each of these.
    async fn damaged(&self, keys: &[&str]) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create_or_open(dir.path()).unwrap();
        let table = layout.document_table().unwrap();
        for (key, body) in &self.rows {
            table.put(key, body.clone()).await.unwrap();
        }
        drop(table);
        assert!(!dir.path().join("documents.db-wal").exists(), "the file is not closed");
        let file = dir.path().join("documents.db");
        let mut bytes = fs::read(&file).unwrap();
        for key in keys {
            let (_, body) = self.rows.iter().find(|(it, _)| it == key).unwrap();
            let place = [key.as_bytes(), blake3::hash(body).as_bytes()].concat();
            let at: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&place)).collect();
            assert!(!at.is_empty(), "`{key}` is not in the file");
            for at in at {
                bytes[at + key.len() + 7] ^= 1;
            }
        }
        fs::write(file, bytes).unwrap();
        let table = layout.document_table().unwrap();
        for key in keys {
            assert!(table.load(key).await.is_err(), "`{key}` is as it was");
        }
        dir
    }

    async fn check(&self, damaged: &[&str]) {
        let dir = self.damaged(damaged).await;
        let docs = Docs::start(dir.path()).await;
        let names: Vec<String> = docs.handle.list().await.unwrap().into_iter().map(|draft| draft.name).collect();
        assert_eq!(names, ["other", "report"], "{damaged:?}");
        assert_eq!(docs.handle.get("other").await.unwrap().preset.steps["one"].note, "safe", "{damaged:?}");
        let read = docs.handle.get("report").await.unwrap_or_else(|error| panic!("{damaged:?}: {error}"));
        assert_eq!((read.preset.steps["one"].note.as_str(), &read.id), ("edit 5", &self.report), "{damaged:?}");
        assert_eq!(docs.handle.history("report", 100).await.unwrap().len(), 6, "{damaged:?}");
        let versions = docs.handle.versions("report").await.unwrap();
        assert_eq!(versions.iter().map(|it| it.id).collect::<Vec<_>>(), [self.version], "{damaged:?}");
        let again = docs.handle.freeze("report", Vec::new(), None).await.unwrap().0;
        assert_eq!(again.id, self.version, "{damaged:?}");
        docs.handle.update("report", preset("report", "afterwards"), None).await.unwrap();
        docs.stop().await;
        let left = Layout::open(dir.path()).unwrap().document_table().unwrap().load_range("").await;
        assert!(left.is_ok(), "{damaged:?} are mended: {left:?}");
        let docs = Docs::start(dir.path()).await;
        assert_eq!(docs.handle.get("report").await.unwrap().preset.steps["one"].note, "afterwards");
        docs.stop().await;
    }
}

#[tokio::test]
async fn no_damaged_row_of_the_table_keeps_docs_from_starting_or_loses_an_edit() {
    let whole = Whole::make().await;
    assert_eq!(whole.kinds(), ["aside", "draft", "frozen", "log", "opening", "samod", "version"]);
    for (key, _) in &whole.rows {
        whole.check(&[key.as_str()]).await;
    }
}

#[tokio::test]
async fn all_rows_of_one_kind_may_be_damaged() {
    let whole = Whole::make().await;
    for kind in whole.kinds() {
        let keys: Vec<&str> =
            whole.rows.iter().map(|(key, _)| key.as_str()).filter(|key| key.starts_with(kind)).collect();
        whole.check(&keys).await;
    }
}

#[tokio::test]
async fn a_draft_that_is_damaged_in_both_copies_is_named_and_the_others_work() {
    let whole = Whole::make().await;
    let id = whole.report.as_str();
    let both = |key: &&str| (key.starts_with("log/") || key.starts_with("samod/")) && key.contains(id);
    let keys: Vec<&str> = whole.rows.iter().map(|(key, _)| key.as_str()).filter(both).collect();
    let dir = whole.damaged(&keys).await;
    let docs = Docs::start(dir.path()).await;
    let error = docs.handle.get("report").await.unwrap_err().to_string();
    assert!(error.contains(id) && error.contains("backup"), "{error}");
    assert_eq!(docs.handle.get("other").await.unwrap().preset.steps["one"].note, "safe");
    docs.handle.update("other", preset("other", "afterwards"), None).await.unwrap();
    docs.stop().await;
    let left = Layout::open(dir.path()).unwrap().document_table().unwrap().keys("").await.unwrap();
    assert!(keys.iter().all(|key| left.iter().any(|it| it == key)), "nothing of it is removed");
}
