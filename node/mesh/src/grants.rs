//! Grants that this node gave and holds, and whether one allows a call.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use flowork_ports::MeshTable;
use flowork_ports::mesh::{Error, Grant as Listed, GrantLimits, NewGrant, Used};
use flowork_ports::mesh_table::{Change, Decision};
use flowork_ports::people::PassOn;
use flowork_ports::store;
use flowork_protocol::grant::{Admitted, Asked, Capability, Chain, Denied, Grant, LINKS_MAX, Link, Verified};
use flowork_protocol::id::Key;
use flowork_protocol::peer::call::GrantRef;
use flowork_protocol::{Failure, GrantId, NodeId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contacts::{Contact, Contacts, short};
use crate::keys::Keeper;
use crate::lock;
use crate::records::Records;
use crate::sentence;

/// The longest life of a grant: a year and a day.
const LIFE_MS_MAX: u64 = 366 * 24 * 3_600_000;
/// Verified chains that are remembered.
const VERIFIED_MAX: usize = 4_096;
/// The most grants that are kept from one peer.
const HELD_PER_OWNER_MAX: usize = 256;
/// The most links that one peer may take back.
const TAKEN_BACK_PER_PEER_MAX: usize = 1_024;
/// That a call was made is noted so often, and kept for longer than any limit looks back.
const ANCESTRY_NOTED_MS: u64 = 3_600_000;
const ANCESTRY_KEPT_MS: u64 = 48 * 3_600_000;

/// A grant as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: GrantId,
    /// The chain's bytes.
    pub(crate) chain: Vec<u8>,
    /// Whose engine it is for.
    pub(crate) owner: NodeId,
    /// The node that it is for, as it was known when the grant was made: a person's grant is for all of theirs.
    pub(crate) holder: NodeId,
    pub(crate) at: Timestamp,
    #[serde(default)]
    pub(crate) revoked_at: Option<Timestamp>,
    /// Whether the other node has heard of it and of its end.
    #[serde(default)]
    pub(crate) is_told: bool,
    /// Whether the engine's owner has yet to hear that it was taken back, where that is somebody else.
    #[serde(default)]
    pub(crate) is_owner_untold: bool,
    /// Whether it is renewed by itself.
    #[serde(default)]
    pub(crate) renews: bool,
    /// What took its place.
    #[serde(default)]
    pub(crate) renewed_as: Option<GrantId>,
}

impl Kept {
    fn new(id: GrantId, chain: Vec<u8>, owner: NodeId, holder: NodeId, at: Timestamp) -> Self {
        Self {
            id,
            chain,
            owner,
            holder,
            at,
            revoked_at: None,
            is_told: false,
            is_owner_untold: false,
            renews: false,
            renewed_as: None,
        }
    }
}

/// The links before the last one of a grant under which calls were made: what they used counts for all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ancestry {
    pub(crate) before: Vec<GrantId>,
    /// When a call was last made under it.
    pub(crate) at: Timestamp,
}

/// A link that whoever passed it on took back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct TakenBack {
    by: NodeId,
    at: Timestamp,
}

/// Why a call is not let in by its grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAdmitted {
    /// The grant says no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// This node gave no such grant.
    #[error("this node gave no such grant")]
    Unknown,
}

impl NotAdmitted {
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Unknown => "grant-unknown",
        }
    }
}

/// All grants of this node.
pub(crate) struct Grants {
    me: NodeId,
    given: Records<Kept>,
    held: Records<Kept>,
    /// Links of grants of this node's engines that were taken back by who had passed them on.
    taken_back: Records<TakenBack>,
    ancestry: Records<Ancestry>,
    verified: Mutex<HashMap<[u8; 32], Arc<Verified>>>,
}

impl Grants {
    pub(crate) async fn load(me: NodeId, table: &Arc<dyn MeshTable>) -> Result<Self, store::Error> {
        Ok(Self {
            me,
            given: Records::load("given", table.clone()).await?,
            held: Records::load("held", table.clone()).await?,
            taken_back: Records::load("taken-back", table.clone()).await?,
            ancestry: Records::load("ancestry", table.clone()).await?,
            verified: Mutex::default(),
        })
    }

