//! Between messages and procedures.

use aka::{Auts, Rand};
use cause::Cause;
use identifiers::{
    CredentialSetId, Gpsi, ParseIdentifierError, RoutingIndicator, SubscriptionId, TenantId,
};
use key_hierarchy::ecies::HomeNetworkKey;
use nf_api::convert::{device_id, fixed, key, owa_key, serving_network_name, supi};
use nf_api::pb::vault as pb;

use crate::procedures::get_vector::{GetVector, Resync, Subscriber, Vector};
use crate::procedures::mint::Mint;
use crate::procedures::seal::Seal;

pub(super) fn mint(request: pb::MintRequest) -> Result<Mint, Cause> {
    let gpsi = match request.gpsi.as_str() {
        "" => None,
        text => Some(parse(text, Gpsi::parse)?),
    };
    Ok(Mint {
        supi: supi(&request.supi)?,
        device_id: device_id(&request.device_id)?,
        subscription_id: parse(&request.subscription_id, SubscriptionId::parse)?,
        tenant_id: parse(&request.tenant_id, TenantId::parse)?,
        routing_indicator: parse(&request.routing_indicator, RoutingIndicator::parse)?,
        akma_allowed: request.akma_allowed,
        gpsi,
        idempotency_key: request.idempotency_key,
    })
}

pub(super) fn seal(request: pb::SealRequest) -> Result<Seal, Cause> {
    Ok(Seal {
        credential_set_id: credential_set_id(&request.credential_set_id)?,
        start: request.start,
        challenge: request.challenge,
        proof: request.proof,
        header: request.header,
        profile: request.profile,
        psk: owa_key(request.psk)?,
        identity_spki: request.identity_spki,
    })
}

pub(super) fn credential_set_id(text: &str) -> Result<CredentialSetId, Cause> {
    parse(text, CredentialSetId::parse)
}

pub(super) fn get_vector(request: &pb::GetVectorRequest) -> Result<GetVector, Cause> {
    let resync = request.resynchronization.as_ref().map(|resync| {
        Ok::<_, Cause>(Resync {
            rand: Rand::new(fixed(&resync.rand)?),
            auts: Auts::new(fixed(&resync.auts)?),
        })
    });
    Ok(GetVector {
        subscriber: Subscriber::parse(&request.supi_or_suci)?,
        serving_network_name: serving_network_name(&request.serving_network_name)?,
        resync: resync.transpose()?,
    })
}

pub(super) fn vector(vector: Vector) -> pb::GetVectorResponse {
    pb::GetVectorResponse {
        supi: vector.supi.as_text().to_owned(),
        rand: vector.home.rand.as_octets().to_vec(),
        autn: vector.home.autn.as_octets().to_vec(),
        xres_star: Some(key(vector.home.xres_star.expose())),
        k_ausf: Some(key(vector.home.k_ausf.expose())),
        routing_indicator: vector.routing_indicator.as_str().to_owned(),
        akma_allowed: vector.akma_allowed,
        authentication_epoch: vector.authentication_epoch,
        credential_set_id: vector.credential_set_id.as_str().to_owned(),
        candidate: vector.candidate,
        commit: vector.commit,
        gpsi: vector
            .gpsi
            .map(|gpsi| gpsi.as_str().to_owned())
            .unwrap_or_default(),
        subscription_id: vector.subscription_id.as_str().to_owned(),
        device_id: vector.device_id.as_str().to_owned(),
    }
}

pub(super) fn home_network_key(key: &HomeNetworkKey) -> pb::HomeNetworkKey {
    pb::HomeNetworkKey {
        scheme: key.profile().scheme() as u32,
        id: key.id().into(),
        public_key: key.public_key().as_octets().to_vec(),
    }
}

fn parse<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, ParseIdentifierError>,
) -> Result<T, Cause> {
    if text.is_empty() {
        return Err(Cause::MandatoryElementMissing);
    }
    parse(text).map_err(|error| error.cause())
}
