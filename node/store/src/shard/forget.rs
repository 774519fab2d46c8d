//! Retention: whole ended jobs go, oldest first, and the file shrinks.

use flowork_ports::store::RetentionRules;
use flowork_protocol::id::PresetId;
use flowork_protocol::job::State;
use flowork_protocol::preset::Retention;
use flowork_protocol::{JobId, Timestamp};
use rusqlite::params;

use super::jobs::Place;
use super::tables::ShardTables;
use crate::error::Failed;
use crate::job_row::{int, unsigned};

/// Ended jobs of a preset, oldest first.
pub(super) const OLDEST: &str = "SELECT id, ended_at FROM job INDEXED BY job_ended
     WHERE state >= 6 AND preset = ?1 AND ended_at < ?2 ORDER BY ended_at LIMIT ?3";

const DAY_MS: i64 = 86_400_000;

/// An ended job that may go.
struct Old {
    id: JobId,
    ended_at: i64,
}

impl ShardTables {
    /// Forgets up to `max` jobs that `rules` no longer cover. `bytes_max` is this shard's part of the bytes.
    pub(super) fn forget(
        &mut self, rules: &RetentionRules, bytes_max: Option<u64>, now: Timestamp, max: usize,
    ) -> Result<u64, Failed> {
        self.leased()?;
        self.flush_presets()?;
        let presets = self.presets_with_ended_jobs()?;
        let mut gone = 0;
        for (no, id, ended) in &presets {
            let left = max.saturating_sub(gone);
            if left == 0 {
                return Ok(unsigned(i64::try_from(gone).unwrap_or(i64::MAX)));
            }
            let rule = rules.presets.get(id).copied().unwrap_or(Retention { days: rules.days, jobs: None });
            gone += self.forget_preset(*no, unsigned(*ended), rule, now, left)?;
        }
        if let Some(bytes_max) = bytes_max {
            gone += self.forget_bytes(&presets, bytes_max, max.saturating_sub(gone))?;
        }
        Ok(unsigned(i64::try_from(gone).unwrap_or(i64::MAX)))
    }

    fn presets_with_ended_jobs(&self) -> Result<Vec<(i64, PresetId, i64)>, Failed> {
        let mut query = self.db.prepare_cached("SELECT no, id, ended FROM preset WHERE ended > 0")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, PresetId(row.get(1)?), row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn forget_preset(
        &mut self, preset: i64, ended: u64, rule: Retention, now: Timestamp, max: usize,
    ) -> Result<usize, Failed> {
        let mut gone = 0;
        if let Some(days) = rule.days {
            let before = now.0.saturating_sub(i64::from(days).saturating_mul(DAY_MS));
            for old in self.oldest(preset, before, max)? {
                gone += usize::from(self.delete(old.id)?);
            }
        }
        let kept = ended.saturating_sub(gone as u64);
        if let Some(jobs) = rule.jobs
            && kept > jobs
        {
            let surplus = usize::try_from(kept - jobs).unwrap_or(usize::MAX).min(max.saturating_sub(gone));
            for old in self.oldest(preset, i64::MAX, surplus)? {
                gone += usize::from(self.delete(old.id)?);
            }
        }
        Ok(gone)
    }

    /// Forgets the oldest ended jobs of all presets until the used part of the file is small enough.
    fn forget_bytes(&mut self, presets: &[(i64, PresetId, i64)], bytes_max: u64, max: usize) -> Result<usize, Failed> {
        if self.used_bytes()? <= bytes_max || max == 0 {
            return Ok(0);
        }
        let mut old = Vec::new();
        for (no, _, _) in presets {
            old.extend(self.oldest(*no, i64::MAX, max)?);
        }
        old.sort_by_key(|job| job.ended_at);
        let mut gone = 0;
        for job in old.into_iter().take(max) {
            if self.used_bytes()? <= bytes_max {
                break;
            }
            gone += usize::from(self.delete(job.id)?);
        }
        Ok(gone)
    }

    fn oldest(&self, preset: i64, before: i64, max: usize) -> Result<Vec<Old>, Failed> {
        let mut query = self.db.prepare_cached(OLDEST)?;
        let rows = query.query_map(params![preset, before, i64::try_from(max).unwrap_or(i64::MAX)], |row| {
            Ok(Old { id: JobId(row.get(0)?), ended_at: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn used_bytes(&self) -> Result<u64, Failed> {
        let number = |pragma: &str| self.db.query_row(pragma, [], |row| row.get::<_, i64>(0));
        let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
        Ok(unsigned(pages * number("PRAGMA page_size")?))
    }

    /// Forgets one ended job; its key is remembered. False when it is not here or has not ended.
    pub(super) fn delete(&mut self, job: JobId) -> Result<bool, Failed> {
        self.leased()?;
        let Some(place) = self.place(job)? else { return Ok(false) };
        if !place.state.has_ended() {
            return Ok(false);
        }
        self.remove(job, place)?;
        Ok(true)
    }

    fn remove(&mut self, job: JobId, place: Place) -> Result<(), Failed> {
        self.db
            .prepare_cached("INSERT OR IGNORE INTO seen (id) SELECT id FROM job WHERE no = ?1 AND keyed = 1")?
            .execute([place.no])?;
        for sql in [
            "DELETE FROM journal WHERE job = ?1",
            "DELETE FROM chunk WHERE job = ?1",
            "DELETE FROM checkpoint WHERE job = ?1",
            "DELETE FROM blob_use WHERE job = ?1",
            "DELETE FROM job WHERE no = ?1",
        ] {
            self.db.prepare_cached(sql)?.execute([place.no])?;
        }
        let signals = self.db.prepare_cached("DELETE FROM signal WHERE job = ?1")?.execute([place.no])?;
        self.signals -= int(signals as u64);
        self.announce.remove(&job);
        self.recount(place.preset, Some(place.state), None::<State>);
        self.freed = true;
        self.forgot = true;
        Ok(())
    }
}
