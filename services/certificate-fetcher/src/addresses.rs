//! Which addresses may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks that may be reached although they are not public, and names that are not resolved.
#[derive(Clone, Debug, Default)]
pub struct AddressPolicy {
    networks: Vec<(IpAddr, u8)>,
    overrides: Vec<(String, IpAddr)>,
}

/// A network or an override does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an allowed network or a host override is malformed")]
pub struct PolicyError;

impl AddressPolicy {
    /// Reads networks in CIDR form and overrides `host=address`.
    ///
    /// # Errors
    /// [`PolicyError`]
    pub fn parse(networks: &[String], overrides: &[String]) -> Result<Self, PolicyError> {
        let networks = networks
            .iter()
            .map(|text| parse_network(text))
            .collect::<Option<_>>()
            .ok_or(PolicyError)?;
        let overrides = overrides.iter().map(|text| {
            let (host, address) = text.split_once('=')?;
            Some((host.to_ascii_lowercase(), address.parse().ok()?))
        });
        Ok(Self {
            networks,
            overrides: overrides.collect::<Option<_>>().ok_or(PolicyError)?,
        })
    }

    /// The address that a name leads to without asking anybody.
    pub fn override_of(&self, host: &str) -> Option<IpAddr> {
        self.overrides
            .iter()
            .find(|(name, _)| name == host)
            .map(|(_, address)| *address)
    }

    /// Whether an address may be reached: it is public, or lies in an allowed network.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || self
                .networks
                .iter()
                .any(|network| contains(network, address))
    }
}

fn parse_network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address = address.parse::<IpAddr>().ok()?;
    let length = length.parse::<u8>().ok()?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (length <= longest).then_some((address, length))
}

fn contains((network, length): &(IpAddr, u8), address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(*length)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(*length)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

/// Whether an address belongs to the public internet, by the registries of special addresses (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Of 2000::/3 without protocol assignments, documentation, 6to4 and the addresses that embed IPv4.
    a & 0xe000 == 0x2000
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_may_be_reached_by_default() {
        let policy = AddressPolicy::default();
        for address in [
            "8.8.8.8",
            "1.1.1.1",
            "2606:4700::1111",
            "2a00:1450:4001::8a",
        ] {
            assert!(policy.allows(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
        ] {
            assert!(!policy.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_allowed_network_opens_itself_and_no_more() {
        let policy =
            AddressPolicy::parse(&["127.0.0.1/32".to_owned(), "fd00::/8".to_owned()], &[]).unwrap();
        assert!(policy.allows("127.0.0.1".parse().unwrap()));
        assert!(policy.allows("::ffff:127.0.0.1".parse().unwrap()));
        assert!(policy.allows("fd12::1".parse().unwrap()));
        assert!(!policy.allows("127.0.0.2".parse().unwrap()));
        assert!(!policy.allows("fc00::1".parse().unwrap()));
    }

    #[test]
    fn malformed_policies_are_refused() {
        for network in ["127.0.0.1", "127.0.0.1/33", "::1/129", "x/8", "10.0.0.0/-1"] {
            assert!(
                AddressPolicy::parse(&[network.to_owned()], &[]).is_err(),
                "{network}"
            );
        }
        assert!(AddressPolicy::parse(&[], &["localhost".to_owned()]).is_err());
    }
}
