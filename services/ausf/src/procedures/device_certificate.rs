//! Whose key is it? Finding and validating the certificate of a device that has proven its key.

use std::slice;

use cause::Cause;
use cose::{KeyId, VerificationKey};
use data_encoding::HEXLOWER;
use onboarding::certificate::{Certificate, CertificateError, PathPolicy, validate_path};
use onboarding::certificate_url::{CertificateUrl, CertificateUrlError, DeviceSerial};
use onboarding::server::{BindingError, ProofError, VerifiedProof, check_certificate};
use onboarding::{Recipient, Start};
use store::{Class, Tag};

use super::prove::ProveOwaError;
use crate::manufacturers::Manufacturer;
use crate::owa::OneWayAuthentication;
use crate::ports::FetchCertificate;
use crate::records::CertificateRecord;

/// A certificate was not found or is refused.
#[derive(Debug, thiserror::Error)]
pub enum DeviceCertificateError {
    /// No manufacturer covers the URL, or no anchor ends the chain.
    #[error("no manufacturer of the registry vouches for the certificate")]
    UnknownManufacturer,
    /// Neither chain, nor cache, nor URL leads to a certificate.
    #[error("the certificate cannot be found")]
    NotFound,
    /// Too many fetches at the moment.
    #[error("too many certificates are being fetched")]
    Overloaded,
    /// The fetcher failed.
    #[error("the certificate cannot be fetched")]
    Fetch(Cause),
    /// It is not the one that Start names.
    #[error("the certificate is not the one that Start names")]
    Binding(#[from] BindingError),
    /// Its path is refused.
    #[error("the certification path is refused")]
    Path(#[from] CertificateError),
    /// URL and certificate name different devices.
    #[error("certificate and URL name different devices")]
    Serial,
    /// The URL does not name one device.
    #[error("the URL does not name one device")]
    Url(#[from] CertificateUrlError),
    /// Packages may not be sealed to this certificate's key.
    #[error("the certificate key may not receive packages")]
    CertDirect,
    /// The store failed.
    #[error("certificates cannot be stored or read")]
    Store(#[from] store::Error),
}

impl DeviceCertificateError {
    /// The cause to answer with.
    pub const fn cause(&self) -> Cause {
        match self {
            Self::UnknownManufacturer => Cause::UnknownManufacturer,
            Self::NotFound => Cause::CertificateNotReachable,
            Self::Overloaded => Cause::RateLimited,
            Self::Fetch(cause) => *cause,
            Self::Binding(error) => error.cause(),
            Self::Path(error) => error.cause(),
            Self::Serial => Cause::DeviceIdentityMismatch,
            Self::Url(error) => error.cause(),
            Self::CertDirect => Cause::SuiteUnsupported,
            Self::Store(_) => Cause::TemporarilyUnavailable,
        }
    }
}

/// A device by its valid certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertifiedDevice {
    pub(crate) manufacturer: String,
    pub(crate) serial: String,
    pub(crate) chain: Vec<Vec<u8>>,
}

/// Finds the certificate (inline, cached, or by its URL) and validates it under the registry.
///
/// Source: Berth protocol, OWA version 1; RFC 5280 6.1; IEEE 802.1AR 8.
#[tracing::instrument(skip_all, name = "ausf.device_certificate", fields(nf.clause = "RFC 5280 6.1"))]
pub(crate) async fn device_certificate(
    owa: &OneWayAuthentication,
    proof: &VerifiedProof,
) -> Result<CertifiedDevice, DeviceCertificateError> {
    let start = &proof.start;
    let manufacturers = owa.manufacturers.list().await?;
    let covering = start.certificate.url().map(|url| {
        let found = manufacturers
            .iter()
            .find_map(|manufacturer| Some((manufacturer, manufacturer.covers(url)?)));
        found.ok_or(DeviceCertificateError::UnknownManufacturer)
    });
    let covering = covering.transpose()?;

    let cached = cached_chain(owa, &proof.start.key_id).await?;
    // One that was replaced or has expired since is no reason to refuse the device: it is looked up anew.
    let usable = cached.as_ref().filter(|chain| {
        let is_named = chain
            .first()
            .is_some_and(|der| check_certificate(start, der).is_ok());
        let mut vouching = match &covering {
            Some((manufacturer, _)) => slice::from_ref(*manufacturer).iter(),
            None => manufacturers.iter(),
        };
        is_named && vouching.any(|manufacturer| validate(owa, chain, manufacturer).is_ok())
    });
    let chain = match (start.chain.is_empty(), usable, &covering) {
        (false, _, _) => start.chain.clone(),
        (true, Some(chain), _) => chain.clone(),
        (true, None, Some((manufacturer, url))) => fetch(owa, manufacturer, url).await?,
        (true, None, None) => return Err(DeviceCertificateError::NotFound),
    };
    let end_entity = chain.first().ok_or(DeviceCertificateError::NotFound)?;
    let certificate = check_certificate(start, end_entity)?;

    let manufacturer = match &covering {
        Some((manufacturer, _)) => {
            validate(owa, &chain, manufacturer)?;
            *manufacturer
        }
        None => manufacturers
            .iter()
            .find(|manufacturer| validate(owa, &chain, manufacturer).is_ok())
            .ok_or(DeviceCertificateError::UnknownManufacturer)?,
    };
    let serial = DeviceSerial::parse(
        certificate
            .subject_serial_number()
            .ok_or(DeviceCertificateError::Serial)?,
    )?;
    if let Some((_, url)) = &covering
        && url.device_serial()? != serial
    {
        return Err(DeviceCertificateError::Serial);
    }
    let direct = proof.recipient == Recipient::CertDirect;
    if direct && !(manufacturer.allow_cert_direct && certificate.allows_key_agreement()) {
        return Err(DeviceCertificateError::CertDirect);
    }
    if cached.as_ref() != Some(&chain) {
        remember(owa, &proof.start.key_id, &chain).await?;
    }
    Ok(CertifiedDevice {
        manufacturer: manufacturer.name.clone(),
        serial: serial.as_str().to_owned(),
        chain,
    })
}

fn validate(
    owa: &OneWayAuthentication,
    chain: &[Vec<u8>],
    manufacturer: &Manufacturer,
) -> Result<(), CertificateError> {
    let chain = chain.iter().map(Vec::as_slice).collect::<Vec<_>>();
    let anchors = manufacturer
        .device_anchors
        .iter()
        .map(Vec::as_slice)
        .collect::<Vec<_>>();
    validate_path(&chain, &PathPolicy::new(&anchors, owa.clock.unix_seconds())).map(drop)
}

async fn fetch(
    owa: &OneWayAuthentication,
    manufacturer: &Manufacturer,
    url: &CertificateUrl,
) -> Result<Vec<Vec<u8>>, DeviceCertificateError> {
    if !owa.fetches.take() {
        return Err(DeviceCertificateError::Overloaded);
    }
    let request = FetchCertificate {
        url: url.to_text(),
        server_anchors: manufacturer.server_anchors.clone(),
        allowed_networks: manufacturer.allowed_networks.clone(),
        allowed_ports: manufacturer.allowed_ports.clone(),
        host_overrides: manufacturer.host_overrides.clone(),
    };
    owa.fetcher.fetch(request).await.map_err(|cause| {
        // Whatever went wrong on the way, the device is told the same.
        DeviceCertificateError::Fetch(if cause == Cause::RateLimited {
            cause
        } else {
            Cause::CertificateNotReachable
        })
    })
}

/// The key of a device that was seen before, for a Proof that carries none.
pub(super) async fn known_key(
    owa: &OneWayAuthentication,
    start: &[u8],
) -> Result<Option<VerificationKey>, ProveOwaError> {
    let start = Start::decode(start).map_err(ProofError::Start)?;
    let chain = cached_chain(owa, &start.key_id).await?.unwrap_or_default();
    let certificate = chain
        .first()
        .and_then(|der| Certificate::from_der(der).ok());
    Ok(certificate.and_then(|certificate| VerificationKey::from_spki(certificate.spki()).ok()))
}

/// The chain that was valid when the device was seen last; it is validated again.
pub(super) async fn cached_chain(
    owa: &OneWayAuthentication,
    key_id: &KeyId,
) -> Result<Option<Vec<Vec<u8>>>, store::Error> {
    let found = owa
        .store
        .read::<CertificateRecord>(&key_tag(owa, key_id)?)
        .await?;
    Ok(found.map(|found| found.record.chain))
}

async fn remember(
    owa: &OneWayAuthentication,
    key_id: &KeyId,
    chain: &[Vec<u8>],
) -> Result<(), store::Error> {
    let mut transaction = owa
        .store
        .transaction(&key_tag(owa, key_id)?, Class::Ephemeral);
    transaction
        .put(&CertificateRecord {
            chain: chain.to_vec(),
        })
        .expires_in(owa.certificate_cache);
    owa.store.commit(transaction).await.map(drop)
}

fn key_tag(owa: &OneWayAuthentication, key_id: &KeyId) -> Result<Tag, store::Error> {
    Ok(owa.store.tag(&HEXLOWER.encode(key_id.as_bytes()))?)
}
