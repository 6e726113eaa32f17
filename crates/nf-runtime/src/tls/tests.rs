use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use nf_api::{Caller, NetworkFunction};
use rustls::client::danger::ServerCertVerifier as _;
use rustls::server::danger::ClientCertVerifier as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::verify::{CalleeVerifier, CallerVerifier};
use super::*;
use crate::pki::LabAuthority;

const VAULT: Caller = Caller::function(NetworkFunction::Vault);

struct Lab {
    _folder: tempfile::TempDir,
    authority: LabAuthority,
    roots: Arc<rustls::RootCertStore>,
}

impl Lab {
    fn new(trust_domain: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = LabAuthority::create(folder.path(), trust_domain).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der(authority.certificate_pem())).unwrap();
        Self {
            _folder: folder,
            authority,
            roots: Arc::new(roots),
        }
    }

    fn certificate(&self, caller: &Caller) -> CertificateDer<'static> {
        der(&self
            .authority
            .issue(caller, &["localhost"], &[])
            .unwrap()
            .certificate_pem)
    }

    fn accepts_callee(&self, certificate: &CertificateDer<'_>, at: UnixTime) -> bool {
        let verifier = CalleeVerifier::new(
            Arc::clone(&self.roots),
            NetworkFunction::Vault,
            "berth.test",
        );
        let name = ServerName::from(IpAddr::V4(Ipv4Addr::LOCALHOST));
        verifier
            .verify_server_cert(certificate, &[], &name, &[], at)
            .is_ok()
    }

    fn accepts_caller(&self, certificate: &CertificateDer<'_>, at: UnixTime) -> bool {
        let verifier = CallerVerifier::new(Arc::clone(&self.roots), "berth.test").unwrap();
        verifier.verify_client_cert(certificate, &[], at).is_ok()
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn in_days(days: u64) -> UnixTime {
    let now = UnixTime::now().as_secs();
    UnixTime::since_unix_epoch(Duration::from_secs(now + days * 24 * 3600))
}

#[test]
fn a_callee_is_the_function_that_its_certificate_names_and_no_other() {
    let lab = Lab::new("berth.test");
    assert!(lab.accepts_callee(&lab.certificate(&VAULT), in_days(0)));
    for other in [
        Caller::function(NetworkFunction::Aanf),
        Caller::Operator {
            name: "vault".to_owned(),
        },
    ] {
        assert!(!lab.accepts_callee(&lab.certificate(&other), in_days(0)));
    }
    let portal = lab.authority.issue_server(&["vault"], &[]).unwrap();
    assert!(!lab.accepts_callee(&der(&portal.certificate_pem), in_days(0)));
}

#[test]
fn leaves_live_for_ninety_days() {
    let lab = Lab::new("berth.test");
    let certificate = lab.certificate(&VAULT);
    for (days, lives) in [(0, true), (89, true), (91, false)] {
        assert_eq!(
            lab.accepts_callee(&certificate, in_days(days)),
            lives,
            "{days}"
        );
        assert_eq!(
            lab.accepts_caller(&certificate, in_days(days)),
            lives,
            "{days}"
        );
    }
}

#[test]
fn callers_of_another_authority_or_trust_domain_are_refused() {
    let (lab, namesake, foreign) = (
        Lab::new("berth.test"),
        Lab::new("berth.test"),
        Lab::new("other.test"),
    );
    assert!(lab.accepts_caller(&lab.certificate(&VAULT), in_days(0)));
    assert!(!lab.accepts_caller(&namesake.certificate(&VAULT), in_days(0)));
    // Even where its authority is trusted by mistake.
    assert!(!foreign.accepts_caller(&foreign.certificate(&VAULT), in_days(0)));
    let portal = lab.authority.issue_server(&["portal"], &[]).unwrap();
    assert!(!lab.accepts_caller(&der(&portal.certificate_pem), in_days(0)));
}

#[test]
fn a_certificate_with_two_identities_names_nobody() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    let uri = |text: &str| rcgen::SanType::URI(text.try_into().unwrap());
    params.subject_alt_names = vec![uri("spiffe://berth.test/nf/vault")];
    let one = params.self_signed(&key).unwrap();
    assert_eq!(
        peer_of(Some(&[one.der().clone()]), "berth.test"),
        Some(VAULT)
    );
    params
        .subject_alt_names
        .push(uri("spiffe://berth.test/nf/ausf"));
    let two = params.self_signed(&key).unwrap();
    assert_eq!(peer_of(Some(&[two.der().clone()]), "berth.test"), None);
    assert_eq!(peer_of(Some(&[]), "berth.test"), None);
    assert_eq!(peer_of(None, "berth.test"), None);
    assert_eq!(
        peer_of(
            Some(&[CertificateDer::from(vec![0x30, 0x80])]),
            "berth.test"
        ),
        None
    );
}

