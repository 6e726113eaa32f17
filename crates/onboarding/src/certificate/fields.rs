//! The fields of a certificate that Berth uses.

use super::error::CertificateError;
use crate::certificate_url::DeviceSerial;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use cose::{KeyId, sha256};
use identifiers::DeviceId;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsage, SubjectAltName};

/// A certificate that was read; reading trusts nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    sha256: [u8; 32],
    spki: Vec<u8>,
    serial_number: Vec<u8>,
    subject_serial_number: Option<String>,
    uri_names: Vec<String>,
    key_usage: Option<KeyUsage>,
}

impl Certificate {
    /// Reads a DER certificate.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::read(der).map_err(|_| CertificateError::Malformed)?
    }

    fn read(der: &[u8]) -> x509_cert::der::Result<Result<Self, CertificateError>> {
        let certificate = x509_cert::Certificate::from_der(der)?;
        let fields = &certificate.tbs_certificate;
        let mut serials = fields
            .subject
            .0
            .iter()
            .flat_map(|name| name.0.iter())
            .filter(|attribute| attribute.oid == SERIAL_NUMBER);
        let subject_serial_number = serials.next().map(read_string).transpose()?;
        if serials.next().is_some() {
            return Ok(Err(CertificateError::Malformed));
        }
        let uri_names = fields
            .get::<SubjectAltName>()?
            .map(|(_, names)| names.0.iter().filter_map(uri).collect())
            .unwrap_or_default();
        Ok(Ok(Self {
            sha256: sha256(der),
            spki: fields.subject_public_key_info.to_der()?,
            serial_number: fields.serial_number.as_bytes().to_vec(),
            subject_serial_number,
            uri_names,
            key_usage: fields.get::<KeyUsage>()?.map(|(_, usage)| usage),
        }))
    }

    /// SHA-256 of the DER certificate.
    #[must_use]
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Id of the key.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        KeyId::of_spki(&self.spki)
    }

    /// The device that holds the key.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        DeviceId::from_spki_sha256(self.key_id().as_bytes())
    }

    /// The number that the issuer gave to the certificate, big-endian.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        &self.serial_number
    }

    /// The subject's serialNumber attribute (X.520 6.2.9): the manufacturer's name for the device.
    #[must_use]
    pub fn subject_serial_number(&self) -> Option<&str> {
        self.subject_serial_number.as_deref()
    }

    /// Whether the certificate is issued to the device of this manufacturer's name.
    #[must_use]
    pub fn is_issued_to(&self, serial: &DeviceSerial) -> bool {
        self.subject_serial_number() == Some(serial.as_str())
    }

    /// The URIs among the subject's alternative names.
    #[must_use]
    pub fn uri_names(&self) -> &[String] {
        &self.uri_names
    }

    /// Whether the key may sign: keyUsage is absent or has digitalSignature.
    #[must_use]
    pub fn allows_signing(&self) -> bool {
        self.key_usage
            .as_ref()
            .is_none_or(KeyUsage::digital_signature)
    }

    /// Whether the key may agree on keys: keyUsage is present and has keyAgreement.
    ///
    /// Choice: an absent keyUsage, which would allow everything, does not allow this; packages are
    /// sealed to a certificate's key only where its issuer said so.
    #[must_use]
    pub fn allows_key_agreement(&self) -> bool {
        self.key_usage.as_ref().is_some_and(KeyUsage::key_agreement)
    }

    /// Whether the key may sign certificates: keyUsage is absent or has keyCertSign.
    #[must_use]
    pub fn allows_issuing(&self) -> bool {
        self.key_usage.as_ref().is_none_or(KeyUsage::key_cert_sign)
    }
}

impl fmt::Debug for Certificate {
    /// Shows the key's id in part, no names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Certificate")
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

fn read_string(attribute: &AttributeTypeAndValue) -> x509_cert::der::Result<String> {
    attribute
        .value
        .decode_as::<PrintableStringRef<'_>>()
        .map(|text| text.as_str().to_string())
        .or_else(|_| {
            attribute
                .value
                .decode_as::<Utf8StringRef<'_>>()
                .map(|text| text.as_str().to_string())
        })
}

fn uri(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_string()),
        _ => None,
    }
}

/// id-at-serialNumber.
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
