//! Why a device does not go on.

use crate::accept::AcceptError;
use crate::kex::KexError;
use crate::network_proof::NetworkProofError;
use crate::start::NetworkProofLevel;
use cause::Cause;
use cose::SignError;
use cose::cbor::DecodeError;

/// A frame of the network, or the device's own configuration, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The device is configured to demand what this version cannot check, or offers nothing.
    #[error("offer cannot be made")]
    Offer,
    /// The frame or its body cannot be read.
    #[error("message of the network cannot be decoded")]
    Decode(#[from] DecodeError),
    /// The frame is not one that is awaited in this state.
    #[error("message is not awaited here")]
    Unexpected,
    /// The network demanded a third cookie.
    #[error("network demands cookies without end")]
    TooManyRetries,
    /// The Challenge names another serving network than Start.
    #[error("challenge names another serving network")]
    ServingNetwork,
    /// The Challenge names a suite that was not offered.
    #[error("challenge names a suite that was not offered")]
    Suite,
    /// The network did not prove itself in the way that Start demands.
    #[error("network proof is missing")]
    NetworkProofMissing(NetworkProofLevel),
    /// The network's proof does not hold.
    #[error("network proof is refused")]
    NetworkProof(#[from] NetworkProofError),
    /// The network's ephemeral key is unusable.
    #[error("ephemeral key of the network is unusable")]
    Key(#[from] KexError),
    /// The device's identity key is not the one of its Start, or does not sign.
    #[error("identity key cannot sign the proof")]
    Identity,
    /// Signing failed.
    #[error("proof could not be signed")]
    Sign(#[from] SignError),
    /// Accept does not open.
    #[error("accept is refused")]
    Accept(#[from] AcceptError),
    /// Accept is for another session than the Challenge.
    #[error("accept is for another session")]
    Session,
}

impl DeviceError {
    /// The cause to report to whoever runs the device.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::Offer | Self::Identity => Cause::Internal,
            Self::Decode(error) => error.cause(),
            Self::Unexpected => Cause::MalformedMessage,
            Self::TooManyRetries => Cause::TemporarilyUnavailable,
            Self::ServingNetwork => Cause::ServingNetworkNotAuthorized,
            Self::Suite => Cause::SuiteUnsupported,
            Self::NetworkProofMissing(_) => Cause::NetworkProofUnavailable,
            Self::NetworkProof(error) => error.cause(),
            Self::Key(error) => error.cause(),
            Self::Sign(error) => error.cause(),
            Self::Accept(error) => error.cause(),
            Self::Session => Cause::MandatoryElementIncorrect,
        }
    }
}
