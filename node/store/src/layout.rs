//! The data directory: which files there are, made and brought up to date before any role starts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowork_ports::bell::Bell;
use flowork_ports::documents::DocumentTable;
use flowork_ports::mesh_table::MeshTable;
use flowork_ports::roles::Trouble;
use flowork_ports::store::{Error as StoreError, Inbox, NodeTables, Reader, Shard};
use flowork_ports::{Blobs, Sweeper};
use flowork_protocol::{ShardNo, Timestamp};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::blobs::FileBlobs;
use crate::documents::SqliteDocuments;
use crate::error::named;
use crate::file::{self, Kind};
use crate::garbage::FileSweeper;
use crate::mesh::SqliteMesh;
use crate::node::SqliteNode;
use crate::reader::SqliteReader;
use crate::search::Indexer;
use crate::shard::SqliteShard;
use crate::spare::SpareInbox;
use crate::{blobs, documents, inboxes, mesh, node};

/// The format of the data directory that this Flowork writes.
///
/// 2 added `mesh.db`.
pub const FORMAT: u32 = 2;
/// How many shards a new data directory gets. More help from about four cores on; fewer make fewer disk syncs.
pub const SHARDS_DEFAULT: u16 = 4;
/// The most shards that a data directory may have.
pub const SHARDS_MAX: u16 = 256;

pub(crate) const PLAN: &str = "layout.json";
pub(crate) const SEARCH: &str = "search.db";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A newer Flowork wrote it.
    #[error(
        "{file} has format {found}, this Flowork knows up to {known}; start the newer Flowork, or restore a backup made by this one"
    )]
    Newer {
        /// Which file.
        file: String,
        /// Its format.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The layout file is not one.
    #[error("{file} does not read ({detail}); restore the data directory from a backup")]
    Form {
        /// Which file.
        file: String,
        /// What is wrong.
        detail: String,
    },
    /// There is no data directory yet.
    #[error("{0} holds no Flowork data; `flowork up` makes it")]
    Empty(PathBuf),
    /// A file could not be brought up to date. All files are as they were.
    #[error(
        "the data in {file} could not be brought up to date; it is unchanged, the Flowork that wrote it still runs on it"
    )]
    Migrate {
        /// Which file.
        file: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A file of the store cannot be made or opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk said no.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// What `layout.json` says. Fixed for the life of a data directory, the format excepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The format of the whole directory.
    pub format: u32,
    /// How many shards jobs are spread over.
    pub shards: u16,
    /// When it was made.
    pub created_at: Timestamp,
    /// The Flowork that last wrote this file.
    pub written_by: String,
    /// Set on a directory restored as a copy, until its node has a key of its own: when it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_at: Option<Timestamp>,
}

/// A data directory.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
    plan: Plan,
}

/// The kernel's half of the store.
pub struct KernelStore {
    /// The shards that work.
    pub shards: Vec<Arc<dyn Shard>>,
    /// The shards that do not, and why. What they hold waits for their repair; everything else goes on.
    pub failures: Vec<Trouble>,
    /// The node's own tables.
    pub node: Arc<dyn NodeTables>,
    /// Builds the full-text index in the background; ends when dropped.
    pub indexer: Option<Indexer>,
}

pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { doing, path, source }
}

