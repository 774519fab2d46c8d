//! Grants that were passed on, renewed, or given to a person.

use flowork_ports::people::PassOn;
use flowork_protocol::certificate::Certificate;
use flowork_protocol::grant::UNLIMITED;
use flowork_protocol::peer::pair::Introduction;

use super::*;
use crate::grants::Kept;

/// What Ana passes on to Ben of her grant at `lender`; gives the chain.
async fn passed_on(lender: &Lender, ask: PassOn) -> Kept {
    // Ana's own books.
    let table: Arc<dyn MeshTable> = Arc::new(MemoryTable::default());
    let (ana, owner) = (keeper(ANA), keeper(1).node_id());
    let grants = Grants::load(ana.node_id(), &table).await.unwrap();
    let chain = lender.provider.grants.given_chain(lender.grant).unwrap();
    let held = grants.hold(chain, (owner, owner), None, NOW).await.unwrap();
    let ben = lender.provider.contacts.named("ben").unwrap();
    grants.pass_on(&ana, (&ben, None), &held, &ask, [6; 16], NOW).await.unwrap()
}

fn to_ben() -> PassOn {
    PassOn { to: "Ben".to_owned(), can: Vec::new(), limits: GrantLimits::default(), until: None, depth: 0 }
}

fn open_under(lender: &Lender, call: u8, kept: &Kept, request: &[u8]) -> Open {
    Open { grant: GrantRef::Chain(kept.chain.clone()), ..lender.open(call, "echo", request) }
}

#[tokio::test]
async fn a_call_under_a_grant_that_was_passed_on_counts_for_every_link_also_after_a_restart() {
    let lender = Lender::new(GrantLimits { calls_per_hour: Some(2), ..GrantLimits::default() }).await;
    let kept = passed_on(&lender, to_ben()).await;
    let request = items();
    let came = lender.call(BEN, &open_under(&lender, 1, &kept, &request), &request).await;
    assert_eq!(output(&came), request);
    let used = |id| lock(&lender.provider.meter).used(id, NOW).calls_this_hour;
    assert_eq!((used(lender.grant), used(kept.id)), (1, 1));
    assert_eq!(lender.provider.grants.counted_for(kept.id), [kept.id, lender.grant]);
    // Two calls an hour for both of them together: Ana has one left.
    let came = lender.call(ANA, &lender.open(2, "echo", &request), &request).await;
    assert_eq!(output(&came), request);
    let came = lender.call(BEN, &open_under(&lender, 3, &kept, &request), &request).await;
    assert_eq!(rejected(&came), "limit-reached");
    let mut meter = Meter::default();
    let table: Arc<dyn MeshTable> = lender.table.clone();
    crate::desk::remember_use(&table, &lender.provider.grants, &mut meter, NOW).await.unwrap();
    assert_eq!(meter.used(lender.grant, NOW).calls_this_hour, 2);
}

#[tokio::test]
async fn what_was_passed_on_is_for_its_holder_and_within_what_was_given() {
    let lender = Lender::new(GrantLimits { calls_per_hour: Some(5), ..GrantLimits::default() }).await;
    let narrow = PassOn { can: vec![Capability::run("hangs")], ..to_ben() };
    let kept = passed_on(&lender, narrow).await;
    let request = items();
    let came = lender.call(BEN, &open_under(&lender, 1, &kept, &request), &request).await;
    assert_eq!(rejected(&came), "grant-not-allowed");
    let kept = passed_on(&lender, to_ben()).await;
    let came = lender.call(ANA, &open_under(&lender, 2, &kept, &request), &request).await;
    assert_eq!(rejected(&came), "grant-not-yours");
    // What is not said is as in the grant before; more than that nobody can give.
    let verified = lender.provider.grants.verify(&kept.chain, keeper(1).node_id()).unwrap();
    assert_eq!(verified.leaf().grant.limits.calls_per_hour, 5);
    assert_eq!(verified.leaf().grant.limits.tokens_per_day, UNLIMITED);
}

#[tokio::test]
async fn what_was_passed_on_ends_when_who_passed_it_on_takes_it_back_and_by_nobody_elses_word() {
    let lender = Lender::new(GrantLimits::default()).await;
    let kept = passed_on(&lender, to_ben()).await;
    let request = items();
    let grants = &lender.provider.grants;
    // A stranger's word, and the holder's own, take nothing back.
    assert!(grants.take_back(kept.id, keeper(STRANGER).node_id(), NOW).await.unwrap());
    let came = lender.call(BEN, &open_under(&lender, 1, &kept, &request), &request).await;
    assert_eq!(output(&came), request);
    assert!(grants.take_back(kept.id, keeper(BEN).node_id(), NOW).await.unwrap());
    let came = lender.call(BEN, &open_under(&lender, 2, &kept, &request), &request).await;
    assert_eq!(output(&came), request);
    // Ana's word counts whatever was said before.
    assert!(grants.take_back(kept.id, keeper(ANA).node_id(), NOW).await.unwrap());
    let came = lender.call(BEN, &open_under(&lender, 3, &kept, &request), &request).await;
    assert_eq!(rejected(&came), "grant-revoked");
}

