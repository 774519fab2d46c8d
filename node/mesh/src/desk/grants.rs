//! Who may use what: given, taken back, tried, and how it went.

use std::sync::Arc;

use flowork_ports::mesh::{Error, Experience, Gave, Grant, NewGrant, TestGrant, Tested};
use flowork_ports::mesh_table::{ReceiptQuery, StoredReceipt};
use flowork_ports::people::{NewRequest, PassOn, Renew};
use flowork_protocol::grant::Asked;
use flowork_protocol::peer::Refusal;
use flowork_protocol::peer::call::GrantRef;
use flowork_protocol::peer::tell::{AccessRequest, NOTE_BYTES_MAX, Tell};
use flowork_protocol::{Failure, GrantId, PersonId, Timestamp};

use super::{Desk, invalid, random};
use crate::contacts::Contact;
use crate::grants::Kept;
use crate::serve::cut;
use crate::{lock, sentence};

/// As many calls say how an engine of a friend does of late.
const LATELY: usize = 100;

impl Desk {
    pub(super) async fn list_grants(&self, now: Timestamp) -> Result<Vec<Grant>, Error> {
        let mut all = self.grants.list(&self.contacts, |id| self.used(id, now));
        for grant in all.iter_mut().filter(|grant| !grant.is_given && grant.revoked_at.is_none()) {
            let query = ReceiptQuery { grant: Some(grant.id), limit: LATELY, ..ReceiptQuery::default() };
            grant.experience = experience(&self.table.receipts(&query).await?);
        }
        Ok(all)
    }

    pub(super) fn used(&self, grant: GrantId, now: Timestamp) -> flowork_ports::mesh::Used {
        lock(&self.provider.meter).used(grant, now)
    }

    pub(super) async fn give(self: &Arc<Self>, ask: &NewGrant, now: Timestamp) -> Result<Gave, Error> {
        let to = self.contacts.named(&ask.to)?;
        let engine = self.lending.get(&ask.engine)?;
        if let Some(unknown) = ask.can.iter().find(|capability| !engine.offers.contains_key(capability)) {
            let can: Vec<String> = engine.offers.keys().map(ToString::to_string).collect();
            let failure = Failure::new("no-offer", format!("the engine `{}` does not do `{unknown}`", engine.name));
            return Err(Error::Invalid(failure.hint(format!("it does: {}", can.join(", ")))));
        }
        let kept = {
            let _writing = self.writing.lock().await;
            let kept = self.grants.give(&self.keeper, self.with_person(&to, now), ask, random()?, now).await?;
            if let Some(request) = &ask.request {
                self.requests.drop(request).await?;
            }
            kept
        };
        tokio::spawn(self.clone().tell_untold(to.node));
        self.shown(&kept, now)
    }

