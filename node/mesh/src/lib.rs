//! Other nodes: who they are, what they may use here, what this node may use there. And the keeper of the node key.
//!
//! Goals: two people pair their nodes with a link; one grants, the other's workflows use the engine as if it were their own;
//! nothing in between can read, change or replay it; what is taken back ends at once. The node and its jobs never wait for the
//! network.
//!
//! Non-goals: running what a call asks for. A call of an engine becomes a job of this node, which the kernel runs as any other.
//!
//! Architecture invariants: only this crate has sockets to peers and knows libp2p; no other role is given the node key, and
//! nothing here gives it out; nothing that a peer sends is believed before it is checked here.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use flowork_ports::engines::{EngineCall, Given, News, NotGiven};
use flowork_ports::mesh::{Ask, Error as AskError, Gave};
use flowork_ports::store::{self, Inbox, Reader};
use flowork_ports::{Bell, Blobs, Engines, Followers, Mesh, MeshTable, Models};
use flowork_protocol::presence::Presence;
use flowork_protocol::signed::Signed;
use flowork_protocol::{NodeId, Timestamp, signed};
use libp2p::Multiaddr;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

#[cfg(test)]
mod attack_tests;
mod body;
mod call;
mod chat;
mod contacts;
mod countersign;
mod desk;
mod energy;
mod files;
mod frames;
mod grants;
mod here;
pub mod host;
mod keys;
mod lending;
mod looking;
mod machine;
mod meter;
mod net;
mod pairing;
mod persons;
mod policy;
mod reach;
mod records;
mod requests;
mod running;
mod sentence;
mod serve;
#[cfg(test)]
mod simulation_tests;
mod tell;
#[cfg(test)]
mod testing;
mod work;

pub use keys::Seed;
pub use machine::Desktop;
pub use net::Budgets;

/// What the network saw and nobody has looked at yet.
const HAPPENINGS_WAITING_MAX: usize = 256;

/// What the mesh needs.
pub struct Options {
    /// The secret half of the node key.
    pub seed: Seed,
    /// The word of the node's old key, when it was given a new one: the bytes of a signed
    /// [`flowork_protocol::succession::Succession`].
    pub succession: Option<Vec<u8>>,
    /// What others see as this node's name.
    pub name: String,
    /// The version of the program, for peers.
    pub version: &'static str,
    /// Where to listen: multiaddresses. Without any, this node can call others and cannot be called first.
    pub listen: Vec<String>,
    /// Whether to announce the node on the local network and hear of others there.
    pub lan: bool,
    /// Whether to ask the router to forward the ports.
    pub upnp: bool,
    /// What this node does for those whom it is paired with so that they can be reached, if anything: it passes on, tries
    /// their addresses and keeps where they are.
    pub relay: Option<Budgets>,
    /// Where others reach this node, as its owner says: multiaddresses.
    pub external: Vec<String>,
    /// What it keeps.
    pub table: Arc<dyn MeshTable>,
    /// Its own inbox, for the jobs that calls become.
    pub inbox: Arc<dyn Inbox>,
    /// The files of this node.
    pub blobs: Arc<dyn Blobs>,
    /// The models of this machine.
    pub models: Arc<dyn Models>,
    /// The folder for files that have not come whole.
    pub incoming: PathBuf,
    /// Where these jobs are followed.
    pub reader: Arc<dyn Reader>,
    /// Rings when they go on.
    pub bell: Bell,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// The desktop that it was started in: asked when the machine was used last, and whether a program fills the screen.
    pub desktop: Desktop,
}

/// Why the mesh does not come up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its file cannot be read.
    #[error("what this node knows of others cannot be read")]
    Store(#[from] store::Error),
    /// The folder for files that come cannot be used.
    #[error("the folder for files from other nodes cannot be used")]
    Incoming(#[source] std::io::Error),
    /// What belonged to the node's old key cannot be moved to its new one.
    #[error("what belonged to the old key of this node cannot be moved to its new one: {0}")]
    Moved(String),
    /// The network cannot be used at all.
    #[error("the network cannot be used: {0}")]
    Network(String),
}

/// Asks the mesh. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    desk: Arc<desk::Desk>,
    caller: Arc<call::Caller>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("node_id", &self.node_id()).finish_non_exhaustive()
    }
}

