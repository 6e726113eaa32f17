//! Certificates and keys as PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{TlsConfig, TlsError, provider, spiffe};

/// What lies in the files of an identity. Equal when all certificates are; a key without a new
/// certificate is never new.
pub(super) struct Loaded {
    pub(super) own: Own,
    pub(super) roots: Arc<RootCertStore>,
    authority: Vec<CertificateDer<'static>>,
}

impl Loaded {
    pub(super) fn read(config: &TlsConfig) -> Result<Self, TlsError> {
        let own = Own::read(&config.certificate, &config.key)?;
        if spiffe::peer_of(Some(&own.key.cert), &config.trust_domain).is_none() {
            return Err(TlsError::NoIdentity {
                path: config.certificate.clone(),
                trust_domain: config.trust_domain.clone(),
            });
        }
        let authority = certificates(&config.ca)?;
        let mut roots = RootCertStore::empty();
        for certificate in &authority {
            roots
                .add(certificate.clone())
                .map_err(|source| TlsError::Root {
                    path: config.ca.clone(),
                    source,
                })?;
        }
        Ok(Self {
            own,
            roots: Arc::new(roots),
            authority,
        })
    }
}

impl PartialEq for Loaded {
    fn eq(&self, other: &Self) -> bool {
        self.own == other.own && self.authority == other.authority
    }
}

/// A certificate chain and its key, known to fit each other.
pub(super) struct Own {
    pub(super) key: Arc<CertifiedKey>,
}

impl Own {
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = certificates(certificate)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::File {
            path: key.to_owned(),
            source,
        })?;
        let pair = CertifiedKey::from_der(chain, private, &provider());
        let pair = pair.map_err(|source| TlsError::Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            source,
        })?;
        Ok(Self {
            key: Arc::new(pair),
        })
    }
}

/// When the first certificate of a chain ends, in seconds since the epoch.
pub(super) fn end_of(chain: &[CertificateDer<'_>]) -> Option<i64> {
    let (_, certificate) = x509_parser::parse_x509_certificate(chain.first()?).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.key.cert == other.key.cert
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::File {
        path: path.to_owned(),
        source,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}