    /// The chain, checked once: what hangs together does so for ever.
    pub(crate) fn verify(&self, bytes: &[u8], owner: NodeId) -> Result<Arc<Verified>, Denied> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&owner.0);
        hasher.update(bytes);
        let key = *hasher.finalize().as_bytes();
        if let Some(verified) = lock(&self.verified).get(&key) {
            return Ok(verified.clone());
        }
        let verified = Arc::new(Chain::from_bytes(bytes)?.verify(owner)?);
        let mut kept = lock(&self.verified);
        if kept.len() >= VERIFIED_MAX {
            kept.clear();
        }
        kept.insert(key, verified.clone());
        Ok(verified)
    }

    /// Whether a caller's grant allows what it asks of an engine of this node.
    pub(crate) fn admit(&self, grant: &GrantRef, asked: &Asked<'_>) -> Result<Admitted, NotAdmitted> {
        let verified = match grant {
            GrantRef::Chain(bytes) => self.verify(bytes, self.me)?,
            GrantRef::Known(id) => {
                let kept = self.given.get(&id.to_string()).ok_or(NotAdmitted::Unknown)?;
                self.verify(&kept.chain, self.me)?
            }
        };
        // A root that is not written down here was given before a backup, or by whoever stole the key.
        let root = verified.links().first().map(|link| link.id).ok_or(NotAdmitted::Unknown)?;
        if self.given.get(&root.to_string()).is_none() {
            return Err(NotAdmitted::Unknown);
        }
        Ok(verified.admit(asked, |id, by| self.is_revoked(*id, by))?)
    }

    /// Whether that link was taken back by this node, or by who gave it.
    fn is_revoked(&self, id: GrantId, by: &Key) -> bool {
        self.given_is_revoked(id)
            || self.taken_back.get(&id.to_string()).is_some_and(|taken_back| Key::from(taken_back.by) == *by)
    }

    /// Whether a grant of this node's engines may still be used by who holds it, whatever the time is.
    pub(crate) fn stands(&self, verified: &Verified) -> bool {
        let root = verified.links().first().map(|link| link.id.to_string());
        root.is_some_and(|root| self.given.get(&root).is_some())
            && !verified.links().iter().any(|link| self.is_revoked(link.id, &link.grant.iss))
    }

    /// What took the place of the grant that a chain begins with, when it was renewed.
    pub(crate) fn renewed_as(&self, links: &[Link]) -> Option<GrantId> {
        let root = links.first()?.id;
        self.given.get(&root.to_string())?.renewed_as
    }

    /// Remembers what else a call under a grant that was passed on is charged to.
    pub(crate) async fn note_ancestry(&self, links: &[Link], now: Timestamp) -> Result<(), store::Error> {
        let [before @ .., leaf] = links else { return Ok(()) };
        let is_known = |known: Ancestry| now.since_ms(known.at) < ANCESTRY_NOTED_MS;
        if before.is_empty() || self.ancestry.get(&leaf.id.to_string()).is_some_and(is_known) {
            return Ok(());
        }
        let before = before.iter().map(|link| link.id).collect();
        self.ancestry.put(leaf.id.to_string(), Ancestry { before, at: now }, None).await
    }

    /// Every grant that a call under `leaf` counts for: the links before it, and what took the place of one.
    pub(crate) fn counted_for(&self, leaf: GrantId) -> Vec<GrantId> {
        let mut all = vec![leaf];
        all.extend(self.ancestry.get(&leaf.to_string()).into_iter().flat_map(|known| known.before));
        let mut at = 0;
        while let Some(id) = all.get(at) {
            let next = self.given.get(&id.to_string()).and_then(|kept| kept.renewed_as);
            all.extend(next.filter(|next| !all.contains(next)).as_ref());
            at += 1;
        }
        all
    }

    /// Forgets what no count needs any more.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), store::Error> {
        self.ancestry.forget_where(|known| known.at.plus_ms(ANCESTRY_KEPT_MS) <= now).await?;
        self.taken_back.forget_where(|taken_back| taken_back.at.plus_ms(LIFE_MS_MAX) <= now).await.map(drop)
    }

    /// Whether this node took that link back.
    pub(crate) fn given_is_revoked(&self, id: GrantId) -> bool {
        self.given.get(&id.to_string()).is_some_and(|kept| kept.revoked_at.is_some())
    }

    /// Gives a grant. `person` is whose node `to` is: the grant is then for all of that person's nodes.
    pub(crate) async fn give(
        &self, keeper: &Keeper, (to, person): (&Contact, Option<PersonId>), ask: &NewGrant, nonce: [u8; 16],
        now: Timestamp,
    ) -> Result<Kept, Error> {
        check_times(ask.until, now)?;
        check_depth(ask.depth)?;
        let grant = Grant {
            v: 1,
            iss: Key::from(self.me),
            aud: person.map_or_else(|| Key::from(to.node), Key::from),
            sub: self.me,
            engine: ask.engine.clone(),
            caps: sorted(&ask.can)?,
            limits: ask.limits.to_limits(),
            nbf: now.seconds(),
            exp: ask.until.seconds(),
            depth: ask.depth,
            nonce,
            parent: None,
        };
        let chain = Chain::of(keeper.state(&grant).map_err(|error| invalid("grant-invalid", error.to_string()))?);
        let kept = Kept { renews: ask.renews, ..self.kept(&chain, self.me, to.node, now)? };
        let text = format!("a grant was given: {}", sentence::of(&grant, &to.name, &ask.engine));
        self.put_given(&kept, "grant-created", text, now).await?;
        Ok(kept)
    }

    /// Passes on a grant that this node holds, within what it allows.
    pub(crate) async fn pass_on(
        &self, keeper: &Keeper, (to, person): (&Contact, Option<PersonId>), held: &Kept, ask: &PassOn, nonce: [u8; 16],
        now: Timestamp,
    ) -> Result<Kept, Error> {
        let verified =
            self.verify(&held.chain, held.owner).map_err(|denied| invalid(denied.code(), denied.to_string()))?;
        let outer = verified.leaf();
        if outer.grant.aud != Key::from(self.me) {
            let text = "this grant was given to you as a person, for all of your nodes: one of them cannot pass it on";
            return Err(invalid("grant-not-to-pass-on", text.to_owned()));
        }
        if outer.grant.depth == 0 {
            let failure = Failure::new("grant-not-to-pass-on", "this grant may not be passed on");
            return Err(Error::Invalid(failure.hint("ask its owner for one that may: `--pass-on 1`")));
        }
        let until = ask.until.unwrap_or_else(|| outer.grant.ends_at());
        check_times(until, now)?;
        let caps = if ask.can.is_empty() { outer.grant.caps.clone() } else { sorted(&ask.can)? };
        let grant = Grant {
            v: 1,
            iss: Key::from(self.me),
            aud: person.map_or_else(|| Key::from(to.node), Key::from),
            sub: held.owner,
            engine: outer.grant.engine.clone(),
            caps,
            limits: ask.limits.within(&outer.grant.limits),
            nbf: now.seconds().max(outer.grant.nbf),
            exp: until.seconds(),
            depth: ask.depth,
            nonce,
            parent: Some(outer.id),
        };
        let signed = keeper.state(&grant).map_err(|error| invalid("grant-invalid", error.to_string()))?;
        let chain =
            Chain::from_bytes(&held.chain).map_err(|denied| invalid(denied.code(), denied.to_string()))?.and(signed);
        let kept = self.kept(&chain, held.owner, to.node, now)?;
        let text = format!("a grant was passed on: {}", sentence::of(&grant, &to.name, &grant.engine));
        self.put_given(&kept, "grant-passed-on", text, now).await?;
        Ok(kept)
    }

    /// Gives a grant anew that ends then; the one before begins no further call.
    pub(crate) async fn renew(
        &self, keeper: &Keeper, old: &Kept, until: Option<Timestamp>, nonce: [u8; 16], now: Timestamp,
    ) -> Result<Kept, Error> {
        if old.owner != self.me || old.revoked_at.is_some() || old.renewed_as.is_some() {
            let why = if old.owner != self.me {
                "it was passed on, not given by this node"
            } else if old.renewed_as.is_some() {
                "it was renewed already"
            } else {
                "it was taken back"
            };
            return Err(invalid("grant-not-to-renew", format!("this grant cannot be renewed: {why}")));
        }
        let verified = self.verify(&old.chain, self.me).map_err(|denied| invalid(denied.code(), denied.to_string()))?;
        let before = &verified.leaf().grant;
        let until = until.unwrap_or_else(|| now.plus_ms(before.exp.saturating_sub(before.nbf).saturating_mul(1_000)));
        check_times(until, now)?;
        let grant = Grant { nbf: now.seconds(), exp: until.seconds(), nonce, ..before.clone() };
        let chain = Chain::of(keeper.state(&grant).map_err(|error| invalid("grant-invalid", error.to_string()))?);
        let kept = Kept { renews: old.renews, ..self.kept(&chain, self.me, old.holder, now)? };
        let replaced = Kept { renewed_as: Some(kept.id), ..old.clone() };
        let text = format!("the grant {} was renewed until {}", old.id.short(), sentence::moment(grant.ends_at()));
        let changes = vec![
            self.given.putting(&old.id.to_string(), &replaced)?,
            Change::Decision(Decision::new(now, "grant-renewed", Some(old.holder), text)),
        ];
        self.given.put_with(kept.id.to_string(), kept.clone(), changes).await?;
        self.given.hold(old.id.to_string(), replaced);
        Ok(kept)
    }

    /// Gives what `old` was granted to its new key, for the rest of its time; what was for its person stays as it is. Gives
    /// the new grant where there is one.
    pub(crate) async fn give_to_successor(
        &self, keeper: &Keeper, kept: &Kept, (old, new): (NodeId, NodeId),
        random: impl Fn() -> Result<[u8; 16], Error>, now: Timestamp,
    ) -> Result<Option<Kept>, Error> {
        let Ok(verified) = self.verify(&kept.chain, kept.owner) else { return Ok(None) };
        let leaf = &verified.leaf().grant;
        if kept.revoked_at.is_some() || kept.renewed_as.is_some() || leaf.ends_at() <= now {
            return Ok(None);
        }
        if leaf.aud != Key::from(old) {
            let moved = Kept { holder: new, is_told: false, ..kept.clone() };
            self.given.put(kept.id.to_string(), moved, None).await?;
            return Ok(None);
        }
        let grant = Grant { aud: Key::from(new), nbf: leaf.nbf.max(now.seconds()), nonce: random()?, ..leaf.clone() };
        let signed = keeper.state(&grant).map_err(|error| invalid("grant-invalid", error.to_string()))?;
        let before = Chain::from_bytes(&kept.chain).map_err(|denied| invalid(denied.code(), denied.to_string()))?;
        let chain = match before.links() {
            [_] => Chain::of(signed),
            [outer @ .., _] => outer[1..].iter().cloned().fold(Chain::of(outer[0].clone()), Chain::and).and(signed),
            [] => return Ok(None),
        };
        let given = Kept { renews: kept.renews, ..self.kept(&chain, kept.owner, new, now)? };
        let text = format!("the grant {} is for the new key of who holds it", kept.id.short());
        let replaced = Kept { revoked_at: Some(now), is_told: true, ..kept.clone() };
        let changes = vec![
            self.given.putting(&kept.id.to_string(), &replaced)?,
            Change::Decision(Decision::new(now, "grant-moved", Some(new), text)),
        ];
        self.given.put_with(given.id.to_string(), given.clone(), changes).await?;
        self.given.hold(kept.id.to_string(), replaced);
        Ok(Some(given))
    }

    /// This node has a new key: what its old one granted is granted anew, and what was granted to that one is forgotten, because
    /// its owners give it anew.
    pub(crate) async fn move_from(
        &self, keeper: &Keeper, old: NodeId, random: impl Fn() -> Result<[u8; 16], Error>, now: Timestamp,
    ) -> Result<(), Error> {
        for kept in self.given.all() {
            let Ok(verified) = self.verify(&kept.chain, kept.owner) else { continue };
            let leaf = &verified.leaf().grant;
            let stands = kept.owner == old
                && kept.revoked_at.is_none()
                && kept.renewed_as.is_none()
                && leaf.ends_at() > now
                && verified.links().len() == 1;
            let key = kept.id.to_string();
            if !stands {
                self.given.forget(&[key], None).await?;
                continue;
            }
            let me = Key::from(self.me);
            let nbf = leaf.nbf.max(now.seconds());
            let grant = Grant { iss: me, sub: self.me, nbf, nonce: random()?, ..leaf.clone() };
            let signed = keeper.state(&grant).map_err(|error| invalid("grant-invalid", error.to_string()))?;
            let given = Kept { renews: kept.renews, ..self.kept(&Chain::of(signed), self.me, kept.holder, now)? };
            let text = format!("the grant {} was given anew by the new key of this node", kept.id.short());
            let changes = vec![
                self.given.forgetting(&key),
                Change::Decision(Decision::new(now, "grant-moved", Some(kept.holder), text)),
            ];
            self.given.put_with(given.id.to_string(), given.clone(), changes).await?;
            self.given.let_go(&key);
        }
        let is_olds = |kept: &Kept| {
            self.verify(&kept.chain, kept.owner).is_ok_and(|verified| verified.leaf().grant.aud == Key::from(old))
        };
        self.held.forget_where(is_olds).await?;
        Ok(())
    }

    /// The grants to renew now: in the last third of their life.
    pub(crate) fn to_renew(&self, now: Timestamp) -> Vec<Kept> {
        let is_due = |kept: &Kept| {
            let Ok(verified) = self.verify(&kept.chain, kept.owner) else { return false };
            let grant = &verified.leaf().grant;
            let third_ms = grant.exp.saturating_sub(grant.nbf).saturating_mul(1_000) / 3;
            now < grant.ends_at() && grant.ends_at().since_ms(now) <= third_ms
        };
        let stands = |kept: &Kept| kept.renews && kept.revoked_at.is_none() && kept.renewed_as.is_none();
        self.given.all().into_iter().filter(|kept| stands(kept) && is_due(kept)).collect()
    }

    /// What nobody could use is not given.
    fn kept(&self, chain: &Chain, owner: NodeId, holder: NodeId, now: Timestamp) -> Result<Kept, Error> {
        let id = chain.id().ok_or_else(|| Error::Away("a chain without a link".to_owned()))?;
        let bytes = chain.to_bytes();
        self.verify(&bytes, owner).map_err(|denied| invalid(denied.code(), denied.to_string()))?;
        Ok(Kept::new(id, bytes, owner, holder, now))
    }

    async fn put_given(&self, kept: &Kept, kind: &str, text: String, now: Timestamp) -> Result<(), store::Error> {
        let decided = Decision::new(now, kind, Some(kept.holder), text);
        self.given.put(kept.id.to_string(), kept.clone(), Some(decided)).await
    }

    /// Takes a grant back. From when this returns, no call under it begins.
    pub(crate) async fn revoke(&self, kept: &Kept, why: &str, now: Timestamp) -> Result<Kept, store::Error> {
        if kept.revoked_at.is_some() {
            return Ok(kept.clone());
        }
        let is_owner_untold = kept.owner != self.me;
        let revoked = Kept { revoked_at: Some(now), is_told: false, is_owner_untold, ..kept.clone() };
        let text = format!("the grant {} was taken back{why}", kept.id.short());
        let decided = Decision::new(now, "grant-revoked", Some(kept.holder), text);
        self.given.put(kept.id.to_string(), revoked.clone(), Some(decided)).await?;
        Ok(revoked)
    }

    /// The grant that this node gave, by the beginning of its name.
    pub(crate) fn given_by(&self, id: &str) -> Result<Kept, Error> {
        let found =
            self.given.find(|kept| (id.len() >= 4 && kept.id.to_string().starts_with(id)).then(|| kept.clone()));
        found.ok_or_else(|| {
            let failure = Failure::new("no-grant", format!("this node gave no grant `{id}`"));
            Error::Missing(failure.hint("`flowork grant list` shows them"))
        })
    }

    /// The chain of a grant that this node gave.
    pub(crate) fn given_chain(&self, id: GrantId) -> Option<Vec<u8>> {
        self.given.get(&id.to_string()).map(|kept| kept.chain)
    }

    pub(crate) fn given_to(&self, node: NodeId) -> Vec<Kept> {
        self.given.all().into_iter().filter(|kept| kept.holder == node).collect()
    }

    /// What a node has yet to hear: of grants that it was given, and of those of its engines that were taken back here.
    pub(crate) fn untold_to(&self, node: NodeId) -> Vec<Kept> {
        self.given.all().into_iter().filter(|kept| is_untold_to(kept, node)).collect()
    }

    /// To whom something has not come yet.
    pub(crate) fn untold(&self) -> BTreeSet<NodeId> {
        let whom = |kept: Kept| [kept.holder, kept.owner].into_iter().filter(move |node| is_untold_to(&kept, *node));
        self.given.all().into_iter().flat_map(whom).collect()
    }

    /// A node has heard of it.
    pub(crate) async fn told(&self, kept: &Kept, node: NodeId) -> Result<(), store::Error> {
        // Unless it changed meanwhile.
        match self.given.get(&kept.id.to_string()) {
            Some(now) if now == *kept => {
                let mut told = now;
                if told.holder == node {
                    told.is_told = true;
                }
                if told.owner == node {
                    told.is_owner_untold = false;
                }
                self.given.put(kept.id.to_string(), told, None).await
            }
            _ => Ok(()),
        }
    }

    /// A peer took back what it had passed on of this node's engines. Gives whether that is news.
    pub(crate) async fn take_back(&self, id: GrantId, by: NodeId, now: Timestamp) -> Result<bool, store::Error> {
        let key = id.to_string();
        let of_peer = self.taken_back.all().iter().filter(|taken_back| taken_back.by == by).count();
        if self.taken_back.get(&key).is_some() || of_peer >= TAKEN_BACK_PER_PEER_MAX {
            return Ok(false);
        }
        let text = format!("the grant {} was taken back by who had passed it on", id.short());
        let decided = Decision::new(now, "grant-taken-back", Some(by), text);
        self.taken_back.put(key, TakenBack { by, at: now }, Some(decided)).await?;
        Ok(true)
    }

    /// What this node passed on of a grant, and did not take back.
    pub(crate) fn passed_on_of(&self, id: GrantId) -> Vec<Kept> {
        let hangs_on = |kept: &Kept| {
            kept.owner != self.me
                && kept.revoked_at.is_none()
                && self.verify(&kept.chain, kept.owner).is_ok_and(|it| it.links().iter().any(|link| link.id == id))
        };
        self.given.all().into_iter().filter(hangs_on).collect()
    }

    /// The grant that this node holds, by the beginning of its name.
    pub(crate) fn held_by(&self, id: &str) -> Result<Kept, Error> {
        let is_meant = |kept: &Kept| id.len() >= 4 && kept.id.to_string().starts_with(id) && kept.revoked_at.is_none();
        let found = self.held.find(|kept| is_meant(kept).then(|| kept.clone()));
        found.ok_or_else(|| {
            let failure = Failure::new("no-grant", format!("this node holds no grant `{id}`"));
            Error::Missing(failure.hint("`flowork grant list` shows them"))
        })
    }

    /// The grants that this node holds for its person, for that person's other nodes.
    pub(crate) fn held_for(&self, person: PersonId, now: Timestamp) -> Vec<Kept> {
        let is_theirs = |kept: &Kept| {
            self.verify(&kept.chain, kept.owner).is_ok_and(|verified| {
                let leaf = &verified.leaf().grant;
                leaf.aud == Key::from(person) && now < leaf.ends_at()
            })
        };
        self.held.all().into_iter().filter(|kept| kept.revoked_at.is_none() && is_theirs(kept)).collect()
    }

    /// Keeps a grant of an engine of `owner` that `from` gave this node or its person: its owner itself, or who held it.
    pub(crate) async fn hold(
        &self, bytes: Vec<u8>, (from, owner): (NodeId, NodeId), person: Option<PersonId>, now: Timestamp,
    ) -> Result<Kept, Denied> {
        let verified = self.verify(&bytes, owner)?;
        let leaf = verified.leaf();
        let is_mine =
            leaf.grant.aud == Key::from(self.me) || person.is_some_and(|person| Key::from(person) == leaf.grant.aud);
        if !is_mine {
            return Err(Denied::NotYours);
        }
        if leaf.grant.ends_at() <= now {
            return Err(Denied::Late { ended_at: leaf.grant.ends_at() });
        }
        if let Some(kept) = self.held.get(&leaf.id.to_string()) {
            return Ok(kept);
        }
        let of_owner = self.held.all().iter().filter(|kept| kept.owner == owner).count();
        if of_owner >= HELD_PER_OWNER_MAX {
            return Err(Denied::Form(format!("this node keeps {HELD_PER_OWNER_MAX} grants of one owner at most")));
        }
        let kept = Kept { is_told: true, ..Kept::new(leaf.id, bytes, owner, self.me, now) };
        let text = format!("a grant came: {}", sentence::of(&leaf.grant, "this node", &leaf.grant.engine));
        let decided = Decision::new(now, "grant-received", Some(from), text);
        self.held
            .put(kept.id.to_string(), kept.clone(), Some(decided))
            .await
            .map_err(|error| Denied::Form(format!("it cannot be written down now: {error}")))?;
        Ok(kept)
    }

    /// Somebody by whom a grant came that this node holds took it back.
    pub(crate) async fn lose(&self, id: GrantId, by: NodeId, now: Timestamp) -> Result<(), store::Error> {
        let gave = |kept: &Kept| {
            self.verify(&kept.chain, kept.owner)
                .is_ok_and(|verified| verified.links().iter().any(|link| link.grant.iss == Key::from(by)))
        };
        let Some(kept) = self.held.get(&id.to_string()).filter(gave) else { return Ok(()) };
        let text = format!("the grant {} was taken back", id.short());
        let decided = Decision::new(now, "grant-lost", Some(by), text);
        let lost = Kept { revoked_at: kept.revoked_at.or(Some(now)), ..kept };
        self.held.put(id.to_string(), lost, Some(decided)).await
    }

    pub(crate) fn held_of(&self, owner: NodeId) -> Vec<Kept> {
        self.held.all().into_iter().filter(|kept| kept.owner == owner).collect()
    }

    /// Forgets every grant that an owner gave this node.
    pub(crate) async fn forget_held(&self, owner: NodeId) -> Result<(), store::Error> {
        self.held.forget_where(|kept| kept.owner == owner).await.map(drop)
    }

    /// The grants held that allow `capability` now, newest first.
    pub(crate) fn usable(&self, capability: &Capability, now: Timestamp) -> Vec<(Kept, Arc<Verified>)> {
        let mut usable: Vec<_> = self
            .held
            .all()
            .into_iter()
            .filter(|kept| kept.revoked_at.is_none())
            .filter_map(|kept| {
                let verified = self.verify(&kept.chain, kept.owner).ok()?;
                let is_now =
                    verified.links().iter().all(|link| link.grant.begins_at() <= now && now < link.grant.ends_at());
                (is_now && verified.leaf().grant.caps.contains(capability)).then_some((kept, verified))
            })
            .collect();
        usable.sort_by_key(|(kept, _)| std::cmp::Reverse(kept.at));
        usable
    }

    /// All of them, as people see them.
    pub(crate) fn list(&self, contacts: &Contacts, used: impl Fn(GrantId) -> Used) -> Vec<Listed> {
        let mut all: Vec<Listed> = self
            .given
            .all()
            .into_iter()
            .chain(self.held.all())
            .filter_map(|kept| self.listed(&kept, contacts, &used))
            .collect();
        all.sort_by_key(|grant| (!grant.is_given, std::cmp::Reverse(grant.begins_at), grant.id));
        all
    }

    pub(crate) fn listed(&self, kept: &Kept, contacts: &Contacts, used: impl Fn(GrantId) -> Used) -> Option<Listed> {
        let verified = self.verify(&kept.chain, kept.owner).ok()?;
        let grant = &verified.leaf().grant;
        let is_given = grant.iss == Key::from(self.me);
        let to = if is_given { contacts.name_of(kept.holder) } else { "this node".to_owned() };
        let engine_of = |link: &Link| match link.grant.sub == self.me {
            true => link.grant.engine.clone(),
            false => format!("{} of {}", link.grant.engine, contacts.name_of(kept.owner)),
        };
        let before = verified.links().iter().take(verified.links().len() - 1);
        let mut links: Vec<String> = before
            .map(|link| sentence::of(&link.grant, &contacts.whom(link.grant.aud, self.me), &engine_of(link)))
            .collect();
        let mut sentence = sentence::of(grant, &to, &engine_of(verified.leaf()));
        links.push(sentence.clone());
        if kept.renews {
            sentence += " · renewed by itself";
        }
        Some(Listed {
            id: kept.id,
            is_given,
            owner: kept.owner,
            owner_name: (kept.owner != self.me)
                .then(|| contacts.get(kept.owner).map_or_else(|| short(kept.owner), |one| one.name)),
            sentence,
            to,
            engine: grant.engine.clone(),
            can: grant.caps.clone(),
            limits: GrantLimits::of(&grant.limits),
            begins_at: grant.begins_at(),
            ends_at: verified.links().iter().map(|link| link.grant.ends_at()).min().unwrap_or_default(),
            depth: grant.depth,
            links,
            renews: kept.renews,
            renewed_as: kept.renewed_as,
            revoked_at: kept.revoked_at,
            used: used(kept.id),
            experience: None,
        })
    }
}

