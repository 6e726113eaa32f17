//! Certificates and revocation lists of any shape, good and bad.

use core::str::FromStr as _;
use core::time::Duration;
use cose::spki;
use p256::ecdsa::signature::Signer as _;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::der::asn1::{BitString, GeneralizedTime, OctetString, Uint};
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{Decode as _, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, CrlNumber, ExtendedKeyUsage, KeyUsage, KeyUsages};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

/// When the certificates of these tests are looked at.
pub(crate) const NOW: u64 = 1_800_000_000;

/// 9999-12-31T23:59:59Z.
pub(crate) const END_OF_TIME: u64 = 253_402_300_799;

/// A key of one of the types in use.
pub(crate) enum Key {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl Key {
    pub(crate) fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub(crate) fn p384(seed: u8) -> Self {
        Self::P384(p384::ecdsa::SigningKey::from_slice(&[seed; 48]).unwrap())
    }

    pub(crate) fn ed25519(seed: u8) -> Self {
        Self::Ed25519(ed25519_dalek::SigningKey::from_bytes(&[seed; 32]))
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                spki::p256(point.as_bytes().try_into().unwrap()).to_vec()
            }
            Self::P384(key) => {
                let point = key.verifying_key().to_encoded_point(false);
                spki::p384(point.as_bytes().try_into().unwrap()).to_vec()
            }
            Self::Ed25519(key) => spki::ed25519(key.verifying_key().as_bytes()).to_vec(),
        }
    }

    fn algorithm(&self) -> AlgorithmIdentifierOwned {
        let oid = match self {
            Self::P256(_) => "1.2.840.10045.4.3.2",
            Self::P384(_) => "1.2.840.10045.4.3.3",
            Self::Ed25519(_) => "1.3.101.112",
        };
        AlgorithmIdentifierOwned {
            oid: ObjectIdentifier::new_unwrap(oid),
            parameters: None,
        }
    }

    fn sign(&self, message: &[u8]) -> BitString {
        let signature = match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            Self::Ed25519(key) => key.sign(message).to_vec(),
        };
        BitString::from_bytes(&signature).unwrap()
    }
}

/// What a certificate says.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) subject: &'static str,
    pub(crate) serial: u8,
    pub(crate) not_before: u64,
    pub(crate) not_after: u64,
    pub(crate) ca: bool,
    pub(crate) key_usage: Option<KeyUsages>,
    pub(crate) purposes: &'static [&'static str],
    pub(crate) unknown_critical: bool,
}

impl Template {
    /// A device that never expires, as IEEE 802.1AR has it.
    pub(crate) fn device() -> Self {
        Self {
            subject: "CN=band,serialNumber=BAND-4711",
            serial: 7,
            not_before: NOW - 1000,
            not_after: END_OF_TIME,
            ca: false,
            key_usage: Some(KeyUsages::DigitalSignature),
            purposes: &[],
            unknown_critical: false,
        }
    }

    /// An issuer.
    pub(crate) fn issuer(subject: &'static str) -> Self {
        Self {
            subject,
            serial: 1,
            ca: true,
            key_usage: Some(KeyUsages::KeyCertSign),
            ..Self::device()
        }
    }

    /// The certificate for `key`, issued by `issuer` with its key.
    pub(crate) fn issue(&self, key: &Key, issuer: &str, issuer_key: &Key) -> Vec<u8> {
        let mut extensions = vec![extension(
            true,
            &BasicConstraints {
                ca: self.ca,
                path_len_constraint: None,
            },
        )];
        if let Some(usage) = self.key_usage {
            extensions.push(extension(true, &KeyUsage(usage.into())));
        }
        if !self.purposes.is_empty() {
            let purposes = self.purposes.iter().copied();
            let purposes = purposes.map(ObjectIdentifier::new_unwrap).collect();
            extensions.push(extension(false, &ExtendedKeyUsage(purposes)));
        }
        if self.unknown_critical {
            extensions.push(Extension {
                extn_id: ObjectIdentifier::new_unwrap("1.2.3.4"),
                critical: true,
                extn_value: OctetString::new([5, 0]).unwrap(),
            });
        }
        let fields = TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&[self.serial]).unwrap(),
            signature: issuer_key.algorithm(),
            issuer: Name::from_str(issuer).unwrap(),
            validity: Validity {
                not_before: time(self.not_before),
                not_after: time(self.not_after),
            },
            subject: Name::from_str(self.subject).unwrap(),
            subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(&key.spki()).unwrap(),
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(extensions),
        };
        let signature = issuer_key.sign(&fields.to_der().unwrap());
        x509_cert::Certificate {
            tbs_certificate: fields,
            signature_algorithm: issuer_key.algorithm(),
            signature,
        }
        .to_der()
        .unwrap()
    }
}

/// A revocation list with these certificate numbers.
pub(crate) fn revocation_list(
    issuer: &str,
    issuer_key: &Key,
    revoked: &[u8],
    next_update: u64,
) -> Vec<u8> {
    let revoked: Vec<RevokedCert> = revoked
        .iter()
        .map(|serial| RevokedCert {
            serial_number: SerialNumber::new(&[*serial]).unwrap(),
            revocation_date: time(NOW - 10),
            crl_entry_extensions: None,
        })
        .collect();
    let fields = TbsCertList {
        version: Version::V2,
        signature: issuer_key.algorithm(),
        issuer: Name::from_str(issuer).unwrap(),
        this_update: time(NOW - 100),
        next_update: Some(time(next_update)),
        revoked_certificates: (!revoked.is_empty()).then_some(revoked),
        crl_extensions: Some(vec![extension(false, &CrlNumber(Uint::new(&[1]).unwrap()))]),
    };
    let signature = issuer_key.sign(&fields.to_der().unwrap());
    CertificateList {
        tbs_cert_list: fields,
        signature_algorithm: issuer_key.algorithm(),
        signature,
    }
    .to_der()
    .unwrap()
}

fn extension<T: Encode + AssociatedOid>(critical: bool, value: &T) -> Extension {
    Extension {
        extn_id: T::OID,
        critical,
        extn_value: OctetString::new(value.to_der().unwrap()).unwrap(),
    }
}

fn time(seconds: u64) -> Time {
    Time::GeneralTime(GeneralizedTime::from_unix_duration(Duration::from_secs(seconds)).unwrap())
}
