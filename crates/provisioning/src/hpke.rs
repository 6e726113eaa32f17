//! Hybrid public key encryption, RFC 9180: DHKEM over P-256 and X25519, HKDF-SHA-256, AES-256-GCM,
//! base and PSK mode, one message a context.
//!
//! The sender's ephemeral private key is an argument, so that sealing is a pure function. A key used
//! for two messages breaks both.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::generic_array::typenum::Unsigned as _;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use alloc::vec::Vec;
use cause::Cause;
use hkdf::Hkdf;
use onboarding::{AgreementKey, Kem, KexError, RecipientKey};
use secret::{PrivateKey, SecretBytes};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How sender and recipient are bound to each other besides the recipient's key.
#[derive(Clone, Copy)]
pub enum Mode<'a> {
    /// Not at all.
    Base,
    /// By a key that both hold, of at least 32 octets.
    Psk {
        /// The key.
        psk: &'a [u8],
        /// Its name.
        psk_id: &'a [u8],
    },
}

/// A sealed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The encapsulated key.
    pub enc: Vec<u8>,
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// Seals one message to a public key.
///
/// # Errors
/// [`HpkeError`].
pub fn seal(
    recipient: &RecipientKey,
    ephemeral: &PrivateKey,
    mode: Mode<'_>,
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Sealed, HpkeError> {
    let ephemeral = AgreementKey::new(recipient.kem.suite(), ephemeral.clone())
        .map_err(HpkeError::Ephemeral)?;
    let shared = encapsulate(recipient, &ephemeral)?;
    let context = Context::<Aes256Gcm>::new(recipient.kem, &shared, mode, info)?;
    Ok(Sealed {
        enc: ephemeral.public().to_vec(),
        ciphertext: context.seal(aad, plaintext)?,
    })
}

/// Opens one message with the recipient's key.
///
/// # Errors
/// [`HpkeError`].
pub fn open(
    recipient: &AgreementKey,
    enc: &[u8],
    mode: Mode<'_>,
    info: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<SecretBytes, HpkeError> {
    let kem = kem_of(recipient);
    let shared = decapsulate(recipient, enc)?;
    Context::<Aes256Gcm>::new(kem, &shared, mode, info)?.open(aad, ciphertext)
}

/// A message cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HpkeError {
    /// The sender's ephemeral key is out of range; draw another.
    #[error("ephemeral key cannot be used")]
    Ephemeral(#[source] KexError),
    /// The other side's public key is unusable.
    #[error("public key cannot be used")]
    PublicKey(#[source] KexError),
    /// A PSK without a name, a name without PSK, or a PSK that is too short.
    #[error("pre-shared key and its name do not fit")]
    Psk,
    /// The message does not open: other keys, other context or changed octets.
    #[error("message does not open")]
    Open,
    /// The cipher refused to seal.
    #[error("message could not be sealed")]
    Seal,
}

impl HpkeError {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Ephemeral(_) | Self::Psk | Self::Seal => Cause::Internal,
            Self::PublicKey(error) => error.cause(),
            Self::Open => Cause::PackageInvalid,
        }
    }
}

/// Ciphers with their number (RFC 9180 7.3).
trait Cipher: Aead + KeyInit {
    const ID: u16;
}

impl Cipher for Aes256Gcm {
    const ID: u16 = 0x0002;
}

/// Encryption context for its first message (RFC 9180 5.1).
struct Context<C> {
    cipher: C,
    base_nonce: Zeroizing<[u8; NONCE_LEN]>,
}

impl<C: Cipher> Context<C> {
    fn new(
        kem: Kem,
        shared: &[u8; HASH_LEN],
        mode: Mode<'_>,
        info: &[u8],
    ) -> Result<Self, HpkeError> {
        let schedule = Schedule::new::<C>(kem, shared, mode, info)?;
        let mut key = Zeroizing::new([0; HASH_LEN]);
        let key = key.get_mut(..C::KeySize::USIZE).ok_or(HpkeError::Seal)?;
        schedule.expand("key", key);
        let mut base_nonce = Zeroizing::new([0; NONCE_LEN]);
        schedule.expand("base_nonce", base_nonce.as_mut());
        Ok(Self {
            cipher: C::new_from_slice(key).map_err(|_| HpkeError::Seal)?,
            base_nonce,
        })
    }

    fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, HpkeError> {
        let payload = Payload {
            msg: plaintext,
            aad,
        };
        self.cipher
            .encrypt(self.base_nonce.as_slice().into(), payload)
            .map_err(|_| HpkeError::Seal)
    }

    fn open(&self, aad: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, HpkeError> {
        let payload = Payload {
            msg: ciphertext,
            aad,
        };
        self.cipher
            .decrypt(self.base_nonce.as_slice().into(), payload)
            .map(SecretBytes::new)
            .map_err(|_| HpkeError::Open)
    }
}

/// KeySchedule of RFC 9180 5.1.
struct Schedule {
    suite_id: [u8; 10],
    context: [u8; 1 + 2 * HASH_LEN],
    secret: Zeroizing<[u8; HASH_LEN]>,
}

impl Schedule {
    fn new<C: Cipher>(
        kem: Kem,
        shared: &[u8; HASH_LEN],
        mode: Mode<'_>,
        info: &[u8],
    ) -> Result<Self, HpkeError> {
        let (mode, psk, psk_id): (u8, &[u8], &[u8]) = match mode {
            Mode::Base => (0, &[], &[]),
            Mode::Psk { psk, psk_id } if psk.len() >= HASH_LEN && !psk_id.is_empty() => {
                (1, psk, psk_id)
            }
            Mode::Psk { .. } => return Err(HpkeError::Psk),
        };
        let [kem_high, kem_low] = kem.number().to_be_bytes();
        let [aead_high, aead_low] = C::ID.to_be_bytes();
        let suite_id = [
            b'H', b'P', b'K', b'E', kem_high, kem_low, 0, 1, aead_high, aead_low,
        ];
        let mut context = [0; 1 + 2 * HASH_LEN];
        let (head, hashes) = context.split_at_mut(1);
        let (psk_id_hash, info_hash) = hashes.split_at_mut(HASH_LEN);
        head.copy_from_slice(&[mode]);
        psk_id_hash.copy_from_slice(extract(&suite_id, &[], "psk_id_hash", psk_id).as_slice());
        info_hash.copy_from_slice(extract(&suite_id, &[], "info_hash", info).as_slice());
        Ok(Self {
            suite_id,
            context,
            secret: extract(&suite_id, shared, "secret", psk),
        })
    }

    fn expand(&self, label: &str, output: &mut [u8]) {
        expand(&self.suite_id, &self.secret, label, &self.context, output);
    }
}

/// Encap of RFC 9180 4.1.
fn encapsulate(
    recipient: &RecipientKey,
    ephemeral: &AgreementKey,
) -> Result<Zeroizing<[u8; HASH_LEN]>, HpkeError> {
    let dh = ephemeral
        .agree(&recipient.public)
        .map_err(HpkeError::PublicKey)?;
    let context = [ephemeral.public(), &recipient.public].concat();
    Ok(extract_and_expand(recipient.kem, dh.expose(), &context))
}

/// Decap of RFC 9180 4.1.
fn decapsulate(
    recipient: &AgreementKey,
    enc: &[u8],
) -> Result<Zeroizing<[u8; HASH_LEN]>, HpkeError> {
    let dh = recipient.agree(enc).map_err(HpkeError::PublicKey)?;
    let context = [enc, recipient.public()].concat();
    Ok(extract_and_expand(kem_of(recipient), dh.expose(), &context))
}

fn extract_and_expand(kem: Kem, dh: &[u8], context: &[u8]) -> Zeroizing<[u8; HASH_LEN]> {
    let [high, low] = kem.number().to_be_bytes();
    let suite_id = [b'K', b'E', b'M', high, low];
    let prk = extract(&suite_id, &[], "eae_prk", dh);
    let mut shared = Zeroizing::new([0; HASH_LEN]);
    expand(&suite_id, &prk, "shared_secret", context, shared.as_mut());
    shared
}

const fn kem_of(key: &AgreementKey) -> Kem {
    Kem::from_suite(key.suite())
}

/// LabeledExtract of RFC 9180 clause 4.
fn extract(suite_id: &[u8], salt: &[u8], label: &str, ikm: &[u8]) -> Zeroizing<[u8; HASH_LEN]> {
    let labeled = Zeroizing::new([VERSION, suite_id, label.as_bytes(), ikm].concat());
    let (prk, _) = Hkdf::<Sha256>::extract(Some(salt), &labeled);
    Zeroizing::new(prk.into())
}

/// LabeledExpand of RFC 9180 clause 4; `output` is at most 64 octets long.
fn expand(suite_id: &[u8], prk: &[u8; HASH_LEN], label: &str, info: &[u8], output: &mut [u8]) {
    let [.., high, low] = output.len().to_be_bytes();
    let labeled = [&[high, low], VERSION, suite_id, label.as_bytes(), info].concat();
    Hkdf::<Sha256>::from_prk(prk)
        .ok()
        .and_then(|hkdf| hkdf.expand(&labeled, output).ok())
        .expect("a digest is a key of HKDF, and so few octets an output of it");
}

const VERSION: &[u8] = b"HPKE-v1";
const HASH_LEN: usize = 32;
const NONCE_LEN: usize = 12;

#[cfg(test)]
#[path = "hpke_tests.rs"]
mod tests;
