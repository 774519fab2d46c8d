//! Invitations in wrong hands, and a key that was stolen.

use flowork_ports::mesh::{Gave, Invite};
use flowork_ports::people::PassOn;
use flowork_protocol::certificate::Certificate;
use flowork_protocol::invitation::Invitation;
use flowork_protocol::succession::Succession;
use flowork_protocol::{PersonId, certificate};

use super::*;

async fn invitation(target: &Target) -> Invitation {
    let invite = Invite { name: None, minutes: 5 };
    let Gave::Invited(invited) = target.handle.ask(Ask::Invite(invite)).await.unwrap() else { panic!() };
    Invitation::read(&invited.link, Timestamp(target.now.load(Ordering::Relaxed))).unwrap()
}

async fn names(target: &Target) -> Vec<String> {
    let Gave::Peers(peers) = target.handle.ask(Ask::Peers).await.unwrap() else { panic!() };
    peers.into_iter().map(|peer| peer.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_was_stolen_lets_one_node_in_and_its_owner_sees_which() {
    let target = Target::new().await;
    let secret = invitation(&target).await.secret.0;
    let (first, second) = (Hostile::at(STRANGER, &target).await, Hostile::at(STRANGER + 1, &target).await);
    let (one, other) = tokio::join!(first.join(&target, secret), second.join(&target, secret));
    assert!(one.is_ok() ^ other.is_ok(), "{one:?} {other:?}");
    let refused = [one, other].into_iter().find_map(Result::err);
    assert_eq!(refused.as_deref(), Some("invitation-used"));
    assert_eq!(names(&target).await.len(), 3);
    // Who guesses gets nowhere, nor does who comes too late.
    let third = Hostile::at(STRANGER + 2, &target).await;
    assert_eq!(third.join(&target, [7; 16]).await, Err("invitation-unknown".to_owned()));
    let late = invitation(&target).await.secret.0;
    target.pass(Duration::from_secs(301));
    assert!(third.join(&target, late).await.is_err());
    assert_eq!(names(&target).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_in_place_of_the_inviting_node_is_told_nothing() {
    let target = Target::new().await;
    let link = invitation(&target).await;
    let false_friend = Hostile::new(STRANGER);
    let place = false_friend.listen("/ip4/127.0.0.1/tcp/0").await;
    let joining = Target::start(ANA, &[], None).await;
    let now = Timestamp(joining.now.load(Ordering::Relaxed));
    let elsewhere =
        Invitation::new(link.node, link.name, link.secret, now.plus_ms(300_000), vec![place.to_string()]).to_text();
    let joined = joining.handle.ask(Ask::Join { link: elsewhere, name: None }).await;
    assert!(joined.is_err_and(|error| format!("{error:?}").contains("another node answers")));
    assert!(names(&joining).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_of_a_friend_is_shut_out_when_the_friend_is_removed() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    let thief = Hostile::at(ANA, &target).await;
    let open = |call| opening(call, GrantRef::Known(grant), &items("x"));
    assert_eq!(output(&thief.call(&target, &open(1)).await.unwrap()), items("x"));
    target.handle.ask(Ask::Remove("Ana".to_owned())).await.unwrap();
    thief.cut_off().await;
    thief.connect(target.id, &target.tcp).await.unwrap();
    for call in [1, 2] {
        assert_eq!(thief.refused(&target, &open(call)).await, "not-paired");
    }
    assert_eq!(target.ran(), 1);
}

/// Cleo's word that a node is hers.
fn certified(node: NodeId) -> Signed {
    const CLEO: [u8; 32] = [77; 32];
    let person = PersonId(ed25519_dalek::SigningKey::from_bytes(&CLEO).verifying_key().to_bytes());
    let (person_name, node_name) = ("Cleo".to_owned(), "desk".to_owned());
    let said = Certificate { v: 1, person, person_name, node, node_name, at: 1, exp: 1 << 40, is_revocation: false };
    Signed::with_seed(&said, &CLEO).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_lets_nobody_in_and_who_was_removed_stays_out() {
    let target = Target::new().await;
    let (_, chain) = target.lend().await;
    let stranger = Hostile::at(STRANGER, &target).await;
    let not_known = Err("not-known".to_owned());
    assert_eq!(stranger.come_known(&target, Vec::new(), None).await, not_known);
    // Ana's own grant, in other hands.
    assert_eq!(stranger.come_known(&target, Vec::new(), Some(chain.clone())).await, not_known);
    // A person whom nobody here knows; and then one who is known, with another node's certificate.
    assert_eq!(stranger.come_known(&target, vec![certified(id_of(STRANGER))], None).await, not_known);
    let now = Timestamp(target.now.load(Ordering::Relaxed));
    let ben = target.handle.desk.contacts.learn_person(id_of(BEN), &[certified(id_of(BEN))], true, now).await.unwrap();
    assert_eq!(ben.and_then(|ben| ben.person_name).as_deref(), Some("Cleo"));
    assert_eq!(stranger.come_known(&target, vec![certified(id_of(BEN))], None).await, not_known);
    assert_eq!(names(&target).await.len(), 2);
    // What Ana passed on lets its holder in, and nobody back in who was removed.
    let table: Arc<dyn MeshTable> = Arc::new(MemoryTable::default());
    let anas = Grants::load(id_of(ANA), &table).await.unwrap();
    let held = anas.hold(chain, (target.id, target.id), None, now).await.unwrap();
    let contacts = Contacts::load(&table).await.unwrap();
    let said = Introduction { name: "Eve".to_owned(), certificates: Vec::new(), addresses: Vec::new() };
    let eve = contacts.pair(id_of(STRANGER), &said, None, Vec::new(), now, Vec::new()).await.unwrap();
    let ask = PassOn { to: String::new(), can: Vec::new(), limits: GrantLimits::default(), until: None, depth: 0 };
    let passed_on = anas.pass_on(&keeper(ANA), (&eve, None), &held, &ask, [1; 16], now).await.unwrap();
    assert_eq!(stranger.come_known(&target, Vec::new(), Some(passed_on.chain.clone())).await, Ok(()));
    assert_eq!(names(&target).await.len(), 3);
    target.handle.ask(Ask::Remove("Eve".to_owned())).await.unwrap();
    let again = Hostile::at(STRANGER, &target).await;
    assert_eq!(again.come_known(&target, Vec::new(), Some(passed_on.chain)).await, not_known);
    // A further node of a person who is known comes in by their word.
    let desk = Hostile::at(STRANGER + 1, &target).await;
    let word = certified(id_of(STRANGER + 1));
    assert!(certificate::check(&word, id_of(STRANGER + 1), now).is_ok());
    assert_eq!(desk.come_known(&target, vec![word], None).await, Ok(()));
    assert!(names(&target).await.contains(&"Ben (desk)".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_key_cannot_name_its_heir_where_a_person_certified_the_node() {
    let target = Target::new().await;
    let now = Timestamp(target.now.load(Ordering::Relaxed));
    let heir = |of: u8, new: u8| {
        let said = Succession { v: 1, old: id_of(of), new: id_of(new), at: now.seconds() };
        keeper(of).state(&said).unwrap()
    };
    // Ana's node belongs to no person: the word of its key is all there is.
    let new = Hostile::at(STRANGER, &target).await;
    assert_eq!(new.come_after(&target, Vec::new(), heir(BEN, STRANGER + 1)).await, Err("not-known".to_owned()));
    assert_eq!(new.come_after(&target, Vec::new(), heir(ANA, STRANGER)).await, Ok(()));
    let mut all = names(&target).await;
    all.sort();
    assert_eq!(all, ["Ana", "Ben"]);
    assert!(target.handle.desk.contacts.get(id_of(ANA)).is_none());
    // Ben's is Cleo's, and the thief has not her words.
    target.handle.desk.contacts.learn_person(id_of(BEN), &[certified(id_of(BEN))], true, now).await.unwrap();
    let thief = Hostile::at(STRANGER + 1, &target).await;
    let by_thief = || heir(BEN, STRANGER + 1);
    assert_eq!(thief.come_after(&target, Vec::new(), by_thief()).await, Err("not-certified".to_owned()));
    assert_eq!(
        thief.come_after(&target, vec![certified(id_of(BEN))], by_thief()).await,
        Err("not-certified".to_owned())
    );
    assert!(target.handle.desk.contacts.get(id_of(BEN)).is_some());
    // She certified her new key.
    assert_eq!(thief.come_after(&target, vec![certified(id_of(STRANGER + 1))], by_thief()).await, Ok(()));
    assert_eq!(target.handle.desk.contacts.named("Ben").unwrap().node, id_of(STRANGER + 1));
}
