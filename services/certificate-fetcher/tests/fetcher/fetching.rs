//! One fetch, good and bad.

use std::sync::atomic::Ordering;
use std::time::Duration;

use certificate_fetcher::{
    AddressPolicy, CertificateFetcherConfig, ContentError, Fetch, FetchError, fetch,
};
use onboarding::certificate_url::CertificateUrl;

use crate::server::{Script, Server, Then};

/// Small limits, so that nobody waits.
pub(crate) fn config() -> CertificateFetcherConfig {
    CertificateFetcherConfig {
        connect_timeout: Duration::from_millis(1_500),
        total_timeout: Duration::from_millis(2_000),
        ..CertificateFetcherConfig::default()
    }
}

/// A fetch that the server's owner allows.
pub(crate) fn allowed(server: &Server) -> Fetch {
    Fetch {
        url: CertificateUrl::parse(&server.url(), &[server.address.port()]).unwrap(),
        server_anchors: vec![server.anchor.clone()],
        addresses: policy(&["127.0.0.1/32"], &["localhost=127.0.0.1"]),
    }
}

pub(crate) fn policy(networks: &[&str], overrides: &[&str]) -> AddressPolicy {
    let owned = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    AddressPolicy::parse(&owned(networks), &owned(overrides)).unwrap()
}

async fn outcome(script: Script) -> Result<Vec<Vec<u8>>, FetchError> {
    let server = Server::new(script).await;
    fetch(&config(), &allowed(&server)).await
}

pub(crate) fn certificate() -> Vec<u8> {
    let issued = rcgen::generate_simple_self_signed(vec!["device".to_owned()]).unwrap();
    issued.cert.der().to_vec()
}

fn pem() -> String {
    rcgen::generate_simple_self_signed(vec!["device".to_owned()])
        .unwrap()
        .cert
        .pem()
}

#[tokio::test]
async fn a_certificate_is_fetched_with_a_bare_get() {
    let certificate = certificate();
    let server = Server::answering("application/pkix-cert", &certificate).await;
    let fetched = fetch(&config(), &allowed(&server)).await.unwrap();
    assert_eq!(fetched, [certificate]);
    let requests = server.requests.lock().unwrap();
    let [request] = requests.as_slice() else {
        panic!("{} requests", requests.len());
    };
    let request = request.to_ascii_lowercase();
    assert!(
        request.starts_with("get /deviceid=band-4711?v=1 http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains(&format!("host: localhost:{}\r\n", server.address.port())));
    for absent in ["cookie", "authorization", "referer", "user-agent"] {
        assert!(!request.contains(absent), "{request}");
    }
}

#[tokio::test]
async fn a_pem_chain_is_fetched_in_its_order() {
    let chain = [pem(), pem(), pem()];
    let server = Server::answering(
        "Application/PEM-certificate-chain; charset=utf-8",
        chain.concat().as_bytes(),
    )
    .await;
    let fetched = fetch(&config(), &allowed(&server)).await.unwrap();
    assert_eq!(fetched.len(), 3);
    let five = (0..5).map(|_| pem()).collect::<String>();
    let server = Server::answering("application/pem-certificate-chain", five.as_bytes()).await;
    let refused = fetch(&config(), &allowed(&server)).await;
    assert!(matches!(
        refused,
        Err(FetchError::Content(ContentError::Content))
    ));
}

#[tokio::test]
async fn other_media_types_and_other_contents_are_refused() {
    for (media_type, body, expected) in [
        ("text/html", &b"<html>"[..], ContentError::MediaType),
        (
            "application/octet-stream",
            b"\x30\x00",
            ContentError::MediaType,
        ),
        ("application/pkix-cert", b"<html>", ContentError::Content),
        ("application/pkix-cert", b"", ContentError::Content),
        (
            "application/pem-certificate-chain",
            b"",
            ContentError::Content,
        ),
        (
            "application/pem-certificate-chain",
            b"-----BEGIN CERTIFICATE-----",
            ContentError::Content,
        ),
    ] {
        let server = Server::answering(media_type, body).await;
        let refused = fetch(&config(), &allowed(&server)).await;
        match refused {
            Err(FetchError::Content(found)) => assert_eq!(found, expected, "{media_type}"),
            other => panic!("{media_type}: {other:?}"),
        }
    }
    let no_type = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\x30\x00".to_vec();
    let refused = outcome(Script {
        octets: no_type,
        then: Then::Close,
    })
    .await;
    assert!(matches!(
        refused,
        Err(FetchError::Content(ContentError::MediaType))
    ));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let target = Server::answering("application/pkix-cert", &certificate()).await;
    for status in [301, 302, 303, 307, 308] {
        let head = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
            target.url()
        );
        let refused = outcome(Script {
            octets: head.into_bytes(),
            then: Then::Close,
        })
        .await;
        assert!(matches!(refused, Err(FetchError::Status(found)) if found == status));
    }
    assert_eq!(target.connections.load(Ordering::SeqCst), 0);
    for status in [204, 404, 500] {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").into_bytes();
        let refused = outcome(Script {
            octets: head,
            then: Then::Close,
        })
        .await;
        assert!(matches!(refused, Err(FetchError::Status(found)) if found == status));
    }
}

#[tokio::test]
async fn answers_that_are_too_long_are_refused() {
    let mut body = vec![0x30; 32 * 1024];
    let server = Server::answering("application/pkix-cert", &body).await;
    assert!(fetch(&config(), &allowed(&server)).await.is_ok());
    body.push(0);
    let server = Server::answering("application/pkix-cert", &body).await;
    let refused = fetch(&config(), &allowed(&server)).await;
    assert!(matches!(refused, Err(FetchError::Body)));

    // Without a length, and without end.
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/pkix-cert\r\n\r\n".to_vec();
    let octets = [head, vec![0x30; 200_000]].concat();
    let refused = outcome(Script {
        octets,
        then: Then::Hang,
    })
    .await;
    assert!(matches!(refused, Err(FetchError::Body)));

    // Header fields without end.
    let fields = format!("x: {}\r\n", "y".repeat(60_000));
    let octets = format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes();
    let refused = outcome(Script {
        octets,
        then: Then::Hang,
    })
    .await;
    assert!(matches!(refused, Err(FetchError::Http(_))));
}

#[tokio::test]
async fn a_server_that_breaks_off_gives_no_certificate() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/pkix-cert\r\n";
    let half = [&head[..], b"content-length: 10\r\n\r\n\x30\x00"].concat();
    for then in [Then::Close, Then::Cut] {
        let refused = outcome(Script {
            octets: half.clone(),
            then,
        })
        .await;
        assert!(matches!(refused, Err(FetchError::Body)));
        let refused = outcome(Script {
            octets: head.to_vec(),
            then,
        })
        .await;
        assert!(matches!(refused, Err(FetchError::Http(_))));
        let refused = outcome(Script {
            octets: Vec::new(),
            then,
        })
        .await;
        assert!(matches!(refused, Err(FetchError::Http(_))));
    }
    // An end without TLS good-bye may be an attacker's: the length is not known.
    let open_end = [&head[..], b"\r\n\x30\x00"].concat();
    let refused = outcome(Script {
        octets: open_end,
        then: Then::Cut,
    })
    .await;
    assert!(matches!(refused, Err(FetchError::Body)));
    let garbage = b"SSH-2.0-OpenSSH_9\r\n\r\n".to_vec();
    let refused = outcome(Script {
        octets: garbage,
        then: Then::Close,
    })
    .await;
    assert!(matches!(refused, Err(FetchError::Http(_))));
}
