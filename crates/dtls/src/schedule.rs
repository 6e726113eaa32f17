//! From a pre-shared key to record keys.

use alloc::vec::Vec;

use secret::SecretBytes;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::prf::prf;
use crate::{Crypto, PskLengthError};

/// A pre-shared key of 1 to 64 octets, for instance K_AF.
#[derive(Clone)]
pub struct Psk(SecretBytes);

impl Psk {
    /// The longest key, in octets.
    pub const MAX_LEN: usize = 64;

    /// A key with these octets.
    ///
    /// # Errors
    /// [`PskLengthError`] unless there are 1 to [`Psk::MAX_LEN`] octets.
    pub fn try_from_slice(octets: &[u8]) -> Result<Self, PskLengthError> {
        if octets.is_empty() || octets.len() > Self::MAX_LEN {
            return Err(PskLengthError {
                found: octets.len(),
            });
        }
        Ok(Self(SecretBytes::new(octets.to_vec())))
    }

    /// A key that nobody has.
    pub(crate) fn random(octets: [u8; 32]) -> Self {
        Self(SecretBytes::new(octets.to_vec()))
    }

    /// `uint16 N, N zeros, uint16 N, psk` (RFC 4279 2).
    fn premaster(&self) -> Zeroizing<Vec<u8>> {
        let psk = self.0.expose();
        let length = u16::try_from(psk.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut premaster = Zeroizing::new(Vec::with_capacity(2 * (2 + Self::MAX_LEN)));
        premaster.extend_from_slice(&length);
        premaster.resize(2 + psk.len(), 0);
        premaster.extend_from_slice(&length);
        premaster.extend_from_slice(psk);
        premaster
    }
}

/// The random values of both sides.
#[derive(Clone, Copy)]
pub(crate) struct Randoms {
    pub(crate) client: [u8; 32],
    pub(crate) server: [u8; 32],
}

/// The side whose Finished is computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// The master secret of one handshake.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct MasterSecret([u8; 48]);

impl MasterSecret {
    /// Derives it; `session_hash` is given if the extended master secret was negotiated.
    ///
    /// Source: RFC 5246 8.1; RFC 7627 4.
    pub(crate) fn derive<C: Crypto>(
        crypto: &C,
        psk: &Psk,
        randoms: &Randoms,
        session_hash: Option<&[u8; 32]>,
    ) -> Self {
        let premaster = psk.premaster();
        let (label, seed): (&[u8], [&[u8]; 2]) = match session_hash {
            Some(hash) => (b"extended master secret", [hash, &[]]),
            None => (b"master secret", [&randoms.client, &randoms.server]),
        };
        let mut master = Self([0; 48]);
        prf(crypto, &premaster, label, seed, &mut master.0);
        master
    }

    #[cfg(test)]
    pub(crate) const fn expose(&self) -> &[u8; 48] {
        &self.0
    }

    /// The content of a Finished message over the messages with this hash (RFC 5246 7.4.9).
    pub(crate) fn verify_data<C: Crypto>(
        &self,
        crypto: &C,
        side: Side,
        transcript_hash: &[u8; 32],
    ) -> [u8; 12] {
        let label: &[u8] = match side {
            Side::Client => b"client finished",
            Side::Server => b"server finished",
        };
        let mut verify_data = [0; 12];
        prf(
            crypto,
            &self.0,
            label,
            [transcript_hash, &[]],
            &mut verify_data,
        );
        verify_data
    }

    /// Expands the record keys of both directions (RFC 5246 6.3; no MAC keys for AEAD).
    pub(crate) fn traffic_keys<C: Crypto>(&self, crypto: &C, randoms: &Randoms) -> TrafficKeys {
        let mut block = Zeroizing::new([0; 40]);
        let seed: [&[u8]; 2] = [&randoms.server, &randoms.client];
        prf(crypto, &self.0, b"key expansion", seed, &mut *block);
        let mut keys = TrafficKeys {
            client: DirectionKeys::default(),
            server: DirectionKeys::default(),
        };
        let places = (keys.client.key.iter_mut())
            .chain(keys.server.key.iter_mut())
            .chain(keys.client.salt.iter_mut())
            .chain(keys.server.salt.iter_mut());
        for (place, octet) in places.zip(block.iter()) {
            *place = *octet;
        }
        keys
    }
}

/// Record keys by the side that writes with them.
#[derive(Clone)]
pub(crate) struct TrafficKeys {
    pub(crate) client: DirectionKeys,
    pub(crate) server: DirectionKeys,
}

/// The AES key and the implicit part of the nonce of one direction.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct DirectionKeys {
    pub(crate) key: [u8; 16],
    pub(crate) salt: [u8; 4],
}
