//! Which versions and blobs are needed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use flowork_ports::documents::{Documents, Error};
use flowork_protocol::{BlobId, VersionId};
use support::{Fault, Node, Table, preset};

async fn node() -> Node {
    Node::start(Table::new(BTreeMap::new(), Fault::Nothing)).await
}

async fn freeze(node: &Node, note: &str, label: Option<&str>) -> (VersionId, Vec<String>) {
    let draft = node.documents.update("report", preset("report", note), None).await.unwrap();
    let (version, _) = node.documents.freeze("report", Vec::new(), label.map(str::to_owned)).await.unwrap();
    (version.id, draft.heads)
}

async fn kept(node: &Node) -> HashSet<VersionId> {
    node.documents.sweep().await.unwrap();
    node.names.kept.lock().unwrap().versions.clone()
}

#[tokio::test]
async fn a_version_stays_when_it_is_named_labelled_young_or_the_newest() {
    let node = node().await;
    node.documents.create(preset("report", "")).await.unwrap();
    let (plain, heads) = freeze(&node, "plain", None).await;
    let (named, _) = freeze(&node, "named", None).await;
    let (labelled, _) = freeze(&node, "labelled", Some("as sent to the board")).await;
    let (newest, _) = freeze(&node, "newest", None).await;
    let (file, _) = node.documents.freeze_file(preset("from-a-file", "")).await.unwrap();
    node.names.named.lock().unwrap().insert(BlobId(named.0));
    *node.names.versions_for.lock().unwrap() = Duration::from_secs(3_600);
    assert_eq!(kept(&node).await, HashSet::from([plain, named, labelled, newest, file.id]), "all are young");
    *node.names.versions_for.lock().unwrap() = Duration::ZERO;
    assert_eq!(kept(&node).await, HashSet::from([named, labelled, newest, file.id]));
    assert!(matches!(node.documents.version(plain).await, Err(Error::Missing(_))));
    let left: Vec<VersionId> = node.documents.versions("report").await.unwrap().iter().map(|it| it.id).collect();
    assert_eq!(left, [newest, labelled, named]);
    // What it was frozen from is still there, so it can be had again.
    assert_eq!(node.documents.freeze("report", heads.clone(), None).await.unwrap().0.id, plain);
    assert_eq!(node.documents.version(plain).await.unwrap().0.id, plain);
}

#[tokio::test]
async fn the_version_that_a_document_was_last_frozen_to_stays_however_old_it_is() {
    let node = node().await;
    node.documents.create(preset("report", "")).await.unwrap();
    let (old, heads) = freeze(&node, "old", None).await;
    let (newest, _) = freeze(&node, "newest", None).await;
    assert_eq!(node.documents.freeze("report", heads.clone(), None).await.unwrap().0.id, old);
    assert_eq!(kept(&node).await, HashSet::from([old, newest]));
    let (version, _) = node.documents.freeze("report", heads, None).await.unwrap();
    assert!(node.documents.version(version.id).await.is_ok());
}

#[tokio::test]
async fn what_a_draft_names_now_or_named_before_is_kept_until_the_draft_is_deleted() {
    let node = node().await;
    let (now, before, other) = (BlobId::of(b"now"), BlobId::of(b"before"), BlobId::of(b"other"));
    let pinned = |blob: BlobId| {
        let mut preset = preset("report", "");
        let item = serde_json::json!({ "json": {}, "files": { "f": { "blob": blob, "size": 1, "name": "f" } } });
        let pin = BTreeMap::from([("out".to_owned(), vec![serde_json::from_value(item).unwrap()])]);
        preset.steps.get_mut("one").unwrap().pin = Some(pin);
        preset
    };
    node.documents.create(pinned(before)).await.unwrap();
    node.documents.update("report", pinned(now), None).await.unwrap();
    let mut second = pinned(other);
    second.name = "other".to_owned();
    node.documents.create(second).await.unwrap();
    for round in ["at first", "from what is remembered"] {
        node.documents.sweep().await.unwrap();
        assert_eq!(node.names.kept.lock().unwrap().blobs, HashSet::from([now, before, other]), "{round}");
    }
    node.documents.delete("other").await.unwrap();
    node.documents.sweep().await.unwrap();
    assert_eq!(node.names.kept.lock().unwrap().blobs, HashSet::from([now, before]));
}

#[tokio::test]
async fn nothing_is_swept_while_a_draft_cannot_be_read() {
    let node = node().await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let rows = node.stop().await;
    let table = Table::new(rows.clone(), Fault::Nothing);
    for key in rows.keys().filter(|key| key.starts_with("log/") || key.starts_with("samod/")) {
        table.damage(key);
    }
    let node = Node::start(table).await;
    let refused = node.documents.sweep().await;
    assert!(matches!(&refused, Err(Error::Quarantined { preset, .. }) if *preset == draft.id.as_str()), "{refused:?}");
    assert_eq!(*node.names.kept.lock().unwrap(), flowork_ports::sweep::Kept::default());
}
