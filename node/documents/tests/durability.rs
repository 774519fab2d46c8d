//! What survives: a kill at any write, a full disk, a damaged row, a document that ends the process.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use flowork_documents::Handle;
use flowork_ports::documents::{Documents, Error};
use support::{Fault, MemoryBlobs, Node, Table, on_runtime, preset};

type Rows = BTreeMap<String, Vec<u8>>;

/// What a script was told, and what it was in the middle of: by draft, the note that it should have.
#[derive(Debug, Default, Clone)]
struct Told {
    /// What calls returned.
    done: BTreeMap<String, Option<String>>,
    /// What the call under way would make of it.
    trying: Option<(String, Option<String>)>,
    frozen: Vec<flowork_protocol::VersionId>,
}

#[derive(Clone)]
struct Script {
    documents: Handle,
    told: Arc<Mutex<Told>>,
}

impl Script {
    async fn create(&self, name: &str, note: &str) {
        self.told.lock().unwrap().trying = Some((name.to_owned(), Some(note.to_owned())));
        self.documents.create(preset(name, note)).await.unwrap();
        self.done();
    }

    async fn update(&self, name: &str, note: &str) {
        self.told.lock().unwrap().trying = Some((name.to_owned(), Some(note.to_owned())));
        self.documents.update(name, preset(name, note), None).await.unwrap();
        self.done();
    }

    async fn delete(&self, name: &str) {
        self.told.lock().unwrap().trying = Some((name.to_owned(), None));
        self.documents.delete(name).await.unwrap();
        self.done();
    }

    async fn freeze(&self, name: &str) {
        let (version, _) = self.documents.freeze(name, Vec::new(), None).await.unwrap();
        self.told.lock().unwrap().frozen.push(version.id);
    }

    fn done(&self) {
        let mut told = self.told.lock().unwrap();
        if let Some((name, note)) = told.trying.take() {
            told.done.insert(name, note);
        }
    }
}

/// Runs `script` on `rows`, killed at write `at`; gives what is on disk then, or none when it came to its end.
fn killed_at<F: Future<Output = ()>>(
    rows: &Rows, at: usize, written: bool, told: &Arc<Mutex<Told>>, blobs: &Arc<MemoryBlobs>,
    script: impl FnOnce(Script) -> F,
) -> Option<Rows> {
    on_runtime(async {
        let table = Table::new(rows.clone(), Fault::Kill { at, written });
        let run = async {
            let node = Node::start_with(table.clone(), blobs.clone()).await;
            script(Script { documents: node.documents.clone(), told: told.clone() }).await;
            node.stop().await;
        };
        tokio::select! {
            biased;
            () = table.killed.notified() => Some(table.rows()),
            () = run => None,
        }
    })
}

fn check(rows: Rows, told: &Told, blobs: &Arc<MemoryBlobs>, place: &str) {
    on_runtime(async {
        let node = Node::start_with(Table::new(rows, Fault::Nothing), blobs.clone()).await;
        let mut expect = told.done.clone();
        let mut open = None;
        if let Some((name, note)) = &told.trying {
            let before = expect.insert(name.clone(), note.clone()).flatten();
            open = Some((name.clone(), before));
        }
        let list = node.documents.list().await.unwrap();
        let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
        for draft in &list {
            let read = node.documents.get(&draft.name).await.unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(read.id, draft.id, "{place}");
            let twice = found.insert(draft.name.clone(), Some(read.preset.steps["one"].note.clone()));
            assert_eq!(twice, None, "{place}: two drafts of one name");
        }
        for (name, note) in &expect {
            let is = found.remove(name).flatten();
            let before = open.as_ref().filter(|(open, _)| open == name).map(|(_, before)| before);
            assert!(
                is == *note || Some(&is) == before,
                "{place}: `{name}` is {is:?}, told {note:?}, before {before:?}"
            );
        }
        assert!(found.is_empty(), "{place}: {found:?}");
        for version in &told.frozen {
            node.documents.version(*version).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        }
        // Life goes on: what is there can be edited.
        for draft in &list {
            node.documents.update(&draft.name, preset(&draft.name, "afterwards"), None).await.unwrap();
        }
    });
}

fn survives<F: Future<Output = ()>>(rows: &Rows, known: &Told, script: impl Fn(Script) -> F) -> usize {
    for at in 1.. {
        for written in [false, true] {
            let (told, blobs) = (Arc::new(Mutex::new(known.clone())), Arc::new(MemoryBlobs::default()));
            let place = format!("killed at write {at}, written: {written}");
            match killed_at(rows, at, written, &told, &blobs, &script) {
                Some(left) => check(left, &told.lock().unwrap().clone(), &blobs, &place),
                None => return at,
            }
        }
    }
    0
}

#[test]
fn no_kill_at_any_write_loses_an_edit_whose_call_returned() {
    let writes = survives(&Rows::new(), &Told::default(), |script| async move {
        script.create("report", "first").await;
        script.update("report", "second").await;
        script.create("mail", "first").await;
        script.freeze("report").await;
        script.documents.unload().await;
        for number in 0..12 {
            script.update("report", &format!("edit {number}")).await;
        }
        script.delete("mail").await;
        script.create("mail", "another").await;
        script.update("mail", "another one").await;
        script.freeze("mail").await;
    });
    assert!(writes > 60, "{writes} writes");
}

