//! The gateways' inboxes as a kernel sees them: read-only, in order, from a cursor on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flowork_ports::store::Error;
use flowork_protocol::{JobId, ShardNo, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::named;
use crate::file;

/// Bits of an entry's id that hold its number; the others hold the shard.
const SEQ_BITS: u32 = 47;
/// The folder is looked through for new inboxes at most this often.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long an inbox that could not be read is left alone, and how long one that is damaged.
const FAILED_REST: Duration = Duration::from_secs(1);
const DAMAGED_REST: Duration = Duration::from_secs(300);
/// Kind of an entry that is a submission.
pub(crate) const SUBMISSION: i64 = 0;
/// Kind of every other entry.
pub(crate) const COMMAND: i64 = 1;

/// The id of entry `seq` of `shard`.
pub(crate) fn entry_id(shard: ShardNo, seq: i64) -> i64 {
    (i64::from(shard.0) << SEQ_BITS) | seq
}

/// The last id that an entry of `shard` can have.
pub(crate) fn last_id(shard: ShardNo) -> i64 {
    entry_id(shard, (1 << SEQ_BITS) - 1)
}

/// The shard and number of an entry.
pub(crate) fn split_id(id: i64) -> (ShardNo, i64) {
    (ShardNo(u16::try_from(id >> SEQ_BITS).unwrap_or(u16::MAX)), id & ((1 << SEQ_BITS) - 1))
}

/// Up to where an inbox is drained: incarnation of its file, number of the entry.
pub(crate) type Cursors = BTreeMap<String, (i64, i64)>;

/// The cursors that a shard or the node's tables hold.
pub(crate) fn cursors(db: &Connection) -> rusqlite::Result<Cursors> {
    let mut rows = db.prepare_cached("SELECT inbox, incarnation, seq FROM cursor")?;
    let rows = rows.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    rows.collect()
}

/// Up to where the inbox file of that incarnation is drained.
pub(crate) fn cursor(cursors: &Cursors, inbox: &str, incarnation: i64) -> i64 {
    cursors.get(inbox).filter(|(of, _)| *of == incarnation).map_or(0, |(_, seq)| *seq)
}

/// Keeps a cursor.
pub(crate) fn keep_cursor(db: &Connection, inbox: &str, at: (i64, i64)) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO cursor (inbox, incarnation, seq) VALUES (?1, ?2, ?3)")?
        .execute(params![inbox, at.0, at.1])?;
    Ok(())
}

/// One entry of an inbox.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) inbox: String,
    pub(crate) incarnation: i64,
    pub(crate) seq: i64,
    pub(crate) at: Timestamp,
    pub(crate) kind: i64,
    pub(crate) codec: i64,
    pub(crate) head: Option<Vec<u8>>,
    pub(crate) body: Vec<u8>,
}

struct Source {
    db: Connection,
    incarnation: i64,
}

/// All inboxes, for one shard or for the node's tables.
pub(crate) struct Inboxes {
    dir: PathBuf,
    shard: ShardNo,
    open: BTreeMap<String, Source>,
    looked_at: Option<Instant>,
    /// Those that could not be read, and until when they are left alone.
    failed: BTreeMap<String, Instant>,
}

impl Inboxes {
    /// The inboxes in `dir` (the data directory's `inbox`).
    pub(crate) fn new(dir: &Path, shard: ShardNo) -> Self {
        Self { dir: dir.to_owned(), shard, open: BTreeMap::new(), looked_at: None, failed: BTreeMap::new() }
    }

    /// Up to `max` entries after `cursors`: of each inbox in its order, of all in the order they were accepted. Inboxes in
    /// `without` are left out. Tells whether there is more.
    pub(crate) fn read(&mut self, cursors: &Cursors, max: usize, without: &BTreeSet<String>) -> (Vec<Entry>, bool) {
        self.look();
        let mut more = false;
        let mut queues = Vec::with_capacity(self.open.len());
        let mut failed = Vec::new();
        for (name, source) in self.open.iter().filter(|(name, _)| !without.contains(*name)) {
            match source.read(name, self.shard, cursors, max) {
                Ok(entries) => {
                    more |= entries.len() == max;
                    queues.push(entries);
                }
                Err(error) => {
                    // This gateway's work waits in its file; the others go on.
                    tracing::error!(inbox = %name, %error, "an inbox cannot be read");
                    failed.push((name.clone(), rest_until(&error)));
                }
            }
        }
        for (name, until) in failed {
            self.open.remove(&name);
            self.failed.insert(name, until);
        }
        let (entries, left) = merge(queues, max);
        (entries, more || left)
    }

