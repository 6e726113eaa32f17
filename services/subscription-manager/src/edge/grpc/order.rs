//! Orders, as operators place them.

use cause::Cause;
use identifiers::{OrderId, PlanId};
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::get_order_response::State;
use nf_api::pb::subscription_manager::order_service_server::OrderService;
use nf_api::status::refuse;
use nf_runtime::procedure::answer;
use provisioning::ClaimSecret;
use secret::SecretBytes;
use tonic::{Request, Response, Status, async_trait};

use super::Edge;
use crate::procedures::create_order::{NewOrder, OrderError, create_order, get_order};

#[async_trait]
impl OrderService for Edge {
    async fn create(
        &self,
        request: Request<pb::CreateOrderRequest>,
    ) -> Result<Response<pb::CreateOrderResponse>, Status> {
        let order = order(request.into_inner()).map_err(refuse)?;
        let created = create_order(&self.context, &order);
        let placed = answer(&self.metrics, "create_order", created, OrderError::cause).await?;
        Ok(Response::new(pb::CreateOrderResponse {
            order_id: placed.order_id.as_str().to_owned(),
            order_code: placed.code.unwrap_or_default(),
        }))
    }

    async fn get(
        &self,
        request: Request<pb::GetOrderRequest>,
    ) -> Result<Response<pb::GetOrderResponse>, Status> {
        let order_id =
            OrderId::parse(&request.get_ref().order_id).map_err(|error| refuse(error.cause()))?;
        let got = async {
            let order = get_order(&self.context, &order_id).await?;
            Ok((order.plan()?, order.redeemed_by))
        };
        let (plan, redeemed_by) =
            answer(&self.metrics, "get_order", got, OrderError::cause).await?;
        let state = if redeemed_by.is_empty() {
            State::Open
        } else {
            State::Redeemed
        };
        Ok(Response::new(pb::GetOrderResponse {
            state: state.into(),
            plan_id: plan.plan_id.as_str().to_owned(),
        }))
    }
}

fn order(request: pb::CreateOrderRequest) -> Result<NewOrder, Cause> {
    if !(1..=128).contains(&request.idempotency_key.len()) {
        return Err(Cause::MandatoryElementIncorrect);
    }
    let label = match (request.manufacturer.as_str(), request.serial.as_str()) {
        ("", "") => None,
        ("", _) | (_, "") => return Err(Cause::MandatoryElementMissing),
        (manufacturer, serial) if manufacturer.len() > 255 || serial.len() > 255 => {
            return Err(Cause::MandatoryElementIncorrect);
        }
        _ => Some((request.manufacturer, request.serial)),
    };
    let claim_secret = request
        .claim_secret
        .map(|secret| secret.value)
        .filter(|secret| !secret.is_empty());
    let claim_secret = claim_secret
        .map(|secret| ClaimSecret::new(SecretBytes::new(secret)).map_err(|error| error.cause()));
    Ok(NewOrder {
        idempotency_key: request.idempotency_key,
        plan_id: PlanId::parse(&request.plan_id).map_err(|error| error.cause())?,
        label,
        claim_secret: claim_secret.transpose()?,
    })
}