#[tokio::test]
async fn to_renew_a_grant_is_not_to_give_it_twice() {
    let lender = Lender::new(GrantLimits { calls_per_hour: Some(1), ..GrantLimits::default() }).await;
    let request = items();
    let came = lender.call(ANA, &lender.open(1, "echo", &request), &request).await;
    assert_eq!(output(&came), request);
    let grants = &lender.provider.grants;
    let old = grants.given_by(&lender.grant.to_string()).unwrap();
    let new = grants.renew(&keeper(1), &old, Some(NOW.plus_ms(120_000)), [9; 16], NOW).await.unwrap();
    lock(&lender.provider.meter).carry_over(old.id, new.id);
    // The one begins nothing any more, and what was used under it counts for the other.
    let came = lender.call(ANA, &lender.open(2, "echo", &request), &request).await;
    assert_eq!(rejected(&came), "grant-renewed");
    let by_new = Open { grant: GrantRef::Known(new.id), ..lender.open(3, "echo", &request) };
    assert_eq!(rejected(&lender.call(ANA, &by_new, &request).await), "limit-reached");
    assert_eq!(grants.counted_for(old.id), [old.id, new.id]);
    // What began under the old one ends under it.
    let came = lender.call(ANA, &lender.open(1, "echo", &request), &request).await;
    assert_eq!(output(&came), request);
    let twice = grants.given_by(&old.id.to_string()).unwrap();
    assert!(grants.renew(&keeper(1), &twice, None, [8; 16], NOW).await.is_err());
}

/// Cleo's word that `node` is hers.
fn certificate(node: u8, is_revocation: bool) -> (Signed, Certificate) {
    const CLEO: [u8; 32] = [77; 32];
    let certificate = Certificate {
        v: 1,
        person: PersonId(ed25519_dalek::SigningKey::from_bytes(&CLEO).verifying_key().to_bytes()),
        person_name: "Cleo".to_owned(),
        node: keeper(node).node_id(),
        node_name: format!("node {node}"),
        at: NOW.seconds() - 60 + u64::from(is_revocation),
        exp: NOW.seconds() + 3_600,
        is_revocation,
    };
    (Signed::with_seed(&certificate, &CLEO).unwrap(), certificate)
}

#[tokio::test]
async fn a_grant_to_a_person_is_for_each_of_their_nodes_until_they_take_that_node_back() {
    let lender = Lender::new(GrantLimits::default()).await;
    let (contacts, grants) = (&lender.provider.contacts, &lender.provider.grants);
    let (desk, said) = certificate(ANA, false);
    let shown = Introduction { name: "desk".to_owned(), certificates: vec![desk], addresses: Vec::new() };
    let ana = contacts.pair(keeper(ANA).node_id(), &shown, None, Vec::new(), NOW, Vec::new()).await.unwrap();
    let ask = NewGrant {
        to: "Ana".to_owned(),
        engine: "box".to_owned(),
        can: vec![Capability::run("echo")],
        limits: GrantLimits::default(),
        until: NOW.plus_ms(60_000),
        depth: 0,
        renews: false,
        request: None,
    };
    let kept = grants.give(&keeper(1), (&ana, Some(said.person)), &ask, [4; 16], NOW).await.unwrap();
    let request = items();
    let open = |call: u8, certificates: Vec<Signed>| Open {
        grant: GrantRef::Known(kept.id),
        certificates,
        ..lender.open(call, "echo", &request)
    };
    // Ben's node is not hers before she says so.
    let (laptop, _) = certificate(BEN, false);
    assert_eq!(rejected(&lender.call(BEN, &open(1, Vec::new()), &request).await), "grant-not-yours");
    assert_eq!(output(&lender.call(BEN, &open(2, vec![laptop.clone()]), &request).await), request);
    let (back, said) = certificate(BEN, true);
    assert!(lender.provider.persons.revoke(&back, &said, NOW).await.unwrap());
    assert_eq!(rejected(&lender.call(BEN, &open(3, vec![laptop]), &request).await), "grant-not-yours");
    // Her other node goes on, by what it showed when it was paired.
    assert_eq!(output(&lender.call(ANA, &open(4, Vec::new()), &request).await), request);
}
