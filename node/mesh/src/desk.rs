//! Answers what the node's owner asks, and looks after the peers: who joins, what they are told, where they are.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use flowork_ports::mesh::{Ask, Error, Gave, Neighbour, Peer, Reach, Status};
use flowork_ports::mesh_table::ReceiptQuery;
use flowork_ports::models::ModelServer;
use flowork_ports::{MeshTable, Models, store};
use flowork_protocol::peer::{call, pair, tell};
use flowork_protocol::receipt::Exported;
use flowork_protocol::signed::Signed;
use flowork_protocol::{Failure, NodeId, Timestamp};
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::call::Caller;
use crate::contacts::{Contact, Contacts};
use crate::grants::Grants;
use crate::keys::Keeper;
use crate::lending::Lending;
use crate::looking::Looking;
use crate::meter::Meter;
use crate::net::{Happened, Net, RelayState, View};
use crate::persons::Persons;
use crate::records::Records;
use crate::requests::Requests;
use crate::serve::Provider;
use crate::{net, reach};

mod grants;
mod known;
mod peers;
mod people;
mod persons;

pub(crate) use known::Unmet;
pub(crate) use persons::Said;

/// How far back receipts are counted when a node comes up.
const COUNTED_MS: u64 = 26 * 3_600_000;
/// How many of them at most.
const COUNTED_MAX: usize = 1_000_000;
/// The most receipts and decisions of one answer.
const LIST_MAX: usize = 1_000;

/// See the module.
pub(crate) struct Desk {
    pub(crate) me: NodeId,
    pub(crate) name: String,
    pub(crate) keeper: Keeper,
    pub(crate) contacts: Arc<Contacts>,
    pub(crate) persons: Arc<Persons>,
    pub(crate) requests: Requests,
    /// Whom this node means to go to.
    pub(crate) unmet: Records<Unmet>,
    /// Held while this node goes to them.
    pub(crate) going: tokio::sync::Mutex<()>,
    /// The word of its old key, when this node has a new one.
    pub(crate) succession: Option<Signed>,
    /// The old keys that everything was moved from, and when.
    pub(crate) moves: Records<Timestamp>,
    /// What everybody heard of this node's person.
    pub(crate) person_told: Mutex<HashMap<NodeId, Said>>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) lending: Arc<Lending>,
    pub(crate) models: Arc<dyn Models>,
    pub(crate) provider: Arc<Provider>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) net: Net,
    pub(crate) table: Arc<dyn MeshTable>,
    pub(crate) clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    pub(crate) known: watch::Sender<BTreeSet<NodeId>>,
    pub(crate) problem: Option<String>,
    /// Whether this node passes on for its peers.
    pub(crate) is_relay: bool,
    /// When who is looked for next.
    pub(crate) looking: Mutex<Looking>,
    /// Rings when that changed.
    pub(crate) look: Notify,
    /// Held by whoever reads, decides and writes: no two changes of the records are made at once.
    pub(crate) writing: tokio::sync::Mutex<()>,
}

/// Counts what was used before this process began.
pub(crate) async fn remember_use(
    table: &Arc<dyn MeshTable>, grants: &Grants, meter: &mut Meter, now: Timestamp,
) -> Result<(), store::Error> {
    for (old, new) in grants.heirs() {
        meter.inherits(old, new);
    }
    let since = Timestamp(now.0.saturating_sub(i64::try_from(COUNTED_MS).unwrap_or(i64::MAX)));
    let query = ReceiptQuery { limit: COUNTED_MAX, since: Some(since), ..ReceiptQuery::default() };
    let mut receipts = table.receipts(&query).await?;
    receipts.sort_by_key(|receipt| receipt.ended_at);
    for receipt in receipts.iter().filter(|receipt| receipt.is_given) {
        for grant in grants.counted_for(receipt.grant) {
            meter.remember(grant, receipt.ended_at, receipt.usage);
        }
    }
    Ok(())
}

