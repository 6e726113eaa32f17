//! The identity key, in a PKCS#8 PEM file.

use std::fs;

use cose::SigningKey;
use p256::pkcs8::DecodePrivateKey as _;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use secret::PrivateKey;
use zeroize::Zeroizing;

use crate::error::UeError;
use crate::state::{Directory, StateError};

/// Name of the file.
pub(crate) const FILE: &str = "identity.pem";

/// Reads the key of a device.
pub(crate) fn load(directory: &Directory) -> Result<SigningKey, UeError> {
    private_key(directory).and_then(|key| {
        SigningKey::new(&key).map_err(|error| UeError::internal("read the identity key", error))
    })
}

/// Reads the key in the form that key agreement takes.
pub(crate) fn private_key(directory: &Directory) -> Result<PrivateKey, UeError> {
    let path = directory.file(FILE);
    let pem = match fs::read_to_string(&path) {
        Ok(pem) => Zeroizing::new(pem),
        Err(source) => return Err(StateError::File { path, source }.into()),
    };
    raw(&pem).ok_or_else(|| StateError::Damaged { path }.into())
}

/// Reads a key that was just made.
pub(crate) fn parse(pem: &str) -> Result<SigningKey, UeError> {
    let failed = || UeError::internal("read the identity key", "not a P-256 key in PKCS#8");
    let key = raw(&Zeroizing::new(pem.to_owned())).ok_or_else(failed)?;
    SigningKey::new(&key).map_err(|error| UeError::internal("read the identity key", error))
}

/// The private scalar of a P-256 key in PKCS#8 (RFC 5958).
fn raw(pem: &str) -> Option<PrivateKey> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).ok()?;
    let key = p256::SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).ok()?;
    let scalar = Zeroizing::new(<[u8; PrivateKey::LEN]>::from(key.to_bytes()));
    Some(PrivateKey::new(*scalar))
}
