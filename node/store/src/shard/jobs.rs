//! Jobs entering a shard and changing their state.

use flowork_protocol::command::Signal;
use flowork_protocol::event::{self, Event, What};
use flowork_protocol::job::State;
use flowork_protocol::{Failure, JobId, Timestamp};
use rusqlite::{OptionalExtension, params};

use super::tables::ShardTables;
use crate::codec::{self, Head};
use crate::error::{Failed, unreadable};
use crate::job_row::{misuse, unsigned};
use crate::writer::Tables as _;

/// Waiting jobs that are due.
pub(super) const DUE: &str = "SELECT no, id, preset, last_seq FROM job INDEXED BY job_due
     WHERE state = 3 AND due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2";

/// The first journal row of a claimed job, still as stored: who asked unpacks it.
#[derive(Debug)]
pub(super) struct RawClaim {
    pub(super) id: JobId,
    pub(super) no: i64,
    /// The number of the job's last event: more than 1 when it was paused and resumed before it began.
    pub(super) last_seq: i64,
    pub(super) at: Timestamp,
    pub(super) codec: i64,
    pub(super) body: Vec<u8>,
}

/// What every change of a job needs to know of its row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) no: i64,
    pub(super) preset: i64,
    pub(super) state: State,
    pub(super) last_seq: i64,
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    Unknown,
    Ended,
}

