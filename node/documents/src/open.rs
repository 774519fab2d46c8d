//! Documents that are in memory, held by one samod repository at a time.
//!
//! samod never lets go of a document that it opened. So when nobody has asked for anything for a while, or too many
//! documents are open, the whole repository is ended and the next question starts a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use automerge::{ActorId, Automerge, ChangeHash, ReadDoc};
use flowork_ports::bell::Bell;
use flowork_ports::documents::{DocumentTable, Error, Version};
use flowork_protocol::preset::Preset;
use flowork_protocol::{PresetId, Timestamp};
use futures::StreamExt;
use samod::{DocHandle, DocumentId, Repo, Transport, Url};
use tokio::sync::{Mutex as AsyncMutex, OnceCell, mpsc};
use tracing::{info, warn};

use crate::guard::Guard;
use crate::log::{self, Log, Lost};
use crate::rows;
use crate::shelf::{OnFatal, Shelf};
use crate::tasks::Tasks;
use crate::visit::{Here, Visits};

/// How many documents may be open at once.
pub(crate) const OPEN_MAX: usize = 64;
/// How long a repository may take to write what it has before it is ended anyway; every edit is in a log already.
const FLUSH_MAX: Duration = Duration::from_secs(10);
/// What samod calls the way by which visitors come; nothing is dialled by it.
const VISITORS: &str = "flowork:visitors";
/// More new edits than this are kept as one base instead of one by one.
const CATCH_UP_MAX: usize = 32;

/// What opening needs.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) table: Arc<dyn DocumentTable>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) bell: Bell,
    pub(crate) clock: crate::Clock,
    pub(crate) on_fatal: OnFatal,
    /// Told which documents others have edited.
    pub(crate) edited: mpsc::UnboundedSender<PresetId>,
}

/// One samod repository and the documents in it.
pub(crate) struct Shift {
    tools: Tools,
    repo: Repo,
    shelf: Shelf,
    tasks: Tasks,
    open: Mutex<HashMap<PresetId, Arc<OnceCell<Arc<Open>>>>>,
}

/// One document in memory.
pub(crate) struct Open {
    pub(crate) id: PresetId,
    pub(crate) handle: DocHandle,
    pub(crate) editing: AsyncMutex<Editing>,
    edited: mpsc::UnboundedSender<PresetId>,
    /// The last version frozen from it.
    frozen: Mutex<Option<Frozen>>,
}

/// A version, and what it was frozen from.
struct Frozen {
    at: Vec<ChangeHash>,
    version: Version,
    preset: Arc<Preset>,
}

/// What only one edit at a time may have.
pub(crate) struct Editing {
    pub(crate) log: Log,
    /// Who edits here. Another one after an edit of which nobody knows whether it is on disk.
    pub(crate) actor: ActorId,
    /// Whether the draft was deleted meanwhile.
    pub(crate) gone: bool,
}

impl Shift {
    /// Starts a repository with no documents open.
    pub(crate) async fn start(tools: Tools, visits: Visits) -> Self {
        let shelf = Shelf::new(tools.table.clone(), tools.on_fatal.clone());
        let tasks = Tasks::new(tools.on_fatal.clone());
        let share = move |document, peer| visits.share(document, peer);
        let repo = Repo::builder(tasks.clone()).with_storage(shelf.clone()).with_share_policy(share).load().await;
        Self { tools, repo, shelf, tasks, open: Mutex::default() }
    }

    /// Joins a visitor to this repository.
    pub(crate) fn attach(&self, transport: Transport) -> Result<Here, Error> {
        let url = Url::parse(VISITORS).map_err(|_| stopped())?;
        let acceptor = self.repo.make_acceptor(url).map_err(|_| stopped())?;
        acceptor.accept(transport).map_err(|_| stopped())?;
        Ok(Here { peer_id: self.repo.peer_id().to_string(), over: self.tasks.over() })
    }

    /// How many documents are open.
    pub(crate) fn len(&self) -> usize {
        self.cells(|cells| cells.len())
    }

