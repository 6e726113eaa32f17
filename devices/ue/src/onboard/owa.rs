//! One-way authentication over N1. Source: Berth protocol, OWA version 1.

use std::net::SocketAddr;
use std::time::Duration;

use cause::Cause;
use cose::{SigningKey, cbor, sha256};
use nf_api::pb::access_gateway::OwaMessage;
use onboarding::device::{AcceptAnswer, ChallengeAnswer, Offer, Onboarded, ProofOptions};
use onboarding::{
    AgreementKey, CertificateReference, DeviceClass, Kem, NetworkProofLevel, OperatorRoots,
    Recipient, RecipientKey, Reject, Suite,
};

use super::has_claim_secret;
use crate::agent::unix_seconds;
use crate::error::UeError;
use crate::n1::{Downlink, N1, Uplink};
use crate::network::Network;
use crate::random;
use crate::state::{CertificatePresentation, DeviceRecord, Directory, PackageRecipient};

/// An open limited session.
pub(crate) struct Admitted {
    pub(super) session: Onboarded,
    pub(super) demanded: NetworkProofLevel,
    pub(super) recipient: Recipient,
    pub(super) recipient_key: AgreementKey,
    /// Where datagrams to the provisioning server go.
    pub(super) relay: SocketAddr,
    /// Where tunnels to the portal are opened.
    pub(super) proxy: SocketAddr,
}

impl Admitted {
    /// When the session ends, in seconds since 1970, UTC.
    pub(super) const fn expires(&self) -> u64 {
        self.session.parameters.expires
    }

    /// The code that the portal shows too: six digits of the transcript.
    ///
    /// `None` where the network proves itself to the device: then no stranger can stand between.
    pub(super) fn match_code(&self) -> Option<String> {
        let proves_itself =
            self.session.network_proof.is_some() || self.demanded == NetworkProofLevel::ClaimSecret;
        (!proves_itself).then(|| match_code(&self.session.transcript_hash))
    }
}

/// The first eight octets of SHA-256 over `["berth/match/1", th]`, modulo 10^6.
fn match_code(transcript_hash: &[u8; 32]) -> String {
    let named = cbor::array([cbor::text("berth/match/1"), cbor::bytes(transcript_hash)]);
    let [a, b, c, d, e, f, g, h, ..] = sha256(named.as_slice());
    let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 1_000_000;
    format!("{number:06}")
}

/// How the network has to prove itself: by the label where nobody can read a portal, otherwise by an
/// operator's chain where the manufacturer installed roots.
pub(super) const fn demanded_proof(device: &DeviceRecord) -> NetworkProofLevel {
    if device.headless && has_claim_secret(device) {
        NetworkProofLevel::ClaimSecret
    } else if !device.operator_roots.is_empty() {
        NetworkProofLevel::OperatorChain
    } else {
        NetworkProofLevel::None
    }
}

/// Start to Accept, and the limited connectivity that follows.
pub(super) async fn authenticate(
    directory: &Directory,
    device: &DeviceRecord,
    identity: &SigningKey,
    n1: &mut N1,
    network: &Network,
) -> Result<Admitted, UeError> {
    let roots = OperatorRoots::new(device.operator_roots.clone());
    let demanded = demanded_proof(device);
    let refused = |error: onboarding::device::DeviceError| {
        UeError::untrusted_because(OPERATION, error.cause(), error)
    };
    let (mut awaiting, mut frame) = offer(device, identity, network, demanded)?
        .start()
        .map_err(refused)?;
    let challenged = loop {
        let answer = ask(n1, frame, network, START_LIMIT).await?;
        match awaiting
            .receive(&answer, &roots, Some(unix_seconds()))
            .map_err(refused)?
        {
            // The state follows at most two.
            ChallengeAnswer::Retry(again) => frame = again,
            ChallengeAnswer::Challenged(challenged) => break *challenged,
            ChallengeAnswer::Rejected(reject) => return Err(rejected(&reject)),
        }
    };

    let (recipient, recipient_key) = recipient(directory, device)?;
    let options = ProofOptions {
        recipient: recipient.clone(),
        evidence: None,
        counter: None,
    };
    let (awaiting, proof) = challenged.prove(identity, options).map_err(refused)?;
    let answer = match ask(n1, proof, network, PROOF_LIMIT).await {
        // The same octets again: the network answers them as it did, or would have done.
        Err(UeError::TimedOut { .. }) => {
            ask(n1, awaiting.proof_frame(), network, PROOF_LIMIT).await?
        }
        answered => answered?,
    };
    let session = match awaiting.receive(&answer).map_err(refused)? {
        AcceptAnswer::Onboarded(session) => *session,
        AcceptAnswer::Rejected(reject) => return Err(rejected(&reject)),
    };

    let connectivity = n1.receive(OPERATION, START_LIMIT).await?;
    let Downlink::LimitedConnectivity(connectivity) = connectivity else {
        return Err(UeError::untrusted(OPERATION, Cause::MalformedMessage));
    };
    let address = |text: &str| {
        text.parse::<SocketAddr>().map_err(|error| {
            UeError::untrusted_because(OPERATION, Cause::MandatoryElementIncorrect, error)
        })
    };
    Ok(Admitted {
        relay: address(&connectivity.provisioning_relay)?,
        proxy: address(&connectivity.connect_proxy)?,
        session,
        demanded,
        recipient,
        recipient_key,
    })
}

