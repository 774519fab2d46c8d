//! Reading what is committed: lists, single jobs, events, numbers. Never waits for a writer.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use flowork_ports::store::{Error, FileHealth, Logins, Page, Query, Reader, Stats};
use flowork_protocol::command::{Activation, Token};
use flowork_protocol::event::Event;
use flowork_protocol::id::ChunkId;
use flowork_protocol::job::Summary;
use flowork_protocol::{JobId, ShardNo, Timestamp};
use serde_json::Value;

use crate::blobs::FileBlobs;
use crate::codec::{self, Head, SUBMISSION};
use crate::error::{Failed, unreadable};
use crate::inboxes::{self, Cursors};
use crate::layout::{Layout, shard_file};
use crate::list::{self, Key};
use crate::pool::Pool;
use crate::search::Search;
use crate::{file, history, inbox, job_row, login, node, shard};

/// How long the sum of all blobs, which needs a walk over them, is good for.
const BLOB_BYTES_FOR: Duration = Duration::from_secs(60);
/// How long the number of undrained submissions is good for.
const UNDRAINED_FOR: Duration = Duration::from_secs(1);
/// The most jobs on a page.
const PAGE_MAX: usize = 1_000;

/// The reader of an SQLite store.
pub(crate) struct SqliteReader {
    dir: PathBuf,
    layout: Layout,
    shards: Vec<(ShardNo, Arc<Pool>)>,
    node: Arc<Pool>,
    inboxes: Mutex<BTreeMap<String, Arc<Pool>>>,
    search: Search,
    blobs: FileBlobs,
    blob_bytes: Mutex<Option<(Instant, u64)>>,
    undrained: Mutex<Option<(Instant, u64)>>,
}

/// A kept number, unless it is too old.
fn fresh(kept: &Mutex<Option<(Instant, u64)>>, good_for: Duration) -> Option<u64> {
    let kept = *kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.filter(|(at, _)| at.elapsed() < good_for).map(|(_, value)| value)
}

fn keep(slot: &Mutex<Option<(Instant, u64)>>, value: u64) {
    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), value));
}

impl SqliteReader {
    pub(crate) fn new(layout: &Layout) -> Self {
        let dir = layout.dir().to_owned();
        let pool = |name: String| Pool::new(dir.join(&name), name);
        Self {
            shards: layout.shards().map(|no| (no, pool(shard_file(no)))).collect(),
            node: pool(node::FILE.to_owned()),
            inboxes: Mutex::new(BTreeMap::new()),
            search: Search::new(layout),
            blobs: layout.file_blobs(),
            blob_bytes: Mutex::new(None),
            undrained: Mutex::new(None),
            layout: layout.clone(),
            dir,
        }
    }

    fn shard(&self, job: JobId) -> Option<&Arc<Pool>> {
        self.shards.iter().find(|(no, _)| *no == job.shard()).map(|(_, pool)| pool)
    }

    /// The inboxes that are there now, by the name of their gateway.
    fn inboxes(&self) -> Vec<(String, Arc<Pool>)> {
        let mut known = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
        let files = inboxes::files(&self.dir.join("inbox"));
        known.retain(|name, _| files.iter().any(|(there, _)| there == name));
        for (name, path) in files {
            known.entry(name.clone()).or_insert_with(|| Pool::new(path, format!("inbox/{name}.db")));
        }
        known.iter().map(|(name, pool)| (name.clone(), Arc::clone(pool))).collect()
    }

    /// The submission of a job in an inbox, drained or not, and the inbox's name.
    async fn submitted(&self, job: JobId) -> Result<Option<(String, inbox::StoredEntry)>, Error> {
        for (name, pool) in self.inboxes() {
            if let Some(entry) = pool.read(move |db| inbox::find(db, job)).await? {
                return Ok(Some((name, entry)));
            }
        }
        Ok(None)
    }

