//! Blobs that nothing names any more go, after a grace period.
//!
//! Two clocks must both have run out: the blob was last stored as long ago as the grace period, and every sweep of the last
//! minutes found it unnamed. So what a command names that was on its way during one sweep is safe.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use flowork_ports::store::Error;
use flowork_ports::sweep::{Kept, Rules, Sweeper, Swept};
use flowork_protocol::BlobId;
use rusqlite::Connection;

use crate::codec;
use crate::error::Failed;
use crate::file;
use crate::inboxes;
use crate::layout::{Layout, shard_file};
use crate::node;

/// How long a blob stays that nothing names, unless a setting says otherwise.
const GRACE_DEFAULT: Duration = Duration::from_secs(24 * 3_600);
/// How long a version stays that nothing names, unless a setting says otherwise.
const VERSIONS_DEFAULT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// How long sweeps must have found a blob unnamed; less when the grace period is shorter.
const UNNAMED_FOR: Duration = Duration::from_secs(10 * 60);
const FOLDER: &str = "blobs";

/// The sweeper of one data directory.
pub(crate) struct FileSweeper {
    layout: Layout,
    /// Since when each blob was found unnamed by every sweep.
    unnamed: Arc<Mutex<HashMap<BlobId, Instant>>>,
}

impl FileSweeper {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, unnamed: Arc::default() }
    }

    async fn blocking<T: Send + 'static>(
        &self, work: impl FnOnce(&Layout, &Mutex<HashMap<BlobId, Instant>>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (layout, unnamed) = (self.layout.clone(), self.unnamed.clone());
        let done = tokio::task::spawn_blocking(move || work(&layout, &unnamed)).await;
        done.map_err(|error| Error::Other { file: FOLDER.to_owned(), detail: error.to_string() })?
    }
}

#[async_trait]
impl Sweeper for FileSweeper {
    async fn rules(&self) -> Result<Rules, Error> {
        self.blocking(|layout, _| {
            read(layout, node::FILE, |db| {
                let time = |name, unit_s: f64, default| {
                    let value = node::setting(db, name)?.and_then(|value| value.as_f64());
                    let time = value.and_then(|units| Duration::try_from_secs_f64(units * unit_s).ok());
                    Ok::<_, Failed>(time.unwrap_or(default))
                };
                Ok(Rules {
                    grace: time(node::SETTING_RETENTION_FILES_HOURS, 3_600.0, GRACE_DEFAULT)?,
                    versions: time(node::SETTING_RETENTION_VERSIONS_DAYS, 86_400.0, VERSIONS_DEFAULT)?,
                })
            })
        })
        .await
    }

    async fn named(&self) -> Result<HashSet<BlobId>, Error> {
        self.blocking(|layout, _| marks(layout, Kept::default())).await
    }

    async fn sweep(&self, rules: Rules, kept: Kept) -> Result<Swept, Error> {
        self.blocking(move |layout, unnamed| {
            let marks = marks(layout, kept)?;
            let mut unnamed = unnamed.lock().unwrap_or_else(PoisonError::into_inner);
            sweep(layout, rules.grace, &marks, &mut unnamed)
        })
        .await
    }
}

/// A blob that may go.
struct Old {
    id: BlobId,
    path: PathBuf,
    bytes: u64,
}