/// Starts the tasks that take streams and look after peers. They end with `stop`.
pub(crate) fn attend(
    desk: &Arc<Desk>, provider: &Arc<Provider>, happenings: mpsc::Receiver<Happened>, stop: &CancellationToken,
) -> Result<(), String> {
    let calls = desk.net.accept(call::PROTOCOL)?;
    let joins = desk.net.accept(pair::PROTOCOL)?;
    let tellings = desk.net.accept(tell::PROTOCOL)?;
    let asked = desk.net.accept(flowork_protocol::peer::files::PROTOCOL)?;
    let tasks: [std::pin::Pin<Box<dyn Future<Output = ()> + Send>>; 6] = [
        Box::pin({
            let provider = provider.clone();
            net::serve(calls, move |peer, stream| provider.clone().serve(peer, stream))
        }),
        Box::pin({
            let desk = desk.clone();
            net::serve(joins, move |peer, stream| desk.clone().let_in(peer, stream))
        }),
        Box::pin({
            let desk = desk.clone();
            net::serve(tellings, move |peer, stream| desk.clone().hear(peer, stream))
        }),
        Box::pin({
            let files = provider.files.clone();
            net::serve(asked, move |peer, stream| files.clone().serve(peer, stream))
        }),
        Box::pin(desk.clone().listen(happenings)),
        Box::pin(desk.clone().look_for_peers()),
    ];
    for task in tasks {
        tokio::spawn(stop.clone().run_until_cancelled_owned(task));
    }
    Ok(())
}

fn invalid(code: &str, text: impl Into<String>) -> Error {
    Error::Invalid(Failure::new(code, text))
}

impl Desk {
    /// Answers one question.
    pub(crate) async fn answer(self: &Arc<Self>, ask: Ask) -> Result<Gave, Error> {
        let now = (self.clock)();
        Ok(match ask {
            Ask::Status => Gave::Status(self.status()),
            Ask::Peers => Gave::Peers(self.contacts.all().into_iter().map(|contact| self.peer(contact)).collect()),
            Ask::Neighbours => Gave::Neighbours(self.neighbours()),
            Ask::Invite(invite) => Gave::Invited(self.invite(invite, now).await?),
            Ask::Invitations => Gave::Invitations(self.contacts.invitations()),
            Ask::Uninvite(id) => {
                let _writing = self.writing.lock().await;
                self.contacts.uninvite(&id).await?;
                Gave::Done
            }
            Ask::Preview(link) => Gave::Preview(self.preview(&link, now)?),
            Ask::Join { link, name } => Gave::Peer(Box::new(self.join(&link, name, now).await?)),
            Ask::Rename { peer, name } => {
                let _writing = self.writing.lock().await;
                Gave::Peer(Box::new(self.peer(self.contacts.rename(&peer, &name).await?)))
            }
            Ask::PreviewRemove(peer) => Gave::Parting(self.parting(&self.contacts.named(&peer)?)),
            Ask::Remove(peer) => Gave::Parting(self.remove(&peer, now).await?),
            Ask::Engines => Gave::Engines(self.lending.list(now)),
            Ask::FindModels(at) => Gave::ModelServers(self.find_models(at.as_deref()).await?),
            Ask::Lend(lend) => {
                let _writing = self.writing.lock().await;
                Gave::Engine(self.lending.lend(lend, now).await?)
            }
            Ask::Unlend { engine, capability } => {
                let _writing = self.writing.lock().await;
                self.lending.unlend(&engine, capability.as_ref(), now).await?;
                Gave::Done
            }
            Ask::PauseLending { engine, paused } => {
                let _writing = self.writing.lock().await;
                self.lending.pause(engine.as_deref(), paused, now).await?;
                Gave::Done
            }
            Ask::SetPolicy { engine, policy } => {
                let _writing = self.writing.lock().await;
                Gave::Engine(self.lending.set_policy(&engine, policy, now).await?)
            }
            Ask::Grants => Gave::Grants(self.list_grants(now).await?),
            Ask::Grant(ask) => self.give(&ask, now).await?,
            Ask::PassOn { grant, pass_on } => self.pass_on(&grant, &pass_on, now).await?,
            Ask::Renew { grant, renew } => self.renew(&grant, &renew, now).await?,
            Ask::Requests => Gave::Requests(self.requests.list(&self.contacts)),
            Ask::DropRequest(id) => {
                self.drop_request(&id).await?;
                Gave::Done
            }
            Ask::RequestAccess { peer, request } => {
                self.request_access(&peer, request).await?;
                Gave::Done
            }
            Ask::Person => Gave::Person(self.persons.listed(&self.contacts, now)),
            Ask::Certify(text) => Gave::Person(self.certify(&text, now).await?),
            Ask::LeavePerson => {
                self.leave_person(now).await?;
                Gave::Done
            }
            Ask::Revoke(id) => self.revoke(&id, now).await?,
            Ask::Test(test) => Gave::Tested(self.test(&test, now)?),
            Ask::Receipts(query) => {
                let query = ReceiptQuery { limit: query.limit.clamp(1, LIST_MAX), ..query };
                Gave::Receipts(self.table.receipts(&query).await?)
            }
            Ask::ExportReceipts(query) => {
                let query = ReceiptQuery { limit: query.limit.clamp(1, LIST_MAX), ..query };
                let exported =
                    self.table.receipts(&query).await?.into_iter().map(|stored| {
                        (stored.ended_at, Exported::new(&stored.signed, stored.countersignature.as_deref()))
                    });
                Gave::Exported(exported.collect())
            }
            Ask::Totals => Gave::Totals(self.provider.energy.tell(self.table.totals().await?)),
            Ask::Decisions { before, limit } => {
                Gave::Decisions(self.table.decisions(before, limit.clamp(1, LIST_MAX)).await?)
            }
        })
    }

