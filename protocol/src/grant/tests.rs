use ed25519_dalek::SigningKey;
use proptest::prelude::*;

use super::*;

const NOW_S: u64 = 1_800_000_000;
const NOW: Timestamp = Timestamp(1_800_000_000_000);
const OWNER: u8 = 1;
const ANA: u8 = 2;
const BEN: u8 = 3;

fn public(seed: u8) -> [u8; 32] {
    SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes()
}

fn owner() -> NodeId {
    NodeId(public(OWNER))
}

fn root_to(aud: u8) -> Grant {
    Grant {
        v: 1,
        iss: Key(public(OWNER)),
        aud: Key(public(aud)),
        sub: owner(),
        engine: "gpu".to_owned(),
        caps: vec![Capability("chat".to_owned()), Capability::run("summarise")],
        limits: Limits { calls_per_hour: 20, concurrent: 2, ..Limits::default() },
        nbf: NOW_S - 60,
        exp: NOW_S + 60,
        depth: 2,
        nonce: [7; 16],
        parent: None,
    }
}

fn sign(grant: &Grant, seed: u8) -> Signed {
    Signed::with_seed(grant, &[seed; 32]).unwrap()
}

/// What `from` passes on of `chain` to `to`.
fn passed_on(chain: &Chain, from: u8, to: u8, change: impl FnOnce(&mut Grant)) -> Chain {
    let outer: Grant = chain.links().last().unwrap().peek().unwrap();
    let mut inner = Grant {
        iss: Key(public(from)),
        aud: Key(public(to)),
        depth: outer.depth.saturating_sub(1),
        parent: chain.id(),
        ..outer
    };
    change(&mut inner);
    chain.clone().and(sign(&inner, from))
}

fn chat() -> Capability {
    Capability("chat".to_owned())
}

fn admit(chain: &Chain, peer: u8, capability: &Capability, now: Timestamp) -> Result<Admitted, Denied> {
    let chain = Chain::from_bytes(&chain.to_bytes())?;
    let asked = Asked { peer: NodeId(public(peer)), persons: &[], engine: "gpu", capability, now };
    chain.verify(owner())?.admit(&asked, |_, _| false)
}

#[test]
fn the_audience_may_do_what_the_grant_names_while_it_lasts() {
    let chain = Chain::of(sign(&root_to(ANA), OWNER));
    assert!(admit(&chain, ANA, &chat(), NOW).is_ok());
    assert_eq!(admit(&chain, BEN, &chat(), NOW), Err(Denied::NotYours));
    let other = Capability::run("other");
    assert_eq!(admit(&chain, ANA, &other, NOW), Err(Denied::NotAllowed(other.clone())));
    assert!(matches!(admit(&chain, ANA, &chat(), Timestamp(NOW.0 - 60_001)), Err(Denied::Early { .. })));
    assert!(matches!(admit(&chain, ANA, &chat(), Timestamp(NOW.0 + 60_000)), Err(Denied::Late { .. })));
    assert!(admit(&chain, ANA, &chat(), Timestamp(NOW.0 + 59_999)).is_ok());
}

#[test]
fn another_engine_of_the_owner_is_not_meant() {
    let chain = Chain::of(sign(&root_to(ANA), OWNER));
    let verified = chain.verify(owner()).unwrap();
    let asked = Asked { peer: NodeId(public(ANA)), persons: &[], engine: "cpu", capability: &chat(), now: NOW };
    assert_eq!(verified.admit(&asked, |_, _| false), Err(Denied::OtherEngine("gpu".to_owned())));
}

#[test]
fn a_grant_by_somebody_else_than_the_owner_is_worth_nothing() {
    let by_ana = Grant { iss: Key(public(ANA)), ..root_to(BEN) };
    assert_eq!(admit(&Chain::of(sign(&by_ana, ANA)), BEN, &chat(), NOW), Err(Denied::NotOwner));
    // In the owner's name, signed by somebody else.
    let forged = admit(&Chain::of(sign(&root_to(BEN), ANA)), BEN, &chat(), NOW);
    assert!(matches!(forged, Err(Denied::Signed { link: 1, .. })), "{forged:?}");
    let elsewhere = Grant { sub: NodeId(public(ANA)), ..root_to(BEN) };
    assert_eq!(
        admit(&Chain::of(sign(&elsewhere, OWNER)), BEN, &chat(), NOW),
        Err(Denied::OtherNode(NodeId(public(ANA))))
    );
}

