//! Where documents keep their bytes. Every entry carries its BLAKE3, checked whenever it is read.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use flowork_ports::documents::DocumentTable;
use flowork_ports::store::Error;
use rusqlite::{OptionalExtension, params};

use crate::error::Failed;
use crate::plain::PlainFile;
use crate::pool::Pool;
use crate::writer::Writer;

/// The file's name.
pub(crate) const FILE: &str = "documents.db";
const SMALL_BYTES: usize = 256;

/// The table of documents in SQLite.
pub(crate) struct SqliteDocuments {
    writer: Writer<PlainFile>,
    readers: Arc<Pool>,
}

impl SqliteDocuments {
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        Ok(Self { writer: PlainFile::start(dir, FILE)?, readers: Pool::new(dir.join(FILE), FILE.to_owned()) })
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
        let put = move |file: &mut PlainFile| {
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
        let delete = move |file: &mut PlainFile| {
            file.db.prepare_cached("DELETE FROM document WHERE key = ?1")?.execute([&key])?;
            file.freed = true;
            Ok(())
        };
        self.writer.call(SMALL_BYTES, delete).await?;
        Ok(())
    }
}
