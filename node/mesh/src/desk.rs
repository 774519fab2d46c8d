//! Answers what the node's owner asks, and looks after the peers: who joins, what they are told, where they are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowork_ports::mesh::{
    Ask, Error, Gave, Invite, Invited, Neighbour, NewGrant, Parting, Peer, Preview, Reach, Status, TestGrant, Tested,
};
use flowork_ports::mesh_table::ReceiptQuery;
use flowork_ports::models::ModelServer;
use flowork_ports::store;
use flowork_ports::{MeshTable, Models};
use flowork_protocol::grant::Asked;
use flowork_protocol::invitation::{Invitation, Secret};
use flowork_protocol::peer::call::GrantRef;
use flowork_protocol::peer::pair::{self, Introduction, Join};
use flowork_protocol::peer::tell::{self, Tell};
use flowork_protocol::peer::{Refusal, call};
use flowork_protocol::receipt::Exported;
use flowork_protocol::{Failure, GrantId, NodeId, PersonId, Timestamp};
use futures::StreamExt as _;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::call::Caller;
use crate::contacts::{Contact, Contacts};
use crate::frames;
use crate::grants::{Grants, Kept};
use crate::keys::Keeper;
use crate::lending::Lending;
use crate::lock;
use crate::looking::{LOOK_FIRST, LOOK_MAX, Looking};
use crate::meter::Meter;
use crate::net::{self, Happened, Net, RelayState, View};
use crate::pairing::{self, Joined};
use crate::reach;
use crate::sentence;
use crate::serve::{Provider, cut};

