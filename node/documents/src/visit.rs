//! Visitors: browsers (later other nodes) that edit drafts themselves, over automerge-repo's protocol.
//!
//! samod speaks the protocol; this stands between it and the visitor. On the way in it opens the documents that messages name,
//! so that samod only ever meets documents that were put together and checked, and answers for those that are not to be had. On
//! the way out it holds back what speaks of edits until they are in the log: a visitor who hears of heads from the node may
//! count on them. Rights belong to the connection: what a visitor may not edit, samod does not take from it.
//!
//! Invariant: a peer id belongs to one connection at a time, so rights and names that go by it are those of who was let in.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flowork_ports::documents::{Connection, Error, MESSAGES_WAITING_MAX, Present, Visitor};
use flowork_protocol::PresetId;
use futures::channel::mpsc as samod_channel;
use futures::{SinkExt as _, Stream, StreamExt as _};
use samod::{DocumentId, PeerId, ShareConfig, Transport};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::desk::Desk;

/// How long a visitor may take to say who they are.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// The longest peer id, in bytes.
const PEER_ID_BYTES_MAX: usize = 128;
/// How many documents one connection may have opened.
const DOCUMENTS_MAX: usize = 32;
/// The pause before edits that could not be kept are tried to be kept again.
const KEEP_AGAIN: Duration = Duration::from_secs(1);

/// What every message of the protocol has, as far as it matters here. Everything else is passed on as it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    r#type: String,
    #[serde(default)]
    sender_id: Option<String>,
    #[serde(default)]
    document_id: Option<String>,
}

impl Envelope {
    fn read(message: &[u8]) -> Result<Self, String> {
        ciborium::from_reader(message).map_err(|error| format!("a message does not read: {error}"))
    }
}

/// "There is no such document here."
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unavailable<'a> {
    r#type: &'static str,
    sender_id: &'a str,
    target_id: &'a str,
    document_id: &'a str,
}

/// "This went wrong", the last word on a connection.
#[derive(Serialize)]
struct Wrong<'a> {
    r#type: &'static str,
    message: &'a str,
}

fn encode(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing into memory fails for no message of ours.
    let _ = ciborium::into_writer(message, &mut bytes);
    bytes
}

/// One visitor who has said who they are.
struct Guest {
    visitor: Visitor,
    /// Tells connections of one peer id apart.
    number: u64,
    documents: BTreeSet<PresetId>,
    end: CancellationToken,
}

#[derive(Default)]
struct State {
    guests: HashMap<String, Guest>,
    numbers: u64,
}

/// Everybody who is here.
#[derive(Clone, Default)]
pub(crate) struct Visits(Arc<Mutex<State>>);

impl Visits {
    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether somebody is here.
    pub(crate) fn any(&self) -> bool {
        self.state(|state| !state.guests.is_empty())
    }

    /// Who has a document open.
    pub(crate) fn present(&self, preset: &PresetId) -> Vec<Present> {
        self.state(|state| {
            let here = state.guests.iter().filter(|(_, guest)| guest.documents.contains(preset));
            let mut present: Vec<_> = here
                .map(|(peer_id, guest)| Present {
                    peer_id: peer_id.clone(),
                    name: guest.visitor.name.clone(),
                    may_edit: guest.visitor.may_edit,
                })
                .collect();
            present.sort_by(|one, other| one.peer_id.cmp(&other.peer_id));
            present
        })
    }

    /// What samod may exchange with a peer.
    pub(crate) fn share(
        &self, _document: DocumentId, peer: PeerId,
    ) -> impl Stream<Item = ShareConfig> + Send + 'static + use<> {
        let config = self.state(|state| match state.guests.get(&peer.to_string()) {
            Some(guest) if guest.visitor.may_edit => ShareConfig::read_write(),
            Some(_) => ShareConfig::read_only(),
            None => ShareConfig::none(),
        });
        // Documents are told of to who asks for them: a visitor's browser does not learn what else there is.
        futures::stream::iter([config.with_announce(false)])
    }

    /// Takes somebody in under the id that they gave themselves. A connection of the same session gives way: it is the one
    /// that broke without anybody noticing.
    fn enter(&self, peer: &str, visitor: Visitor, end: CancellationToken) -> Result<Seat, String> {
        self.state(|state| {
            if let Some(there) = state.guests.get(peer) {
                if there.visitor.session != visitor.session {
                    return Err("somebody else is here under this peer id".to_owned());
                }
                there.end.cancel();
            }
            state.numbers += 1;
            let number = state.numbers;
            state.guests.insert(peer.to_owned(), Guest { visitor, number, documents: BTreeSet::new(), end });
            Ok(Seat { visits: self.clone(), peer: peer.to_owned(), number })
        })
    }
}

/// A guest's place; left when dropped.
struct Seat {
    visits: Visits,
    peer: String,
    number: u64,
}

