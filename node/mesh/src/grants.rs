//! Grants that this node gave and holds, and whether one allows a call.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use flowork_ports::MeshTable;
use flowork_ports::mesh::{Error, Grant as Listed, GrantLimits, NewGrant, Used};
use flowork_ports::mesh_table::Decision;
use flowork_ports::store;
use flowork_protocol::grant::{Admitted, Asked, Capability, Chain, Denied, Grant, LINKS_MAX, Verified};
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
    verified: Mutex<HashMap<[u8; 32], Arc<Verified>>>,
}

impl Grants {
    pub(crate) async fn load(me: NodeId, table: &Arc<dyn MeshTable>) -> Result<Self, store::Error> {
        Ok(Self {
            me,
            given: Records::load("given", table.clone()).await?,
            held: Records::load("held", table.clone()).await?,
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
        Ok(verified.admit(asked, |id, _| self.given_is_revoked(*id))?)
    }

    /// Whether this node took that link back.
    pub(crate) fn given_is_revoked(&self, id: GrantId) -> bool {
        self.given.get(&id.to_string()).is_some_and(|kept| kept.revoked_at.is_some())
    }

    /// Gives a grant.
    pub(crate) async fn give(
        &self, keeper: &Keeper, to: &Contact, ask: &NewGrant, nonce: [u8; 16], now: Timestamp,
    ) -> Result<Kept, Error> {
        let invalid = |code: &str, text: String| Error::Invalid(Failure::new(code, text));
        if ask.until <= now {
            return Err(invalid(
                "grant-late",
                "a grant ends in the future; `--until` names a moment that has passed".to_owned(),
            ));
        }
        if ask.until.since_ms(now) > LIFE_MS_MAX {
            return Err(invalid("grant-long", "a grant holds for a year at most; renew it then".to_owned()));
        }
        if usize::from(ask.depth) >= LINKS_MAX {
            return Err(invalid("grant-deep", format!("a grant may be passed on {} times at most", LINKS_MAX - 1)));
        }
        let mut caps = ask.can.clone();
        caps.sort();
        caps.dedup();
        if caps.is_empty() {
            return Err(invalid("grant-empty", "a grant allows something: name it with `--can`".to_owned()));
        }
        let grant = Grant {
            v: 1,
            iss: Key::from(self.me),
            aud: to.person.map_or_else(|| Key::from(to.node), Key::from),
            sub: self.me,
            engine: ask.engine.clone(),
            caps,
            limits: ask.limits.to_limits(),
            nbf: now.seconds(),
            exp: ask.until.seconds(),
            depth: ask.depth,
            nonce,
            parent: None,
        };
        let signed = keeper.state(&grant).map_err(|error| invalid("grant-invalid", error.to_string()))?;
        let chain = Chain::of(signed);
        let id = chain.id().ok_or_else(|| Error::Away("a chain without a link".to_owned()))?;
        let bytes = chain.to_bytes();
        // What nobody could use is not given.
        self.verify(&bytes, self.me).map_err(|denied| invalid(denied.code(), denied.to_string()))?;
        let kept =
            Kept { id, chain: bytes, owner: self.me, holder: to.node, at: now, revoked_at: None, is_told: false };
        let text = format!("a grant was given: {}", sentence::of(&grant, &to.name, &ask.engine));
        let decided = Decision::new(now, "grant-created", Some(to.node), text);
        self.given.put(id.to_string(), kept.clone(), Some(decided)).await?;
        Ok(kept)
    }

    /// Takes a grant back. From when this returns, no call under it begins.
    pub(crate) async fn revoke(&self, kept: &Kept, why: &str, now: Timestamp) -> Result<Kept, store::Error> {
        if kept.revoked_at.is_some() {
            return Ok(kept.clone());
        }
        let revoked = Kept { revoked_at: Some(now), is_told: false, ..kept.clone() };
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

    /// What has not reached the other node yet.
    pub(crate) fn untold_to(&self, node: NodeId) -> Vec<Kept> {
        self.given_to(node).into_iter().filter(|kept| !kept.is_told).collect()
    }

    /// To whom something has not come yet.
    pub(crate) fn untold(&self) -> BTreeSet<NodeId> {
        self.given.all().into_iter().filter(|kept| !kept.is_told).map(|kept| kept.holder).collect()
    }

    /// The other node has heard of it.
    pub(crate) async fn told(&self, kept: &Kept) -> Result<(), store::Error> {
        // Unless it changed meanwhile.
        match self.given.get(&kept.id.to_string()) {
            Some(now) if now == *kept => self.given.put(kept.id.to_string(), Kept { is_told: true, ..now }, None).await,
            _ => Ok(()),
        }
    }

    /// Keeps a grant that `owner`, or somebody in its name, gave this node.
    pub(crate) async fn hold(
        &self, bytes: Vec<u8>, from: NodeId, persons: &[PersonId], now: Timestamp,
    ) -> Result<Kept, Denied> {
        let verified = self.verify(&bytes, from)?;
        let leaf = verified.leaf();
        let is_mine =
            leaf.grant.aud == Key::from(self.me) || persons.iter().any(|person| Key::from(*person) == leaf.grant.aud);
        if !is_mine {
            return Err(Denied::NotYours);
        }
        if leaf.grant.ends_at() <= now {
            return Err(Denied::Late { ended_at: leaf.grant.ends_at() });
        }
        if let Some(kept) = self.held.get(&leaf.id.to_string()) {
            return Ok(kept);
        }
        let of_owner = self.held.all().iter().filter(|kept| kept.owner == from).count();
        if of_owner >= HELD_PER_OWNER_MAX {
            return Err(Denied::Form(format!("this node keeps {HELD_PER_OWNER_MAX} grants of one owner at most")));
        }
        let kept =
            Kept { id: leaf.id, chain: bytes, owner: from, holder: self.me, at: now, revoked_at: None, is_told: true };
        let text = format!("a grant came: {}", sentence::of(&leaf.grant, "this node", &leaf.grant.engine));
        let decided = Decision::new(now, "grant-received", Some(from), text);
        self.held
            .put(kept.id.to_string(), kept.clone(), Some(decided))
            .await
            .map_err(|error| Denied::Form(format!("it cannot be written down now: {error}")))?;
        Ok(kept)
    }

    /// The owner took a grant back that this node holds.
    pub(crate) async fn lose(&self, id: GrantId, owner: NodeId, now: Timestamp) -> Result<(), store::Error> {
        let Some(kept) = self.held.get(&id.to_string()).filter(|kept| kept.owner == owner) else { return Ok(()) };
        let text = format!("the grant {} was taken back by its owner", id.short());
        let decided = Decision::new(now, "grant-lost", Some(owner), text);
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
        let is_given = kept.owner == self.me;
        let to = if is_given { contacts.name_of(kept.holder) } else { "this node".to_owned() };
        let engine = if is_given {
            grant.engine.clone()
        } else {
            format!("{} of {}", grant.engine, contacts.name_of(kept.owner))
        };
        Some(Listed {
            id: kept.id,
            is_given,
            owner: kept.owner,
            owner_name: (!is_given).then(|| contacts.get(kept.owner).map_or_else(|| short(kept.owner), |one| one.name)),
            sentence: sentence::of(grant, &to, &engine),
            to,
            engine: grant.engine.clone(),
            can: grant.caps.clone(),
            limits: GrantLimits::of(&grant.limits),
            begins_at: grant.begins_at(),
            ends_at: verified.links().iter().map(|link| link.grant.ends_at()).min().unwrap_or_default(),
            depth: grant.depth,
            links: verified.links().len(),
            revoked_at: kept.revoked_at,
            used: used(kept.id),
            experience: None,
        })
    }
}