impl Layout {
    /// Makes a data directory in `dir`, or opens the one that is there and brings every file up to date, on copies first.
    /// Only the holder of the directory's lock may call this, before any role starts. Blocks.
    ///
    /// # Errors
    /// [`Error::Newer`] names the file that a newer Flowork wrote. Damaged files are no error here: each is reported by who
    /// opens it.
    pub fn create_or_open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::create_or_open_with(dir, SHARDS_DEFAULT)
    }

    /// As [`Self::create_or_open`], with a number of shards for a new directory; an existing one keeps its own.
    ///
    /// # Errors
    /// As there.
    pub fn create_or_open_with(dir: impl AsRef<Path>, shards: u16) -> Result<Self, Error> {
        let dir = dir.as_ref();
        for folder in [dir.to_owned(), dir.join("shards"), dir.join("inbox"), dir.join("blobs")] {
            fs::create_dir_all(&folder).map_err(io_error("make the folder", &folder))?;
        }
        private(dir).map_err(io_error("protect the folder", dir))?;
        let layout = if dir.join(PLAN).exists() {
            Self::open(dir)?.with_the_files_of_this_format()?
        } else {
            let plan = Plan {
                format: FORMAT,
                shards: shards.clamp(1, SHARDS_MAX),
                created_at: crate::clock::now(),
                written_by: env!("CARGO_PKG_VERSION").to_owned(),
                copied_at: None,
            };
            let layout = Self { dir: dir.to_owned(), plan };
            layout.make_files(|_| true)?;
            // Last: a directory with a layout file has all its files, and a missing one is a loss to be reported.
            layout.write_plan()?;
            layout
        };
        layout.migrate()?;
        layout.make_search()?;
        blobs::prepare(&dir.join("blobs")).map_err(io_error("prepare the folder", &dir.join("blobs")))?;
        Ok(layout)
    }

    /// Makes what a directory of an older format has not, and then says that it has this format.
    fn with_the_files_of_this_format(mut self) -> Result<Self, Error> {
        if self.plan.format < FORMAT {
            // Only those: a file that should be there and is not is a loss to be reported.
            self.make_files(|name| name == mesh::FILE)?;
            self.plan.format = FORMAT;
            self.plan.written_by = env!("CARGO_PKG_VERSION").to_owned();
            self.write_plan()?;
        }
        Ok(self)
    }

    /// Opens the data directory for one role. The supervisor has made it and brought it up to date.
    ///
    /// # Errors
    /// [`Error::Empty`] when there is none.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        let dir = dir.as_ref();
        let path = dir.join(PLAN);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Error::Empty(dir.to_owned())),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let form = |detail: String| Error::Form { file: PLAN.to_owned(), detail };
        // The format is read first: a newer form is named and not called damaged.
        let format = serde_json::from_str::<serde_json::Value>(&text)
            .map_err(|error| form(error.to_string()))?
            .get("format")
            .and_then(serde_json::Value::as_i64)
            .ok_or_else(|| form("it says no format".to_owned()))?;
        if format > i64::from(FORMAT) {
            return Err(Error::Newer { file: PLAN.to_owned(), found: format, known: i64::from(FORMAT) });
        }
        let plan: Plan = serde_json::from_str(&text).map_err(|error| form(error.to_string()))?;
        if plan.shards == 0 || plan.shards > SHARDS_MAX {
            return Err(form(format!("{} shards cannot be", plan.shards)));
        }
        Ok(Self { dir: dir.to_owned(), plan })
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What is fixed for this directory.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Says that a directory restored as a copy has a node key of its own now.
    ///
    /// # Errors
    /// When the layout file cannot be written.
    pub fn settle_copy(&mut self) -> Result<(), Error> {
        self.plan.copied_at = None;
        self.write_plan()
    }

    /// The inbox of one gateway process, which is its only writer; made when it is not there, and a further one beside it
    /// when it is damaged. `gateway` is 1–32 characters
    /// of `a-z 0-9 -`.
    ///
    /// # Errors
    /// When the file cannot be made or opened.
    pub fn inbox(&self, gateway: &str, bell: Bell) -> Result<Arc<dyn Inbox>, StoreError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if gateway.is_empty() || gateway.len() > 32 || !gateway.bytes().all(fits) {
            let detail = format!("`{gateway}` cannot name a gateway; use 1 to 32 of a-z, 0-9 and -");
            return Err(StoreError::Other { file: "inbox".to_owned(), detail });
        }
        let mut drained_by: Vec<_> = self.shards().map(|no| (no, self.dir.join(shard_file(no)))).collect();
        drained_by.push((ShardNo::NODE, self.dir.join(node::FILE)));
        Ok(Arc::new(SpareInbox::open(&self.dir, gateway, self.plan.shards, drained_by, bell)?))
    }

    /// The kernel's half. Shards that cannot be opened are told by name beside the good ones.
    ///
    /// # Errors
    /// When the node's own tables cannot be opened: without them no job can run.
    pub fn kernel(&self, bell: Bell) -> Result<KernelStore, StoreError> {
        let node = Arc::new(SqliteNode::open(&self.dir, bell.clone())?);
        let mut shards: Vec<Arc<dyn Shard>> = Vec::new();
        let mut failures = Vec::new();
        for no in self.shards() {
            let name = shard_file(no);
            let path = self.dir.join(&name);
            match SqliteShard::open(&path, &name, no, self.plan.shards, &self.dir.join("inbox"), bell.clone()) {
                Ok(shard) => shards.push(Arc::new(shard)),
                Err(error) => {
                    tracing::error!(shard = %no, %error, "a shard is out");
                    failures.push(Trouble { file: name, ..Trouble::of(&error, Some(no), true) });
                }
            }
        }
        let indexer = Indexer::start(self).inspect_err(|error| tracing::error!(%error, "the search index is out")).ok();
        Ok(KernelStore { shards, failures, node, indexer })
    }

    /// Reading what is committed, for every role.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(SqliteReader::new(self))
    }

    /// Where docs keeps the bytes of documents. Docs is the only one that opens it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn document_table(&self) -> Result<Arc<dyn DocumentTable>, StoreError> {
        Ok(Arc::new(SqliteDocuments::open(&self.dir)?))
    }

    /// Where mesh keeps what it knows of other nodes. Mesh is the only one that opens it.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn mesh_table(&self) -> Result<Arc<dyn MeshTable>, StoreError> {
        Ok(Arc::new(SqliteMesh::open(&self.dir)?))
    }

    /// Immutable bytes by hash, for every role.
    #[must_use]
    pub fn blobs(&self) -> Arc<dyn Blobs> {
        Arc::new(self.file_blobs())
    }

    /// Finds and removes what nothing names any more. For docs, which knows what drafts and versions name.
    #[must_use]
    pub fn sweeper(&self) -> Arc<dyn Sweeper> {
        Arc::new(FileSweeper::new(self.clone()))
    }

    pub(crate) fn file_blobs(&self) -> FileBlobs {
        FileBlobs::new(self.dir.join("blobs"))
    }

    /// The numbers of all shards.
    pub(crate) fn shards(&self) -> impl Iterator<Item = ShardNo> + use<> {
        (0..self.plan.shards).map(ShardNo)
    }

    /// Every SQLite file that there should be: its name, its path, its kind.
    pub(crate) fn files(&self) -> Vec<(String, PathBuf, Kind)> {
        let inboxes = inboxes::files(&self.dir.join("inbox"));
        let mut files: Vec<_> =
            inboxes.into_iter().map(|(name, path)| (format!("inbox/{name}.db"), path, file::INBOX)).collect();
        files.extend(self.shards().map(|no| (shard_file(no), self.dir.join(shard_file(no)), file::SHARD)));
        files.push((node::FILE.to_owned(), self.dir.join(node::FILE), file::NODE));
        files.push((documents::FILE.to_owned(), self.dir.join(documents::FILE), file::DOCUMENTS));
        files.push((mesh::FILE.to_owned(), self.dir.join(mesh::FILE), file::MESH));
        files
    }

    fn make_files(&self, is_meant: impl Fn(&str) -> bool) -> Result<(), Error> {
        for (name, path, kind) in self.files() {
            if path.exists() || !is_meant(&name) {
                continue;
            }
            let shard = self.shards().find(|no| shard_file(*no) == name);
            file::create(&path, kind, |db| match shard {
                Some(no) => db.execute("INSERT INTO meta (one, shard) VALUES (1, ?1)", [no.0]).map(|_| ()),
                None => Ok(()),
            })
            .map_err(|error| named(&name, &error))?;
        }
        Ok(())
    }

    /// The search index is made anew whenever it is missing, old or unreadable: everything in it is elsewhere too.
    fn make_search(&self) -> Result<(), Error> {
        let path = self.dir.join(SEARCH);
        let usable = path.exists()
            && file::open_reader(&path)
                .and_then(|db| file::version(&db))
                .is_ok_and(|found| found == file::SEARCH.version());
        if !usable {
            file::remove_all(&path).map_err(io_error("remove", &path))?;
            file::create(&path, file::SEARCH, |_| Ok(())).map_err(|error| named(SEARCH, &error))?;
        }
        Ok(())
    }

    pub(crate) fn write_plan(&self) -> Result<(), Error> {
        let path = self.dir.join(PLAN);
        let unfinished = file::beside(&path, ".new");
        let write = || {
            let mut text = serde_json::to_vec_pretty(&self.plan)?;
            text.push(b'\n');
            fs::write(&unfinished, text)?;
            file::switch(&unfinished, &path)
        };
        write().map_err(io_error("write", &path))
    }

    /// Brings all files up to date: first copies of those that need it, and only when every copy is done are they switched.
    fn migrate(&self) -> Result<(), Error> {
        let mut finished = Vec::new();
        for (name, path, kind) in self.files() {
            let Some(found) = readable_version(&path) else { continue };
            if found > kind.version() {
                return Err(Error::Newer { file: name, found, known: kind.version() });
            }
            if found < kind.version() {
                finished.push((migrated_copy(&name, &path, kind, found)?, path));
            }
        }
        for (copy, path) in finished {
            file::switch(&copy, &path).map_err(io_error("replace", &path))?;
        }
        Ok(())
    }
}

