//! Stateless cookies that show that a device receives what is sent to it.

use alloc::vec::Vec;
use cose::cbor;
use hmac::{Hmac, Mac as _};
use secret::SecretBytes;
use sha2::Sha256;

/// Where a Start came from: the gateway's identity and its reference for the UE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a>(pub &'a [u8]);

/// The key of cookies; one per function, renewed at will.
#[derive(Clone)]
pub struct CookieKey(SecretBytes);

impl CookieKey {
    /// Octets that a cookie has.
    pub const COOKIE_LEN: usize = 32;

    /// Seconds in a bucket; a cookie is good for its bucket and the next.
    pub const BUCKET_SECONDS: u64 = 30;

    /// Takes a key of at least 16 random octets.
    #[must_use]
    pub const fn new(key: SecretBytes) -> Self {
        Self(key)
    }

    /// The cookie for a Start, given its hash without cookie, from `source` at `now`.
    #[must_use]
    pub fn cookie(&self, source: Source<'_>, now: u64, start_hash: &[u8; 32]) -> Vec<u8> {
        self.mac(source, now / Self::BUCKET_SECONDS, start_hash)
            .finalize()
            .into_bytes()
            .to_vec()
    }

    /// Whether this key made `cookie` for that Start and source in this bucket or the one before.
    #[must_use]
    pub fn verifies(
        &self,
        cookie: &[u8],
        source: Source<'_>,
        now: u64,
        start_hash: &[u8; 32],
    ) -> bool {
        let bucket = now / Self::BUCKET_SECONDS;
        [Some(bucket), bucket.checked_sub(1)]
            .into_iter()
            .flatten()
            .any(|bucket| {
                self.mac(source, bucket, start_hash)
                    .verify_slice(cookie)
                    .is_ok()
            })
    }

    fn mac(&self, source: Source<'_>, bucket: u64, start_hash: &[u8; 32]) -> Hmac<Sha256> {
        let message = cbor::array([
            cbor::text("berth/owa-cookie/1"),
            cbor::bytes(source.0),
            cbor::uint(bucket),
            cbor::bytes(start_hash),
        ]);
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose())
            .expect("HMAC takes a key of any length");
        mac.update(message.as_slice());
        mac
    }
}
