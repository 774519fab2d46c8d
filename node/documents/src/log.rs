//! The log of a document: every edit in a row of its own, on disk before anyone is told that it was made.
//!
//! samod keeps the same edits in its own way, but cannot say when they are on disk, and replaces many rows by one. With
//! both there are two copies of every edit, so that one damaged row loses none. From time to time the log is shortened: a
//! base, the whole document in one row, takes the place of the edits before it.

use std::collections::BTreeMap;
use std::sync::Arc;

use automerge::{Automerge, Change, ChangeHash, ReadDoc};
use flowork_ports::documents::DocumentTable;
use flowork_ports::store;
use tracing::warn;

use crate::rows::{self, Row};

/// How many edits the log holds before a base takes their place.
pub(crate) const EDITS_MAX: u64 = 64;

/// The log of one document.
pub(crate) struct Log {
    table: Arc<dyn DocumentTable>,
    preset: String,
    /// The number of the last edit.
    last: u64,
    /// The number of the last edit that the base covers.
    base: u64,
    /// Every row that the next base makes superfluous.
    old: Vec<String>,
    /// What the log holds, as heads.
    heads: Vec<ChangeHash>,
}

impl Log {
    /// The log of a document that has none yet.
    pub(crate) fn new(table: Arc<dyn DocumentTable>, preset: &str) -> Self {
        Self { table, preset: preset.to_owned(), last: 0, base: 0, old: Vec::new(), heads: Vec::new() }
    }

    /// What the log holds, as heads.
    pub(crate) fn heads(&self) -> &[ChangeHash] {
        &self.heads
    }

    /// Keeps one edit that builds on nothing the log does not hold. On disk when this returns. After an error it is
    /// unknown whether the edit is there, so its actor must not be used for another one.
    pub(crate) async fn append(&mut self, change: &Change) -> Result<(), store::Error> {
        let key = format!("log/{}/{:016x}/change/{}", self.preset, self.last + 1, change.hash());
        self.table.put(&key, change.raw_bytes().to_vec()).await?;
        self.last += 1;
        self.old.push(key);
        self.heads.retain(|head| !change.deps().contains(head));
        self.heads.push(change.hash());
        self.heads.sort_unstable();
        Ok(())
    }

    /// Shortens the log when it has grown long. Nothing is lost when that fails; it is tried again after the next edit.
    pub(crate) async fn shorten(&mut self, doc: &Automerge) {
        if self.last - self.base < EDITS_MAX {
            return;
        }
        if let Err(error) = self.rebase(doc).await {
            warn!(preset = %self.preset, %error, "a document's log could not be shortened");
        }
    }

    /// Puts the whole document in the place of everything the log held.
    pub(crate) async fn rebase(&mut self, doc: &Automerge) -> Result<(), store::Error> {
        let heads = doc.get_heads();
        let listed: Vec<String> = heads.iter().map(ToString::to_string).collect();
        let place = format!("log/{}/{:016x}", self.preset, self.last);
        let rows = [format!("{place}/heads"), format!("{place}/base")];
        self.table.put(&rows[0], listed.join("\n").into_bytes()).await?;
        self.table.put(&rows[1], doc.save()).await?;
        self.base = self.last;
        self.heads = heads;
        for key in std::mem::replace(&mut self.old, rows.to_vec()) {
            if self.old.contains(&key) {
                continue;
            }
            if let Err(error) = self.table.delete(&key).await {
                warn!(preset = %self.preset, %error, "a superfluous row could not be removed");
                self.old.push(key);
            }
        }
        Ok(())
    }
}

/// A document put together from everything that can be read of it.
pub(crate) struct Recovered {
    /// The document.
    pub(crate) doc: Automerge,
    /// Its log.
    pub(crate) log: Log,
    /// samod's rows that hold nothing but what is in `doc`.
    pub(crate) samod: Vec<String>,
    /// Rows that are damaged. None of them holds an edit that is not in `doc`.
    pub(crate) damaged: Vec<String>,
    /// Whether `doc` holds edits that the log does not.
    pub(crate) ahead: bool,
}

/// Why a document cannot be put together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// The table cannot be read.
    #[error(transparent)]
    Table(#[from] store::Error),
    /// There is no document.
    #[error("nothing is stored")]
    Nothing,
    /// Edits are in no readable row.
    #[error("{}; nothing was removed, restore it from a backup", .0.join("; "))]
    Edits(Vec<String>),
    /// Putting it together stopped with a fault.
    #[error("reading it stopped with a fault")]
    Fault,
}

/// Reads everything there is of a document and checks that no committed edit is missing.
///
/// # Errors
/// When there is no document, or edits of it are lost.
pub(crate) async fn recover(table: Arc<dyn DocumentTable>, preset: &str) -> Result<Recovered, Lost> {
    let log = rows::read(&*table, &format!("log/{preset}/")).await?;
    let samod = rows::read(&*table, &format!("samod/{preset}/")).await?;
    let preset = preset.to_owned();
    // A damaged or hostile document may make Automerge panic, or take long: neither may hurt anyone else.
    tokio::task::spawn_blocking(move || assemble(Log::new(table, &preset), log, samod))
        .await
        .map_err(|_| Lost::Fault)?
}

/// The rows of a log, sorted by what they are.
#[derive(Default)]
struct Rows {
    bases: BTreeMap<u64, (String, Row)>,
    heads: BTreeMap<u64, Row>,
    changes: Vec<(u64, String, String, Row)>,
}

