//! Two jobs side by side, step by step.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{JobView, RunView};
use crate::event::Run;
use crate::item::List;

/// A duration counts as different when one is this many times the other …
const DURATION_FACTOR: u64 = 2;
/// … and they are at least this far apart.
const DURATION_US_MIN: u64 = 1_000;
/// The most items of one list that are reported as different; the rest is counted.
const ITEMS_SHOWN_MAX: usize = 20;

/// One thing that is not the same in two jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Difference {
    /// The run, as `step` or `step[2]`; none for the job as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    /// What is different.
    pub kind: Kind,
    /// The output port, where one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The item, counted from 0, or the variable's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// In the first job; null when it is not there.
    pub before: Value,
    /// In the second job; null when it is not there.
    pub after: Value,
}

/// What is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DifferenceKind")]
pub enum Kind {
    /// The version that ran.
    Version,
    /// A variable that the job was given.
    Variable,
    /// The job's input.
    Input,
    /// Where the job stands.
    State,
    /// Only one of the jobs has this run.
    Run,
    /// How the run is.
    Status,
    /// Why it failed.
    Error,
    /// How many items came in.
    ItemsIn,
    /// How many items came out of a port.
    ItemsOut,
    /// One item's value.
    Item,
    /// Further items that differ; `before` and `after` count them.
    MoreItems,
    /// The lists are kept in different chunks and were not read, so their items may differ.
    ItemsUnread,
    /// What the step says that it did.
    Note,
    /// How long it took, in microseconds: at least twice as long, and a millisecond apart.
    Duration,
    /// How many tries it took.
    Attempts,
}

/// What is not the same in two jobs, the job as a whole first, then run by run in the order in which they began.
///
/// Lists are compared by value where both are in place, and by their chunks' hashes otherwise; give views whose lists were
/// read into place to compare everything by value.
#[must_use]
pub fn diff(before: &JobView, after: &JobView) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    found.whole_job(before, after);
    let mut seen = BTreeSet::new();
    for (run, _) in before.runs_in_order().into_iter().chain(after.runs_in_order()) {
        if !seen.insert(run) {
            continue;
        }
        match (before.runs.get(run), after.runs.get(run)) {
            (Some(one), Some(other)) => found.one_run(run, one, other),
            (one, other) => {
                let word = |view: Option<&RunView>| view.map_or(Value::Null, |view| json!(view.status));
                found.add(Some(run), Kind::Run, None, None, word(one), word(other));
            }
        }
    }
    found.0
}

struct Found(Vec<Difference>);

impl Found {
    fn add(
        &mut self, run: Option<&Run>, kind: Kind, port: Option<&str>, place: Option<String>, before: Value,
        after: Value,
    ) {
        let (run, port) = (run.cloned(), port.map(str::to_owned));
        self.0.push(Difference { run, kind, port, place, before, after });
    }

    fn unequal<T: PartialEq + Serialize>(&mut self, run: Option<&Run>, kind: Kind, before: &T, after: &T) {
        if before != after {
            self.add(run, kind, None, None, json!(before), json!(after));
        }
    }

    fn whole_job(&mut self, before: &JobView, after: &JobView) {
        if let (Some(one), Some(other)) = (&before.submission, &after.submission) {
            self.unequal(None, Kind::Version, &one.version, &other.version);
            let names: BTreeSet<_> = one.variables.keys().chain(other.variables.keys()).collect();
            for name in names {
                let (value, changed) = (one.variables.get(name), other.variables.get(name));
                if value != changed {
                    self.add(None, Kind::Variable, None, Some(name.clone()), json!(value), json!(changed));
                }
            }
            if one.input != other.input {
                self.add(None, Kind::Input, None, None, json!(one.input.len()), json!(other.input.len()));
            }
        }
        self.unequal(None, Kind::State, &before.state, &after.state);
        self.unequal(None, Kind::Error, &before.error, &after.error);
    }

    fn one_run(&mut self, run: &Run, before: &RunView, after: &RunView) {
        self.unequal(Some(run), Kind::Status, &before.status, &after.status);
        self.unequal(Some(run), Kind::Error, &before.error, &after.error);
        self.unequal(Some(run), Kind::ItemsIn, &before.items_in, &after.items_in);
        let ports: BTreeSet<_> = before.ports.keys().chain(after.ports.keys()).collect();
        for port in ports {
            let none = List::empty();
            let one = before.ports.get(port).map_or(&none, |emitted| &emitted.items);
            let other = after.ports.get(port).map_or(&none, |emitted| &emitted.items);
            self.lists(run, port, one, other);
        }
        self.unequal(Some(run), Kind::Note, &before.note, &after.note);
        // A result that was kept from another job has no tries of its own.
        if before.source.is_none() && after.source.is_none() {
            self.unequal(Some(run), Kind::Attempts, &before.attempts.len(), &after.attempts.len());
            self.duration(run, before.took_us, after.took_us);
        }
    }

    fn duration(&mut self, run: &Run, before: Option<u64>, after: Option<u64>) {
        let (Some(one), Some(other)) = (before, after) else { return };
        let (less, more) = (one.min(other), one.max(other));
        if more - less >= DURATION_US_MIN && more >= less.saturating_mul(DURATION_FACTOR) {
            self.add(Some(run), Kind::Duration, None, None, json!(one), json!(other));
        }
    }

    fn lists(&mut self, run: &Run, port: &str, before: &List, after: &List) {
        if before.len() != after.len() {
            self.add(Some(run), Kind::ItemsOut, Some(port), None, json!(before.len()), json!(after.len()));
        }
        let (List::Inline(ones), List::Inline(others)) = (before, after) else {
            // Chunks are named by what they hold: the same references are the same items.
            if before != after && !(before.is_empty() && after.is_empty()) {
                self.add(Some(run), Kind::ItemsUnread, Some(port), None, json!(before.len()), json!(after.len()));
            }
            return;
        };
        let mut left_out = 0_u64;
        let mut shown = 0;
        for place in 0..ones.len().max(others.len()) {
            let (one, other) = (ones.get(place), others.get(place));
            if one == other {
                continue;
            }
            if shown == ITEMS_SHOWN_MAX {
                left_out += 1;
                continue;
            }
            shown += 1;
            self.add(Some(run), Kind::Item, Some(port), Some(place.to_string()), json!(one), json!(other));
        }
        if left_out > 0 {
            self.add(Some(run), Kind::MoreItems, Some(port), None, json!(left_out), json!(left_out));
        }
    }
}
