//! The stateless cookie (RFC 6347 4.2.1).

use core::time::Duration;

use zeroize::Zeroizing;

use crate::crypto::random_array;
use crate::handshake::client_hello::HelloStart;
use crate::{Crypto, Instant, PeerAddress, Random};

/// Octets of each of the cookie's two halves.
///
/// Choice: 64 bits each. A guess costs a datagram and lives for two periods at most, and a
/// short cookie spares small devices air time.
const HALF_LEN: usize = 8;
/// Octets of a cookie.
pub(crate) const COOKIE_LEN: usize = 2 * HALF_LEN;

/// Two keys that take turns, so that a cookie lives for one to two periods.
pub(crate) struct CookieKeys {
    current: Zeroizing<[u8; 32]>,
    previous: Option<Zeroizing<[u8; 32]>>,
    rotated: Instant,
    period: Duration,
}

/// How much of the hello is at hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The whole hello.
    Whole,
    /// The first fragment.
    Start,
}

impl CookieKeys {
    pub(crate) fn new(now: Instant, period: Duration, random: &mut dyn Random) -> Self {
        Self {
            current: Zeroizing::new(random_array(random)),
            previous: None,
            rotated: now,
            period,
        }
    }

    /// Makes a new key if the current one has served its period.
    pub(crate) fn rotate_if_due(&mut self, now: Instant, random: &mut dyn Random) {
        let age = now.saturating_since(self.rotated);
        if age < self.period {
            return;
        }
        let fresh = Zeroizing::new(random_array(random));
        let retired = core::mem::replace(&mut self.current, fresh);
        if age < self.period.saturating_mul(2) {
            self.previous = Some(retired);
            self.rotated = self.rotated.saturating_add(self.period);
        } else {
            // After a quiet time the retired key, too, is older than it may be.
            self.previous = None;
            self.rotated = now;
        }
    }

    /// The cookie for a hello from this address.
    pub(crate) fn make<C: Crypto>(
        &self,
        crypto: &C,
        peer: PeerAddress,
        hello: &HelloStart<'_>,
    ) -> [u8; COOKIE_LEN] {
        let mut cookie = [0; COOKIE_LEN];
        let start = half(crypto, &self.current, Extent::Start, peer, hello);
        let whole = half(crypto, &self.current, Extent::Whole, peer, hello);
        for (octet, value) in cookie.iter_mut().zip(start.into_iter().chain(whole)) {
            *octet = value;
        }
        cookie
    }

    /// Whether the hello carries a cookie that was made for it and for this address.
    ///
    /// The first half covers the address and the fields before the cookie, the second half the
    /// fields behind it, too. Of a fragmented hello only the start is known while nothing may
    /// be stored yet, so only the first half counts.
    pub(crate) fn verify<C: Crypto>(
        &self,
        crypto: &C,
        peer: PeerAddress,
        hello: &HelloStart<'_>,
        extent: Extent,
    ) -> bool {
        let Some((start, whole)) = hello.cookie.split_first_chunk::<HALF_LEN>() else {
            return false;
        };
        let is_by = |key: &[u8; 32]| {
            let is_half = |found: &[u8], extent: Extent| {
                crypto.equal(found, &half(crypto, key, extent, peer, hello))
            };
            is_half(start, Extent::Start)
                && match extent {
                    Extent::Start => whole.len() == HALF_LEN,
                    Extent::Whole => is_half(whole, Extent::Whole),
                }
        };
        is_by(&self.current) || self.previous.as_ref().is_some_and(|key| is_by(key))
    }
}

fn half<C: Crypto>(
    crypto: &C,
    key: &[u8; 32],
    extent: Extent,
    peer: PeerAddress,
    hello: &HelloStart<'_>,
) -> [u8; HALF_LEN] {
    // The parts before `hello.before` have fixed lengths and `before` holds its own.
    let (domain, after): (&[u8], &[u8]) = match extent {
        Extent::Start => (b"cookie start", &[]),
        Extent::Whole => (b"cookie whole", hello.after),
    };
    let address = peer.to_octets();
    let mac = crypto.hmac_sha256(key, &[domain, &address, hello.before, after]);
    let mut half = [0; HALF_LEN];
    for (octet, value) in half.iter_mut().zip(mac) {
        *octet = value;
    }
    half
}
