//! The operator's keys: the root certificate, the keyset under it, and the two keys that sign online.

mod create;
mod files;

use std::path::{Path, PathBuf};

use cause::Cause;
use cose::{KeyId, ObjectType, SigningKey};
use identifiers::OperatorId;
use onboarding::certificate::{Certificate, CertificateError, PathPolicy, validate_path};
use provisioning::{KeysetError, VerifiedKeyset};
use serde::{Deserialize, Serialize};

pub use create::{DrawnKeys, create, draw};

/// Where the operator's keys lie, section `[vault.operator]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct OperatorConfig {
    /// Name of the operator, as in the keyset. No default. Since 0.1.
    pub operator_id: String,
    /// Certificate of the root, DER or PEM. Devices pin its key. No default. Since 0.1.
    pub root_certificate_file: PathBuf,
    /// The keyset that the root has signed. No default. Since 0.1.
    pub keyset_file: PathBuf,
    /// Key for profiles and commits, PKCS #8 in PEM, P-256. No default. Since 0.1.
    pub signer_key_file: PathBuf,
    /// Key for the network's part of a Challenge, PKCS #8 in PEM, P-256. No default. Since 0.1.
    pub network_key_file: PathBuf,
    /// Certificates of the network key, PEM or one DER, end entity first, root left out. No default. Since 0.1.
    pub network_chain_file: PathBuf,
}

impl OperatorConfig {
    /// The keys that [`create`] made in a folder.
    #[must_use]
    pub fn in_folder(dir: &Path, operator_id: String) -> Self {
        Self {
            operator_id,
            root_certificate_file: dir.join(create::ROOT_CERTIFICATE),
            keyset_file: dir.join(create::KEYSET),
            signer_key_file: dir.join(create::SIGNER_KEY),
            network_key_file: dir.join(create::NETWORK_KEY),
            network_chain_file: dir.join(create::NETWORK_CHAIN),
        }
    }
}

