//! Drafts edited from outside, by a repository of samod's own that speaks the protocol as a browser does.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use automerge::transaction::Transactable as _;
use automerge::{Automerge, ROOT, ReadDoc as _, ScalarValue};
use flowork_ports::documents::{Connection, Documents as _, Error, Visitor};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use samod::{BackoffConfig, ConnectionState, DialError, Dialer, DocHandle, DocumentId, PeerId, Repo, Transport, Url};
use support::{Fault, Node, Table, preset};

const SOON: Duration = Duration::from_secs(20);

/// Dials once, over a connection that is there already.
struct Once(std::sync::Mutex<Option<Transport>>);

impl Dialer for Once {
    type Error = Infallible;

    fn url(&self) -> Url {
        Url::parse("test:node").unwrap()
    }

    fn connect(&self) -> BoxFuture<'static, Result<Transport, DialError<Infallible>>> {
        let transport = self.0.lock().unwrap().take();
        let gone = || DialError::transient(std::io::Error::other("the connection is over"));
        Box::pin(async move { transport.ok_or_else(gone) })
    }
}

fn visitor(session: &str, may_edit: bool) -> Visitor {
    Visitor { session: session.to_owned(), name: format!("{session}'s browser"), may_edit }
}

fn transport(connection: Connection) -> Transport {
    let Connection { to_docs, from_docs } = connection;
    let stream = futures::stream::unfold(from_docs, async |mut from| Some((from.recv().await?, from)));
    let sink = futures::sink::unfold(to_docs, async |to, message: Vec<u8>| {
        to.send(message).await.map_err(|_| std::io::Error::other("the node has let go"))?;
        Ok::<_, std::io::Error>(to)
    });
    Transport::new(Box::pin(stream.map(Ok::<_, Infallible>)), Box::pin(sink))
}

/// A browser with its own copy of everything it looks at.
async fn browser(node: &Node, visitor: Visitor, peer: &str) -> Repo {
    let connection = node.documents.connect(visitor).await.unwrap();
    let repo = Repo::build_tokio().with_peer_id(PeerId::from(peer)).load().await;
    repo.dial(BackoffConfig::default(), Arc::new(Once(std::sync::Mutex::new(Some(transport(connection)))))).unwrap();
    let connected = |peers: &Vec<samod::ConnectionInfo>| {
        peers.iter().any(|it| matches!(it.state, ConnectionState::Connected { .. }))
    };
    tokio::time::timeout(SOON, async {
        let (mut peers, mut changes) = repo.connected_peers();
        while !connected(&peers) {
            peers = changes.next().await.unwrap();
        }
    })
    .await
    .unwrap();
    repo
}

async fn found(repo: &Repo, id: &str) -> Option<DocHandle> {
    let document: DocumentId = id.parse().unwrap();
    tokio::time::timeout(SOON, repo.find(document)).await.unwrap().unwrap()
}

fn retitle(handle: &DocHandle, title: &str) {
    handle.with_document(|doc: &mut Automerge| {
        let mut tx = doc.transaction();
        let id = tx.get(ROOT, "title").unwrap().unwrap().1;
        tx.update_text(&id, title).unwrap();
        tx.commit();
    });
}

fn title(doc: &Automerge) -> String {
    doc.text(doc.get(ROOT, "title").unwrap().unwrap().1).unwrap()
}

/// Waits until the node has said that it holds what the browser holds.
async fn told_of(repo: &Repo, handle: &DocHandle) {
    let wanted = handle.with_document(|doc| doc.get_heads());
    let id = handle.document_id().clone();
    tokio::time::timeout(SOON, async {
        let (mut peers, mut changes) = repo.connected_peers();
        loop {
            let theirs = peers.iter().find_map(|peer| peer.docs.get(&id)?.their_heads.clone());
            if theirs.as_ref() == Some(&wanted) {
                return;
            }
            peers = changes.next().await.unwrap();
        }
    })
    .await
    .unwrap();
}