/// The longest life of an invitation, in minutes.
const INVITE_MINUTES_MAX: u32 = 7 * 24 * 60;
/// How many peers are looked for at once.
const LOOK_AT_ONCE: usize = 16;
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
    table: &Arc<dyn MeshTable>, meter: &mut Meter, now: Timestamp,
) -> Result<(), store::Error> {
    let since = Timestamp(now.0.saturating_sub(i64::try_from(COUNTED_MS).unwrap_or(i64::MAX)));
    let query = ReceiptQuery { limit: COUNTED_MAX, since: Some(since), ..ReceiptQuery::default() };
    let mut receipts = table.receipts(&query).await?;
    receipts.sort_by_key(|receipt| receipt.ended_at);
    for receipt in receipts.iter().filter(|receipt| receipt.is_given) {
        meter.remember(receipt.grant, receipt.ended_at, receipt.usage);
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
            Ask::Grants => Gave::Grants(self.grants.list(&self.contacts, |id| self.used(id, now))),
            Ask::Grant(ask) => self.give(&ask, now).await?,
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
            Ask::Totals => Gave::Totals(self.table.totals().await?),
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
        let relay = view.relays.get(&contact.node).map(|relay| relay.state.shown());
        Peer {
            node: contact.node,
            seen_at: match reach {
                Reach::Away { .. } => view.seen_at.get(&contact.node).copied(),
                _ => Some((self.clock)()),
            },
            name: contact.name,
            own_name: contact.own_name,
            person: contact.person,
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

    fn introduction(&self) -> Introduction {
        let addresses = self.net.view().borrow().addresses().iter().map(ToString::to_string).collect();
        Introduction { name: self.name.clone(), certificates: Vec::new(), addresses }
    }

    async fn invite(&self, invite: Invite, now: Timestamp) -> Result<Invited, Error> {
        if invite.minutes == 0 || invite.minutes > INVITE_MINUTES_MAX {
            return Err(invalid("minutes-invalid", format!("an invitation holds 1 to {INVITE_MINUTES_MAX} minutes")));
        }
        if invite.name.as_ref().is_some_and(|name| !flowork_protocol::certificate::is_name(name)) {
            return Err(invalid("name-invalid", "a name has 1 to 64 bytes and nothing invisible"));
        }
        let ends_at = now.plus_ms(u64::from(invite.minutes) * 60_000);
        let secret = Secret(random()?);
        let (addresses, reachable) = {
            let view = self.net.view();
            let view = view.borrow();
            (view.addresses(), self.reachable(&view))
        };
        let _writing = self.writing.lock().await;
        self.contacts.invite(&secret, invite.name, now, ends_at).await?;
        let texts = addresses.iter().map(ToString::to_string).collect();
        let invitation = Invitation::new(self.me, self.name.clone(), secret, ends_at, texts);
        Ok(Invited {
            link: invitation.to_text(),
            ends_at: invitation.ends_at(),
            addresses: invitation.addresses,
            reach: reachable,
        })
    }

    fn read(&self, link: &str, now: Timestamp) -> Result<Invitation, Error> {
        let invitation =
            Invitation::read(link, now).map_err(|error| invalid("invitation-invalid", error.to_string()))?;
        if invitation.node == self.me {
            let failure = Failure::new("invitation-own", "this invitation is by this node itself");
            return Err(Error::Invalid(failure.hint("give it to the one whom you want to pair with")));
        }
        Ok(invitation)
    }

    fn preview(&self, link: &str, now: Timestamp) -> Result<Preview, Error> {
        let invitation = self.read(link, now)?;
        Ok(Preview {
            node: invitation.node,
            ends_at: invitation.ends_at(),
            known_as: self.contacts.get(invitation.node).map(|contact| contact.name),
            name: invitation.name,
            addresses: invitation.addresses,
        })
    }

    async fn join(&self, link: &str, name: Option<String>, now: Timestamp) -> Result<Peer, Error> {
        let invitation = self.read(link, now)?;
        let whom = invitation.name.clone();
        let peer_error = |code: &str, text: String, hint: &str| Error::Peer(Failure::new(code, text).hint(hint));
        let addresses: Vec<Multiaddr> = invitation.addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let mut is_again = false;
        let joined = loop {
            let stream = self.net.open(invitation.node, pair::PROTOCOL, addresses.clone()).await.map_err(|error| {
                peer_error(
                    "peer-away",
                    format!("{whom} cannot be reached: {error}"),
                    "is it running, and in the same network? Otherwise let it be the one who joins: `flowork peer invite` here",
                )
            })?;
            match pairing::join(stream, invitation.secret.clone(), self.introduction()).await {
                Ok(joined) => break joined,
                // The same node may say the same again: a connection that broke in between does no harm.
                Err(frames::Error::Io(_) | frames::Error::Closed) if !is_again => is_again = true,
                Err(error) => {
                    return Err(peer_error("peer-broke", format!("{whom} did not answer: {error}"), "try again"));
                }
            }
        };
        let said = match joined {
            Joined::Welcome(said) => said,
            Joined::Refused(refusal) => {
                let text = format!("{whom} does not let this node in: {}", cut(&refusal.message));
                return Err(peer_error(&cut(&refusal.code), text, "ask for a new invitation"));
            }
        };
        let _writing = self.writing.lock().await;
        let contact =
            self.contacts.pair(invitation.node, &said, name.as_deref(), invitation.addresses, now, Vec::new()).await?;
        self.learn_known();
        Ok(self.peer(contact))
    }

    /// Takes the other end of [`Self::join`].
    async fn let_in(self: Arc<Self>, peer: NodeId, stream: net::Stream) {
        let admit = async |join: Join| {
            let now = (self.clock)();
            let _writing = self.writing.lock().await;
            match self.contacts.admit(peer, &join.secret, &join.introduction, Vec::new(), now).await {
                Ok(contact) => {
                    tracing::info!(%peer, name = %contact.name, "a node joined by invitation");
                    self.learn_known();
                    Ok(self.introduction())
                }
                Err(why) => {
                    tracing::info!(%peer, code = why.code(), "a node was not let in");
                    Err(Refusal::new(why.code(), why.to_string()))
                }
            }
        };
        if let Err(error) = pairing::receive(stream, admit).await {
            tracing::debug!(%peer, %error, "a node that wanted to join went away");
        }
    }

    /// Tells the network who is paired now.
    fn learn_known(&self) {
        self.known.send_replace(self.contacts.all().into_iter().map(|contact| contact.node).collect());
    }

    fn parting(&self, contact: &Contact) -> Parting {
        let name = |kept: &Kept| self.grants.listed(kept, &self.contacts, |_| flowork_ports::mesh::Used::default());
        let sentences = |all: Vec<Kept>| {
            all.iter().filter(|kept| kept.revoked_at.is_none()).filter_map(name).map(|grant| grant.sentence).collect()
        };
        Parting {
            name: contact.name.clone(),
            given: sentences(self.grants.given_to(contact.node)),
            held: sentences(self.grants.held_of(contact.node)),
            running: u32::try_from(self.provider.running_of(contact.node)).unwrap_or(u32::MAX),
            they_keep: "what their runs were given before, and the receipts that both signed".to_owned(),
        }
    }

    async fn remove(self: &Arc<Self>, who: &str, now: Timestamp) -> Result<Parting, Error> {
        let contact = self.contacts.named(who)?;
        let parting = self.parting(&contact);
        // So that the other side reads why, if it can be told within a moment.
        let telling = self.say(contact.node, &Tell::Removed);
        let _ = tokio::time::timeout(Duration::from_secs(2), telling).await;
        {
            let _writing = self.writing.lock().await;
            for kept in self.grants.given_to(contact.node) {
                self.grants.revoke(&kept, &format!(": {} was removed", contact.name), now).await?;
            }
            self.grants.forget_held(contact.node).await?;
            self.contacts.remove(&contact, now).await?;
        }
        self.learn_known();
        self.provider.end_of(contact.node, &Refusal::new("not-paired", "the two nodes are not paired any more"));
        self.net.disconnect(contact.node).await;
        Ok(parting)
    }

    fn used(&self, grant: GrantId, now: Timestamp) -> flowork_ports::mesh::Used {
        lock(&self.provider.meter).used(grant, now)
    }

    async fn give(self: &Arc<Self>, ask: &NewGrant, now: Timestamp) -> Result<Gave, Error> {
        let to = self.contacts.named(&ask.to)?;
        let engine = self.lending.get(&ask.engine)?;
        if let Some(unknown) = ask.can.iter().find(|capability| !engine.offers.contains_key(capability)) {
            let can: Vec<String> = engine.offers.keys().map(ToString::to_string).collect();
            let failure = Failure::new("no-offer", format!("the engine `{}` does not do `{unknown}`", engine.name));
            return Err(Error::Invalid(failure.hint(format!("it does: {}", can.join(", ")))));
        }
        let kept = {
            let _writing = self.writing.lock().await;
            self.grants.give(&self.keeper, &to, ask, random()?, now).await?
        };
        tokio::spawn(self.clone().tell_untold(to.node));
        self.shown(&kept, now)
    }

    async fn revoke(self: &Arc<Self>, id: &str, now: Timestamp) -> Result<Gave, Error> {
        let kept = {
            let _writing = self.writing.lock().await;
            let kept = self.grants.given_by(id)?;
            self.grants.revoke(&kept, "", now).await?
        };
        let why = Refusal::new("grant-revoked", "the grant was taken back by its owner");
        let ended = self.provider.end_under(kept.id, &why);
        tracing::info!(grant = %kept.id.short(), ended, "a grant was taken back");
        tokio::spawn(self.clone().tell_untold(kept.holder));
        self.shown(&kept, now)
    }

    fn shown(&self, kept: &Kept, now: Timestamp) -> Result<Gave, Error> {
        let listed = self.grants.listed(kept, &self.contacts, |id| self.used(id, now));
        listed
            .map(|grant| Gave::Grant(Box::new(grant)))
            .ok_or_else(|| Error::Away("a grant that does not read".to_owned()))
    }

    fn test(&self, test: &TestGrant, now: Timestamp) -> Result<Tested, Error> {
        let contact = self.contacts.named(&test.who)?;
        let at = test.at.unwrap_or(now);
        let persons: Vec<PersonId> = contact.person.into_iter().collect();
        let mut tested = Tested { allowed: false, grant: None, reasons: Vec::new() };
        let given = self.grants.given_to(contact.node);
        if given.is_empty() {
            tested.reasons.push(format!("{} was given no grant", contact.name));
        }
        let asked =
            Asked { peer: contact.node, persons: &persons, engine: &test.engine, capability: &test.can, now: at };
        for kept in given {
            let short = kept.id.short();
            let admitted = match self.grants.admit(&GrantRef::Known(kept.id), &asked) {
                Ok(admitted) => admitted,
                Err(why) => {
                    tested.reasons.push(format!("grant {short}: {why}"));
                    continue;
                }
            };
            // Charged to a copy of nothing: the question costs no call.
            if let Some(up) = lock(&self.provider.meter).would_refuse(admitted.links(), 0, at) {
                tested.reasons.push(format!("grant {short}: it allows {up}, and that is used up"));
                continue;
            }
            tested.reasons.push(format!("grant {short}: allowed until {}", sentence::moment(admitted.ends_at())));
            tested.allowed = true;
            tested.grant.get_or_insert(kept.id);
        }
        let not_now = match self.lending.get(&test.engine) {
            Err(error) => Some(error.to_string()),
            Ok(_) if self.lending.is_paused() => Some("all lending is paused".to_owned()),
            Ok(engine) if engine.is_paused => Some(format!("the engine {} is paused", engine.name)),
            Ok(engine) => self
                .lending
                .held(&engine, at)
                .map(|held| format!("the engine {} is not lent {}", engine.name, held.why)),
        };
        if let Some(why) = not_now {
            (tested.allowed, tested.grant) = (false, None);
            tested.reasons.push(why);
        }
        Ok(tested)
    }

    /// Says one thing to a peer.
    async fn say(&self, node: NodeId, what: &Tell) -> Result<Result<(), Refusal>, String> {
        let addresses = self.contacts.get(node).map(|contact| contact.multiaddrs()).unwrap_or_default();
        let stream = self.net.open(node, tell::PROTOCOL, addresses).await.map_err(|error| error.to_string())?;
        crate::tell::tell(stream, what).await.map_err(|error| error.to_string())
    }

    /// Tells a peer what it has not heard yet of its grants.
    async fn tell_untold(self: Arc<Self>, node: NodeId) {
        for kept in self.grants.untold_to(node) {
            let what = match kept.revoked_at {
                Some(_) => Tell::Revoked(kept.id),
                None => Tell::Grant(kept.chain.clone()),
            };
            match self.say(node, &what).await {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => {
                    // It will say the same again; the grant can still be used by its name.
                    tracing::warn!(%node, code = %cut(&refusal.code), "a peer does not take a grant");
                }
                Err(why) => {
                    tracing::debug!(%node, why, "a peer is told later");
                    tokio::time::sleep(LOOK_FIRST).await;
                    self.look.notify_one();
                    return;
                }
            }
            let _writing = self.writing.lock().await;
            if let Err(error) = self.grants.told(&kept).await {
                tracing::warn!(%error, "that a peer was told could not be written down");
            }
        }
    }

    /// Takes the other end of [`Self::say`].
    async fn hear(self: Arc<Self>, peer: NodeId, stream: net::Stream) {
        let take = async |told: Tell| {
            let Some(contact) = self.contacts.get(peer) else {
                return Err(Refusal::new("not-paired", "the two nodes are not paired"));
            };
            let now = (self.clock)();
            let try_again = |error: store::Error| {
                tracing::error!(%error, "what a peer said could not be written down");
                Refusal::new("try-again", "it cannot be written down now").retry_after_ms(5_000)
            };
            if let Tell::Countersigned(said) = told {
                return self.provider.countersigned(peer, said).await.map_err(try_again);
            }
            let _writing = self.writing.lock().await;
            match told {
                Tell::Grant(chain) => match self.grants.hold(chain, peer, &[], now).await {
                    Ok(_) => Ok(()),
                    Err(denied) => Err(Refusal::new(denied.code(), denied.to_string())),
                },
                Tell::Revoked(id) => self.grants.lose(id, peer, now).await.map_err(try_again),
                Tell::Removed => {
                    self.contacts.left(contact, now).await.map_err(try_again)?;
                    for kept in self.grants.held_of(peer) {
                        self.grants.lose(kept.id, peer, now).await.map_err(try_again)?;
                    }
                    Ok(())
                }
                Tell::Countersigned(_) | Tell::Heard | Tell::Refused(_) => {
                    Err(Refusal::new("protocol", "it came out of turn"))
                }
            }
        };
        if let Err(error) = crate::tell::hear(stream, take).await {
            tracing::debug!(%peer, %error, "a peer that had something to say went away");
        }
    }

    /// Hears what the network saw.
    async fn listen(self: Arc<Self>, mut happenings: mpsc::Receiver<Happened>) {
        while let Some(happened) = happenings.recv().await {
            match happened {
                Happened::Connected(node) => {
                    lock(&self.looking).connected(node, Instant::now());
                    tokio::spawn(self.clone().tell_untold(node));
                }
                Happened::Lost(node) => {
                    lock(&self.looking).lost(node, Instant::now());
                    self.look.notify_one();
                }
                Happened::Moved => {
                    lock(&self.looking).moved();
                    self.look.notify_one();
                }
                Happened::Addresses(node, addresses) => {
                    let texts = addresses.into_iter().map(|address| net::without_peer(address).to_string()).collect();
                    let _writing = self.writing.lock().await;
                    if let Err(error) = self.contacts.learn_addresses(node, texts).await {
                        tracing::warn!(%error, "where a peer is could not be written down");
                    }
                }
            }
        }
    }

    /// Keeps a connection to every peer that can be reached, less and less eagerly, and tidies up in between.
    async fn look_for_peers(self: Arc<Self>) {
        loop {
            let now = Instant::now();
            let due: Vec<Contact> = {
                let view = self.net.view();
                let view = view.borrow();
                let is_away = |contact: &Contact| !contact.has_left && !view.connections.contains_key(&contact.node);
                let away: Vec<Contact> = self.contacts.all().into_iter().filter(is_away).collect();
                let mut looking = lock(&self.looking);
                looking.keep(away.iter().map(|contact| contact.node).collect());
                away.into_iter().filter(|contact| looking.is_due(contact.node, now)).collect()
            };
            futures::stream::iter(due)
                .for_each_concurrent(LOOK_AT_ONCE, async |contact| {
                    let found = self.net.connect(contact.node, contact.multiaddrs()).await;
                    if found.is_err() {
                        lock(&self.looking).missed(contact.node, Instant::now());
                    }
                })
                .await;
            // Who is there and did not hear something: the stream broke, or its disk was full.
            let untold = self.grants.untold();
            let deaf: Vec<NodeId> = {
                let view = self.net.view();
                let view = view.borrow();
                untold.into_iter().filter(|node| view.connections.contains_key(node)).collect()
            };
            for node in &deaf {
                tokio::spawn(self.clone().tell_untold(*node));
            }
            self.provider.sweep((self.clock)()).await;
            self.caller.sweep((self.clock)()).await;
            let at_most = if deaf.is_empty() { LOOK_MAX } else { LOOK_FIRST };
            let next = lock(&self.looking).next().unwrap_or(now + at_most).min(now + at_most);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.look.notified() => {}
            }
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Away(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}
