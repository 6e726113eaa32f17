//! Path validation: webpki's, and the checks that it leaves to its caller.

use super::algorithms::ALGORITHMS;
use super::error::CertificateError;
use super::fields::Certificate;
use alloc::vec::Vec;
use core::time::Duration;
use cose::KeyId;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, ExtendedKeyUsageValidator,
    KeyPurposeId, KeyPurposeIdIter, KeyUsage, OwnedCertRevocationList, RequiredEkuNotFoundContext,
    RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath, anchor_from_trusted_cert,
};

/// How far a certificate's validity may be missed, for clocks that are wrong: 24 hours.
pub const MAX_CLOCK_SKEW_SECONDS: u64 = 24 * 60 * 60;

/// What a path has to satisfy.
#[derive(Clone, Copy)]
pub struct PathPolicy<'a> {
    /// DER certificates that are trusted as anchors.
    pub anchors: &'a [&'a [u8]],
    /// The time, in seconds since 1970, UTC.
    pub now: u64,
    /// What extended key usage is accepted.
    pub key_purposes: KeyPurposes<'a>,
    /// How revocation is checked.
    pub revocation: Revocation<'a>,
    /// Signature algorithms that are accepted, [`ALGORITHMS`] by default.
    pub algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
}

impl<'a> PathPolicy<'a> {
    /// The policy for these anchors at this time: clientAuth or no extended key usage, no
    /// revocation lists, [`ALGORITHMS`].
    #[must_use]
    pub const fn new(anchors: &'a [&'a [u8]], now: u64) -> Self {
        Self {
            anchors,
            now,
            key_purposes: KeyPurposes {
                listed: &[],
                any: false,
            },
            revocation: Revocation::Unchecked,
            algorithms: ALGORITHMS,
        }
    }
}

/// Which extended key usages are accepted: none at all (the extension is absent), clientAuth, and
/// these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPurposes<'a> {
    /// Further purposes: contents of DER object identifiers.
    pub listed: &'a [&'a [u8]],
    /// Whether anyExtendedKeyUsage will do; some manufacturers issue nothing else.
    pub any: bool,
}

/// How revocation is checked. Expired lists never count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation<'a> {
    /// Not by lists.
    Unchecked,
    /// By lists, for every certificate of the path; one without a list is refused.
    Required(&'a [&'a [u8]]),
    /// By lists; a certificate without a list is accepted.
    WhereListed(&'a [&'a [u8]]),
}

/// A path that was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatedPath {
    /// The end entity.
    pub certificate: Certificate,
    /// Id of the anchor's key.
    pub anchor: KeyId,
}

/// Validates the path from the end entity, first in `chain`, over the others to an anchor.
///
/// Beyond RFC 5280 path validation as webpki does it: the end entity may sign, every issuer that
/// states its key usage may issue, and the validity may be missed by [`MAX_CLOCK_SKEW_SECONDS`]. A
/// notAfter of 9999-12-31 (IEEE 802.1AR 8.7) is a date like any other.
///
/// # Errors
/// [`CertificateError`].
pub fn validate_path(
    chain: &[&[u8]],
    policy: &PathPolicy<'_>,
) -> Result<ValidatedPath, CertificateError> {
    let (end_entity, intermediates) = chain.split_first().ok_or(CertificateError::Malformed)?;
    let certificate = Certificate::from_der(end_entity)?;
    if !certificate.allows_signing() {
        return Err(CertificateError::Usage);
    }
    let anchor = match find_path(end_entity, intermediates, policy, policy.now) {
        Err(Failure::TooEarly) => {
            let later = policy.now.saturating_add(MAX_CLOCK_SKEW_SECONDS);
            find_path(end_entity, intermediates, policy, later)
        }
        Err(Failure::TooLate) => {
            let earlier = policy.now.saturating_sub(MAX_CLOCK_SKEW_SECONDS);
            find_path(end_entity, intermediates, policy, earlier)
        }
        outcome => outcome,
    }?;
    Ok(ValidatedPath {
        certificate,
        anchor,
    })
}