/// The version of a file; none when it cannot be read, which its opener reports.
fn readable_version(path: &Path) -> Option<i64> {
    file::open_reader(path).and_then(|db| file::version(&db)).ok()
}

/// A copy of a file, brought up to date and checked.
fn migrated_copy(name: &str, path: &Path, kind: Kind, found: i64) -> Result<PathBuf, Error> {
    let copy = file::beside(path, ".migrating");
    let migrate = || {
        file::remove_all(&copy).map_err(|_| rusqlite::Error::InvalidPath(copy.clone()))?;
        file::open_reader(path)?.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
        let db = Connection::open(&copy)?;
        db.execute_batch("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;")?;
        file::migrate(&db, kind, found)?;
        let said: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if said != "ok" {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
                Some(said),
            ));
        }
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
    };
    tracing::info!(file = name, what = kind.what, from = found, to = kind.version(), "bringing a copy up to date");
    match migrate() {
        Ok(()) => Ok(copy),
        Err(error) => {
            let source = named(name, &error);
            // What is left over is removed at the next try if not now.
            let _ = file::remove_all(&copy);
            Err(Error::Migrate { file: name.to_owned(), source })
        }
    }
}

/// The file of a shard, relative to the data directory.
pub(crate) fn shard_file(no: ShardNo) -> String {
    format!("shards/{no}.db")
}