fn offer(
    device: &DeviceRecord,
    identity: &SigningKey,
    network: &Network,
    demanded: NetworkProofLevel,
) -> Result<Offer, UeError> {
    let keys = [Suite::X25519, Suite::P256]
        .into_iter()
        .map(agreement_key)
        .collect::<Result<_, _>>()?;
    let chain = match device.presentation {
        CertificatePresentation::Inline => vec![device.certificate.clone()],
        CertificatePresentation::Url => Vec::new(),
    };
    Ok(Offer {
        keys,
        certificate: CertificateReference::Url {
            url: device.certificate_url.clone(),
            sha256: Some(sha256(&device.certificate)),
        },
        chain,
        nonce: random::array(),
        class: if device.headless {
            DeviceClass::Headless
        } else {
            DeviceClass::Headed
        },
        serving_network: network.serving_network_name.clone(),
        key_id: identity.key_id(),
        demanded,
    })
}

/// The key that the package will be sealed to, as the device names it and as it opens with it.
fn recipient(
    directory: &Directory,
    device: &DeviceRecord,
) -> Result<(Recipient, AgreementKey), UeError> {
    match device.recipient {
        // Lives in memory only, like the session.
        PackageRecipient::CertBound => {
            let key = agreement_key(Kem::X25519.suite())?;
            let recipient = Recipient::CertBound(RecipientKey {
                kem: Kem::X25519,
                public: key.public().to_vec(),
            });
            Ok((recipient, key))
        }
        PackageRecipient::CertDirect => {
            let identity = crate::identity::private_key(directory)?;
            let key = AgreementKey::new(Kem::P256.suite(), identity)
                .map_err(|error| UeError::internal("read the identity key", error))?;
            Ok((Recipient::CertDirect, key))
        }
    }
}

fn agreement_key(suite: Suite) -> Result<AgreementKey, UeError> {
    AgreementKey::new(suite, random::private_key())
        .map_err(|error| UeError::internal("make an ephemeral key", error))
}

async fn ask(
    n1: &mut N1,
    frame: Vec<u8>,
    network: &Network,
    within: Duration,
) -> Result<Vec<u8>, UeError> {
    let message = Uplink::Owa(OwaMessage {
        frame,
        network_id: network.network_id.clone(),
    });
    match n1.ask(OPERATION, message, within).await? {
        Downlink::Owa(answer) => Ok(answer.frame),
        _ => Err(UeError::untrusted(OPERATION, Cause::MalformedMessage)),
    }
}

fn rejected(reject: &Reject) -> UeError {
    UeError::Refused {
        operation: OPERATION,
        cause: reject.known_cause().unwrap_or(Cause::UpstreamFailure),
        retry_after: reject.pause(),
    }
}

const OPERATION: &str = "one-way authentication";
const START_LIMIT: Duration = Duration::from_secs(10);
/// The network fetches the certificate meanwhile.
const PROOF_LIMIT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_match_code_has_six_digits_and_follows_the_transcript() {
        let code = match_code(&[7; 32]);
        assert_eq!(code.len(), 6);
        assert!(code.bytes().all(|octet| octet.is_ascii_digit()));
        assert_eq!(code, match_code(&[7; 32]));
        assert_ne!(code, match_code(&[8; 32]));
    }
}
