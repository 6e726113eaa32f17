//! Profile delivery, as the AuSF and operators see it.

use cause::Cause;
use identifiers::{CredentialSetId, SubscriptionId};
use nf_api::convert::device_id;
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::delivery_service_server::DeliveryService;
use nf_api::pb::subscription_manager::get_delivery_response::State;
use nf_api::status::refuse;
use nf_runtime::procedure::answer;
use tonic::{Request, Response, Status, async_trait};

use super::Edge;
use crate::procedures::activate_credential::{ActivateError, activate_credential};
use crate::records::{DeliveryState, EnrolmentRecord};

#[async_trait]
impl DeliveryService for Edge {
    async fn credential_activated(
        &self,
        request: Request<pb::CredentialActivatedRequest>,
    ) -> Result<Response<pb::CredentialActivatedResponse>, Status> {
        let request = request.get_ref();
        let subscription_id = SubscriptionId::parse(&request.subscription_id)
            .map_err(|error| refuse(error.cause()))?;
        let device_id = device_id(&request.device_id).map_err(refuse)?;
        let set = CredentialSetId::parse(&request.credential_set_id)
            .map_err(|error| refuse(error.cause()))?;
        let activated = activate_credential(&self.context, &subscription_id, &device_id, &set);
        answer(
            &self.metrics,
            "activate_credential",
            activated,
            ActivateError::cause,
        )
        .await?;
        Ok(Response::new(pb::CredentialActivatedResponse {}))
    }

    async fn get(
        &self,
        request: Request<pb::GetDeliveryRequest>,
    ) -> Result<Response<pb::GetDeliveryResponse>, Status> {
        let device_id = device_id(&request.get_ref().device_id).map_err(refuse)?;
        let read = async {
            let tag = self.context.device_tag(&device_id)?;
            self.context.store.read::<EnrolmentRecord>(&tag).await
        };
        let found = answer(&self.metrics, "get_delivery", read, store::Error::cause).await?;
        let enrolment = found.ok_or_else(|| refuse(Cause::NotFound))?.record;
        Ok(Response::new(pb::GetDeliveryResponse {
            state: state(&enrolment).into(),
            subscription_id: enrolment.subscription_id,
            package_id: enrolment.package_id,
            ue_service_id: enrolment.ue_service_id,
        }))
    }
}

fn state(enrolment: &EnrolmentRecord) -> State {
    if enrolment.is_in_service() {
        return State::Active;
    }
    let delivery = enrolment.delivery.as_ref();
    let failed = enrolment.failure != 0 || delivery.is_some_and(|delivery| delivery.failure != 0);
    match delivery.map(crate::records::Delivery::state) {
        _ if failed => State::Rejected,
        None | Some(DeliveryState::Unspecified | DeliveryState::Created) => State::Created,
        Some(DeliveryState::Offered) => State::Offered,
        Some(DeliveryState::Fetched) => State::Fetched,
        Some(DeliveryState::Installed) => State::Installed,
        Some(DeliveryState::Active) => State::Active,
        Some(DeliveryState::Rejected) => State::Rejected,
    }
}