    fn with_person<'a>(&self, to: &'a Contact, now: Timestamp) -> (&'a Contact, Option<PersonId>) {
        (to, self.persons.of_contact(to, now).map(|said| said.person))
    }

    pub(super) async fn pass_on(self: &Arc<Self>, id: &str, ask: &PassOn, now: Timestamp) -> Result<Gave, Error> {
        let to = self.contacts.named(&ask.to)?;
        let kept = {
            let _writing = self.writing.lock().await;
            let held = self.grants.held_by(id)?;
            if held.owner == to.node {
                let text = format!("{} owns the engine: nothing has to be passed on", to.name);
                return Err(invalid("grant-to-owner", text));
            }
            self.grants.pass_on(&self.keeper, self.with_person(&to, now), &held, ask, random()?, now).await?
        };
        tokio::spawn(self.clone().tell_untold(to.node));
        self.shown(&kept, now)
    }

    pub(super) async fn renew(self: &Arc<Self>, id: &str, ask: &Renew, now: Timestamp) -> Result<Gave, Error> {
        let old = self.grants.given_by(id)?;
        let kept = self.renew_kept(&old, ask.until, now).await?;
        self.shown(&kept, now)
    }

    async fn renew_kept(self: &Arc<Self>, old: &Kept, until: Option<Timestamp>, now: Timestamp) -> Result<Kept, Error> {
        let kept = {
            let _writing = self.writing.lock().await;
            // As it is now: it may have been taken back meanwhile.
            let old = self.grants.given_by(&old.id.to_string())?;
            self.grants.renew(&self.keeper, &old, until, random()?, now).await?
        };
        // What was used under the one counts for the other: to renew is not to give twice.
        lock(&self.provider.meter).carry_over(old.id, kept.id);
        tokio::spawn(self.clone().tell_untold(kept.holder));
        Ok(kept)
    }

    /// Renews what its owner said renews by itself.
    pub(super) async fn renew_due(self: &Arc<Self>) {
        let now = (self.clock)();
        let is_there = |old: &Kept| self.contacts.get(old.holder).is_some_and(|contact| !contact.has_left);
        for old in self.grants.to_renew(now).into_iter().filter(is_there) {
            if let Err(error) = self.renew_kept(&old, None, now).await {
                tracing::warn!(grant = %old.id.short(), %error, "a grant could not be renewed");
            }
        }
    }

    pub(super) async fn drop_request(&self, id: &str) -> Result<(), Error> {
        let _writing = self.writing.lock().await;
        if self.requests.drop(id).await? {
            return Ok(());
        }
        let failure = Failure::new("no-request", format!("there is no request `{id}`"));
        Err(Error::Missing(failure.hint("`flowork grant requests` shows them")))
    }

    pub(super) async fn request_access(&self, peer: &str, ask: NewRequest) -> Result<(), Error> {
        let contact = self.contacts.named(peer)?;
        if let Some(unknown) = ask.can.iter().find(|one| !one.is_known()) {
            return Err(invalid("capability-unknown", format!("`{unknown}` is nothing that an engine can do")));
        }
        if ask.can.is_empty() && ask.note.trim().is_empty() {
            return Err(invalid("request-empty", "say what you would like to use: name it, or write a note"));
        }
        if ask.note.len() > NOTE_BYTES_MAX {
            return Err(invalid("note-long", format!("a note has at most {NOTE_BYTES_MAX} bytes")));
        }
        let NewRequest { engine, can, note } = ask;
        let peer_error = |code: String, text: String| Error::Peer(Failure::new(code, text).hint("try again later"));
        match self.say(contact.node, &Tell::Request(AccessRequest { engine, can, note })).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => {
                let text = format!("{} does not take the request: {}", contact.name, cut(&refusal.message));
                Err(peer_error(cut(&refusal.code), text))
            }
            Err(why) => Err(peer_error("peer-away".to_owned(), format!("{} cannot be reached: {why}", contact.name))),
        }
    }

    pub(super) async fn revoke(self: &Arc<Self>, id: &str, now: Timestamp) -> Result<Gave, Error> {
        let (kept, family) = {
            let _writing = self.writing.lock().await;
            let kept = self.grants.given_by(id)?;
            let mut family = Vec::new();
            // With what it took the place of, under which runs may go on, and what took its place.
            for one in self.grants.family(&kept) {
                family.push(self.grants.revoke(&one, "", now).await?);
            }
            (self.grants.given_by(&kept.id.to_string())?, family)
        };
        let why = Refusal::new("grant-revoked", "the grant was taken back by its owner");
        let ended: usize = family.iter().map(|one| self.provider.end_under(one.id, &why)).sum();
        tracing::info!(grant = %kept.id.short(), ended, "a grant was taken back");
        tokio::spawn(self.clone().tell_untold(kept.holder));
        if kept.is_owner_untold {
            tokio::spawn(self.clone().tell_untold(kept.owner));
        }
        self.shown(&kept, now)
    }

    pub(super) fn shown(&self, kept: &Kept, now: Timestamp) -> Result<Gave, Error> {
        let listed = self.grants.listed(kept, &self.contacts, |id| self.used(id, now));
        listed
            .map(|grant| Gave::Grant(Box::new(grant)))
            .ok_or_else(|| Error::Away("a grant that does not read".to_owned()))
    }

    pub(super) fn test(&self, test: &TestGrant, now: Timestamp) -> Result<Tested, Error> {
        let contact = self.contacts.named(&test.who)?;
        let at = test.at.unwrap_or(now);
        let persons: Vec<PersonId> =
            self.persons.of_contact(&contact, now).map(|said| said.person).into_iter().collect();
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
}

/// How calls went, by their receipts; none when there are none.
fn experience(receipts: &[StoredReceipt]) -> Option<Experience> {
    let theirs = receipts.iter().filter(|one| !one.is_given && one.failure.as_deref() != Some("cancelled"));
    let (mut calls, mut failed, mut took) = (0, 0, Vec::new());
    for receipt in theirs {
        calls += 1;
        match receipt.failure {
            Some(_) => failed += 1,
            None => took.push(receipt.usage.work_ms),
        }
    }
    took.sort_unstable();
    let typical_ms = took.get(took.len().saturating_sub(1) / 2).copied();
    (calls > 0).then_some(Experience { calls, failed, typical_ms })
}

#[cfg(test)]
mod tests {
    use flowork_protocol::NodeId;
    use flowork_protocol::grant::Capability;
    use flowork_protocol::peer::call::CallId;
    use flowork_protocol::receipt::Usage;

    use super::*;

    fn receipt(work_ms: u64, failure: Option<&str>) -> StoredReceipt {
        StoredReceipt {
            is_given: false,
            peer: NodeId([1; 32]),
            call: CallId([2; 16]),
            grant: GrantId([3; 32]),
            engine: "gpu".to_owned(),
            capability: Capability::run("x"),
            ended_at: Timestamp(0),
            usage: Usage { work_ms, ..Usage::default() },
            failure: failure.map(str::to_owned),
            signed: Vec::new(),
            countersignature: None,
        }
    }

    #[test]
    fn what_is_known_of_a_lender_is_what_its_receipts_say() {
        let all = [
            receipt(900, None),
            receipt(100, None),
            receipt(300, None),
            receipt(5, Some("run-failed")),
            receipt(5, Some("cancelled")),
            StoredReceipt { is_given: true, ..receipt(5, Some("late")) },
        ];
        assert_eq!(experience(&all), Some(Experience { calls: 4, failed: 1, typical_ms: Some(300) }));
        assert_eq!(experience(&all[3..4]), Some(Experience { calls: 1, failed: 1, typical_ms: None }));
        assert_eq!(experience(&all[4..]), None);
    }
}
