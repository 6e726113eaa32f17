//! What a certificate says, for whoever decides whether it is still the right one.

use std::time::{Duration, SystemTime};

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Life, names and authority of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Good from here …
    pub not_before: SystemTime,
    /// … to here.
    pub not_after: SystemTime,
    /// Identities.
    pub uris: Vec<String>,
    /// Names of hosts.
    pub dns: Vec<String>,
    /// Its public key, DER.
    pub public_key: Vec<u8>,
    /// Identifier of its public key.
    subject_key: Option<Vec<u8>>,
    /// Identifier of the key that signed it.
    authority_key: Option<Vec<u8>>,
}

impl CertificateFacts {
    /// Reads the first certificate of a PEM text; `None` where there is none.
    pub fn read(pem: &str) -> Option<Self> {
        Self::of(&CertificateDer::from_pem_slice(pem.as_bytes()).ok()?)
    }

    /// Reads a certificate; `None` where it is malformed.
    pub fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        let (mut uris, mut dns) = (Vec::new(), Vec::new());
        let (mut subject_key, mut authority_key) = (None, None);
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    for name in &names.general_names {
                        match name {
                            GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                            GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                            _ => {}
                        }
                    }
                }
                ParsedExtension::SubjectKeyIdentifier(id) => subject_key = Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    authority_key = id.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                _ => {}
            }
        }
        Some(Self {
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
            uris,
            dns,
            public_key: certificate.public_key().raw.to_vec(),
            subject_key,
            authority_key,
        })
    }

    /// Whether it names that authority's key as the one that signed it. The signature itself is not looked at.
    pub fn names_authority(&self, authority: &Self) -> bool {
        self.authority_key.is_some() && self.authority_key == authority.subject_key
    }

    /// Whether this private key, PEM, is the certificate's.
    pub fn is_of_key(&self, key_pem: &str) -> bool {
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).ok();
        let key = key.and_then(|key| any_supported_type(&key).ok());
        let public = key.as_ref().and_then(|key| key.public_key());
        public.is_some_and(|public| public.as_ref() == self.public_key)
    }

    /// Whether at `now` less than a third of its life is left.
    pub fn is_near_its_end(&self, now: SystemTime) -> bool {
        let life = self.not_after.duration_since(self.not_before);
        let left = self.not_after.duration_since(now);
        match (life, left) {
            (Ok(life), Ok(left)) => left < life / 3,
            _ => true,
        }
    }
}

fn time(unix_seconds: i64) -> Option<SystemTime> {
    let seconds = Duration::from_secs(u64::try_from(unix_seconds).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(seconds)
}
