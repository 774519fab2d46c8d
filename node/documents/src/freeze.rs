//! Versions: presets that never change again, named by the hash of their canonical JSON.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flowork_ports::blobs::{self, Blobs};
use flowork_ports::documents::{DocumentTable, Error, FrozenPreset, Version};
use flowork_protocol::check::{Catalogue, Problem, Severity, check};
use flowork_protocol::preset::Preset;
use flowork_protocol::{BlobId, PresetId, Timestamp, VersionId, canonical};
use tokio::sync::Mutex as AsyncMutex;
use tracing::warn;

use crate::rows;

/// Freezes presets and remembers what was frozen.
pub(crate) struct Freezer {
    table: Arc<dyn DocumentTable>,
    blobs: Arc<dyn Blobs>,
    catalogue: Arc<dyn Catalogue>,
    /// When each version was last frozen or asked for in this process.
    used: Mutex<HashMap<VersionId, Instant>>,
    /// Held while it is written down what is known of versions, or forgotten.
    pub(crate) shelving: AsyncMutex<()>,
}

/// Where a version comes from.
pub(crate) struct Provenance {
    pub(crate) preset: PresetId,
    pub(crate) heads: Vec<String>,
    pub(crate) label: Option<String>,
    pub(crate) now: Timestamp,
}

/// The id that all presets of this name from files share.
pub(crate) fn file_id(name: &str) -> PresetId {
    PresetId::of_file(name)
}

impl Freezer {
    pub(crate) fn new(table: Arc<dyn DocumentTable>, blobs: Arc<dyn Blobs>, catalogue: Arc<dyn Catalogue>) -> Self {
        Self { table, blobs, catalogue, used: Mutex::default(), shelving: AsyncMutex::default() }
    }

