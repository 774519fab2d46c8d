//! Drafts and versions through the port that everyone uses.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::Arc;

use flowork_ports::documents::{Documents, Error};
use flowork_protocol::{BlobId, canonical};
use support::{Fault, MemoryBlobs, Node, Table, preset};

async fn fresh() -> Node {
    Node::start(Table::new(Default::default(), Fault::Nothing)).await
}

#[tokio::test]
async fn a_draft_is_there_by_id_and_by_name_and_is_still_there_after_a_restart() {
    let node = fresh().await;
    let made = node.documents.create(preset("report", "first")).await.unwrap();
    assert_eq!(made.preset, preset("report", "first"));
    assert_eq!(made.repairs, Vec::<String>::new());
    assert_eq!(node.documents.get("report").await.unwrap(), made);
    assert_eq!(node.documents.get(made.id.as_str()).await.unwrap(), made);
    let node = Node::start(Table::new(node.stop().await, Fault::Nothing)).await;
    assert_eq!(node.documents.get("report").await.unwrap(), made);
    let list = node.documents.list().await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].name.as_str(), list[0].title.as_str(), list[0].steps), ("report", "A test", 2));
}

#[tokio::test]
async fn two_drafts_never_have_one_name() {
    let node = fresh().await;
    node.documents.create(preset("one", "")).await.unwrap();
    node.documents.create(preset("two", "")).await.unwrap();
    assert_eq!(node.documents.create(preset("one", "")).await, Err(Error::NameTaken("one".to_owned())));
    assert_eq!(node.documents.update("two", preset("one", ""), None).await, Err(Error::NameTaken("one".to_owned())));
    node.documents.update("two", preset("three", ""), None).await.unwrap();
    assert_eq!(node.documents.get("two").await, Err(Error::Missing("two".to_owned())));
    node.documents.create(preset("two", "")).await.unwrap();
    let names: Vec<_> = node.documents.list().await.unwrap().into_iter().map(|draft| draft.name).collect();
    assert_eq!(names, ["one", "three", "two"]);
}

#[tokio::test]
async fn history_tells_every_change_and_leads_back_to_each() {
    let node = fresh().await;
    let first = node.documents.create(preset("report", "first")).await.unwrap();
    let second =
        node.documents.update("report", preset("report", "second"), Some("said better".to_owned())).await.unwrap();
    node.documents.update("report", preset("report", "third"), None).await.unwrap();
    let history = node.documents.history("report", 10).await.unwrap();
    assert_eq!(history.len(), 3);
    assert_eq!(history[1].message.as_deref(), Some("said better"));
    assert_eq!(history[1].hash, second.heads[0]);
    assert!(history[0].at > history[2].at);
    assert_eq!(node.documents.history("report", 1).await.unwrap(), history[..1]);
    let then = node.documents.at("report", first.heads.clone()).await.unwrap();
    assert_eq!(then.preset.steps["one"].note, "first");
    let then = node.documents.at("report", vec![history[1].hash.clone()]).await.unwrap();
    assert_eq!(then.preset, second.preset);
    let unknown = "0".repeat(64);
    assert_eq!(node.documents.at("report", vec![unknown.clone()]).await, Err(Error::HeadsMissing(unknown)));
}

#[tokio::test]
async fn the_same_content_freezes_to_the_same_version_in_whatever_order_it_was_drawn() {
    let blobs = Arc::new(MemoryBlobs::default());
    let node = Node::start_with(Table::new(Default::default(), Fault::Nothing), blobs.clone()).await;
    let whole = preset("report", "note");
    node.documents.create(whole.clone()).await.unwrap();
    let (version, frozen) = node.documents.freeze("report", Vec::new(), None).await.unwrap();
    assert!(frozen.steps.values().all(|step| step.version == Some(3)));

    let other = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    let mut half = whole.clone();
    half.steps.remove("one");
    half.wires.clear();
    half.steps.get_mut("two").unwrap().note = "to be removed".to_owned();
    other.documents.create(half).await.unwrap();
    other.documents.update("report", whole.clone(), None).await.unwrap();
    let (same, _) = other.documents.freeze("report", Vec::new(), None).await.unwrap();
    assert_eq!(same.id, version.id);
    assert_ne!(same.heads, version.heads);

    let (from_file, _) = node.documents.freeze_file(whole).await.unwrap();
    assert_eq!(from_file.id, version.id);
    assert_eq!(from_file.preset.as_str(), "file-report");

    let (known, content) = node.documents.version(version.id).await.unwrap();
    assert_eq!(known, version);
    assert_eq!(content.lock.keys().collect::<Vec<_>>(), ["manual@3", "no-op@3"]);
    let bytes = canonical::to_vec(&content).unwrap();
    assert_eq!(BlobId::of(&bytes).0, version.id.0);
    use flowork_ports::blobs::Blobs;
    assert_eq!(blobs.get(BlobId(version.id.0)).await.unwrap(), bytes);
}

