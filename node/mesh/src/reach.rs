//! From where an address can be reached, in words. Pure.

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

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

/// From how far away an address of this node may be reached, judged by its form.
pub(crate) fn far(address: &Multiaddr) -> Far {
    if address.iter().any(|part| part == Protocol::P2pCircuit) {
        return Far::Anywhere;
    }
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

/// What an invitation with these addresses is good for.
pub(crate) fn words(addresses: &[Multiaddr]) -> String {
    match addresses.iter().map(far).max() {
        None => "nowhere: this node does not listen; set `mesh.listen`, or let the other side invite".to_owned(),
        Some(Far::Machine) => "this machine only".to_owned(),
        Some(Far::Network) => {
            "this network; from elsewhere it takes a port forwarded by your router, or the other side invites"
                .to_owned()
        }
        Some(Far::Anywhere) => "anywhere, unless a firewall is in the way: that was not tried".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }
}
