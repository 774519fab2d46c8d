//! What peers would like to use, until the owner gives it or puts the wish away.

use std::sync::Arc;

use flowork_ports::MeshTable;
use flowork_ports::mesh_table::Decision;
use flowork_ports::people::Request;
use flowork_ports::store;
use flowork_protocol::certificate::is_name;
use flowork_protocol::grant::{Capability, WORD_BYTES_MAX};
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::tell::{AccessRequest, NOTE_BYTES_MAX};
use flowork_protocol::{NodeId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contacts::Contacts;
use crate::records::Records;
use crate::tell::unwritten;

/// The most open requests of one peer, and of all.
const OF_PEER_MAX: usize = 16;
const ALL_MAX: usize = 1_024;
/// The most uses that one request names.
const CAN_MAX: usize = 16;

/// A request as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    id: String,
    node: NodeId,
    engine: Option<String>,
    can: Vec<Capability>,
    note: String,
    at: Timestamp,
}

/// See the module.
pub(crate) struct Requests {
    open: Records<Kept>,
}

impl Requests {
    pub(crate) async fn load(table: &Arc<dyn MeshTable>) -> Result<Self, store::Error> {
        Ok(Self { open: Records::load("request", table.clone()).await? })
    }

    /// Keeps what a peer asks for. The same request again changes nothing but its time and note.
    pub(crate) async fn hear(
        &self, node: NodeId, name: &str, asked: AccessRequest, now: Timestamp,
    ) -> Result<(), Refusal> {
        let AccessRequest { engine, can, note } = asked;
        let is_good = can.len() <= CAN_MAX
            && can.iter().all(|one| one.is_known() && one.0.len() <= WORD_BYTES_MAX)
            && note.len() <= NOTE_BYTES_MAX
            && engine.as_deref().is_none_or(is_name)
            && (!can.is_empty() || !note.trim().is_empty());
        if !is_good {
            return Err(Refusal::new("request-invalid", "a request says what for, in known words and not too many"));
        }
        let id = id_of(node, engine.as_deref(), &can);
        let all = self.open.all();
        let of_peer = all.iter().filter(|kept| kept.node == node).count();
        if self.open.get(&id).is_none() && (of_peer >= OF_PEER_MAX || all.len() >= ALL_MAX) {
            return Err(Refusal::new("requests-full", "it has as many requests of yours as it keeps"));
        }
        let words: Vec<&str> = can.iter().map(|one| one.0.as_str()).collect();
        let what = if words.is_empty() { "something".to_owned() } else { words.join(", ") };
        // Said again it is no news.
        let is_new = self.open.get(&id).is_none();
        let decided = is_new.then(|| Decision::new(now, "asked-for", Some(node), format!("{name} asks for {what}")));
        let kept = Kept { id: id.clone(), node, engine, can, note, at: now };
        self.open.put(id, kept, decided).await.map_err(|error| unwritten(&error))
    }

    /// Those that are open, the newest first.
    pub(crate) fn list(&self, contacts: &Contacts) -> Vec<Request> {
        let mut all = self.open.all();
        all.sort_by_key(|kept| std::cmp::Reverse(kept.at));
        let listed = |kept: Kept| {
            let Kept { id, node, engine, can, note, at } = kept;
            // Of somebody who was removed nothing is shown.
            contacts.get(node).map(|contact| Request { id, node, from: contact.name, engine, can, note, at })
        };
        all.into_iter().filter_map(listed).collect()
    }

    /// Puts one away, by its id or the beginning of it; gives whether there was one.
    pub(crate) async fn drop(&self, id: &str) -> Result<bool, store::Error> {
        let found = self.open.find(|kept| (id.len() >= 4 && kept.id.starts_with(id)).then(|| kept.id.clone()));
        let Some(id) = found else { return Ok(false) };
        self.open.forget(&[id], None).await?;
        Ok(true)
    }

    /// Puts away what a peer asked for who is none any more.
    pub(crate) async fn forget(&self, node: NodeId) -> Result<(), store::Error> {
        self.open.forget_where(|kept| kept.node == node).await.map(drop)
    }
}

fn id_of(node: NodeId, engine: Option<&str>, can: &[Capability]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("flowork request v1");
    hasher.update(&node.0);
    for word in engine.into_iter().chain(can.iter().map(|one| one.0.as_str())) {
        hasher.update(&(word.len() as u64).to_le_bytes());
        hasher.update(word.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
