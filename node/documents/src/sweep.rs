//! Housekeeping: versions that nobody needs any more go, and then the blobs that nothing names.
//!
//! docs does this because only docs knows what drafts and versions name; what jobs, inboxes and activations name it asks
//! the store. When anything that may name a blob cannot be read, nothing is removed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use automerge::Automerge;
use flowork_ports::bell::{Bell, Ring};
use flowork_ports::documents::{Error, Version};
use flowork_ports::sweep::{Kept, Sweeper, Swept};
use flowork_protocol::{BlobId, PresetId, VersionId};
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::desk::{Desk, blocking};
use crate::log::{self, Lost};
use crate::rows;

/// How often there is a sweep.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// The first one comes when the node has settled.
const FIRST_AFTER: Duration = Duration::from_secs(60);
/// The shortest pause between two sweeps…
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// …which also lasts so many times as long as the sweep before took.
const PAUSE_FACTOR: u32 = 20;
const HASH_HEX_LEN: usize = 64;

/// What sweeping needs, and what it remembers from one time to the next.
pub(crate) struct Broom {
    sweeper: Arc<dyn Sweeper>,
    /// What each draft names, as long as its rows are the same: keys hold hashes of what they lead to.
    drafts: AsyncMutex<HashMap<String, Named>>,
}

/// The keys of a draft's rows, and the blobs that it names as long as these are its keys.
type Named = (Vec<String>, HashSet<BlobId>);

impl Broom {
    pub(crate) fn new(sweeper: Arc<dyn Sweeper>) -> Self {
        Self { sweeper, drafts: AsyncMutex::default() }
    }
}