#[test]
fn what_is_passed_on_may_be_used_by_its_new_audience_alone() {
    let chain = passed_on(&Chain::of(sign(&root_to(ANA), OWNER)), ANA, BEN, |_| {});
    let admitted = admit(&chain, BEN, &chat(), NOW).unwrap();
    assert_eq!(admitted.links().len(), 2, "a call is charged to both");
    assert_eq!(admit(&chain, ANA, &chat(), NOW), Err(Denied::NotYours));
}

#[test]
fn a_link_may_narrow_in_every_way_and_widen_in_none() {
    let root = Chain::of(sign(&root_to(ANA), OWNER));
    let check = |change: fn(&mut Grant), what: &'static str| {
        let widened = passed_on(&root, ANA, BEN, change);
        assert_eq!(admit(&widened, BEN, &chat(), NOW), Err(Denied::Wider { link: 2, what }));
    };
    check(|grant| grant.engine = "cpu".to_owned(), "another engine");
    check(|grant| grant.caps.push(Capability::tool("http-request")), "another use of the engine");
    check(|grant| grant.nbf -= 1, "an earlier begin");
    check(|grant| grant.exp += 1, "a later end");
    check(|grant| grant.limits.calls_per_hour += 1, "calls per hour");
    check(|grant| grant.limits.concurrent += 1, "calls at once");
    check(|grant| grant.limits.tokens_per_day += 1, "tokens per day");
    check(|grant| grant.limits.bytes_per_day += 1, "bytes per day");
    check(|grant| grant.limits.seconds_per_day += 1, "seconds per day");
    check(|grant| grant.limits.artifact_types.push("image/png".to_owned()), "artifact types");
    let narrowed = passed_on(&root, ANA, BEN, |grant| {
        grant.caps.truncate(1);
        grant.nbf += 1;
        grant.exp -= 1;
        grant.limits = Limits { calls_per_hour: 1, concurrent: 1, ..Limits::default() };
    });
    assert!(admit(&narrowed, BEN, &chat(), NOW).is_ok());
}

#[test]
fn what_may_not_be_passed_on_is_not() {
    let last = Chain::of(sign(&Grant { depth: 0, ..root_to(ANA) }, OWNER));
    assert_eq!(admit(&passed_on(&last, ANA, BEN, |_| {}), BEN, &chat(), NOW), Err(Denied::NotToPassOn { link: 2 }));
    // The same depth again would let a chain grow for ever.
    let same = passed_on(&Chain::of(sign(&root_to(ANA), OWNER)), ANA, BEN, |grant| grant.depth = 2);
    assert_eq!(admit(&same, BEN, &chat(), NOW), Err(Denied::NotToPassOn { link: 2 }));
}

#[test]
fn a_link_of_another_chain_or_of_somebody_else_does_not_fit() {
    let root = Chain::of(sign(&root_to(ANA), OWNER));
    let by_other = passed_on(&root, BEN, BEN, |_| {});
    assert_eq!(admit(&by_other, BEN, &chat(), NOW), Err(Denied::NotHeld { link: 2 }));
    let other_parent = passed_on(&root, ANA, BEN, |grant| grant.parent = Some(GrantId([9; 32])));
    assert_eq!(admit(&other_parent, BEN, &chat(), NOW), Err(Denied::NotHeld { link: 2 }));
    let without_parent = Chain::of(passed_on(&root, ANA, BEN, |_| {}).links()[1].clone());
    assert_eq!(admit(&without_parent, BEN, &chat(), NOW), Err(Denied::NotOwner));
}

#[test]
fn a_revoked_link_or_middleman_ends_everything_below() {
    let chain = passed_on(&Chain::of(sign(&root_to(ANA), OWNER)), ANA, BEN, |_| {});
    let verified = chain.verify(owner()).unwrap();
    let capability = chat();
    let asked = Asked { peer: NodeId(public(BEN)), persons: &[], engine: "gpu", capability: &capability, now: NOW };
    let root = verified.links()[0].id;
    assert_eq!(verified.admit(&asked, |grant, _| *grant == root), Err(Denied::Revoked));
    assert_eq!(verified.admit(&asked, |_, key| *key == Key(public(ANA))), Err(Denied::Revoked));
    assert!(verified.admit(&asked, |_, key| *key == Key(public(BEN))).is_ok(), "the audience is asked about elsewhere");
}