async fn listed(node: &Node, title: &str) {
    tokio::time::timeout(SOON, async {
        while node.documents.list().await.unwrap()[0].title != title {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_the_node_has_said_it_holds_is_there_after_a_power_cut() {
    let table = Table::new(Default::default(), Fault::Nothing);
    let node = Node::start(table.clone()).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let repo = browser(&node, visitor("ana", true), "ana-1").await;
    let handle = found(&repo, draft.id.as_str()).await.unwrap();
    retitle(&handle, "Edited in a browser");
    told_of(&repo, &handle).await;
    // Nothing is unloaded and nothing flushed: these are the rows as a power cut would leave them.
    let after = Node::start(Table::new(table.rows(), Fault::Nothing)).await;
    assert_eq!(after.documents.get("report").await.unwrap().preset.title, "Edited in a browser");
}

#[tokio::test]
async fn two_browsers_see_each_others_edits_and_the_list_follows() {
    let node = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let one = browser(&node, visitor("ana", true), "ana-1").await;
    let other = browser(&node, visitor("budi", true), "budi-1").await;
    let mine = found(&one, draft.id.as_str()).await.unwrap();
    let theirs = found(&other, draft.id.as_str()).await.unwrap();
    let mut changes = Box::pin(theirs.changes());
    retitle(&mine, "Seen by both");
    tokio::time::timeout(SOON, async {
        while theirs.with_document(|doc| title(doc)) != "Seen by both" {
            changes.next().await.unwrap();
        }
    })
    .await
    .unwrap();
    listed(&node, "Seen by both").await;
    let present = node.documents.present("report").await.unwrap();
    let names: Vec<_> = present.iter().map(|it| (it.peer_id.as_str(), it.name.as_str(), it.may_edit)).collect();
    assert_eq!(names, [("ana-1", "ana's browser", true), ("budi-1", "budi's browser", true)]);
    // The node's own edits reach the browsers too, and theirs survive it.
    let mut preset = node.documents.get("report").await.unwrap().preset;
    preset.docs = "Written by the node".to_owned();
    node.documents.update("report", preset, None).await.unwrap();
    tokio::time::timeout(SOON, async {
        let docs = |doc: &mut Automerge| doc.text(doc.get(ROOT, "docs").unwrap().unwrap().1).unwrap();
        while theirs.with_document(docs) != "Written by the node" {
            changes.next().await.unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!(theirs.with_document(|doc| title(doc)), "Seen by both");
}

#[tokio::test]
async fn who_may_only_look_sees_edits_and_makes_none() {
    let node = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let looks = browser(&node, visitor("guest", false), "guest-1").await;
    let edits = browser(&node, visitor("ana", true), "ana-1").await;
    let theirs = found(&looks, draft.id.as_str()).await.unwrap();
    let mine = found(&edits, draft.id.as_str()).await.unwrap();
    retitle(&theirs, "A guest was here");
    retitle(&mine, "Ana was here");
    told_of(&edits, &mine).await;
    let mut changes = Box::pin(theirs.changes());
    tokio::time::timeout(SOON, async {
        let has = |doc: &mut Automerge| {
            mine.with_document(|mine| mine.get_heads()).iter().all(|head| doc.get_change_by_hash(head).is_some())
        };
        while !theirs.with_document(has) {
            changes.next().await.unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!(node.documents.get("report").await.unwrap().preset.title, "Ana was here");
    assert_eq!(mine.with_document(|doc| title(doc)), "Ana was here");
}

#[tokio::test]
async fn a_document_that_is_no_draft_is_not_to_be_had_and_none_can_be_brought() {
    let node = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let repo = browser(&node, visitor("ana", true), "ana-1").await;
    assert!(found(&repo, &DocumentId::try_from([7; 16].to_vec()).unwrap().to_string()).await.is_none());
    // One that only the browser has: it is offered, and stays the browser's own.
    let mut own = Automerge::new();
    let mut tx = own.transaction();
    tx.put(ROOT, "flowork", ScalarValue::Str("preset/1".into())).unwrap();
    tx.commit();
    repo.create(own).await.unwrap();
    assert!(found(&repo, draft.id.as_str()).await.is_some());
    assert_eq!(node.documents.list().await.unwrap().len(), 1);
    node.documents.delete("report").await.unwrap();
    assert_eq!(node.documents.present("report").await, Err(Error::Missing("report".to_owned())));
    let again = browser(&node, visitor("ana", true), "ana-2").await;
    assert!(found(&again, draft.id.as_str()).await.is_none(), "a deleted draft does not come back");
}

#[tokio::test]
async fn nobody_takes_the_place_of_another_and_a_broken_connection_gives_way() {
    let node = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let ana = browser(&node, visitor("ana", true), "desk").await;
    assert!(found(&ana, draft.id.as_str()).await.is_some());
    let mut stranger = node.documents.connect(visitor("mallory", true)).await.unwrap();
    stranger.to_docs.send(join("desk")).await.unwrap();
    let told = tokio::time::timeout(SOON, stranger.from_docs.recv()).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("somebody else"), "{told:?}");
    assert_eq!(node.documents.present("report").await.unwrap()[0].name, "ana's browser");
    // Her own browser, whose line broke, comes again under the same id.
    let again = browser(&node, visitor("ana", true), "desk").await;
    assert!(found(&again, draft.id.as_str()).await.is_some());
    assert_eq!(node.documents.present("report").await.unwrap().len(), 1);
}

#[tokio::test]
async fn noise_ends_the_connection_with_a_reason_and_nothing_else() {
    let node = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    node.documents.create(preset("report", "first")).await.unwrap();
    for noise in [b"noise".to_vec(), Vec::new(), join("")] {
        let mut connection = node.documents.connect(visitor("ana", true)).await.unwrap();
        connection.to_docs.send(noise).await.unwrap();
        let told = tokio::time::timeout(SOON, connection.from_docs.recv()).await.unwrap();
        assert!(told.is_some_and(|told| String::from_utf8_lossy(&told).contains("error")));
        assert_eq!(tokio::time::timeout(SOON, connection.from_docs.recv()).await.unwrap(), None);
    }
    assert_eq!(node.documents.get("report").await.unwrap().preset.steps.len(), 2);
}

#[tokio::test]
async fn the_role_ends_in_good_order_while_browsers_are_there() {
    let node = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let repo = browser(&node, visitor("ana", true), "ana-1").await;
    let handle = found(&repo, draft.id.as_str()).await.unwrap();
    retitle(&handle, "The last word");
    told_of(&repo, &handle).await;
    let rows = tokio::time::timeout(SOON, node.stop()).await.unwrap();
    let after = Node::start(Table::new(rows, Fault::Nothing)).await;
    assert_eq!(after.documents.get("report").await.unwrap().preset.title, "The last word");
}

#[tokio::test]
async fn edits_that_cannot_be_kept_are_not_told_as_held_until_they_are() {
    let table = Table::new(Default::default(), Fault::Nothing);
    let node = Node::start(table.clone()).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let repo = browser(&node, visitor("ana", true), "ana-1").await;
    let handle = found(&repo, draft.id.as_str()).await.unwrap();
    table.fail(Fault::FullFor("log/"));
    retitle(&handle, "On a full disk");
    let told = tokio::time::timeout(Duration::from_millis(300), told_of(&repo, &handle)).await;
    assert!(told.is_err(), "nothing was told while the log could not be written");
    table.fail(Fault::Nothing);
    told_of(&repo, &handle).await;
    let after = Node::start(Table::new(table.rows(), Fault::Nothing)).await;
    assert_eq!(after.documents.get("report").await.unwrap().preset.title, "On a full disk");
}

/// A `join` as automerge-repo sends it.
fn join(peer: &str) -> Vec<u8> {
    let text = |text: &str| ciborium::Value::Text(text.to_owned());
    let message = ciborium::Value::Map(vec![
        (text("type"), text("join")),
        (text("senderId"), text(peer)),
        (text("supportedProtocolVersions"), ciborium::Value::Array(vec![text("1")])),
        (text("peerMetadata"), ciborium::Value::Map(Vec::new())),
    ]);
    let mut bytes = Vec::new();
    ciborium::into_writer(&message, &mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn an_entry_that_is_taken_away_by_a_mark_is_gone_and_comes_back_with_what_others_did_to_it() {
    let node = Node::start(Table::new(Default::default(), Fault::Nothing)).await;
    let draft = node.documents.create(preset("report", "first")).await.unwrap();
    let repo = browser(&node, visitor("ana", true), "ana-1").await;
    let handle = found(&repo, draft.id.as_str()).await.unwrap();
    let mark = |yes: bool| {
        handle.with_document(|doc: &mut Automerge| {
            let mut tx = doc.transaction();
            let steps = tx.get(ROOT, "steps").unwrap().unwrap().1;
            let one = tx.get(&steps, "one").unwrap().unwrap().1;
            if yes {
                tx.put(&one, "removed", true).unwrap()
            } else {
                tx.delete(&one, "removed").unwrap()
            }
            tx.commit();
        });
    };
    mark(true);
    told_of(&repo, &handle).await;
    let read = node.documents.get("report").await.unwrap();
    assert!(!read.preset.steps.contains_key("one"));
    let (_, frozen) = node.documents.freeze("report", Vec::new(), None).await.unwrap();
    assert!(!frozen.steps.contains_key("one"));
    mark(false);
    told_of(&repo, &handle).await;
    assert!(node.documents.get("report").await.unwrap().preset.steps.contains_key("one"));
    // Written anew from the other side, it is there again whatever the mark says.
    mark(true);
    told_of(&repo, &handle).await;
    node.documents.update("report", preset("report", "again"), None).await.unwrap();
    let read = node.documents.get("report").await.unwrap();
    assert_eq!(read.preset.steps["one"].note, "again");
}
