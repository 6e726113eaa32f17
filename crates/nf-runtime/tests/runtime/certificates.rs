//! Identities: what is read, what is refused, what is replaced while the process runs.

use std::net::SocketAddr;
use std::sync::Arc;

use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::pki::LabAuthority;
use nf_runtime::tls::{
    PublicCertificate, PublicCertificateConfig, TlsConfig, TlsError, TlsIdentity,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tonic::service::Routes;

use crate::support::{AUSF, LOCALHOST, Lab, VAULT, unary};

const HEALTH: &str = "/grpc.health.v1.Health/Check";

async fn certificate_of(address: SocketAddr, caller: &TlsIdentity) -> CertificateDer<'static> {
    let connector = TlsConnector::from(caller.client_config(NetworkFunction::Vault).unwrap());
    let tcp = TcpStream::connect(address).await.unwrap();
    let stream = connector
        .connect(ServerName::from(address.ip()), tcp)
        .await
        .unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0]
        .clone()
        .into_owned()
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let server = lab.identity(&VAULT);
    let caller = lab.identity(&AUSF);
    let address = lab.serve_as(&server, Routes::default(), &runtime).await;
    let channel = lab.connect(address, &AUSF, &runtime);
    assert!(unary(&channel, HEALTH).await.is_ok());
    let before = certificate_of(address, &caller).await;

    assert!(!server.reload().unwrap(), "nothing has changed yet");
    lab.files(&VAULT);
    assert_eq!(
        certificate_of(address, &caller).await,
        before,
        "nothing is read before a reload"
    );
    assert!(server.reload().unwrap());

    assert_ne!(certificate_of(address, &caller).await, before);
    assert!(
        unary(&channel, HEALTH).await.is_ok(),
        "the open connection goes on"
    );
}

#[tokio::test]
async fn a_new_authority_is_trusted_without_a_restart() {
    let (lab, runtime) = (Lab::new(), Runtime::for_tests());
    let server = lab.identity(&VAULT);
    let address = lab.serve_as(&server, Routes::default(), &runtime).await;

    let authority = LabAuthority::create(lab.folder.path(), "berth.test").unwrap();
    authority.install(&VAULT, &[], &[]).unwrap();
    let caller = TlsIdentity::load(&authority.install(&AUSF, &[], &[]).unwrap()).unwrap();
    let channel = nf_runtime::grpc::connect(
        &address.to_string(),
        &caller,
        NetworkFunction::Vault,
        &runtime,
    )
    .unwrap();
    assert!(unary(&channel, HEALTH).await.is_err());
    assert!(server.reload().unwrap());
    assert!(unary(&channel, HEALTH).await.is_ok());
}

#[test]
fn what_cannot_be_used_is_refused_and_the_old_identity_stays() {
    let lab = Lab::new();
    let files = lab.files(&VAULT);
    let identity = TlsIdentity::load(&files).unwrap();

    std::fs::copy(lab.files(&AUSF).key, &files.key).unwrap();
    assert!(
        matches!(identity.reload(), Err(TlsError::Pair { .. })),
        "the key of another certificate"
    );
    std::fs::write(&files.certificate, "").unwrap();
    assert!(matches!(
        identity.reload(),
        Err(TlsError::NoCertificate { .. })
    ));
    std::fs::remove_file(&files.certificate).unwrap();
    assert!(matches!(identity.reload(), Err(TlsError::File { .. })));
    assert!(identity.client_config(NetworkFunction::Ausf).is_ok());

    let foreign = TlsConfig {
        trust_domain: "other.test".to_owned(),
        ..lab.files(&VAULT)
    };
    assert!(matches!(
        TlsIdentity::load(&foreign),
        Err(TlsError::NoIdentity { .. })
    ));
    let portal = lab
        .authority
        .write(
            "portal",
            &lab.authority.issue_server(&["portal"], &[]).unwrap(),
        )
        .unwrap();
    let nobody = TlsConfig {
        certificate: portal.0,
        key: portal.1,
        ..lab.files(&VAULT)
    };
    assert!(matches!(
        TlsIdentity::load(&nobody),
        Err(TlsError::NoIdentity { .. })
    ));
}

#[test]
fn an_authority_is_opened_again_with_its_trust_domain() {
    let lab = Lab::new();
    let opened = LabAuthority::load(lab.folder.path()).unwrap();
    assert_eq!(opened.trust_domain(), "berth.test");
    assert_eq!(opened.certificate_pem(), lab.authority.certificate_pem());
    let gateway = Caller::Function {
        function: NetworkFunction::AccessGateway,
        instance: Some("lab-1".to_owned()),
    };
    let files = opened
        .install(&gateway, &["gateway.berth.test"], &[])
        .unwrap();
    assert!(files.certificate.ends_with("nf-access-gateway-lab-1.crt"));
    TlsIdentity::load(&files).unwrap();
    assert!(LabAuthority::load(tempfile::tempdir().unwrap().path()).is_err());
}

#[cfg(unix)]
#[test]
fn keys_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::new();
    for key in [lab.folder.path().join("ca.key"), lab.files(&VAULT).key] {
        assert_eq!(
            std::fs::metadata(key).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[tokio::test]
async fn a_public_listener_shows_its_certificate_and_follows_its_replacement() {
    let lab = Lab::new();
    let issue = || {
        lab.authority
            .write(
                "portal",
                &lab.authority
                    .issue_server(&["portal.berth.test"], &[])
                    .unwrap(),
            )
            .unwrap()
    };
    let (certificate, key) = issue();
    let public = PublicCertificate::load(&PublicCertificateConfig { certificate, key }).unwrap();
    let acceptor = TlsAcceptor::from(public.server_config(&[b"h2", b"http/1.1"]).unwrap());
    let listener = TcpListener::bind((LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();

    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(lab.authority.certificate_pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut browser = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    browser.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = TlsConnector::from(Arc::new(browser));
    let visit = async || {
        let name = ServerName::try_from("portal.berth.test").unwrap();
        let client = async {
            connector
                .connect(name, TcpStream::connect(address).await.unwrap())
                .await
                .unwrap()
        };
        let server = async {
            acceptor
                .accept(listener.accept().await.unwrap().0)
                .await
                .unwrap()
        };
        let (client, _server) = tokio::join!(client, server);
        assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        client.get_ref().1.peer_certificates().unwrap()[0]
            .clone()
            .into_owned()
    };
    let before = visit().await;
    issue();
    assert!(public.reload().unwrap());
    assert_ne!(visit().await, before);
}
