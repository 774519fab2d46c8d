//! Lists of jobs: filters, order, pages.
//!
//! The order is (accepted at, job id), newest first. It does not change while a job moves from an inbox into its shard or
//! from state to state, so a page always goes on where the one before ended.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use flowork_ports::store::{Error, FileHealth, Query};
use flowork_protocol::job::Summary;
use flowork_protocol::{JobId, ShardNo};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::codec::Head;
use crate::error::{Failed, unreadable};
use crate::inboxes::{self, Cursors, cursor};
use crate::job_row::{self, COLUMNS, TABLES};
use crate::layout::{Layout, SEARCH};
use crate::{file, inbox};

/// Submissions of one inbox and shard that are looked through for one page.
const LOOKED_THROUGH_MAX: usize = 10_000;

/// Where a job stands in the order of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    at: i64,
    id: JobId,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at, self.id)
    }
}

impl Key {
    /// Of a job.
    pub(crate) fn of(job: &Summary) -> Self {
        Self { at: job.accepted_at.0, id: job.id }
    }

    /// From the `next` of a page.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        text.split_once('.').and_then(|(at, id)| Some(Self { at: at.parse().ok()?, id: id.parse().ok()? })).ok_or_else(
            || Error::Other {
                file: "after".to_owned(),
                detail: format!("`{text}` is not where a page ends; pass the `next` of the page before"),
            },
        )
    }
}

/// The conditions of a query as SQL, with their values.
fn conditions(query: &Query, after: Option<Key>) -> (String, Vec<Value>) {
    let mut sql = String::from("1");
    let mut values = Vec::new();
    let mut add = |condition: &str, new: Vec<Value>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.extend(new);
    };
    if !query.states.is_empty() {
        let codes: Vec<String> = query.states.iter().map(|state| state.code().to_string()).collect();
        add(&format!("job.state IN ({})", codes.join(", ")), Vec::new());
        if !query.states.iter().any(|state| state.code() == 6) {
            // Said for the partial index.
            add("job.state <> 6", Vec::new());
        }
    }
    if let Some(preset) = &query.preset {
        let name = || Value::from(preset.clone());
        add(
            "job.preset IN (SELECT no FROM preset WHERE id = ? UNION SELECT preset FROM source WHERE name = ?)
             AND (preset.id = ? OR source.name = ?)",
            vec![name(), name(), name(), name()],
        );
    }
    if let Some(since) = query.since {
        add("job.accepted_at >= ?", vec![since.0.into()]);
    }
    if let Some(until) = query.until {
        add("job.accepted_at < ?", vec![until.0.into()]);
    }
    if let Some(parent) = query.parent {
        add("job.parent = ?", vec![parent.0.to_vec().into()]);
    }
    if let Some(after) = after {
        add(
            "job.accepted_at <= ? AND (job.accepted_at < ? OR job.id < ?)",
            vec![after.at.into(), after.at.into(), after.id.0.to_vec().into()],
        );
    }
    (sql, values)
}

/// Whether a job that is not drained yet belongs to the list.
fn fits(query: &Query, after: Option<Key>, job: &Summary) -> bool {
    (query.states.is_empty() || query.states.contains(&job.state))
        && query.preset.as_ref().is_none_or(|preset| *preset == job.preset.0 || *preset == job.name)
        && query.since.is_none_or(|since| job.accepted_at >= since)
        && query.until.is_none_or(|until| job.accepted_at < until)
        && query.parent.is_none_or(|parent| job.parent == Some(parent))
        && after.is_none_or(|after| Key::of(job) < after)
}

/// The newest `max` jobs of a shard that fit.
pub(crate) fn newest(
    file: &str, db: &Connection, query: &Query, after: Option<Key>, max: usize,
) -> Result<Vec<Summary>, Failed> {
    let (conditions, values) = conditions(query, after);
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE {conditions} ORDER BY job.accepted_at DESC, job.id DESC LIMIT {max}"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(job_row::read(file, row)?.1);
    }
    Ok(found)
}

