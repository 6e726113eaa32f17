//! Header and profile of a package, written before it is sealed, so that sealing can be repeated.

use std::time::Duration;

use cause::Cause;
use identifiers::{OnboardingSession, PackageId};
use onboarding::server::verify_proof;
use onboarding::{NetworkProofLevel, Recipient};
use provisioning::profile::{
    Access, Applications, Fallback, Management, MsgIn5g, OperatorName, PduSessionType, Pin,
    Plan as ProfilePlan, Service, Slice,
};
use provisioning::{PackageHeader, Profile, VerifiedKeyset};
use store::Record as _;

use super::{Enrolling, Outcome, StepError};
use crate::records::{Delivery, DeliveryState, EnrolmentRecord, SessionRecord, parsed};

/// Makes header and profile for the newest session: the same package and credential set, sealed once more.
pub(super) async fn prepare(enrolling: &Enrolling<'_>) -> Result<Outcome, StepError> {
    let context = enrolling.context;
    let Some(session) = &enrolling.session else {
        return Ok(enrolling.record().clone().into());
    };
    let session = &session.record;
    let now_ms = context.now_ms();
    let mut next = enrolling.record().clone();
    if next.package_id.is_empty() {
        next.package_id = PackageId::generate(now_ms, context.random.array())
            .as_str()
            .to_owned();
    }
    next.seal_seq += 1;
    let not_after = (now_ms / 1000).saturating_add(context.settings.package_lifetime.as_secs());
    let header = header(enrolling, session, &next, not_after)?;
    let profile = profile(enrolling, &next, not_after).await?;
    next.delivery = Some(Delivery {
        session: enrolling.device.session.clone(),
        state: DeliveryState::Created.into(),
        header: header.encode(),
        profile: profile.encode(),
        ..Delivery::default()
    });
    Ok(next.into())
}

fn header(
    enrolling: &Enrolling<'_>,
    session: &SessionRecord,
    enrolment: &EnrolmentRecord,
    not_after: u64,
) -> Result<PackageHeader, StepError> {
    let known_key = enrolling.device.key()?;
    let proof = verify_proof(&session.transcript(), Some(&known_key))
        .map_err(|error| StepError::Peer(error.cause()))?;
    let recipient = proof
        .recipient_key()
        .map_err(|error| StepError::Peer(error.cause()))?;
    let network_proof = if !enrolment.claim_secret.is_empty() {
        NetworkProofLevel::ClaimSecret
    } else if session.network_proven {
        NetworkProofLevel::OperatorChain
    } else {
        NetworkProofLevel::None
    };
    Ok(PackageHeader {
        package_id: enrolment.package_id()?,
        device_id: enrolling.device_id.clone(),
        recipient_hash: cose::sha256(&recipient.public),
        cert_direct: proof.recipient == Recipient::CertDirect,
        kem: recipient.kem,
        session: parsed(
            SessionRecord::KIND,
            &enrolling.device.session,
            OnboardingSession::parse,
        )?,
        seal_seq: enrolment.seal_seq,
        created: enrolling.context.now_ms() / 1000,
        not_after,
        network_proof,
        supersedes: enrolment.supersedes()?,
    })
}

async fn profile(
    enrolling: &Enrolling<'_>,
    enrolment: &EnrolmentRecord,
    not_after: u64,
) -> Result<Profile, StepError> {
    let context = enrolling.context;
    let plan = enrolment.plan()?;
    let suci_keys = context
        .vault
        .home_network_keys()
        .await
        .map_err(StepError::Peer)?;
    let operator = context
        .vault
        .operator_keys()
        .await
        .map_err(StepError::Peer)?;
    let keyset = VerifiedKeyset::verify(&operator.keyset, Some(context.now_ms() / 1000));
    // A keyset of ours that does not hold is for a person to mend; until then devices wait.
    let keyset = keyset.map_err(|_| StepError::Peer(Cause::Internal))?;
    Ok(Profile {
        package_id: enrolment.package_id()?,
        subscription_id: enrolment.subscription_id()?,
        device_id: enrolling.device_id.clone(),
        credential_set_id: enrolment.credential_set_id()?,
        credential_epoch: enrolment.credential_epoch,
        access: Access {
            home: plan.plmn.clone(),
            equivalent: Vec::new(),
            routing_indicator: plan.routing_indicator.clone(),
            suci_keys,
            snpn: None,
            access_identities: Vec::new(),
            uac: None,
        },
        service: Service {
            slices: vec![Slice {
                s_nssai: vec![SST_MIOT],
                dnn: plan.dnn.clone(),
                session_type: PduSessionType::Ipv4v6,
                five_qi: None,
                ambr_uplink: None,
                ambr_downlink: None,
                default: Some(true),
            }],
            gpsis: enrolment.gpsi()?.into_iter().collect(),
            plan: Some(ProfilePlan {
                id: plan.plan_id.clone(),
                name: plan.name.clone(),
                limits: None,
                valid_from: Some(enrolment.created_at_ms / 1000),
                valid_until: None,
            }),
            ..Service::default()
        },
        applications: Applications {
            msgin5g: Some(MsgIn5g {
                server_uri: plan.msgin5g_server_uri.clone(),
                ue_service_id: enrolment.ue_service_id()?,
                configuration_uri: None,
                dtls_suites: vec![TLS_PSK_WITH_AES_128_CCM_8, TLS_PSK_WITH_AES_128_GCM_SHA256],
            }),
            akma_afs: vec![plan.msgin5g_af_fqdn.clone()],
            ..Applications::default()
        },
        management: Management {
            operator: OperatorName {
                id: operator.operator_id,
                name: context.settings.operator_name.clone(),
                logo_hash: None,
            },
            pin: Pin {
                root: keyset.root,
                least_keyset_version: keyset.keyset.version,
            },
            update_endpoints: vec![format!("{}/update", context.settings.provisioning_uri)],
            vault_keys: Vec::new(),
            fallback: Some(Fallback::OnboardAgain),
            rollback: None,
            contact_seconds: Some(CONTACT.as_secs()),
            owner_key_hash: None,
        },
        not_after,
        supersedes: enrolment.supersedes()?,
    })
}

/// Slice/service type "massive IoT" (TS 23.501 5.15.2.2).
const SST_MIOT: u8 = 3;
/// RFC 6655, RFC 5487.
const TLS_PSK_WITH_AES_128_CCM_8: u16 = 0xc0a8;
const TLS_PSK_WITH_AES_128_GCM_SHA256: u16 = 0x00a8;
/// A device shows up at least once in this time, so that updates of its credentials reach it.
const CONTACT: Duration = Duration::from_secs(30 * 86_400);