    /// Whether an inbox other than `besides` holds a submission of `job` after its cursor.
    pub(crate) fn holds(&self, job: JobId, cursors: &Cursors, besides: &str) -> bool {
        self.open.iter().filter(|(name, _)| *name != besides).any(|(name, source)| {
            let from = source.cursor(name, cursors);
            source
                .db
                .prepare_cached("SELECT 1 FROM entry WHERE kind = 0 AND job = ?1 AND id > ?2")
                .and_then(|mut query| {
                    query.query_row(params![job.0, entry_id(self.shard, from)], |_| Ok(())).optional()
                })
                .is_ok_and(|found| found.is_some())
        })
    }

    fn look(&mut self) {
        // Before the first gateway is there every look counts: what it accepts must not wait for the next one.
        if !self.open.is_empty() && self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return;
        }
        self.looked_at = Some(Instant::now());
        for (name, path) in files(&self.dir) {
            let rests = self.failed.get(&name).is_some_and(|until| Instant::now() < *until);
            if rests || self.open.contains_key(&name) {
                continue;
            }
            match Source::open(&path) {
                Ok(source) => {
                    self.open.insert(name, source);
                }
                Err(error) => {
                    tracing::error!(inbox = %name, %error, "an inbox cannot be opened");
                    self.failed.insert(name, rest_until(&error));
                }
            }
        }
    }
}

fn rest_until(error: &rusqlite::Error) -> Instant {
    let is_damaged = matches!(named("inbox", error), Error::Damaged { .. });
    Instant::now() + if is_damaged { DAMAGED_REST } else { FAILED_REST }
}

/// The inbox files in `dir`, by the name of their gateway.
pub(crate) fn files(dir: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "db"))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    found.sort();
    found
}

/// The incarnation and last number of an inbox.
pub(crate) fn meta(db: &Connection) -> rusqlite::Result<(i64, i64)> {
    db.query_row("SELECT incarnation, last_seq FROM meta", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

impl Source {
    fn open(path: &Path) -> rusqlite::Result<Self> {
        let db = file::open_reader(path)?;
        let (incarnation, _) = meta(&db)?;
        Ok(Self { db, incarnation })
    }

    fn cursor(&self, name: &str, cursors: &Cursors) -> i64 {
        cursor(cursors, name, self.incarnation)
    }

    fn read(&self, name: &str, shard: ShardNo, cursors: &Cursors, max: usize) -> rusqlite::Result<VecDeque<Entry>> {
        let from = entry_id(shard, self.cursor(name, cursors));
        let mut query = self.db.prepare_cached(
            "SELECT id, at, kind, codec, head, body FROM entry WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
        )?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows = query.query_map(params![from, last_id(shard), max], |row| {
            Ok(Entry {
                inbox: name.to_owned(),
                incarnation: self.incarnation,
                seq: split_id(row.get(0)?).1,
                at: Timestamp(row.get(1)?),
                kind: row.get(2)?,
                codec: row.get(3)?,
                head: row.get(4)?,
                body: row.get(5)?,
            })
        })?;
        // What comes before a damaged place is good; the place itself is told when nothing does.
        let mut entries = VecDeque::new();
        for row in rows {
            match row {
                Ok(entry) => entries.push_back(entry),
                Err(_) if !entries.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(entries)
    }
}

fn merge(mut queues: Vec<VecDeque<Entry>>, max: usize) -> (Vec<Entry>, bool) {
    let mut merged = Vec::new();
    while merged.len() < max {
        let earliest =
            queues.iter_mut().filter(|queue| !queue.is_empty()).min_by_key(|queue| queue.front().map(|entry| entry.at));
        match earliest.and_then(VecDeque::pop_front) {
            Some(entry) => merged.push(entry),
            None => break,
        }
    }
    (merged, queues.iter().any(|queue| !queue.is_empty()))
}
