//! What a shard's writer thread owns: the connection, the lease, and counts that are kept and never scanned for.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use flowork_ports::bell::{Bell, Ring};
use flowork_ports::store::Error;
use flowork_protocol::id::{PresetId, VersionId};
use flowork_protocol::job::State;
use flowork_protocol::{JobId, ShardNo};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Failed;
use crate::file;
use crate::inboxes::Inboxes;
use crate::writer::Tables;

/// Presets and sources whose numbers are kept in memory.
const INTERNED_MAX: usize = 10_000;
/// Running jobs in the order of arrival. `state <> 6` says that the partial index will do.
pub(super) const RUNNING: &str =
    "SELECT id FROM job INDEXED BY job_state WHERE state = 2 AND state <> 6 ORDER BY accepted_at, no";
/// Running jobs that count against a limit of their preset; a child runs within its parent's turn.
pub(super) const LIMITED: &str =
    "SELECT job.id, preset.id FROM job INDEXED BY job_state CROSS JOIN preset ON preset.no = job.preset
     WHERE job.state = 2 AND job.state <> 6 AND job.parent IS NULL AND preset.concurrency IS NOT NULL";
/// Jobs with signals that are not carried out. A cross join is done in the order it is written.
pub(super) const SIGNALLED: &str =
    "SELECT DISTINCT job.id FROM signal CROSS JOIN job ON job.no = signal.job WHERE job.state < 6";

/// What one commit changes in a preset's counts.
#[derive(Debug, Default, Clone, Copy)]
struct Delta {
    held: i64,
    ended: i64,
}

pub(crate) struct ShardTables {
    pub(super) db: Connection,
    pub(super) shard: ShardNo,
    pub(super) inboxes: Inboxes,
    /// Jobs with signals that no drain has told yet.
    pub(super) announce: BTreeSet<JobId>,
    /// Signals not carried out.
    pub(super) signals: i64,
    /// Set when inboxes waited for each other and nothing moved.
    pub(super) stuck: bool,
    /// Set when pages became free.
    pub(super) freed: bool,
    /// Set when a job was forgotten in the open transaction.
    pub(super) forgot: bool,
    /// Jobs claimed in the open transaction by somebody who was told at once, and of which nothing has come yet.
    pub(super) told: HashSet<i64>,
    file: String,
    bell: Bell,
    lease: Option<i64>,
    lease_taken: Option<i64>,
    epoch: i64,
    commits: i64,
    pub(super) jobs: i64,
    pub(super) events: i64,
    tally: [i64; State::ALL.len()],
    tally_stored: [i64; State::ALL.len()],
    deltas: HashMap<i64, Delta>,
    presets: HashMap<PresetId, (i64, Option<u32>)>,
    sources: HashMap<(i64, VersionId, String), i64>,
    changed: bool,
    stale: bool,
}

impl ShardTables {
    /// For the open file of `shard`.
    pub(super) fn new(
        db: Connection, shard: ShardNo, file: String, inboxes: Inboxes, bell: Bell,
    ) -> Result<Self, Failed> {
        let mut tables = Self {
            db,
            shard,
            inboxes,
            announce: BTreeSet::new(),
            signals: 0,
            stuck: false,
            freed: true,
            forgot: false,
            told: HashSet::new(),
            file,
            bell,
            lease: None,
            lease_taken: None,
            epoch: 0,
            commits: 0,
            jobs: 0,
            events: 0,
            tally: [0; 9],
            tally_stored: [0; 9],
            deltas: HashMap::new(),
            presets: HashMap::new(),
            sources: HashMap::new(),
            changed: false,
            stale: true,
        };
        tables.reload()?;
        Ok(tables)
    }