/// Those of the jobs with these numbers that fit.
pub(crate) fn among(
    file: &str, db: &Connection, query: &Query, after: Option<Key>, numbers: &[i64],
) -> Result<Vec<Summary>, Failed> {
    let (conditions, values) = conditions(query, after);
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE {conditions} AND job.no = ?"))?;
    let mut found = Vec::new();
    for no in numbers {
        let values = values.iter().cloned().chain([Value::from(*no)]);
        let mut rows = statement.query(params_from_iter(values))?;
        if let Some(row) = rows.next()? {
            found.push(job_row::read(file, row)?.1);
        }
    }
    Ok(found)
}

/// Those of the jobs that the shard has, or has had and forgotten.
pub(crate) fn known(db: &Connection, jobs: &[JobId]) -> Result<Vec<JobId>, Failed> {
    let mut query = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM job WHERE id = ?1) OR EXISTS (SELECT 1 FROM seen WHERE id = ?1)",
    )?;
    let mut found = Vec::new();
    for job in jobs {
        if query.query_row([job.0], |row| row.get(0))? {
            found.push(*job);
        }
    }
    Ok(found)
}

/// Whether a job was here and was forgotten, its key remembered.
pub(crate) fn is_gone(db: &Connection, job: JobId) -> Result<bool, Failed> {
    let mut query = db.prepare_cached("SELECT 1 FROM seen WHERE id = ?1")?;
    Ok(query.query_row([job.0], |_| Ok(())).optional()?.is_some())
}

/// The newest `max` submissions in one inbox that no shard has drained and that fit.
pub(crate) fn newest_undrained(
    file: &str, db: &Connection, inbox: &str, cursors: &BTreeMap<ShardNo, Cursors>, query: &Query, after: Option<Key>,
    max: usize,
) -> Result<Vec<Summary>, Failed> {
    let (incarnation, _) = inboxes::meta(db)?;
    let upto = after.map_or(i64::MAX, |after| after.at);
    let mut found = Vec::new();
    for (shard, cursors) in cursors {
        let cursor = cursor(cursors, inbox, incarnation);
        let entries = inbox::newest(db, *shard, cursor, upto, LOOKED_THROUGH_MAX.max(max))?;
        let mut taken = 0;
        for entry in entries {
            let head = Head::read(entry.head.as_deref(), &entry.body)
                .map_err(|error| unreadable(file, "a submission", error))?;
            let job = job_row::undrained(head, flowork_protocol::Timestamp(entry.at));
            if fits(query, after, &job) {
                found.push(job);
                taken += 1;
            }
            if taken == max {
                break;
            }
        }
    }
    Ok(found)
}

/// How many submissions in one inbox no shard has drained.
pub(crate) fn count_undrained(
    db: &Connection, inbox: &str, cursors: &BTreeMap<ShardNo, Cursors>,
) -> Result<u64, Failed> {
    let (incarnation, _) = inboxes::meta(db)?;
    // Answered from the index over submissions alone.
    let mut query = db.prepare_cached("SELECT id FROM entry INDEXED BY entry_job WHERE kind = 0")?;
    let mut rows = query.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (shard, seq) = inboxes::split_id(row.get(0)?);
        count += u64::from(seq > cursors.get(&shard).map_or(0, |cursors| cursor(cursors, inbox, incarnation)));
    }
    Ok(count)
}

/// Every file of the store and how it is.
pub(crate) fn files(layout: &Layout, problems: &BTreeMap<String, String>) -> Vec<FileHealth> {
    let mut files: Vec<_> = layout.files().into_iter().map(|(name, path, _)| (name, path)).collect();
    files.push((SEARCH.to_owned(), layout.dir().join(SEARCH)));
    files
        .into_iter()
        .map(|(name, path)| {
            let problem =
                problems.get(&name).cloned().or_else(|| (!path.exists()).then(|| "the file is gone".to_owned()));
            FileHealth { bytes: file::bytes_on_disk(&path), problem, file: name }
        })
        .collect()
}

/// Bytes free on the disk that holds `dir`, for this user; 0 when the system does not say.
pub(crate) fn free_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}
