//! Where a node keeps everything that must survive: jobs and their events, the node's own tables, documents' bytes, blobs.
//!
//! Goals: what was accepted is on disk and stays; many thousand jobs a second on two cores by group commits; one damaged,
//! locked or full file takes out what it holds and nothing else.
//!
//! Non-goals: knowing what an event or a document means. Architecture invariant: this is the only crate with SQL, and every
//! SQLite file has exactly one writing process:
//!
//! | File | Holds | Writer |
//! |---|---|---|
//! | `layout.json` | format version, number of shards | the supervisor |
//! | `node.db` | tokens, sealed secrets, activations, settings | kernel |
//! | `shards/00.db` … | jobs, journals, chunks, signals | kernel |
//! | `inbox/<name>.db` | accepted commands until they are drained | that gateway; `mesh` |
//! | `documents.db` | the bytes of documents | docs |
//! | `mesh.db` | contacts, grants, receipts | mesh |
//! | `search.db` | full-text index, may be deleted | kernel |
//! | `blobs/<2 digits>/<hash>` | immutable bytes | any role |
//! | `keys/` | not ours; carried along in backups | who owns each key |
//!
//! How the binary uses it: the supervisor holds the data directory's lock and calls [`Layout::create_or_open`] before any
//! role starts; each role calls [`Layout::open`] and takes its half: [`Layout::inbox`] (gateway), [`Layout::kernel`],
//! [`Layout::document_table`] (docs), [`Layout::mesh_table`] (mesh), [`Layout::reader`] and [`Layout::blobs`] (everyone). The handles must be used inside a
//! tokio runtime. Dropping one finishes what waits and closes its files.

pub mod backup;
pub mod layout;

mod blobs;
mod clock;
mod codec;
mod documents;
mod error;
mod file;
mod garbage;
mod history;
mod inbox;
mod inboxes;
mod job_row;
mod list;
mod login;
mod mesh;
mod node;
mod plain;
mod pool;
mod reader;
mod search;
mod shard;
mod spare;
mod writer;

pub use backup::{Mode, Secret, restore};
pub use layout::{KernelStore, Layout};
pub use node::{
    SETTING_DISK_BUDGET_BYTES, SETTING_RETENTION_BYTES, SETTING_RETENTION_DAYS, SETTING_RETENTION_FILES_HOURS,
    SETTING_RETENTION_VERSIONS_DAYS,
};
