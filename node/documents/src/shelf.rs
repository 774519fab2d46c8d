//! The shelf: where samod keeps its rows.
//!
//! samod's `put` returns nothing, and it removes rows that later ones replace. So a put that fails must never return: the
//! process is reported as failed and ends, and nothing is replaced by what is not there. samod also passes over rows that
//! it cannot read and later removes them; it is only ever shown documents that were put together and checked before.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flowork_ports::documents::DocumentTable;
use flowork_ports::store;
use samod::storage::{Storage, StorageKey};
use tokio::sync::RwLock;
use tracing::warn;

/// How often a put is tried while the table is busy.
const BUSY_TRIES_MAX: u32 = 100;
/// The pause between two such tries.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// The last part of the key under which samod is shown a checked document. There is no such row.
const CHECKED: &str = "checked";

/// Told once, with the reason, when the process must end.
pub(crate) type OnFatal = Arc<dyn Fn(String) + Send + Sync>;

/// A checked document on its way to samod.
struct Checked {
    bytes: Vec<u8>,
    rows: Vec<String>,
}

#[derive(Default)]
struct State {
    /// Documents that samod may load now.
    checked: HashMap<String, Checked>,
    /// Rows that are on disk and good, so that samod need not write them again when it has loaded a document.
    stored: HashSet<String>,
    /// Documents that are gone: nothing of them is written any more.
    gone: HashSet<String>,
}

/// The storage of one samod repository.
#[derive(Clone)]
pub(crate) struct Shelf {
    table: Arc<dyn DocumentTable>,
    state: Arc<Mutex<State>>,
    /// Held for reading by puts that are under way, so that who takes a document away can wait for them.
    writing: Arc<RwLock<()>>,
    on_fatal: OnFatal,
}

impl Shelf {
    pub(crate) fn new(table: Arc<dyn DocumentTable>, on_fatal: OnFatal) -> Self {
        Self { table, state: Arc::default(), writing: Arc::default(), on_fatal }
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets samod load a document: `bytes` are all of it, `rows` are samod's own rows, which hold nothing else.
    pub(crate) fn show(&self, preset: &str, bytes: Vec<u8>, rows: Vec<String>) {
        self.state(|state| {
            state.stored.extend(rows.iter().cloned());
            state.checked.insert(preset.to_owned(), Checked { bytes, rows });
        });
    }

    /// Forgets the bytes that were shown, once samod has loaded them.
    pub(crate) fn shown(&self, preset: &str) {
        self.state(|state| drop(state.checked.remove(preset)));
    }

    /// Writes nothing more of a document. When this returns, no put of it is under way.
    pub(crate) async fn forget(&self, preset: &str) {
        self.state(|state| state.gone.insert(preset.to_owned()));
        drop(self.writing.write().await);
    }

    async fn keep(&self, row: &str, data: Vec<u8>) -> Result<(), store::Error> {
        let _writing = self.writing.read().await;
        let preset = row.split('/').nth(1).unwrap_or_default();
        if self.state(|state| state.gone.contains(preset) || state.stored.contains(row)) {
            return Ok(());
        }
        let mut tries = 0;
        loop {
            tries += 1;
            match self.table.put(row, data.clone()).await {
                Err(store::Error::Busy(_)) if tries < BUSY_TRIES_MAX => tokio::time::sleep(BUSY_PAUSE).await,
                other => return other,
            }
        }
    }
}

fn row(key: &StorageKey) -> String {
    format!("samod/{key}")
}

impl Storage for Shelf {
    async fn load(&self, key: StorageKey) -> Option<Vec<u8>> {
        let row = row(&key);
        self.table.load(&row).await.unwrap_or_else(|error| {
            warn!(%row, %error, "a row cannot be read");
            None
        })
    }

    async fn load_range(&self, prefix: StorageKey) -> HashMap<StorageKey, Vec<u8>> {
        let parts: Vec<String> = prefix.into_iter().collect();
        let [preset, kind] = parts.as_slice() else { return HashMap::new() };
        self.state(|state| {
            let Some(checked) = state.checked.get(preset) else { return HashMap::new() };
            let start = format!("samod/{preset}/{kind}/");
            // The whole document comes under a key of its own. samod's rows come empty: it learns that they are there,
            // and removes them when it has written one that replaces them.
            let names = checked.rows.iter().filter_map(|row| row.strip_prefix(&start));
            let mut shown: HashMap<StorageKey, Vec<u8>> = names
                .filter_map(|name| Some((StorageKey::from_parts([preset, kind, name]).ok()?, Vec::new())))
                .collect();
            if kind == "snapshot"
                && let Ok(key) = StorageKey::from_parts([preset, kind, CHECKED])
            {
                shown.insert(key, checked.bytes.clone());
            }
            shown
        })
    }

    async fn put(&self, key: StorageKey, data: Vec<u8>) {
        let row = row(&key);
        if let Err(error) = self.keep(&row, data).await {
            (self.on_fatal)(format!(
                "a document's change could not be kept ({error}); the docs role ends, so that nothing is replaced by what \
                 is not on disk"
            ));
            std::future::pending::<()>().await;
        }
        self.state(|state| state.stored.insert(row));
    }

    async fn delete(&self, key: StorageKey) {
        let row = row(&key);
        if row.ends_with(CHECKED) {
            return;
        }
        self.state(|state| state.stored.remove(&row));
        if let Err(error) = self.table.delete(&row).await {
            warn!(%row, %error, "a superfluous row could not be removed");
        }
    }
}