/// Starts the mesh. It is there when this returns, whether or not anybody can be reached; it ends when `stop` is cancelled.
///
/// # Errors
/// When its file cannot be read, or the system has no network at all.
pub async fn run(options: Options, stop: CancellationToken) -> Result<Handle, Error> {
    let Options {
        seed,
        succession,
        name,
        version,
        listen,
        lan,
        upnp,
        relay,
        external,
        table,
        inbox,
        blobs,
        models,
        incoming,
        reader,
        bell,
        clock,
        desktop,
    } = options;
    let keeper = keys::Keeper::new(&seed);
    let me = keeper.node_id();
    let succession = succession.and_then(|bytes| succeeded(&bytes, me));
    let contacts = Arc::new(contacts::Contacts::load(&table).await?);
    let persons = Arc::new(persons::Persons::load(me, &table).await?);
    let grants = Arc::new(grants::Grants::load(me, &table).await?);
    let lending = Arc::new(lending::Lending::load(&table, Arc::new(machine::ThisMachine::new(desktop))).await?);
    let known = watch::Sender::new(contacts.all().into_iter().map(|contact| contact.node).collect::<BTreeSet<_>>());
    let (happened, happenings) = mpsc::channel(HAPPENINGS_WAITING_MAX);
    let mut problem = None;
    let mut addresses_in = |texts: Vec<String>| {
        let mut addresses: Vec<Multiaddr> = Vec::new();
        for text in texts {
            match text.parse() {
                Ok(address) => addresses.push(address),
                Err(error) => problem = Some(format!("`{text}` is no multiaddress: {error}")),
            }
        }
        addresses
    };
    let (addresses, external) = (addresses_in(listen), addresses_in(external));
    let is_relay = relay.is_some();
    let net = net::start(
        net::Options {
            keypair: keeper.keypair().map_err(|error| Error::Network(error.to_string()))?,
            listen: addresses,
            lan,
            upnp,
            serves: relay,
            reserves: true,
            external,
            present: presence_of(keeper.clone(), clock.clone()),
            agent: format!("flowork/{version}"),
            clock: clock.clone(),
            known: known.subscribe(),
            happened,
        },
        stop.clone(),
    )
    .map_err(Error::Network)?;
    let files = files::Files::new(blobs, incoming, contacts.clone(), net.clone()).map_err(Error::Incoming)?;
    let files = Arc::new(files);
    let mut meter = meter::Meter::default();
    desk::remember_use(&table, &grants, &mut meter, clock()).await?;
    let followers = Followers::new(reader.clone(), bell);
    let provider = Arc::new(serve::Provider {
        me,
        keeper: keeper.clone(),
        contacts: contacts.clone(),
        persons: persons.clone(),
        grants: grants.clone(),
        lending: lending.clone(),
        meter: Mutex::new(meter),
        served: records::Records::load("served", table.clone()).await?,
        held: records::Records::load("held-call", table.clone()).await?,
        table: table.clone(),
        inbox: inbox.clone(),
        reader: reader.clone(),
        followers: followers.clone(),
        clock: clock.clone(),
        files: files.clone(),
        models: models.clone(),
        energy: energy::Energy::load(&table).await?,
        given: Mutex::default(),
        calls: Mutex::default(),
        requests: serve::Room::default(),
        refusals: serve::Noted::default(),
        patience: serve::Patience::default(),
        stop: stop.clone(),
    });
    provider.resume();
    tokio::spawn(stop.clone().run_until_cancelled_owned(provider.clone().keep_policies()));
    let signer = Arc::new(countersign::Signer {
        contacts: contacts.clone(),
        net: net.clone(),
        unsaid: records::Records::load("unsaid", table.clone()).await?,
        clock: clock.clone(),
        signed: Notify::new(),
    });
    tokio::spawn(stop.clone().run_until_cancelled_owned(signer.clone().say_all()));
    let caller = Arc::new(call::Caller {
        me,
        keeper: keeper.clone(),
        contacts: contacts.clone(),
        persons: persons.clone(),
        grants: grants.clone(),
        calling: Arc::new(records::Records::load("calling", table.clone()).await?),
        signer,
        files,
        here: here::Here { lending: lending.clone(), models: models.clone(), inbox, reader, followers },
        net: net.clone(),
        clock: clock.clone(),
        broken: Mutex::default(),
        running: Mutex::default(),
    });
    let desk = Arc::new(desk::Desk {
        me,
        name,
        keeper,
        contacts,
        persons,
        requests: requests::Requests::load(&table).await?,
        unmet: records::Records::load("unmet", table.clone()).await?,
        moves: records::Records::load("move", table.clone()).await?,
        succession: succession.clone().map(|(signed, _)| signed),
        person_told: Mutex::default(),
        going: tokio::sync::Mutex::default(),
        grants,
        lending,
        models,
        provider: provider.clone(),
        caller: caller.clone(),
        net: net.clone(),
        table,
        clock,
        known,
        problem,
        is_relay,
        looking: Mutex::default(),
        look: Notify::new(),
        writing: tokio::sync::Mutex::new(()),
    });
    if let Some((_, old)) = succession {
        desk.move_in(old).await.map_err(|error| Error::Moved(error.to_string()))?;
    }
    desk::attend(&desk, &provider, happenings, &stop).map_err(Error::Network)?;
    Ok(Handle { desk, caller })
}