fn sort(rows: Vec<(String, Row)>) -> Rows {
    let mut sorted = Rows::default();
    for (key, row) in rows {
        let mut parts = key.split('/').skip(2);
        let number = parts.next().and_then(|digits| u64::from_str_radix(digits, 16).ok());
        match (number, parts.next(), parts.next()) {
            (Some(number), Some("base"), None) => drop(sorted.bases.insert(number, (key, row))),
            (Some(number), Some("heads"), None) => drop(sorted.heads.insert(number, row)),
            (Some(number), Some("change"), Some(hash)) => {
                let hash = hash.to_owned();
                sorted.changes.push((number, hash, key, row));
            }
            _ => warn!(%key, "a row of a document's log has a key that this Flowork does not know"),
        }
    }
    sorted
}

fn assemble(mut log: Log, log_rows: Vec<(String, Row)>, samod_rows: Vec<(String, Row)>) -> Result<Recovered, Lost> {
    if log_rows.is_empty() && samod_rows.is_empty() {
        return Err(Lost::Nothing);
    }
    log.old = log_rows.iter().map(|(key, _)| key.clone()).collect();
    let rows = sort(log_rows);
    let mut damaged = Vec::new();
    let mut doc = Automerge::new();
    let mut bad_bases = Vec::new();
    for (number, (key, row)) in rows.bases.iter().rev() {
        if let Some(base) = row.as_ref().ok().and_then(|bytes| whole(bytes)) {
            doc = base;
            log.base = *number;
            break;
        }
        damaged.push(key.clone());
        bad_bases.push(*number);
    }
    let (mut changes, mut bad_changes) = (Vec::new(), Vec::new());
    for (number, hash, key, row) in &rows.changes {
        let change = row.as_ref().ok().and_then(|bytes| single(bytes));
        match change.filter(|change| change.hash().to_string() == *hash) {
            Some(change) => changes.push(change),
            None => {
                damaged.push(key.clone());
                bad_changes.push((*number, hash));
            }
        }
    }
    apply(&mut doc, changes);
    let logged = doc.get_heads();
    let samod = add_samod(&mut doc, samod_rows, &mut damaged);
    let ahead = doc.get_heads() != logged;
    log.last = rows.changes.iter().map(|change| change.0).chain(rows.bases.keys().copied()).max().unwrap_or(0);
    log.heads = logged;

    let has = |hash: &str| hash.parse().is_ok_and(|hash| doc.get_change_by_hash(&hash).is_some());
    let mut lost = Vec::new();
    let mut covered = log.base;
    for number in bad_bases {
        let heads = rows.heads.get(&number).and_then(|row| row.as_ref().ok());
        let heads = heads.and_then(|bytes| std::str::from_utf8(bytes).ok()).filter(|text| !text.is_empty());
        if heads.is_some_and(|text| text.lines().all(has)) {
            covered = covered.max(number);
        } else {
            lost.push(format!("the row with everything up to edit {number} is damaged"));
        }
    }
    for (number, hash) in bad_changes {
        if number > covered && !has(hash) {
            lost.push(format!("edit {number} is damaged"));
        }
    }
    for number in covered + 1..=log.last {
        if !rows.changes.iter().any(|change| change.0 == number) {
            lost.push(format!("edit {number} is missing"));
        }
    }
    if lost.is_empty() && !doc.get_missing_deps(&[]).is_empty() {
        lost.push("it holds edits that build on edits which are missing".to_owned());
    }
    if lost.is_empty() && doc.get_heads().is_empty() {
        lost.push("nothing of it can be read".to_owned());
    }
    if lost.is_empty() { Ok(Recovered { doc, log, samod, damaged, ahead }) } else { Err(Lost::Edits(lost)) }
}

/// A document from one row, or nothing when the row is damaged, even in a way that makes Automerge panic.
fn whole(bytes: &[u8]) -> Option<Automerge> {
    std::panic::catch_unwind(|| Automerge::load(bytes)).ok()?.ok()
}

/// An edit from one row, likewise.
fn single(bytes: &[u8]) -> Option<Change> {
    std::panic::catch_unwind(|| Change::from_bytes(bytes.to_vec())).ok()?.ok()
}

/// Applies what can be applied; one edit that cannot does not stop the others.
fn apply(doc: &mut Automerge, changes: Vec<Change>) {
    let mut whole = doc.clone();
    if whole.apply_changes(changes.clone()).is_ok() {
        *doc = whole;
        return;
    }
    for change in changes {
        let hash = change.hash();
        if let Err(error) = doc.apply_changes([change]) {
            warn!(%hash, %error, "an edit could not be applied");
        }
    }
}

/// Adds what samod keeps; gives the keys of its good rows.
fn add_samod(doc: &mut Automerge, rows: Vec<(String, Row)>, damaged: &mut Vec<String>) -> Vec<String> {
    let mut good = Vec::new();
    for (key, row) in rows {
        let change = key.contains("/incremental/");
        let added = row.ok().and_then(|bytes| {
            if change {
                doc.apply_changes([single(&bytes)?]).ok()
            } else {
                doc.merge(&mut whole(&bytes)?).ok().map(drop)
            }
        });
        match added {
            Some(()) => good.push(key),
            None => damaged.push(key),
        }
    }
    good
}
