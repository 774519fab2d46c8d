//! Full-text search over jobs: a background thread reads journals behind the kernel and fills `search.db`.
//!
//! The index lags and says by how much. It holds nothing that is not elsewhere and may be deleted. Events are redacted
//! before they are written, so nothing secret reaches it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flowork_ports::store::Error;
use flowork_protocol::event::{Event, Outcome, What};
use flowork_protocol::item::List;
use flowork_protocol::{Failure, ShardNo, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use crate::error::{Failed, named};
use crate::job_row::unsigned;
use crate::layout::{Layout, SEARCH, shard_file};
use crate::pool::Pool;
use crate::{codec, file};

/// How often the thread looks for something new.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a shard that could not be indexed is left alone.
const SHARD_REST: Duration = Duration::from_secs(30);
/// The thread rests this many times as long as it worked, so that jobs come first.
const REST_FACTOR: u32 = 4;
/// Journal rows indexed in one transaction.
const ROWS_MAX: i64 = 200;
/// Index entries looked at for jobs that are gone, each time there is nothing to index.
const SWEPT_MAX: i64 = 500;
/// Text of one journal row that is indexed.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// Jobs that a search gives at most.
const FOUND_MAX: i64 = 10_000;
/// Words of a search that count.
const TERMS_MAX: usize = 16;
/// Words from this length on also find longer words that begin with them.
const PREFIX_FROM_CHARS: usize = 3;

/// Fills the index until it is dropped.
pub struct Indexer {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Indexer {
    /// Starts the thread. The caller is the kernel, the only writer of the index.
    pub(crate) fn start(layout: &Layout) -> Result<Self, Error> {
        let path = layout.dir().join(SEARCH);
        let db = open(&path).or_else(|error| match is_damage(&error) {
            true => file::create(&path, file::SEARCH, |_| Ok(())).and_then(|()| open(&path)),
            false => Err(error),
        });
        let db = db.map_err(|error| named(SEARCH, &error))?;
        let shards = layout.shards().map(|no| (no, layout.dir().join(shard_file(no)), None)).collect();
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let work = Work {
            path,
            db,
            shards,
            stop: Arc::clone(&stop),
            swept_to: 0,
            freed: false,
            is_broken: false,
            rests: BTreeMap::new(),
        };
        let thread =
            thread::Builder::new().name("search index".to_owned()).spawn(move || work.run()).map_err(|error| {
                Error::Other { file: SEARCH.to_owned(), detail: format!("no thread to write it: {error}") }
            })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let db = file::open_writer(path)?;
    // A lost commit is only indexed again.
    db.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4000;")?;
    Ok(db)
}

/// The file by which a reader tells the indexer that it met damage.
fn mark(index: &Path) -> PathBuf {
    file::beside(index, ".damaged")
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(named(SEARCH, error), Error::Damaged { .. })
}

impl Drop for Indexer {
    fn drop(&mut self) {
        *self.stop.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // A fault in it was reported when it happened, and costs only the index.
            let _ = thread.join();
        }
    }
}

struct Work {
    path: PathBuf,
    db: Connection,
    shards: Vec<(ShardNo, PathBuf, Option<Connection>)>,
    stop: Arc<(Mutex<bool>, Condvar)>,
    swept_to: i64,
    freed: bool,
    /// Whether the index is damaged and must be made anew.
    is_broken: bool,
    /// Shards that could not be indexed, by place in the list, and since when.
    rests: BTreeMap<usize, Instant>,
}

impl Work {
    fn run(mut self) {
        // Jobs come first: this thread gets what is left of the processor. Without the right to say so it just runs.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19);
        loop {
            let began = Instant::now();
            let mut busy = false;
            if self.is_broken
                && let Err(error) = self.renew()
            {
                tracing::warn!(%error, "the damaged search index cannot be made anew now");
            }
            self.is_broken |= mark(&self.path).exists();
            for at in 0..self.shards.len() {
                if self.rests.get(&at).is_some_and(|since| since.elapsed() < SHARD_REST) {
                    continue;
                }
                match self.index_shard(at) {
                    Ok(more) => busy |= more,
                    Err(error) => {
                        tracing::warn!(shard = %self.shards[at].0, %error, "a shard cannot be indexed for search now");
                        self.shards[at].2 = None;
                        self.rests.insert(at, Instant::now());
                        self.look_for_damage(&error);
                    }
                }
            }
            if !busy && let Err(error) = self.sweep() {
                tracing::warn!(%error, "the search index cannot be tidied up now");
                self.look_for_damage(&error);
            }
            let rest = began.elapsed() * REST_FACTOR;
            if self.wait(if busy { rest.min(LOOK_EVERY) } else { rest.max(LOOK_EVERY) }) {
                return;
            }
        }
    }

    /// After an error: whether it is the index that is damaged, and not a shard.
    fn look_for_damage(&mut self, error: &rusqlite::Error) {
        if is_damage(error) && file::check(&self.db).is_err() {
            self.is_broken = true;
        }
    }

    /// Puts an empty index in the place of a damaged one: everything in it is elsewhere too.
    fn renew(&mut self) -> Result<(), rusqlite::Error> {
        tracing::warn!("the search index is damaged and is made anew");
        file::create(&self.path, file::SEARCH, |_| Ok(()))?;
        self.db = open(&self.path)?;
        (self.swept_to, self.freed, self.is_broken) = (0, false, false);
        self.rests.clear();
        // Left behind, it only has the index made once more.
        let _ = fs::remove_file(mark(&self.path));
        Ok(())
    }

    /// Waits; true when the thread should end.
    fn wait(&self, pause: Duration) -> bool {
        let stop = self.stop.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.stop.1.wait_timeout_while(stop, pause, |stop| !*stop);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Indexes what came to one shard, at most one transaction; tells whether there may be more.
    fn index_shard(&mut self, at: usize) -> Result<bool, rusqlite::Error> {
        let (no, path, kept) = &mut self.shards[at];
        let shard = match kept {
            Some(shard) => shard,
            None => kept.insert(file::open_reader(path)?),
        };
        let written: i64 = shard.prepare_cached("SELECT events FROM meta")?.query_row([], |row| row.get(0))?;
        let done = progress(&self.db, *no)?;
        if done == written {
            return Ok(false);
        }
        let change = self.db.unchecked_transaction()?;
        if done > written {
            // The shard is older than the index: it was restored. Its part of the index starts anew.
            forget_shard(&change, *no)?;
            keep_progress(&change, *no, 0)?;
            change.commit()?;
            return Ok(true);
        }
        let name = shard_file(*no);
        let mut last = done;
        let mut rows_read = 0;
        {
            let mut query = shard
                .prepare_cached("SELECT no, job, at, codec, body FROM journal WHERE no > ?1 ORDER BY no LIMIT ?2")?;
            let mut rows = query.query(params![done, ROWS_MAX])?;
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                rows_read += 1;
                let job: i64 = row.get(1)?;
                let body: Vec<u8> = row.get(4)?;
                // What does not read is reported by who needs it; the index goes on.
                let events = codec::events(&name, row.get(3)?, Timestamp(row.get(2)?), &body).unwrap_or_default();
                let text = text_of(shard, job, &events);
                if !text.is_empty() {
                    add(&change, *no, job, &text)?;
                }
            }
        }
        let more = rows_read == ROWS_MAX;
        // Rows at the end may have been forgotten; then all that was written has been seen.
        keep_progress(&change, *no, if more { last } else { written.max(last) })?;
        change.commit()?;
        Ok(more)
    }

    /// Removes entries of jobs that are gone, some at a time.
    fn sweep(&mut self) -> Result<(), rusqlite::Error> {
        let entries: Vec<(i64, u16, i64)> = self
            .db
            .prepare_cached("SELECT no, shard, job FROM doc WHERE no > ?1 ORDER BY no LIMIT ?2")?
            .query_map(params![self.swept_to, SWEPT_MAX], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect::<Result<_, _>>()?;
        self.swept_to = entries.last().map_or(0, |(no, ..)| *no);
        let mut gone = Vec::new();
        for (no, shard, job) in entries {
            let Some((_, _, Some(db))) = self.shards.iter().find(|(no, ..)| no.0 == shard) else { continue };
            let there =
                db.prepare_cached("SELECT 1 FROM job WHERE no = ?1")?.query_row([job], |_| Ok(())).optional()?;
            if there.is_none() {
                gone.push(no);
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        let change = self.db.unchecked_transaction()?;
        for no in gone {
            change.prepare_cached("DELETE FROM words WHERE rowid = ?1")?.execute([no])?;
            change.prepare_cached("DELETE FROM doc WHERE no = ?1")?.execute([no])?;
        }
        change.commit()?;
        file::shrink(&self.db, file::FREE_PAGES_KEPT, &mut self.freed)?;
        Ok(())
    }
}

fn progress(db: &Connection, shard: ShardNo) -> rusqlite::Result<i64> {
    let mut query = db.prepare_cached("SELECT no FROM progress WHERE shard = ?1")?;
    Ok(query.query_row([shard.0], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn keep_progress(db: &Connection, shard: ShardNo, no: i64) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO progress (shard, no) VALUES (?1, ?2)")?.execute(params![shard.0, no])?;
    Ok(())
}

fn add(db: &Connection, shard: ShardNo, job: i64, text: &str) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO doc (shard, job) VALUES (?1, ?2)")?.execute(params![shard.0, job])?;
    db.prepare_cached("INSERT INTO words (rowid, text) VALUES (?1, ?2)")?
        .execute(params![db.last_insert_rowid(), text])?;
    Ok(())
}

fn forget_shard(db: &Connection, shard: ShardNo) -> rusqlite::Result<()> {
    db.execute("DELETE FROM words WHERE rowid IN (SELECT no FROM doc WHERE shard = ?1)", [shard.0])?;
    db.execute("DELETE FROM doc WHERE shard = ?1", [shard.0])?;
    Ok(())
}

/// Collects text up to a limit.
struct Text(String);

impl Text {
    fn add(&mut self, text: &str) {
        let room = TEXT_BYTES_MAX.saturating_sub(self.0.len());
        let mut end = text.len().min(room);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.0.push_str(&text[..end]);
        self.0.push('\n');
    }

    fn full(&self) -> bool {
        self.0.len() >= TEXT_BYTES_MAX
    }

    fn value(&mut self, value: &Value) {
        match value {
            _ if self.full() => {}
            Value::String(text) => self.add(text),
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(values) => values.iter().for_each(|value| self.value(value)),
            Value::Object(members) => members.values().for_each(|value| self.value(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn list(&mut self, list: &List, shard: &Connection, job: i64) {
        match list {
            List::Inline(items) => items.iter().for_each(|item| self.value(&item.json)),
            List::Chunked(chunked) => {
                for id in &chunked.chunks {
                    if self.full() {
                        return;
                    }
                    let body = shard
                        .prepare_cached("SELECT codec, body FROM chunk WHERE job = ?1 AND id = ?2")
                        .and_then(|mut query| {
                            query.query_row(params![job, id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()
                        });
                    // The form of a chunk is the kernel's; its words are the same in any.
                    if let Ok(Some((codec, body))) = body {
                        let body: Vec<u8> = body;
                        if let Ok(bytes) = codec::unpack(codec, &body) {
                            self.add(&String::from_utf8_lossy(&bytes));
                        }
                    }
                }
            }
        }
    }

    fn failure(&mut self, failure: &Failure) {
        self.add(&failure.message);
        for more in [&failure.hint, &failure.detail].into_iter().flatten() {
            self.add(more);
        }
    }
}

/// What people may look for in events: items, logs, errors.
fn text_of(shard: &Connection, job: i64, events: &[Event]) -> String {
    let mut text = Text(String::new());
    for event in events {
        match &event.what {
            What::Accepted(submission) => {
                text.add(&submission.name);
                submission.input.iter().for_each(|item| text.value(&item.json));
                submission.variables.values().for_each(|value| text.value(value));
            }
            What::StepSucceeded(result) => result.ports.values().for_each(|port| text.list(&port.items, shard, job)),
            What::StepFailed { error, .. } => text.failure(error),
            What::StepLog { lines, .. } => lines.iter().for_each(|line| text.add(&line.text)),
            What::Ended { outcome: Outcome::Failed(failure), .. } => text.failure(failure),
            What::Parked { reason } | What::CancelRequested { reason } => text.add(reason),
            _ => {}
        }
    }
    text.0
}

/// The index as readers see it.
pub(crate) struct Search {
    path: PathBuf,
    /// Which file it was when the connections were opened: a damaged index is replaced.
    index: Mutex<(Option<u64>, Arc<Pool>)>,
}

impl Search {
    pub(crate) fn new(layout: &Layout) -> Self {
        let path = layout.dir().join(SEARCH);
        Self { index: Mutex::new((None, Pool::new(path.clone(), SEARCH.to_owned()))), path }
    }

    fn index(&self) -> Arc<Pool> {
        use std::os::unix::fs::MetadataExt as _;
        let now = fs::metadata(&self.path).ok().map(|about| about.ino());
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if index.0 != now {
            *index = (now, Pool::new(self.path.clone(), SEARCH.to_owned()));
        }
        Arc::clone(&index.1)
    }

    /// The numbers of jobs that hold all words of `text`, by shard, and how many events the index is behind.
    pub(crate) async fn find(
        &self, text: &str, shards: &[(ShardNo, Arc<Pool>)],
    ) -> Result<(BTreeMap<ShardNo, Vec<i64>>, u64), Error> {
        let terms = terms(text);
        let read = move |db: &Connection| {
            let progress: Vec<(u16, i64)> = db
                .prepare_cached("SELECT shard, no FROM progress")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            Ok((matches(db, &terms)?, progress))
        };
        let (found, progress) = match self.index().read(read).await {
            Err(error @ Error::Damaged { .. }) => {
                tracing::warn!(%error, "a search met a damaged index, which is made anew");
                fs::write(mark(&self.path), b"").map_err(|error| Error::Other {
                    file: SEARCH.to_owned(),
                    detail: format!("it is damaged, and that cannot be noted: {error}"),
                })?;
                // As of an index that has everything still to do: it lags, and says so.
                (BTreeMap::new(), shards.iter().map(|(no, _)| (no.0, 0)).collect())
            }
            read => read?,
        };
        let mut lag = 0;
        for (no, pool) in shards {
            let done = progress.iter().find(|(shard, _)| *shard == no.0).map_or(0, |(_, done)| *done);
            // A shard that cannot be read is named as missing by who lists its jobs.
            let written = pool
                .read(|db| Ok(db.query_row("SELECT events FROM meta", [], |row| row.get(0))?))
                .await
                .unwrap_or(done);
            lag += unsigned(written - done);
        }
        Ok((found, lag))
    }
}

/// The words of a search as FTS5 takes them, cut as its tokenizer cuts.
fn terms(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(TERMS_MAX)
        .map(|word| {
            let prefix = if word.chars().count() >= PREFIX_FROM_CHARS { "*" } else { "" };
            format!("\"{word}\"{prefix}")
        })
        .collect()
}

fn matches(db: &Connection, terms: &[String]) -> Result<BTreeMap<ShardNo, Vec<i64>>, Failed> {
    let mut found: BTreeMap<ShardNo, Vec<i64>> = BTreeMap::new();
    if terms.is_empty() {
        return Ok(found);
    }
    let one = "SELECT doc.shard, doc.job FROM words JOIN doc ON doc.no = words.rowid WHERE words MATCH ?";
    let all = vec![one; terms.len()].join(" INTERSECT ");
    let mut query =
        db.prepare_cached(&format!("SELECT shard, job FROM ({all}) ORDER BY job DESC LIMIT {FOUND_MAX}"))?;
    let mut rows = query.query(rusqlite::params_from_iter(terms))?;
    while let Some(row) = rows.next()? {
        let jobs = found.entry(ShardNo(row.get(0)?)).or_default();
        let job = row.get(1)?;
        if jobs.last() != Some(&job) {
            jobs.push(job);
        }
    }
    Ok(found)
}
