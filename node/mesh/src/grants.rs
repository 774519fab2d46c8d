//! Grants that this node gave and holds, and whether one allows a call.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use flowork_ports::MeshTable;
use flowork_ports::mesh::{Error, Grant as Listed, GrantLimits, Used};
use flowork_ports::mesh_table::Decision;
use flowork_ports::store;
use flowork_protocol::grant::{Admitted, Asked, Capability, Chain, Denied, Link, Verified};
use flowork_protocol::id::Key;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::GrantRef;
use flowork_protocol::{Failure, GrantId, NodeId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::contacts::{Contacts, short};
use crate::lock;
use crate::records::Records;
use crate::tell::unwritten;
use crate::{meter, sentence};

mod give;

/// The longest life of a grant: a year and a day.
const LIFE_MS_MAX: u64 = 366 * 24 * 3_600_000;
/// Verified chains that are remembered.
const VERIFIED_MAX: usize = 4_096;
/// The most grants that are kept from one peer.
const HELD_PER_PEER_MAX: usize = 256;
/// The most links that one peer may take back.
const TAKEN_BACK_PER_PEER_MAX: usize = 1_024;
/// That a call was made is noted so often, and kept for longer than any call runs and any limit looks back.
const ANCESTRY_NOTED_MS: u64 = 3_600_000;
const ANCESTRY_KEPT_MS: u64 = 33 * 24 * 3_600_000;
/// How long a grant that has ended is still listed.
const LISTED_FOR_MS: u64 = 31 * 24 * 3_600_000;

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
    /// Who passed it on to this node, where that is not its owner.
    #[serde(default)]
    pub(crate) from: Option<NodeId>,
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
            from: None,
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
        self.given_is_revoked(id) || self.taken_back.get(&taken_back_key(id, *by)).is_some()
    }

    /// Whether a grant of this node's engines may still be used by who holds it, whatever the time is.
    pub(crate) fn stands(&self, verified: &Verified) -> bool {
        let root = verified.links().first().map(|link| link.id.to_string());
        root.is_some_and(|root| self.given.get(&root).is_some())
            && !verified.links().iter().any(|link| self.is_revoked(link.id, &link.grant.iss))
    }

    /// Whether the grant itself, which this node gave, was renewed: then another one takes its place. What was passed on of it
    /// stands until its own end.
    pub(crate) fn was_renewed(&self, links: &[Link]) -> bool {
        matches!(links, [root] if self.given.get(&root.id.to_string()).is_some_and(|kept| kept.renewed_as.is_some()))
    }

    /// What a call under these links is charged to: in place of a first link that was renewed, the newest that took its place.
    pub(crate) fn charged(&self, links: &[Link]) -> Vec<Link> {
        let mut charged = links.to_vec();
        let Some(first) = charged.first_mut() else { return charged };
        while let Some(next) = self.given.get(&first.id.to_string()).and_then(|kept| kept.renewed_as) {
            let Some(kept) = self.given.get(&next.to_string()) else { break };
            let Ok(verified) = self.verify(&kept.chain, kept.owner) else { break };
            *first = verified.leaf().clone();
        }
        charged
    }

    /// A grant with all that it took the place of, and what took its place.
    pub(crate) fn family(&self, kept: &Kept) -> Vec<Kept> {
        let all = self.given.all();
        let mut family = vec![kept.clone()];
        let mut at = 0;
        while let Some(one) = family.get(at).cloned() {
            let is_kin = |other: &&Kept| other.renewed_as == Some(one.id) || one.renewed_as == Some(other.id);
            let new = all.iter().filter(is_kin).filter(|other| family.iter().all(|known| known.id != other.id));
            let new: Vec<Kept> = new.cloned().collect();
            family.extend(new);
            at += 1;
        }
        family
    }

    /// Which grants took the place of which.
    pub(crate) fn heirs(&self) -> Vec<(GrantId, GrantId)> {
        self.given.all().into_iter().filter_map(|kept| Some((kept.id, kept.renewed_as?))).collect()
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
        meter::followed(all, |id| self.given.get(&id.to_string()).and_then(|kept| kept.renewed_as))
    }

    /// Forgets what no count needs any more.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), store::Error> {
        self.ancestry.forget_where(|known| known.at.plus_ms(ANCESTRY_KEPT_MS) <= now).await?;
        self.taken_back.forget_where(|taken_back| taken_back.at.plus_ms(LIFE_MS_MAX) <= now).await?;
        // Those of a node that has a new key are moved before anything else is done.
        let is_over = |kept: &Kept| {
            self.verify(&kept.chain, kept.owner)
                .is_ok_and(|verified| verified.leaf().grant.ends_at().plus_ms(LISTED_FOR_MS) <= now)
        };
        self.given.forget_where(is_over).await?;
        self.held.forget_where(is_over).await.map(drop)
    }

    /// Whether this node took that link back.
    pub(crate) fn given_is_revoked(&self, id: GrantId) -> bool {
        self.given.get(&id.to_string()).is_some_and(|kept| kept.revoked_at.is_some())
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

    /// A peer took back what it had passed on of this node's engines. Gives whether that is news. It counts for links that
    /// this very peer gave.
    pub(crate) async fn take_back(&self, id: GrantId, by: NodeId, now: Timestamp) -> Result<bool, Refusal> {
        let key = taken_back_key(id, Key::from(by));
        if self.taken_back.get(&key).is_some() {
            return Ok(false);
        }
        if self.taken_back.all().iter().filter(|taken_back| taken_back.by == by).count() >= TAKEN_BACK_PER_PEER_MAX {
            let why = "this node remembers as many grants that yours took back as it can; ask its owner to take back the rest";
            return Err(Refusal::new("taken-back-full", why));
        }
        let text = format!("the grant {} was taken back by who had passed it on", id.short());
        let decided = Decision::new(now, "grant-taken-back", Some(by), text);
        let put = self.taken_back.put(key, TakenBack { by, at: now }, Some(decided)).await;
        put.map_err(|error| unwritten(&error))?;
        Ok(true)
    }

    /// What this node passed on of a grant that `by` gave, and did not take back.
    pub(crate) fn passed_on_of(&self, id: GrantId, by: NodeId) -> Vec<Kept> {
        let hangs_on = |kept: &Kept| {
            kept.owner != self.me
                && kept.revoked_at.is_none()
                && self
                    .verify(&kept.chain, kept.owner)
                    .is_ok_and(|it| it.links().iter().any(|link| link.id == id && link.grant.iss == Key::from(by)))
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
        // Owners are easily made up: what one peer passes on is counted for that peer.
        let is_live = |kept: &&Kept| {
            kept.revoked_at.is_none()
                && self.verify(&kept.chain, kept.owner).is_ok_and(|verified| now < verified.leaf().grant.ends_at())
        };
        let same = |kept: &&Kept| if from == owner { kept.owner == owner } else { kept.from == Some(from) };
        if self.held.all().iter().filter(same).filter(is_live).count() >= HELD_PER_PEER_MAX {
            return Err(Denied::Form(format!("this node keeps {HELD_PER_PEER_MAX} grants that come from one node")));
        }
        let by = (from != owner).then_some(from);
        let kept = Kept { is_told: true, from: by, ..Kept::new(leaf.id, bytes, owner, self.me, now) };
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
        let Some(kept) = self.held.get(&id.to_string()).filter(|kept| kept.revoked_at.is_none()).filter(gave) else {
            return Ok(());
        };
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

fn taken_back_key(id: GrantId, by: Key) -> String {
    format!("{id}/{by}")
}

fn is_untold_to(kept: &Kept, node: NodeId) -> bool {
    (kept.holder == node && !kept.is_told) || (kept.owner == node && kept.is_owner_untold)
}
