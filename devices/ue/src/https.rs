//! https through the limited connectivity: HTTP CONNECT, TLS, one request a connection.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cause::Cause;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::error::UeError;
use crate::trace;

/// A browser without eyes: it keeps the cookies of one origin and follows redirects within it.
pub(crate) struct Browser {
    proxy: String,
    tls: Arc<ClientConfig>,
    cookies: Vec<(String, String)>,
}

/// A page.
pub(crate) struct Page {
    /// Where it was found in the end.
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) media_type: String,
    pub(crate) body: String,
}

impl Browser {
    /// A browser behind a CONNECT proxy that trusts these PEM roots.
    pub(crate) fn new(proxy: &str, roots: &str) -> Result<Self, UeError> {
        let failed = |source: rustls::Error| UeError::internal("prepare TLS", source);
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(roots.as_bytes()) {
            let certificate =
                certificate.map_err(|source| UeError::internal("prepare TLS", source))?;
            store.add(certificate).map_err(failed)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed)?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self {
            proxy: proxy.to_owned(),
            tls: Arc::new(tls),
            cookies: Vec::new(),
        })
    }

    /// Gets a page.
    pub(crate) async fn get(&mut self, url: &Url) -> Result<Page, UeError> {
        self.follow(Method::GET, url.clone(), String::new()).await
    }

    /// Submits a form.
    pub(crate) async fn post(&mut self, url: &Url, form: String) -> Result<Page, UeError> {
        self.follow(Method::POST, url.clone(), form).await
    }

    async fn follow(&mut self, method: Method, url: Url, form: String) -> Result<Page, UeError> {
        let origin = url.origin();
        let (mut method, mut url, mut form) = (method, url, form);
        for _ in 0..=MAX_REDIRECTS {
            let (response, body) = timeout(REQUEST_LIMIT, self.exchange(&method, &url, form))
                .await
                .map_err(|_| UeError::TimedOut {
                    operation: OPERATION,
                })??;
            if !response.status().is_redirection() {
                return read_page(url, &response, body);
            }
            let location = response.headers().get(header::LOCATION);
            let location = location.and_then(|value| value.to_str().ok());
            url = location
                .and_then(|location| url.join(location).ok())
                .ok_or(UeError::untrusted(OPERATION, Cause::MalformedMessage))?;
            // The device talks to the portal that it was led to, and to nobody else.
            if url.origin() != origin {
                return Err(UeError::untrusted(OPERATION, Cause::NotAuthorized));
            }
            method = Method::GET;
            form = String::new();
        }
        Err(UeError::untrusted(OPERATION, Cause::MalformedMessage))
    }

    async fn exchange(
        &mut self,
        method: &Method,
        url: &Url,
        form: String,
    ) -> Result<(Response<()>, Bytes), UeError> {
        let (host, name, port) = https_authority(url)?;
        let tunnel = tunnel(&self.proxy, &host, port).await?;
        let stream = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, tunnel)
            .await
            .map_err(|error| match error.get_ref() {
                Some(inner) if inner.is::<rustls::Error>() => {
                    UeError::untrusted_because(OPERATION, Cause::CertificateChainInvalid, error)
                }
                _ => UeError::unreachable(OPERATION, error),
            })?;
        let request = self.request(method, url, &host, port, form)?;
        let broken = |source: hyper::Error| UeError::unreachable(OPERATION, source);
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let answered = async move {
            let (head, body) = sender
                .send_request(request)
                .await
                .map_err(broken)?
                .into_parts();
            let body: Incoming = body;
            let body = Limited::new(body, MAX_PAGE_BYTES).collect().await;
            let body = body.map_err(|source| UeError::Untrusted {
                operation: OPERATION,
                cause: Cause::PayloadTooLarge,
                source: Some(source),
            })?;
            Ok::<_, UeError>((Response::from_parts(head, ()), body.to_bytes()))
        };
        let driven = async move {
            // Its errors come out of the exchange; without this it would not move.
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        let (response, body) = tokio::select! {
            answered = answered => answered?,
            () = driven => return Err(UeError::unreachable(OPERATION, "connection is closed")),
        };
        self.keep_cookies(&response);
        Ok((response, body))
    }

    fn request(
        &self,
        method: &Method,
        url: &Url,
        host: &str,
        port: u16,
        form: String,
    ) -> Result<Request<Full<Bytes>>, UeError> {
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let host = if port == HTTPS_PORT {
            host.to_owned()
        } else {
            format!("{host}:{port}")
        };
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, host)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::ACCEPT, "application/captive+json, text/html;q=0.9")
            .header(header::CONNECTION, "close");
        if method == Method::POST {
            let origin = url.origin().ascii_serialization();
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::ORIGIN, origin);
        }
        if !self.cookies.is_empty() {
            let cookies = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            request = request.header(header::COOKIE, cookies.collect::<Vec<_>>().join("; "));
        }
        if let Some(trace) = trace::current() {
            request = request.header(trace::HEADER, trace);
        }
        request
            .body(Full::from(form))
            .map_err(|source| UeError::internal(OPERATION, source))
    }

    /// Keeps name and value; scope and lifetime are those of the one visit.
    fn keep_cookies(&mut self, response: &Response<()>) {
        for value in response.headers().get_all(header::SET_COOKIE) {
            let pair = value.to_str().ok().and_then(|text| text.split(';').next());
            let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim());
            self.cookies.retain(|(known, _)| known != name);
            if self.cookies.len() < MAX_COOKIES && name.len() + value.len() <= MAX_COOKIE_BYTES {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

fn read_page(url: Url, response: &Response<()>, body: Bytes) -> Result<Page, UeError> {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    let media_type = media_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    Ok(Page {
        url,
        status: response.status(),
        media_type: media_type.to_ascii_lowercase(),
        body: String::from_utf8(body.into())
            .map_err(|_| UeError::untrusted(OPERATION, Cause::MalformedMessage))?,
    })
}

/// Host as it is written, the name to verify, and the port of an https URL.
fn https_authority(url: &Url) -> Result<(String, ServerName<'static>, u16), UeError> {
    let refused = || UeError::untrusted(OPERATION, Cause::MandatoryElementIncorrect);
    let no_user = url.username().is_empty() && url.password().is_none();
    let host = url.host().filter(|_| url.scheme() == "https" && no_user);
    let host = host.ok_or_else(refused)?.to_owned();
    let name = match &host {
        Host::Domain(domain) => ServerName::try_from(domain.clone()).map_err(|_| refused())?,
        Host::Ipv4(address) => ServerName::IpAddress((*address).into()),
        Host::Ipv6(address) => ServerName::IpAddress((*address).into()),
    };
    Ok((host.to_string(), name, url.port().unwrap_or(HTTPS_PORT)))
}

/// Opens a way to a target through the proxy. RFC 9110 9.3.6.
async fn tunnel(proxy: &str, host: &str, port: u16) -> Result<TcpStream, UeError> {
    let broken = |source: std::io::Error| UeError::unreachable(TUNNEL, source);
    let mut stream = TcpStream::connect(proxy).await.map_err(broken)?;
    stream.set_nodelay(true).map_err(broken)?;
    let target = format!("{host}:{port}");
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(broken)?;
    let mut head = Vec::new();
    // Octet by octet: what follows the head belongs to TLS.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD_BYTES {
            return Err(UeError::untrusted(TUNNEL, Cause::MalformedMessage));
        }
        head.push(stream.read_u8().await.map_err(broken)?);
    }
    let status = head.get(b"HTTP/1.1 ".len()..b"HTTP/1.1 ".len() + 3);
    match status {
        Some(b"200") => Ok(stream),
        Some(b"403") => Err(UeError::refused(TUNNEL, Cause::NotAuthorized)),
        Some(b"429" | b"503") => Err(UeError::refused(TUNNEL, Cause::Overloaded)),
        Some(_) => Err(UeError::refused(TUNNEL, Cause::UpstreamFailure)),
        None => Err(UeError::untrusted(TUNNEL, Cause::MalformedMessage)),
    }
}

const OPERATION: &str = "talk to the portal";
const TUNNEL: &str = "open a tunnel through the limited connectivity";
const HTTPS_PORT: u16 = 443;
const REQUEST_LIMIT: Duration = Duration::from_secs(15);
const MAX_REDIRECTS: usize = 5;
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_PAGE_BYTES: usize = 256 * 1024;
const MAX_COOKIES: usize = 8;
const MAX_COOKIE_BYTES: usize = 4096;
const USER_AGENT: &str = concat!("berth-ue/", env!("CARGO_PKG_VERSION"));
