//! What expressions see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flowork_ports::component::Call;
use flowork_protocol::{BlobRef, Item};
use serde_json::{Map, Value, json};

/// Tells calls apart, so that what was converted for one is never shown to another.
static SESSIONS: AtomicU64 = AtomicU64::new(1);

/// All evaluations of one call.
pub(crate) struct Session<'a> {
    call: &'a Call,
    items: &'a [Arc<Item>],
    token: u64,
}

impl<'a> Session<'a> {
    /// Expressions over the items of port `in`.
    pub(crate) fn new(call: &'a Call) -> Self {
        Self::over(call, call.input("in"))
    }

    /// Expressions over other items.
    pub(crate) fn over(call: &'a Call, items: &'a [Arc<Item>]) -> Self {
        Self { call, items, token: SESSIONS.fetch_add(1, Ordering::Relaxed) }
    }

    /// The scope of item `index`.
    pub(crate) fn at(&self, index: usize) -> Scope<'_> {
        Scope { session: self, index }
    }

    /// The scope for what is said once per run: it sees the first item, if there is one.
    pub(crate) fn once(&self) -> Scope<'_> {
        self.at(0)
    }
}

/// What one evaluation sees.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    session: &'a Session<'a>,
    index: usize,
}

impl<'a> Scope<'a> {
    pub(crate) fn call(&self) -> &'a Call {
        self.session.call
    }

    pub(crate) fn items(&self) -> &'a [Arc<Item>] {
        self.session.items
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn item(&self) -> Option<&'a Arc<Item>> {
        self.session.items.get(self.index)
    }

    /// The scope of another item of the same call.
    pub(super) fn moved_to(&self, index: usize) -> Self {
        Self { index, ..*self }
    }

    pub(super) fn token(&self) -> u64 {
        self.session.token
    }

    /// `$now` as ISO text, the way `Date.prototype.toISOString` writes it.
    pub(super) fn now_iso(&self) -> String {
        iso(self.session.call.now.0)
    }
}

/// Milliseconds since the epoch as ISO 8601 in UTC with milliseconds.
pub(super) fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| format!("{time:.3}"))
}

/// An item as expressions see it.
pub(crate) fn item_value(item: &Item) -> Value {
    json!({ "json": item.json, "files": files_value(&item.files) })
}

/// The files of an item as expressions see them.
pub(super) fn files_value(files: &BTreeMap<String, BlobRef>) -> Value {
    let map: Map<String, Value> =
        files.iter().map(|(name, file)| (name.clone(), serde_json::to_value(file).unwrap_or_default())).collect();
    Value::Object(map)
}
