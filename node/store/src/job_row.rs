//! A job's row as a line of a job list.

use flowork_ports::store::Error;
use flowork_protocol::id::{PresetId, StepId, VersionId};
use flowork_protocol::job::{State, Summary};
use flowork_protocol::{JobId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::codec::Head;
use crate::error::{Failed, unreadable};

/// What [`read`] reads, from `job`, `preset` and `source`.
pub(crate) const COLUMNS: &str = "job.no, job.id, preset.id, source.name, source.version, job.state, job.priority, job.trigger, \
     job.accepted_at, job.started_at, job.ended_at, job.due_at, job.last_seq, job.origin, job.parent, job.dry_run, job.error";
/// What belongs to a job's row, joined after `job` and in this order.
pub(crate) const JOINED: &str =
    "CROSS JOIN preset ON preset.no = job.preset CROSS JOIN source ON source.no = job.source";

/// The number and summary in a row of [`COLUMNS`].
pub(crate) fn read(file: &str, row: &Row<'_>) -> Result<(i64, Summary), Failed> {
    let state: i64 = row.get(5)?;
    let state = State::from_code(state).ok_or_else(|| unreadable(file, "a job's state", state))?;
    let error: Option<String> = row.get(16)?;
    let error = error
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|why| unreadable(file, "a job's error", why))?;
    let summary = Summary {
        id: JobId(row.get(1)?),
        preset: PresetId(row.get(2)?),
        name: row.get(3)?,
        version: VersionId(row.get(4)?),
        state,
        priority: row.get(6)?,
        trigger: row.get::<_, Option<String>>(7)?.map(StepId),
        accepted_at: Timestamp(row.get(8)?),
        started_at: row.get::<_, Option<i64>>(9)?.map(Timestamp),
        ended_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
        due_at: row.get::<_, Option<i64>>(11)?.map(Timestamp),
        last_seq: u64::try_from(row.get::<_, i64>(12)?).unwrap_or(0),
        origin: row.get::<_, Option<[u8; 16]>>(13)?.map(JobId),
        parent: row.get::<_, Option<[u8; 16]>>(14)?.map(JobId),
        dry_run: row.get(15)?,
        error,
    };
    Ok((row.get(0)?, summary))
}

/// One job of a shard.
pub(crate) fn find(file: &str, db: &Connection, job: JobId) -> Result<Option<(i64, Summary)>, Failed> {
    let mut query = db.prepare_cached(&format!("SELECT {COLUMNS} FROM job {JOINED} WHERE job.id = ?1"))?;
    let found = query.query_row([job.0], |row| Ok(read(file, row))).optional()?;
    found.transpose()
}

/// A job's number in its shard.
pub(crate) fn number(db: &Connection, job: JobId) -> Result<Option<i64>, Failed> {
    let mut query = db.prepare_cached("SELECT no FROM job WHERE id = ?1")?;
    Ok(query.query_row([job.0], |row| row.get(0)).optional()?)
}

/// A job that is accepted and not drained yet.
pub(crate) fn undrained(head: Head, accepted_at: Timestamp) -> Summary {
    Summary {
        id: head.job,
        preset: head.preset,
        name: head.name,
        version: head.version,
        state: State::Queued,
        priority: head.priority,
        trigger: head.trigger,
        accepted_at,
        started_at: None,
        ended_at: None,
        due_at: None,
        last_seq: 1,
        origin: head.replay.map(|replay| replay.origin),
        parent: head.parent.map(|(job, _)| job),
        dry_run: head.dry_run,
        error: None,
    }
}

/// Numbers in SQLite are signed; ours never come near the end.
pub(crate) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The way back from [`int`].
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// As an error of `file` that only happens when Flowork itself is wrong.
pub(crate) fn misuse(file: &str, detail: String) -> Failed {
    Failed::Refused(Error::Other { file: file.to_owned(), detail })
}
