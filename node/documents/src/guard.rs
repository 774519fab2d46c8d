//! Documents that end the process when they are loaded.
//!
//! While a document is being loaded a row says so. Two processes in a row that ended with that row in place set the
//! document aside, for longer each time, and all others go on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use flowork_ports::documents::{DocumentTable, Error};
use flowork_ports::store;
use flowork_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::rows;

/// How many processes may end while they load the same document before it is set aside.
const ENDS_MAX: u32 = 2;
/// How long a document is set aside the first time; twice as long each further time.
const ASIDE_MS: u64 = 10 * 60 * 1_000;
/// The most often that the time is doubled.
const DOUBLINGS_MAX: u32 = 10;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Opening {
    ends: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Aside {
    why: String,
    until: Timestamp,
    times: u32,
}

#[derive(Default)]
struct State {
    /// How many processes ended in the middle of loading a document.
    ends: HashMap<String, u32>,
    aside: HashMap<String, Aside>,
}

/// Watches over loading.
pub(crate) struct Guard {
    table: Arc<dyn DocumentTable>,
    state: Mutex<State>,
}

impl Guard {
    /// Reads what earlier processes left. Rows that cannot be read count as not there.
    pub(crate) async fn load(table: Arc<dyn DocumentTable>) -> Result<Self, store::Error> {
        let mut state = State::default();
        for (preset, opening) in read::<Opening>(&*table, "opening/").await? {
            state.ends.insert(preset, opening.ends);
        }
        for (preset, aside) in read::<Aside>(&*table, "aside/").await? {
            state.aside.insert(preset, aside);
        }
        Ok(Self { table, state: Mutex::new(state) })
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// To be called before a document is loaded.
    ///
    /// # Errors
    /// When it is set aside.
    pub(crate) async fn enter(&self, preset: &str, now: Timestamp) -> Result<(), Error> {
        let (ends, aside) = self.state(|state| (state.ends.get(preset).copied(), state.aside.get(preset).cloned()));
        if let Some(aside) = aside.as_ref().filter(|aside| aside.until > now) {
            return Err(Error::Quarantined { preset: preset.to_owned(), why: aside.why.clone() });
        }
        let mut ends = ends.unwrap_or(0);
        if ends >= ENDS_MAX {
            let times = aside.map_or(0, |aside| aside.times);
            let pause_ms = ASIDE_MS << times.min(DOUBLINGS_MAX);
            let why = format!(
                "loading it ended the docs role {ends} times in a row; it is tried again in {} minutes, all other drafts \
                 go on",
                pause_ms / 60_000
            );
            warn!(preset, ends, "a document is set aside");
            let aside = Aside { why: why.clone(), until: now.plus_ms(pause_ms), times: times.saturating_add(1) };
            self.write("aside", preset, &aside).await;
            // One more end during the next try sets it aside again.
            self.write("opening", preset, &Opening { ends: ENDS_MAX - 1 }).await;
            self.state(|state| {
                state.ends.insert(preset.to_owned(), ENDS_MAX - 1);
                state.aside.insert(preset.to_owned(), aside);
            });
            return Err(Error::Quarantined { preset: preset.to_owned(), why });
        }
        ends += 1;
        self.write("opening", preset, &Opening { ends }).await;
        Ok(())
    }

    /// To be called when loading came to an end, well or with an error: this process outlived it.
    pub(crate) async fn leave(&self, preset: &str) {
        let was_aside = self.state(|state| {
            state.ends.remove(preset);
            state.aside.remove(preset).is_some()
        });
        self.remove("opening", preset).await;
        if was_aside {
            self.remove("aside", preset).await;
        }
    }

    /// A full disk must not keep documents from being read, so the watch is left out when its row cannot be kept.
    async fn write<T: Serialize + Sync>(&self, kind: &str, preset: &str, value: &T) {
        let Ok(bytes) = rows::encode(value) else { return };
        if let Err(error) = self.table.put(&format!("{kind}/{preset}"), bytes).await {
            warn!(preset, kind, %error, "a document is loaded without a watch");
        }
    }

    async fn remove(&self, kind: &str, preset: &str) {
        if let Err(error) = self.table.delete(&format!("{kind}/{preset}")).await {
            warn!(preset, kind, %error, "a superfluous row could not be removed");
        }
    }
}

async fn read<T: serde::de::DeserializeOwned>(
    table: &dyn DocumentTable, prefix: &str,
) -> Result<Vec<(String, T)>, store::Error> {
    let mut good = Vec::new();
    for (key, row) in rows::read(table, prefix).await? {
        let value = row.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
        match value {
            Ok(value) => good.extend(key.strip_prefix(prefix).map(|preset| (preset.to_owned(), value))),
            Err(why) => {
                warn!(%key, %why, "what an earlier process left of a document's loading is damaged and dropped");
                if let Err(error) = table.delete(&key).await {
                    warn!(%key, %error, "a superfluous row could not be removed");
                }
            }
        }
    }
    Ok(good)
}
