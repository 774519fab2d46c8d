//! Drafts as live Automerge documents, and the versions frozen from them.
//!
//! Goals: an edit whose call returned survives a kill at any write, a full disk and a damaged row; edits made at the same
//! time in different places merge; the same content always freezes to the same version.
//!
//! Non-goals: SQL (the table is a port, `store` implements it), running anything, and speaking to peers: documents are
//! local for now, kept in the form that automerge-repo speaks so that other nodes and the designer can sync them later.
//!
//! Architecture invariants: only the docs role opens documents; repairs of a merge are a view and never written back; no
//! edit reaches samod before it is in the log ([`Handle`] returns after that, samod writes when it pleases).
//!
//! ```no_run
//! # async fn example(options: flowork_documents::Options) -> Result<(), Box<dyn std::error::Error>> {
//! use flowork_ports::documents::Documents;
//! let cancel = tokio_util::sync::CancellationToken::new();
//! let documents = flowork_documents::run(options, cancel.clone()).await?;
//! let draft = documents.create(flowork_protocol::preset::Preset::named("report")).await?;
//! let (version, preset) = documents.freeze(draft.id.as_str(), draft.heads, None).await?;
//! cancel.cancel();
//! documents.ended().await;
//! # Ok(()) }
//! ```

mod desk;
mod edit;
mod form;
mod freeze;
mod guard;
mod handle;
mod index;
mod log;
mod open;
mod reconcile;
mod rows;
mod shelf;
mod sweep;
mod tasks;
mod text;
mod view;
mod visit;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use flowork_ports::bell::Bell;
use flowork_ports::blobs::Blobs;
use flowork_ports::documents::DocumentTable;
use flowork_ports::store;
use flowork_ports::sweep::Sweeper;
use flowork_protocol::check::Catalogue;
use flowork_protocol::{PresetId, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use handle::Handle;

/// How long after an edit of a visitor the list of drafts follows it.
const FOLLOW_AFTER: Duration = Duration::from_millis(300);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the docs role needs.
#[derive(Clone)]
pub struct Options {
    /// Where documents keep their bytes.
    pub table: Arc<dyn DocumentTable>,
    /// Where versions keep their content.
    pub blobs: Arc<dyn Blobs>,
    /// Knows what jobs name, and removes what nothing does.
    pub sweeper: Arc<dyn Sweeper>,
    /// What presets are checked against and locked to.
    pub catalogue: Arc<dyn Catalogue>,
    /// Rung after every commit.
    pub bell: Bell,
    /// The time.
    pub clock: Clock,
    /// Called with the reason when this process must end at once, because what it holds in memory can no longer be kept on
    /// disk. Nothing that a call has reported as done is lost by ending.
    pub on_fatal: Arc<dyn Fn(String) + Send + Sync>,
}

/// Why the docs role cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table cannot be read.
    #[error("the documents cannot be read; the drafts are as they were left")]
    Table(#[from] store::Error),
}

/// Starts the docs role. It ends, after writing what samod still has to write, when `cancel` is cancelled; wait for
/// [`Handle::ended`] then.
///
/// # Errors
/// When the table cannot be read. Damaged documents are no reason not to start.
pub async fn run(options: Options, cancel: CancellationToken) -> Result<Handle, Error> {
    let Options { table, blobs, sweeper, catalogue, bell, clock, on_fatal } = options;
    let table: Arc<dyn DocumentTable> = Arc::new(watched::Watched { table, on_fatal: on_fatal.clone() });
    let guard = Arc::new(guard::Guard::load(table.clone()).await?);
    let freezer = freeze::Freezer::new(table.clone(), blobs, catalogue);
    let (edited, edits) = mpsc::unbounded_channel();
    let tools = open::Tools { table, guard, bell: bell.clone(), clock, on_fatal, edited };
    let desk = Arc::new(desk::Desk::load(tools, freezer, sweep::Broom::new(sweeper)).await?);
    let tracker = TaskTracker::new();
    let over = CancellationToken::new();
    tracker.spawn(sweep::run(desk.clone(), bell, cancel.clone()));
    tracker.spawn(follow(desk.clone(), edits, cancel.clone()));
    tracker.spawn({
        let (desk, tracker) = (desk.clone(), tracker.clone());
        // Also when a panic ends the task.
        let guard = over.clone().drop_guard();
        async move {
            let _guard = guard;
            let mut look = tokio::time::interval(desk::IDLE_LOOK_EVERY);
            while cancel.run_until_cancelled(look.tick()).await.is_some() {
                desk.tidy().await;
            }
            tracker.close();
            desk.end().await;
        }
    });
    Ok(Handle { desk, tracker, over })
}

/// Takes over into the index what visitors edit, some time after they edit it: reading a large draft takes a while, and they may be
/// in the middle of a word.
async fn follow(desk: Arc<desk::Desk>, mut edits: mpsc::UnboundedReceiver<PresetId>, cancel: CancellationToken) {
    while let Some(Some(first)) = cancel.run_until_cancelled(edits.recv()).await {
        if cancel.run_until_cancelled(tokio::time::sleep(FOLLOW_AFTER)).await.is_none() {
            // What the index lacks is read from the document when somebody next edits it.
            return;
        }
        let mut edited = std::collections::BTreeSet::from([first]);
        while let Ok(next) = edits.try_recv() {
            edited.insert(next);
        }
        for id in edited {
            desk.reread(&id).await;
        }
    }
}

#[cfg(test)]
mod tests;
