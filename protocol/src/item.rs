//! What flows along wires.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{BlobId, ChunkId};

/// The most JSON that one item may hold, in bytes of its compact text.
pub const ITEM_JSON_BYTES_MAX: usize = 1 << 20;
/// The most JSON that one port may deliver at once, in bytes; past that a step fails and says to use files.
pub const PORT_BYTES_MAX: usize = 256 << 20;

/// One thing that flows: JSON, and files by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The data. Usually an object.
    #[serde(default)]
    pub json: Value,
    /// Files that travel with the data, by name; their bytes are blobs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, BlobRef>,
}

impl Item {
    /// An item without files.
    #[must_use]
    pub fn json(json: Value) -> Self {
        Self { json, files: BTreeMap::new() }
    }
}

/// A file: where its bytes are and how to show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BlobRef {
    /// The bytes, by hash.
    pub blob: BlobId,
    /// Their number.
    pub size: u64,
    /// The name people gave the file. For display only, never a path.
    pub name: String,
    /// The media type, such as `text/csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// A list of items as events hold it: small lists in place, larger ones as runs of immutable chunks that lists share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The items themselves.
    Inline(Vec<Arc<Item>>),
    /// Slices of chunks, in order.
    Chunked(Chunked),
}

/// A list by reference: `runs` pick slices of `chunks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Chunked {
    /// The chunks that the runs point into.
    pub chunks: Vec<ChunkId>,
    /// `(index into chunks, first item, number of items)`, in list order.
    pub runs: Vec<(u32, u32, u32)>,
    /// The number of items in the whole list.
    pub len: u64,
}

impl List {
    /// The list with nothing in it.
    #[must_use]
    pub const fn empty() -> Self {
        Self::Inline(Vec::new())
    }

    /// The number of items.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Inline(items) => items.len() as u64,
            Self::Chunked(chunked) => chunked.len,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
