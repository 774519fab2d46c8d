//! Lists of jobs: filters, order, pages.
//!
//! The order is (accepted at, job id), newest first. It does not change while a job moves from an inbox into its shard or
//! from state to state, so a page always goes on where the one before ended.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use flowork_ports::store::{Error, FileHealth, Query};
use flowork_protocol::job::{State, Summary};
use flowork_protocol::{JobId, ShardNo};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::codec::Head;
use crate::error::{Failed, unreadable};
use crate::inboxes::{self, Cursors, cursor};
use crate::job_row::{self, COLUMNS, JOINED};
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

/// A way to the jobs of a list that reads them newest first and stops when there are enough. The index is named: chosen by
/// SQLite, some queries would sort all jobs.
struct Way {
    index: &'static str,
    condition: String,
}

/// The ways that together lead to every job that a query can mean.
fn ways(db: &Connection, query: &Query) -> Result<Vec<Way>, Failed> {
    let way = |index, condition: String| Way { index, condition };
    if query.parent.is_some() {
        return Ok(vec![way("job_parent", "job.parent IS NOT NULL".to_owned())]);
    }
    if !query.states.is_empty() && !query.states.contains(&State::Succeeded) {
        let states = query
            .states
            .iter()
            .map(|state| way("job_state", format!("job.state = {} AND job.state <> 6", state.code())));
        return Ok(states.collect());
    }
    if let Some(preset) = &query.preset {
        let mut presets =
            db.prepare_cached("SELECT no FROM preset WHERE id = ?1 UNION SELECT preset FROM source WHERE name = ?1")?;
        let presets = presets.query_map([preset], |row| row.get::<_, i64>(0))?;
        return presets.map(|no| Ok(way("job_preset", format!("job.preset = {}", no?)))).collect();
    }
    Ok(vec![way("job_accepted", "1".to_owned())])
}

/// The conditions of a query as SQL, with their values.
fn conditions(query: &Query, after: Option<Key>) -> (String, Vec<Value>) {
    let mut sql = String::new();
    let mut values = Vec::new();
    let mut add = |condition: &str, new: Vec<Value>| {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.extend(new);
    };
    if !query.states.is_empty() {
        let codes: Vec<String> = query.states.iter().map(|state| state.code().to_string()).collect();
        add(&format!("job.state IN ({})", codes.join(", ")), Vec::new());
    }
    if let Some(preset) = &query.preset {
        add("(preset.id = ? OR source.name = ?)", vec![preset.clone().into(), preset.clone().into()]);
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
        let place = vec![after.at.into(), after.at.into(), after.id.0.to_vec().into()];
        add("job.accepted_at <= ? AND (job.accepted_at < ? OR job.id < ?)", place);
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

/// The newest `max` jobs of a shard that fit, perhaps more, in no order.
pub(crate) fn newest(
    file: &str, db: &Connection, query: &Query, after: Option<Key>, max: usize,
) -> Result<Vec<Summary>, Failed> {
    let (conditions, values) = conditions(query, after);
    let mut found = Vec::new();
    for way in ways(db, query)? {
        let mut statement = db.prepare_cached(&newest_sql(&way, &conditions, max))?;
        let mut rows = statement.query(params_from_iter(&values))?;
        while let Some(row) = rows.next()? {
            found.push(job_row::read(file, row)?.1);
        }
    }
    Ok(found)
}

fn newest_sql(way: &Way, conditions: &str, max: usize) -> String {
    let Way { index, condition } = way;
    format!(
        "SELECT {COLUMNS} FROM job INDEXED BY {index} {JOINED} WHERE {condition}{conditions}
         ORDER BY job.accepted_at DESC, job.id DESC LIMIT {max}"
    )
}

/// Those of the jobs with these numbers that fit.
pub(crate) fn among(
    file: &str, db: &Connection, query: &Query, after: Option<Key>, numbers: &[i64],
) -> Result<Vec<Summary>, Failed> {
    let (conditions, values) = conditions(query, after);
    let mut statement =
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM job {JOINED} WHERE job.no = ?{conditions}"))?;
    let mut found = Vec::new();
    for no in numbers {
        let values = [Value::from(*no)].into_iter().chain(values.iter().cloned());
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
            let problem = problems.get(&name).cloned().or_else(|| {
                file::looks_wrong(&path).map(|why| {
                    let hint = if name == SEARCH { "it is made anew" } else { "restore it from a backup" };
                    format!("{name} {why}; {hint}")
                })
            });
            FileHealth { bytes: file::bytes_on_disk(&path), problem, file: name }
        })
        .collect()
}

/// Bytes free on the disk that holds `dir`, for this user; 0 when the system does not say.
pub(crate) fn free_bytes(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_list_sorts_all_jobs() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create_or_open_with(dir.path(), 1).unwrap();
        let db = file::open_reader(&layout.dir().join("shards/00.db")).unwrap();
        let some = |states: &[State], preset: Option<&str>| Query {
            states: states.to_vec(),
            preset: preset.map(str::to_owned),
            ..Query::default()
        };
        let queries =
            [some(&[], None), some(&[State::Succeeded], None), some(&[State::Failed, State::Running], Some("orders"))];
        let after = Some(Key { at: 7, id: JobId([0; 16]) });
        for query in queries {
            let (conditions, values) = conditions(&query, after);
            for way in ways(&db, &query)
                .unwrap()
                .into_iter()
                .chain([Way { index: "job_preset", condition: "job.preset = 1".into() }])
            {
                let sql = format!("EXPLAIN QUERY PLAN {}", newest_sql(&way, &conditions, 9));
                let mut statement = db.prepare(&sql).unwrap();
                let rows = statement.query_map(params_from_iter(&values), |row| row.get::<_, String>(3)).unwrap();
                let plan = rows.collect::<Result<Vec<_>, _>>().unwrap();
                assert!(plan[0].contains(way.index), "{plan:?}");
                assert!(!plan.iter().any(|step| step == "USE TEMP B-TREE FOR ORDER BY"), "{plan:?}");
            }
        }
    }
}
