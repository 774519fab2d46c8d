//! A file whose writer keeps nothing in memory: one transaction after the other, freed pages go back to the disk.

use std::path::Path;
use std::time::Duration;

use flowork_ports::store::Error;
use rusqlite::Connection;

use crate::error::Failed;
use crate::file;
use crate::writer::{Tables, Writer};

/// The file, for its one writer.
pub(crate) struct PlainFile {
    pub(crate) db: Connection,
    name: &'static str,
    /// Set by who removes rows.
    pub(crate) freed: bool,
}

impl PlainFile {
    /// Starts the writer of the file `name` in the data directory `dir`.
    pub(crate) fn start(dir: &Path, name: &'static str) -> Result<Writer<Self>, Error> {
        let db = file::open_writer(&dir.join(name)).map_err(|error| Failed::from(error).named(name))?;
        Writer::start(Self { db, name, freed: true })
    }
}

impl Tables for PlainFile {
    fn file(&self) -> &str {
        self.name
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
            tracing::error!(file = self.name, %error, "a transaction could not be rolled back");
        }
    }

    // Who writes such a file knows what changed and tells it.
    fn ring(&mut self) {}

    fn rest(&mut self) -> Option<Duration> {
        if !self.freed {
            return None;
        }
        file::shrink(&self.db, file::FREE_PAGES_KEPT, &mut self.freed).unwrap_or_else(|error| {
            tracing::warn!(file = self.name, %error, "free pages could not be given back to the disk");
            self.freed = false;
            None
        })
    }
}
