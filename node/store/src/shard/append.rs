//! One append: a job's new events, chunks and row, and what it hands to other jobs. All of it or nothing.

use flowork_ports::store::{Error, JobWrite, RowChange};
use flowork_protocol::id::ChunkId;
use flowork_protocol::job::State;
use flowork_protocol::{BlobId, JobId, Timestamp};
use rusqlite::params;

use super::jobs::{Kept, Place};
use super::tables::ShardTables;
use crate::codec::{self, Packed, PackedSubmission};
use crate::error::Failed;
use crate::job_row::{int, misuse};
use crate::writer::Tables as _;

/// A [`JobWrite`] whose bodies the caller has packed.
#[derive(Debug)]
pub(super) struct PackedWrite {
    job: Option<JobId>,
    seqs: (i64, i64),
    events: Option<Packed>,
    chunks: Vec<(ChunkId, Packed)>,
    blobs: Vec<BlobId>,
    row: RowChange,
    error: Option<String>,
    submissions: Vec<PackedSubmission>,
    signals_done: Vec<i64>,
    signals: Vec<(JobId, String)>,
    checkpoint: Option<Packed>,
    at: Timestamp,
}

impl PackedWrite {
    pub(super) fn of(write: JobWrite, at: Timestamp) -> Result<Self, serde_json::Error> {
        let mut blobs = codec::blobs_in(&write.events);
        for (_, bytes) in &write.chunks {
            blobs.extend(codec::blobs_in(bytes));
        }
        Ok(Self {
            job: write.job,
            seqs: (int(write.first_seq), int(write.last_seq)),
            events: (!write.events.is_empty()).then(|| codec::pack(write.events)),
            chunks: write.chunks.into_iter().map(|(id, bytes)| (id, codec::pack(bytes))).collect(),
            blobs,
            error: write.row.error.as_ref().map(serde_json::to_string).transpose()?,
            row: write.row,
            submissions: write.submissions.iter().map(PackedSubmission::of).collect::<Result<_, _>>()?,
            signals_done: write.signals_done.into_iter().map(int).collect(),
            signals: write
                .signals
                .iter()
                .map(|(job, signal)| Ok((*job, serde_json::to_string(signal)?)))
                .collect::<Result<_, serde_json::Error>>()?,
            checkpoint: write.checkpoint.map(codec::pack),
            at,
        })
    }

    /// What it adds to the file, about.
    pub(super) fn cost_bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|(_, body)| body.bytes.len()).sum();
        let submissions: usize = self.submissions.iter().map(|submission| submission.body.bytes.len()).sum();
        let one = |body: &Option<Packed>| body.as_ref().map_or(0, |body| body.bytes.len());
        one(&self.events) + one(&self.checkpoint) + chunks + submissions
    }
}

impl ShardTables {
    /// Carries out an append. Everything that may be refused is looked at before anything is written.
    pub(super) fn append(&mut self, write: &PackedWrite) -> Result<(), Failed> {
        self.leased()?;
        let foreign = write.signals.iter().map(|(job, _)| job).chain(write.submissions.iter().map(|one| &one.head.job));
        if let Some(job) = foreign.into_iter().find(|job| job.shard() != self.shard) {
            return Err(misuse(self.file(), format!("job {job} belongs to shard {}, not to this one", job.shard())));
        }
        let place = match write.job {
            Some(job) => Some(self.checked(job, write)?),
            None => None,
        };
        self.carry(place, write).map_err(Failed::undone)
    }

    fn carry(&mut self, place: Option<Place>, write: &PackedWrite) -> Result<(), Failed> {
        if let Some(place) = place {
            self.write_job(place, write)?;
        }
        for submission in &write.submissions {
            let state = if submission.head.concurrency.is_some() { State::Held } else { State::Queued };
            self.accept(&submission.head, submission.body.codec, &submission.body.bytes, write.at, state)?;
        }
        for (job, body) in &write.signals {
            match self.signal(*job, body)? {
                Kept::Yes => {}
                Kept::Unknown => tracing::warn!(%job, "a signal for a job that is not here was dropped"),
                Kept::Ended => tracing::debug!(%job, "a signal for an ended job was dropped"),
            }
        }
        Ok(())
    }

