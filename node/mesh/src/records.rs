//! Small things that are held in memory and on disk alike.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use flowork_ports::MeshTable;
use flowork_ports::mesh_table::{Change, Decision};
use flowork_ports::store;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// All records of one kind. What is read here is on disk.
///
/// Two changes of one record must not be made at once: whoever reads, decides and writes holds the room's writing lock.
pub(crate) struct Records<T> {
    kind: &'static str,
    table: Arc<dyn MeshTable>,
    held: RwLock<BTreeMap<String, T>>,
}

impl<T: Clone + Serialize + DeserializeOwned> Records<T> {
    /// Reads them. A record that does not read is named and left alone: it may be a newer program's.
    pub(crate) async fn load(kind: &'static str, table: Arc<dyn MeshTable>) -> Result<Self, store::Error> {
        let mut held = BTreeMap::new();
        for (key, body) in table.records(kind).await? {
            match serde_json::from_slice(&body) {
                Ok(value) => drop(held.insert(key, value)),
                Err(error) => {
                    tracing::error!(kind, key, %error, "a record of the mesh does not read and is left alone")
                }
            }
        }
        Ok(Self { kind, table, held: RwLock::new(held) })
    }

    pub(crate) fn get(&self, key: &str) -> Option<T> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Looks at each without copying it.
    pub(crate) fn find<R>(&self, look: impl FnMut(&T) -> Option<R>) -> Option<R> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).values().find_map(look)
    }

    /// Goes through all without copying them.
    pub(crate) fn each(&self, mut look: impl FnMut(&T)) {
        self.held.read().unwrap_or_else(PoisonError::into_inner).values().for_each(&mut look);
    }

    /// Keeps one, with what is decided at the same time. On disk when this returns.
    pub(crate) async fn put(&self, key: String, value: T, decided: Option<Decision>) -> Result<(), store::Error> {
        self.put_with(key, value, decided.into_iter().map(Change::Decision).collect()).await
    }

    /// [`Self::put`] with any other changes.
    pub(crate) async fn put_with(&self, key: String, value: T, mut also: Vec<Change>) -> Result<(), store::Error> {
        also.push(self.putting(&key, &value)?);
        self.table.write(also).await?;
        self.hold(key, value);
        Ok(())
    }

    /// Writes other changes to the same file.
    pub(crate) async fn write(&self, changes: Vec<Change>) -> Result<(), store::Error> {
        self.table.write(changes).await
    }

    /// The change that keeps one; [`Self::hold`] follows when it is on disk.
    pub(crate) fn putting(&self, key: &str, value: &T) -> Result<Change, store::Error> {
        let body = serde_json::to_vec(value).map_err(|error| store::Error::Other {
            file: "mesh.db".to_owned(),
            detail: format!("a {} cannot be written: {error}", self.kind),
        })?;
        Ok(Change::Put { kind: self.kind, key: key.to_owned(), body })
    }

    pub(crate) fn hold(&self, key: String, value: T) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }

    /// The change that forgets one; [`Self::let_go`] follows when it is on disk.
    pub(crate) fn forgetting(&self, key: &str) -> Change {
        Change::Forget { kind: self.kind, key: key.to_owned() }
    }

    pub(crate) fn let_go(&self, key: &str) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Forgets those that are meant and gives them. Forgotten on disk when this returns.
    pub(crate) async fn forget_where(&self, is_meant: impl Fn(&T) -> bool) -> Result<Vec<T>, store::Error> {
        let (keys, meant): (Vec<String>, Vec<T>) = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            held.iter().filter(|(_, value)| is_meant(value)).map(|(key, value)| (key.clone(), value.clone())).unzip()
        };
        if !keys.is_empty() {
            self.forget(&keys, None).await?;
        }
        Ok(meant)
    }

    /// Forgets some, with what is decided at the same time. Forgotten on disk when this returns.
    pub(crate) async fn forget(&self, keys: &[String], decided: Option<Decision>) -> Result<(), store::Error> {
        let mut changes: Vec<Change> = keys.iter().map(|key| self.forgetting(key)).collect();
        changes.extend(decided.map(Change::Decision));
        self.table.write(changes).await?;
        keys.iter().for_each(|key| self.let_go(key));
        Ok(())
    }
}