#[tokio::test]
async fn versions_are_listed_newest_first_and_outlive_their_draft() {
    let node = fresh().await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let (first, _) = node.documents.freeze("report", Vec::new(), Some("v1".to_owned())).await.unwrap();
    node.documents.update("report", preset("report", "second"), None).await.unwrap();
    let (second, _) = node.documents.freeze("report", Vec::new(), None).await.unwrap();
    let (again, _) = node.documents.freeze("report", draft.heads.clone(), None).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(node.documents.versions("report").await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(node.documents.list().await.unwrap()[0].latest_version, Some(first.id));
    node.documents.delete("report").await.unwrap();
    assert_eq!(node.documents.get("report").await, Err(Error::Missing("report".to_owned())));
    assert_eq!(node.documents.versions(draft.id.as_str()).await.unwrap(), [second, first.clone()]);
    assert_eq!(node.documents.version(first.id).await.unwrap().0.label.as_deref(), Some("v1"));
    let rows = node.stop().await;
    let left: Vec<_> = rows.keys().filter(|key| key.contains(draft.id.as_str())).map(|key| &key[..5]).collect();
    assert_eq!(left, ["draft", "versi", "versi"], "{:?}", rows.keys());
}

#[tokio::test]
async fn a_preset_with_problems_is_kept_as_a_draft_and_not_frozen() {
    let node = fresh().await;
    let mut bad = preset("report", "");
    bad.steps.get_mut("one").unwrap().component = "nope".to_owned();
    node.documents.create(bad.clone()).await.unwrap();
    let Err(Error::Problems(problems)) = node.documents.freeze("report", Vec::new(), None).await else {
        panic!("it was frozen");
    };
    assert_eq!(problems[0].place, "/steps/one/component");
    assert!(matches!(node.documents.freeze_file(bad).await, Err(Error::Problems(_))));
}

#[tokio::test]
async fn freezing_waits_a_while_for_edits_that_are_on_their_way() {
    let node = fresh().await;
    node.documents.create(preset("report", "")).await.unwrap();
    let never = "ab".repeat(32);
    let frozen = node.documents.freeze("report", vec![never.clone()], None).await;
    assert_eq!(frozen.map(|_| ()), Err(Error::HeadsMissing(never)));
}

#[tokio::test]
async fn edits_made_at_once_through_two_calls_are_both_kept() {
    let node = fresh().await;
    node.documents.create(preset("report", "")).await.unwrap();
    let calls = (0..20).map(|number| {
        let documents = node.documents.clone();
        tokio::spawn(async move {
            documents.update("report", preset("report", &format!("edit {number}")), None).await.unwrap()
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(node.documents.history("report", 100).await.unwrap().len(), 21);
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_any_more_is_still_carried_out_whole() {
    let node = fresh().await;
    node.documents.create(preset("report", "")).await.unwrap();
    for number in 0..30 {
        let update = node.documents.update("report", preset("report", &format!("edit {number}")), None);
        // Let it begin, then drop it wherever it stands.
        let _ = tokio::time::timeout(std::time::Duration::from_micros(number * 100), update).await;
    }
    let last = node.documents.update("report", preset("report", "last"), None).await.unwrap();
    let node = Node::start(Table::new(node.stop().await, Fault::Nothing)).await;
    assert_eq!(node.documents.get("report").await.unwrap().preset, last.preset);
}

#[tokio::test]
async fn more_drafts_than_may_be_open_at_once_can_all_be_read() {
    let node = fresh().await;
    for number in 0..70 {
        node.documents.create(preset(&format!("draft-{number}"), "")).await.unwrap();
    }
    for number in 0..70 {
        let name = format!("draft-{number}");
        assert_eq!(node.documents.get(&name).await.unwrap().preset.name, name);
    }
}

#[tokio::test]
async fn unloaded_documents_are_loaded_again_when_somebody_asks() {
    let node = fresh().await;
    let made = node.documents.create(preset("report", "")).await.unwrap();
    node.documents.unload().await;
    assert_eq!(node.documents.get("report").await.unwrap(), made);
    let changed = node.documents.update("report", preset("report", "later"), None).await.unwrap();
    node.documents.unload().await;
    assert_eq!(node.documents.get("report").await.unwrap(), changed);
}
