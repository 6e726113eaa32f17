//! A certificate authority for laboratories, tests and trial clusters. Its key lies in a file; nothing
//! of it belongs into production.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nf_api::Caller;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::tls::TlsConfig;

/// Why a certificate could not be issued.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder holds something else than a laboratory authority.
    #[error("{} holds no laboratory authority", dir.display())]
    NoAuthority {
        /// The folder.
        dir: PathBuf,
    },
    /// A name cannot stand in a certificate, or a key cannot be used.
    #[error("certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
}

impl PkiError {
    /// The cause that a caller is told.
    pub const fn cause(&self) -> cause::Cause {
        cause::Cause::Internal
    }
}

/// A certificate and its key, as PEM.
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// The key (PKCS #8).
    pub key_pem: String,
}

/// A certificate authority in a folder: `ca.crt` and `ca.key`. P-256, valid for ten years.
pub struct LabAuthority {
    dir: PathBuf,
    trust_domain: String,
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl LabAuthority {
    /// Makes a new authority. Files of an old one in the folder are replaced.
    ///
    /// # Errors
    /// The folder cannot be written, or the trust domain cannot stand in a URI.
    pub fn create(dir: &Path, trust_domain: &str) -> Result<Self, PkiError> {
        let mut params = params("Berth laboratory authority", AUTHORITY_LIFETIME);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(format!(
            "spiffe://{trust_domain}"
        ))?)];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate_pem = params.self_signed(&key)?.pem();
        fs::create_dir_all(dir).map_err(|source| PkiError::File {
            path: dir.to_owned(),
            source,
        })?;
        write(&dir.join(CA_KEY), &key.serialize_pem(), PRIVATE)?;
        write(&dir.join(CA_CERTIFICATE), &certificate_pem, PUBLIC)?;
        let issuer = Issuer::new(params, key);
        Ok(Self {
            dir: dir.to_owned(),
            trust_domain: trust_domain.to_owned(),
            certificate_pem,
            issuer,
        })
    }

    /// Opens the authority that [`LabAuthority::create`] made.
    ///
    /// # Errors
    /// The files are missing or of another authority.
    pub fn load(dir: &Path) -> Result<Self, PkiError> {
        let certificate_pem = read(&dir.join(CA_CERTIFICATE))?;
        let key = KeyPair::from_pem(&read(&dir.join(CA_KEY))?)?;
        let trust_domain = trust_domain(&certificate_pem).ok_or_else(|| PkiError::NoAuthority {
            dir: dir.to_owned(),
        })?;
        let issuer = Issuer::from_ca_cert_pem(&certificate_pem, key)?;
        Ok(Self {
            dir: dir.to_owned(),
            trust_domain,
            certificate_pem,
            issuer,
        })
    }

    /// The certificate of the authority, as PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Where the certificate of the authority lies.
    pub fn certificate_path(&self) -> PathBuf {
        self.dir.join(CA_CERTIFICATE)
    }

    /// The first part of all identities.
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// Issues the certificate of a function or an operator, for both sides of TLS, valid for 90 days.
    ///
    /// # Errors
    /// A name cannot stand in a certificate.
    pub fn issue(&self, caller: &Caller, dns: &[&str], ips: &[IpAddr]) -> Result<Issued, PkiError> {
        let mut params = leaf(&caller.to_string(), dns, ips)?;
        params
            .subject_alt_names
            .push(SanType::URI(Ia5String::try_from(
                caller.to_uri(&self.trust_domain),
            )?));
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.sign(&params)
    }

    /// Issues the certificate of a server that is no function, for example the portal; valid for 90 days.
    ///
    /// # Errors
    /// A name cannot stand in a certificate.
    pub fn issue_server(&self, dns: &[&str], ips: &[IpAddr]) -> Result<Issued, PkiError> {
        let common_name = dns.first().copied().unwrap_or("Berth server");
        let mut params = leaf(common_name, dns, ips)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// Issues as [`LabAuthority::issue`] and writes `<name>.crt` and `<name>.key` into the authority's
    /// folder, where `<name>` is the identity with dashes, for example `nf-aanf`.
    ///
    /// # Errors
    /// A name cannot stand in a certificate, or a file cannot be written.
    pub fn install(
        &self,
        caller: &Caller,
        dns: &[&str],
        ips: &[IpAddr],
    ) -> Result<TlsConfig, PkiError> {
        let (certificate, key) = self.write(
            &caller.to_string().replace('/', "-"),
            &self.issue(caller, dns, ips)?,
        )?;
        Ok(TlsConfig {
            ca: self.certificate_path(),
            certificate,
            key,
            trust_domain: self.trust_domain.clone(),
        })
    }

    /// Writes `<name>.crt` and `<name>.key` into the authority's folder and answers their paths. Each is
    /// replaced as a whole, the key first.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, name: &str, issued: &Issued) -> Result<(PathBuf, PathBuf), PkiError> {
        let certificate = self.dir.join(format!("{name}.crt"));
        let key = self.dir.join(format!("{name}.key"));
        write(&key, &issued.key_pem, PRIVATE)?;
        write(&certificate, &issued.certificate_pem, PUBLIC)?;
        Ok((certificate, key))
    }

    fn sign(&self, params: &CertificateParams) -> Result<Issued, PkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

fn params(common_name: &str, lifetime: Duration) -> CertificateParams {
    let now = SystemTime::now();
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    // Machines of one laboratory do not agree on the time to the second.
    params.not_before = (now - CLOCK_SKEW).into();
    params.not_after = (now + lifetime).into();
    params
}

fn leaf(common_name: &str, dns: &[&str], ips: &[IpAddr]) -> Result<CertificateParams, PkiError> {
    let mut params = params(common_name, LEAF_LIFETIME);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    for name in dns {
        params
            .subject_alt_names
            .push(SanType::DnsName(Ia5String::try_from(*name)?));
    }
    params
        .subject_alt_names
        .extend(ips.iter().copied().map(SanType::IpAddress));
    Ok(params)
}

fn trust_domain(certificate_pem: &str) -> Option<String> {
    let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok()?;
    let (_, certificate) = X509Certificate::from_der(&certificate).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    names
        .value
        .general_names
        .iter()
        .find_map(|name| match name {
            GeneralName::URI(uri) => uri.strip_prefix("spiffe://").map(str::to_owned),
            _ => None,
        })
}

fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|source| PkiError::File {
        path: path.to_owned(),
        source,
    })
}

/// Replaces a file as a whole: readers see the old content or the new.
fn write(path: &Path, content: &str, mode: u32) -> Result<(), PkiError> {
    let attempt = || -> io::Result<()> {
        let new = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&new)?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    attempt().map_err(|source| PkiError::File {
        path: path.to_owned(),
        source,
    })
}

const CA_CERTIFICATE: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;
const CLOCK_SKEW: Duration = Duration::from_secs(300);
const LEAF_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
