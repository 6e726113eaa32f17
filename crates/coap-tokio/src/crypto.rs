//! The primitives of DTLS from AWS-LC.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hmac, rand};
use dtls::{AeadRefused, CipherSuite, Crypto, RustCrypto, Transcript};

/// GCM, HMAC and SHA-256 of AWS-LC; CCM, which it does not offer, of RustCrypto.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

impl Crypto for AwsLc {
    type Transcript = AwsLcTranscript;

    fn seal(
        &self,
        suite: CipherSuite,
        key: &[u8; 16],
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<(), AeadRefused> {
        match suite {
            CipherSuite::PskAes128Ccm8 => RustCrypto.seal(suite, key, nonce, aad, in_out),
            CipherSuite::PskAes128GcmSha256 => {
                let at = in_out.len().checked_sub(suite.tag_len());
                let (plaintext, room) = at
                    .and_then(|at| in_out.split_at_mut_checked(at))
                    .ok_or(AeadRefused)?;
                let nonce = Nonce::assume_unique_for_key(*nonce);
                let tag = gcm(key)?
                    .seal_in_place_separate_tag(nonce, Aad::from(aad), plaintext)
                    .map_err(|_| AeadRefused)?;
                room.copy_from_slice(tag.as_ref());
                Ok(())
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
            CipherSuite::PskAes128Ccm8 => RustCrypto.open(suite, key, nonce, aad, in_out),
            CipherSuite::PskAes128GcmSha256 => gcm(key)?
                .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), in_out)
                .map(|_| ())
                .map_err(|_| AeadRefused),
        }
    }

    fn hmac_sha256(&self, key: &[u8], message: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let mut context = hmac::Context::with_key(&key);
        for part in message {
            context.update(part);
        }
        octets(context.sign().as_ref())
    }

    fn transcript(&self) -> AwsLcTranscript {
        AwsLcTranscript(digest::Context::new(&digest::SHA256))
    }

    fn equal(&self, left: &[u8], right: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(left, right).is_ok()
    }
}

fn gcm(key: &[u8; 16]) -> Result<LessSafeKey, AeadRefused> {
    UnboundKey::new(&AES_128_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| AeadRefused)
}

/// A running SHA-256 of AWS-LC.
#[derive(Clone)]
pub struct AwsLcTranscript(digest::Context);

impl Transcript for AwsLcTranscript {
    fn update(&mut self, octets: &[u8]) {
        self.0.update(octets);
    }

    fn digest(&self) -> [u8; 32] {
        octets(self.0.clone().finish().as_ref())
    }
}

/// The octets of a SHA-256 value.
fn octets(value: &[u8]) -> [u8; 32] {
    *value
        .first_chunk()
        .expect("SHA-256 and HMAC-SHA-256 have 32 octets")
}

/// Fills a buffer from the generator of AWS-LC.
pub(crate) fn random(buffer: &mut [u8]) {
    rand::fill(buffer).expect("AWS-LC ends the process when the system has no entropy");
}

/// An unpredictable number.
pub(crate) fn random_number() -> u64 {
    let mut number = [0; 8];
    random(&mut number);
    u64::from_be_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 16] = [3; 16];
    const NONCE: [u8; 12] = [5; 12];

    #[test]
    fn both_providers_protect_records_alike() {
        for suite in CipherSuite::ALL {
            let room = vec![0; suite.tag_len()];
            let mut ours = [b"a record".to_vec(), room].concat();
            let mut theirs = ours.clone();
            AwsLc.seal(suite, &KEY, &NONCE, b"aad", &mut ours).unwrap();
            RustCrypto
                .seal(suite, &KEY, &NONCE, b"aad", &mut theirs)
                .unwrap();
            assert_eq!(ours, theirs);
            AwsLc.open(suite, &KEY, &NONCE, b"aad", &mut ours).unwrap();
            assert_eq!(&ours[..8], b"a record");
            assert!(AwsLc.open(suite, &KEY, &NONCE, b"a", &mut theirs).is_err());
        }
    }

    #[test]
    fn both_providers_hash_alike() {
        let parts: [&[u8]; 2] = [b"one", b"two"];
        for key in [&b""[..], &[7; 100]] {
            assert_eq!(
                AwsLc.hmac_sha256(key, &parts),
                RustCrypto.hmac_sha256(key, &parts)
            );
        }
        let (mut ours, mut theirs) = (AwsLc.transcript(), RustCrypto.transcript());
        for part in parts {
            ours.update(part);
            theirs.update(part);
            assert_eq!(ours.digest(), theirs.digest());
        }
        assert!(AwsLc.equal(b"x", b"x") && !AwsLc.equal(b"x", b"y") && !AwsLc.equal(b"x", b""));
    }

    #[test]
    fn a_record_shorter_than_its_tag_is_refused() {
        for suite in CipherSuite::ALL {
            let mut short = vec![0; suite.tag_len() - 1];
            assert_eq!(
                AwsLc.seal(suite, &KEY, &NONCE, &[], &mut short),
                Err(AeadRefused)
            );
            assert_eq!(
                AwsLc.open(suite, &KEY, &NONCE, &[], &mut short),
                Err(AeadRefused)
            );
        }
    }
}
