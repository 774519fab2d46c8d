//! Attacks on a whole node, over real connections: TCP with noise and yamux, and QUIC, on loopback.
//!
//! The node is what [`run`] starts; only its store and its jobs are in memory, and its clock stands still until a test moves
//! it. Whoever attacks is a libp2p swarm that speaks our protocols and keeps to none of our limits. docs/security.md lists the
//! attacks.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use flowork_ports::mesh::{Ask, GrantLimits, Lend, NewGrant};
use flowork_ports::{Mesh as _, MeshTable};
use flowork_protocol::grant::Capability;
use flowork_protocol::invitation::Secret;
use flowork_protocol::peer::call::{self, CallId, Frame, GrantRef, Open};
use flowork_protocol::peer::pair::{self, Introduction, Join, Known};
use flowork_protocol::signed::Signed;
use flowork_protocol::{GrantId, NodeId, Timestamp};
use futures::StreamExt as _;
use libp2p::kad::store::MemoryStore;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, Swarm, SwarmBuilder, identify, kad, noise, relay, tcp, yamux};
use serde_json::json;
use tokio::sync::{Mutex, mpsc};
use tokio_util::compat::FuturesAsyncReadCompatExt as _;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::contacts::Contacts;
use crate::grants::Grants;
use crate::keys::Keeper;
use crate::net::{self, Budgets, DIRECTORY, Stream};
use crate::pairing::{self, Comes, Joined};
use crate::testing::{CountingModel, Folder, Jobs, MemoryTable, offers};
use crate::{Handle, Options, Seed, frames, lock, run};

mod calls;
mod connections;
mod directory;
mod frames_and_streams;
mod invitations;
mod relays;

/// The longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Paired, and lent `run:echo`, `run:hangs` and `chat` of the engine `box`.
const ANA: u8 = 2;
/// Paired.
const BEN: u8 = 3;
/// Not paired, as every greater number.
const STRANGER: u8 = 100;

fn seed(number: u8) -> Seed {
    Seed::new([number; 32])
}

fn id_of(number: u8) -> NodeId {
    seed(number).node_id()
}

fn keeper(number: u8) -> Keeper {
    Keeper::new(&seed(number))
}

async fn patiently<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// The node that is attacked.
struct Target {
    id: NodeId,
    handle: Handle,
    tcp: Multiaddr,
    quic: Multiaddr,
    jobs: Jobs,
    model: Arc<CountingModel>,
    blobs: Arc<Folder>,
    dir: tempfile::TempDir,
    now: Arc<AtomicI64>,
    _stop: DropGuard,
}

impl Target {
    /// Paired with Ana and Ben.
    async fn new() -> Self {
        Self::start(1, &[(ANA, "Ana", None), (BEN, "Ben", None)], None).await
    }

