//! Keys and certificates in files.

use std::fs;
use std::path::Path;

use cose::SigningKey;
use p256::SecretKey;
use p256::pkcs8::DecodePrivateKey as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use secret::PrivateKey;
use zeroize::Zeroizing;

use super::OperatorKeysError;

/// First octet of a DER SEQUENCE, which no PEM file begins with.
const SEQUENCE: u8 = 0x30;

pub(super) fn read(path: &Path) -> Result<Vec<u8>, OperatorKeysError> {
    fs::read(path).map_err(|source| OperatorKeysError::File {
        path: path.to_owned(),
        source,
    })
}

/// One certificate, DER or PEM.
pub(super) fn certificate(path: &Path) -> Result<Vec<u8>, OperatorKeysError> {
    let mut certificates = certificates(path)?;
    match (certificates.pop(), certificates.is_empty()) {
        (Some(certificate), true) => Ok(certificate),
        _ => Err(content(path, "one certificate")),
    }
}

/// At least one certificate: PEM, or one in DER.
pub(super) fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, OperatorKeysError> {
    let octets = read(path)?;
    if octets.first() == Some(&SEQUENCE) {
        return Ok(vec![octets]);
    }
    let certificates = CertificateDer::pem_slice_iter(&octets)
        .map(|certificate| certificate.map(|certificate| certificate.to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .unwrap_or_default();
    if certificates.is_empty() {
        return Err(content(path, "certificates in PEM or one in DER"));
    }
    Ok(certificates)
}

/// A P-256 key, PKCS #8 in PEM.
pub(super) fn signing_key(path: &Path) -> Result<SigningKey, OperatorKeysError> {
    let octets = Zeroizing::new(read(path)?);
    let key = || {
        let der = PrivatePkcs8KeyDer::from_pem_slice(&octets).ok()?;
        let scalar = Zeroizing::new(
            SecretKey::from_pkcs8_der(der.secret_pkcs8_der())
                .ok()?
                .to_bytes(),
        );
        SigningKey::new(&PrivateKey::try_from_slice(&scalar).ok()?).ok()
    };
    key().ok_or_else(|| content(path, "a P-256 key, PKCS #8 in PEM"))
}

fn content(path: &Path, expected: &'static str) -> OperatorKeysError {
    OperatorKeysError::Content {
        path: path.to_owned(),
        expected,
    }
}
