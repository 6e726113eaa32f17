//! The gRPC edge.

use cause::Cause;
use certificate_fetcher::{CertificateFetcherConfig, build};
use nf_api::pb::certificate_fetcher::FetchRequest;
use nf_api::pb::certificate_fetcher::fetch_service_client::FetchServiceClient;
use nf_api::status::cause_of;
use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{Channel, in_process};

use crate::server::{Script, Server, Then};

fn client(
    config: CertificateFetcherConfig,
    function: NetworkFunction,
) -> FetchServiceClient<Channel> {
    let runtime = Runtime::for_tests();
    let routes = build(config, &runtime).routes;
    FetchServiceClient::new(in_process(routes, Caller::function(function), &runtime))
}

fn request(server: &Server) -> FetchRequest {
    FetchRequest {
        url: server.url(),
        server_anchors: vec![server.anchor.clone()],
        allowed_networks: vec!["127.0.0.1/32".to_owned()],
        allowed_ports: vec![server.address.port().into()],
        host_overrides: vec!["localhost=127.0.0.1".to_owned()],
    }
}

async fn refused(client: &mut FetchServiceClient<Channel>, request: FetchRequest) -> Option<Cause> {
    let answer = client.fetch(request).await;
    answer.err().map(|status| cause_of(&status))
}

#[tokio::test]
async fn the_ausf_gets_a_certificate_and_nobody_else_does() {
    let server = Server::answering("application/pkix-cert", b"\x30\x00").await;
    let mut ausf = client(CertificateFetcherConfig::default(), NetworkFunction::Ausf);
    let answer = ausf.fetch(request(&server)).await.unwrap().into_inner();
    assert_eq!(answer.certificates, [b"\x30\x00"]);
    let mut other = client(CertificateFetcherConfig::default(), NetworkFunction::Vault);
    assert_eq!(
        refused(&mut other, request(&server)).await,
        Some(Cause::NotAuthorized)
    );
}

#[tokio::test]
async fn urls_and_bounds_outside_the_rules_are_refused_before_anything_is_resolved() {
    let server = Server::answering("application/pkix-cert", b"\x30\x00").await;
    let port = server.address.port();
    let mut ausf = client(CertificateFetcherConfig::default(), NetworkFunction::Ausf);
    for url in [
        String::new(),
        format!("http://localhost:{port}/DeviceID=BAND-4711"),
        format!("ftp://localhost:{port}/DeviceID=BAND-4711"),
        "file:///etc/passwd".to_owned(),
        format!("https://127.0.0.1:{port}/DeviceID=BAND-4711"),
        format!("https://127.1:{port}/DeviceID=BAND-4711"),
        format!("https://2130706433:{port}/DeviceID=BAND-4711"),
        format!("https://0x7f000001:{port}/DeviceID=BAND-4711"),
        format!("https://[::1]:{port}/DeviceID=BAND-4711"),
        format!("https://user@localhost:{port}/DeviceID=BAND-4711"),
        format!("https://localhost:{port}/DeviceID=BAND-4711#x"),
        format!("https://localhost:{port}/../DeviceID=BAND-4711"),
        format!("https://localhost:{port}/a\r\nHost: evil/DeviceID=BAND-4711"),
        // A port that is not listed.
        "https://localhost:1/DeviceID=BAND-4711".to_owned(),
        "https://localhost:22/DeviceID=BAND-4711".to_owned(),
        format!("https://localhost:{port}/{}", "x".repeat(600)),
    ] {
        let bad = FetchRequest {
            url: url.clone(),
            ..request(&server)
        };
        assert_eq!(
            refused(&mut ausf, bad).await,
            Some(Cause::MandatoryElementIncorrect),
            "{url}"
        );
    }
    for bad in [
        FetchRequest {
            allowed_ports: vec![70_000],
            ..request(&server)
        },
        FetchRequest {
            allowed_networks: vec!["everything".to_owned()],
            ..request(&server)
        },
        FetchRequest {
            host_overrides: vec!["localhost".to_owned()],
            ..request(&server)
        },
        FetchRequest {
            server_anchors: vec![vec![0]],
            ..request(&server)
        },
    ] {
        assert_eq!(
            refused(&mut ausf, bad).await,
            Some(Cause::MandatoryElementIncorrect)
        );
    }
    assert!(server.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn more_fetches_than_places_are_turned_away() {
    let server = Server::new(Script {
        octets: Vec::new(),
        then: Then::Hang,
    })
    .await;
    let config = CertificateFetcherConfig {
        concurrency: 1,
        total_timeout: std::time::Duration::from_millis(500),
        ..CertificateFetcherConfig::default()
    };
    let mut ausf = client(config, NetworkFunction::Ausf);
    let mut same = ausf.clone();
    let (one, other) = tokio::join!(
        refused(&mut ausf, request(&server)),
        refused(&mut same, request(&server))
    );
    let mut causes = [one, other];
    causes.sort();
    assert_eq!(
        causes,
        [
            Some(Cause::CertificateNotReachable),
            Some(Cause::RateLimited)
        ]
    );
}
