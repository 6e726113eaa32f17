//! Settings of the gateway.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

/// Section `[access_gateway]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessGatewayConfig {
    /// Address of the N1 listener (default `"127.0.0.1:0"`, a free port). It has no TLS; outside of
    /// loopback everybody on that link is in the cell.
    pub listen: String,
    /// Name of this gateway among several (default `"lab"`), the third segment of its identity
    /// `nf/access-gateway/<instance>`. The AuSF knows by it which serving networks the gateway may claim.
    pub instance: String,
    /// The networks that the gateway announces (default: none).
    pub networks: Vec<NetworkConfig>,
    /// Address that devices' traffic comes from, and that relays and CONNECT listeners listen on (default
    /// `"127.0.0.1"`). The portal recognises a device by it and its source ports.
    pub relay_ip: IpAddr,
    /// First source port for devices (default 20000).
    pub first_port: u16,
    /// Last source port for devices (default 31999). Each limited session takes 16; what is left over
    /// is not used. Sessions beyond that are refused.
    pub last_port: u16,
    /// Devices that are served at a time (default 4096); more are refused.
    pub max_devices: usize,
}

impl Default for AccessGatewayConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            instance: "lab".to_owned(),
            networks: Vec::new(),
            relay_ip: Ipv4Addr::LOCALHOST.into(),
            first_port: 20_000,
            last_port: 31_999,
            max_devices: 4096,
        }
    }
}

/// One entry of `[[access_gateway.networks]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkConfig {
    /// How devices name it, 1 to 64 characters; no two alike.
    pub network_id: String,
    /// Mobile country code, three digits as text.
    pub mcc: String,
    /// Mobile network code, two or three digits as text: `"01"` and `"010"` are two networks.
    pub mnc: String,
    /// Network identifier of a stand-alone non-public network, 11 upper-case hexadecimal digits.
    #[serde(default)]
    pub nid: Option<String>,
    /// Name for people, up to 64 characters.
    pub name: String,
    /// Whether devices without subscription are let in.
    #[serde(default)]
    pub onboarding: bool,
}
