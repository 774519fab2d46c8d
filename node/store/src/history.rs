//! Reading what a shard holds of one job.

use flowork_ports::store::Error;
use flowork_protocol::command::Signal;
use flowork_protocol::event::Event;
use flowork_protocol::id::ChunkId;
use flowork_protocol::{JobId, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::codec;
use crate::error::{Failed, unreadable};
use crate::job_row::{self, int, unsigned};

/// Rows of a history after event `?2`. A batch that holds both sides of it is among them.
const ROWS_AFTER: &str = "SELECT first_seq, last_seq, at, codec, body FROM journal
     WHERE job = ?1 AND last_seq > ?2
       AND first_seq >= coalesce((SELECT max(first_seq) FROM journal WHERE job = ?1 AND first_seq <= ?2 + 1), 0)
     ORDER BY first_seq";

/// The newest checkpoint, and the event it was made after. One that is damaged counts as none: all events are there.
pub(crate) fn checkpoint(file: &str, db: &Connection, job: i64) -> Result<Option<(u64, Vec<u8>)>, Failed> {
    let mut query = db.prepare_cached("SELECT seq, codec, body FROM checkpoint WHERE job = ?1")?;
    let found: Option<(i64, i64, Vec<u8>)> =
        query.query_row([job], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let Some((seq, codec, body)) = found else { return Ok(None) };
    match codec::unpack(codec, &body) {
        Ok(bytes) => Ok(Some((unsigned(seq), bytes.into_owned()))),
        Err(error) => {
            tracing::warn!(file, job, %error, "a checkpoint is damaged; all events are read instead");
            Ok(None)
        }
    }
}

/// The batch with event 1.
pub(crate) fn first_batch(file: &str, db: &Connection, job: i64) -> Result<Option<Vec<u8>>, Failed> {
    let mut query = db.prepare_cached("SELECT at, codec, body FROM journal WHERE job = ?1 AND first_seq = 1")?;
    let found: Option<(i64, i64, Vec<u8>)> =
        query.query_row([job], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    Ok(found.map(|(at, codec, body)| codec::batch(file, codec, Timestamp(at), &body)).transpose()?)
}

/// The batches that hold events after `after`.
pub(crate) fn batches(file: &str, db: &Connection, job: i64, after: u64) -> Result<Vec<Vec<u8>>, Failed> {
    let mut batches = Vec::new();
    let mut query = db.prepare_cached(ROWS_AFTER)?;
    let mut rows = query.query(params![job, int(after)])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(4)?.as_blob().map_err(|error| unreadable(file, "a batch of events", error))?;
        batches.push(codec::batch(file, row.get(3)?, Timestamp(row.get(2)?), body)?);
    }
    Ok(batches)
}

/// Events after `after`, in order: whole batches until there are `max`.
pub(crate) fn events(file: &str, db: &Connection, job: i64, after: u64, max: usize) -> Result<Vec<Event>, Failed> {
    let mut events = Vec::new();
    let mut query = db.prepare_cached(ROWS_AFTER)?;
    let mut rows = query.query(params![job, int(after)])?;
    while events.len() < max
        && let Some(row) = rows.next()?
    {
        let body = row.get_ref(4)?.as_blob().map_err(|error| unreadable(file, "a batch of events", error))?;
        let batch = codec::events(file, row.get(3)?, Timestamp(row.get(2)?), body)?;
        events.extend(batch.into_iter().filter(|event| event.seq > after));
    }
    Ok(events)
}

/// Signals not carried out, oldest first.
pub(crate) fn signals(file: &str, db: &Connection, job: i64) -> Result<Vec<(u64, Signal)>, Failed> {
    let mut query = db.prepare_cached("SELECT no, body FROM signal WHERE job = ?1 ORDER BY no")?;
    let rows = query.query_map([job], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (no, body) = row?;
        let signal = serde_json::from_str(&body).map_err(|error| unreadable(file, "a signal", error))?;
        Ok((unsigned(no), signal))
    })
    .collect()
}

/// Chunks of one job, in the order asked for; those that are not there are left out.
pub(crate) fn chunks(
    file: &str, db: &Connection, job: JobId, ids: &[ChunkId],
) -> Result<Vec<(ChunkId, Vec<u8>)>, Failed> {
    let no = job_row::number(db, job)?.ok_or(Error::NoJob(job))?;
    let mut found = Vec::with_capacity(ids.len());
    let mut query = db.prepare_cached("SELECT codec, body FROM chunk WHERE job = ?1 AND id = ?2")?;
    for id in ids {
        let row: Option<(i64, Vec<u8>)> =
            query.query_row(params![no, id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if let Some((codec, body)) = row {
            found.push((*id, codec::chunk(file, *id, codec, &body)?));
        }
    }
    Ok(found)
}
