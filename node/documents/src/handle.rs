//! What others hold of this crate.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use automerge::{Automerge, ChangeHash, ReadDoc};
use flowork_ports::documents::{
    Change, Connection, Documents, Draft, DraftSummary, Error, FrozenPreset, Present, Version, Visitor,
};
use flowork_ports::sweep::Swept;
use flowork_protocol::preset::Preset;
use flowork_protocol::{PresetId, Timestamp, VersionId};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::desk::{Desk, blocking, hex};
use crate::freeze::{Provenance, file_id};
use crate::open::Open;
use crate::view::{self, View};
use crate::visit;

/// How long freezing waits for edits that are on their way.
const HEADS_WAIT_MAX: Duration = Duration::from_secs(3);
/// The most changes that one look into a draft's history gives.
const HISTORY_MAX: usize = 10_000;

/// Drafts and versions, as [`Documents`]. Clones are the same documents.
///
/// Calls that change something go on to their end when their future is dropped: an edit is never half made.
#[derive(Clone)]
pub struct Handle {
    pub(crate) desk: Arc<Desk>,
    pub(crate) tracker: TaskTracker,
    pub(crate) over: CancellationToken,
}

impl Handle {
    /// Waits until everything is written and unloaded, after the token that [`crate::run`] was given was cancelled.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Waits until nobody looks after the documents any more: after the cancellation, or because that task broke. Then only
    /// a fresh process helps.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Unloads every document; the next call that needs one loads it again.
    pub async fn unload(&self) {
        self.desk.rest().await;
    }

    /// Removes versions that nobody needs any more and blobs that nothing names. Done from time to time anyway.
    ///
    /// # Errors
    /// When something that may name a blob cannot be read. No blob was removed then.
    pub async fn sweep(&self) -> Result<Swept, Error> {
        self.desk.sweep().await
    }

    async fn to_its_end<T, F, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send,
        W: FnOnce(Arc<Desk>) -> F + Send + 'static,
    {
        let desk = self.desk.clone();
        let done = self.tracker.spawn(async move { work(desk).await }).await;
        done.map_err(|_| Error::Away("the call stopped with a fault".to_owned()))?
    }

    async fn read(&self, which: &str) -> Result<(PresetId, Automerge), Error> {
        let id = self.desk.resolve(which)?;
        let doc = self.desk.with(&id, async |open| open.copy().await).await?;
        Ok((id, doc))
    }

    /// How the draft reads at `heads`, once it holds them.
    async fn frozen_view(&self, open: &Open, heads: &[ChangeHash]) -> Result<(View, Vec<ChangeHash>), Error> {
        if !open.await_heads(heads, HEADS_WAIT_MAX).await? {
            return Err(missing(heads));
        }
        let doc = open.copy().await?;
        let heads = heads.to_vec();
        let view = move || {
            let now = doc.get_heads() == heads;
            (view::read(&doc, (!now).then_some(heads.as_slice())), heads)
        };
        blocking(view).await
    }

    async fn freeze_open(
        &self, open: Arc<Open>, heads: Vec<ChangeHash>, label: Option<String>,
    ) -> Result<(Version, Preset), Error> {
        let wanted = if heads.is_empty() { open.heads().await? } else { heads };
        if label.is_none()
            && let Some((version, preset)) = open.frozen_at(&wanted)
        {
            self.desk.freezer.used(version.id);
            return Ok((version, (*preset).clone()));
        }
        let (view, at) = self.frozen_view(&open, &wanted).await?;
        let from = Provenance { preset: open.id.clone(), heads: hex(&at), label, now: self.desk.now() };
        let (version, preset) = self.desk.freezer.freeze(view.preset, from).await?;
        open.keep_frozen(at, &version, &preset);
        let id = version.id;
        self.desk.follow(&open.id, |entry| entry.latest_version = Some(id)).await;
        Ok((version, preset))
    }
}

#[async_trait]
impl Documents for Handle {
    async fn create(&self, preset: Preset) -> Result<Draft, Error> {
        self.to_its_end(|desk| async move { desk.create(preset).await }).await
    }

