//! One shard under a lease: the kernel's half of the store.

mod append;
mod drain;
mod forget;
mod jobs;
mod tables;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use flowork_ports::bell::Bell;
use flowork_ports::store::{Claimed, Committed, Drained, Error, JobWrite, RetentionRules, Shard, Stored};
use flowork_protocol::id::{ChunkId, PresetId};
use flowork_protocol::{JobId, ShardNo, Timestamp};
use rusqlite::OptionalExtension;

use crate::clock::now;
use crate::error::{Failed, unreadable};
use crate::inboxes::Inboxes;
use crate::job_row::unsigned;
use crate::pool::Pool;
use crate::writer::Writer;
use crate::{codec, file, history, job_row};

use append::PackedWrite;
use jobs::RawClaim;
use tables::ShardTables;

/// The time of the next waiting job.
const NEXT_DUE: &str =
    "SELECT due_at FROM job INDEXED BY job_due WHERE state = 3 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1";

/// What an operation without a body of its own counts for in a group.
const SMALL_BYTES: usize = 256;
/// What a drain may write, per entry.
const ENTRY_BYTES: usize = 2_048;

/// One SQLite shard.
pub(crate) struct SqliteShard {
    no: ShardNo,
    shards: u16,
    writer: Writer<ShardTables>,
    readers: Arc<Pool>,
}

impl SqliteShard {
    /// Opens the file of shard `no` at `path`, called `name` in errors.
    pub(crate) fn open(
        path: &Path, name: &str, no: ShardNo, shards: u16, inbox_dir: &Path, bell: Bell,
    ) -> Result<Self, Error> {
        let opened = file::open_writer(path)
            .map_err(Failed::from)
            .and_then(|db| ShardTables::new(db, no, name.to_owned(), Inboxes::new(inbox_dir, no), bell));
        let tables = opened.map_err(|failed| failed.named(name))?;
        Ok(Self { no, shards, writer: Writer::start(tables)?, readers: Pool::new(path.to_owned(), name.to_owned()) })
    }

    /// Unpacks claimed jobs. One that does not read is parked; the others go on.
    async fn claimed(&self, raw: Vec<RawClaim>) -> Vec<Claimed> {
        let mut claimed = Vec::with_capacity(raw.len());
        for claim in raw {
            match codec::submission(self.readers.file(), claim.codec, &claim.body) {
                Ok(submission) => {
                    claimed.push(Claimed { accepted_at: claim.at, last_seq: unsigned(claim.last_seq), submission });
                }
                Err(error) => {
                    let (id, why) = (claim.id, error.to_string());
                    let set_aside = move |tables: &mut ShardTables| tables.set_unread_aside(id, &why);
                    if let Err(error) = self.writer.call(SMALL_BYTES, set_aside).await {
                        tracing::error!(shard = %self.no, job = %id, %error, "a job that does not read stays claimed");
                    }
                }
            }
        }
        claimed
    }
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

#[async_trait]
impl Shard for SqliteShard {
    fn no(&self) -> ShardNo {
        self.no
    }

    async fn take(&self) -> Result<Vec<JobId>, Error> {
        Ok(self.writer.call(SMALL_BYTES, ShardTables::take).await?.0)
    }

