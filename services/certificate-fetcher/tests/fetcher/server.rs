//! An https server that answers whatever a test wants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// What the server sends after a request, piece by piece.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) octets: Vec<u8>,
    pub(crate) then: Then,
}

/// What it does after that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// Says good-bye as TLS demands.
    Close,
    /// Cuts the connection.
    Cut,
    /// Keeps it open without a word.
    Hang,
}

/// A server; it ends with its owner.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) anchor: Vec<u8>,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) requests: Arc<std::sync::Mutex<Vec<String>>>,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// A server for `localhost`, with a certificate of its own authority.
    pub(crate) async fn new(script: Script) -> Self {
        let authority_key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let anchor = authority
            .self_signed(&authority_key)
            .unwrap()
            .der()
            .to_vec();
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (stop, mut stopped) = oneshot::channel();
        let (counted, noted) = (connections.clone(), requests.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let listener = listener.into_std().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let mut held = Vec::new();
                loop {
                    let accepted = tokio::select! {
                        accepted = listener.accept() => accepted.unwrap().0,
                        _ = &mut stopped => return,
                    };
                    counted.fetch_add(1, Ordering::SeqCst);
                    let Ok(mut stream) = acceptor.accept(accepted).await else {
                        continue;
                    };
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(octet) => request.push(octet),
                            Err(_) => break,
                        }
                    }
                    noted
                        .lock()
                        .unwrap()
                        .push(String::from_utf8(request).unwrap());
                    // Whoever asked may have left.
                    let _ = stream.write_all(&script.octets).await;
                    let _ = stream.flush().await;
                    match script.then {
                        Then::Close => drop(stream.shutdown().await),
                        Then::Cut => {}
                        Then::Hang => held.push(stream),
                    }
                }
            });
        });
        Self {
            address,
            anchor,
            connections,
            requests,
            _stop: stop,
        }
    }

    /// A server that answers 200 with this body.
    pub(crate) async fn answering(media_type: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self::new(Script {
            octets: [head.as_bytes(), body].concat(),
            then: Then::Close,
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "https://localhost:{}/DeviceID=BAND-4711?v=1",
            self.address.port()
        )
    }
}
