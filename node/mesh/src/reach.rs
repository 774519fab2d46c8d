//! From where an address can be reached, in words. Pure.

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use crate::net::{RelayState, View, is_relayed};

/// From how far away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Far {
    /// From this machine only.
    Machine,
    /// From this network.
    Network,
    /// From anywhere.
    Anywhere,
}

/// From how far away an address of this node may be reached, judged by its form. One through a relay: as far as the relay.
pub(crate) fn far(address: &Multiaddr) -> Far {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) if ip.is_loopback() => Far::Machine,
        Some(Protocol::Ip6(ip)) if ip.is_loopback() => Far::Machine,
        Some(Protocol::Ip4(ip)) => {
            // RFC 6598: between a provider and its customers.
            let is_shared = ip.octets()[0] == 100 && (ip.octets()[1] & 0xc0) == 64;
            if ip.is_private() || ip.is_link_local() || is_shared { Far::Network } else { Far::Anywhere }
        }
        Some(Protocol::Ip6(ip)) => {
            if ip.is_unique_local() || ip.is_unicast_link_local() {
                Far::Network
            } else {
                Far::Anywhere
            }
        }
        _ => Far::Anywhere,
    }
}

/// From where this node can be reached, and what to do about it. `relays` are the names of those through which it can.
pub(crate) fn words(view: &View, relays: &[String]) -> String {
    let is_public = |address: &&Multiaddr| !is_relayed(address) && far(address) == Far::Anywhere;
    if let Some(address) = view.external.iter().find(is_public) {
        return if view.said.contains(address) {
            format!("anywhere, at {address}, as its owner says")
        } else {
            format!("anywhere: others reached it at {address}")
        };
    }
    if !relays.is_empty() {
        let through = relays.join(" and ");
        let reserved = view.relays.values().filter(|relay| relay.state == RelayState::Reserved);
        return match reserved.map(|relay| far(&relay.address)).max() {
            Some(Far::Machine) => format!("this machine only, through {through} too"),
            Some(Far::Network) => format!("this network, through {through} too"),
            _ => format!("anywhere, through {through}"),
        };
    }
    match view.listens.iter().map(far).max() {
        None => "nowhere: this node does not listen; set `mesh.listen`, or let the other side invite".to_owned(),
        Some(Far::Machine) => "this machine only".to_owned(),
        Some(Far::Network) => "this network; to be reached from elsewhere, pair with a relay (a friend's node with \
                               `mesh.relay`, or `flowork-bootstrap` on any public host), set `mesh.upnp`, or forward a \
                               port; or let the other side invite"
            .to_owned(),
        Some(Far::Anywhere) => "anywhere, unless a firewall is in the way: nobody tried yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Relay;

    #[test]
    fn an_address_says_from_how_far_it_can_be_reached() {
        let check = |text: &str, expect: Far| assert_eq!(far(&text.parse().unwrap()), expect, "{text}");
        check("/ip4/127.0.0.1/tcp/1", Far::Machine);
        check("/ip6/::1/udp/1/quic-v1", Far::Machine);
        check("/ip4/192.168.1.7/tcp/1", Far::Network);
        check("/ip4/100.64.0.1/tcp/1", Far::Network);
        check("/ip6/fe80::1/tcp/1", Far::Network);
        check("/ip4/203.0.113.5/tcp/1", Far::Anywhere);
        check("/dns4/example.org/tcp/1", Far::Anywhere);
        let relay = "p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit";
        check(&format!("/ip4/203.0.113.5/tcp/1/{relay}"), Far::Anywhere);
        check(&format!("/ip4/192.168.1.7/tcp/1/{relay}"), Far::Network);
    }

    #[test]
    fn what_was_tried_counts_for_more_than_the_form_of_an_address() {
        let mut view = View::default();
        assert!(words(&view, &[]).starts_with("nowhere"));
        view.listens.insert("/ip4/192.168.1.7/tcp/1".parse().unwrap());
        assert!(words(&view, &[]).starts_with("this network;"));
        let mut relay = |address: &str| {
            let relay = Relay { address: address.parse().unwrap(), state: RelayState::Reserved };
            view.relays.insert(flowork_protocol::NodeId([1; 32]), relay);
            words(&view, &["Hut".to_owned()])
        };
        assert_eq!(relay("/ip4/192.168.1.9/tcp/1"), "this network, through Hut too");
        assert_eq!(relay("/ip4/203.0.113.9/tcp/1"), "anywhere, through Hut");
        view.external.insert("/ip4/203.0.113.5/tcp/1".parse().unwrap());
        assert_eq!(words(&view, &["Hut".to_owned()]), "anywhere: others reached it at /ip4/203.0.113.5/tcp/1");
        view.said = view.external.clone();
        assert!(words(&view, &[]).ends_with("as its owner says"));
    }
}