    async fn find_models(&self, at: Option<&str>) -> Result<Vec<ModelServer>, Error> {
        self.models.find(at).await.map_err(|failure| match failure.code.as_str() {
            "model-server-invalid" => Error::Invalid(failure),
            _ => Error::Missing(failure),
        })
    }

    fn status(&self) -> Status {
        let view = self.net.view();
        let view = view.borrow();
        Status {
            node: self.me,
            name: self.name.clone(),
            listens: view.listens.iter().map(ToString::to_string).collect(),
            external: view.external.iter().map(ToString::to_string).collect(),
            reachable: self.reachable(&view),
            is_relay: self.is_relay,
            problem: self.problem.clone().or_else(|| view.problem.clone()),
            is_lending_paused: self.lending.is_paused(),
            connected: view.connections.len(),
        }
    }

    fn peer(&self, contact: Contact) -> Peer {
        let view = self.net.view();
        let view = view.borrow();
        let reach = match view.connection(contact.node) {
            Some(connection) => {
                let address = net::without_peer(connection.address.clone()).to_string();
                let latency_ms = connection.latency.map(|latency| latency.as_secs_f64() * 1_000.0);
                if connection.is_relayed {
                    let through = self.relay_in(&connection.address).map(|relay| self.contacts.name_of(relay));
                    Reach::Relayed { address, latency_ms, through, why: view.not_direct.get(&contact.node).cloned() }
                } else {
                    Reach::Direct { address, latency_ms }
                }
            }
            None if contact.has_left => Reach::Away { why: Some("it removed this node".to_owned()) },
            None => Reach::Away { why: view.last_failure.get(&contact.node).cloned() },
        };
        let now = (self.clock)();
        let said = self.persons.of_contact(&contact, now);
        let is_mine = self.persons.is_mine(&contact, now);
        let relay = view.relays.get(&contact.node).map(|relay| relay.state.shown());
        Peer {
            node: contact.node,
            seen_at: match reach {
                Reach::Away { .. } => view.seen_at.get(&contact.node).copied(),
                _ => Some(now),
            },
            name: contact.name,
            own_name: contact.own_name,
            is_mine,
            person: said.as_ref().map(|said| said.person),
            person_name: said.map(|said| said.person_name),
            paired_at: contact.paired_at,
            reach,
            relay,
        }
    }

    /// The relay that an address leads through.
    fn relay_in(&self, address: &Multiaddr) -> Option<NodeId> {
        address.iter().find_map(|part| match part {
            Protocol::P2p(peer) => net::node_id(&peer),
            _ => None,
        })
    }

    /// From where this node can be reached, in words.
    fn reachable(&self, view: &View) -> String {
        let reserved = view.relays.iter().filter(|(_, relay)| relay.state == RelayState::Reserved);
        let names: Vec<String> = reserved.map(|(node, _)| self.contacts.name_of(*node)).collect();
        reach::words(view, &names)
    }

    fn neighbours(&self) -> Vec<Neighbour> {
        let view = self.net.view();
        let view = view.borrow();
        let is_stranger = |node: &NodeId| self.contacts.get(*node).is_none();
        view.neighbours
            .iter()
            .filter(|(node, _)| is_stranger(node))
            .map(|(node, addresses)| Neighbour {
                node: *node,
                addresses: addresses.iter().map(ToString::to_string).collect(),
            })
            .collect()
    }
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Away(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}