fn find_path(
    end_entity: &[u8],
    intermediates: &[&[u8]],
    policy: &PathPolicy<'_>,
    now: u64,
) -> Result<KeyId, Failure> {
    let end_entity = CertificateDer::from(end_entity);
    let end_entity = EndEntityCert::try_from(&end_entity)?;
    let intermediates: Vec<CertificateDer<'_>> = intermediates
        .iter()
        .map(|der| CertificateDer::from(*der))
        .collect();
    let anchors: Vec<CertificateDer<'_>> = policy
        .anchors
        .iter()
        .map(|der| CertificateDer::from(*der))
        .collect();
    let anchors = anchors
        .iter()
        .map(anchor_from_trusted_cert)
        .collect::<Result<Vec<TrustAnchor<'_>>, Error>>()
        .map_err(|_| Failure::Refused(CertificateError::Configuration))?;
    let lists = read_lists(policy.revocation)?;
    let lists: Vec<&CertRevocationList<'_>> = lists.iter().collect();
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|builder| {
        builder
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .with_status_policy(match policy.revocation {
                Revocation::WhereListed(_) => UnknownStatusPolicy::Allow,
                Revocation::Unchecked | Revocation::Required(_) => UnknownStatusPolicy::Deny,
            })
            .build()
    });
    if revocation.is_none() && matches!(policy.revocation, Revocation::Required(_)) {
        return Err(Failure::Refused(CertificateError::RevocationUnknown));
    }
    let path = end_entity.verify_for_usage(
        policy.algorithms,
        &anchors,
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(now)),
        policy.key_purposes,
        revocation,
        None,
    )?;
    check_issuers(&path)?;
    anchor_id(path.anchor(), policy.anchors)
}

fn read_lists(revocation: Revocation<'_>) -> Result<Vec<CertRevocationList<'static>>, Failure> {
    let lists = match revocation {
        Revocation::Unchecked => &[],
        Revocation::Required(lists) | Revocation::WhereListed(lists) => lists,
    };
    lists
        .iter()
        .map(|der| OwnedCertRevocationList::from_der(der).map(CertRevocationList::from))
        .collect::<Result<_, Error>>()
        .map_err(|_| Failure::Refused(CertificateError::Configuration))
}

/// Webpki does not look at the key usage of issuers (RFC 5280 4.2.1.3).
fn check_issuers(path: &VerifiedPath<'_>) -> Result<(), CertificateError> {
    for issuer in path.intermediate_certificates() {
        if !Certificate::from_der(&issuer.der())?.allows_issuing() {
            return Err(CertificateError::Usage);
        }
    }
    Ok(())
}

/// Which of the trusted certificates a path ended at.
fn anchor_id(reached: &TrustAnchor<'_>, anchors: &[&[u8]]) -> Result<KeyId, Failure> {
    for der in anchors {
        let candidate = CertificateDer::from(*der);
        if anchor_from_trusted_cert(&candidate).is_ok_and(|anchor| anchor == *reached) {
            return Ok(Certificate::from_der(der)
                .map_err(|_| CertificateError::Configuration)?
                .key_id());
        }
    }
    Err(Failure::Refused(CertificateError::Untrusted))
}

/// Errors of a path, with the two apart that another time may cure.
enum Failure {
    TooEarly,
    TooLate,
    Refused(CertificateError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(match error {
            Error::CertNotValidYet { .. } => return Self::TooEarly,
            Error::CertExpired { .. } => return Self::TooLate,
            Error::CertRevoked => CertificateError::Revoked,
            Error::UnknownRevocationStatus
            | Error::CrlExpired { .. }
            | Error::InvalidCrlSignatureForPublicKey
            | Error::IssuerNotCrlSigner => CertificateError::RevocationUnknown,
            Error::CaUsedAsEndEntity
            | Error::EndEntityUsedAsCa
            | Error::RequiredEkuNotFoundContext(_)
            | Error::NameConstraintViolation
            | Error::PathLenConstraintViolated => CertificateError::Usage,
            Error::BadDer
            | Error::BadDerTime
            | Error::ExtensionValueInvalid
            | Error::EmptyEkuExtension
            | Error::InvalidCertValidity
            | Error::InvalidSerialNumber
            | Error::MalformedExtensions
            | Error::TrailingData(_)
            | Error::UnsupportedCertVersion
            | Error::UnsupportedCriticalExtension => CertificateError::Malformed,
            _ => CertificateError::Untrusted,
        })
    }
}

impl From<CertificateError> for Failure {
    fn from(error: CertificateError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for CertificateError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::TooEarly | Failure::TooLate => Self::Validity,
            Failure::Refused(error) => error,
        }
    }
}

impl ExtendedKeyUsageValidator for KeyPurposes<'_> {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let mut absent = true;
        for purpose in purposes {
            let purpose = purpose?;
            absent = false;
            let accepted = purpose == KeyPurposeId::new(CLIENT_AUTH)
                || self.any && purpose == KeyPurposeId::new(ANY_PURPOSE)
                || self
                    .listed
                    .iter()
                    .any(|listed| purpose == KeyPurposeId::new(listed));
            if accepted {
                return Ok(());
            }
        }
        if absent {
            Ok(())
        } else {
            Err(Error::RequiredEkuNotFoundContext(
                RequiredEkuNotFoundContext {
                    required: KeyUsage::client_auth(),
                    present: Vec::new(),
                },
            ))
        }
    }
}

/// id-kp-clientAuth, 1.3.6.1.5.5.7.3.2.
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
/// anyExtendedKeyUsage, 2.5.29.37.0.
const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0];
