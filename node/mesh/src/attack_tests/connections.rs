//! Connections without end.

use std::net::SocketAddr;

use futures::stream::FuturesUnordered;
use libp2p::multiaddr::Protocol;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;

use super::*;

/// What a node takes that is coming about, of strangers from one address, and of one peer: `net/behaviour.rs` says so.
const COMING: usize = 64;
const OF_ADDRESS: usize = 16;
const OF_PEER: usize = 8;

fn socket_address(address: &Multiaddr) -> SocketAddr {
    let mut parts = address.iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => (ip, port).into(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_that_connects_and_says_nothing_fills_its_own_places_and_is_cut_off() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    let mut silent: FuturesUnordered<_> = (0..100)
        .map(async |_| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
            let mut stream = socket.connect(socket_address(&target.tcp)).await.unwrap();
            // It ends, one way or another.
            let _ = stream.read(&mut [0; 1]).await;
        })
        .collect();
    // If one address could have all that come about, it has them when so many are turned away.
    for _ in COMING..100 {
        patiently("some are turned away", silent.next()).await.unwrap();
    }
    let ana = Hostile::at(ANA, &target).await;
    let open = opening(1, GrantRef::Known(grant), &items("meanwhile"));
    assert_eq!(output(&ana.call(&target, &open).await.unwrap()), items("meanwhile"), "a friend at another address");
    // Nobody has a place for good.
    patiently("the rest is cut off", async { while silent.next().await.is_some() {} }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_of_one_address_fill_their_own_places_and_a_friend_behind_it_gets_in() {
    let target = Target::new().await;
    let (grant, _) = target.lend().await;
    let mut strangers = Vec::new();
    for number in 0..OF_ADDRESS {
        let stranger = Hostile::at(STRANGER + u8::try_from(number).unwrap(), &target).await;
        assert!(stranger.is_let_in(&target).await, "stranger {number}");
        strangers.push(stranger);
    }
    let further = Hostile::new(99);
    // The handshake may come about; then it is over.
    if further.connect(target.id, &target.tcp).await.is_ok() {
        further.cut_off().await;
    }
    let ana = Hostile::at(ANA, &target).await;
    let open = opening(1, GrantRef::Known(grant), &items("meanwhile"));
    assert_eq!(output(&ana.call(&target, &open).await.unwrap()), items("meanwhile"), "a friend at that address");
    let elsewhere = Hostile::from_elsewhere(98, &target).await;
    assert!(elsewhere.is_let_in(&target).await, "a stranger at another address");
    // Who leaves makes room.
    drop(strangers);
    patiently("there is room again", async {
        loop {
            let next = Hostile::new(97);
            if next.connect(target.id, &target.tcp).await.is_ok() && next.is_let_in(&target).await {
                break;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_peer_has_so_many_connections_and_no_more() {
    let target = Target::new().await;
    let ben = Hostile::new(BEN);
    for number in 0..OF_PEER {
        ben.connect(target.id, &target.tcp).await.unwrap_or_else(|error| panic!("{number}: {error}"));
    }
    for _ in 0..4 {
        if let Ok(further) = ben.connect(target.id, &target.tcp).await {
            assert_eq!(ben.cut_off().await, further);
        }
    }
    assert_eq!(ben.with(|swarm| swarm.network_info().connection_counters().num_established()).await, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_cut_off_after_a_while_whatever_it_says_and_a_friend_stays() {
    let target = Target::new().await;
    let ana = Hostile::at(ANA, &target).await;
    let (by_tcp, by_quic) = (Hostile::at(STRANGER, &target).await, Hostile::new(STRANGER + 1));
    by_quic.connect(target.id, &target.quic).await.unwrap();
    // Further connections give no more time: the first ends with all others.
    let first = by_tcp.with(|swarm| swarm.network_info().num_peers()).await;
    assert_eq!(first, 1);
    assert!(by_tcp.is_let_in(&target).await && by_quic.is_let_in(&target).await);
    tokio::join!(by_tcp.cut_off(), by_quic.cut_off());
    assert!(ana.with(move |swarm| swarm.is_connected(&net::peer_id(id_of(1)).unwrap())).await);
}
