//! Associations as messages.

use cause::Cause;
use identifiers::{Gpsi, SubscriptionId, TenantId};
use nf_api::convert::{supi, ue_service_id};
use nf_api::pb::configuration_management as pb;

use crate::association::{Association, Kind};

const MAX_ASSOCIATION_ID: usize = 64;

pub(super) fn association(message: Option<pb::Association>) -> Result<Association, Cause> {
    let message = message.ok_or(Cause::MandatoryElementMissing)?;
    if message.association_id.is_empty() {
        return Err(Cause::MandatoryElementMissing);
    }
    if message.association_id.len() > MAX_ASSOCIATION_ID {
        return Err(Cause::MandatoryElementIncorrect);
    }
    let kind = match message.kind() {
        pb::association::Kind::Direct => Kind::Direct,
        pb::association::Kind::Behind => Kind::Behind(supi(&message.gateway_ue_id)?),
        pb::association::Kind::Unspecified => return Err(Cause::MandatoryElementMissing),
    };
    let gpsi = match message.gpsi.as_str() {
        "" => None,
        text => Some(Gpsi::parse(text).map_err(|error| error.cause())?),
    };
    Ok(Association {
        subscription_id: subscription_id(&message.subscription_id)?,
        supi: supi(&message.supi)?,
        gpsi,
        ue_service_id: ue_service_id(&message.ue_service_id)?,
        tenant_id: TenantId::parse(&message.tenant_id).map_err(|error| error.cause())?,
        kind,
        association_id: message.association_id,
    })
}

pub(super) fn subscription_id(text: &str) -> Result<SubscriptionId, Cause> {
    SubscriptionId::parse(text).map_err(|error| error.cause())
}

pub(super) fn message(association: &Association) -> pb::Association {
    let (kind, gateway) = match &association.kind {
        Kind::Direct => (pb::association::Kind::Direct, ""),
        Kind::Behind(gateway) => (pb::association::Kind::Behind, gateway.as_text()),
    };
    pb::Association {
        association_id: association.association_id.clone(),
        subscription_id: association.subscription_id.as_str().to_owned(),
        supi: association.supi.as_text().to_owned(),
        gpsi: association
            .gpsi
            .as_ref()
            .map(|gpsi| gpsi.as_str().to_owned())
            .unwrap_or_default(),
        ue_service_id: association.ue_service_id.as_str().to_owned(),
        tenant_id: association.tenant_id.as_str().to_owned(),
        kind: kind.into(),
        gateway_ue_id: gateway.to_owned(),
    }
}
