//! Invitations in wrong hands, and a key that was stolen.

use flowork_ports::mesh::{Gave, Invite};
use flowork_protocol::invitation::Invitation;

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
