//! A node of which others only want that they can be reached: on a public host, without jobs, engines or a store. It passes
//! on for its members, tries their addresses and keeps where they are, and reads nothing of what it passes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use flowork_protocol::invitation::{Invitation, Secret};
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::pair::{self, Introduction};
use flowork_protocol::peer::tell::{self, Tell};
use flowork_protocol::{NodeId, Timestamp};
use libp2p::Multiaddr;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::net::{self, Budgets, Net};
use crate::pairing::Comes;
use crate::{HAPPENINGS_WAITING_MAX, Seed, keys, pairing, presence_of, tell as telling};

/// How often who is a member is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Who may be reached through a host. Asked often, and answered from what is at hand.
pub trait Members: Send + Sync {
    /// All of them.
    fn all(&self) -> BTreeSet<NodeId>;

    /// Takes a node in when its secret is of an open invitation, which is used up with it.
    ///
    /// # Errors
    /// Why not: a code and a sentence.
    fn admit(&self, secret: &Secret, node: NodeId, name: &str) -> Result<(), (&'static str, String)>;

    /// Lets a node go.
    fn remove(&self, node: NodeId);
}

/// What a host needs.
pub struct Options {
    /// The secret half of its key.
    pub seed: Seed,
    /// What others see as its name.
    pub name: String,
    /// The version of the program, for peers.
    pub version: &'static str,
    /// Where to listen: multiaddresses.
    pub listen: Vec<String>,
    /// Where others reach it, when it cannot tell: multiaddresses.
    pub external: Vec<String>,
    /// What it does for its members at most.
    pub budgets: Budgets,
    /// Who they are.
    pub members: Arc<dyn Members>,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What a host did since it started, and what it does now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Nodes that are connected now.
    pub connected: usize,
    /// Members.
    pub members: usize,
    /// Nodes that can be reached through it now.
    pub reservations: u64,
    /// Connections that it passes on now.
    pub circuits: u64,
    /// Connections that it passed on.
    pub circuits_total: u64,
    /// Nodes that wanted to be reached through it and are not.
    pub reservations_refused_total: u64,
    /// Connections that it did not pass on.
    pub circuits_refused_total: u64,
    /// Times that it said where a node is, or took it down.
    pub directory_requests_total: u64,
    /// Addresses that it tried for their nodes.
    pub probes_total: u64,
}

/// A host that runs. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    me: NodeId,
    name: String,
    net: Net,
    known: watch::Receiver<BTreeSet<NodeId>>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("node_id", &self.me).finish_non_exhaustive()
    }
}

/// See [`Host::changes`].
#[derive(Debug)]
pub struct Changes(watch::Receiver<net::View>);

impl Changes {
    /// Waits until something changed since it was made or last rang.
    pub async fn next(&mut self) {
        // A network that has ended changes no more.
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// Starts a host. It ends when `stop` is cancelled.
///
/// # Errors
/// When an address is none, or the system has no network.
pub async fn run(options: Options, stop: CancellationToken) -> Result<Host, String> {
    let Options { seed, name, version, listen, external, budgets, members, clock } = options;
    let read = |texts: Vec<String>| -> Result<Vec<Multiaddr>, String> {
        let one = |text: String| text.parse().map_err(|error| format!("`{text}` is no multiaddress: {error}"));
        texts.into_iter().map(one).collect()
    };
    let keeper = keys::Keeper::new(&seed);
    let (known, knowing) = watch::channel(members.all());
    // Nobody here waits for what the network sees.
    let (happened, mut happenings) = mpsc::channel(HAPPENINGS_WAITING_MAX);
    let net = net::start(
        net::Options {
            keypair: keeper.keypair().map_err(|error| error.to_string())?,
            listen: read(listen)?,
            lan: false,
            upnp: false,
            serves: Some(budgets),
            reserves: false,
            external: read(external)?,
            present: presence_of(keeper.clone(), clock.clone()),
            agent: format!("flowork-bootstrap/{version}"),
            clock,
            known: knowing.clone(),
            happened,
        },
        stop.clone(),
    )?;
    let host = Host { me: keeper.node_id(), name, net: net.clone(), known: knowing };
    let joins = net.accept(pair::PROTOCOL)?;
    let tellings = net.accept(tell::PROTOCOL)?;
    let known = Arc::new(known);
    let tasks: [std::pin::Pin<Box<dyn Future<Output = ()> + Send>>; 4] = [
        Box::pin(async move { while happenings.recv().await.is_some() {} }),
        Box::pin({
            let (host, members, known) = (host.clone(), members.clone(), known.clone());
            net::serve(joins, move |peer, stream| host.clone().let_in(peer, stream, members.clone(), known.clone()))
        }),
        Box::pin({
            let (members, known) = (members.clone(), known.clone());
            net::serve(tellings, move |peer, stream| hear(peer, stream, members.clone(), known.clone()))
        }),
        Box::pin(look_at_members(net, members, known)),
    ];
    for task in tasks {
        tokio::spawn(stop.clone().run_until_cancelled_owned(task));
    }
    Ok(host)
}

/// Whoever is no member any more is cut off.
async fn look_at_members(net: Net, members: Arc<dyn Members>, known: Arc<watch::Sender<BTreeSet<NodeId>>>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = members.all();
        let gone: Vec<NodeId> = known.borrow().difference(&now).copied().collect();
        known.send_if_modified(|all| {
            if *all == now {
                false
            } else {
                all.clone_from(&now);
                true
            }
        });
        for node in gone {
            net.disconnect(node).await;
        }
    }
}

async fn hear(
    peer: NodeId, stream: net::Stream, members: Arc<dyn Members>, known: Arc<watch::Sender<BTreeSet<NodeId>>>,
) {
    let take = async |told: Tell| match told {
        Tell::Removed => {
            members.remove(peer);
            known.send_modify(|all| {
                all.remove(&peer);
            });
            Ok(())
        }
        _ => Err(Refusal::new("no-engines", "this node only helps others to be reached")),
    };
    if let Err(error) = telling::hear(stream, take).await {
        tracing::debug!(%peer, %error, "a node that had something to say went away");
    }
}

impl Host {
    /// Who it is.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.me
    }