/// Only the owner may look into the data directory.
fn private(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    const OLD: Kind = Kind { what: "test", migrations: &["CREATE TABLE a (x INTEGER) STRICT;"] };
    const NEW: Kind =
        Kind { what: "test", migrations: &["CREATE TABLE a (x INTEGER) STRICT;", "ALTER TABLE a ADD COLUMN y TEXT;"] };
    const BROKEN: Kind = Kind {
        what: "test",
        migrations: &["CREATE TABLE a (x INTEGER) STRICT;", "ALTER TABLE nothing ADD COLUMN y TEXT;"],
    };

    fn old_file(dir: &Path) -> PathBuf {
        let path = dir.join("a.db");
        file::create(&path, OLD, |db| db.execute("INSERT INTO a VALUES (7)", []).map(|_| ())).unwrap();
        path
    }

    #[test]
    fn a_file_is_brought_up_to_date_on_a_copy_that_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = old_file(dir.path());
        let copy = migrated_copy("a.db", &path, NEW, 1).unwrap();
        assert_eq!(readable_version(&path), Some(1), "the file itself is untouched");
        file::switch(&copy, &path).unwrap();
        let db = file::open_reader(&path).unwrap();
        let row: (i64, Option<String>) =
            db.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!((file::version(&db).unwrap(), row), (2, (7, None)));
        let form: i64 = db.query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).unwrap();
        assert_eq!(form, 2, "it can still shrink");
    }

    #[test]
    fn a_failed_migration_leaves_the_old_file_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = old_file(dir.path());
        let error = migrated_copy("a.db", &path, BROKEN, 1).unwrap_err();
        assert!(matches!(&error, Error::Migrate { file, .. } if file == "a.db"), "{error}");
        assert_eq!(readable_version(&path), Some(1));
        assert!(!file::beside(&path, ".migrating").exists());
    }

    #[test]
    fn a_folder_without_data_is_said_to_hold_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Layout::open(dir.path()), Err(Error::Empty(_))));
    }

    #[test]
    fn the_number_of_shards_is_fixed_when_a_directory_is_made() {
        let dir = tempfile::tempdir().unwrap();
        Layout::create_or_open_with(dir.path(), 2).unwrap();
        assert_eq!(Layout::create_or_open_with(dir.path(), 9).unwrap().plan().shards, 2);
    }
}
