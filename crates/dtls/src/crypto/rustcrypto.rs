//! The primitives from the RustCrypto crates.

use aes::Aes128;
use aes_gcm::Aes128Gcm;
use ccm::aead::{AeadInPlace, KeyInit, Tag};
use ccm::consts::{U8, U12};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{AeadRefused, Crypto, Transcript};
use crate::CipherSuite;

/// Portable primitives: `ccm`, `aes-gcm`, `hmac` and `sha2`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

type Aes128Ccm8 = ccm::Ccm<Aes128, U8, U12>;

impl Crypto for RustCrypto {
    type Transcript = Sha256Transcript;

    fn seal(
        &self,
        suite: CipherSuite,
        key: &[u8; 16],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<(), AeadRefused> {
        match suite {
            CipherSuite::PskAes128Ccm8 => seal(&Aes128Ccm8::new(key.into()), nonce, aad, in_out),
            CipherSuite::PskAes128GcmSha256 => {
                seal(&Aes128Gcm::new(key.into()), nonce, aad, in_out)
            }
        }
    }

    fn open(
        &self,
        suite: CipherSuite,
        key: &[u8; 16],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<(), AeadRefused> {
        match suite {
            CipherSuite::PskAes128Ccm8 => open(&Aes128Ccm8::new(key.into()), nonce, aad, in_out),
            CipherSuite::PskAes128GcmSha256 => {
                open(&Aes128Gcm::new(key.into()), nonce, aad, in_out)
            }
        }
    }

    fn hmac_sha256(&self, key: &[u8], message: &[&[u8]]) -> [u8; 32] {
        let mut mac =
            <Hmac<Sha256> as Mac>::new_from_slice(key).expect("HMAC takes keys of every length");
        for part in message {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn transcript(&self) -> Sha256Transcript {
        Sha256Transcript(Sha256::new())
    }

    fn equal(&self, left: &[u8], right: &[u8]) -> bool {
        left.ct_eq(right).into()
    }
}

fn seal<A: AeadInPlace<NonceSize = U12>>(
    cipher: &A,
    nonce: &[u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
) -> Result<(), AeadRefused> {
    let (plaintext, room) = split_tag::<A>(in_out)?;
    let tag = cipher
        .encrypt_in_place_detached(nonce.into(), aad, plaintext)
        .map_err(|_| AeadRefused)?;
    room.copy_from_slice(&tag);
    Ok(())
}

fn open<A: AeadInPlace<NonceSize = U12>>(
    cipher: &A,
    nonce: &[u8; 12],
    aad: &[u8],
    in_out: &mut [u8],
) -> Result<(), AeadRefused> {
    let (ciphertext, found) = split_tag::<A>(in_out)?;
    let mut tag = Tag::<A>::default();
    tag.copy_from_slice(found);
    cipher
        .decrypt_in_place_detached(nonce.into(), aad, ciphertext, &tag)
        .map_err(|_| AeadRefused)
}

/// Splits off exactly as many octets as the cipher's tag has.
fn split_tag<A: AeadInPlace>(octets: &mut [u8]) -> Result<(&mut [u8], &mut [u8]), AeadRefused> {
    let tag_len = Tag::<A>::default().len();
    let at = octets.len().checked_sub(tag_len).ok_or(AeadRefused)?;
    octets.split_at_mut_checked(at).ok_or(AeadRefused)
}

/// The running hash of the `sha2` crate.
#[derive(Clone)]
pub struct Sha256Transcript(Sha256);

impl Transcript for Sha256Transcript {
    fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    fn digest(&self) -> [u8; 32] {
        self.0.clone().finalize().into()
    }
}
