//! Which files give a role trouble, told to the supervisor, which tells the gateway, which shows it.

use flowork_ports::roles::{Role, Trouble};
use flowork_ports::store;
use flowork_protocol::wire::{self, Verb};
use tokio::sync::watch;

use crate::link::Link;
use crate::supervisor::start::party;

/// What a role that does not come up has to say about it.
pub(super) fn of(role: Role, error: &anyhow::Error) -> Trouble {
    let of_store = error.chain().find_map(|cause| cause.downcast_ref::<store::Error>());
    of_store.map_or_else(
        || Trouble {
            file: party(role).word().to_owned(),
            shard: None,
            problem: format!("{error:#}"),
            is_out: true,
            is_damage: false,
        },
        |error| Trouble::of(error, None, true),
    )
}

/// Tells the supervisor. When its link is gone, so is soon this process.
pub(super) async fn tell(link: &Link, troubles: &[Trouble]) {
    match wire::to_body(&troubles) {
        Ok(body) => drop(link.tell(Verb::Troubles, body).await),
        Err(error) => tracing::error!(%error, "troubles cannot be told"),
    }
}

/// Tells the supervisor now, and again whenever they change.
pub(super) async fn tell_all(link: Link, troubles: Option<watch::Receiver<Vec<Trouble>>>) {
    let Some(mut troubles) = troubles else { return tell(&link, &[]).await };
    loop {
        let now = troubles.borrow_and_update().clone();
        tell(&link, &now).await;
        if troubles.changed().await.is_err() {
            return;
        }
    }
}