#[test]
fn a_persons_grant_is_for_the_nodes_that_are_certified_to_be_theirs() {
    let to_person = Chain::of(sign(&root_to(9), OWNER)).verify(owner()).unwrap();
    let capability = chat();
    let mine = [PersonId(public(9))];
    let asked =
        |persons| Asked { peer: NodeId(public(ANA)), persons, engine: "gpu", capability: &capability, now: NOW };
    assert!(to_person.admit(&asked(&mine), |_, _| false).is_ok());
    assert_eq!(to_person.admit(&asked(&[]), |_, _| false), Err(Denied::NotYours));
}

#[test]
fn what_a_grant_does_not_mention_is_zero() {
    let bare = signed::encode(&Limits::default());
    assert_eq!(bare, [0xa0], "an empty map");
    assert_eq!(minicbor::decode::<Limits>(&bare).unwrap(), Limits::default());
    assert_eq!(Limits::default().calls_per_hour, 0);
}

#[test]
fn too_many_links_words_and_bytes_are_refused() {
    let mut chain = Chain::of(sign(&Grant { depth: 9, ..root_to(ANA) }, OWNER));
    for _ in 0..LINKS_MAX {
        chain = passed_on(&chain, ANA, ANA, |_| {});
    }
    assert_eq!(admit(&chain, ANA, &chat(), NOW), Err(Denied::Links(5)));
    let unsorted = Grant { caps: vec![Capability::run("b"), Capability::run("a")], ..root_to(ANA) };
    assert!(matches!(admit(&Chain::of(sign(&unsorted, OWNER)), ANA, &chat(), NOW), Err(Denied::Form(_))));
    let long = Grant { engine: "e".repeat(WORD_BYTES_MAX + 1), ..root_to(ANA) };
    assert!(matches!(admit(&Chain::of(sign(&long, OWNER)), ANA, &chat(), NOW), Err(Denied::Form(_))));
    assert!(matches!(Chain::from_bytes(&vec![0; 1 << 20]), Err(Denied::Form(_))));
}

#[test]
fn the_bytes_of_a_version_1_grant_stay_as_they_are() {
    let grant = Grant { exp: NOW_S + 3600, ..root_to(ANA) };
    let chain = passed_on(&Chain::of(sign(&grant, OWNER)), ANA, BEN, |grant| grant.limits.concurrent = 1);
    let golden = include_str!("golden-v1.hex").trim();
    let hex: String = chain.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden);
}

fn arbitrary_link() -> impl Strategy<Value = (u8, u8, u64, u64, u64, u8, bool)> {
    (1_u8..5, 1_u8..5, 0_u64..40, 0_u64..4, 0_u64..120, 0_u8..4, any::<bool>())
}

proptest! {
    /// Whatever links somebody signs, a chain that is admitted never allows more than each of its links.
    #[test]
    fn an_admitted_chain_allows_no_more_than_any_of_its_links(
        links in proptest::collection::vec(arbitrary_link(), 0..5), peer in 1_u8..5, owner_signs: bool
    ) {
        let mut chain = Chain::of(sign(&root_to(ANA), if owner_signs { OWNER } else { BEN }));
        for (from, to, calls, concurrent, life, depth, right_parent) in links {
            chain = passed_on(&chain, from, to, |grant| {
                grant.limits.calls_per_hour = calls;
                grant.limits.concurrent = concurrent;
                grant.exp = NOW_S + life;
                grant.depth = depth;
                if !right_parent { grant.parent = None; }
            });
        }
        if let Ok(admitted) = admit(&chain, peer, &chat(), NOW) {
            prop_assert!(owner_signs);
            let links = admitted.links();
            prop_assert!(links.len() <= LINKS_MAX);
            prop_assert_eq!(links[links.len() - 1].grant.aud, Key(public(peer)));
            for pair in links.windows(2) {
                prop_assert_eq!(pair[0].grant.aud, pair[1].grant.iss);
                prop_assert!(pair[1].grant.limits.calls_per_hour <= pair[0].grant.limits.calls_per_hour);
                prop_assert!(pair[1].grant.exp <= pair[0].grant.exp);
                prop_assert!(pair[1].grant.depth < pair[0].grant.depth);
            }
        }
    }

    #[test]
    fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(chain) = Chain::from_bytes(&bytes) {
            prop_assert!(chain.verify(owner()).is_err());
        }
    }
}
