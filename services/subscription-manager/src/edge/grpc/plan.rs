//! Plans, as operators keep them.

use cause::Cause;
use identifiers::{Fqdn, PlanId, Plmn, RoutingIndicator, TenantId};
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::plan_service_server::PlanService;
use nf_api::status::refuse;
use nf_runtime::procedure::answer;
use tonic::{Request, Response, Status, async_trait};

use super::Edge;
use crate::plan::{NumberRange, Plan};
use crate::procedures::keep_plans::{PlanError, delete_plan, list_plans, put_plan};

#[async_trait]
impl PlanService for Edge {
    async fn put(
        &self,
        request: Request<pb::PutPlanRequest>,
    ) -> Result<Response<pb::PutPlanResponse>, Status> {
        let message = request
            .into_inner()
            .plan
            .ok_or_else(|| refuse(Cause::MandatoryElementMissing))?;
        let plan = plan(message).ok_or_else(|| refuse(Cause::MalformedMessage))?;
        let put = put_plan(&self.context, &plan);
        answer(&self.metrics, "put_plan", put, PlanError::cause).await?;
        Ok(Response::new(pb::PutPlanResponse {}))
    }

    async fn list(
        &self,
        _: Request<pb::ListPlansRequest>,
    ) -> Result<Response<pb::ListPlansResponse>, Status> {
        let plans = answer(
            &self.metrics,
            "list_plans",
            list_plans(&self.context),
            PlanError::cause,
        )
        .await?;
        Ok(Response::new(pb::ListPlansResponse {
            plans: plans.into_iter().map(message).collect(),
        }))
    }

    async fn delete(
        &self,
        request: Request<pb::DeletePlanRequest>,
    ) -> Result<Response<pb::DeletePlanResponse>, Status> {
        let plan_id =
            PlanId::parse(&request.get_ref().plan_id).map_err(|error| refuse(error.cause()))?;
        let deleted = delete_plan(&self.context, &plan_id);
        answer(&self.metrics, "delete_plan", deleted, PlanError::cause).await?;
        Ok(Response::new(pb::DeletePlanResponse {}))
    }
}

fn plan(message: pb::Plan) -> Option<Plan> {
    let msisdns = match (message.first_msisdn.as_str(), message.last_msisdn.as_str()) {
        ("", "") => None,
        (first, last) => Some(NumberRange::parse(first, last)?),
    };
    Some(Plan {
        plan_id: PlanId::parse(&message.plan_id).ok()?,
        name: message.name,
        price: message.price,
        plmn: Plmn::new(&message.mcc, &message.mnc).ok()?,
        msins: NumberRange::parse(&message.first_msin, &message.last_msin)?,
        msisdns,
        routing_indicator: RoutingIndicator::parse(&message.routing_indicator).ok()?,
        ue_service_id_domain: message.ue_service_id_domain,
        msgin5g_server_uri: message.msgin5g_server_uri,
        msgin5g_af_fqdn: Fqdn::parse(&message.msgin5g_af_fqdn).ok()?,
        dnn: message.dnn,
        tenant_id: TenantId::parse(&message.tenant_id).ok()?,
        self_service: message.self_service,
    })
}

fn message(plan: Plan) -> pb::Plan {
    let msisdns = plan.msisdns.as_ref();
    pb::Plan {
        plan_id: plan.plan_id.as_str().to_owned(),
        name: plan.name,
        price: plan.price,
        mcc: plan.plmn.mcc().to_owned(),
        mnc: plan.plmn.mnc().to_owned(),
        first_msin: plan.msins.first(),
        last_msin: plan.msins.last(),
        first_msisdn: msisdns.map(NumberRange::first).unwrap_or_default(),
        last_msisdn: msisdns.map(NumberRange::last).unwrap_or_default(),
        routing_indicator: plan.routing_indicator.as_str().to_owned(),
        ue_service_id_domain: plan.ue_service_id_domain,
        msgin5g_server_uri: plan.msgin5g_server_uri,
        msgin5g_af_fqdn: plan.msgin5g_af_fqdn.as_str().to_owned(),
        dnn: plan.dnn,
        tenant_id: plan.tenant_id.as_str().to_owned(),
        self_service: plan.self_service,
    }
}
