//! Whose address a request comes from, and which addresses the server itself may talk to.

use std::net::IpAddr;

use ipnet::IpNet;

/// The address of the client: the peer itself, or, when the peer is a trusted proxy, the right-most address of
/// `X-Forwarded-For` that is none. An unparsable entry ends the search at the last address that was vouched for.
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let peer = peer.to_canonical();
    if !is_trusted(&peer) {
        return peer;
    }
    let mut current = peer;
    for entry in forwarded_for.rev().flat_map(|header| header.rsplit(',')) {
        let Ok(address) = entry.trim().parse::<IpAddr>() else { return current };
        current = address.to_canonical();
        if !is_trusted(&current) {
            return current;
        }
    }
    current
}

/// Decides what the server may fetch on its own.
#[derive(Clone, Debug, Default)]
pub struct EgressGuard {
    allowed: Vec<IpNet>,
}

impl EgressGuard {
    /// A guard that lets through public addresses, and of the others those in `allowed`.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether the server may open a connection to this address.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|network| network.contains(&address)) || !is_internal(address)
    }
}

/// Loopback, link-local (RFC 3927, RFC 4291: cloud metadata lives there), unspecified, multicast, broadcast.
fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.octets()[0] == 0
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<IpNet> = trusted.iter().map(|t| t.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), headers.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn cve_2023_36456_an_untrusted_peer_is_not_believed() {
        assert_eq!(client("198.51.100.7", &["1.2.3.4"], &["127.0.0.0/8"]), "198.51.100.7");
    }

    #[test]
    fn the_right_most_untrusted_address_wins() {
        assert_eq!(client("127.0.0.1", &["1.2.3.4, 203.0.113.9, 127.0.0.5"], &["127.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.2.3.4", "203.0.113.9"], &["127.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.2.3.4, ::ffff:127.0.0.1"], &["127.0.0.0/8"]), "1.2.3.4");
    }

    #[test]
    fn cve_2024_47070_nonsense_ends_the_search() {
        assert_eq!(client("127.0.0.1", &["a"], &["127.0.0.0/8"]), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &["9.9.9.9, a"], &["127.0.0.0/8"]), "127.0.0.1");
    }

    #[test]
    fn the_guard_refuses_the_inside() {
        let guard = EgressGuard::default();
        for inside in ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "::ffff:127.0.0.1"] {
            assert!(!guard.permits(inside.parse().unwrap()), "{inside}");
        }
        assert!(guard.permits("93.184.216.34".parse().unwrap()));
        let open = EgressGuard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        assert!(open.permits("127.0.0.1".parse().unwrap()));
        assert!(!open.permits("169.254.169.254".parse().unwrap()));
    }
}