fn sweep(
    layout: &Layout, grace: Duration, marks: &HashSet<BlobId>, unnamed: &mut HashMap<BlobId, Instant>,
) -> Result<Swept, Error> {
    let (now, begun) = (SystemTime::now(), Instant::now());
    let is_old = |meta: &fs::Metadata| {
        meta.modified().ok().and_then(|at| now.duration_since(at).ok()).is_some_and(|age| age >= grace)
    };
    let mut swept = Swept::default();
    let mut found = HashMap::new();
    let mut old = Vec::new();
    let looked = layout.file_blobs().walk(|id, meta, path| {
        if marks.contains(&id) {
            swept.kept += 1;
            return;
        }
        let since = unnamed.get(&id).copied().unwrap_or(begun);
        found.insert(id, since);
        if is_old(meta) && begun.duration_since(since) >= grace.min(UNNAMED_FOR) {
            old.push(Old { id, path: path.to_owned(), bytes: meta.len() });
        } else {
            swept.kept += 1;
        }
    });
    looked.map_err(|error| Error::Other {
        file: FOLDER.to_owned(),
        detail: format!("cannot look through it: {error}"),
    })?;
    *unnamed = found;
    for blob in old {
        // Moved away first: who stores the same bytes now either finds no file and writes one, or has made this one young,
        // which is seen after the move.
        let aside = layout.dir().join(FOLDER).join("unfinished").join(blob.path.file_name().unwrap_or_default());
        if fs::rename(&blob.path, &aside).is_err() {
            continue;
        }
        let removed = match fs::metadata(&aside) {
            Ok(meta) if !is_old(&meta) => fs::rename(&aside, &blob.path).is_err(),
            _ => fs::remove_file(&aside).is_ok(),
        };
        if removed {
            unnamed.remove(&blob.id);
            swept.removed += 1;
            swept.removed_bytes += blob.bytes;
        } else {
            swept.kept += 1;
        }
    }
    Ok(swept)
}

fn read<T>(layout: &Layout, name: &str, query: impl FnOnce(&Connection) -> Result<T, Failed>) -> Result<T, Error> {
    file::open_reader(&layout.dir().join(name))
        .map_err(Failed::from)
        .and_then(|db| query(&db))
        .map_err(|failed| failed.named(name))
}

/// Everything that jobs, inboxes and activations name, and `kept`; and what the versions among these name.
fn marks(layout: &Layout, kept: Kept) -> Result<HashSet<BlobId>, Error> {
    let mut marks = kept.blobs;
    let mut roots: HashSet<BlobId> = kept.versions.into_iter().map(|id| BlobId(id.0)).collect();
    // Inboxes before shards: what moves meanwhile is then seen twice.
    for (name, _) in inboxes::files(&layout.dir().join("inbox")) {
        let file = format!("inbox/{name}.db");
        read(layout, &file, |db| {
            let mut query = db.prepare("SELECT codec, body FROM entry")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let body: Vec<u8> = row.get(1)?;
                let body = codec::unpack(row.get(0)?, &body)
                    .map_err(|error| crate::error::unreadable(&file, "an entry", error))?;
                marks.extend(codec::blobs_in(&body));
                roots.extend(codec::versions_in(&body));
            }
            Ok(())
        })?;
    }
    for no in layout.shards() {
        let file = shard_file(no);
        read(layout, &file, |db| {
            marks.extend(hashes(db, "SELECT DISTINCT blob FROM blob_use")?);
            // Sources stay when their last job is forgotten.
            roots.extend(hashes(db, "SELECT version FROM source WHERE no IN (SELECT DISTINCT source FROM job)")?);
            // What a child gave, until its parent takes it: the child may be forgotten before.
            let mut query = db.prepare("SELECT body FROM signal")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                marks.extend(codec::blobs_in(row.get::<_, String>(0)?.as_bytes()));
            }
            // The versions that running jobs will start their sub-presets with are in the events that they began with.
            let mut query = db.prepare(
                "SELECT journal.codec, journal.body FROM job CROSS JOIN journal ON journal.job = job.no
                 WHERE job.state BETWEEN 2 AND 5 AND journal.first_seq = 2",
            )?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let body: Vec<u8> = row.get(1)?;
                let body = codec::unpack(row.get(0)?, &body)
                    .map_err(|error| crate::error::unreadable(&file, "a batch of events", error))?;
                roots.extend(codec::versions_in(&body));
            }
            Ok(())
        })?;
    }
    read(layout, node::FILE, |db| {
        roots.extend(hashes(db, "SELECT version FROM activation")?);
        Ok(())
    })?;
    // Versions are blobs themselves, and may name blobs in pinned items.
    let blobs = layout.file_blobs();
    for root in roots {
        marks.insert(root);
        if let Ok(text) = fs::read(blobs.place(root)) {
            marks.extend(codec::blobs_in(&text));
        }
    }
    Ok(marks)
}

fn hashes(db: &Connection, sql: &str) -> Result<Vec<BlobId>, Failed> {
    let mut query = db.prepare(sql)?;
    let rows = query.query_map([], |row| Ok(BlobId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