impl ShardTables {
    /// Takes a job in as `state`, with its first event. False when its id is known already.
    pub(super) fn accept(
        &mut self, head: &Head, codec: i64, body: &[u8], at: Timestamp, state: State,
    ) -> Result<bool, Failed> {
        if head.keyed && self.has_seen(head.job)? {
            return Ok(false);
        }
        // A child runs within its parent's turn and says nothing about the limit of its preset.
        let concurrency = if head.parent.is_some() { self.limit(&head.preset)? } else { head.concurrency };
        let preset = self.preset_no(&head.preset, concurrency)?;
        let source = self.source_no(preset, head.version, &head.name)?;
        let no = self.jobs + 1;
        let inserted = self
            .db
            .prepare_cached(
                "INSERT OR IGNORE INTO job (no, id, preset, source, state, priority, keyed, dry_run, trigger, accepted_at,
                                            last_seq, origin, parent)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11, ?12)",
            )?
            .execute(params![
                no,
                head.job.0,
                preset,
                source,
                state.code(),
                head.priority,
                head.keyed,
                head.dry_run,
                head.trigger.as_ref().map(|step| step.as_str()),
                at.0,
                head.replay.as_ref().map(|replay| replay.origin.0),
                head.parent.as_ref().map(|(parent, _)| parent.0),
            ])?;
        if inserted == 0 {
            return Ok(false);
        }
        self.jobs = no;
        self.recount(preset, None, Some(state));
        self.journal(no, (1, 1), at, codec | codec::SUBMISSION, body)?;
        self.use_blobs(no, &head.blobs)?;
        Ok(true)
    }

    /// Whether the job was here once and was forgotten.
    fn has_seen(&self, job: JobId) -> Result<bool, Failed> {
        let mut query = self.db.prepare_cached("SELECT 1 FROM seen WHERE id = ?1")?;
        Ok(query.query_row([job.0], |_| Ok(())).optional()?.is_some())
    }

    /// Adds one row to a job's history.
    pub(super) fn journal(
        &mut self, job: i64, seqs: (i64, i64), at: Timestamp, codec: i64, body: &[u8],
    ) -> Result<(), Failed> {
        self.events += seqs.1 - seqs.0 + 1;
        self.db
            .prepare_cached(
                "INSERT INTO journal (no, job, first_seq, last_seq, at, codec, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![self.events, job, seqs.0, seqs.1, at.0, codec, body])?;
        self.wrote();
        Ok(())
    }

    /// Marks blobs as named by a job.
    pub(super) fn use_blobs(&mut self, job: i64, blobs: &[flowork_protocol::BlobId]) -> Result<(), Failed> {
        for blob in blobs {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO blob_use (blob, job) VALUES (?1, ?2)")?
                .execute(params![blob.0, job])?;
        }
        Ok(())
    }

    /// Where a job is.
    pub(super) fn place(&self, job: JobId) -> Result<Option<Place>, Failed> {
        let mut query = self.db.prepare_cached("SELECT no, preset, state, last_seq FROM job WHERE id = ?1")?;
        let found =
            query.query_row([job.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()?;
        found
            .map(|(no, preset, code, last_seq)| Ok(Place { no, preset, state: self.state(code)?, last_seq }))
            .transpose()
    }

    fn state(&self, code: i64) -> Result<State, Failed> {
        State::from_code(code).ok_or_else(|| unreadable(self.file(), "a job's state", code).into())
    }

    /// Moves a job into another state.
    pub(super) fn set_state(&mut self, place: Place, to: State) -> Result<(), Failed> {
        self.db.prepare_cached("UPDATE job SET state = ?2 WHERE no = ?1")?.execute(params![place.no, to.code()])?;
        self.recount(place.preset, Some(place.state), Some(to));
        Ok(())
    }

    /// Claims the jobs that `sql` selects (`no, id, preset, last_seq`), which are all in state `from`.
    pub(super) fn claim(
        &mut self, sql: &str, values: impl rusqlite::Params, from: State,
    ) -> Result<Vec<RawClaim>, Failed> {
        let found: Vec<(JobId, Place)> = {
            let mut query = self.db.prepare_cached(sql)?;
            let rows = query.query_map(values, |row| {
                let place = Place { no: row.get(0)?, preset: row.get(2)?, state: from, last_seq: row.get(3)? };
                Ok((JobId(row.get(1)?), place))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        let mut claims = Vec::with_capacity(found.len());
        for (id, place) in found {
            let Some(claim) = self.first_event(id, place)? else {
                self.set_aside(id, place, "its first event is missing or does not read")?;
                continue;
            };
            self.set_state(place, State::Running)?;
            if self.signals > 0 && self.has_signals(place.no)? {
                self.announce.insert(id);
            }
            claims.push(claim);
        }
        Ok(claims)
    }

    /// What a job began with; none when only this job is damaged.
    fn first_event(&self, id: JobId, place: Place) -> Result<Option<RawClaim>, Failed> {
        let mut query =
            self.db.prepare_cached("SELECT at, codec, body FROM journal WHERE job = ?1 AND first_seq = 1")?;
        let found = query.query_row([place.no], |row| {
            let (at, codec, body) = (Timestamp(row.get(0)?), row.get(1)?, row.get(2)?);
            Ok(RawClaim { id, no: place.no, last_seq: place.last_seq, at, codec, body })
        });
        match found.optional() {
            Err(rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::FromSqlConversionFailure(..)) => Ok(None),
            found => Ok(found?),
        }
    }

    /// Parks a job that cannot be read, by name, so that the others go on.
    fn set_aside(&mut self, id: JobId, place: Place, why: &str) -> Result<(), Failed> {
        tracing::error!(file = self.file(), job = %id, why, "a damaged job is set aside");
        let failure = Failure::new("job-damaged", format!("job {id} in {} is damaged: {why}", self.file()))
            .hint("restore the file from a backup, or cancel the job");
        let error = serde_json::to_string(&failure).unwrap_or_default();
        self.db.prepare_cached("UPDATE job SET error = ?2 WHERE no = ?1")?.execute(params![place.no, error])?;
        self.set_state(place, State::Parked)?;
        self.told.remove(&place.no);
        self.wrote();
        Ok(())
    }

    /// [`Self::set_aside`] for a job whose submission turned out not to read when it was claimed.
    pub(super) fn set_unread_aside(&mut self, id: JobId, why: &str) -> Result<(), Failed> {
        self.leased()?;
        match self.place(id)?.filter(|place| !place.state.has_ended()) {
            Some(place) => self.set_aside(id, place, why),
            None => Ok(()),
        }
    }

    fn has_signals(&self, job: i64) -> Result<bool, Failed> {
        let mut query = self.db.prepare_cached("SELECT 1 FROM signal WHERE job = ?1 LIMIT 1")?;
        Ok(query.query_row([job], |_| Ok(())).optional()?.is_some())
    }

    /// Whether somebody asked for the end of a job.
    fn is_cancelled(&self, job: i64) -> Result<bool, Failed> {
        if self.signals == 0 {
            return Ok(false);
        }
        let mut query = self.db.prepare_cached("SELECT body FROM signal WHERE job = ?1")?;
        let bodies = query.query_map([job], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        Ok(bodies.iter().any(|body| matches!(serde_json::from_str(body), Ok(Signal::Cancel { .. }))))
    }

    /// Keeps a signal until the job's events say that it was carried out.
    pub(super) fn signal(&mut self, job: JobId, body: &str) -> Result<Kept, Failed> {
        let Some(place) = self.place(job)? else { return Ok(Kept::Unknown) };
        if place.state.has_ended() {
            return Ok(Kept::Ended);
        }
        self.db.prepare_cached("INSERT INTO signal (job, body) VALUES (?1, ?2)")?.execute(params![place.no, body])?;
        self.signals += 1;
        self.announce.insert(job);
        self.wrote();
        Ok(Kept::Yes)
    }

    /// Carries out a pause or resume of a job that has not begun: no kernel has it in memory, so nobody else would do it
    /// before its turn comes. False when the signal is for somebody else to carry out.
    pub(super) fn steer_before_begin(&mut self, job: JobId, signal: &Signal, at: Timestamp) -> Result<bool, Failed> {
        if !matches!(signal, Signal::Pause | Signal::Resume) {
            return Ok(false);
        }
        let Some(place) = self.place(job)? else { return Ok(false) };
        let (to, what) = match (signal, place.state) {
            (Signal::Pause, State::Queued | State::Held) => (State::Paused, What::Paused),
            // As they are already. Kept, they would be carried out when it has begun.
            (Signal::Resume, State::Queued | State::Held) => return Ok(true),
            (Signal::Pause, State::Paused) if !self.has_begun(place.no)? => return Ok(true),
            (Signal::Resume, State::Paused) if !self.has_begun(place.no)? => {
                (self.queue_of(job, place)?, What::Resumed)
            }
            _ => return Ok(false),
        };
        let seq = place.last_seq + 1;
        let batch = event::encode(&[Event { seq: unsigned(seq), at, what }])
            .map_err(|error| misuse(self.file(), format!("an event of job {job} cannot be written: {error}")))?;
        let batch = codec::pack(batch);
        self.journal(place.no, (seq, seq), at, batch.codec, &batch.bytes)?;
        self.db.prepare_cached("UPDATE job SET last_seq = ?2 WHERE no = ?1")?.execute([place.no, seq])?;
        self.set_state(place, to)?;
        Ok(true)
    }

    fn has_begun(&self, job: i64) -> Result<bool, Failed> {
        let mut query = self.db.prepare_cached("SELECT started_at IS NOT NULL FROM job WHERE no = ?1")?;
        Ok(query.query_row([job], |row| row.get(0))?)
    }

    /// Where a job waits for its turn, as its submission says.
    fn queue_of(&self, id: JobId, place: Place) -> Result<State, Failed> {
        let first = self.first_event(id, place)?;
        let first = first.ok_or_else(|| unreadable(self.file(), "a job's first event", "it is missing"))?;
        let submission = codec::submission(self.file(), first.codec, &first.body)?;
        Ok(if submission.concurrency.is_some() { State::Held } else { State::Queued })
    }

    /// Claims a job that has nothing to do because a signal came for it. A job that is not begun is only claimed out of
    /// turn to end it.
    pub(super) fn wake(&mut self, job: JobId) -> Result<bool, Failed> {
        self.leased()?;
        let Some(place) = self.place(job)? else { return Ok(false) };
        let takes = match place.state {
            State::Waiting | State::Paused | State::Parked => true,
            State::Queued | State::Held => self.is_cancelled(place.no)?,
            _ => false,
        };
        if takes {
            self.set_state(place, State::Running)?;
        }
        Ok(takes)
    }

    /// Claims waiting jobs that are due.
    pub(super) fn claim_due(&mut self, now: Timestamp, max: i64) -> Result<Vec<JobId>, Failed> {
        self.leased()?;
        let due: Vec<(JobId, Place)> = {
            let mut query = self.db.prepare_cached(DUE)?;
            let rows = query.query_map(params![now.0, max], |row| {
                let place =
                    Place { no: row.get(0)?, preset: row.get(2)?, state: State::Waiting, last_seq: row.get(3)? };
                Ok((JobId(row.get(1)?), place))
            })?;
            rows.collect::<Result<_, _>>()?
        };
        for (_, place) in &due {
            self.set_state(*place, State::Running).map_err(Failed::undone)?;
        }
        Ok(due.into_iter().map(|(id, _)| id).collect())
    }
}