fn is_untold_to(kept: &Kept, node: NodeId) -> bool {
    (kept.holder == node && !kept.is_told) || (kept.owner == node && kept.is_owner_untold)
}

fn invalid(code: &str, text: String) -> Error {
    Error::Invalid(Failure::new(code, text))
}

fn check_times(until: Timestamp, now: Timestamp) -> Result<(), Error> {
    if until <= now {
        let text = "a grant ends in the future; `--until` names a moment that has passed";
        return Err(invalid("grant-late", text.to_owned()));
    }
    if until.since_ms(now) > LIFE_MS_MAX {
        return Err(invalid("grant-long", "a grant holds for a year at most; renew it then".to_owned()));
    }
    Ok(())
}

fn check_depth(depth: u8) -> Result<(), Error> {
    if usize::from(depth) >= LINKS_MAX {
        return Err(invalid("grant-deep", format!("a grant may be passed on {} times at most", LINKS_MAX - 1)));
    }
    Ok(())
}

fn sorted(can: &[Capability]) -> Result<Vec<Capability>, Error> {
    let mut caps = can.to_vec();
    caps.sort();
    caps.dedup();
    if caps.is_empty() {
        return Err(invalid("grant-empty", "a grant allows something: name it with `--can`".to_owned()));
    }
    Ok(caps)
}
