//! The desk: the one owner of the index and of the documents that are open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use automerge::{ActorId, Automerge, ChangeHash};
use flowork_ports::bell::Ring;
use flowork_ports::documents::{Draft, Error};
use flowork_ports::store;
use flowork_protocol::preset::Preset;
use flowork_protocol::{PresetId, Timestamp};
use tokio::sync::{Mutex as AsyncMutex, RwLock, RwLockReadGuard};
use tracing::{info, warn};

use crate::edit::{self, Edited};
use crate::freeze::Freezer;
use crate::index::{Entry, Index, Life};
use crate::log::Log;
use crate::open::{OPEN_MAX, Open, Shift, Tools, stopped};
use crate::sweep::Broom;
use crate::visit::{Here, Visits};
use crate::{rows, view};

/// Documents that nobody has asked for during this time are unloaded.
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);
/// How often that is looked after.
pub(crate) const IDLE_LOOK_EVERY: Duration = Duration::from_secs(30);

/// The documents at work.
enum At {
    /// Nothing is open.
    Rest,
    /// Documents are, or may be, open.
    Work(Box<Shift>),
    /// The role ends; nothing is opened any more.
    End,
}

/// Owner of the index and of the documents that are open.
pub(crate) struct Desk {
    pub(crate) tools: Tools,
    pub(crate) freezer: Freezer,
    pub(crate) broom: Broom,
    index: Mutex<Index>,
    /// Held while an entry is changed and written, so that rows are written in the order of the changes.
    entries: AsyncMutex<()>,
    at: RwLock<At>,
    used: Mutex<Instant>,
    /// Who edits drafts themselves.
    pub(crate) visits: Visits,
}

impl Desk {
    /// Reads the index and brings to an end what an earlier process left half done.
    pub(crate) async fn load(tools: Tools, freezer: Freezer, broom: Broom) -> Result<Self, store::Error> {
        let mut index = Index::default();
        let mut unsettled = Vec::new();
        for (key, row) in rows::read(&*tools.table, "draft/").await? {
            let id = PresetId::from(key.trim_start_matches("draft/"));
            let entry = row.ok().and_then(|bytes| serde_json::from_slice::<Entry>(&bytes).ok());
            let entry = entry.unwrap_or_else(|| {
                warn!(preset = %id, "a draft's entry in the index is damaged; the document is read instead");
                Entry::coming(id.clone(), &Preset::named(id.as_str()), (tools.clock)())
            });
            if !matches!(entry.life, Life::There | Life::Gone) || entry.next_name.is_some() {
                unsettled.push(entry.id.clone());
            }
            index.insert(entry);
        }
        let desk = Self {
            tools,
            freezer,
            broom,
            index: Mutex::new(index),
            entries: AsyncMutex::default(),
            at: RwLock::new(At::Rest),
            used: Mutex::new(Instant::now()),
            visits: Visits::default(),
        };
        for id in unsettled {
            if let Err(error) = desk.settle(&id).await {
                warn!(preset = %id, %error, "a draft could not be brought to an orderly state");
            }
        }
        Ok(desk)
    }

    pub(crate) fn index<T>(&self, with: impl FnOnce(&mut Index) -> T) -> T {
        with(&mut self.index.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.tools.clock)()
    }

    /// The draft with that id or name.
    pub(crate) fn resolve(&self, which: &str) -> Result<PresetId, Error> {
        self.index(|index| index.find(which).map(|entry| entry.id.clone()))
            .ok_or_else(|| Error::Missing(which.to_owned()))
    }

    /// Changes an entry, on disk and then in memory. With `anyway` in memory also when the disk refuses: the document has
    /// the last word, and the entry follows it when the document is next opened.
    async fn change(&self, id: &PresetId, anyway: bool, with: impl FnOnce(&mut Entry)) -> Result<(), Error> {
        let _entries = self.entries.lock().await;
        let Some(mut entry) = self.index(|index| index.get(id).cloned()) else {
            return Err(Error::Missing(id.to_string()));
        };
        let before = entry.clone();
        with(&mut entry);
        if entry == before {
            return Ok(());
        }
        let written = self.tools.table.put(&format!("draft/{id}"), rows::encode(&entry)?).await;
        if written.is_ok() || anyway {
            self.index(|index| index.insert(entry));
        }
        written.map_err(|error| rows::refused(&error))
    }

    /// [`Desk::change`] after a commit that cannot be undone.
    pub(crate) async fn follow(&self, id: &PresetId, with: impl FnOnce(&mut Entry)) {
        if let Err(error) = self.change(id, true, with).await {
            warn!(preset = %id, %error, "the index could not be written");
        }
        self.tools.bell.ring(Ring::Documents);
    }

