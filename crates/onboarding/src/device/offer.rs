//! What the device begins with.

use super::challenge::AwaitingChallenge;
use super::error::DeviceError;
use crate::frame::Frame;
use crate::kex::AgreementKey;
use crate::start::{CertificateReference, DeviceClass, NetworkProofLevel, Start};
use alloc::vec::Vec;
use cose::KeyId;
use identifiers::ServingNetworkName;

/// Everything that goes into Start.
#[derive(Clone)]
pub struct Offer {
    /// One fresh key for each suite, in the device's order; none twice.
    pub keys: Vec<AgreementKey>,
    /// How the certificate is found.
    pub certificate: CertificateReference,
    /// DER certificates to send along, end entity first, anchor left out; empty to send none.
    pub chain: Vec<Vec<u8>>,
    /// 32 random octets.
    pub nonce: [u8; 32],
    /// Whether a person can read something on the device.
    pub class: DeviceClass,
    /// The serving network that was selected.
    pub serving_network: ServingNetworkName,
    /// Id of the identity key.
    pub key_id: KeyId,
    /// How the network has to prove itself; [`NetworkProofLevel::Voucher`] is refused.
    pub demanded: NetworkProofLevel,
}

impl Offer {
    /// Makes Start: the state to wait in and the frame to send.
    ///
    /// # Errors
    /// [`DeviceError::Offer`].
    pub fn start(self) -> Result<(AwaitingChallenge, Vec<u8>), DeviceError> {
        let distinct = self.keys.iter().enumerate().all(|(index, key)| {
            self.keys
                .iter()
                .take(index)
                .all(|earlier| earlier.suite() != key.suite())
        });
        if self.keys.is_empty()
            || !distinct
            || self.chain.len() > MAX_CHAIN
            || self.demanded == NetworkProofLevel::Voucher
        {
            return Err(DeviceError::Offer);
        }
        let start = Start {
            offers: self
                .keys
                .iter()
                .map(|key| (key.suite().number(), key.public().to_vec()))
                .collect(),
            certificate: self.certificate,
            nonce: self.nonce,
            class: self.class,
            serving_network: self.serving_network,
            key_id: self.key_id,
            demanded: self.demanded,
            cookie: None,
            chain: self.chain,
        };
        let octets = start.encode();
        let frame = Frame::Start(&octets).encode();
        Ok((AwaitingChallenge::new(self.keys, start, octets), frame))
    }
}

const MAX_CHAIN: usize = 4;
