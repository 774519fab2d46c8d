//! A gateway's half: durable acceptance into a file that only this gateway writes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flowork_ports::bell::{Bell, Ring};
use flowork_ports::store::Error;
use flowork_protocol::command::Command;
use flowork_protocol::{JobId, ShardNo};
use rusqlite::{Connection, OptionalExtension, params};

use crate::clock::now;
use crate::codec::{self, Packed, PackedSubmission};
use crate::error::Failed;
use crate::file;
use crate::inboxes::{self, entry_id, last_id};
use crate::job_row::int;
use crate::writer::{Tables, Writer};

/// Drained entries are removed at most this often.
const TRIM_EVERY: Duration = Duration::from_millis(100);
/// Free pages that an inbox may keep: it fills and empties all the time.
const FREE_PAGES_KEPT: i64 = 4_096;
/// Entries of one shard removed at once, so that no submission waits long.
const TRIM_MAX: i64 = 2_000;

/// An inbox up to this size is looked through when it is opened; what is accepted goes to a whole file.
const CHECKED_BYTES_MAX: u64 = 64 << 20;

/// One gateway's inbox.
pub(crate) struct SqliteInbox {
    shards: u16,
    writer: Writer<InboxTables>,
    file: String,
}

/// A command as it is stored.
struct Accepted {
    shard: ShardNo,
    at: i64,
    kind: i64,
    job: Option<JobId>,
    head: Option<Vec<u8>>,
    body: Packed,
}

impl Accepted {
    fn of(command: &Command) -> Result<Self, serde_json::Error> {
        let (shard, at) = (command.shard(), now().0);
        if let Command::Submit(submission) = command {
            let PackedSubmission { head, body } = PackedSubmission::of(submission)?;
            // A plain body can be read for what the head holds; a compressed one must not be, by the thread that drains.
            let beside = if body.codec == 0 { None } else { Some(serde_json::to_vec(&head)?) };
            return Ok(Self { shard, at, kind: inboxes::SUBMISSION, job: Some(head.job), head: beside, body });
        }
        let body = codec::pack(serde_json::to_vec(command)?);
        Ok(Self { shard, at, kind: inboxes::COMMAND, job: None, head: None, body })
    }
}

impl SqliteInbox {
    /// Opens the inbox of `gateway` in the data directory `dir`; makes it when it is not there.
    pub(crate) fn open(
        dir: &Path, gateway: &str, shards: u16, drained_by: Vec<(ShardNo, PathBuf)>, bell: Bell,
    ) -> Result<Self, Error> {
        let file = format!("inbox/{gateway}.db");
        let path = dir.join(&file);
        let tables = (|| {
            if !path.exists() {
                create(&path)?;
            }
            let db = file::open_writer(&path)?;
            if file::bytes_on_disk(&path) <= CHECKED_BYTES_MAX {
                file::check(&db)?;
            }
            let (incarnation, last_seq) = inboxes::meta(&db)?;
            let drained_by = drained_by.into_iter().map(|(shard, path)| DrainedBy { shard, path, db: None }).collect();
            Ok(InboxTables {
                db,
                file: file.clone(),
                gateway: gateway.to_owned(),
                bell,
                incarnation,
                last_seq,
                stored_seq: last_seq,
                shards: BTreeSet::new(),
                drained_by,
                trimmed_at: None,
                left: true,
                freed: false,
            })
        })();
        let tables = tables.map_err(|error: rusqlite::Error| Failed::from(error).named(&file))?;
        Ok(Self { shards, writer: Writer::start(tables)?, file })
    }
}

/// Makes an empty inbox file.
pub(crate) fn create(path: &Path) -> rusqlite::Result<()> {
    file::create(path, file::INBOX, |db| {
        db.execute("INSERT INTO meta (one, incarnation) VALUES (1, random())", [])?;
        Ok(())
    })
}

impl SqliteInbox {
    /// Keeps a command. On disk when this returns; the bell has rung.
    pub(crate) async fn keep(&self, command: &Command) -> Result<(), Error> {
        let shard = command.shard();
        if shard != ShardNo::NODE && shard.0 >= self.shards {
            let detail = format!("there is no shard {shard}; the data directory has {}", self.shards);
            return Err(Error::Other { file: self.file.clone(), detail });
        }
        let accepted = Accepted::of(command)
            .map_err(|error| Error::Other { file: self.file.clone(), detail: error.to_string() })?;
        let cost = accepted.body.bytes.len();
        self.writer.call_now(cost, move |tables: &mut InboxTables| tables.insert(&accepted)).await?;
        Ok(())
    }
}

/// A file that holds a cursor for this inbox.
struct DrainedBy {
    shard: ShardNo,
    path: PathBuf,
    db: Option<Connection>,
}

impl DrainedBy {
    /// How far it has drained; none when it cannot be asked or has not begun.
    fn cursor(&mut self, inbox: &str, incarnation: i64) -> Option<i64> {
        if self.db.is_none() {
            self.db = file::open_reader(&self.path).ok();
        }
        let read = self
            .db
            .as_ref()?
            .prepare_cached("SELECT seq FROM cursor WHERE inbox = ?1 AND incarnation = ?2")
            .and_then(|mut query| query.query_row(params![inbox, incarnation], |row| row.get(0)).optional());
        match read {
            Ok(seq) => seq,
            Err(error) => {
                tracing::debug!(%error, "a cursor cannot be read; drained entries stay for now");
                self.db = None;
                None
            }
        }
    }
}

