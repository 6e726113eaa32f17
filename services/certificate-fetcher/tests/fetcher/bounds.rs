//! How long a fetch may take, and whom it may reach.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cause::Cause;
use certificate_fetcher::{CertificateFetcherConfig, Fetch, FetchError, fetch};
use onboarding::certificate_url::CertificateUrl;

use crate::fetching::{allowed, certificate, config, policy};
use crate::server::{Script, Server, Then};

#[tokio::test]
async fn slow_servers_are_left() {
    let head =
        b"HTTP/1.1 200 OK\r\ncontent-type: application/pkix-cert\r\ncontent-length: 10\r\n\r\n";
    for octets in [
        Vec::new(),
        head[..20].to_vec(),
        [&head[..], b"\x30"].concat(),
    ] {
        let server = Server::new(Script {
            octets,
            then: Then::Hang,
        })
        .await;
        let impatient = CertificateFetcherConfig {
            total_timeout: Duration::from_millis(400),
            ..config()
        };
        let begin = Instant::now();
        let refused = fetch(&impatient, &allowed(&server)).await;
        assert!(matches!(refused, Err(FetchError::Timeout)));
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
    // A port where nobody speaks TLS.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("https://localhost:{port}/DeviceID=BAND-4711");
    let request = Fetch {
        url: CertificateUrl::parse(&url, &[port]).unwrap(),
        server_anchors: Vec::new(),
        addresses: policy(&["127.0.0.1/32"], &["localhost=127.0.0.1"]),
    };
    let impatient = CertificateFetcherConfig {
        connect_timeout: Duration::from_millis(200),
        ..config()
    };
    let refused = fetch(&impatient, &request).await;
    assert!(matches!(refused, Err(FetchError::Timeout)));
}

#[tokio::test]
async fn only_a_server_under_the_given_anchors_is_believed() {
    let server = Server::answering("application/pkix-cert", &certificate()).await;
    let other = Server::answering("application/pkix-cert", &certificate()).await;
    for server_anchors in [vec![other.anchor.clone()], Vec::new()] {
        let request = Fetch {
            server_anchors,
            ..allowed(&server)
        };
        let refused = fetch(&config(), &request).await;
        assert!(matches!(refused, Err(FetchError::Connect(_))));
    }
    // The right authority, but a certificate for another name.
    let port = server.address.port();
    let url = format!("https://certificates.maker.test:{port}/DeviceID=BAND-4711");
    let request = Fetch {
        url: CertificateUrl::parse(&url, &[port]).unwrap(),
        addresses: policy(&["127.0.0.1/32"], &["certificates.maker.test=127.0.0.1"]),
        ..allowed(&server)
    };
    let refused = fetch(&config(), &request).await;
    assert!(matches!(refused, Err(FetchError::Connect(_))));
    assert!(server.requests.lock().unwrap().is_empty());

    let request = Fetch {
        server_anchors: vec![vec![0x30]],
        ..allowed(&server)
    };
    let refused = fetch(&config(), &request).await.unwrap_err();
    assert_eq!(refused.cause(), Cause::MandatoryElementIncorrect);
}

#[tokio::test]
async fn addresses_that_are_not_public_are_not_even_connected_to() {
    let server = Server::answering("application/pkix-cert", &certificate()).await;
    for addresses in [
        // An override leads no further than a name would.
        policy(&[], &["localhost=127.0.0.1"]),
        policy(&["10.0.0.0/8"], &["localhost=127.0.0.1"]),
        policy(&["127.0.0.2/32"], &["localhost=127.0.0.1"]),
        policy(&[], &["localhost=::ffff:127.0.0.1"]),
        policy(&[], &["localhost=::1"]),
        policy(&[], &["localhost=169.254.169.254"]),
        policy(&[], &["localhost=10.0.0.1"]),
        policy(&[], &["localhost=0.0.0.0"]),
        policy(&[], &["localhost=64:ff9b::7f00:1"]),
        policy(&[], &["localhost=fe80::1"]),
        // The system's own resolver.
        policy(&[], &[]),
        policy(&["10.0.0.0/8"], &[]),
    ] {
        let request = Fetch {
            addresses,
            ..allowed(&server)
        };
        let refused = fetch(&config(), &request).await.unwrap_err();
        assert!(matches!(refused, FetchError::Address), "{refused:?}");
        assert_eq!(refused.cause(), Cause::CertificateNotReachable);
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}
