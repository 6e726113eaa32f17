//! The identity that a certificate carries. Source: SPIFFE X.509-SVID 2.

use nf_api::Caller;
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

/// The identity in the first certificate of a verified chain: its one URI SAN. `None` where it has
/// none, several, or one of another trust domain.
pub(crate) fn peer_of(chain: Option<&[CertificateDer<'_>]>, trust_domain: &str) -> Option<Caller> {
    let (_, certificate) = X509Certificate::from_der(chain?.first()?).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let mut uris = names
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        });
    let uri = uris.next()?;
    uris.next()
        .is_none()
        .then(|| Caller::from_uri(uri, trust_domain))?
}
