//! One SQLite file: how it is made, opened and brought up to date.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long a writer waits for a lock that should not be held by anybody else.
const WRITER_PATIENCE: Duration = Duration::from_secs(5);
/// How long a reader waits; in WAL mode readers only ever wait for recovery.
const READER_PATIENCE: Duration = Duration::from_secs(2);
/// Prepared statements that a connection keeps.
const STATEMENTS_MAX: usize = 64;

/// How every SQLite file begins (sqlite.org/fileformat.html, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Free pages that a file may keep for what comes next.
pub(crate) const FREE_PAGES_KEPT: i64 = 256;
/// Free pages given back at once, so that no writer waits long.
const FREE_PAGES_STEP: i64 = 1_024;
/// The pause between two such steps.
const SHRINK_PAUSE: Duration = Duration::from_millis(20);

/// A kind of file and the steps that bring one up to date. A shipped step is never edited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    /// For people.
    pub(crate) what: &'static str,
    /// Step n leads from `user_version` n to n + 1.
    pub(crate) migrations: &'static [&'static str],
}

pub(crate) const SHARD: Kind = Kind { what: "shard", migrations: &[include_str!("migrations/shard_1.sql")] };
pub(crate) const INBOX: Kind = Kind { what: "inbox", migrations: &[include_str!("migrations/inbox_1.sql")] };
pub(crate) const NODE: Kind = Kind {
    what: "node tables",
    migrations: &[include_str!("migrations/node_1.sql"), include_str!("migrations/node_2.sql")],
};
pub(crate) const DOCUMENTS: Kind =
    Kind { what: "documents", migrations: &[include_str!("migrations/documents_1.sql")] };
pub(crate) const MESH: Kind = Kind { what: "mesh tables", migrations: &[include_str!("migrations/mesh_1.sql")] };
pub(crate) const SEARCH: Kind = Kind { what: "search index", migrations: &[include_str!("migrations/search_1.sql")] };

impl Kind {
    /// The version of files that this Flowork writes.
    pub(crate) fn version(&self) -> i64 {
        i64::try_from(self.migrations.len()).unwrap_or(i64::MAX)
    }
}

/// Makes a file of `kind`; `fill` writes its first rows. It appears under its name only when it is whole.
pub(crate) fn create(
    path: &Path, kind: Kind, fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let unfinished = beside(path, ".new");
    remove_all(&unfinished).map_err(io_error)?;
    {
        let db = Connection::open(&unfinished)?;
        // Must come before the first table: it decides the form of the file.
        db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        migrate(&db, kind, 0)?;
        fill(&db)?;
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    }
    switch(&unfinished, path).map_err(io_error)
}

/// Runs the steps from version `from` on, each in its transaction.
pub(crate) fn migrate(db: &Connection, kind: Kind, from: i64) -> rusqlite::Result<()> {
    for (version, step) in (1..).zip(kind.migrations).skip(usize::try_from(from).unwrap_or(0)) {
        let done = db.execute_batch(&format!("BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {version}; COMMIT;"));
        if done.is_err() && !db.is_autocommit() {
            db.execute_batch("ROLLBACK")?;
        }
        done?;
    }
    Ok(())
}

/// The version of a file.
pub(crate) fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Opens a file for its one writer.
pub(crate) fn open_writer(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(WRITER_PATIENCE)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A checkpoint every 8 MiB of log keeps the log bounded and its cost spread; the log file is cut back to 32 MiB
    // after a burst.
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -16000;
         PRAGMA wal_autocheckpoint = 2000;
         PRAGMA journal_size_limit = 33554432;",
    )?;
    Ok(db)
}

/// Opens a file for reading only.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(READER_PATIENCE)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    db.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;")?;
    Ok(db)
}

/// Gives some free pages of a file back to the disk, if it has more than `kept`, between transactions of its writer.
/// `freed` is set while pages are given back and until the file is smaller for it. Tells when to go on.
pub(crate) fn shrink(db: &Connection, kept: i64, freed: &mut bool) -> rusqlite::Result<Option<Duration>> {
    let free: i64 = db.prepare_cached("PRAGMA freelist_count")?.query_row([], |row| row.get(0))?;
    if free > kept {
        *freed = true;
        let step = FREE_PAGES_STEP.min(free - kept);
        db.execute_batch(&format!("PRAGMA incremental_vacuum({step})"))?;
        return Ok(Some(SHRINK_PAUSE));
    }
    if !*freed {
        return Ok(None);
    }
    // File and log shrink at the checkpoint. With a reader in the way it is tried again later; nobody is waited for.
    db.busy_timeout(Duration::ZERO)?;
    let in_the_way = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    db.busy_timeout(WRITER_PATIENCE)?;
    *freed = in_the_way?;
    Ok(freed.then_some(SHRINK_PAUSE))
}

/// `path` with `ending` after its name.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Removes a SQLite file with its log, if it is there.
pub(crate) fn remove_all(path: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Puts a finished, closed file in the place of `path`, on disk when this returns.
pub(crate) fn switch(finished: &Path, path: &Path) -> io::Result<()> {
    fs::File::open(finished)?.sync_all()?;
    // The log of the file that is replaced must not be taken for the new file's.
    for ending in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(finished, path)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Makes new names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}

/// What is wrong with a file at first sight, without opening it as a database: that is for those who work on it.
pub(crate) fn looks_wrong(path: &Path) -> Option<&'static str> {
    use std::io::Read as _;
    let mut start = [0; MAGIC.len()];
    match fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)) {
        Ok(()) if start == *MAGIC => None,
        Ok(()) => Some("is damaged: it does not begin as a database"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some("is gone"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Some("is damaged: it is too short"),
        Err(_) => Some("cannot be read"),
    }
}

/// Looks through a file for damage.
pub(crate) fn check(db: &Connection) -> rusqlite::Result<()> {
    let said: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    match said.as_str() {
        "ok" => Ok(()),
        _ => Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(said))),
    }
}

/// Size of a file with its log; 0 when it is not there.
pub(crate) fn bytes_on_disk(path: &Path) -> u64 {
    ["", "-wal"].iter().filter_map(|ending| fs::metadata(beside(path, ending)).ok()).map(|meta| meta.len()).sum()
}

fn io_error(error: io::Error) -> rusqlite::Error {
    let code = if error.kind() == io::ErrorKind::StorageFull {
        rusqlite::ffi::SQLITE_FULL
    } else {
        rusqlite::ffi::SQLITE_CANTOPEN
    };
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some(error.to_string()))
}