    fn cells<T>(&self, with: impl FnOnce(&mut HashMap<PresetId, Arc<OnceCell<Arc<Open>>>>) -> T) -> T {
        with(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The document, opened when it is not yet.
    pub(crate) async fn open(&self, id: &PresetId) -> Result<Arc<Open>, Error> {
        let cell = self.cells(|cells| cells.entry(id.clone()).or_default().clone());
        let opened = cell.get_or_try_init(|| self.load(id)).await.cloned();
        if opened.is_err() {
            self.cells(|cells| drop(cells.remove(id)));
        }
        opened
    }

    async fn load(&self, id: &PresetId) -> Result<Arc<Open>, Error> {
        let Tools { table, guard, clock, .. } = &self.tools;
        guard.enter(id.as_str(), clock()).await?;
        let loaded = self.load_watched(table, id).await;
        guard.leave(id.as_str()).await;
        loaded
    }

    async fn load_watched(&self, table: &Arc<dyn DocumentTable>, id: &PresetId) -> Result<Arc<Open>, Error> {
        let quarantined = |why: String| Error::Quarantined { preset: id.to_string(), why };
        let document: DocumentId = id.as_str().parse().map_err(|_| Error::Missing(id.to_string()))?;
        let recovered = log::recover(table.clone(), id.as_str()).await.map_err(|lost| match lost {
            Lost::Table(error) => rows::refused(&error),
            Lost::Nothing => Error::Missing(id.to_string()),
            lost => {
                warn!(preset = %id, error = %lost, "a document is set aside");
                quarantined(lost.to_string())
            }
        })?;
        let log::Recovered { doc, mut log, samod, damaged, ahead } = recovered;
        if !damaged.is_empty() || ahead {
            warn!(preset = %id, rows = damaged.len(), ahead, "a document's rows are mended from its other copy");
            log.rebase(&doc).await.map_err(|error| rows::refused(&error))?;
            for row in &damaged {
                table.delete(row).await.map_err(|error| rows::refused(&error))?;
            }
        }
        self.shelf.show(id.as_str(), doc.save(), samod);
        let found = self.repo.find(document).await;
        self.shelf.shown(id.as_str());
        let handle = found
            .map_err(|_| Error::Away("the documents are being put away".to_owned()))?
            .ok_or_else(|| quarantined("samod could not read it".to_owned()))?;
        let editing = Editing { log, actor: ActorId::random(), gone: false };
        let open = Arc::new(Open {
            id: id.clone(),
            handle,
            editing: AsyncMutex::new(editing),
            edited: self.tools.edited.clone(),
            frozen: Mutex::default(),
        });
        self.follow(&open);
        Ok(open)
    }

    /// Logs the edits that others send, as they come.
    fn follow(&self, open: &Arc<Open>) {
        let mut changes = Box::pin(open.handle.changes());
        let (open, edited) = (Arc::downgrade(open), self.tools.edited.clone());
        self.tasks.run(async move {
            while changes.next().await.is_some() {
                let Some(open) = open.upgrade() else { break };
                let mut editing = open.editing.lock().await;
                if open.is_caught_up(&editing).await {
                    continue;
                }
                match open.caught_up(&mut editing).await {
                    Ok(doc) => {
                        editing.log.shorten(&doc).await;
                        drop(editing);
                        // Nobody hears it when the role is ending.
                        let _ = edited.send(open.id.clone());
                    }
                    Err(error) => warn!(preset = %open.id, %error, "edits from elsewhere could not be kept yet"),
                }
            }
        });
    }

    /// Lets go of a document that is deleted; nothing of it is written any more when this returns.
    pub(crate) async fn forget(&self, id: &PresetId) {
        let cell = self.cells(|cells| cells.remove(id));
        if let Some(open) = cell.and_then(|cell| cell.get().cloned()) {
            open.editing.lock().await.gone = true;
        }
        self.shelf.forget(id.as_str()).await;
    }

    /// Writes what is to be written and lets everything go.
    pub(crate) async fn end(self) {
        if tokio::time::timeout(FLUSH_MAX, self.repo.stop()).await.is_err() {
            warn!("documents are let go of before samod has written all of them; every edit is in its log");
        }
        self.tasks.end().await;
        info!(documents = self.len(), "idle documents are unloaded");
    }
}

impl Open {
    /// The heads of the document as it is now.
    pub(crate) async fn heads(&self) -> Result<Vec<ChangeHash>, Error> {
        self.handle.with_document_async(|doc| doc.get_heads()).await.map_err(|_| stopped())
    }

    /// The version that was last frozen, if it was at these heads.
    pub(crate) fn frozen_at(&self, heads: &[ChangeHash]) -> Option<(Version, Arc<Preset>)> {
        let frozen = self.frozen.lock().unwrap_or_else(PoisonError::into_inner);
        let frozen = frozen.as_ref().filter(|frozen| frozen.at == heads)?;
        Some((frozen.version.clone(), frozen.preset.clone()))
    }

    /// Remembers the version that was frozen last: running the same draft again and again freezes it once.
    pub(crate) fn keep_frozen(&self, at: Vec<ChangeHash>, version: &Version, preset: &Preset) {
        let frozen = Frozen { at, version: version.clone(), preset: Arc::new(preset.clone()) };
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = Some(frozen);
    }

    /// The document as it is now, to read or to try an edit on.
    pub(crate) async fn copy(&self) -> Result<Automerge, Error> {
        self.handle.with_document_async(|doc| doc.clone()).await.map_err(|_| stopped())
    }

    async fn is_caught_up(&self, editing: &Editing) -> bool {
        self.heads().await.is_ok_and(|heads| heads == editing.log.heads())
    }

    /// Returns when everything in the document is in the log.
    pub(crate) async fn kept(&self) -> Result<(), Error> {
        let mut editing = self.editing.lock().await;
        if self.is_caught_up(&editing).await {
            return Ok(());
        }
        self.caught_up(&mut editing).await?;
        // Who follows the document finds nothing left to do, so it is told from here.
        let _ = self.edited.send(self.id.clone());
        Ok(())
    }

    /// The document as it is now, after everything in it is in the log.
    pub(crate) async fn caught_up(&self, editing: &mut Editing) -> Result<Automerge, Error> {
        let doc = self.copy().await?;
        if editing.gone {
            return Err(Error::Missing(self.id.to_string()));
        }
        let news = doc.get_changes(editing.log.heads());
        let kept = if news.len() > CATCH_UP_MAX {
            editing.log.rebase(&doc).await
        } else {
            let mut kept = Ok(());
            for change in &news {
                kept = editing.log.append(change).await;
                if kept.is_err() {
                    break;
                }
            }
            kept
        };
        kept.map_err(|error| rows::refused(&error))?;
        Ok(doc)
    }

    /// Waits until the document holds all of `heads`, at most for `limit`. False when they have not come.
    pub(crate) async fn await_heads(&self, heads: &[ChangeHash], limit: Duration) -> Result<bool, Error> {
        let mut changes = Box::pin(self.handle.changes());
        let wait = async {
            loop {
                let wanted = heads.to_vec();
                let has = move |doc: &mut Automerge| wanted.iter().all(|head| doc.get_change_by_hash(head).is_some());
                if self.handle.with_document_async(has).await.map_err(|_| stopped())? {
                    return Ok(true);
                }
                if changes.next().await.is_none() {
                    return Ok(false);
                }
            }
        };
        tokio::time::timeout(limit, wait).await.unwrap_or(Ok(false))
    }
}

/// Why a document cannot be had while its repository is being ended.
pub(crate) fn stopped() -> Error {
    Error::Away("the documents are being put away".to_owned())
}

/// Seconds, as Automerge counts time.
pub(crate) fn seconds(at: Timestamp) -> i64 {
    at.0.div_euclid(1_000)
}
