//! Whom to ask, and in which order.

use std::sync::Arc;
use std::time::Duration;

use flowork_ports::engines::{EngineCall, Where};
use flowork_protocol::grant::Verified;
use flowork_protocol::{Failure, GrantId, NodeId};

use super::{Caller, Journey};
use crate::grants::Kept;
use crate::lock;

/// A provider that could not be reached so often is asked last, for a while.
const BREAKS_AFTER: u32 = 3;
const BROKEN_FOR: Duration = Duration::from_secs(30);

/// Somebody who may be asked.
pub(super) struct Candidate {
    pub(super) kept: Kept,
    pub(super) grant: Arc<Verified>,
    pub(super) name: String,
}

impl Candidate {
    pub(super) fn label(&self) -> String {
        format!("{} of {}", self.grant.leaf().grant.engine, self.name)
    }
}

impl Caller {
    /// Who may be asked at `place`, best first; only who took the call, when somebody did.
    pub(super) fn candidates(
        &self, journey: &Journey<'_>, place: &Where, accepted: Option<(NodeId, GrantId)>,
    ) -> Result<Vec<Candidate>, Failure> {
        let EngineCall { capability, .. } = journey.call;
        let (peer, engine) = match place {
            Where::Peer { peer, engine } => {
                let peer = self.contacts.named(peer).map_err(|error| {
                    Failure::new("no-peer", error.to_string()).hint("`flowork peer list` shows who is paired")
                })?;
                (Some(peer), engine.as_ref())
            }
            Where::Any | Where::Here { .. } => (None, None),
        };
        let view = self.net.view();
        let view = view.borrow();
        let broken = lock(&self.broken);
        let running = lock(&self.running);
        let mut found: Vec<_> = self
            .grants
            .usable(capability, (self.clock)())
            .into_iter()
            // An owner whom this node has not met yet cannot be asked.
            .filter(|(kept, _)| self.contacts.get(kept.owner).is_some())
            .filter(|(kept, _)| peer.as_ref().is_none_or(|peer| peer.node == kept.owner))
            .filter(|(_, grant)| engine.is_none_or(|engine| grant.leaf().grant.engine == *engine))
            .filter(|(kept, _)| accepted.is_none_or(|(node, grant)| kept.owner == node && kept.id == grant))
            .map(|(kept, grant)| {
                let is_broken = broken
                    .get(&kept.owner)
                    .is_some_and(|(times, at)| *times >= BREAKS_AFTER && at.elapsed() < BROKEN_FOR);
                let connection = view.connection(kept.owner);
                let latency = connection.and_then(|connection| connection.latency).unwrap_or(Duration::MAX);
                let order = (is_broken, connection.is_none(), running.get(&kept.owner).copied().unwrap_or(0), latency);
                let name = self.contacts.name_of(kept.owner);
                (order, Candidate { kept, grant, name })
            })
            .collect();
        found.sort_by_key(|(order, _)| *order);
        if found.is_empty() {
            let whom = peer.map_or_else(|| "anybody".to_owned(), |peer| peer.name);
            let which = engine.map(|engine| format!(" with the engine `{engine}`")).unwrap_or_default();
            let text = if accepted.is_some() {
                "the grant under which this call runs was taken back, or has ended".to_owned()
            } else {
                format!("there is no grant to do `{capability}` at {whom}{which}")
            };
            return Err(Failure::new("no-grant", text).hint(
                "`flowork grant list` shows what this node may use; ask the owner for more, or choose another engine",
            ));
        }
        Ok(found.into_iter().map(|(_, candidate)| candidate).collect())
    }
}
