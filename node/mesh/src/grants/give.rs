//! Giving grants: new ones, what is passed on, what is renewed, and all of them anew after a change of keys.

use flowork_ports::mesh::{Error, NewGrant};
use flowork_ports::mesh_table::{Change, Decision};
use flowork_ports::people::PassOn;
use flowork_ports::store;
use flowork_protocol::grant::{Capability, Chain, Denied, Grant, LINKS_MAX};
use flowork_protocol::id::Key;
use flowork_protocol::signed::Signed;
use flowork_protocol::{Failure, NodeId, PersonId, Timestamp};

use super::{Grants, Kept, LIFE_MS_MAX};
use crate::contacts::Contact;
use crate::keys::Keeper;
use crate::sentence;

impl Grants {
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
        let chain = Chain::of(signed(keeper, &grant)?);
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
        let verified = self.verify(&held.chain, held.owner).map_err(denied)?;
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
        let chain = Chain::from_bytes(&held.chain).map_err(denied)?.and(signed(keeper, &grant)?);
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
        let verified = self.verify(&old.chain, self.me).map_err(denied)?;
        let before = &verified.leaf().grant;
        let until = until.unwrap_or_else(|| now.plus_ms(before.exp.saturating_sub(before.nbf).saturating_mul(1_000)));
        check_times(until, now)?;
        let grant = Grant { nbf: now.seconds(), exp: until.seconds(), nonce, ..before.clone() };
        let chain = Chain::of(signed(keeper, &grant)?);
        let kept = Kept { renews: old.renews, ..self.kept(&chain, self.me, old.holder, now)? };
        let text = format!("the grant {} was renewed until {}", old.id.short(), sentence::moment(grant.ends_at()));
        let decided = Decision::new(now, "grant-renewed", Some(old.holder), text);
        self.replace(old.clone(), &kept, decided).await?;
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
        if !is_in_force(kept) || leaf.ends_at() <= now {
            return Ok(None);
        }
        if leaf.aud != Key::from(old) {
            let moved = Kept { holder: new, is_told: false, ..kept.clone() };
            self.given.put(kept.id.to_string(), moved, None).await?;
            return Ok(None);
        }
        let grant = Grant { aud: Key::from(new), nbf: leaf.nbf.max(now.seconds()), nonce: random()?, ..leaf.clone() };
        let chain = Chain::from_bytes(&kept.chain).map_err(denied)?.with_last(signed(keeper, &grant)?);
        let given = Kept { renews: kept.renews, ..self.kept(&chain, kept.owner, new, now)? };
        let text = format!("the grant {} is for the new key of who holds it", kept.id.short());
        let decided = Decision::new(now, "grant-moved", Some(new), text);
        self.replace(Kept { revoked_at: Some(now), is_told: true, ..kept.clone() }, &given, decided).await?;
        Ok(Some(given))
    }

    /// This node has a new key: what its old one granted is granted anew, and what was granted to that one is forgotten, because
    /// its owners give it anew.
    pub(crate) async fn move_from(
        &self, keeper: &Keeper, old: NodeId, random: impl Fn() -> Result<[u8; 16], Error>, now: Timestamp,
    ) -> Result<(), Error> {
        for kept in self.given.all() {
            // Moved before, by a process that did not come to the end of this.
            if kept.owner == self.me {
                continue;
            }
            let Ok(verified) = self.verify(&kept.chain, kept.owner) else { continue };
            let leaf = &verified.leaf().grant;
            let stands = kept.owner == old && is_in_force(&kept) && leaf.ends_at() > now && verified.links().len() == 1;
            let key = kept.id.to_string();
            if !stands {
                self.given.forget(&[key], None).await?;
                continue;
            }
            let me = Key::from(self.me);
            let nbf = leaf.nbf.max(now.seconds());
            let grant = Grant { iss: me, sub: self.me, nbf, nonce: random()?, ..leaf.clone() };
            let chain = Chain::of(signed(keeper, &grant)?);
            let given = Kept { renews: kept.renews, ..self.kept(&chain, self.me, kept.holder, now)? };
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
        self.given.all().into_iter().filter(|kept| kept.renews && is_in_force(kept) && is_due(kept)).collect()
    }

    /// What nobody could use is not given.
    fn kept(&self, chain: &Chain, owner: NodeId, holder: NodeId, now: Timestamp) -> Result<Kept, Error> {
        let id = chain.id().ok_or_else(|| Error::Away("a chain without a link".to_owned()))?;
        let bytes = chain.to_bytes();
        self.verify(&bytes, owner).map_err(denied)?;
        Ok(Kept::new(id, bytes, owner, holder, now))
    }

    /// Puts `new` in the place of `old`, both with one commit.
    async fn replace(&self, old: Kept, new: &Kept, decided: Decision) -> Result<(), store::Error> {
        let replaced = Kept { renewed_as: Some(new.id), ..old };
        let key = replaced.id.to_string();
        let changes = vec![self.given.putting(&key, &replaced)?, Change::Decision(decided)];
        self.given.put_with(new.id.to_string(), new.clone(), changes).await?;
        self.given.hold(key, replaced);
        Ok(())
    }

    async fn put_given(&self, kept: &Kept, kind: &str, text: String, now: Timestamp) -> Result<(), store::Error> {
        let decided = Decision::new(now, kind, Some(kept.holder), text);
        self.given.put(kept.id.to_string(), kept.clone(), Some(decided)).await
    }
}

fn invalid(code: &str, text: String) -> Error {
    Error::Invalid(Failure::new(code, text))
}

fn denied(denied: Denied) -> Error {
    invalid(denied.code(), denied.to_string())
}

fn signed(keeper: &Keeper, grant: &Grant) -> Result<Signed, Error> {
    keeper.state(grant).map_err(|error| invalid("grant-invalid", error.to_string()))
}

/// Whether it was neither taken back nor renewed.
const fn is_in_force(kept: &Kept) -> bool {
    kept.revoked_at.is_none() && kept.renewed_as.is_none()
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
