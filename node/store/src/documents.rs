//! Where documents keep their bytes. Every entry carries its BLAKE3, checked whenever it is read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use flowork_ports::documents::DocumentTable;
use flowork_ports::store::Error;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Failed;
use crate::file;
use crate::pool::Pool;
use crate::writer::{Tables, Writer};

/// The file's name.
pub(crate) const FILE: &str = "documents.db";
const SMALL_BYTES: usize = 256;

/// The table of documents in SQLite.
pub(crate) struct SqliteDocuments {
    writer: Writer<DocumentFile>,
    readers: Arc<Pool>,
}

impl SqliteDocuments {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        let db = file::open_writer(&path).map_err(|error| Failed::from(error).named(FILE))?;
        Ok(Self { writer: Writer::start(DocumentFile { db, freed: true })?, readers: Pool::new(path, FILE.to_owned()) })
    }
}

fn checked(key: &str, hash: [u8; 32], body: Vec<u8>) -> Result<Vec<u8>, Failed> {
    if *blake3::hash(&body).as_bytes() == hash {
        return Ok(body);
    }
    let detail = format!("entry `{key}` is not what was written");
    Err(Error::Damaged { file: FILE.to_owned(), detail }.into())
}

/// The first text after all texts that begin with `prefix`; none when there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[async_trait]
impl DocumentTable for SqliteDocuments {
    async fn load(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let key = key.to_owned();
        self.readers
            .read(move |db| {
                let mut query = db.prepare_cached("SELECT hash, body FROM document WHERE key = ?1")?;
                let found = query.query_row([&key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                found.map(|(hash, body)| checked(&key, hash, body)).transpose()
            })
            .await
    }

    async fn load_range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let (from, to) = (prefix.to_owned(), after_prefix(prefix));
        self.readers
            .read(move |db| {
                let mut query = db.prepare_cached(
                    "SELECT key, hash, body FROM document WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key",
                )?;
                let rows = query.query_map(params![from, to], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                rows.map(|row| {
                    let (key, hash, body): (String, _, _) = row?;
                    let body = checked(&key, hash, body)?;
                    Ok((key, body))
                })
                .collect()
            })
            .await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, Error> {
        let (from, to) = (prefix.to_owned(), after_prefix(prefix));
        self.readers
            .read(move |db| {
                // The index holds all of it: no entry is touched.
                let mut query = db.prepare_cached(
                    "SELECT key FROM document WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key",
                )?;
                let keys = query.query_map(params![from, to], |row| row.get(0))?;
                Ok(keys.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Error> {
        let key = key.to_owned();
        let hash = *blake3::hash(&bytes).as_bytes();
        let put = move |file: &mut DocumentFile| {
            file.db
                .prepare_cached(
                    "INSERT INTO document (key, hash, body) VALUES (?1, ?2, ?3)
                     ON CONFLICT (key) DO UPDATE SET hash = excluded.hash, body = excluded.body",
                )?
                .execute(params![key, hash, bytes])?;
            Ok(())
        };
        self.writer.call(SMALL_BYTES, put).await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let key = key.to_owned();
        let delete = move |file: &mut DocumentFile| {
            file.db.prepare_cached("DELETE FROM document WHERE key = ?1")?.execute([&key])?;
            file.freed = true;
            Ok(())
        };
        self.writer.call(SMALL_BYTES, delete).await?;
        Ok(())
    }
}

struct DocumentFile {
    db: Connection,
    freed: bool,
}

impl Tables for DocumentFile {
    fn file(&self) -> &str {
        FILE
    }

    fn begin(&mut self) -> Result<(), Failed> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    fn commit(&mut self) -> Result<u64, Failed> {
        self.db.prepare_cached("COMMIT")?.execute([])?;
        Ok(0)
    }

    fn rollback(&mut self) {
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(file = FILE, %error, "a transaction could not be rolled back");
        }
    }

    // Documents ring their own bell: docs knows which one changed.
    fn ring(&mut self) {}

    fn rest(&mut self) -> Option<Duration> {
        if !self.freed {
            return None;
        }
        file::shrink(&self.db, file::FREE_PAGES_KEPT, &mut self.freed).unwrap_or_else(|error| {
            tracing::warn!(file = FILE, %error, "free pages could not be given back to the disk");
            self.freed = false;
            None
        })
    }
}
