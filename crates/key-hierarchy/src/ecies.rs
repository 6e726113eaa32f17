//! ECIES with the profiles A and B of SUCI. TS 33.501 C.3.
//!
//! | | Profile A | Profile B |
//! |---|---|---|
//! | Diffie-Hellman | X25519 | ECDH on P-256 |
//! | ephemeral public key as sent | 32 octets | 33 octets, compressed |
//!
//! Both derive 64 octets by ANSI X9.63 with SHA-256 (SharedInfo1 is the ephemeral public key as sent),
//! encrypt with AES-128 in counter mode and authenticate with the first eight octets of HMAC-SHA-256.

use aes::Aes128;
use alloc::vec::Vec;
use ctr::Ctr32BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::Mac;
use p256::ecdh::diffie_hellman;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use secret::{PrivateKey, SecretBytes, SharedSecret};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::kdf::{finish, hmac_sha_256};

const TAG_LEN: usize = 8;

/// A profile of ECIES, which is also a protection scheme of SUCI. TS 33.501 C.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Curve25519; protection scheme 1.
    A,
    /// secp256r1; protection scheme 2.
    B,
}

impl Profile {
    const fn public_key_len(self) -> usize {
        match self {
            Self::A => 32,
            Self::B => 33,
        }
    }
}

/// A key that does not belong to the curve of its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key is not one of the curve of its profile")]
pub struct InvalidKey;

impl InvalidKey {
    /// The cause to answer when the key came from a peer.
    #[must_use]
    pub const fn cause(&self) -> cause::Cause {
        cause::Cause::MandatoryElementIncorrect
    }
}

/// A public key of the home network, as a USIM holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeNetworkPublicKey {
    profile: Profile,
    octets: Vec<u8>,
}

impl HomeNetworkPublicKey {
    /// Takes 32 octets (profile A) or a compressed point of 33 octets (profile B).
    ///
    /// # Errors
    /// [`InvalidKey`] for another length, or if the octets are not a point of the curve.
    pub fn new(profile: Profile, octets: &[u8]) -> Result<Self, InvalidKey> {
        if octets.len() != profile.public_key_len() {
            return Err(InvalidKey);
        }
        if profile == Profile::B {
            p256_public(octets)?;
        }
        Ok(Self {
            profile,
            octets: octets.to_vec(),
        })
    }

    /// The profile that the key is for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// The octets, in the form of [`HomeNetworkPublicKey::new`].
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        &self.octets
    }

    /// Encrypts to the home network: ephemeral public key, ciphertext and tag. TS 33.501 C.3.2.
    ///
    /// # Errors
    /// [`InvalidKey`] if the ephemeral private key is outside its range or the exchange yields zero.
    pub(crate) fn encrypt(
        &self,
        ephemeral: &PrivateKey,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, InvalidKey> {
        let ephemeral_public = public_key(self.profile, ephemeral)?;
        let shared = shared_secret(self.profile, ephemeral, &self.octets)?;
        let keys = KeyingData::derive(&shared, &ephemeral_public);
        let mut output = ephemeral_public;
        let start = output.len();
        output.extend_from_slice(plaintext);
        if let Some(ciphertext) = output.get_mut(start..) {
            keys.apply_keystream(ciphertext);
            let tag = keys.tag(ciphertext);
            output.extend_from_slice(&tag);
        }
        Ok(output)
    }
}

/// A private key of the home network with the identifier under which USIMs know it.
#[derive(Clone)]
pub struct HomeNetworkKey {
    id: u8,
    profile: Profile,
    private: PrivateKey,
    public: HomeNetworkPublicKey,
}

impl HomeNetworkKey {
    /// Takes a raw private key: any 32 octets for profile A, a scalar from 1 to n-1 for profile B.
    ///
    /// # Errors
    /// [`InvalidKey`] if the octets are not a private key of the curve.
    pub fn new(id: u8, profile: Profile, private: PrivateKey) -> Result<Self, InvalidKey> {
        let public = HomeNetworkPublicKey::new(profile, &public_key(profile, &private)?)?;
        Ok(Self {
            id,
            profile,
            private,
            public,
        })
    }

    /// The home network public key identifier, 1 to 255. TS 23.003 2.2B.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// The profile that the key is for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// What is put into USIMs.
    #[must_use]
    pub const fn public_key(&self) -> &HomeNetworkPublicKey {
        &self.public
    }

    /// Decrypts what [`HomeNetworkPublicKey::encrypt`] made. TS 33.501 C.3.3.
    ///
    /// The tag is compared in constant time before anything is decrypted. The answer does not tell what
    /// was wrong.
    pub(crate) fn decrypt(&self, output: &[u8]) -> Option<SecretBytes> {
        let (ephemeral, rest) = output.split_at_checked(self.profile.public_key_len())?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_LEN)?)?;
        let shared = shared_secret(self.profile, &self.private, ephemeral).ok()?;
        let keys = KeyingData::derive(&shared, ephemeral);
        if !bool::from(keys.tag(ciphertext).as_slice().ct_eq(tag)) {
            return None;
        }
        let mut plaintext = ciphertext.to_vec();
        keys.apply_keystream(&mut plaintext);
        Some(SecretBytes::new(plaintext))
    }
}

