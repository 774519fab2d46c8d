//! Which drafts there are, without opening any of them.

use std::collections::{BTreeMap, HashMap};

use flowork_ports::documents::{DraftSummary, Error};
use flowork_protocol::preset::Preset;
use flowork_protocol::{PresetId, Timestamp, VersionId};
use serde::{Deserialize, Serialize};

/// How far a draft's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Life {
    /// Its first edit may or may not be on disk.
    Coming,
    /// It is there.
    There,
    /// It is gone, its rows perhaps not yet.
    Going,
    /// Nothing but this entry is left of it, so that its id is never taken for a new document.
    Gone,
}

/// What the index knows of one draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) id: PresetId,
    pub(crate) life: Life,
    pub(crate) name: String,
    /// The name that an edit under way gives it. Settled by reading the document when a process ends in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_name: Option<String>,
    pub(crate) title: String,
    pub(crate) steps: usize,
    pub(crate) created_at: Timestamp,
    pub(crate) changed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) latest_version: Option<VersionId>,
}

impl Entry {
    /// The entry of a draft that is being made.
    pub(crate) fn coming(id: PresetId, preset: &Preset, now: Timestamp) -> Self {
        let mut entry = Self {
            id,
            life: Life::Coming,
            name: String::new(),
            next_name: None,
            title: String::new(),
            steps: 0,
            created_at: now,
            changed_at: now,
            latest_version: None,
        };
        entry.read_as(preset);
        entry
    }

    /// Takes over what the document says.
    pub(crate) fn read_as(&mut self, preset: &Preset) {
        self.name.clone_from(&preset.name);
        self.title.clone_from(&preset.title);
        self.steps = preset.steps.len();
        self.next_name = None;
    }

    pub(crate) fn is_there(&self) -> bool {
        self.life == Life::There
    }
}

/// All entries, and who has which name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: BTreeMap<PresetId, Entry>,
    names: HashMap<String, PresetId>,
}

impl Index {
    /// Takes in an entry, and its name unless another draft has it already.
    pub(crate) fn insert(&mut self, entry: Entry) {
        if let Some(old) = self.entries.remove(&entry.id) {
            for name in std::iter::once(old.name).chain(old.next_name) {
                self.release(&name, &entry.id);
            }
        }
        match entry.life {
            Life::Coming | Life::There => {
                for name in std::iter::once(&entry.name).chain(&entry.next_name) {
                    self.names.entry(name.clone()).or_insert_with(|| entry.id.clone());
                }
            }
            Life::Going | Life::Gone => self.names.retain(|_, owner| *owner != entry.id),
        }
        self.entries.insert(entry.id.clone(), entry);
    }

    /// Drops an entry whose draft never came to be.
    pub(crate) fn remove(&mut self, id: &PresetId) {
        self.entries.remove(id);
        self.names.retain(|_, owner| owner != id);
    }

    /// Keeps `name` for the draft.
    ///
    /// # Errors
    /// When another draft has it.
    pub(crate) fn reserve(&mut self, name: &str, id: &PresetId) -> Result<(), Error> {
        match self.names.get(name) {
            Some(owner) if owner != id => Err(Error::NameTaken(name.to_owned())),
            _ => {
                self.names.insert(name.to_owned(), id.clone());
                Ok(())
            }
        }
    }

    /// Gives up a name that was reserved and not used.
    pub(crate) fn release(&mut self, name: &str, id: &PresetId) {
        if self.names.get(name) == Some(id) {
            self.names.remove(name);
        }
    }

    /// The draft with that id or else that name.
    pub(crate) fn find(&self, which: &str) -> Option<&Entry> {
        let by_id = self.entries.get(which).filter(|entry| entry.is_there());
        by_id.or_else(|| self.entries.get(self.names.get(which)?).filter(|entry| entry.is_there()))
    }

    pub(crate) fn get(&self, id: &PresetId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// All drafts, by name.
    pub(crate) fn list(&self) -> Vec<DraftSummary> {
        let mut list: Vec<_> = self
            .entries
            .values()
            .filter(|entry| entry.is_there())
            .map(|entry| DraftSummary {
                id: entry.id.clone(),
                name: entry.name.clone(),
                title: entry.title.clone(),
                steps: entry.steps,
                changed_at: entry.changed_at,
                latest_version: entry.latest_version,
            })
            .collect();
        list.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        list
    }
}