    /// Reads a job in its shard; when it is not there yet, from an inbox; and once more in the shard, where it may have
    /// moved meanwhile.
    async fn find<R: Send + 'static>(
        &self, job: JobId,
        in_shard: impl Fn(&str, &rusqlite::Connection) -> Result<Option<R>, Failed> + Clone + Send + 'static,
        in_inbox: impl FnOnce(inbox::StoredEntry) -> Result<R, Error>,
    ) -> Result<Option<R>, Error> {
        let Some(pool) = self.shard(job) else { return Ok(None) };
        let file = pool.file().to_owned();
        let look = move |db: &rusqlite::Connection| in_shard(&file, db);
        if let Some(found) = pool.read(look.clone()).await? {
            return Ok(Some(found));
        }
        let Some((inbox, entry)) = self.submitted(job).await? else {
            return pool.read(look).await;
        };
        let (incarnation, seq) = (entry.incarnation, entry.seq);
        // In one snapshot: a job that is not in the shard though its entry is drained was forgotten, and one whose key is
        // remembered will not run again.
        let look_again = move |db: &rusqlite::Connection| {
            let is_drained = inboxes::cursor(&inboxes::cursors(db)?, &inbox, incarnation) >= seq;
            Ok((look(db)?, is_drained || list::is_gone(db, job)?))
        };
        match pool.read(look_again).await? {
            (Some(found), _) => Ok(Some(found)),
            (None, true) => Ok(None),
            (None, false) => in_inbox(entry).map(Some),
        }
    }

    /// How many submissions no shard has drained. An inbox that cannot be read is told in `problems`.
    async fn count_undrained(&self, problems: &mut BTreeMap<String, String>) -> u64 {
        if let Some(count) = fresh(&self.undrained, UNDRAINED_FOR) {
            return count;
        }
        let known = problems.len();
        let mut cursors: BTreeMap<ShardNo, Cursors> = BTreeMap::new();
        for (no, pool) in &self.shards {
            cursors.insert(*no, pool.read(|db| Ok(inboxes::cursors(db)?)).await.unwrap_or_default());
        }
        let cursors = Arc::new(cursors);
        let mut count = 0;
        for (name, pool) in self.inboxes() {
            let cursors = Arc::clone(&cursors);
            match pool.read(move |db| list::count_undrained(db, &name, &cursors)).await {
                Ok(undrained) => count += undrained,
                Err(error) => drop(problems.insert(pool.file().to_owned(), error.to_string())),
            }
        }
        // Kept only while all is well: a problem is told every time.
        if problems.len() == known {
            keep(&self.undrained, count);
        }
        count
    }

    async fn count_blob_bytes(&self) -> u64 {
        if let Some(bytes) = fresh(&self.blob_bytes, BLOB_BYTES_FOR) {
            return bytes;
        }
        let blobs = self.blobs.clone();
        let walk = move || {
            let mut bytes = 0;
            blobs.walk(|_, meta, _| bytes += meta.len()).map(|()| bytes)
        };
        let bytes = tokio::task::spawn_blocking(walk).await.ok().and_then(Result::ok).unwrap_or(0);
        keep(&self.blob_bytes, bytes);
        bytes
    }

    /// One page of a list without a text search.
    async fn page(&self, query: &Query, limit: usize) -> Result<Page, Error> {
        let after = query.after.as_deref().map(Key::parse).transpose()?;
        let mut page = Page::default();
        let mut found: Vec<Summary> = Vec::new();
        let mut seen: HashSet<JobId> = HashSet::new();
        // The inboxes first: a job that moves meanwhile is then seen twice and not never.
        let waiting = self.newest_undrained(query, after, limit + 1, &mut page).await;
        for (no, pool) in &self.shards {
            let (query, file) = (query.clone(), pool.file().to_owned());
            let ids: Vec<JobId> = waiting.iter().map(|job| job.id).filter(|id| id.shard() == *no).collect();
            let read = move |db: &rusqlite::Connection| {
                let known = list::known(db, &ids)?;
                Ok((list::newest(&file, db, &query, after, limit + 1)?, known))
            };
            match pool.read(read).await {
                Ok((jobs, known)) => {
                    found.extend(jobs);
                    seen.extend(known);
                }
                Err(error) => page.missing.push(health(pool, &error)),
            }
        }
        found.extend(waiting.into_iter().filter(|job| !seen.contains(&job.id)));
        finish(&mut page, found, limit);
        Ok(page)
    }

    async fn newest_undrained(&self, query: &Query, after: Option<Key>, max: usize, page: &mut Page) -> Vec<Summary> {
        let mut found = Vec::new();
        let mut cursors = BTreeMap::new();
        for (no, pool) in &self.shards {
            cursors.insert(*no, pool.read(|db| Ok(inboxes::cursors(db)?)).await.unwrap_or_default());
        }
        let cursors = Arc::new(cursors);
        for (name, pool) in self.inboxes() {
            let (query, cursors, file) = (query.clone(), Arc::clone(&cursors), pool.file().to_owned());
            match pool.read(move |db| list::newest_undrained(&file, db, &name, &cursors, &query, after, max)).await {
                Ok(jobs) => found.extend(jobs),
                Err(error) => page.missing.push(health(&pool, &error)),
            }
        }
        found
    }

    /// One page of a list with a text search: what the index knows, then filtered.
    async fn search(&self, query: &Query, text: &str, limit: usize) -> Result<Page, Error> {
        let after = query.after.as_deref().map(Key::parse).transpose()?;
        let (matches, index_lag) = self.search.find(text, &self.shards).await?;
        let mut page = Page { index_lag, ..Page::default() };
        let mut found = Vec::new();
        for (no, pool) in &self.shards {
            let Some(numbers) = matches.get(no).cloned() else { continue };
            let (query, file) = (query.clone(), pool.file().to_owned());
            match pool.read(move |db| list::among(&file, db, &query, after, &numbers)).await {
                Ok(jobs) => found.extend(jobs),
                Err(error) => page.missing.push(health(pool, &error)),
            }
        }
        finish(&mut page, found, limit);
        Ok(page)
    }
}