fn public_key(profile: Profile, private: &PrivateKey) -> Result<Vec<u8>, InvalidKey> {
    match profile {
        Profile::A => {
            let secret = x25519_dalek::StaticSecret::from(*private.expose());
            Ok(x25519_dalek::PublicKey::from(&secret).as_bytes().to_vec())
        }
        Profile::B => Ok(p256_private(private)?
            .public_key()
            .to_encoded_point(true)
            .as_bytes()
            .to_vec()),
    }
}

/// The shared secret Z. An all-zero result of X25519, which a point of small order would give, is
/// refused (RFC 7748 6.1); on P-256 the cofactor is 1 and a point at infinity cannot be sent.
fn shared_secret(
    profile: Profile,
    private: &PrivateKey,
    public: &[u8],
) -> Result<SharedSecret, InvalidKey> {
    match profile {
        Profile::A => {
            let public: [u8; 32] = public.try_into().map_err(|_| InvalidKey)?;
            let secret = x25519_dalek::StaticSecret::from(*private.expose());
            let shared = secret.diffie_hellman(&x25519_dalek::PublicKey::from(public));
            if shared.was_contributory() {
                Ok(SharedSecret::new(*shared.as_bytes()))
            } else {
                Err(InvalidKey)
            }
        }
        Profile::B => {
            let secret = p256_private(private)?;
            let public = p256_public(public)?;
            let shared = diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
            Ok(SharedSecret::new((*shared.raw_secret_bytes()).into()))
        }
    }
}

fn p256_private(private: &PrivateKey) -> Result<p256::SecretKey, InvalidKey> {
    p256::SecretKey::from_slice(private.expose()).map_err(|_| InvalidKey)
}

/// Takes a compressed point only: SharedInfo1 is the point as it was sent.
fn p256_public(octets: &[u8]) -> Result<p256::PublicKey, InvalidKey> {
    match octets {
        [0x02 | 0x03, x @ ..] if x.len() == 32 => {
            p256::PublicKey::from_sec1_bytes(octets).map_err(|_| InvalidKey)
        }
        _ => Err(InvalidKey),
    }
}

/// The 64 octets of keying data: encryption key, initial counter block, MAC key. TS 33.501 C.3.4.
struct KeyingData {
    encryption_key: Zeroizing<[u8; 16]>,
    initial_counter_block: Zeroizing<[u8; 16]>,
    mac_key: Zeroizing<[u8; 32]>,
}

impl KeyingData {
    /// ANSI X9.63 with SHA-256: `SHA-256(Z || counter || SharedInfo1)`, the counter in 32 bits from 1 on.
    /// SEC 1 3.6.1.
    fn derive(shared: &SharedSecret, shared_info1: &[u8]) -> Self {
        let block = |counter: u32| {
            let mut digest = Sha256::new();
            digest.update(shared.expose());
            digest.update(counter.to_be_bytes());
            digest.update(shared_info1);
            Zeroizing::new(<[u8; 32]>::from(digest.finalize()))
        };
        let first = block(1);
        let mut encryption_key = Zeroizing::new([0; 16]);
        let mut initial_counter_block = Zeroizing::new([0; 16]);
        encryption_key.copy_from_slice(&first[..16]);
        initial_counter_block.copy_from_slice(&first[16..]);
        Self {
            encryption_key,
            initial_counter_block,
            mac_key: block(2),
        }
    }

    /// AES-128 in counter mode, where the low 32 bits of the block count (SP 800-38A B.1, m = 32).
    fn apply_keystream(&self, text: &mut [u8]) {
        let mut cipher = Ctr32BE::<Aes128>::new(
            (&*self.encryption_key).into(),
            (&*self.initial_counter_block).into(),
        );
        cipher.apply_keystream(text);
    }

    /// The first eight octets of HMAC-SHA-256 over the ciphertext; SharedInfo2 is empty.
    fn tag(&self, ciphertext: &[u8]) -> [u8; TAG_LEN] {
        let mut mac = hmac_sha_256(&*self.mac_key);
        mac.update(ciphertext);
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&finish(mac)[..TAG_LEN]);
        tag
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;

    // TS 33.501 C.4: the steps in between.
    #[test]
    fn shared_secrets_and_keying_data_are_the_published_ones() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/suci.json");
        let file: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let octets = |name: &str| hex::decode(case[name].as_str().unwrap()).unwrap();
            let profile = match case["profile"].as_str() {
                Some("A") => Profile::A,
                _ => Profile::B,
            };
            let ephemeral = PrivateKey::try_from_slice(&octets("ephemeral_private")).unwrap();
            let ephemeral_public = public_key(profile, &ephemeral).unwrap();
            assert_eq!(ephemeral_public, octets("ephemeral_public"));
            let shared = shared_secret(profile, &ephemeral, &octets("hn_public")).unwrap();
            assert_eq!(shared.expose().as_slice(), octets("shared"));
            let keys = KeyingData::derive(&shared, &ephemeral_public);
            assert_eq!(keys.encryption_key.as_slice(), octets("ek"));
            assert_eq!(keys.initial_counter_block.as_slice(), octets("icb"));
            assert_eq!(keys.mac_key.as_slice(), octets("mk"));
            let mut text = octets("scheme_input");
            keys.apply_keystream(&mut text);
            assert_eq!(text, octets("ciphertext"));
            assert_eq!(keys.tag(&text).as_slice(), octets("tag"));
        }
    }
}
