//! What the factory of a laboratory does: key, certificate, roots, label.

use std::fs;
use std::path::Path;

use data_encoding::BASE32_NOPAD;
use identifiers::DeviceId;
use provisioning::ClaimSecret;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::UeError;
use crate::random;
use crate::state::{
    CertificatePresentation, DeviceRecord, Directory, PackageRecipient, Secrets, StateError,
    write_file,
};

/// How a device is made.
#[derive(Clone, Debug, Default)]
pub struct Manufacture {
    /// The serial number: 4 to 64 letters, digits and `-`; a random one if not given.
    pub serial: Option<String>,
    /// How the certificate reaches the network.
    pub certificate: CertificatePresentation,
    /// Which key packages are sealed to.
    pub recipient: PackageRecipient,
    /// Nobody can read anything on the device.
    pub headless: bool,
    /// The secret that the label shows.
    pub claim_secret: ClaimSecretOption,
}

/// Whether the label shows a claim secret.
#[derive(Clone, Default)]
pub enum ClaimSecretOption {
    /// No.
    #[default]
    None,
    /// A new one of 16 octets.
    Random,
    /// This one.
    Given(ClaimSecret),
}

impl std::fmt::Debug for ClaimSecretOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Random => "Random",
            Self::Given(_) => "Given(…)",
        })
    }
}

/// `lab.json` in the laboratory folder; further members are for others.
#[derive(Deserialize)]
struct Laboratory {
    access_gateway: String,
    certificate_url_prefix: String,
}

/// Makes a device in `state` from the laboratory folder `lab`, and puts its certificate on the
/// manufacturer's server.
pub(crate) fn manufacture(
    state: &Path,
    lab: &Path,
    options: &Manufacture,
) -> Result<Directory, UeError> {
    let laboratory: Laboratory = serde_json::from_slice(&read(&lab.join("lab.json"))?)
        .map_err(|_| damaged(&lab.join("lab.json")))?;
    let serial = match &options.serial {
        Some(serial) if is_serial(serial) => serial.clone(),
        Some(_) => {
            return Err(UeError::Input(
                "a serial number has 4 to 64 letters, digits and -",
            ));
        }
        None => format!("LAB-{}", BASE32_NOPAD.encode(&random::array::<10>())),
    };
    let directory = Directory::create(state)?;
    let _lock = directory.lock()?;
    if directory.read::<DeviceRecord>()?.is_some() {
        let path = state.to_owned();
        return Err(StateError::DeviceExists { path }.into());
    }

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let certificate = certify(lab, &serial, &key)?;
    let identity = crate::identity::parse(&key.serialize_pem())?;
    let device_id = DeviceId::from_spki_sha256(identity.key_id().as_bytes());
    let claim_secret = match &options.claim_secret {
        ClaimSecretOption::None => None,
        ClaimSecretOption::Random => Some(BASE32_NOPAD.encode(&random::array::<16>())),
        ClaimSecretOption::Given(secret) => Some(BASE32_NOPAD.encode(secret.expose())),
    };
    write_file(
        &lab.join("certificates").join(format!("{serial}.cer")),
        &certificate,
    )?;
    let pem = Zeroizing::new(key.serialize_pem());
    write_file(&directory.file(crate::identity::FILE), pem.as_bytes())?;
    // Written last: a directory without it holds no device.
    directory.write(&DeviceRecord {
        certificate_url: format!("{}{serial}", laboratory.certificate_url_prefix),
        serial,
        device_id: device_id.as_str().to_owned(),
        certificate,
        presentation: options.certificate,
        recipient: options.recipient,
        headless: options.headless,
        operator_roots: vec![read(&lab.join("operator-root.cer"))?],
        portal_roots: String::from_utf8(read(&lab.join("portal-ca.pem"))?)
            .map_err(|_| damaged(&lab.join("portal-ca.pem")))?,
        access_gateway: laboratory.access_gateway,
        label: Secrets { claim_secret },
    })?;
    Ok(directory)
}

/// Signs the device's certificate with the manufacturer's authority.
fn certify(lab: &Path, serial: &str, key: &KeyPair) -> Result<Vec<u8>, UeError> {
    let authority = lab.join("manufacturer");
    let issuer_key = String::from_utf8(read(&authority.join("ca.key"))?)
        .map_err(|_| damaged(&authority.join("ca.key")))?;
    let issuer_key = KeyPair::from_pem(&Zeroizing::new(issuer_key)).map_err(failed)?;
    let issuer = read(&authority.join("ca.cer"))?;
    let issuer =
        Issuer::from_ca_cert_der(&CertificateDer::from(issuer), issuer_key).map_err(failed)?;
    let mut parameters = CertificateParams::new(Vec::new()).map_err(failed)?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CustomDnType(SERIAL_NUMBER.to_vec()), serial);
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyAgreement,
    ];
    parameters.not_after = rcgen::date_time_ymd(9999, 12, 31);
    let certificate = parameters.signed_by(key, &issuer).map_err(failed)?;
    Ok(certificate.der().to_vec())
}

fn is_serial(text: &str) -> bool {
    (4..=64).contains(&text.len())
        && text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
}

fn read(path: &Path) -> Result<Vec<u8>, UeError> {
    fs::read(path).map_err(|source| {
        let path = path.to_owned();
        StateError::File { path, source }.into()
    })
}

fn damaged(path: &Path) -> UeError {
    let path = path.to_owned();
    StateError::Damaged { path }.into()
}

fn failed(source: rcgen::Error) -> UeError {
    UeError::internal("make a certificate", source)
}

/// id-at-serialNumber, X.520 6.2.9.
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];
