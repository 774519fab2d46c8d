//! Blobs that nothing names any more go, after a grace period.

use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use flowork_ports::store::Error;
use flowork_protocol::BlobId;
use rusqlite::Connection;

use crate::codec;
use crate::error::Failed;
use crate::file;
use crate::inboxes;
use crate::layout::{self, Layout, shard_file};
use crate::node;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs that are named somewhere, or too young to judge.
    pub kept: u64,
    /// Blobs removed.
    pub removed: u64,
    /// Their bytes.
    pub removed_bytes: u64,
}

impl Layout {
    /// Removes blobs older than `grace` that no job, inbox, activation or version names. `versions` are what docs knows of:
    /// all versions, and blobs that drafts name. Blocks; removes nothing unless every file could be read.
    ///
    /// `grace` must be longer than the longest time between storing a blob and the commit that names it.
    ///
    /// # Errors
    /// When a file that may name blobs cannot be read.
    pub fn sweep_blobs(&self, grace: Duration, versions: &HashSet<BlobId>) -> Result<Swept, layout::Error> {
        let now = SystemTime::now();
        let marks = self.marks(versions)?;
        let blobs = self.file_blobs();
        let mut swept = Swept::default();
        let mut old = Vec::new();
        let is_old = |meta: &fs::Metadata| {
            meta.modified().ok().and_then(|at| now.duration_since(at).ok()).is_some_and(|age| age > grace)
        };
        blobs
            .walk(|id, meta, path| {
                if marks.contains(&id) || !is_old(meta) {
                    swept.kept += 1;
                } else {
                    old.push((path.to_owned(), meta.len()));
                }
            })
            .map_err(layout::io_error("look through", &self.dir().join("blobs")))?;
        for (path, bytes) in old {
            // Moved away first: who stores the same bytes now either finds no file and writes one, or has made this one
            // young, which is seen after the move.
            let aside = self.dir().join("blobs").join("unfinished").join(path.file_name().unwrap_or_default());
            if fs::rename(&path, &aside).is_err() {
                continue;
            }
            let removed = match fs::metadata(&aside) {
                Ok(meta) if !is_old(&meta) => fs::rename(&aside, &path).is_err(),
                _ => fs::remove_file(&aside).is_ok(),
            };
            if removed {
                swept.removed += 1;
                swept.removed_bytes += bytes;
            } else {
                swept.kept += 1;
            }
        }
        Ok(swept)
    }

    fn marks(&self, versions: &HashSet<BlobId>) -> Result<HashSet<BlobId>, Error> {
        let mut marks = versions.clone();
        let mut roots: HashSet<BlobId> = versions.clone();
        let read = |name: &str, query: &mut dyn FnMut(&Connection) -> Result<(), Failed>| {
            file::open_reader(&self.dir().join(name))
                .map_err(Failed::from)
                .and_then(|db| query(&db))
                .map_err(|failed| failed.named(name))
        };
        // Inboxes before shards: what moves meanwhile is then seen twice.
        for (name, _) in inboxes::files(&self.dir().join("inbox")) {
            read(&format!("inbox/{name}.db"), &mut |db| {
                let mut query = db.prepare("SELECT codec, body FROM entry")?;
                let mut rows = query.query([])?;
                while let Some(row) = rows.next()? {
                    let body: Vec<u8> = row.get(1)?;
                    if let Ok(body) = codec::unpack(row.get(0)?, &body) {
                        marks.extend(codec::blobs_in(&body));
                        roots.extend(
                            serde_json::from_slice::<codec::Head>(&body).ok().map(|head| BlobId(head.version.0)),
                        );
                    }
                }
                Ok(())
            })?;
        }
        for no in self.shards() {
            read(&shard_file(no), &mut |db| {
                marks.extend(hashes(db, "SELECT DISTINCT blob FROM blob_use")?);
                roots.extend(hashes(db, "SELECT DISTINCT version FROM source")?);
                Ok(())
            })?;
        }
        read(node::FILE, &mut |db| {
            roots.extend(hashes(db, "SELECT version FROM activation")?);
            Ok(())
        })?;
        // Versions are blobs themselves, and may name blobs in pinned items.
        let blobs = self.file_blobs();
        for root in roots {
            marks.insert(root);
            if let Ok(text) = fs::read(blobs.place(root)) {
                marks.extend(codec::blobs_in(&text));
            }
        }
        Ok(marks)
    }
}

fn hashes(db: &Connection, sql: &str) -> Result<Vec<BlobId>, Failed> {
    let mut query = db.prepare(sql)?;
    let rows = query.query_map([], |row| Ok(BlobId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