    /// Where it can be reached, the farthest first; empty until it listens.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.net.view().borrow().addresses().iter().map(ToString::to_string).collect()
    }

    /// Rings whenever something about it changed.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let mut view = self.net.view();
        view.mark_unchanged();
        Changes(view)
    }

    /// Why it does not listen where it should.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.net.view().borrow().problem.clone()
    }

    /// What it does.
    #[must_use]
    pub fn served(&self) -> Served {
        let view = self.net.view();
        let view = view.borrow();
        Served { connected: view.connections.len(), members: self.known.borrow().len(), ..view.served }
    }

    /// Connects to another host, so that they keep one directory together.
    ///
    /// # Errors
    /// Why it is not reached.
    pub async fn meet(&self, other: NodeId, addresses: Vec<String>) -> Result<(), String> {
        let addresses = addresses.iter().filter_map(|text| text.parse().ok()).collect();
        self.net.connect(other, addresses).await.map_err(|error| error.to_string())
    }

    async fn let_in(
        self, peer: NodeId, stream: net::Stream, members: Arc<dyn Members>, known: Arc<watch::Sender<BTreeSet<NodeId>>>,
    ) {
        let admit = async |comes: Comes| {
            let Comes::Invited(join) = comes else {
                return Err(Refusal::new("not-known", "members come by invitation alone"));
            };
            if let Err((code, why)) = members.admit(&join.secret, peer, &join.introduction.name) {
                tracing::info!(%peer, code, "a node was not let in");
                return Err(Refusal::new(code, why));
            }
            tracing::info!(%peer, name = %join.introduction.name, "a node is a member now");
            known.send_modify(|all| {
                all.insert(peer);
            });
            Ok(Introduction { name: self.name.clone(), certificates: Vec::new(), addresses: self.addresses() })
        };
        if let Err(error) = pairing::receive(stream, admit).await {
            tracing::debug!(%peer, %error, "a node that wanted to join went away");
        }
    }
}

/// A link by which one node becomes a member, and the name of its secret, under which a host keeps it.
#[must_use]
pub fn invitation(
    node: NodeId, name: String, secret: [u8; 16], ends_at: Timestamp, addresses: Vec<String>,
) -> (String, String) {
    let secret = Secret(secret);
    let id = secret.name();
    (Invitation::new(node, name, secret, ends_at, addresses).to_text(), id)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_host_to_which_nothing_happens_waits() {
        let (view, mut seen) = watch::channel(net::View::default());
        seen.mark_unchanged();
        let mut changes = Changes(seen);
        assert!(changes.next().now_or_never().is_none());
        view.send_modify(|view| view.served.circuits += 1);
        assert!(changes.next().now_or_never().is_some());
        assert!(changes.next().now_or_never().is_none(), "it rings once for a change");
    }
}
