//! Being passed on by a node that one is nothing to.

use tokio::io::AsyncWriteExt as _;

use super::*;

const CIRCUIT_BYTES: u64 = 256 << 10;

fn through(relay: &Target) -> Multiaddr {
    let relay_id = net::peer_id(relay.id).unwrap();
    let circuit = relay.tcp.clone().with(libp2p::multiaddr::Protocol::P2p(relay_id));
    circuit.with(libp2p::multiaddr::Protocol::P2pCircuit)
}

/// Asks for a place; whether it is given.
async fn reserve(who: &Hostile, relay: &Target) -> bool {
    let address = through(relay);
    let listener = who.with(move |swarm| swarm.listen_on(address).unwrap()).await;
    who.until("an answer to a reservation", |event| match event {
        SwarmEvent::Behaviour(ToolsEvent::Relayed(relay::client::Event::ReservationReqAccepted { .. })) => Some(true),
        SwarmEvent::ListenerClosed { listener_id, .. } if listener_id == listener => Some(false),
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_there_for_friends_within_budgets() {
    let budgets = Budgets { circuits_per_peer: 1, circuit_bytes: CIRCUIT_BYTES, ..Budgets::default() };
    let relay = Target::start(1, &[(ANA, "Ana", None), (BEN, "Ben", None)], Some(budgets)).await;
    let (ana, stranger) = (Hostile::new(ANA), Hostile::new(STRANGER));
    assert!(!reserve(&stranger, &relay).await, "a stranger has no place");
    assert!(reserve(&ana, &relay).await);
    // Nobody is reached who has no place, friend or not.
    for number in [BEN, STRANGER + 1] {
        assert!(stranger.connect(id_of(number), &through(&relay)).await.is_err());
    }
    // Whoever follows an invitation reaches Ana, a few times at once and no more.
    let mut circuits = 0;
    while stranger.connect(id_of(ANA), &through(&relay)).await.is_ok() {
        circuits += 1;
        assert!(circuits <= 2, "libp2p counts the circuits that are there already");
    }
    assert!(circuits > 0);
    // And so many bytes.
    const TO_ANA: libp2p::StreamProtocol = libp2p::StreamProtocol::new("/test/1");
    let mut taking = ana.control.clone().accept(TO_ANA).unwrap();
    tokio::spawn(async move {
        while let Some((_, stream)) = taking.next().await {
            tokio::spawn(async move { tokio::io::copy(&mut stream.compat(), &mut tokio::io::sink()).await });
        }
    });
    let mut control = stranger.control.clone();
    let opening = control.open_stream(net::peer_id(id_of(ANA)).unwrap(), TO_ANA);
    let mut stream = patiently("a stream through the relay", opening).await.unwrap().compat();
    let piece = vec![0; 16 << 10];
    let mut sent = 0;
    patiently("the budget ends", async {
        while stream.write_all(&piece).await.is_ok() && stream.flush().await.is_ok() {
            sent += piece.len() as u64;
        }
    })
    .await;
    stranger.cut_off().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_relay_passes_nothing_on() {
    let target = Target::new().await;
    let (ana, stranger) = (Hostile::new(ANA), Hostile::new(STRANGER));
    assert!(!reserve(&ana, &target).await && !reserve(&stranger, &target).await);
    assert!(stranger.connect(id_of(ANA), &through(&target)).await.is_err());
}