#[test]
fn no_kill_while_the_log_is_shortened_loses_an_edit() {
    let told = Arc::new(Mutex::new(Told::default()));
    let rows = on_runtime(async {
        let node = Node::start(Table::new(Rows::new(), Fault::Nothing)).await;
        let script = Script { documents: node.documents.clone(), told: told.clone() };
        script.create("report", "first").await;
        for number in 0..61 {
            script.update("report", &format!("edit {number}")).await;
        }
        node.stop().await
    });
    let edits = rows.keys().filter(|key| key.starts_with("log/")).count();
    assert_eq!(edits, 62);
    let known = told.lock().unwrap().clone();
    survives(&rows, &known, |script| async move {
        script.update("report", "sixty-three").await;
        script.update("report", "sixty-four").await;
        script.update("report", "sixty-five").await;
    });
}

#[test]
fn a_rename_that_is_cut_off_leaves_one_name_that_leads_to_the_draft() {
    for at in 1.. {
        for written in [false, true] {
            let (told, blobs) = (Arc::new(Mutex::new(Told::default())), Arc::new(MemoryBlobs::default()));
            let renamed = killed_at(&Rows::new(), at, written, &told, &blobs, |script| async move {
                script.create("old", "x").await;
                script.documents.update("old", preset("new", "x"), None).await.unwrap();
                script.told.lock().unwrap().done.insert("renamed".to_owned(), None);
            });
            let Some(rows) = renamed else { return };
            let told = told.lock().unwrap().clone();
            on_runtime(async {
                let node = Node::start(Table::new(rows, Fault::Nothing)).await;
                let list = node.documents.list().await.unwrap();
                let Some(draft) = list.first() else {
                    assert!(!told.done.contains_key("old"), "killed at write {at}");
                    return;
                };
                assert_eq!(list.len(), 1);
                let read = node.documents.get(&draft.name).await.unwrap();
                assert_eq!(read.preset.name, draft.name, "killed at write {at}");
                if told.done.contains_key("renamed") {
                    assert_eq!(draft.name, "new");
                }
                let free = if draft.name == "new" { "old" } else { "new" };
                node.documents.create(preset(free, "")).await.unwrap();
            });
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_the_edit_and_keeps_all_before_it() {
    let mut node = Node::start(Table::new(Rows::new(), Fault::Nothing)).await;
    let made = node.documents.create(preset("report", "first")).await.unwrap();
    node.table.fail(Fault::Full { at: 0 });
    let refused = node.documents.update("report", preset("report", "second"), None).await;
    assert!(matches!(&refused, Err(Error::Away(why)) if why.contains("full")), "{refused:?}");
    let refused = node.documents.create(preset("other", "")).await;
    assert!(matches!(&refused, Err(Error::Away(why)) if why.contains("full")), "{refused:?}");
    assert_eq!(node.documents.get("report").await.unwrap(), made, "a refused edit is not seen");
    assert_eq!(node.documents.list().await.unwrap().len(), 1);
    node.table.fail(Fault::Nothing);
    let second = node.documents.update("report", preset("report", "second"), None).await.unwrap();
    node.documents.create(preset("other", "")).await.unwrap();
    assert!(node.fatal.try_recv().is_err());
    let node = Node::start(Table::new(node.stop().await, Fault::Nothing)).await;
    assert_eq!(node.documents.get("report").await.unwrap(), second);
}

#[tokio::test]
async fn a_put_of_samod_that_fails_ends_the_process_and_nothing_is_replaced() {
    let mut node = Node::start(Table::new(Rows::new(), Fault::Nothing)).await;
    node.documents.create(preset("report", "first")).await.unwrap();
    for number in 0..9 {
        node.documents.update("report", preset("report", &format!("edit {number}")), None).await.unwrap();
    }
    // Everything before is on disk in both forms.
    node.documents.unload().await;
    let (before, removed) = (node.table.keys_with("samod/"), node.table.removed().len());
    node.table.fail(Fault::FullFor("samod/"));
    for number in 0..15 {
        node.documents.update("report", preset("report", &format!("more {number}")), None).await.unwrap();
    }
    let why = node.fatal.recv().await.unwrap();
    assert!(why.contains("full"), "{why}");
    assert!(!node.table.removed()[removed..].iter().any(|key| key.starts_with("samod/")));
    assert_eq!(node.table.keys_with("samod/"), before);
    let node = Node::start(Table::new(node.kill(), Fault::Nothing)).await;
    assert_eq!(node.documents.get("report").await.unwrap().preset.steps["one"].note, "more 14");
}

/// Two drafts with many edits; gives the rows and the id of `report`.
async fn written(edits: usize) -> (Rows, String) {
    let node = Node::start(Table::new(Rows::new(), Fault::Nothing)).await;
    let made = node.documents.create(preset("report", "first")).await.unwrap();
    node.documents.create(preset("other", "safe")).await.unwrap();
    for number in 1..edits {
        node.documents.update("report", preset("report", &format!("edit {number}")), None).await.unwrap();
    }
    (node.stop().await, made.id.to_string())
}

async fn check_mended(rows: &Rows, id: &str, damage: &[String], edits: usize) {
    let table = Table::new(rows.clone(), Fault::Nothing);
    damage.iter().for_each(|key| table.damage(key));
    let node = Node::start(table).await;
    let last = format!("edit {}", edits - 1);
    for which in ["report", id] {
        let read = node.documents.get(which).await.unwrap_or_else(|error| panic!("{damage:?}: {error}"));
        assert_eq!(read.preset.steps["one"].note, last);
    }
    assert_eq!(node.documents.history("report", 1_000).await.unwrap().len(), edits);
    assert_eq!(node.documents.get("other").await.unwrap().preset.steps["one"].note, "safe");
    node.documents.update("report", preset("report", "mended"), None).await.unwrap();
    let node = Node::start(Table::new(node.stop().await, Fault::Nothing)).await;
    assert_eq!(node.documents.get("report").await.unwrap().preset.steps["one"].note, "mended");
}

#[tokio::test]
async fn no_single_damaged_row_loses_an_edit() {
    for edits in [5, 15, 70] {
        let (rows, id) = written(edits).await;
        for key in rows.keys().filter(|key| key.contains(&id)) {
            check_mended(&rows, &id, std::slice::from_ref(key), edits).await;
        }
    }
}

#[tokio::test]
async fn all_of_one_copy_may_be_damaged() {
    for edits in [5, 15, 70] {
        let (rows, id) = written(edits).await;
        for copy in ["log/", "samod/"] {
            let damage: Vec<String> = rows
                .keys()
                .filter(|key| key.starts_with(copy) && key.contains(&id) && !key.ends_with("/heads"))
                .cloned()
                .collect();
            check_mended(&rows, &id, &damage, edits).await;
        }
    }
}

#[tokio::test]
async fn bytes_that_the_table_takes_for_good_are_checked_again() {
    let (rows, id) = written(15).await;
    for key in rows.keys().filter(|key| key.contains(&id) && !key.starts_with("draft/")) {
        let mut rows = rows.clone();
        let bytes = rows.get_mut(key).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        check_mended(&rows, &id, &[], 15).await;
    }
}

#[tokio::test]
async fn an_edit_that_is_damaged_everywhere_sets_its_document_aside_and_no_other() {
    let (rows, id) = written(5).await;
    let table = Table::new(rows.clone(), Fault::Nothing);
    for key in rows.keys().filter(|key| key.contains(&id) && (key.starts_with("log/") || key.starts_with("samod/"))) {
        table.damage(key);
    }
    let node = Node::start(table).await;
    let Err(Error::Quarantined { preset: which, why }) = node.documents.get("report").await else {
        panic!("it was read");
    };
    assert_eq!(which, id);
    assert!(why.contains("backup"), "{why}");
    assert!(matches!(
        node.documents.update("report", preset("report", ""), None).await,
        Err(Error::Quarantined { .. })
    ));
    assert_eq!(node.documents.get("other").await.unwrap().preset.steps["one"].note, "safe");
    assert_eq!(node.documents.list().await.unwrap().len(), 2);
    let left = node.stop().await;
    assert!(rows.keys().all(|key| left.contains_key(key)), "nothing is removed");
}

#[tokio::test]
async fn a_document_that_ends_the_process_twice_while_it_is_loaded_is_set_aside_for_a_while() {
    let (mut rows, id) = written(3).await;
    let blobs = Arc::new(MemoryBlobs::default());
    // Loading puts a row down first, and a process that ends in the middle leaves it there.
    for _ in 0..2 {
        let table = Table::new(rows.clone(), Fault::Nothing);
        let node = Node::start(table.clone()).await;
        table.fail(Fault::Kill { at: 2, written: false });
        let reading = tokio::spawn(async move { node.documents.get("report").await });
        table.killed.notified().await;
        reading.abort();
        rows = table.rows();
        assert!(rows.contains_key(&format!("opening/{id}")));
    }
    let now = 1_790_000_000_000;
    let node = Node::start_at(Table::new(rows, Fault::Nothing), blobs.clone(), now).await;
    let aside = node.documents.get("report").await;
    assert!(matches!(&aside, Err(Error::Quarantined { preset, .. }) if *preset == id), "{aside:?}");
    assert_eq!(node.documents.get("other").await.unwrap().preset.steps["one"].note, "safe");
    let rows = node.stop().await;
    let node = Node::start_at(Table::new(rows.clone(), Fault::Nothing), blobs.clone(), now + 60_000).await;
    assert!(matches!(node.documents.get("report").await, Err(Error::Quarantined { .. })));
    let node = Node::start_at(Table::new(rows, Fault::Nothing), blobs, now + 3_600_000).await;
    assert_eq!(node.documents.get("report").await.unwrap().preset.steps["one"].note, "edit 2");
    let rows = node.stop().await;
    assert!(!rows.keys().any(|key| key.starts_with("aside/") || key.starts_with("opening/")));
}