#[test]
fn an_identity_that_nobody_accepts_says_why() {
    let (lab, other) = (Lab::new("berth.test"), Lab::new("berth.test"));
    let config = lab.authority.install(&VAULT, &[], &[]).unwrap();
    let in_days = |days: u64| SystemTime::now() + Duration::from_secs(days * 24 * 3600);
    let identity = TlsIdentity::load(&config).unwrap();
    let misfit = |function, now| identity.misfit(function, now).unwrap_or_default();
    assert_eq!(misfit(NetworkFunction::Vault, in_days(89)), "");
    let late = misfit(NetworkFunction::Vault, in_days(91));
    assert!(late.contains("expired"), "{late}");
    let early = misfit(NetworkFunction::Vault, SystemTime::UNIX_EPOCH);
    assert!(early.contains("not valid yet"), "{early}");
    let named = misfit(NetworkFunction::Aanf, in_days(0));
    assert!(named.contains("aanf"), "{named}");

    let foreign = TlsConfig {
        ca: other.authority.certificate_path(),
        ..config
    };
    let foreign = TlsIdentity::load(&foreign).unwrap();
    let issued = foreign.misfit(NetworkFunction::Vault, in_days(0)).unwrap();
    assert!(issued.contains("ca.crt"), "{issued}");
}

#[test]
fn what_cannot_be_used_is_named() {
    let lab = Lab::new("berth.test");
    let config = lab.authority.install(&VAULT, &[], &[]).unwrap();
    let complaint = |config: &TlsConfig| chain(&TlsIdentity::load(config).unwrap_err());

    let portal = lab.authority.issue_server(&["portal"], &[]).unwrap();
    let (certificate, key) = lab.authority.write("portal", &portal).unwrap();
    let mixed = TlsConfig {
        key: key.clone(),
        ..config.clone()
    };
    let said = complaint(&mixed);
    assert!(
        said.contains("nf-vault.crt") && said.contains("portal.key"),
        "{said}"
    );
    let nobody = TlsConfig {
        certificate,
        key,
        ..config.clone()
    };
    let said = complaint(&nobody);
    assert!(said.contains("portal.crt"), "{said}");

    let damaged = config.ca.with_file_name("damaged.crt");
    let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    std::fs::write(&damaged, pem).unwrap();
    let said = complaint(&TlsConfig {
        ca: damaged,
        ..config
    });
    assert!(said.contains("damaged.crt"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn watched_files_are_read_again_until_the_process_stops() {
    let lab = Lab::new("berth.test");
    let config = lab.authority.install(&VAULT, &[], &[]).unwrap();
    let identity = TlsIdentity::load(&config).unwrap();
    let lifecycle = Lifecycle::new(crate::lifecycle::ShutdownConfig {
        settle: Duration::ZERO,
        grace: Duration::from_secs(1),
    });
    identity.watch(&lifecycle);
    lab.authority.install(&VAULT, &[], &[]).unwrap();
    let before = identity.server_config();
    tokio::time::sleep(RELOAD_INTERVAL + Duration::from_millis(1)).await;
    assert!(!Arc::ptr_eq(&before, &identity.server_config()));
    assert!(matches!(
        lifecycle.shutdown().await,
        crate::lifecycle::Stopped::Clean
    ));
}
