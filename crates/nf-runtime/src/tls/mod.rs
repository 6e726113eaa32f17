//! Mutual TLS 1.3 between functions, with identities as SPIFFE URIs and certificates that are replaced
//! while the process runs.

mod files;
mod public;
mod spiffe;
mod verify;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use nf_api::NetworkFunction;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::sign::SingleCertAndKey;
use rustls::{CertificateError, ClientConfig, ServerConfig};
use rustls_pki_types::UnixTime;
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use self::verify::{CalleeVerifier, CallerVerifier};
use crate::lifecycle::Lifecycle;
use crate::procedure::chain;

pub use self::public::{PublicCertificate, PublicCertificateConfig};
pub(crate) use self::spiffe::peer_of;

/// Where the identity of a process lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificates (PEM) that every peer's chain has to end at.
    pub ca: PathBuf,
    /// The process's own certificate and what is between it and the CA (PEM).
    pub certificate: PathBuf,
    /// The private key of the certificate (PEM; PKCS #8, SEC 1 or PKCS #1).
    pub key: PathBuf,
    /// The first part of all identities, `spiffe://<trust_domain>/…` (default `"berth.test"`, the
    /// laboratory's).
    pub trust_domain: String,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            ca: PathBuf::from("/etc/berth/tls/ca.crt"),
            certificate: PathBuf::from("/etc/berth/tls/tls.crt"),
            key: PathBuf::from("/etc/berth/tls/tls.key"),
            trust_domain: "berth.test".to_owned(),
        }
    }
}

/// Why an identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// A file holds no certificate.
    #[error("{} holds no certificate", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not fit each other or cannot be used.
    #[error("{} and {} are not usable as certificate and key", certificate.display(), key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A certificate of the CA cannot be used.
    #[error("{} is not usable as the certificate of a CA", path.display())]
    Root {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The provider of cryptography has no TLS 1.3, which does not happen.
    #[error("TLS is not usable")]
    Unusable(#[source] rustls::Error),
    /// The certificates of the CA cannot be used.
    #[error("certificates of the CA are not usable")]
    Authority(#[source] rustls::client::VerifierBuilderError),
    /// The own certificate carries no identity of the trust domain.
    #[error("{} names no identity of trust domain {trust_domain}", path.display())]
    NoIdentity {
        /// The file of the certificate.
        path: PathBuf,
        /// The trust domain.
        trust_domain: String,
    },
}

impl TlsError {
    /// The cause that a caller is told.
    pub const fn cause(&self) -> cause::Cause {
        cause::Cause::Internal
    }
}

/// The identity of a process: its certificate, its key, and whom it trusts. Clones share what
/// [`TlsIdentity::reload`] replaces.
#[derive(Clone)]
pub struct TlsIdentity(Arc<Inner>);

struct Inner {
    config: TlsConfig,
    current: ArcSwap<Current>,
}

struct Current {
    loaded: files::Loaded,
    server: Arc<ServerConfig>,
}

impl TlsIdentity {
    /// Reads the files.
    ///
    /// # Errors
    /// A file is missing or malformed, the key is another one's, or the certificate names no identity
    /// of the trust domain.
    pub fn load(config: &TlsConfig) -> Result<Self, TlsError> {
        let current = Current::load(config)?;
        Ok(Self(Arc::new(Inner {
            config: config.clone(),
            current: ArcSwap::from_pointee(current),
        })))
    }

    /// Reads the files again and answers whether they have changed. Connections made from now on use
    /// what was read; open ones stay as they are until they age.
    ///
    /// # Errors
    /// As [`TlsIdentity::load`]; what was used before stays in use.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let current = Current::load(&self.0.config)?;
        if current.loaded == self.0.current.load().loaded {
            return Ok(false);
        }
        self.0.current.store(Arc::new(current));
        Ok(true)
    }

    /// Reloads the files whenever they change, until the process stops.
    pub fn watch(&self, lifecycle: &Lifecycle) {
        let identity = self.clone();
        watch_files(lifecycle, "certificate watch", move || identity.reload());
    }

    /// What new connections from callers are accepted with.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.current.load().server)
    }

    /// What new connections to a function are opened with: its chain has to end at the CA and its
    /// certificate has to name it, whatever its address.
    ///
    /// # Errors
    /// The key cannot be used, which [`TlsIdentity::load`] has already ruled out.
    pub fn client_config(&self, callee: NetworkFunction) -> Result<Arc<ClientConfig>, TlsError> {
        let loaded = &self.0.current.load().loaded;
        let verifier = CalleeVerifier::new(
            Arc::clone(&loaded.roots),
            callee,
            &self.0.config.trust_domain,
        );
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(
                &loaded.own.key,
            ))));
        config.alpn_protocols = vec![HTTP2.to_vec()];
        // A resumed session would skip the verification of a certificate that has changed since.
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    /// Why nobody who trusts the same CA accepts this identity at `now` as that of `function`, if that is so.
    pub fn misfit(&self, function: NetworkFunction, now: SystemTime) -> Option<String> {
        let loaded = &self.0.current.load().loaded;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let judged = verify::identity(
            &loaded.own.key.cert,
            &loaded.roots,
            function,
            &self.0.config.trust_domain,
            UnixTime::since_unix_epoch(now),
        );
        let config = &self.0.config;
        let why = match judged.err()? {
            rustls::Error::InvalidCertificate(error) => match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    "it has expired".to_owned()
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "it is not valid yet".to_owned()
                }
                // The other one may have the same name.
                CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                    format!("it was not issued under {}", config.ca.display())
                }
                CertificateError::ApplicationVerificationFailure => {
                    format!("it is not that of {function}")
                }
                other => other.to_string(),
            },
            other => other.to_string(),
        };
        Some(why)
    }

    /// When the certificate in use ends, in seconds since the epoch.
    pub fn end(&self) -> Option<i64> {
        files::end_of(&self.0.current.load().loaded.own.key.cert)
    }

    /// The first part of all identities.
    pub fn trust_domain(&self) -> &str {
        &self.0.config.trust_domain
    }
}

impl fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

impl Current {
    fn load(config: &TlsConfig) -> Result<Self, TlsError> {
        let loaded = files::Loaded::read(config)?;
        let verifier = CallerVerifier::new(Arc::clone(&loaded.roots), &config.trust_domain)?;
        let mut server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(TlsError::Unusable)?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(
                &loaded.own.key,
            ))));
        server.alpn_protocols = vec![HTTP2.to_vec()];
        server.send_tls13_tickets = 0;
        Ok(Self {
            loaded,
            server: Arc::new(server),
        })
    }
}

/// Reads files again at an interval. Contents are compared, not times: a mounted secret is a link that
/// is turned round.
fn watch_files(
    lifecycle: &Lifecycle,
    task: &'static str,
    reload: impl Fn() -> Result<bool, TlsError> + Send + 'static,
) {
    let token = lifecycle.token();
    lifecycle.spawn(task, async move {
        while token
            .run_until_cancelled(tokio::time::sleep(RELOAD_INTERVAL))
            .await
            .is_some()
        {
            match reload() {
                Ok(true) => info!("certificate replaced"),
                Ok(false) => {}
                Err(error) => warn!(
                    error = chain(&error),
                    "new certificate not usable, the old one stays"
                ),
            }
        }
    });
}

/// The one cryptography provider of Berth.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

const HTTP2: &[u8] = b"h2";
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
