//! Read-only connections to one file.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use flowork_ports::store::Error;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::Failed;
use crate::file;

/// Connections kept open for the next reader.
const KEPT_MAX: usize = 4;
/// Readers of one file at once.
const READERS_MAX: usize = 8;

/// Read-only connections to one file, opened when first needed.
pub(crate) struct Pool {
    path: PathBuf,
    file: String,
    free: Mutex<Vec<Connection>>,
    room: Semaphore,
}

impl Pool {
    /// For the file at `path`, called `file` in errors.
    pub(crate) fn new(path: PathBuf, file: String) -> Arc<Self> {
        Arc::new(Self { path, file, free: Mutex::new(Vec::new()), room: Semaphore::new(READERS_MAX) })
    }

    /// The file, relative to the data directory.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Reads on a thread that may block.
    pub(crate) async fn read<R: Send + 'static>(
        self: &Arc<Self>, query: impl FnOnce(&Connection) -> Result<R, Failed> + Send + 'static,
    ) -> Result<R, Error> {
        let _room = self.room.acquire().await.map_err(|_| Error::Busy(self.file.clone()))?;
        let pool = Arc::clone(self);
        tokio::task::spawn_blocking(move || pool.read_here(query)).await.map_err(|error| Error::Other {
            file: self.file.clone(),
            detail: format!("reading ended by a fault: {error}"),
        })?
    }

    /// Reads on this thread, which may block.
    pub(crate) fn read_here<R>(&self, query: impl FnOnce(&Connection) -> Result<R, Failed>) -> Result<R, Error> {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = match kept {
            Some(db) => db,
            None => file::open_reader(&self.path).map_err(|error| Failed::from(error).named(&self.file))?,
        };
        // One snapshot for everything that this reader looks at.
        let result = run(&db, "BEGIN").map_err(Failed::from).and_then(|()| query(&db));
        let ended = db.is_autocommit() || run(&db, "COMMIT").is_ok();
        if ended && !matches!(result, Err(Failed::Storage(_))) {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            if free.len() < KEPT_MAX {
                free.push(db);
            }
        }
        result.map_err(|failed| failed.named(&self.file))
    }
}

/// Runs a statement that is prepared once.
fn run(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}