    /// The documents at work. They are not unloaded while the guard is held.
    async fn shift(&self) -> Result<RwLockReadGuard<'_, Shift>, Error> {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        loop {
            let at = self.at.read().await;
            let open = RwLockReadGuard::try_map(at, |at| match at {
                At::Work(shift) if shift.len() < OPEN_MAX => Some(&**shift),
                _ => None,
            });
            if let Ok(shift) = open {
                return Ok(shift);
            }
            drop(open);
            let mut at = self.at.write().await;
            match std::mem::replace(&mut *at, At::Rest) {
                At::End => {
                    *at = At::End;
                    return Err(stopped());
                }
                At::Work(shift) if shift.len() < OPEN_MAX => *at = At::Work(shift),
                At::Work(shift) => shift.end().await,
                At::Rest => *at = At::Work(Box::new(Shift::start(self.tools.clone(), self.visits.clone()).await)),
            }
        }
    }

    /// Joins a visitor to the documents at work.
    pub(crate) async fn attach(&self, transport: samod::Transport) -> Result<Here, Error> {
        self.shift().await?.attach(transport)
    }

    /// Takes over into the index what others edited in a draft.
    pub(crate) async fn reread(&self, id: &PresetId) {
        let read = self.with(id, async |open| read_now(open.copy().await?).await).await;
        let Ok(view) = read else { return };
        let mut preset = view.preset;
        let known = self.index(|index| index.get(id).map(|entry| entry.name.clone()));
        if let Some(known) = known.filter(|known| *known != preset.name)
            && let Err(error) = self.index(|index| index.reserve(&preset.name, id))
        {
            warn!(preset = %id, %error, "a draft keeps its name in the list");
            preset.name = known;
        }
        let now = self.now();
        self.follow(id, |entry| {
            entry.read_as(&preset);
            entry.changed_at = now;
        })
        .await;
    }

    /// Unloads all documents when nobody has asked for any in a while.
    pub(crate) async fn tidy(&self) {
        if self.visits.any() {
            return;
        }
        if self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed() < IDLE_MAX {
            return;
        }
        self.rest().await;
    }

    /// Unloads all documents.
    pub(crate) async fn rest(&self) {
        let mut at = self.at.write().await;
        match std::mem::replace(&mut *at, At::Rest) {
            At::Work(shift) => shift.end().await,
            other => *at = other,
        }
    }

    /// Unloads all documents for good.
    pub(crate) async fn end(&self) {
        let mut at = self.at.write().await;
        if let At::Work(shift) = std::mem::replace(&mut *at, At::End) {
            shift.end().await;
        }
    }

    /// Does something with a document, which stays loaded meanwhile.
    pub(crate) async fn with<T, F>(&self, id: &PresetId, work: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(Arc<Open>) -> Result<T, Error>,
    {
        let shift = self.shift().await?;
        let open = shift.open(id).await?;
        work(open).await
    }

    /// Makes a draft. Not to be dropped half way: see [`crate::Handle`].
    pub(crate) async fn create(&self, preset: Preset) -> Result<Draft, Error> {
        let id = fresh_id();
        self.index(|index| index.reserve(&preset.name, &id))?;
        let made = self.create_reserved(&id, preset.clone()).await;
        if made.is_err() {
            self.index(|index| {
                index.remove(&id);
                index.release(&preset.name, &id);
            });
        }
        made
    }

    async fn create_reserved(&self, id: &PresetId, preset: Preset) -> Result<Draft, Error> {
        let now = self.now();
        let mut entry = Entry::coming(id.clone(), &preset, now);
        let edited = blocking(move || edit::edit(Automerge::new(), ActorId::random(), &preset, None, now)).await??;
        let Some(change) = &edited.change else { return Err(Error::Damaged("the draft came out empty".to_owned())) };
        let (table, row) = (&self.tools.table, format!("draft/{id}"));
        table.put(&row, rows::encode(&entry)?).await.map_err(|error| rows::refused(&error))?;
        self.index(|index| index.insert(entry.clone()));
        if let Err(error) = Log::new(table.clone(), id.as_str()).append(change).await {
            // Whether the edit is there or not is found out at the next start, unless the entry can go now.
            if let Err(error) = table.delete(&row).await {
                warn!(preset = %id, %error, "the entry of a draft that was not made could not be removed");
            }
            return Err(rows::refused(&error));
        }
        entry.life = Life::There;
        let there = entry;
        self.follow(id, move |entry| *entry = there).await;
        // Opening gives samod its copy of the document. That it fails changes nothing about the draft being there.
        if let Err(error) = self.with(id, async |_| Ok(())).await {
            warn!(preset = %id, %error, "a new draft could not be opened");
        }
        Ok(draft(id, &edited))
    }

    /// Makes the draft read as `preset`. Not to be dropped half way: see [`crate::Handle`].
    pub(crate) async fn update(&self, which: &str, preset: Preset, message: Option<String>) -> Result<Draft, Error> {
        let id = self.resolve(which)?;
        self.with(&id, async |open| self.update_open(&open, preset, message).await).await
    }

    async fn update_open(&self, open: &Open, preset: Preset, message: Option<String>) -> Result<Draft, Error> {
        let id = &open.id;
        let mut editing = open.editing.lock().await;
        let doc = open.caught_up(&mut editing).await?;
        let (actor, now) = (editing.actor.clone(), self.now());
        let edited = blocking(move || edit::edit(doc, actor, &preset, message, now)).await??;
        let Some(change) = edited.change.clone() else { return Ok(draft(id, &edited)) };
        let name = edited.view.preset.name.clone();
        if self.index(|index| index.get(id).is_none_or(|entry| entry.name != name)) {
            self.index(|index| index.reserve(&name, id))?;
            let next = name.clone();
            let written = self.change(id, false, move |entry| entry.next_name = Some(next)).await;
            if written.is_err() {
                self.index(|index| index.release(&name, id));
            }
            written?;
        }
        if let Err(error) = editing.log.append(&change).await {
            // The edit may be on disk after all, so its number in this actor's row of edits must not be used again.
            editing.actor = ActorId::random();
            return Err(rows::refused(&error));
        }
        let apply = move |doc: &mut Automerge| doc.apply_changes([change]);
        let applied = open.handle.with_document_async(apply).await.map_err(|_| stopped())?;
        if let Err(error) = applied {
            let why = format!("an edit of `{id}` that is on disk does not fit the document in memory ({error})");
            (self.tools.on_fatal)(why.clone());
            return Err(Error::Away(why));
        }
        editing.log.shorten(&edited.doc).await;
        self.follow(id, |entry| {
            entry.read_as(&edited.view.preset);
            entry.changed_at = now;
        })
        .await;
        Ok(draft(id, &edited))
    }

    /// Takes a draft away. Not to be dropped half way: see [`crate::Handle`].
    pub(crate) async fn delete(&self, which: &str) -> Result<(), Error> {
        let id = self.resolve(which)?;
        let shift = self.shift().await?;
        self.change(&id, false, |entry| entry.life = Life::Going).await?;
        shift.forget(&id).await;
        // From here on it is deleted; what cannot be swept now is swept at the next start.
        if let Err(error) = self.remove_rows(&id).await {
            warn!(preset = %id, %error, "a deleted draft's rows could not all be removed yet");
        }
        self.tools.bell.ring(Ring::Documents);
        Ok(())
    }

    async fn remove_rows(&self, id: &PresetId) -> Result<(), Error> {
        let table = &self.tools.table;
        for prefix in [format!("samod/{id}/"), format!("log/{id}/")] {
            for key in table.keys(&prefix).await.map_err(|error| rows::refused(&error))? {
                table.delete(&key).await.map_err(|error| rows::refused(&error))?;
            }
        }
        for key in [format!("opening/{id}"), format!("aside/{id}")] {
            table.delete(&key).await.map_err(|error| rows::refused(&error))?;
        }
        self.change(id, false, |entry| entry.life = Life::Gone).await
    }

    /// Brings a draft that an earlier process left half made, half renamed or half deleted to an orderly state.
    async fn settle(&self, id: &PresetId) -> Result<(), Error> {
        let Some(entry) = self.index(|index| index.get(id).cloned()) else { return Ok(()) };
        if entry.life == Life::Going {
            return self.remove_rows(id).await;
        }
        let table = &self.tools.table;
        if table.keys(&format!("log/{id}/")).await.map_err(|error| rows::refused(&error))?.is_empty() {
            info!(preset = %id, "a draft whose making was cut off is dropped");
            table.delete(&format!("draft/{id}")).await.map_err(|error| rows::refused(&error))?;
            self.index(|index| index.remove(id));
            return Ok(());
        }
        let read = self.with(id, async |open| read_now(open.copy().await?).await).await;
        let preset = read.as_ref().ok().map(|view| view.preset.clone());
        self.change(id, true, |entry| {
            // One that cannot be read stays in the list, by the name it had, and says why when it is asked for.
            entry.life = Life::There;
            if let Some(preset) = &preset {
                entry.read_as(preset);
            }
        })
        .await?;
        read.map(drop)
    }
}

/// Reads a document where it may take its time.
pub(crate) async fn read_now(doc: Automerge) -> Result<view::View, Error> {
    blocking(move || view::read(&doc, None)).await
}

/// Runs what computes for long where it may.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Error::Damaged("working on the document stopped with a fault".to_owned()))
}

fn draft(id: &PresetId, edited: &Edited) -> Draft {
    Draft {
        id: id.clone(),
        preset: edited.view.preset.clone(),
        heads: hex(&edited.doc.get_heads()),
        repairs: edited.view.repairs.clone(),
    }
}

/// Heads as people pass them around.
pub(crate) fn hex(heads: &[ChangeHash]) -> Vec<String> {
    heads.iter().map(ToString::to_string).collect()
}

/// An id for a document that nobody has: 16 random bytes, written as Automerge URLs write them.
fn fresh_id() -> PresetId {
    let random = ActorId::random().to_bytes().to_vec();
    let id = samod::DocumentId::try_from(random).map(|id| id.to_string());
    // An Automerge actor is a random UUID, and a document id is any 16 bytes.
    PresetId(id.unwrap_or_default())
}