    /// Where the job is, if this is what comes next for it.
    fn checked(&self, job: JobId, write: &PackedWrite) -> Result<Place, Failed> {
        let place = self.place(job)?.ok_or(Error::NoJob(job))?;
        let (first, last) = write.seqs;
        let counts_fit = if write.events.is_some() { last >= first } else { last == first - 1 };
        if first != place.last_seq + 1 || !counts_fit {
            let detail = format!("job {job} is at event {}; events {first} to {last} cannot follow", place.last_seq);
            return Err(misuse(self.file(), detail));
        }
        // Ended; or its claim was undone, and what followed from it must not outlive it.
        if place.state != State::Running && (write.events.is_some() || write.row.state.is_some()) {
            let detail = format!("job {job} is {} and not running; nothing can follow", place.state.word());
            return Err(misuse(self.file(), detail));
        }
        Ok(place)
    }

    fn write_job(&mut self, place: Place, write: &PackedWrite) -> Result<(), Failed> {
        self.told.remove(&place.no);
        if let Some(events) = &write.events {
            self.journal(place.no, write.seqs, write.at, events.codec, &events.bytes)?;
        }
        for (id, body) in &write.chunks {
            self.db
                .prepare_cached("INSERT OR IGNORE INTO chunk (job, id, codec, body) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![place.no, id.0, body.codec, body.bytes])?;
        }
        self.use_blobs(place.no, &write.blobs)?;
        if let Some(body) = &write.checkpoint {
            self.db
                .prepare_cached("INSERT OR REPLACE INTO checkpoint (job, seq, codec, body) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![place.no, write.seqs.1, body.codec, body.bytes])?;
        }
        for no in &write.signals_done {
            let done = self
                .db
                .prepare_cached("DELETE FROM signal WHERE no = ?1 AND job = ?2")?
                .execute(params![no, place.no])?;
            self.signals -= i64::try_from(done).unwrap_or(0);
        }
        self.change_row(place, write)?;
        self.wrote();
        Ok(())
    }

    fn change_row(&mut self, place: Place, write: &PackedWrite) -> Result<(), Failed> {
        let row = &write.row;
        let state = row.state.unwrap_or(place.state);
        if state == place.state
            && row.due_at.is_none()
            && row.ended_at.is_none()
            && row.started_at.is_none()
            && write.error.is_none()
        {
            // The commonest case touches no index.
            self.db
                .prepare_cached("UPDATE job SET last_seq = ?2 WHERE no = ?1")?
                .execute(params![place.no, write.seqs.1])?;
            return Ok(());
        }
        // Retention goes by the time of the end, so an ended job always has one.
        let ended_at = row.ended_at.or(state.has_ended().then_some(write.at)).map(|at| at.0);
        self.db
            .prepare_cached(
                "UPDATE job SET last_seq = ?2, state = ?3, started_at = coalesce(?4, started_at),
                        ended_at = coalesce(?5, ended_at), due_at = iif(?6, ?7, due_at), error = coalesce(?8, error)
                 WHERE no = ?1",
            )?
            .execute(params![
                place.no,
                write.seqs.1,
                state.code(),
                row.started_at.map(|at| at.0),
                ended_at,
                row.due_at.is_some(),
                row.due_at.flatten().map(|at| at.0),
                write.error,
            ])?;
        self.recount(place.preset, Some(place.state), Some(state));
        if state.has_ended() && self.signals > 0 {
            // Nobody is left to carry them out.
            let dropped = self.db.prepare_cached("DELETE FROM signal WHERE job = ?1")?.execute([place.no])?;
            self.signals -= i64::try_from(dropped).unwrap_or(0);
        }
        Ok(())
    }
}