    /// With this key, these friends, who may be somewhere, and what it does for them.
    async fn start(number: u8, friends: &[(u8, &str, Option<Multiaddr>)], relay: Option<Budgets>) -> Self {
        let table: Arc<dyn MeshTable> = Arc::new(MemoryTable::default());
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = Arc::new(AtomicI64::new(i64::try_from(since.as_millis()).unwrap()));
        let contacts = Contacts::load(&table).await.unwrap();
        for (friend, name, place) in friends {
            let said = Introduction { name: (*name).to_owned(), certificates: Vec::new(), addresses: Vec::new() };
            let places = place.iter().map(ToString::to_string).collect();
            let at = Timestamp(now.load(Ordering::Relaxed));
            contacts.pair(id_of(*friend), &said, None, places, at, Vec::new()).await.unwrap();
        }
        let dir = tempfile::tempdir().unwrap();
        let blobs = Arc::new(Folder::new(dir.path().join("node/blobs")));
        let (jobs, model, clock) = (Jobs::default(), Arc::new(CountingModel::default()), now.clone());
        let options = Options {
            seed: seed(number),
            succession: None,
            name: "target".to_owned(),
            version: "0",
            listen: vec!["/ip4/127.0.0.1/tcp/0".to_owned(), "/ip4/127.0.0.1/udp/0/quic-v1".to_owned()],
            lan: false,
            upnp: false,
            relay,
            external: Vec::new(),
            table,
            inbox: Arc::new(jobs.clone()),
            models: model.clone(),
            blobs: blobs.clone(),
            incoming: dir.path().join("node/incoming"),
            reader: Arc::new(jobs.clone()),
            bell: jobs.bell.clone(),
            desktop: crate::Desktop::None,
            clock: Arc::new(move || Timestamp(clock.load(Ordering::Relaxed))),
        };
        let stop = CancellationToken::new();
        let handle = run(options, stop.clone()).await.unwrap();
        let mut view = handle.desk.net.view();
        let listens = patiently("it listens", view.wait_for(|view| view.listens.len() == 2)).await.unwrap();
        let at = |what: &str| listens.listens.iter().find(|one| one.to_string().contains(what)).unwrap().clone();
        let (tcp, quic) = (at("/tcp/"), at("/quic-v1"));
        drop(listens);
        Self { id: id_of(number), handle, tcp, quic, jobs, model, blobs, dir, now, _stop: stop.drop_guard() }
    }

    /// Lends to Ana; gives the grant and its chain.
    async fn lend(&self) -> (GrantId, Vec<u8>) {
        let lend = Lend { engine: "box".to_owned(), offers: offers(), concurrent: None };
        self.handle.ask(Ask::Lend(lend)).await.unwrap();
        self.grant("Ana", ANA).await
    }

    async fn grant(&self, name: &str, number: u8) -> (GrantId, Vec<u8>) {
        let grant = NewGrant {
            to: name.to_owned(),
            engine: "box".to_owned(),
            can: vec![Capability::run("echo"), Capability::run("hangs"), Capability("chat".to_owned())],
            limits: GrantLimits::default(),
            until: Timestamp(self.now.load(Ordering::Relaxed)).plus_ms(3_600_000),
            depth: 1,
            renews: false,
            request: None,
        };
        self.handle.ask(Ask::Grant(grant)).await.unwrap();
        let kept = self.handle.desk.grants.given_to(id_of(number)).pop().unwrap();
        (kept.id, kept.chain)
    }

    fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::Relaxed);
    }

    fn ran(&self) -> usize {
        lock(&self.jobs.submitted).len()
    }
}

/// Whoever attacks.
#[derive(NetworkBehaviour)]
struct Tools {
    stream: libp2p_stream::Behaviour,
    identify: identify::Behaviour,
    relayed: relay::client::Behaviour,
    directory: kad::Behaviour<MemoryStore>,
}

type Order = Box<dyn FnOnce(&mut Swarm<Tools>) + Send>;

/// Has a key and a network, and no manners.
struct Hostile {
    control: libp2p_stream::Control,
    orders: mpsc::UnboundedSender<Order>,
    events: Mutex<mpsc::UnboundedReceiver<SwarmEvent<ToolsEvent>>>,
    _stop: DropGuard,
}

