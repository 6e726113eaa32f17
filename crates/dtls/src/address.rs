//! Where datagrams come from and go to.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The far end of a datagram path.
///
/// `path` is a number that only the caller understands (which socket, which relay); the same
/// remote address on two paths is two peers. The engine compares addresses and puts them into
/// the cookie, and does nothing else with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    path: u32,
    remote: SocketAddr,
}

impl PeerAddress {
    /// An address on one of the caller's paths.
    ///
    /// The flow label of an IPv6 address is dropped: it may differ from datagram to datagram.
    #[must_use]
    pub fn new(path: u32, mut remote: SocketAddr) -> Self {
        if let SocketAddr::V6(address) = &mut remote {
            address.set_flowinfo(0);
        }
        Self { path, remote }
    }

    /// The caller's number for the path.
    #[must_use]
    pub const fn path(&self) -> u32 {
        self.path
    }

    /// The remote socket address.
    #[must_use]
    pub const fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// A fixed-length encoding, so that the cookie's input is unambiguous.
    pub(crate) fn to_octets(self) -> [u8; 28] {
        let mut octets = [0; 28];
        let (ip, scope) = match self.remote {
            SocketAddr::V4(address) => (address.ip().to_ipv6_mapped(), 0),
            SocketAddr::V6(address) => (*address.ip(), address.scope_id()),
        };
        let family = if self.remote.is_ipv4() { 4_u16 } else { 6 };
        let fields = self
            .path
            .to_be_bytes()
            .into_iter()
            .chain(family.to_be_bytes())
            .chain(ip.octets())
            .chain(self.remote.port().to_be_bytes())
            .chain(scope.to_be_bytes());
        for (octet, value) in octets.iter_mut().zip(fields) {
            *octet = value;
        }
        octets
    }

    /// The block of addresses that is likely one site or one operator's translator.
    pub(crate) const fn prefix(&self) -> Prefix {
        const V4_MASK: u32 = 0xffff_ff00;
        const V6_MASK: u128 = !(u128::MAX >> 56);
        Prefix {
            path: self.path,
            network: match self.remote {
                SocketAddr::V4(address) => {
                    IpAddr::V4(Ipv4Addr::from_bits(address.ip().to_bits() & V4_MASK))
                }
                SocketAddr::V6(address) => {
                    IpAddr::V6(Ipv6Addr::from_bits(address.ip().to_bits() & V6_MASK))
                }
            },
        }
    }
}

/// A /24 of IPv4 or a /56 of IPv6 on one path.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Prefix {
    path: u32,
    network: IpAddr,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> PeerAddress {
        PeerAddress::new(0, text.parse().unwrap())
    }

    #[test]
    fn mapped_and_plain_ipv4_have_different_cookie_input() {
        assert_ne!(
            address("192.0.2.1:5684").to_octets(),
            address("[::ffff:192.0.2.1]:5684").to_octets()
        );
    }

    #[test]
    fn path_port_and_scope_are_cookie_input() {
        let plain = address("[fe80::1]:1");
        assert_ne!(plain.to_octets(), address("[fe80::1]:2").to_octets());
        assert_ne!(plain.to_octets(), address("[fe80::1%3]:1").to_octets());
        let other_path = PeerAddress::new(1, plain.remote());
        assert_ne!(plain.to_octets(), other_path.to_octets());
    }

    #[test]
    fn prefix_joins_neighbours_only() {
        assert!(address("192.0.2.1:1").prefix() == address("192.0.2.254:9").prefix());
        assert!(address("192.0.2.1:1").prefix() != address("192.0.3.1:1").prefix());
        assert!(
            address("[2001:db8:0:1::1]:1").prefix() == address("[2001:db8:0:ff::2]:1").prefix()
        );
        assert!(
            address("[2001:db8:0:1::1]:1").prefix() != address("[2001:db8:0:100::1]:1").prefix()
        );
    }
}