    async fn list(&self) -> Result<Vec<DraftSummary>, Error> {
        Ok(self.desk.index(|index| index.list()))
    }

    async fn get(&self, which: &str) -> Result<Draft, Error> {
        let (id, doc) = self.read(which).await?;
        blocking(move || shown(id, view::read(&doc, None), &doc.get_heads())).await
    }

    async fn update(&self, which: &str, preset: Preset, message: Option<String>) -> Result<Draft, Error> {
        let which = which.to_owned();
        self.to_its_end(|desk| async move { desk.update(&which, preset, message).await }).await
    }

    async fn delete(&self, which: &str) -> Result<(), Error> {
        let which = which.to_owned();
        self.to_its_end(|desk| async move { desk.delete(&which).await }).await
    }

    async fn history(&self, which: &str, max: usize) -> Result<Vec<Change>, Error> {
        let (_, doc) = self.read(which).await?;
        let all = move || {
            let newest_first =
                doc.get_changes_meta(&[]).into_iter().rev().take(max.min(HISTORY_MAX)).map(|change| Change {
                    hash: change.hash.to_string(),
                    actor: change.actor.to_hex_string(),
                    at: Timestamp(change.timestamp.saturating_mul(1_000)),
                    message: change.message.map(std::borrow::Cow::into_owned),
                });
            newest_first.collect()
        };
        blocking(all).await
    }

    async fn at(&self, which: &str, heads: Vec<String>) -> Result<Draft, Error> {
        let heads = parse(&heads)?;
        let (id, doc) = self.read(which).await?;
        if heads.iter().any(|head| doc.get_change_by_hash(head).is_none()) {
            return Err(missing(&heads));
        }
        blocking(move || shown(id, view::read(&doc, Some(&heads)), &heads)).await
    }

    async fn freeze(&self, which: &str, heads: Vec<String>, label: Option<String>) -> Result<(Version, Preset), Error> {
        let heads = parse(&heads)?;
        let id = self.desk.resolve(which)?;
        self.desk.with(&id, async |open| self.freeze_open(open, heads, label).await).await
    }

    async fn freeze_file(&self, preset: Preset) -> Result<(Version, Preset), Error> {
        let from = Provenance { preset: file_id(&preset.name), heads: Vec::new(), label: None, now: self.desk.now() };
        self.desk.freezer.freeze(preset, from).await
    }

    async fn versions(&self, which: &str) -> Result<Vec<Version>, Error> {
        let known = self.desk.index(|index| {
            let entry = index.find(which).or_else(|| index.get(&which.into()));
            entry.map(|entry| entry.id.clone())
        });
        if let Some(id) = known {
            return self.desk.freezer.versions(&id).await;
        }
        // Not a draft: perhaps a preset that was run from a file, by its id or its name.
        for id in [which.into(), file_id(which)] {
            let versions = self.desk.freezer.versions(&id).await?;
            if !versions.is_empty() {
                return Ok(versions);
            }
        }
        Err(Error::Missing(which.to_owned()))
    }

    async fn version(&self, id: VersionId) -> Result<(Version, FrozenPreset), Error> {
        self.desk.freezer.version(id).await
    }

    async fn connect(&self, visitor: Visitor) -> Result<Connection, Error> {
        Ok(visit::begin(self.desk.clone(), visitor))
    }

    async fn present(&self, which: &str) -> Result<Vec<Present>, Error> {
        let id = self.desk.resolve(which)?;
        Ok(self.desk.visits.present(&id))
    }
}

fn shown(id: PresetId, view: View, heads: &[ChangeHash]) -> Draft {
    Draft { id, preset: view.preset, heads: hex(heads), repairs: view.repairs }
}

fn parse(heads: &[String]) -> Result<Vec<ChangeHash>, Error> {
    let mut parsed = Vec::new();
    for head in heads {
        parsed.push(head.parse().map_err(|_| Error::HeadsMissing(head.chars().take(80).collect()))?);
    }
    parsed.sort_unstable();
    parsed.dedup();
    Ok(parsed)
}

fn missing(heads: &[ChangeHash]) -> Error {
    Error::HeadsMissing(hex(heads).join(", "))
}
