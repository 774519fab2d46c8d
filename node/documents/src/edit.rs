//! Edits, worked out on a copy of the document before anyone sees them.

use automerge::transaction::CommitOptions;
use automerge::{ActorId, Automerge, Change, ReadDoc};
use flowork_ports::documents::Error;
use flowork_protocol::Timestamp;
use flowork_protocol::preset::Preset;

use crate::open::seconds;
use crate::view::{self, View};
use crate::{form, reconcile};

/// What an edit comes to.
pub(crate) struct Edited {
    /// The copy, edited.
    pub(crate) doc: Automerge,
    /// The edit; none when the document read so already.
    pub(crate) change: Option<Change>,
    /// How the copy reads.
    pub(crate) view: View,
}

/// Makes `doc` read as `preset`.
///
/// # Errors
/// When Automerge refuses the edit.
pub(crate) fn edit(
    mut doc: Automerge, actor: ActorId, preset: &Preset, message: Option<String>, now: Timestamp,
) -> Result<Edited, Error> {
    let form =
        form::preset(preset).map_err(|error| Error::Damaged(format!("it cannot be written as JSON: {error}")))?;
    doc.set_actor(actor);
    let mut options = CommitOptions::default().with_time(seconds(now));
    if let Some(message) = message {
        options.set_message(message);
    }
    let made = doc
        .transact_with(|()| options, |tx| reconcile::root(tx, &form))
        .map_err(|failure| Error::Damaged(format!("the edit cannot be made: {}", failure.error)))?;
    let change = made.hash.and_then(|hash| doc.get_change_by_hash(&hash));
    let view = view::read(&doc, None);
    Ok(Edited { doc, change, view })
}
