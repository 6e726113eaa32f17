//! Settings of a laboratory: who it is, where it is reached, what it lets devices subscribe to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Section `[lab]`, read by `berth lab` and by `berth check --story`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LabConfig {
    /// Name of the laboratory's access gateway, the last part of its identity `nf/access-gateway/<name>`. The AuSF
    /// has to know it (`ausf.access_gateways`) with the serving network name of `mcc` and `mnc`. Default: `lab`.
    /// Since 0.1.
    pub(crate) name: String,
    /// Address under which functions and devices reach this process: of a pod its own, by
    /// `BERTH__LAB__ADVERTISED_ADDRESS`. Devices' traffic comes from it too. Default: `127.0.0.1`. Since 0.1.
    pub(crate) advertised_address: IpAddr,
    /// Where `berth lab` listens for devices; outside of loopback everybody who reaches it is in the cell. A story
    /// listens on a free port of loopback instead. Default: `0.0.0.0:8480`. Since 0.1.
    pub(crate) n1_listen: SocketAddr,
    /// Where the manufacturer's certificate server listens (https); the certificate fetcher has to reach that port of
    /// `advertised_address`. Default: `0.0.0.0:8481`. Since 0.1.
    pub(crate) certificate_listen: SocketAddr,
    /// Folder of the manufacturer and of what a factory has to know: `ue new --lab`. Default: `/tmp/lab`. Since 0.1.
    pub(crate) folder: PathBuf,
    /// Identity of the access gateway.
    pub(crate) gateway: GatewayIdentity,
    /// Certificates (PEM) in which the portal's chain ends: what devices trust it by. Default:
    /// `/etc/berth/tls/ca.crt`. Since 0.1.
    pub(crate) portal_ca: PathBuf,
    /// Mobile country code, three digits as text; the AuSF has to know the network (`ausf.home_networks`). Default:
    /// `"001"`, the test network of ITU-T E.212. Since 0.1.
    pub(crate) mcc: String,
    /// Mobile network code, two or three digits as text. Default: `"01"`. Since 0.1.
    pub(crate) mnc: String,
    /// First subscriber number that the laboratory's plan gives away, ten digits (nine where `mnc` has three). No plan
    /// of the operator may give away the same. Default: `"0000000001"`. Since 0.1.
    pub(crate) first_msin: String,
    /// Last such number. Default: `"0009999999"`. Since 0.1.
    pub(crate) last_msin: String,
    /// First telephone number that the plan gives away; of the shared code for tests. Default: `"88200000001"`. Since
    /// 0.1.
    pub(crate) first_msisdn: String,
    /// Last such number. Default: `"88209999999"`. Since 0.1.
    pub(crate) last_msisdn: String,
    /// Domain of the UE Service IDs. Default: `msgin5g.berth.test`. Since 0.1.
    pub(crate) ue_service_id_domain: String,
    /// Where devices reach the MSGin5G Server, `coaps://host:port/msgin5g`. No default: the plan needs it. Since 0.1.
    pub(crate) msgin5g_server_uri: String,
    /// FQDN of the MSGin5G Server as application function, one of `msgin5g_server.af_fqdns`. Default:
    /// `msgin5g.berth.test`. Since 0.1.
    pub(crate) msgin5g_af_fqdn: String,
}

/// Where the identity `nf/access-gateway/<name>` lies; its trust domain is that of `[tls]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GatewayIdentity {
    /// Certificates (PEM) that every peer's chain has to end at. Default: `/etc/berth/gateway-tls/ca.crt`. Since 0.1.
    pub(crate) ca: PathBuf,
    /// Certificate of the gateway (PEM). Default: `/etc/berth/gateway-tls/tls.crt`. Since 0.1.
    pub(crate) certificate: PathBuf,
    /// Its private key (PEM). Default: `/etc/berth/gateway-tls/tls.key`. Since 0.1.
    pub(crate) key: PathBuf,
}

impl Default for LabConfig {
    fn default() -> Self {
        Self {
            name: "lab".to_owned(),
            advertised_address: Ipv4Addr::LOCALHOST.into(),
            n1_listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8480)),
            certificate_listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8481)),
            folder: PathBuf::from("/tmp/lab"),
            gateway: GatewayIdentity::default(),
            portal_ca: PathBuf::from("/etc/berth/tls/ca.crt"),
            mcc: "001".to_owned(),
            mnc: "01".to_owned(),
            first_msin: "0000000001".to_owned(),
            last_msin: "0009999999".to_owned(),
            first_msisdn: "88200000001".to_owned(),
            last_msisdn: "88209999999".to_owned(),
            ue_service_id_domain: "msgin5g.berth.test".to_owned(),
            msgin5g_server_uri: String::new(),
            msgin5g_af_fqdn: "msgin5g.berth.test".to_owned(),
        }
    }
}

impl Default for GatewayIdentity {
    fn default() -> Self {
        Self {
            ca: PathBuf::from("/etc/berth/gateway-tls/ca.crt"),
            certificate: PathBuf::from("/etc/berth/gateway-tls/tls.crt"),
            key: PathBuf::from("/etc/berth/gateway-tls/tls.key"),
        }
    }
}