impl Handle {
    /// Who this node is.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.desk.me
    }

    /// Signs `message` in `domain`, such as `flowork receipt v1`: a signature made for one purpose is worth nothing for
    /// another.
    ///
    /// # Errors
    /// [`signed::Error::Domain`] when the domain string is empty or too long.
    pub fn sign(&self, domain: &str, message: &[u8]) -> Result<[u8; 64], signed::Error> {
        self.desk.keeper.sign(domain, message)
    }
}

#[async_trait]
impl Mesh for Handle {
    async fn ask(&self, ask: Ask) -> Result<Gave, AskError> {
        self.desk.answer(ask).await
    }
}

#[async_trait]
impl Engines for Handle {
    async fn call(
        &self, call: EngineCall, news: mpsc::Sender<News>, cancel: CancellationToken,
    ) -> Result<Given, NotGiven> {
        self.caller.call(call, news, cancel).await
    }
}

/// `127.0.0.1:4142` is listened at by TCP and by QUIC; anything else is taken for a multiaddress.
#[must_use]
pub fn multiaddrs(text: &str) -> Vec<String> {
    let Ok(address) = text.parse::<std::net::SocketAddr>() else { return vec![text.to_owned()] };
    let family = if address.is_ipv4() { "ip4" } else { "ip6" };
    let (ip, port) = (address.ip(), address.port());
    vec![format!("/{family}/{ip}/tcp/{port}"), format!("/{family}/{ip}/udp/{port}/quic-v1")]
}

/// The word of an old key, when it is about this node, and whose it was.
fn succeeded(bytes: &[u8], me: NodeId) -> Option<(Signed, NodeId)> {
    let signed: Signed = minicbor::decode(bytes).ok()?;
    let said = flowork_protocol::succession::check(&signed, me).ok().flatten()?;
    Some((signed, said.old))
}

/// Signs where this node is.
fn presence_of(keeper: keys::Keeper, clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> net::Present {
    Box::new(move |addresses| {
        let presence = Presence::new(keeper.node_id(), addresses, clock(), net::PRESENCE_SECONDS);
        keeper.state(&presence).ok().map(|signed| signed::encode(&signed))
    })
}

/// What is behind a lock is whole at every moment in which somebody could panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
