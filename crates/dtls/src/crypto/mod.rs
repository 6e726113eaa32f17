//! The primitives that the engine needs, behind one trait.

mod rustcrypto;

use crate::CipherSuite;

pub use rustcrypto::{RustCrypto, Sha256Transcript};

/// Record protection was refused: the record is forged, or too long to protect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AeadRefused;

/// The primitives of the two suites.
///
/// [`RustCrypto`] implements it for devices; a function may bring an implementation that uses
/// the hardware better. Keys are given for each call, so that an idle session holds no
/// expanded key.
pub trait Crypto {
    /// The running SHA-256 hash of handshake messages.
    type Transcript: Transcript;

    /// Encrypts in place: `in_out` holds the plaintext followed by room for the tag.
    ///
    /// # Errors
    /// [`AeadRefused`] if `in_out` is shorter than the tag or longer than the cipher allows.
    fn seal(
        &self,
        suite: CipherSuite,
        key: &[u8; 16],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<(), AeadRefused>;

    /// Decrypts in place: `in_out` holds the ciphertext followed by the tag; afterwards the
    /// plaintext stands in all but the last `tag_len` octets.
    ///
    /// # Errors
    /// [`AeadRefused`] if the tag is wrong; `in_out` is then unspecified and must not be used.
    fn open(
        &self,
        suite: CipherSuite,
        key: &[u8; 16],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<(), AeadRefused>;

    /// HMAC-SHA-256 over the concatenation of `message`.
    fn hmac_sha256(&self, key: &[u8], message: &[&[u8]]) -> [u8; 32];

    /// An empty transcript.
    fn transcript(&self) -> Self::Transcript;

    /// Compares in a time that depends on the lengths only.
    fn equal(&self, left: &[u8], right: &[u8]) -> bool;
}

/// A running SHA-256 hash whose intermediate value can be read.
pub trait Transcript {
    /// Appends octets.
    fn update(&mut self, octets: &[u8]);

    /// SHA-256 of everything so far.
    fn digest(&self) -> [u8; 32];
}

/// A source of octets that nobody can predict.
///
/// Any `FnMut(&mut [u8])` is one. The engine asks for randomness only inside a call that
/// takes the source as an argument.
pub trait Random {
    /// Fills `octets`.
    fn fill(&mut self, octets: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Random for F {
    fn fill(&mut self, octets: &mut [u8]) {
        self(octets);
    }
}

/// A fresh array.
pub(crate) fn random_array<const N: usize>(random: &mut dyn Random) -> [u8; N] {
    let mut octets = [0; N];
    random.fill(&mut octets);
    octets
}