    /// Says that somebody was given this version.
    pub(crate) fn used(&self, id: VersionId) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Instant::now());
    }

    /// The versions that somebody was given within this time. Forgets about earlier times.
    pub(crate) fn used_within(&self, time: Duration) -> Vec<VersionId> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, at| at.elapsed() < time);
        used.keys().copied().collect()
    }

    /// Stores the preset as a version. Its content is durable before anything names it, and everything is when this returns.
    ///
    /// # Errors
    /// The problems that stop it from running, or why it cannot be stored.
    pub(crate) async fn freeze(&self, preset: Preset, from: Provenance) -> Result<(Version, Preset), Error> {
        let frozen = self.lock(preset)?;
        let bytes =
            canonical::to_vec(&frozen).map_err(|error| Error::Damaged(format!("it cannot be frozen: {error}")))?;
        let id = VersionId::of(&bytes);
        let blob = self.blobs.put_bytes(Bytes::from(bytes)).await.map_err(|error| refused(&error))?;
        if blob.0 != id.0 {
            return Err(Error::Damaged(format!("version {id} was stored under another name")));
        }
        let version = self.remember(id, from).await?;
        Ok((version, frozen.preset))
    }

    fn lock(&self, mut preset: Preset) -> Result<FrozenPreset, Error> {
        let problems = check(&preset, &*self.catalogue);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(Error::Problems(problems));
        }
        let mut lock = BTreeMap::new();
        for (id, step) in &mut preset.steps {
            // The order of secrets means nothing, so it must not make another version.
            step.secrets.sort_unstable();
            step.secrets.dedup();
            step.version = Some(self.pin(&mut lock, &step.component, &format!("/steps/{id}/component"))?);
        }
        for (id, trigger) in &preset.triggers {
            self.pin(&mut lock, &trigger.component, &format!("/triggers/{id}/component"))?;
        }
        Ok(FrozenPreset { preset, lock })
    }

    /// Locks a component and gives its version.
    fn pin(&self, lock: &mut BTreeMap<String, String>, component: &str, place: &str) -> Result<u32, Error> {
        let known = self.catalogue.manifest(component).zip(self.catalogue.digest(component));
        let (manifest, digest) = known.ok_or_else(|| {
            Error::Problems(vec![Problem {
                severity: Severity::Error,
                code: "unknown-component".to_owned(),
                place: place.to_owned(),
                message: format!("there is no component `{component}`"),
                suggestion: Some("`flowork component list` shows all".to_owned()),
            }])
        })?;
        lock.insert(format!("{component}@{}", manifest.version), digest);
        Ok(manifest.version)
    }

    /// Keeps what is known of a version. The first freezing stays its provenance; a label may be given later.
    async fn remember(&self, id: VersionId, from: Provenance) -> Result<Version, Error> {
        self.used(id);
        let _shelving = self.shelving.lock().await;
        let (row, by_id) = (format!("version/{}/{id}", from.preset), format!("frozen/{id}"));
        let known = self.load_or_mend(&row).await?;
        let named_anew = from.label.is_some() && known.as_ref().is_some_and(|known| known.label != from.label);
        let version = match known.clone() {
            Some(known) => Version { label: from.label.or(known.label), ..known },
            None => Version { id, preset: from.preset, frozen_at: from.now, heads: from.heads, label: from.label },
        };
        if known.is_none() || named_anew {
            self.put(&row, &version).await?;
        }
        let first = self.load_or_mend(&by_id).await?;
        if first.is_none_or(|first| named_anew && first.preset == version.preset) {
            self.put(&by_id, &version).await?;
        }
        Ok(version)
    }

    /// The versions of a preset, newest first. One of which nothing readable is left but its content is left out, and told.
    pub(crate) async fn versions(&self, preset: &PresetId) -> Result<Vec<Version>, Error> {
        let prefix = format!("version/{preset}/");
        let rows = rows::read(&*self.table, &prefix).await.map_err(|error| rows::refused(&error))?;
        let mut versions = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            let version = match parse(&key, row) {
                Ok(version) => Some(version),
                Err(error) => {
                    warn!(%key, %error, "what is known of a version is damaged");
                    let id = key.trim_start_matches(&prefix);
                    let other = self.load(&format!("frozen/{id}")).await.ok().flatten();
                    other.filter(|version| version.preset == *preset)
                }
            };
            versions.extend(version);
        }
        versions.sort_by_key(|version| Reverse((version.frozen_at, version.id)));
        Ok(versions)
    }

    /// One version with its content.
    pub(crate) async fn version(&self, id: VersionId) -> Result<(Version, FrozenPreset), Error> {
        self.used(id);
        let version = match self.load(&format!("frozen/{id}")).await {
            Err(error @ Error::Damaged(_)) => self.other_copy(id).await?.ok_or(error)?,
            other => other?.ok_or_else(|| Error::Missing(id.to_string()))?,
        };
        let bytes = self.blobs.get(BlobId(id.0)).await.map_err(|error| refused(&error))?;
        let frozen = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Damaged(format!("version {id} is not one that this Flowork reads: {error}")))?;
        Ok((version, frozen))
    }

    /// What is known of a version, from the rows that its presets keep of it.
    async fn other_copy(&self, id: VersionId) -> Result<Option<Version>, Error> {
        let keys = self.table.keys("version/").await.map_err(|error| rows::refused(&error))?;
        let name = id.to_string();
        for key in keys.iter().filter(|key| key.ends_with(&name)) {
            if let Ok(Some(version)) = self.load(key).await {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// As [`Self::load`], but a damaged row counts as not there: it is about to be written anew.
    async fn load_or_mend(&self, key: &str) -> Result<Option<Version>, Error> {
        match self.load(key).await {
            Err(Error::Damaged(why)) => {
                warn!(%key, %why, "what is known of a version is damaged and written anew");
                Ok(None)
            }
            other => other,
        }
    }

    async fn load(&self, key: &str) -> Result<Option<Version>, Error> {
        match self.table.load(key).await {
            Ok(Some(bytes)) => parse(key, Ok(bytes)).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(rows::refused(&error)),
        }
    }

    async fn put(&self, key: &str, version: &Version) -> Result<(), Error> {
        self.table.put(key, rows::encode(version)?).await.map_err(|error| rows::refused(&error))
    }
}

fn parse(key: &str, row: rows::Row) -> Result<Version, Error> {
    let bytes = row.map_err(|detail| Error::Damaged(format!("`{key}` cannot be read ({detail})")))?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Damaged(format!("`{key}` cannot be read ({error})")))
}

fn refused(error: &blobs::Error) -> Error {
    match error {
        blobs::Error::Missing(_) | blobs::Error::Damaged(_) => Error::Damaged(error.to_string()),
        blobs::Error::Io { source, .. } => Error::Away(format!("{error}: {source}")),
        blobs::Error::TooLarge { .. } => Error::Away(error.to_string()),
    }
}
