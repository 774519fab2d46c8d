//! The middle of the star: which roles are there, and what one of them says to another.
//!
//! It keeps nothing about calls. When a role goes, the others are told, and whoever waited for it stops waiting.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use flowork_ports::roles::{Role, RoleStatus};
use flowork_protocol::Timestamp;
use flowork_protocol::wire::{self, Frame, Party, Refusal, Verb};
use tokio::sync::{mpsc, watch};

use super::start::{ROLES, party};

/// Who hears rings.
const LISTENERS: [Party; 3] = [Party::Gateway, Party::Kernel, Party::Mesh];

/// The exchange. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Exchange {
    routes: Arc<Mutex<BTreeMap<Party, mpsc::Sender<Frame>>>>,
    roles: Arc<watch::Sender<Vec<RoleStatus>>>,
}

impl Exchange {
    /// An exchange that no role has joined.
    pub(crate) fn new(now: Timestamp) -> Self {
        let status = |role| RoleStatus {
            role,
            pid: None,
            since: now,
            restarts: 0,
            ready: false,
            last_end: None,
            again_at: None,
            troubles: Vec::new(),
        };
        Self { routes: Arc::default(), roles: Arc::new(watch::Sender::new(ROLES.into_iter().map(status).collect())) }
    }

    /// How the roles are, now and from now on.
    pub(crate) fn roles(&self) -> watch::Receiver<Vec<RoleStatus>> {
        self.roles.subscribe()
    }

    /// Changes a role's status and tells the gateway.
    pub(crate) fn note(&self, role: Role, change: impl FnOnce(&mut RoleStatus)) {
        self.roles.send_modify(|roles| {
            if let Some(status) = roles.iter_mut().find(|status| status.role == role) {
                change(status);
            }
        });
        self.tell_roles();
    }

    /// A role is there; frames for it go to `out`.
    pub(crate) fn join(&self, who: Party, out: mpsc::Sender<Frame>) {
        self.routes().insert(who, out);
    }

    /// A role is gone; the others stop waiting for it.
    pub(crate) fn leave(&self, who: Party) {
        self.routes().remove(&who);
        if let Ok(body) = wire::to_body(&who) {
            for other in ROLES.map(party).into_iter().filter(|other| *other != who) {
                self.hint(other, Frame::Notice { verb: Verb::Down, body: body.clone() });
            }
        }
    }

    /// Passes on what `from` said. Waits while the receiver's queue is full; every role reads its link whatever it writes, so
    /// that wait ends. Gives back the notices that are for the supervisor itself.
    pub(crate) async fn pass(&self, from: Party, frame: Frame) -> Option<(Verb, Vec<u8>)> {
        let (to, frame) = match frame {
            Frame::Notice { verb, body } if verb.allowed(from, Party::Supervisor) => {
                if verb == Verb::Ring {
                    for listener in LISTENERS.into_iter().filter(|listener| *listener != from) {
                        self.hint(listener, Frame::Notice { verb, body: body.clone() });
                    }
                    return None;
                }
                if verb == Verb::Forgotten {
                    self.hint(Party::Docs, Frame::Notice { verb, body });
                    return None;
                }
                return Some((verb, body));
            }
            Frame::Notice { verb, .. } => {
                tracing::warn!(%from, ?verb, "a role said what it may not say");
                return None;
            }
            Frame::Call { id, peer, verb, .. } if !verb.allowed(from, peer) => {
                let why = Refusal::NotAllowed { from, to: peer, verb };
                (from, Frame::Refused { id, peer, why })
            }
            Frame::Call { id, peer, verb, more, part } => (peer, Frame::Call { id, peer: from, verb, more, part }),
            Frame::Reply { id, peer, more, part } => (peer, Frame::Reply { id, peer: from, more, part }),
            Frame::Refused { id, peer, why } => (peer, Frame::Refused { id, peer: from, why }),
        };
        let Some(out) = self.route(to) else {
            if let Frame::Call { id, .. } = frame
                && let Some(back) = self.route(from)
            {
                let refused = Frame::Refused { id, peer: to, why: Refusal::Away(to) };
                let _ = back.send(refused).await;
            }
            return None;
        };
        // Closed: the receiver has just gone, and `leave` tells the sender.
        let _ = out.send(frame).await;
        None
    }

    /// Sends to `to` if it is there and its queue has room.
    pub(crate) fn hint(&self, to: Party, frame: Frame) {
        if let Some(out) = self.route(to) {
            let _ = out.try_send(frame);
        }
    }

