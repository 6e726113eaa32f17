//! Opening the package and writing the profile into the free slot.

use std::net::SocketAddr;

use cause::Cause;
use cose::cbor::Item;
use cose::{ObjectType, SignedObject, SigningKey, sha256};
use identifiers::{DeviceId, OnboardingSession};
use provisioning::{
    ClaimSecret, Installed as Previous, OpenContext, OpenedPackage, PackageHeader, Receipt,
    ReceiptResult, insert_secret, open_package,
};
use secret::OwaKey;

use super::Onboarded;
use super::owa::Admitted;
use crate::agent::unix_seconds;
use crate::credentials::Credentials;
use crate::error::UeError;
use crate::network::Network;
use crate::state::{DeviceRecord, Directory, PendingReceipt, Slot, SlotName, SlotState};

/// A signed receipt, ready to send.
pub(super) struct PreparedReceipt {
    pub(super) octets: Vec<u8>,
}

/// A profile that was written into its slot.
pub(super) struct Installed {
    name: SlotName,
    opened: OpenedPackage,
    pub(super) receipt: PreparedReceipt,
}

/// A package that was not installed.
pub(super) struct Refused {
    pub(super) error: UeError,
    /// Tells the network why.
    pub(super) receipt: Option<PreparedReceipt>,
}

/// A receipt that an earlier run left.
pub(super) struct Pending {
    name: SlotName,
    pub(super) receipt: PreparedReceipt,
    pub(super) relay: SocketAddr,
    pub(super) session: OnboardingSession,
    pub(super) pdp_dtls: OwaKey,
}

/// Where a receipt was noted as pending.
pub(super) trait Noted {
    fn slot(&self) -> SlotName;
}

impl Noted for Installed {
    fn slot(&self) -> SlotName {
        self.name
    }
}

impl Noted for Pending {
    fn slot(&self) -> SlotName {
        self.name
    }
}

impl Installed {
    pub(super) fn onboarded(self, network: &Network, receipt_delivered: bool) -> Onboarded {
        let profile = self.opened.profile;
        Onboarded {
            network_id: network.network_id.clone(),
            package_id: profile.package_id,
            subscription_id: profile.subscription_id,
            credential_set_id: profile.credential_set_id,
            operator: profile.management.operator.name,
            network_proof: self.opened.header.network_proof,
            receipt_delivered,
        }
    }
}

/// Verifies, opens, and writes the slot with the receipt in it, so that no crash separates the two.
pub(super) fn install(
    directory: &Directory,
    device: &DeviceRecord,
    identity: &SigningKey,
    admitted: &Admitted,
    package: &[u8],
) -> Result<Installed, Refused> {
    let silent = |error: UeError| Refused {
        error,
        receipt: None,
    };
    let device_id = DeviceId::from_spki_sha256(identity.key_id().as_bytes());
    let claim_secret = claim_secret(device).map_err(silent)?;
    let previous = Credentials::proven(directory).map_err(silent)?;
    let installed = previous.as_ref().map(|set| Previous {
        root: set.profile.management.pin.root,
        keyset: &set.slot.keyset,
        least_keyset_version: set.profile.management.pin.least_keyset_version,
        credential_epoch: set.profile.credential_epoch,
        superseded: set.profile.supersedes.as_ref(),
    });
    let context = OpenContext {
        device_id: &device_id,
        session: &admitted.session.parameters.session,
        transcript_hash: &admitted.session.transcript_hash,
        package_key: &admitted.session.keys.package,
        claim_secret: claim_secret.as_ref(),
        recipient: &admitted.recipient,
        recipient_key: &admitted.recipient_key,
        demanded: admitted.demanded,
        network_proof: admitted.session.network_proof.as_ref(),
        installed,
        now: Some(unix_seconds()),
    };
    let opened = open_package(package, &context).map_err(|error| Refused {
        receipt: rejection(package, identity, error.cause()),
        error: UeError::untrusted_because(OPERATION, error.cause(), error),
    })?;
    let keyset = carried_keyset(package)
        .map(<[u8]>::to_vec)
        .or_else(|| previous.as_ref().map(|set| set.slot.keyset.clone()))
        .ok_or_else(|| silent(UeError::untrusted(OPERATION, Cause::KeysetInvalid)))?;
    write(directory, identity, admitted, opened, keyset).map_err(silent)
}