/// Sorts what was found, newest first, and cuts it to a page.
fn finish(page: &mut Page, mut found: Vec<Summary>, limit: usize) {
    found.sort_unstable_by_key(|job| std::cmp::Reverse(Key::of(job)));
    found.dedup_by_key(|job| job.id);
    let more = found.len() > limit;
    found.truncate(limit);
    page.next = if more { found.last().map(|job| Key::of(job).to_string()) } else { None };
    page.jobs = found;
}

fn health(pool: &Pool, error: &Error) -> FileHealth {
    FileHealth {
        file: pool.file().to_owned(),
        bytes: file::bytes_on_disk(pool.path()),
        problem: Some(error.to_string()),
    }
}

fn head(entry: &inbox::StoredEntry) -> Result<Head, Error> {
    Head::read(entry.head.as_deref(), &entry.body).map_err(|error| unreadable("inbox", "a submission", error))
}

#[async_trait]
impl Reader for SqliteReader {
    async fn jobs(&self, query: &Query) -> Result<Page, Error> {
        let limit = query.limit.clamp(1, PAGE_MAX);
        match query.text.as_deref().filter(|text| !text.trim().is_empty()) {
            Some(text) => self.search(query, text, limit).await,
            None => self.page(query, limit).await,
        }
    }

    async fn job(&self, job: JobId) -> Result<Option<Summary>, Error> {
        let in_shard =
            move |file: &str, db: &rusqlite::Connection| Ok(job_row::find(file, db, job)?.map(|(_, summary)| summary));
        self.find(job, in_shard, |entry| Ok(job_row::undrained(head(&entry)?, Timestamp(entry.at)))).await
    }

    async fn events(&self, job: JobId, after: u64, max: usize) -> Result<Vec<Event>, Error> {
        let in_shard = move |file: &str, db: &rusqlite::Connection| {
            let Some(no) = job_row::number(db, job)? else { return Ok(None) };
            history::events(file, db, no, after, max).map(Some)
        };
        let accepted = |entry: inbox::StoredEntry| {
            let events = codec::events("inbox", entry.codec | SUBMISSION, Timestamp(entry.at), &entry.body)?;
            Ok(events.into_iter().filter(|event| event.seq > after).collect())
        };
        self.find(job, in_shard, accepted).await?.ok_or(Error::NoJob(job))
    }

    async fn chunks(&self, job: JobId, ids: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, Error> {
        let pool = self.shard(job).ok_or(Error::NoJob(job))?;
        let file = pool.file().to_owned();
        pool.read(move |db| history::chunks(&file, db, job, &ids)).await
    }

    async fn stats(&self) -> Result<Stats, Error> {
        let mut stats = Stats::default();
        let mut problems = BTreeMap::new();
        for (_, pool) in &self.shards {
            let file = pool.file().to_owned();
            match pool.read(move |db| shard::tally(&file, db)).await {
                Ok(counts) => {
                    for (state, jobs) in counts {
                        *stats.jobs.entry(state.word().to_owned()).or_default() += jobs;
                    }
                }
                Err(error) => {
                    problems.insert(pool.file().to_owned(), error.to_string());
                }
            }
        }
        let undrained = self.count_undrained(&mut problems).await;
        *stats.jobs.entry("queued".to_owned()).or_default() += undrained;
        stats.budget_bytes = match self.node.read(|db| node::setting(db, node::SETTING_DISK_BUDGET_BYTES)).await {
            Ok(value) => value.and_then(|value| value.as_u64()),
            Err(error) => {
                problems.insert(node::FILE.to_owned(), error.to_string());
                None
            }
        };
        stats.files = list::files(&self.layout, &problems);
        stats.blob_bytes = self.count_blob_bytes().await;
        stats.free_bytes = list::free_bytes(&self.dir);
        Ok(stats)
    }

    async fn activations(&self) -> Result<Vec<Activation>, Error> {
        self.node.read(node::activations).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.node.read(node::tokens).await
    }

    async fn logins(&self) -> Result<Logins, Error> {
        self.node.read(login::all).await
    }

    async fn secrets(&self) -> Result<Vec<(String, Timestamp)>, Error> {
        self.node.read(node::secrets).await
    }

    async fn settings(&self) -> Result<BTreeMap<String, Value>, Error> {
        self.node.read(|db| Ok(node::settings(db)?.into_iter().collect())).await
    }
}
