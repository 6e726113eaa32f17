//! A certificate authority for laboratories and tests. Its key lies in a file; nothing of it belongs into production.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nf_api::Caller;

use super::{Authority, Issued, Leaf, PkiError};
use crate::tls::TlsConfig;

/// A certificate authority in a folder: `ca.crt` and `ca.key`. P-256, valid for ten years.
pub struct LabAuthority {
    dir: PathBuf,
    authority: Authority,
}

impl LabAuthority {
    /// Makes a new authority. Files of an old one in the folder are replaced.
    ///
    /// # Errors
    /// The folder cannot be written, or the trust domain cannot stand in a URI.
    pub fn create(dir: &Path, trust_domain: &str) -> Result<Self, PkiError> {
        let drawn = Authority::draw(trust_domain, SystemTime::now())?;
        fs::create_dir_all(dir).map_err(|source| PkiError::File {
            path: dir.to_owned(),
            source,
        })?;
        write(&dir.join(CA_KEY), &drawn.key_pem, PRIVATE)?;
        write(&dir.join(CA_CERTIFICATE), &drawn.certificate_pem, PUBLIC)?;
        Self::load(dir)
    }

    /// Opens the authority that [`LabAuthority::create`] made.
    ///
    /// # Errors
    /// The files are missing or hold something else.
    pub fn load(dir: &Path) -> Result<Self, PkiError> {
        let certificate_pem = read(&dir.join(CA_CERTIFICATE))?;
        let key_pem = read(&dir.join(CA_KEY))?;
        Ok(Self {
            dir: dir.to_owned(),
            authority: Authority::open(&certificate_pem, &key_pem)?,
        })
    }

    /// The certificate of the authority, as PEM.
    pub fn certificate_pem(&self) -> &str {
        self.authority.certificate_pem()
    }

    /// Where the certificate of the authority lies.
    pub fn certificate_path(&self) -> PathBuf {
        self.dir.join(CA_CERTIFICATE)
    }

    /// The first part of all identities.
    pub fn trust_domain(&self) -> &str {
        self.authority.trust_domain()
    }

    /// Issues the certificate of a function or an operator, for both sides of TLS, valid for 90 days.
    ///
    /// # Errors
    /// A name cannot stand in a certificate.
    pub fn issue(&self, caller: &Caller, dns: &[&str], ips: &[IpAddr]) -> Result<Issued, PkiError> {
        self.sign(Some(caller), dns, ips)
    }

    /// Issues the certificate of a server that is no function, for example the portal; valid for 90 days.
    ///
    /// # Errors
    /// A name cannot stand in a certificate.
    pub fn issue_server(&self, dns: &[&str], ips: &[IpAddr]) -> Result<Issued, PkiError> {
        self.sign(None, dns, ips)
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
            trust_domain: self.trust_domain().to_owned(),
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

    fn sign(
        &self,
        caller: Option<&Caller>,
        dns: &[&str],
        ips: &[IpAddr],
    ) -> Result<Issued, PkiError> {
        let leaf = Leaf {
            caller,
            dns,
            ips,
            lifetime: LEAF_LIFETIME,
        };
        self.authority.issue(&leaf, SystemTime::now())
    }
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
const LEAF_LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
