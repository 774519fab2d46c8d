//! Lies about where somebody is.

use flowork_protocol::presence::{self, Presence};
use flowork_protocol::signed;
use libp2p::kad::store::RecordStore as _;
use libp2p::kad::{GetRecordOk, QueryResult, Quorum, Record};

use super::*;

const VICTIM: u8 = 50;

/// What `signer` says about where `about` is.
fn presence_by(signer: u8, about: u8, at: Timestamp, place: &str) -> Vec<u8> {
    let presence = Presence::new(id_of(about), vec![place.to_owned()], at, 3_600);
    signed::encode(&keeper(signer).state(&presence).unwrap())
}

fn record(under: u8, value: Vec<u8>) -> Record {
    Record { key: presence::key(id_of(under)).to_vec().into(), value, publisher: None, expires: None }
}

/// Has the target keep a record; waits until it says that it heard it.
async fn put(who: &Hostile, target: &Target, record: Record) {
    let (peer, place) = (net::peer_id(target.id).unwrap(), target.tcp.clone());
    let query = who
        .with(move |swarm| {
            let directory = &mut swarm.behaviour_mut().directory;
            directory.add_address(&peer, place);
            directory.put_record_to(record, std::iter::once(peer), Quorum::One)
        })
        .await;
    who.until("a record is heard", |event| match event {
        SwarmEvent::Behaviour(ToolsEvent::Directory(kad::Event::OutboundQueryProgressed { id, step, .. })) => {
            (id == query && step.last).then_some(())
        }
        _ => None,
    })
    .await;
}

/// Where the target says that somebody is.
async fn kept(who: &Hostile, of: u8) -> Option<Vec<u8>> {
    let query = who.with(move |swarm| swarm.behaviour_mut().directory.get_record(record(of, Vec::new()).key)).await;
    let mut found = None;
    who.until("an answer of the directory", |event| {
        let SwarmEvent::Behaviour(ToolsEvent::Directory(kad::Event::OutboundQueryProgressed {
            id, result, step, ..
        })) = event
        else {
            return None;
        };
        if id != query {
            return None;
        }
        if let QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(record))) = result {
            found = Some(record.record.value);
        }
        step.last.then_some(())
    })
    .await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_keeps_what_a_node_says_about_itself_and_nothing_else() {
    let keeper = Target::start(1, &[], Some(Budgets::default())).await;
    let eve = Hostile::at(STRANGER, &keeper).await;
    let now = Timestamp(keeper.now.load(Ordering::Relaxed));
    let (theirs, false_place) = ("/ip4/203.0.113.7/tcp/4142", "/ip4/203.0.113.66/tcp/4142");
    for lie in [
        presence_by(STRANGER, VICTIM, now, false_place),
        presence_by(STRANGER, STRANGER, now, false_place),
        b"no presence at all".to_vec(),
        vec![0x81; presence::BYTES_MAX],
    ] {
        put(&eve, &keeper, record(VICTIM, lie)).await;
        assert_eq!(kept(&eve, VICTIM).await, None);
    }
    let honest = presence_by(VICTIM, VICTIM, now, theirs);
    put(&eve, &keeper, record(VICTIM, honest.clone())).await;
    assert_eq!(kept(&eve, VICTIM).await, Some(honest.clone()), "whoever brings it");
    // An old word of the victim itself, said again.
    let old = presence_by(VICTIM, VICTIM, Timestamp(now.0 - 60_000), false_place);
    put(&eve, &keeper, record(VICTIM, old)).await;
    assert_eq!(kept(&eve, VICTIM).await, Some(honest));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_lies_can_hide_a_node_and_not_put_another_in_its_place() {
    let liar = Hostile::new(STRANGER);
    let place = liar.listen("/ip4/127.0.0.1/tcp/0").await;
    let target = Target::start(1, &[(STRANGER, "liar", Some(place.clone()))], None).await;
    let now = Timestamp(target.now.load(Ordering::Relaxed));
    let mut view = target.handle.desk.net.view();
    patiently("it asks the liar", view.wait_for(|view| view.has_directory)).await.unwrap();
    let tell = async |value: Vec<u8>| {
        let told = record(VICTIM, value);
        liar.with(move |swarm| swarm.behaviour_mut().directory.store_mut().put(told).unwrap()).await;
        target.handle.desk.net.find(id_of(VICTIM)).await
    };
    let told = place.to_string();
    for lie in [presence_by(STRANGER, VICTIM, now, &told), presence_by(STRANGER, STRANGER, now, &told)] {
        assert_eq!(tell(lie).await, Vec::<Multiaddr>::new());
    }
    let stale = presence_by(VICTIM, VICTIM, Timestamp(now.0 - 3 * 3_600_000), &told);
    assert_eq!(tell(stale).await, Vec::<Multiaddr>::new(), "what held once");
    let honest = presence_by(VICTIM, VICTIM, now, &told);
    assert_eq!(tell(honest).await, std::slice::from_ref(&place), "what the victim says is believed");
    // And who answers there has to be the victim.
    let reached = target.handle.desk.net.connect(id_of(VICTIM), vec![place]).await;
    assert!(matches!(reached, Err(net::Error::OtherNode(_))), "{reached:?}");
}