struct InboxTables {
    db: Connection,
    file: String,
    gateway: String,
    bell: Bell,
    incarnation: i64,
    last_seq: i64,
    stored_seq: i64,
    /// The shards that this transaction has entries for.
    shards: BTreeSet<ShardNo>,
    drained_by: Vec<DrainedBy>,
    trimmed_at: Option<Instant>,
    /// Whether there may be entries left to trim.
    left: bool,
    /// Whether pages are being given back.
    freed: bool,
}

impl InboxTables {
    fn insert(&mut self, entry: &Accepted) -> Result<(), Failed> {
        let seq = self.last_seq + 1;
        self.db
            .prepare_cached(
                "INSERT INTO entry (id, at, kind, job, codec, head, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                entry_id(entry.shard, seq),
                entry.at,
                entry.kind,
                entry.job.map(|job| job.0),
                entry.body.codec,
                entry.head,
                entry.body.bytes,
            ])?;
        self.last_seq = seq;
        self.shards.insert(entry.shard);
        Ok(())
    }

    /// Removes entries that are drained. Tells whether there is more to do soon.
    fn trim(&mut self) -> rusqlite::Result<bool> {
        let mut more = false;
        for drained_by in &mut self.drained_by {
            let Some(cursor) = drained_by.cursor(&self.gateway, self.incarnation) else { continue };
            let (first, last) = (entry_id(drained_by.shard, 0), entry_id(drained_by.shard, cursor));
            let upto: Option<i64> = self
                .db
                .prepare_cached("SELECT id FROM entry WHERE id >= ?1 AND id <= ?2 ORDER BY id LIMIT 1 OFFSET ?3")?
                .query_row(params![first, last, TRIM_MAX - 1], |row| row.get(0))
                .optional()?;
            more |= upto.is_some();
            // One statement, one transaction: a crash in between only means that entries are removed later.
            self.db
                .prepare_cached("DELETE FROM entry WHERE id >= ?1 AND id <= ?2")?
                .execute(params![first, upto.unwrap_or(last)])?;
        }
        let left: bool =
            self.db.prepare_cached("SELECT EXISTS (SELECT 1 FROM entry)")?.query_row([], |row| row.get(0))?;
        self.left = left;
        Ok(more)
    }
}

impl Tables for InboxTables {
    fn file(&self) -> &str {
        &self.file
    }

    fn begin(&mut self) -> Result<(), Failed> {
        self.shards.clear();
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    fn commit(&mut self) -> Result<u64, Failed> {
        self.db.prepare_cached("UPDATE meta SET last_seq = ?1")?.execute([self.last_seq])?;
        self.db.prepare_cached("COMMIT")?.execute([])?;
        self.stored_seq = self.last_seq;
        self.left = true;
        Ok(u64::try_from(self.last_seq).unwrap_or(0))
    }

    fn rollback(&mut self) {
        self.last_seq = self.stored_seq;
        self.shards.clear();
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(file = %self.file, %error, "a transaction could not be rolled back");
        }
    }

    fn ring(&mut self) {
        for shard in std::mem::take(&mut self.shards) {
            self.bell.ring(Ring::Inbox(shard));
        }
    }

    fn rest(&mut self) -> Option<Duration> {
        if self.trimmed_at.is_some_and(|at| at.elapsed() < TRIM_EVERY) {
            return self.left.then_some(TRIM_EVERY);
        }
        self.trimmed_at = Some(Instant::now());
        let tidied = self.trim().and_then(|more| match more || self.left {
            true => Ok(if more { Some(TRIM_EVERY) } else { None }),
            false => file::shrink(&self.db, FREE_PAGES_KEPT, &mut self.freed),
        });
        match tidied {
            // A full disk or a lock: the entries wait for the next time.
            Err(error) => {
                tracing::warn!(file = %self.file, %error, "drained entries could not be removed");
                Some(TRIM_EVERY * 10)
            }
            Ok(Some(_)) => Some(TRIM_EVERY),
            Ok(None) => self.left.then_some(TRIM_EVERY * 2),
        }
    }
}

/// The submission of `job` in an inbox, drained or not, read from `db`.
pub(crate) fn find(db: &Connection, job: JobId) -> Result<Option<StoredEntry>, Failed> {
    let mut query = db.prepare_cached(
        "SELECT id, at, codec, head, body, (SELECT incarnation FROM meta) FROM entry WHERE kind = 0 AND job = ?1
         ORDER BY id DESC LIMIT 1",
    )?;
    Ok(query.query_row([job.0], StoredEntry::read).optional()?)
}

/// The newest `max` submissions for `shard` after `after`, newest first, accepted before or at `upto`.
pub(crate) fn newest(
    db: &Connection, shard: ShardNo, after: i64, upto: i64, max: usize,
) -> Result<Vec<StoredEntry>, Failed> {
    let mut query = db.prepare_cached(
        "SELECT id, at, codec, head, body, (SELECT incarnation FROM meta) FROM entry
         WHERE id > ?1 AND id <= ?2 AND kind = 0 AND at <= ?3 ORDER BY id DESC LIMIT ?4",
    )?;
    let max = int(max as u64);
    let rows = query.query_map(params![entry_id(shard, after), last_id(shard), upto, max], StoredEntry::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A submission as an inbox holds it.
#[derive(Debug)]
pub(crate) struct StoredEntry {
    pub(crate) incarnation: i64,
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) codec: i64,
    pub(crate) head: Option<Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

impl StoredEntry {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: inboxes::split_id(row.get(0)?).1,
            at: row.get(1)?,
            codec: row.get(2)?,
            head: row.get(3)?,
            body: row.get(4)?,
            incarnation: row.get(5)?,
        })
    }
}
