//! Certificates of an installation that has no authority of its own: laboratories, tests, and clusters whose
//! certificates are made with the installation.

mod authority;
mod facts;
mod lab;

use std::io;
use std::path::PathBuf;

pub use self::authority::{Authority, Leaf};
pub use self::facts::CertificateFacts;
pub use self::lab::LabAuthority;

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
    /// What should be the certificate of an authority is something else.
    #[error("certificate is not that of an authority of a trust domain")]
    NoAuthority,
    /// The key of an authority is another one's.
    #[error("certificate and key of the authority do not belong together")]
    OtherKey,
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
