//! API servers whose certificate calls itself an authority.

use rustls::client::verify_server_name;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error};
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;

/// Verifies a server's certificate that one of the authorities has issued itself and that is marked as an authority
/// too, as small installations make them: the usual verification refuses that mark, kubectl does not.
///
/// # Errors
/// It is not marked so, or not issued by an authority, or not for this server now.
pub(super) fn verify(
    end_entity: &CertificateDer<'_>,
    authorities: &[CertificateDer<'_>],
    algorithms: &WebPkiSupportedAlgorithms,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), Error> {
    let server = parse(end_entity)?;
    if !server.is_ca() {
        return Err(CertificateError::UnknownIssuer.into());
    }
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = server.validity();
    if now < validity.not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    if let Ok(Some(usage)) = server.extended_key_usage()
        && !(usage.value.server_auth || usage.value.any)
    {
        return Err(CertificateError::InvalidPurpose.into());
    }
    let mut issued = false;
    for authority in authorities {
        let authority = parse(authority)?;
        issued |= authority.is_ca()
            && authority.subject().as_raw() == server.issuer().as_raw()
            && is_signed(&server, &authority, algorithms);
    }
    if !issued {
        return Err(CertificateError::UnknownIssuer.into());
    }
    verify_server_name(&ParsedCertificate::try_from(end_entity)?, name)
}

/// Whether the authority's key made the signature, by any algorithm that is trusted for certificates.
fn is_signed(
    server: &X509Certificate<'_>,
    authority: &X509Certificate<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    algorithms.all.iter().any(|algorithm| {
        let verified = algorithm.verify_signature(
            &authority.public_key().subject_public_key.data,
            server.tbs_certificate.as_ref(),
            &server.signature_value.data,
        );
        verified.is_ok()
    })
}

fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    parse_x509_certificate(certificate)
        .map(|(_, parsed)| parsed)
        .map_err(|_| CertificateError::BadEncoding.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    #[test]
    fn a_server_marked_as_authority_must_be_issued_for_its_name_and_still_valid() {
        let issuer = || {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (own, foreign) = (issuer(), issuer());
        let mut params = CertificateParams::new(vec!["api.example".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let server = params
            .signed_by(&KeyPair::generate().unwrap(), &own)
            .unwrap();
        let algorithms =
            rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let now = UnixTime::now();
        let verified = |authority: &CertificateDer<'_>, name: &'static str, now| {
            let name = ServerName::try_from(name).unwrap();
            verify(
                server.der(),
                std::slice::from_ref(authority),
                &algorithms,
                &name,
                now,
            )
        };
        assert!(verified(own.der(), "api.example", now).is_ok());
        assert!(verified(own.der(), "other.example", now).is_err());
        assert!(verified(foreign.der(), "api.example", now).is_err());
        let long_after = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX / 2));
        assert!(verified(own.der(), "api.example", long_after).is_err());
    }
}