    async fn limited(&self) -> Result<Vec<(JobId, PresetId)>, Error> {
        self.readers
            .read(|db| {
                let mut query = db.prepare_cached(tables::LIMITED)?;
                let rows = query.query_map([], |row| Ok((JobId(row.get(0)?), PresetId(row.get(1)?))))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn drain_ahead(&self, max: usize, room: usize) -> Result<(Drained, Committed), Error> {
        let cost = ENTRY_BYTES.saturating_mul(max);
        let drain = move |tables: &mut ShardTables| tables.drain(max, room);
        let (raw, committed) = self.writer.call_ahead(cost, drain).await?;
        let claimed = self.claimed(raw.claimed).await;
        let drained = Drained { claimed, signalled: raw.signalled, held: raw.held, more: raw.more };
        Ok((drained, Box::pin(async move { committed.wait().await.map(drop) })))
    }

    async fn claim_held(&self, preset: &PresetId, room: usize) -> Result<Vec<Claimed>, Error> {
        let preset = preset.clone();
        let claim = move |tables: &mut ShardTables| tables.claim_held(&preset, limit(room));
        let (raw, _) = self.writer.call(SMALL_BYTES, claim).await?;
        Ok(self.claimed(raw).await)
    }

    async fn append(&self, write: JobWrite) -> Result<u64, Error> {
        let write = PackedWrite::of(write, now())
            .map_err(|error| Error::Other { file: self.readers.file().to_owned(), detail: error.to_string() })?;
        let append = {
            let cost = write.cost_bytes();
            self.writer.call(cost, move |tables: &mut ShardTables| tables.append(&write))
        };
        Ok(append.await?.1)
    }

    async fn load(&self, job: JobId) -> Result<Stored, Error> {
        let file = self.readers.file().to_owned();
        self.readers
            .read(move |db| {
                let (no, summary) = job_row::find(&file, db, job)?.ok_or(Error::NoJob(job))?;
                let checkpoint = history::checkpoint(&file, db, no)?;
                let batches = match &checkpoint {
                    None => history::batches(&file, db, no, 0)?,
                    Some((seq, _)) => {
                        let mut batches: Vec<_> = history::first_batch(&file, db, no)?.into_iter().collect();
                        batches.extend(history::batches(&file, db, no, *seq)?);
                        batches
                    }
                };
                let signals = history::signals(&file, db, no)?;
                Ok(Stored { summary, checkpoint, batches, signals })
            })
            .await
    }

    async fn history(&self, job: JobId) -> Result<Vec<Vec<u8>>, Error> {
        let file = self.readers.file().to_owned();
        self.readers
            .read(move |db| {
                let no = job_row::number(db, job)?.ok_or(Error::NoJob(job))?;
                history::batches(&file, db, no, 0)
            })
            .await
    }

    async fn chunks(&self, job: JobId, ids: Vec<ChunkId>) -> Result<Vec<(ChunkId, Vec<u8>)>, Error> {
        let file = self.readers.file().to_owned();
        self.readers.read(move |db| history::chunks(&file, db, job, &ids)).await
    }

    async fn claim_due(&self, now: Timestamp, max: usize) -> Result<Vec<JobId>, Error> {
        let claim = move |tables: &mut ShardTables| tables.claim_due(now, limit(max));
        Ok(self.writer.call(SMALL_BYTES, claim).await?.0)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        self.readers
            .read(|db| {
                let mut query = db.prepare_cached(NEXT_DUE)?;
                Ok(query.query_row([], |row| row.get(0)).optional()?.map(Timestamp))
            })
            .await
    }

    async fn wake(&self, job: JobId) -> Result<bool, Error> {
        Ok(self.writer.call(SMALL_BYTES, move |tables: &mut ShardTables| tables.wake(job)).await?.0)
    }

    async fn forget(&self, rules: &RetentionRules, now: Timestamp, max: usize) -> Result<u64, Error> {
        let rules = rules.clone();
        let bytes_max = rules.bytes.map(|bytes| bytes / u64::from(self.shards.max(1)));
        let forget = move |tables: &mut ShardTables| tables.forget(&rules, bytes_max, now, max);
        Ok(self.writer.call(SMALL_BYTES, forget).await?.0)
    }

    async fn delete(&self, job: JobId) -> Result<bool, Error> {
        Ok(self.writer.call(SMALL_BYTES, move |tables: &mut ShardTables| tables.delete(job)).await?.0)
    }
}

/// The counts of a shard by state code, for readers.
pub(crate) fn tally(file: &str, db: &rusqlite::Connection) -> Result<Vec<(flowork_protocol::job::State, u64)>, Failed> {
    let mut query = db.prepare_cached("SELECT state, jobs FROM tally")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    rows.map(|row| {
        let (code, jobs) = row?;
        let state = flowork_protocol::job::State::from_code(code).ok_or_else(|| unreadable(file, "a count", code))?;
        Ok((state, unsigned(jobs)))
    })
    .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_query_of_the_kernel_reads_all_jobs() {
        let dir = tempfile::tempdir().unwrap();
        let layout = crate::Layout::create_or_open_with(dir.path(), 1).unwrap();
        let db = file::open_reader(&layout.dir().join("shards/00.db")).unwrap();
        for sql in [
            drain::QUEUED,
            drain::HELD,
            jobs::DUE,
            forget::OLDEST,
            tables::RUNNING,
            tables::LIMITED,
            tables::SIGNALLED,
            NEXT_DUE,
        ] {
            let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let values = vec![0_i64; query.parameter_count()];
            let plan: Vec<String> = query
                .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            let plan = plan.join("; ");
            assert!(!plan.contains("ORDER BY"), "{sql}: sorts: {plan}");
            let reads_all = plan.contains("SCAN job") && !plan.contains("USING INDEX job_queue");
            assert!(!reads_all, "{sql}: {plan}");
        }
    }
}