/// Sweeps from time to time, and soon after jobs were forgotten.
pub(crate) async fn run(desk: Arc<Desk>, bell: Bell, cancel: CancellationToken) {
    let mut rings = bell.listen();
    let (mut due_in, mut pause) = (FIRST_AFTER, PAUSE_MIN);
    loop {
        let begun = Instant::now();
        let due = async {
            tokio::select! {
                () = tokio::time::sleep(due_in) => {}
                () = forgotten(&mut rings) => tokio::time::sleep(pause.saturating_sub(begun.elapsed())).await,
            }
        };
        if cancel.run_until_cancelled(due).await.is_none() {
            return;
        }
        let begun = Instant::now();
        match cancel.run_until_cancelled(Box::pin(desk.sweep())).await {
            None => return,
            Some(Ok(swept)) if swept.removed > 0 => {
                info!(blobs = swept.removed, bytes = swept.removed_bytes, "what nothing names any more is removed");
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => warn!(%error, "nothing was swept: what is needed is not all known"),
        }
        pause = PAUSE_MIN.max(begun.elapsed() * PAUSE_FACTOR);
        due_in = EVERY.max(pause);
    }
}

async fn forgotten(rings: &mut tokio::sync::broadcast::Receiver<Ring>) {
    loop {
        match rings.recv().await {
            Ok(Ring::Forgotten) => return,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            // Nobody rings any more; the clock goes on.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Desk {
    /// Removes versions that nobody needs, then blobs that nothing names.
    ///
    /// # Errors
    /// When something that may name a blob cannot be read. No blob was removed then.
    pub(crate) async fn sweep(&self) -> Result<Swept, Error> {
        let sweeper = &self.broom.sweeper;
        let refused = |error| rows::refused(&error);
        let rules = sweeper.rules().await.map_err(refused)?;
        let blobs = self.named_by_drafts().await?;
        let named = sweeper.named().await.map_err(refused)?;
        let versions = self.retire_versions(&named, rules.versions).await?;
        sweeper.sweep(rules, Kept { versions, blobs }).await.map_err(refused)
    }

    /// The blobs that drafts name, now or at any time in their history.
    async fn named_by_drafts(&self) -> Result<HashSet<BlobId>, Error> {
        let table = &self.tools.table;
        let mut drafts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for prefix in ["log/", "samod/"] {
            for key in table.keys(prefix).await.map_err(|error| rows::refused(&error))? {
                let Some(preset) = key.split('/').nth(1).map(str::to_owned) else { continue };
                drafts.entry(preset).or_default().push(key);
            }
        }
        let mut known = self.broom.drafts.lock().await;
        known.retain(|preset, _| drafts.contains_key(preset));
        let mut all = HashSet::new();
        for (preset, keys) in drafts {
            if known.get(&preset).is_none_or(|(at, _)| *at != keys) {
                let blobs = self.named_by_draft(&preset).await?;
                known.insert(preset.clone(), (keys, blobs));
            }
            all.extend(known.get(&preset).into_iter().flat_map(|(_, blobs)| blobs.iter().copied()));
        }
        Ok(all)
    }

    async fn named_by_draft(&self, preset: &str) -> Result<HashSet<BlobId>, Error> {
        let guard = &self.tools.guard;
        guard.enter(preset, self.now()).await?;
        let recovered = log::recover(self.tools.table.clone(), preset).await;
        let named = match recovered {
            Ok(recovered) => blocking(move || named_in(&recovered.doc)).await,
            Err(Lost::Nothing) => Ok(HashSet::new()),
            Err(Lost::Table(error)) => Err(rows::refused(&error)),
            Err(lost) => Err(Error::Quarantined { preset: preset.to_owned(), why: lost.to_string() }),
        };
        guard.leave(preset).await;
        named
    }

    /// Forgets what is known of versions that are not `named`, have no label, were not frozen or asked for within `keep_for`
    /// and are not the newest of their preset. Gives those that stay.
    async fn retire_versions(&self, named: &HashSet<BlobId>, keep_for: Duration) -> Result<HashSet<VersionId>, Error> {
        let table = &self.tools.table;
        let freezer = &self.freezer;
        // What is frozen from here on is young, or waits until this is done.
        let _shelving = freezer.shelving.lock().await;
        let mut found: Vec<(String, VersionId, Option<Version>)> = Vec::new();
        for prefix in ["version/", "frozen/"] {
            for (key, row) in rows::read(&**table, prefix).await.map_err(|error| rows::refused(&error))? {
                let Some(id) = key.rsplit('/').next().and_then(|id| id.parse().ok()) else { continue };
                found.push((key, id, row.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())));
            }
        }
        let mut newest: HashMap<&PresetId, &Version> = HashMap::new();
        for version in found.iter().filter_map(|(_, _, version)| version.as_ref()) {
            let last = newest.entry(&version.preset).or_insert(version);
            if version.frozen_at >= last.frozen_at {
                *last = version;
            }
        }
        let mut kept: HashSet<VersionId> = newest.values().map(|version| version.id).collect();
        // Documents in memory remember the version that was last frozen from them, and give it again.
        kept.extend(self.index(|index| index.list()).iter().filter_map(|draft| draft.latest_version));
        kept.extend(freezer.used_within(keep_for));
        let young_from = self.now().0.saturating_sub(i64::try_from(keep_for.as_millis()).unwrap_or(i64::MAX));
        // One that does not read says nothing about its age, so it stays.
        let stays = |version: &Version| version.label.is_some() || version.frozen_at.0 > young_from;
        let needed =
            found.iter().filter(|(_, id, version)| named.contains(&BlobId(id.0)) || version.as_ref().is_none_or(stays));
        kept.extend(needed.map(|(_, id, _)| *id));
        let gone: Vec<&String> = found.iter().filter(|(_, id, _)| !kept.contains(id)).map(|(key, ..)| key).collect();
        for key in &gone {
            table.delete(key).await.map_err(|error| rows::refused(&error))?;
        }
        if !gone.is_empty() {
            info!(rows = gone.len(), "versions that nothing needs any more are forgotten");
        }
        Ok(kept)
    }
}

/// Everything in the history of a document that looks like the name of a blob. One that only looks so is kept too long,
/// which does no harm.
fn named_in(doc: &Automerge) -> HashSet<BlobId> {
    let mut named = HashSet::new();
    for change in doc.get_changes(&[]) {
        if let Ok(text) = serde_json::to_vec(&change.decode().operations) {
            named.extend(hashes_in(&text));
        }
    }
    named
}

fn hashes_in(text: &[u8]) -> impl Iterator<Item = BlobId> + '_ {
    text.split(|byte| !byte.is_ascii_hexdigit())
        .filter(|run| run.len() == HASH_HEX_LEN)
        .filter_map(|run| std::str::from_utf8(run).ok()?.parse().ok())
}