    fn tell_roles(&self) {
        if let Ok(body) = wire::to_body(&*self.roles.borrow()) {
            self.hint(Party::Gateway, Frame::Notice { verb: Verb::Roles, body });
        }
    }

    fn route(&self, to: Party) -> Option<mpsc::Sender<Frame>> {
        self.routes().get(&to).cloned()
    }

    fn routes(&self) -> std::sync::MutexGuard<'_, BTreeMap<Party, mpsc::Sender<Frame>>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(exchange: &Exchange, who: Party) -> mpsc::Receiver<Frame> {
        let (out, frames) = mpsc::channel(8);
        exchange.join(who, out);
        frames
    }

    fn call(peer: Party, verb: Verb) -> Frame {
        Frame::Call { id: 3, peer, verb, more: false, part: vec![1] }
    }

    #[tokio::test]
    async fn a_call_reaches_the_other_role_under_the_senders_name() {
        let exchange = Exchange::new(Timestamp(0));
        let (_gateway, mut docs) = (joined(&exchange, Party::Gateway), joined(&exchange, Party::Docs));
        exchange.pass(Party::Gateway, call(Party::Docs, Verb::Documents)).await;
        assert_eq!(docs.try_recv().unwrap(), call(Party::Gateway, Verb::Documents));
    }

    #[tokio::test]
    async fn a_call_to_a_role_that_is_away_is_answered_at_once() {
        let exchange = Exchange::new(Timestamp(0));
        let mut gateway = joined(&exchange, Party::Gateway);
        exchange.pass(Party::Gateway, call(Party::Docs, Verb::Documents)).await;
        let refused = Frame::Refused { id: 3, peer: Party::Docs, why: Refusal::Away(Party::Docs) };
        assert_eq!(gateway.try_recv().unwrap(), refused);
    }

    #[tokio::test]
    async fn what_a_role_may_not_ask_never_reaches_the_other() {
        let exchange = Exchange::new(Timestamp(0));
        let (mut gateway, mut mesh) = (joined(&exchange, Party::Gateway), joined(&exchange, Party::Mesh));
        exchange.pass(Party::Gateway, call(Party::Mesh, Verb::Sign)).await;
        assert!(matches!(gateway.try_recv(), Ok(Frame::Refused { why: Refusal::NotAllowed { .. }, .. })));
        assert!(mesh.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_role_that_leaves_is_made_known_and_can_come_back() {
        let exchange = Exchange::new(Timestamp(0));
        let (mut gateway, _gone) = (joined(&exchange, Party::Gateway), joined(&exchange, Party::Docs));
        exchange.leave(Party::Docs);
        let body = wire::to_body(&Party::Docs).unwrap();
        assert_eq!(gateway.try_recv().unwrap(), Frame::Notice { verb: Verb::Down, body });
        let mut docs = joined(&exchange, Party::Docs);
        exchange.pass(Party::Gateway, call(Party::Docs, Verb::Documents)).await;
        assert!(docs.try_recv().is_ok());
    }

    #[tokio::test]
    async fn rings_reach_listeners_and_not_who_rang() {
        let exchange = Exchange::new(Timestamp(0));
        let (mut gateway, mut kernel) = (joined(&exchange, Party::Gateway), joined(&exchange, Party::Kernel));
        let (mut mesh, mut docs) = (joined(&exchange, Party::Mesh), joined(&exchange, Party::Docs));
        let ring = Frame::Notice { verb: Verb::Ring, body: vec![1] };
        exchange.pass(Party::Kernel, ring.clone()).await;
        assert_eq!(gateway.try_recv().unwrap(), ring);
        assert_eq!(mesh.try_recv().unwrap(), ring);
        assert!(kernel.try_recv().is_err() && docs.try_recv().is_err());
    }

    #[tokio::test]
    async fn the_gateway_is_told_when_a_roles_status_changes() {
        let exchange = Exchange::new(Timestamp(0));
        let mut gateway = joined(&exchange, Party::Gateway);
        exchange.note(Role::Docs, |status| status.ready = true);
        let Ok(Frame::Notice { verb: Verb::Roles, body }) = gateway.try_recv() else {
            panic!("the gateway heard nothing");
        };
        let roles: Vec<RoleStatus> = wire::from_body(&body).unwrap();
        assert!(roles.iter().any(|status| status.role == Role::Docs && status.ready));
    }
}
