//! The operator's portal: captive-portal API and one form, over https.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::home::Home;

/// What the portal presents, and the authority that it is verified with.
pub(crate) struct Tls {
    config: Arc<ServerConfig>,
    pub(crate) authority_pem: String,
}

impl Tls {
    pub(crate) fn new() -> Self {
        let authority = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = parameters.self_signed(&authority).unwrap();
        let issuer = Issuer::new(parameters, authority);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(leaf.der().to_vec())],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Self {
            config: Arc::new(config),
            authority_pem: root.pem(),
        }
    }
}

/// Serves until the test ends.
pub(crate) async fn serve(listener: TcpListener, tls: &Tls, home: Home, tasks: &TaskTracker) {
    let acceptor = TlsAcceptor::from(Arc::clone(&tls.config));
    let connections = tasks.clone();
    tasks.spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let (acceptor, home) = (acceptor.clone(), home.clone());
            connections.spawn(async move {
                let Ok(stream) = acceptor.accept(tcp).await else {
                    return;
                };
                let service = service_fn(move |request| {
                    let home = home.clone();
                    async move { Ok::<_, Infallible>(answer(&home, request).await) }
                });
                let serving = hyper::server::conn::http1::Builder::new();
                // A device that leaves in the middle is no fault of the portal.
                let _ = serving
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

async fn answer(home: &Home, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let linked = head
        .headers
        .get(header::COOKIE)
        .is_some_and(|cookie| cookie == "__Host-berth=linked");
    let portal = home.portal_url();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/capport/v1") => {
            let captive = !home.script(|script| script.signed_up);
            let body = serde_json::json!({ "captive": captive, "user-portal-url": format!("{portal}/?c=CODE") });
            let answer =
                Response::builder().header(header::CONTENT_TYPE, "application/captive+json");
            answer.body(Full::from(body.to_string())).unwrap()
        }
        (&Method::GET, "/") if head.uri.query() == Some("c=CODE") => {
            let answer = Response::builder()
                .status(StatusCode::SEE_OTHER)
                .header(header::LOCATION, "/sign-up");
            let cookie = "__Host-berth=linked; Path=/; Secure; HttpOnly";
            answer
                .header(header::SET_COOKIE, cookie)
                .body(Full::default())
                .unwrap()
        }
        (&Method::GET, "/sign-up") if linked => page(&home.script(|script| script.page.clone())),
        (&Method::POST, "/sign-up") if linked => {
            home.script(|script| {
                script
                    .posted
                    .push(String::from_utf8(body.to_vec()).unwrap())
            });
            home.sign_up();
            let answer = Response::builder()
                .status(StatusCode::SEE_OTHER)
                .header(header::LOCATION, "/status");
            answer.body(Full::default()).unwrap()
        }
        (&Method::GET, "/status") if linked => page("<p>In progress</p>"),
        _ => Response::builder()
            .status(StatusCode::FORBIDDEN)
            .body(Full::default())
            .unwrap(),
    }
}

fn page(html: &str) -> Response<Full<Bytes>> {
    let answer = Response::builder().header(header::CONTENT_TYPE, "text/html; charset=utf-8");
    answer.body(Full::from(html.to_owned())).unwrap()
}