/// The operator's keys cannot be used. The message says what to change.
#[derive(Debug, thiserror::Error)]
pub enum OperatorKeysError {
    /// A file cannot be read or written.
    #[error("file {} of the operator's keys", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There are keys already; they are not replaced.
    #[error("{} exists already", dir.display())]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// A file does not hold what it should.
    #[error("file {} must hold {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The operator's name cannot be used.
    #[error("operator_id is not a name of an operator")]
    OperatorId,
    /// The keyset cannot be used, or does not allow what a key is for.
    #[error("keyset does not let {key} sign {object}", object = object_type.name())]
    Keyset {
        /// Which key.
        key: &'static str,
        /// The type of object.
        object_type: ObjectType,
        /// What is wrong.
        #[source]
        source: KeysetError,
    },
    /// The keyset is not signed as it should be.
    #[error("keyset does not verify")]
    KeysetSignature(#[source] KeysetError),
    /// The keyset is signed by another root, or is another operator's.
    #[error("keyset belongs to another root or operator than configured")]
    OtherOperator,
    /// The root certificate or the network's chain cannot be used.
    #[error("certificates of the operator cannot be used")]
    Certificate(#[from] CertificateError),
    /// The network's chain certifies another key.
    #[error("network_chain_file certifies another key than network_key_file holds")]
    OtherNetworkKey,
    /// A certificate cannot be made.
    #[error("certificate cannot be made")]
    Issue(#[from] rcgen::Error),
    /// A key cannot be encoded.
    #[error("key cannot be made")]
    Key(#[from] cose::KeyError),
    /// A keyset cannot be signed.
    #[error("keyset cannot be signed")]
    Sign(#[from] cose::SignError),
}

impl OperatorKeysError {
    /// The cause to report.
    pub const fn cause(&self) -> Cause {
        Cause::Internal
    }
}

/// The operator's keys, checked against each other. The private ones do not come out.
pub struct OperatorKeys {
    operator_id: OperatorId,
    root_certificate: Vec<u8>,
    keyset: Vec<u8>,
    verified: VerifiedKeyset,
    signer: SigningKey,
    network_key: SigningKey,
    network_chain: Vec<Vec<u8>>,
}

impl OperatorKeys {
    /// Reads the files and checks that they belong together: keyset under the root, both keys named by the keyset
    /// for what they sign, the network's chain under the root. What has expired at `now` (seconds since 1970, UTC)
    /// is only warned of: vectors and promotions need none of it.
    ///
    /// # Errors
    /// [`OperatorKeysError`]
    pub fn open(config: &OperatorConfig, now: u64) -> Result<Self, OperatorKeysError> {
        let operator_id =
            OperatorId::parse(&config.operator_id).map_err(|_| OperatorKeysError::OperatorId)?;
        let root_certificate = files::certificate(&config.root_certificate_file)?;
        let keyset = files::read(&config.keyset_file)?;
        let verified =
            VerifiedKeyset::verify(&keyset, None).map_err(OperatorKeysError::KeysetSignature)?;
        let root = Certificate::from_der(&root_certificate)?;
        if verified.root != root.key_id() || verified.keyset.operator != operator_id {
            return Err(OperatorKeysError::OtherOperator);
        }
        let signer = files::signing_key(&config.signer_key_file)?;
        let network_key = files::signing_key(&config.network_key_file)?;
        for (name, key, object_type) in [
            ("signer_key_file", &signer, ObjectType::Profile),
            ("signer_key_file", &signer, ObjectType::Commit),
            ("network_key_file", &network_key, ObjectType::OwaNet),
        ] {
            verified
                .key_for(object_type, &key.key_id(), None)
                .map_err(|source| OperatorKeysError::Keyset {
                    key: name,
                    object_type,
                    source,
                })?;
        }
        let network_chain = files::certificates(&config.network_chain_file)?;
        check_chain(&network_chain, &root_certificate, &network_key, now)?;
        let keys = Self {
            operator_id,
            root_certificate,
            keyset,
            verified,
            signer,
            network_key,
            network_chain,
        };
        if let Err(error) = keys.check_profile_signer(now) {
            let error = nf_runtime::procedure::chain(&error);
            tracing::warn!(
                error,
                "no profile can be sealed before the operator's keyset is renewed"
            );
        }
        Ok(keys)
    }

    /// The operator.
    pub const fn operator_id(&self) -> &OperatorId {
        &self.operator_id
    }

    /// DER certificate of the root.
    pub fn root_certificate(&self) -> &[u8] {
        &self.root_certificate
    }

    /// Id of the root's key, which profiles pin.
    pub const fn root(&self) -> KeyId {
        self.verified.root
    }

    /// The keyset, a signed object.
    pub fn keyset(&self) -> &[u8] {
        &self.keyset
    }

    /// Version of the keyset.
    pub const fn keyset_version(&self) -> u64 {
        self.verified.keyset.version
    }

    /// The key for profiles and commits.
    pub(crate) const fn signer(&self) -> &SigningKey {
        &self.signer
    }

    /// The key for the network's part of a Challenge.
    pub(crate) const fn network_key(&self) -> &SigningKey {
        &self.network_key
    }

    /// Certificates of that key, end entity first.
    pub(crate) fn network_chain(&self) -> Vec<&[u8]> {
        self.network_chain.iter().map(Vec::as_slice).collect()
    }

    /// Whether a device would accept a profile that is signed now.
    ///
    /// # Errors
    /// [`KeysetError`] if keyset or key have expired.
    pub(crate) fn check_profile_signer(&self, now: u64) -> Result<(), KeysetError> {
        if now >= self.verified.keyset.expires {
            return Err(KeysetError::Expired);
        }
        self.verified
            .key_for(ObjectType::Profile, &self.signer.key_id(), Some(now))
            .map(drop)
    }
}

/// Whether the chain leads to the root and certifies the network key.
fn check_chain(
    chain: &[Vec<u8>],
    root: &[u8],
    network_key: &SigningKey,
    now: u64,
) -> Result<(), OperatorKeysError> {
    let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    let end_entity = Certificate::from_der(chain.first().copied().unwrap_or_default())?;
    if end_entity.key_id() != network_key.key_id() {
        return Err(OperatorKeysError::OtherNetworkKey);
    }
    match validate_path(&chain, &PathPolicy::new(&[root], now)) {
        Ok(_) => Ok(()),
        Err(CertificateError::Validity) => {
            tracing::warn!("no device believes this network before its certificate is renewed");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
