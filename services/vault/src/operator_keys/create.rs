//! Making the keys of an operator.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cose::{KeyError, ObjectType, SigningKey};
use identifiers::OperatorId;
use nf_runtime::random::Random;
use p256::SecretKey;
use p256::pkcs8::EncodePrivateKey as _;
use provisioning::{Keyset, KeysetKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use super::{OperatorConfig, OperatorKeysError};
use crate::draw;

/// What the key for profiles may sign.
const SIGNER_TYPES: [ObjectType; 4] = [
    ObjectType::Profile,
    ObjectType::Commit,
    ObjectType::Notice,
    ObjectType::Decision,
];
const ROOT_LIFETIME_SECONDS: u64 = 20 * YEAR;
/// Of the keyset, of the keys in it, and of the network's certificate.
const KEYSET_LIFETIME_SECONDS: u64 = 5 * YEAR;
const YEAR: u64 = 365 * 86_400;
/// Machines do not agree on the time to the second.
const CLOCK_SKEW_SECONDS: u64 = 300;

const ROOT_KEY: &str = "root.key";
pub(super) const ROOT_CERTIFICATE: &str = "root.cer";
pub(super) const KEYSET: &str = "keyset.cose";
pub(super) const SIGNER_KEY: &str = "signer.key";
pub(super) const NETWORK_KEY: &str = "network.key";
pub(super) const NETWORK_CHAIN: &str = "network-chain.pem";

/// The keys of an operator, as the contents of their files.
pub struct DrawnKeys {
    /// Signs the keyset and the network's certificate. It belongs into a safe, offline: the vault does not need it.
    pub root_key: Zeroizing<Vec<u8>>,
    /// What the vault needs, by the usual names of the files.
    pub vault: [(&'static str, Zeroizing<Vec<u8>>); 5],
}

/// Draws the keys of an operator: a root with a self-signed certificate of twenty years, and under it, for five
/// years, a keyset that names the signing key (profiles, commits, notices, decisions) and the network key
/// (Challenges), and the network key's certificate. `now` is in seconds since 1970, UTC.
///
/// # Errors
/// A certificate or the keyset cannot be made.
pub fn draw(
    operator_id: &OperatorId,
    now: u64,
    random: &Random,
) -> Result<DrawnKeys, OperatorKeysError> {
    let root = NewKey::draw(random)?;
    let signer = NewKey::draw(random)?;
    let network = NewKey::draw(random)?;

    let mut params = params(operator_id, "root", now, ROOT_LIFETIME_SECONDS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let root_certificate = params.self_signed(&root.pair)?;
    let issuer = Issuer::new(params, &root.pair);
    let network_certificate = network_params(operator_id, now).signed_by(&network.pair, &issuer)?;

    let keyset = Keyset {
        version: 1,
        operator: operator_id.clone(),
        keys: vec![
            keyset_key(&signer, &SIGNER_TYPES, now),
            keyset_key(&network, &[ObjectType::OwaNet], now),
        ],
        issued: now,
        expires: now.saturating_add(KEYSET_LIFETIME_SECONDS),
    };
    let keyset = keyset.sign(&root.signing)?;
    let public = |octets: &[u8]| Zeroizing::new(octets.to_vec());
    Ok(DrawnKeys {
        root_key: root.pem(),
        vault: [
            (SIGNER_KEY, signer.pem()),
            (NETWORK_KEY, network.pem()),
            (ROOT_CERTIFICATE, public(root_certificate.der())),
            (KEYSET, public(&keyset)),
            (NETWORK_CHAIN, public(network_certificate.pem().as_bytes())),
        ],
    })
}

/// Makes the keys of an operator as [`draw`] does, in a new folder, with the root's key as `root.key` among them.
///
/// The folder appears complete or not at all.
///
/// # Errors
/// [`OperatorKeysError::Exists`] if the folder exists and is not empty; it is not touched.
pub fn create(
    dir: &Path,
    operator_id: &OperatorId,
    now: u64,
    random: &Random,
) -> Result<OperatorConfig, OperatorKeysError> {
    let drawn = draw(operator_id, now, random)?;
    let mut files = vec![(ROOT_KEY, drawn.root_key.as_slice(), PRIVATE)];
    for (name, content) in &drawn.vault {
        let private = [SIGNER_KEY, NETWORK_KEY].contains(name);
        files.push((name, content, if private { PRIVATE } else { PUBLIC }));
    }
    write_folder(dir, &files)?;
    Ok(OperatorConfig::in_folder(
        dir,
        operator_id.as_str().to_owned(),
    ))
}

/// A key pair, for COSE and for certificates.
struct NewKey {
    signing: SigningKey,
    pair: KeyPair,
}

impl NewKey {
    fn draw(random: &Random) -> Result<Self, OperatorKeysError> {
        let private = draw::private_key(random);
        let signing = SigningKey::new(&private)?;
        let pkcs8 = SecretKey::from_slice(private.expose())
            .map_err(|_| KeyError::InvalidPrivateKey)?
            .to_pkcs8_der()
            .map_err(|_| KeyError::InvalidPrivateKey)?;
        let der = PrivatePkcs8KeyDer::from(pkcs8.as_bytes());
        Ok(Self {
            signing,
            pair: KeyPair::from_pkcs8_der_and_sign_algo(&der, &PKCS_ECDSA_P256_SHA256)?,
        })
    }

    fn pem(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.pair.serialize_pem().into_bytes())
    }
}

fn params(operator_id: &OperatorId, role: &str, now: u64, lifetime: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::OrganizationName, operator_id.as_str());
    params.distinguished_name.push(
        DnType::CommonName,
        format!("{} {role}", operator_id.as_str()),
    );
    params.not_before = time(now.saturating_sub(CLOCK_SKEW_SECONDS)).into();
    params.not_after = time(now.saturating_add(lifetime)).into();
    params
}

fn network_params(operator_id: &OperatorId, now: u64) -> CertificateParams {
    let mut params = params(operator_id, "network", now, KEYSET_LIFETIME_SECONDS);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

fn keyset_key(key: &NewKey, types: &[ObjectType], now: u64) -> KeysetKey {
    KeysetKey {
        spki: key.signing.spki().to_vec(),
        types: types.to_vec(),
        valid_from: now.saturating_sub(CLOCK_SKEW_SECONDS),
        valid_until: now.saturating_add(KEYSET_LIFETIME_SECONDS),
    }
}

fn time(unix_seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds)
}

/// Writes all files beside the folder, then gives them its name.
fn write_folder(dir: &Path, files: &[(&str, &[u8], u32)]) -> Result<(), OperatorKeysError> {
    let occupied = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(OperatorKeysError::Exists {
            dir: dir.to_owned(),
        });
    }
    let mut name = dir.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    if new.exists() {
        // What an attempt left that was cut off.
        fs::remove_dir_all(&new).map_err(at(&new))?;
    }
    fs::create_dir_all(&new).map_err(at(&new))?;
    for (name, content, mode) in files {
        let path = new.join(name);
        write(&path, content, *mode).map_err(at(&path))?;
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    fs::rename(&new, dir)
        .and_then(|()| File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all())
        .map_err(at(dir))
}

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> OperatorKeysError {
    let path = path.to_owned();
    move |source| OperatorKeysError::File { path, source }
}

const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;
