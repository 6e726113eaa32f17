//! A limited session.

use onboarding::{NetworkProofLevel, Transcript};
use store::{Kind, Record};

/// A limited session, one of many at the tag of its device, by the session's base64url form.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionRecord {
    #[prost(enumeration = "SessionState", tag = "1")]
    pub(crate) state: i32,
    #[prost(uint64, tag = "2")]
    pub(crate) expires_at_ms: u64,
    /// Identity of the access gateway that carries it, such as `nf/access-gateway/lab`.
    #[prost(string, tag = "3")]
    pub(crate) gateway: String,
    /// Where the device's traffic comes from; empty if the gateway did not say.
    #[prost(string, tag = "4")]
    pub(crate) ip: String,
    #[prost(uint32, tag = "5")]
    pub(crate) first_port: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) last_port: u32,
    /// How the device demanded that the network prove itself.
    #[prost(uint32, tag = "7")]
    pub(crate) demanded: u32,
    /// The Challenge carried the operator's chain.
    #[prost(bool, tag = "8")]
    pub(crate) network_proven: bool,
    /// Bodies of the messages of one-way authentication; empty once the session has ended, as the keys are.
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) start: Vec<u8>,
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) challenge: Vec<u8>,
    #[prost(bytes = "vec", tag = "11")]
    pub(crate) proof: Vec<u8>,
    /// Sealed K(pdp-dtls).
    #[prost(bytes = "vec", tag = "12")]
    pub(crate) pdp_dtls_key: Vec<u8>,
    /// Sealed K(package).
    #[prost(bytes = "vec", tag = "13")]
    pub(crate) package_key: Vec<u8>,
    /// SHA-256 over the transcript: what a repeated intake is compared by.
    #[prost(bytes = "vec", tag = "14")]
    pub(crate) transcript_digest: Vec<u8>,
    /// Six digits that device and person compare.
    #[prost(string, tag = "15")]
    pub(crate) match_code: String,
    #[prost(string, tag = "16")]
    pub(crate) serving_network_name: String,
}

/// Where a limited session stands; in the order of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum SessionState {
    Unspecified = 0,
    Limited = 1,
    SignedUp = 2,
    Delivering = 3,
    Installed = 4,
    Released = 5,
    Expired = 6,
}

impl Record for SessionRecord {
    const KIND: Kind = Kind::new("session");
    const SCHEMA: u16 = 1;
}

impl SessionRecord {
    /// Whether the session is over by its state, whatever the clock says.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state(), SessionState::Released | SessionState::Expired)
    }

    /// Whether the device may use the session now.
    pub(crate) fn is_live(&self, now_ms: u64) -> bool {
        !self.has_ended() && now_ms < self.expires_at_ms
    }

    /// The same session after its end: without keys and transcript.
    pub(crate) fn ended(&self, state: SessionState) -> Self {
        Self {
            state: state.into(),
            start: Vec::new(),
            challenge: Vec::new(),
            proof: Vec::new(),
            pdp_dtls_key: Vec::new(),
            package_key: Vec::new(),
            ..self.clone()
        }
    }

    /// The same session, at least this far.
    pub(crate) fn reached(&self, state: SessionState) -> Self {
        let state = self.state().max(state);
        Self {
            state: state.into(),
            ..self.clone()
        }
    }

    pub(crate) fn transcript(&self) -> Transcript<'_> {
        Transcript {
            start: &self.start,
            challenge: &self.challenge,
            proof: &self.proof,
        }
    }

    pub(crate) fn demanded(&self) -> NetworkProofLevel {
        NetworkProofLevel::from_number(self.demanded.into())
            .unwrap_or(NetworkProofLevel::ClaimSecret)
    }

    /// Whether the device itself has verified the operator's chain.
    pub(crate) fn is_proven_to_device(&self) -> bool {
        self.network_proven && self.demanded() == NetworkProofLevel::OperatorChain
    }
}

/// Six decimal digits that are the same on page and device unless somebody stands between them:
/// the first 8 octets of SHA-256(CBOR(["berth/match/1", th])) modulo 10^6.
///
/// Source: Berth protocol, limited session and provisioning, version 1.
pub(crate) fn match_code(transcript: &Transcript<'_>) -> String {
    let th = transcript.hash();
    let digest = cose::sha256(
        cose::cbor::array([cose::cbor::text("berth/match/1"), cose::cbor::bytes(&th)]).as_slice(),
    );
    let [a, b, c, d, e, f, g, h, ..] = digest;
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 1_000_000;
    format!("{number:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_chain_that_the_device_demanded_and_got_proves_the_network_to_it() {
        for demanded in 0..4 {
            for network_proven in [false, true] {
                let session = SessionRecord {
                    demanded,
                    network_proven,
                    ..SessionRecord::default()
                };
                assert_eq!(
                    session.is_proven_to_device(),
                    demanded == 1 && network_proven
                );
            }
        }
    }
}