impl Hostile {
    fn new(number: u8) -> Self {
        let key = keeper(number).keypair().unwrap();
        let multiplex = || {
            let mut config = yamux::Config::default();
            config.set_max_num_streams(4_000);
            config
        };
        let mut swarm = SwarmBuilder::with_existing_identity(key)
            .with_tokio()
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplex)
            .unwrap()
            .with_quic()
            .with_relay_client(noise::Config::new, multiplex)
            .unwrap()
            .with_behaviour(|key, relayed| {
                let me = key.public().to_peer_id();
                let mut config = kad::Config::new(DIRECTORY);
                config.set_caching(kad::Caching::Disabled).set_periodic_bootstrap_interval(None);
                let mut directory = kad::Behaviour::with_config(me, MemoryStore::new(me), config);
                directory.set_mode(Some(kad::Mode::Server));
                Tools {
                    stream: libp2p_stream::Behaviour::new(),
                    identify: identify::Behaviour::new(identify::Config::new("flowork/1".to_owned(), key.public())),
                    relayed,
                    directory,
                }
            })
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        let control = swarm.behaviour().stream.new_control();
        let (orders, mut asked) = mpsc::unbounded_channel::<Order>();
        let (happened, events) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                tokio::select! {
                    Some(order) = asked.recv() => order(&mut swarm),
                    // A test that is over reads nothing.
                    event = swarm.select_next_some() => drop(happened.send(event)),
                }
            }
        }));
        Self { control, orders, events: Mutex::new(events), _stop: stop.drop_guard() }
    }

    /// One that is connected.
    async fn at(number: u8, target: &Target) -> Self {
        let hostile = Self::new(number);
        hostile.connect(target.id, &target.tcp).await.unwrap();
        hostile
    }

    /// One that calls from another address of this machine than everybody else, by QUIC.
    async fn from_elsewhere(number: u8, target: &Target) -> Self {
        let hostile = Self::new(number);
        hostile.listen("/ip4/127.0.0.2/udp/0/quic-v1").await;
        hostile.connect(target.id, &target.quic).await.unwrap();
        hostile
    }

    /// Does something with the swarm.
    async fn with<T: Send + 'static>(&self, order: impl FnOnce(&mut Swarm<Tools>) -> T + Send + 'static) -> T {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.orders.send(Box::new(move |swarm| drop(reply.send(order(swarm))))).ok().unwrap();
        patiently("the swarm takes an order", answer).await.unwrap()
    }

    /// The first event from now on of which `pick` makes something; what came before it is lost.
    async fn until<T>(&self, what: &str, mut pick: impl FnMut(SwarmEvent<ToolsEvent>) -> Option<T>) -> T {
        let mut events = self.events.lock().await;
        let search = async {
            loop {
                if let Some(found) = pick(events.recv().await.unwrap()) {
                    return found;
                }
            }
        };
        patiently(what, search).await
    }

    async fn listen(&self, at: &str) -> Multiaddr {
        let address: Multiaddr = at.parse().unwrap();
        self.with(move |swarm| swarm.listen_on(address).unwrap()).await;
        self.until("it listens", |event| match event {
            SwarmEvent::NewListenAddr { address, .. } => Some(address),
            _ => None,
        })
        .await
    }

    /// A connection of its own, whatever there is already. That it came about does not say that the other end keeps it.
    async fn connect(&self, to: NodeId, at: &Multiaddr) -> Result<ConnectionId, String> {
        let peer = net::peer_id(to).unwrap();
        let dial = DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(vec![at.clone()]).build();
        let this = dial.connection_id();
        self.with(move |swarm| swarm.dial(dial).map_err(|error| error.to_string())).await?;
        self.until("an answer to a dial", |event| match event {
            SwarmEvent::ConnectionEstablished { connection_id, .. } if connection_id == this => Some(Ok(this)),
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } if connection_id == this => {
                Some(Err(error.to_string()))
            }
            _ => None,
        })
        .await
    }

    /// Waits until one of its connections is closed by the other end.
    async fn cut_off(&self) -> ConnectionId {
        self.until("it is cut off", |event| match event {
            SwarmEvent::ConnectionClosed { connection_id, .. } => Some(connection_id),
            _ => None,
        })
        .await
    }

    async fn open(&self, to: &Target, protocol: &'static str) -> Result<Stream, String> {
        let protocol = libp2p::StreamProtocol::new(protocol);
        let mut control = self.control.clone();
        let opening = control.open_stream(net::peer_id(to.id).unwrap(), protocol);
        match patiently("a stream", opening).await {
            Ok(stream) => Ok(stream.compat()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Tries to join; gives the code of the refusal.
    async fn join(&self, to: &Target, secret: [u8; 16]) -> Result<(), String> {
        let introduction = Introduction { name: "Eve".to_owned(), certificates: Vec::new(), addresses: Vec::new() };
        let join = Join { secret: Secret(secret), introduction };
        // Who was refused may lose the words with the stream, and says the same again, as a node does.
        for _ in 0..5 {
            match self.come(to, Comes::Invited(join.clone())).await {
                Err(why) if why == "the stream to the other node broke" => {}
                came => return came,
            }
        }
        Err("it broke each time".to_owned())
    }

    /// Comes without an invitation, with what it has to show.
    async fn come_known(&self, to: &Target, certificates: Vec<Signed>, chain: Option<Vec<u8>>) -> Result<(), String> {
        let introduction = Introduction { name: "Eve".to_owned(), certificates, addresses: Vec::new() };
        self.come(to, Comes::Known(Known { introduction, chain, succession: None })).await
    }

    /// Comes in the place of another key.
    async fn come_after(&self, to: &Target, certificates: Vec<Signed>, succession: Signed) -> Result<(), String> {
        let introduction = Introduction { name: "Eve".to_owned(), certificates, addresses: Vec::new() };
        self.come(to, Comes::Known(Known { introduction, chain: None, succession: Some(succession) })).await
    }

    async fn come(&self, to: &Target, comes: Comes) -> Result<(), String> {
        let stream = self.open(to, pair::PROTOCOL).await?;
        match patiently("pairing", pairing::come(stream, comes)).await {
            Ok(Joined::Welcome(_)) => Ok(()),
            Ok(Joined::Refused(refusal)) => Err(refusal.code),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether the node speaks with it: it answers who tries to join.
    async fn is_let_in(&self, to: &Target) -> bool {
        self.join(to, [0; 16]).await == Err("invitation-unknown".to_owned())
    }

    /// Opens a call with its request; gives what comes until it ends.
    async fn call(&self, to: &Target, open: &Open) -> Result<Vec<Frame>, String> {
        let (mut reader, mut writer) = frames::split(self.open(to, call::PROTOCOL).await?);
        writer.write(&Frame::Open(Box::new(open.clone()))).await.map_err(|error| error.to_string())?;
        let mut came = Vec::new();
        loop {
            let frame = reader.next_within::<Frame>(PATIENCE).await.map_err(|error| error.to_string())?;
            let is_over = matches!(frame, Frame::End(_) | Frame::Reject(_));
            came.push(frame);
            if is_over {
                return Ok(came);
            }
        }
    }

    /// The code by which a call is refused.
    async fn refused(&self, to: &Target, open: &Open) -> String {
        match self.call(to, open).await.unwrap().pop() {
            Some(Frame::Reject(refusal)) => refusal.code,
            other => panic!("it was not refused: {other:?}"),
        }
    }
}

/// A call of `echo` with a request.
fn opening(call: u8, grant: GrantRef, request: &[u8]) -> Open {
    Open {
        call: CallId([call; 16]),
        grant,
        engine: "box".to_owned(),
        capability: Capability::run("echo"),
        deadline_ms: 600_000,
        resume_from: 0,
        certificates: Vec::new(),
        request_bytes: request.len() as u64,
        request_hash: *blake3::hash(request).as_bytes(),
        request: Some(request.to_vec()),
    }
}

fn items(what: &str) -> Vec<u8> {
    json!([{ "json": { "what": what } }]).to_string().into_bytes()
}

fn output(frames: &[Frame]) -> Vec<u8> {
    assert!(matches!(frames.last(), Some(Frame::End(_))), "{frames:?}");
    let pieces = frames.iter().filter_map(|frame| match frame {
        Frame::Data(data) => Some(data.bytes.clone()),
        _ => None,
    });
    pieces.collect::<Vec<_>>().concat()
}

/// All files below a folder, by their names.
fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.insert(entry.file_name().into_string().unwrap());
        }
    }
    found
}
