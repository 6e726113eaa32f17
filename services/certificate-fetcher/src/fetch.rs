//! One fetch.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use cause::Cause;
use futures::future::{Either, select};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use onboarding::certificate_url::CertificateUrl;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::addresses::AddressPolicy;
use crate::config::CertificateFetcherConfig;
use crate::content::{ContentError, read_certificates};

/// Most header fields of an answer.
const MAX_HEADERS: usize = 64;
/// Octets that status line and header fields may have.
const MAX_HEAD_OCTETS: usize = 16 * 1024;

/// What is fetched, and within which bounds.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Where from.
    pub url: CertificateUrl,
    /// DER anchors of the server; empty for public roots.
    pub server_anchors: Vec<Vec<u8>>,
    /// Addresses that may be reached.
    pub addresses: AddressPolicy,
}

/// Nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No address of the host may be reached.
    #[error("the host has no address that may be reached")]
    Address,
    /// An anchor does not parse.
    #[error("an anchor of the server is malformed")]
    Anchor(#[source] rustls::Error),
    /// Resolution, connection or TLS failed.
    #[error("the certificate server cannot be reached")]
    Connect(#[source] std::io::Error),
    /// The exchange failed.
    #[error("the certificate server did not answer")]
    Http(#[source] hyper::Error),
    /// The server answered something else than 200.
    #[error("the certificate server answered {0}")]
    Status(u16),
    /// The answer is longer than allowed, or broke off.
    #[error("the answer is too long or incomplete")]
    Body,
    /// The answer is no certificate.
    #[error("the answer is refused")]
    Content(#[from] ContentError),
    /// It took too long.
    #[error("the certificate server took too long")]
    Timeout,
}

impl FetchError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Anchor(_) => Cause::MandatoryElementIncorrect,
            _ => Cause::CertificateNotReachable,
        }
    }
}

/// Fetches a certificate chain: GET over TLS to one checked address, no redirect, no proxy, no cookie.
///
/// The name is resolved once and the checked address is the one that is connected to, so that a second
/// answer of the resolver changes nothing.
///
/// # Errors
/// [`FetchError`]
///
/// Source: Berth protocol, OWA version 1 (certificate URLs).
#[tracing::instrument(skip_all, name = "certificate_fetcher.fetch", fields(host = fetch.url.host()))]
pub async fn fetch(
    config: &CertificateFetcherConfig,
    fetch: &Fetch,
) -> Result<Vec<Vec<u8>>, FetchError> {
    timeout(config.total_timeout, fetch_in_time(config, fetch))
        .await
        .map_err(|_| FetchError::Timeout)?
}

async fn fetch_in_time(
    config: &CertificateFetcherConfig,
    fetch: &Fetch,
) -> Result<Vec<Vec<u8>>, FetchError> {
    let stream = timeout(config.connect_timeout, connect(fetch))
        .await
        .map_err(|_| FetchError::Timeout)??;
    let (sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_OCTETS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(FetchError::Http)?;
    let exchange = pin!(exchange(config, fetch, sender));
    match select(exchange, pin!(connection)).await {
        Either::Left((fetched, _)) => fetched,
        // When the connection has ended, what came of it is there.
        Either::Right((_, exchange)) => exchange.await,
    }
}

async fn exchange(
    config: &CertificateFetcherConfig,
    fetch: &Fetch,
    mut sender: SendRequest<Empty<Bytes>>,
) -> Result<Vec<Vec<u8>>, FetchError> {
    let authority = match fetch.url.port() {
        443 => fetch.url.host().to_owned(),
        port => format!("{}:{port}", fetch.url.host()),
    };
    let request = http::Request::get(fetch.url.path_and_query())
        .header(http::header::HOST, authority)
        .header(
            http::header::ACCEPT,
            "application/pkix-cert, application/pem-certificate-chain",
        )
        .header(http::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Address)?;
    let response = sender
        .send_request(request)
        .await
        .map_err(FetchError::Http)?;
    if response.status() != http::StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let media_type = response
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().to_owned();
    let body = Limited::new(response.into_body(), config.max_octets)
        .collect()
        .await
        .map_err(|_| FetchError::Body)?;
    Ok(read_certificates(&media_type, &body.to_bytes())?)
}

async fn connect(fetch: &Fetch) -> Result<tokio_rustls::client::TlsStream<TcpStream>, FetchError> {
    let address = resolve(fetch).await?;
    let stream = TcpStream::connect(address)
        .await
        .map_err(FetchError::Connect)?;
    let name =
        ServerName::try_from(fetch.url.host().to_owned()).map_err(|_| FetchError::Address)?;
    let connector = TlsConnector::from(Arc::new(tls(&fetch.server_anchors)?));
    connector
        .connect(name, stream)
        .await
        .map_err(FetchError::Connect)
}

async fn resolve(fetch: &Fetch) -> Result<SocketAddr, FetchError> {
    let (host, port) = (fetch.url.host(), fetch.url.port());
    let found = match fetch.addresses.override_of(host) {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => tokio::net::lookup_host((host, port))
            .await
            .map_err(FetchError::Connect)?
            .collect(),
    };
    found
        .into_iter()
        .find(|address| fetch.addresses.allows(address.ip()))
        .ok_or(FetchError::Address)
}

fn tls(anchors: &[Vec<u8>]) -> Result<ClientConfig, FetchError> {
    let mut roots = RootCertStore::empty();
    if anchors.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for anchor in anchors {
        roots
            .add(CertificateDer::from(anchor.clone()))
            .map_err(FetchError::Anchor)?;
    }
    Ok(
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(FetchError::Anchor)?
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}