impl Seat {
    fn is_reading(&self, preset: &PresetId) -> Result<(), String> {
        self.visits.state(|state| match state.guests.get_mut(&self.peer).filter(|guest| guest.number == self.number) {
            Some(guest) if guest.documents.len() < DOCUMENTS_MAX || guest.documents.contains(preset) => {
                guest.documents.insert(preset.clone());
                Ok(())
            }
            Some(_) => Err(format!("one connection may open {DOCUMENTS_MAX} documents")),
            None => Err("another connection has taken this one's place".to_owned()),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.visits.state(|state| {
            if state.guests.get(&self.peer).is_some_and(|guest| guest.number == self.number) {
                state.guests.remove(&self.peer);
            }
        });
    }
}

/// Lets a visitor in: gives their ends of a connection that is served until either side lets go of it.
pub(crate) fn begin(desk: Arc<Desk>, visitor: Visitor) -> Connection {
    let (to_docs, incoming) = mpsc::channel(MESSAGES_WAITING_MAX);
    let (outgoing, from_docs) = mpsc::channel(MESSAGES_WAITING_MAX);
    tokio::spawn(async move {
        let name = visitor.name.clone();
        match Box::pin(serve(&desk, visitor, incoming, &outgoing)).await {
            Ok(()) => debug!(visitor = name, "a visitor left"),
            Err(why) => {
                warn!(visitor = name, why, "a visitor's connection ends");
                // Whoever reads no more does not need the reason.
                let _ = outgoing.try_send(encode(&Wrong { r#type: "error", message: &why }));
            }
        }
    });
    Connection { to_docs, from_docs }
}

async fn serve(
    desk: &Arc<Desk>, visitor: Visitor, mut incoming: mpsc::Receiver<Vec<u8>>, outgoing: &mpsc::Sender<Vec<u8>>,
) -> Result<(), String> {
    let hello = tokio::time::timeout(HELLO_WITHIN, incoming.recv()).await.map_err(|_| "nobody said who it is")?;
    let Some(hello) = hello else { return Ok(()) };
    let envelope = Envelope::read(&hello)?;
    let peer = envelope.sender_id.filter(|peer| !peer.is_empty() && peer.len() <= PEER_ID_BYTES_MAX);
    let (Some(peer), "join") = (peer, envelope.r#type.as_str()) else {
        return Err("the first message must be a `join` that says who it is".to_owned());
    };
    let end = CancellationToken::new();
    let seat = desk.visits.enter(&peer, visitor, end.clone())?;
    let (mut to_samod, samod_reads) = samod_channel::channel(MESSAGES_WAITING_MAX);
    let (samod_writes, mut from_samod) = samod_channel::channel(MESSAGES_WAITING_MAX);
    let transport = Transport::new(samod_reads.map(Ok::<_, Infallible>), samod_writes)
        .with_expected_peer_id(PeerId::from(peer.as_str()));
    let here = desk.attach(transport).await.map_err(|error| error.to_string())?;
    to_samod.send(hello).await.map_err(|_| here.gone())?;

    let inward = async {
        while let Some(message) = incoming.recv().await {
            let envelope = Envelope::read(&message)?;
            if let Some(document) = &envelope.document_id
                && let Err(error) = admit(desk, &seat, document).await?
            {
                debug!(document, %error, "a document is not to be had");
                let no = Unavailable {
                    r#type: "doc-unavailable",
                    sender_id: &here.peer_id,
                    target_id: &peer,
                    document_id: document,
                };
                if outgoing.send(encode(&no)).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            to_samod.send(message).await.map_err(|_| here.gone())?;
        }
        Ok(())
    };
    let outward = async {
        while let Some(message) = from_samod.next().await {
            let envelope = Envelope::read(&message)?;
            if let (Some(document), "sync") = (&envelope.document_id, envelope.r#type.as_str()) {
                keep(desk, &document.as_str().into()).await;
            }
            if outgoing.send(message).await.is_err() {
                return Ok(());
            }
        }
        Err(here.gone())
    };
    tokio::select! {
        ended = inward => ended,
        ended = outward => ended,
        () = here.over.cancelled() => Err(here.gone()),
        () = end.cancelled() => Err("another connection has taken this one's place".to_owned()),
    }
}

/// Opens the document that a message names, so that samod finds it. The inner error is the document's, the outer one ends the
/// connection.
async fn admit(desk: &Arc<Desk>, seat: &Seat, document: &str) -> Result<Result<(), Error>, String> {
    let id = PresetId::from(document);
    // By its id alone: a name is not what a document is called in this protocol.
    match desk.resolve(document) {
        Ok(found) if found == id => {}
        _ => return Ok(Err(Error::Missing(document.to_owned()))),
    }
    let opened = desk.with(&id, async |_| Ok(())).await;
    if opened.is_ok() {
        seat.is_reading(&id)?;
    }
    Ok(opened)
}

/// Waits until every edit of a document that samod has is in its log.
async fn keep(desk: &Arc<Desk>, id: &PresetId) {
    loop {
        match desk.with(id, async |open| open.kept().await).await {
            // What is gone needs no keeping.
            Ok(()) | Err(Error::Missing(_) | Error::Quarantined { .. }) => return,
            Err(error) => {
                warn!(preset = %id, %error, "edits of a visitor could not be kept yet");
                tokio::time::sleep(KEEP_AGAIN).await;
            }
        }
    }
}

/// Where a connection is attached.
pub(crate) struct Here {
    /// The node's own peer id.
    pub(crate) peer_id: String,
    /// Cancelled when the documents are put away.
    pub(crate) over: CancellationToken,
}

impl Here {
    fn gone(&self) -> String {
        "the documents are being put away; connect again".to_owned()
    }
}