    /// Reads everything that is kept in memory.
    fn reload(&mut self) -> Result<(), Failed> {
        let stored: u16 = self.db.query_row("SELECT shard FROM meta", [], |row| row.get(0))?;
        if stored != self.shard.0 {
            let detail =
                format!("it holds shard {}, not {}; put the files back under their names", ShardNo(stored), self.shard);
            return Err(Error::Damaged { file: self.file.clone(), detail }.into());
        }
        self.read_meta()?;
        self.tally = [0; 9];
        {
            let mut query = self.db.prepare_cached("SELECT state, jobs FROM tally")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let state: usize = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                if let Some(slot) = self.tally.get_mut(state) {
                    *slot = row.get(1)?;
                }
            }
        }
        self.tally_stored = self.tally;
        self.deltas.clear();
        self.presets.clear();
        self.sources.clear();
        self.signals = self.db.query_row("SELECT count(*) FROM signal", [], |row| row.get(0))?;
        self.announce = {
            let mut query = self.db.prepare_cached(SIGNALLED)?;
            let ids = query.query_map([], |row| Ok(JobId(row.get(0)?)))?;
            ids.collect::<Result<_, _>>()?
        };
        self.changed = false;
        self.stale = false;
        Ok(())
    }

    fn read_meta(&mut self) -> rusqlite::Result<()> {
        (self.epoch, self.commits, self.jobs, self.events) = self
            .db
            .prepare_cached("SELECT epoch, commits, jobs, events FROM meta")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        Ok(())
    }

    /// Refuses when another kernel has taken the shard, or this one never did.
    pub(super) fn leased(&self) -> Result<(), Failed> {
        if self.lease_taken.or(self.lease) == Some(self.epoch) {
            return Ok(());
        }
        Err(Error::Fenced { shard: self.shard }.into())
    }

    /// Takes the lease, and gives the jobs that are running.
    pub(super) fn take(&mut self) -> Result<Vec<JobId>, Failed> {
        self.epoch += 1;
        self.lease_taken = Some(self.epoch);
        self.wrote();
        let mut query = self.db.prepare_cached(RUNNING)?;
        let ids = query.query_map([], |row| Ok(JobId(row.get(0)?)))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Says that this transaction has something to commit.
    pub(super) fn wrote(&mut self) {
        self.changed = true;
    }

    /// How many jobs are in `state`, this transaction included.
    pub(super) fn count(&self, state: State) -> i64 {
        usize::try_from(state.code()).ok().and_then(|code| self.tally.get(code)).copied().unwrap_or(0)
    }

    /// Counts a job of `preset` out of one state and into another; `None` is outside of the shard.
    pub(super) fn recount(&mut self, preset: i64, from: Option<State>, to: Option<State>) {
        if from == to {
            return;
        }
        for (state, step) in [(from, -1), (to, 1)] {
            let Some(state) = state else { continue };
            if let Some(slot) = usize::try_from(state.code()).ok().and_then(|code| self.tally.get_mut(code)) {
                *slot += step;
            }
            if state == State::Held {
                self.deltas.entry(preset).or_default().held += step;
            } else if state.has_ended() {
                self.deltas.entry(preset).or_default().ended += step;
            }
        }
        self.wrote();
    }

    /// The number of a preset; remembers how many of its jobs may run at once.
    pub(super) fn preset_no(&mut self, id: &PresetId, concurrency: Option<u32>) -> Result<i64, Failed> {
        if let Some((no, known)) = self.presets.get(id)
            && *known == concurrency
        {
            return Ok(*no);
        }
        self.db
            .prepare_cached(
                "INSERT INTO preset (id, concurrency) VALUES (?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET concurrency = excluded.concurrency",
            )?
            .execute(params![id.as_str(), concurrency])?;
        self.wrote();
        let no = self.find_preset(id)?.unwrap_or_default();
        if self.presets.len() >= INTERNED_MAX {
            self.presets.clear();
        }
        self.presets.insert(id.clone(), (no, concurrency));
        Ok(no)
    }

    /// How many jobs of a preset may run at once, as far as is known here.
    pub(super) fn limit(&self, id: &PresetId) -> Result<Option<u32>, Failed> {
        if let Some((_, known)) = self.presets.get(id) {
            return Ok(*known);
        }
        let mut query = self.db.prepare_cached("SELECT concurrency FROM preset WHERE id = ?1")?;
        Ok(query.query_row([id.as_str()], |row| row.get(0)).optional()?.flatten())
    }

    /// The number of a preset that had jobs here.
    pub(super) fn find_preset(&self, id: &PresetId) -> Result<Option<i64>, Failed> {
        let mut query = self.db.prepare_cached("SELECT no FROM preset WHERE id = ?1")?;
        Ok(query.query_row([id.as_str()], |row| row.get(0)).optional()?)
    }

    /// The number of what jobs of one version and name run.
    pub(super) fn source_no(&mut self, preset: i64, version: VersionId, name: &str) -> Result<i64, Failed> {
        let key = (preset, version, name.to_owned());
        if let Some(no) = self.sources.get(&key) {
            return Ok(*no);
        }
        let values = params![preset, version.0, name];
        self.db
            .prepare_cached("INSERT OR IGNORE INTO source (preset, version, name) VALUES (?1, ?2, ?3)")?
            .execute(values)?;
        self.wrote();
        let no = self
            .db
            .prepare_cached("SELECT no FROM source WHERE preset = ?1 AND version = ?2 AND name = ?3")?
            .query_row(values, |row| row.get(0))?;
        if self.sources.len() >= INTERNED_MAX {
            self.sources.clear();
        }
        self.sources.insert(key, no);
        Ok(no)
    }

    /// Writes the presets' counts, so that queries see this transaction's.
    pub(super) fn flush_presets(&mut self) -> Result<(), Failed> {
        for (no, delta) in self.deltas.drain() {
            self.db
                .prepare_cached("UPDATE preset SET held = held + ?2, ended = ended + ?3 WHERE no = ?1")?
                .execute(params![no, delta.held, delta.ended])?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failed> {
        self.flush_presets()?;
        for (code, (now, stored)) in (0_i64..).zip(self.tally.iter().zip(self.tally_stored)) {
            if *now != stored {
                self.db
                    .prepare_cached("INSERT OR REPLACE INTO tally (state, jobs) VALUES (?1, ?2)")?
                    .execute(params![code, now])?;
            }
        }
        self.db
            .prepare_cached("UPDATE meta SET epoch = ?1, commits = ?2, jobs = ?3, events = ?4")?
            .execute(params![self.epoch, self.commits + 1, self.jobs, self.events])?;
        Ok(())
    }
}

impl Tables for ShardTables {
    fn file(&self) -> &str {
        &self.file
    }

    fn begin(&mut self) -> Result<(), Failed> {
        self.told.clear();
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let before = self.commits;
        self.read_meta()?;
        // Another kernel wrote since: what is in memory is not what is on disk.
        if self.stale || before != self.commits {
            self.reload()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<u64, Failed> {
        if self.changed {
            self.flush()?;
        }
        self.db.prepare_cached("COMMIT")?.execute([])?;
        if self.changed {
            self.commits += 1;
            self.tally_stored = self.tally;
            self.lease = self.lease_taken.take().or(self.lease);
        }
        Ok(u64::try_from(self.commits).unwrap_or(0))
    }

    fn rollback(&mut self) {
        self.stale = true;
        self.changed = false;
        self.forgot = false;
        self.lease_taken = None;
        // On some errors SQLite has rolled back by itself.
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(file = %self.file, %error, "a transaction could not be rolled back");
        }
    }

    fn ring(&mut self) {
        if std::mem::take(&mut self.changed) {
            self.bell.ring(Ring::Shard(self.shard, u64::try_from(self.commits).unwrap_or(0)));
        }
        if std::mem::take(&mut self.forgot) {
            self.bell.ring(Ring::Forgotten);
        }
    }

    fn expects_more(&self) -> bool {
        !self.told.is_empty()
    }

    fn rest(&mut self) -> Option<Duration> {
        if !self.freed {
            return None;
        }
        file::shrink(&self.db, file::FREE_PAGES_KEPT, &mut self.freed).unwrap_or_else(|error| {
            tracing::warn!(file = %self.file, %error, "free pages could not be given back to the disk");
            self.freed = false;
            None
        })
    }
}
