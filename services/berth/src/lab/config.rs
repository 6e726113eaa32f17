//! Settings of a laboratory: who it is, where it is reached, what it lets devices subscribe to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use hyper::Uri;
use identifiers::{Fqdn, Gpsi, PlanId, Plmn, Supi, TenantId, UeServiceId};
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

impl LabConfig {
    /// The plan of `berth lab`: no operator's by chance, since it goes with the laboratory.
    pub(super) fn plan_id(&self) -> String {
        format!("berth-lab-{}", self.name)
    }

    /// Whether devices can get what the laboratory's plan promises; the error names the setting.
    pub(super) fn validate(&self) -> Result<()> {
        let wrong = |key, wanted| move || format!("lab.{key} must be {wanted}");
        let name = "1 to 54 letters, digits, and any of - _ . :";
        TenantId::parse(&self.name).with_context(wrong("name", name))?;
        PlanId::parse(&self.plan_id()).with_context(wrong("name", name))?;
        let plmn = Plmn::new(&self.mcc, &self.mnc).context(
            "lab.mcc must be three digits, lab.mnc two or three that stand for a network",
        )?;
        range(
            ("first_msin", &self.first_msin),
            ("last_msin", &self.last_msin),
            |digits| Supi::from_msin(&plmn, digits).is_ok(),
        )?;
        if !(self.first_msisdn.is_empty() && self.last_msisdn.is_empty()) {
            let (first, last) = (&self.first_msisdn, &self.last_msisdn);
            range(("first_msisdn", first), ("last_msisdn", last), |digits| {
                Gpsi::parse(&format!("msisdn-{digits}")).is_ok()
            })?;
        }
        UeServiceId::parse(&format!("ue-aaaaaaaa@{}", self.ue_service_id_domain))
            .with_context(wrong("ue_service_id_domain", "a domain"))?;
        Fqdn::parse(&self.msgin5g_af_fqdn).with_context(wrong("msgin5g_af_fqdn", "a domain"))?;
        let uri: Option<Uri> = self.msgin5g_server_uri.parse().ok();
        let is_coaps = uri.is_some_and(|uri| {
            uri.scheme_str() == Some("coaps") && uri.host().is_some_and(|host| !host.is_empty())
        });
        ensure!(
            is_coaps,
            "lab.msgin5g_server_uri must be coaps://host:port/msgin5g, not {:?}",
            self.msgin5g_server_uri
        );
        Ok(())
    }
}

/// Two numbers, equally long and in order.
fn range(first: (&str, &str), last: (&str, &str), is_number: impl Fn(&str) -> bool) -> Result<()> {
    for (key, digits) in [first, last] {
        ensure!(
            digits.bytes().all(|octet| octet.is_ascii_digit()) && is_number(digits),
            "lab.{key} is no such number: {digits:?}"
        );
    }
    ensure!(
        first.1.len() == last.1.len() && first.1 <= last.1,
        "lab.{} must not be behind lab.{}, and as long",
        first.0,
        last.0
    );
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> LabConfig {
        LabConfig {
            msgin5g_server_uri: "coaps://localhost:5684/msgin5g".to_owned(),
            ..LabConfig::default()
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        usual().validate().unwrap();
        let three_digits = LabConfig {
            mnc: "001".to_owned(),
            first_msin: "000000001".to_owned(),
            last_msin: "000999999".to_owned(),
            ..usual()
        };
        three_digits.validate().unwrap();

        type Change = fn(&mut LabConfig);
        let wrong: [(&str, Change); 9] = [
            ("lab.msgin5g_server_uri", |lab| {
                lab.msgin5g_server_uri.clear()
            }),
            ("lab.msgin5g_server_uri", |lab| {
                lab.msgin5g_server_uri = "http://x".to_owned();
            }),
            ("lab.first_msin", |lab| lab.first_msin = "abc".to_owned()),
            ("lab.last_msin", |lab| {
                lab.last_msin = "0000000000".to_owned()
            }),
            ("lab.first_msin", |lab| lab.mnc = "001".to_owned()),
            ("lab.mnc", |lab| lab.mnc = "1".to_owned()),
            ("lab.last_msisdn", |lab| lab.last_msisdn = "+1".to_owned()),
            ("lab.msgin5g_af_fqdn", |lab| {
                lab.msgin5g_af_fqdn = "a b".to_owned()
            }),
            ("lab.name", |lab| lab.name.clear()),
        ];
        for (key, change) in wrong {
            let mut lab = usual();
            change(&mut lab);
            let error = format!("{:#}", lab.validate().unwrap_err());
            assert!(error.contains(key), "{key}: {error}");
        }
    }
}