fn write(
    directory: &Directory,
    identity: &SigningKey,
    admitted: &Admitted,
    opened: OpenedPackage,
    keyset: Vec<u8>,
) -> Result<Installed, UeError> {
    let failed = |error: cose::cbor::DecodeError| UeError::internal(OPERATION, error);
    let profile = insert_secret(&opened.profile.encode(), &opened.secret).map_err(failed)?;
    let receipt = Receipt {
        package_id: opened.header.package_id.clone(),
        seal_seq: opened.header.seal_seq,
        result: ReceiptResult::Installed,
        package_sha256: opened.sha256,
        agent: AGENT.to_owned(),
        time: unix_seconds(),
        cause: None,
    };
    let receipt = receipt
        .sign(identity)
        .map_err(|error| UeError::internal(OPERATION, error))?;
    let slots = Slot::all(directory)?;
    let newest = slots.iter().map(|(_, slot)| slot.generation).max();
    // Never over the set that the network holds.
    let kept = slots
        .iter()
        .find(|(_, slot)| slot.state != SlotState::Installed);
    let name = kept.map_or(SlotName::B, |(name, _)| name.other());
    let first = aka::Sqn::from_octets(opened.secret.sqn).seq();
    let slot = Slot {
        state: SlotState::Installed,
        generation: newest.map_or(1, |generation| generation.saturating_add(1)),
        profile: profile.expose().to_vec(),
        keyset,
        sqn: vec![first; aka::Sqn::INDEXES],
        receipt: Some(PendingReceipt {
            receipt: receipt.clone(),
            session: admitted.session.parameters.session.as_bytes().to_vec(),
            pdp_dtls: admitted.session.keys.pdp_dtls.expose().to_vec(),
            relay: admitted.relay.to_string(),
            expires: admitted.expires(),
        }),
    };
    slot.write(directory, name)?;
    // A candidate that never proved itself makes room for its successor.
    let superseded = slots
        .iter()
        .filter(|(other, slot)| *other != name && slot.state == SlotState::Installed);
    for (other, _) in superseded {
        Slot::erase(directory, *other)?;
    }
    Ok(Installed {
        name,
        opened,
        receipt: PreparedReceipt { octets: receipt },
    })
}

/// Forgets the way to deliver a receipt, and its key, once it is delivered.
pub(super) fn receipt_delivered(directory: &Directory, noted: &impl Noted) -> Result<(), UeError> {
    if let Some(mut slot) = Slot::read(directory, noted.slot())? {
        slot.receipt = None;
        slot.write(directory, noted.slot())?;
    }
    Ok(())
}

/// The receipt that an earlier run left, if its session still lives.
pub(super) fn pending_receipt(directory: &Directory) -> Result<Option<Pending>, UeError> {
    for (name, slot) in Slot::all(directory)? {
        let Some(pending) = slot
            .receipt
            .as_ref()
            .filter(|pending| pending.expires > unix_seconds())
        else {
            continue;
        };
        let read = (
            pending.relay.parse(),
            OnboardingSession::try_from_slice(&pending.session),
            OwaKey::try_from_slice(&pending.pdp_dtls),
        );
        if let (Ok(relay), Ok(session), Ok(pdp_dtls)) = read {
            let octets = pending.receipt.clone();
            return Ok(Some(Pending {
                name,
                receipt: PreparedReceipt { octets },
                relay,
                session,
                pdp_dtls,
            }));
        }
    }
    Ok(None)
}

fn claim_secret(device: &DeviceRecord) -> Result<Option<ClaimSecret>, UeError> {
    let text = device.label.claim_secret.as_deref();
    text.map(ClaimSecret::parse)
        .transpose()
        .map_err(|error| UeError::internal("read the claim secret", error))
}

/// A signed receipt that says why; `None` where the package does not even say which one it is.
fn rejection(package: &[u8], identity: &SigningKey, cause: Cause) -> Option<PreparedReceipt> {
    let object = SignedObject::decode(package, ObjectType::Profile).ok()?;
    let payload = Item::decode(object.unverified_payload()?).ok()?;
    let header = payload
        .map(&[1, 2, 3, 4])
        .ok()?
        .required(1, Item::bytes)
        .ok()?;
    let header = PackageHeader::decode(header).ok()?;
    let receipt = Receipt {
        package_id: header.package_id,
        seal_seq: header.seal_seq,
        result: ReceiptResult::Rejected,
        package_sha256: sha256(package),
        agent: AGENT.to_owned(),
        time: unix_seconds(),
        cause: Some(cause.number()),
    };
    let octets = receipt.sign(identity).ok()?;
    Some(PreparedReceipt { octets })
}

/// The keyset inside a package that was opened.
fn carried_keyset(package: &[u8]) -> Option<&[u8]> {
    let object = SignedObject::decode(package, ObjectType::Profile).ok()?;
    let payload = Item::decode(object.unverified_payload()?).ok()?;
    payload
        .map(&[1, 2, 3, 4])
        .ok()?
        .optional(4, Item::bytes)
        .ok()?
}

const OPERATION: &str = "install the profile";
const AGENT: &str = concat!("berth-ue/", env!("CARGO_PKG_VERSION"));
