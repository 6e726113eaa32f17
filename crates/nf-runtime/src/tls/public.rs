//! The certificate that browsers and devices see: no client certificate, no identity in it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};

use super::files::{Own, end_of};
use super::{TlsError, provider, watch_files};
use crate::lifecycle::Lifecycle;

/// Where the certificate of a public listener lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublicCertificateConfig {
    /// The certificate and what is between it and a CA that browsers trust (PEM).
    pub certificate: PathBuf,
    /// The private key of the certificate (PEM; PKCS #8, SEC 1 or PKCS #1).
    pub key: PathBuf,
}

impl Default for PublicCertificateConfig {
    fn default() -> Self {
        Self {
            certificate: PathBuf::from("/etc/berth/public/tls.crt"),
            key: PathBuf::from("/etc/berth/public/tls.key"),
        }
    }
}

/// The certificate of a public listener, for example the portal's. Clones share what
/// [`PublicCertificate::reload`] replaces.
#[derive(Clone)]
pub struct PublicCertificate(Arc<Inner>);

struct Inner {
    config: PublicCertificateConfig,
    current: ArcSwap<CertifiedKey>,
}

impl PublicCertificate {
    /// Reads the files.
    ///
    /// # Errors
    /// A file is missing or malformed, or the key is another one's.
    pub fn load(config: &PublicCertificateConfig) -> Result<Self, TlsError> {
        let own = Own::read(&config.certificate, &config.key)?;
        Ok(Self(Arc::new(Inner {
            config: config.clone(),
            current: ArcSwap::from(own.key),
        })))
    }

    /// Reads the files again and answers whether they have changed.
    ///
    /// # Errors
    /// As [`PublicCertificate::load`]; what was used before stays in use.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let own = Own::read(&self.0.config.certificate, &self.0.config.key)?;
        let changed = own.key.cert != self.0.current.load().cert;
        if changed {
            self.0.current.store(own.key);
        }
        Ok(changed)
    }

    /// Reloads the files whenever they change, until the process stops.
    pub fn watch(&self, lifecycle: &Lifecycle) {
        let certificate = self.clone();
        watch_files(lifecycle, "public certificate watch", move || {
            certificate.reload()
        });
    }

    /// When the certificate in use ends, in seconds since the epoch.
    pub fn end(&self) -> Option<i64> {
        end_of(&self.0.current.load().cert)
    }

    /// TLS 1.3 and 1.2 for a listener that speaks the given protocols, best first, for example
    /// `[b"h2", b"http/1.1"]`. It follows reloads by itself.
    ///
    /// # Errors
    /// The provider supports none of the versions, which does not happen.
    pub fn server_config(&self, alpn: &[&[u8]]) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for PublicCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.load_full())
    }
}

impl fmt::Debug for PublicCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicCertificate")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}
