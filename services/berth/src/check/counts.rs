//! What the installation has been told: manufacturers, plans, policies.

use anyhow::Result;
use nf_api::NetworkFunction;
use nf_api::pb::aanf::ListAccessPoliciesRequest;
use nf_api::pb::aanf::access_policy_service_client::AccessPolicyServiceClient;
use nf_api::pb::ausf::ListManufacturersRequest;
use nf_api::pb::ausf::manufacturer_service_client::ManufacturerServiceClient;
use nf_api::pb::subscription_manager::ListPlansRequest;
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use nf_runtime::about::Finding;

use super::finding::{advice, bad, good};
use crate::operator::Operator;

/// Counts everything that an operator registers.
pub(super) async fn look(operator: &Operator<'_>) -> Vec<Finding> {
    vec![
        counted(
            "manufacturers",
            manufacturers(operator).await,
            "no manufacturer is registered: no device can onboard",
        ),
        counted(
            "plans",
            plans(operator).await,
            "there is no plan: nobody can sign up",
        ),
        counted(
            "access policies",
            policies(operator).await,
            "no application function may use AKMA: no device can register",
        ),
    ]
}

async fn manufacturers(operator: &Operator<'_>) -> Result<usize> {
    let mut client = ManufacturerServiceClient::new(operator.channel(NetworkFunction::Ausf)?);
    let listed = client.list(ListManufacturersRequest {}).await?.into_inner();
    Ok(listed.manufacturers.len())
}

async fn plans(operator: &Operator<'_>) -> Result<usize> {
    let channel = operator.channel(NetworkFunction::SubscriptionManager)?;
    let listed = PlanServiceClient::new(channel)
        .list(ListPlansRequest {})
        .await?
        .into_inner();
    Ok(listed.plans.len())
}

async fn policies(operator: &Operator<'_>) -> Result<usize> {
    let mut client = AccessPolicyServiceClient::new(operator.channel(NetworkFunction::Aanf)?);
    let listed = client
        .list(ListAccessPoliciesRequest {})
        .await?
        .into_inner();
    Ok(listed.policies.len())
}

fn counted(about: &str, count: Result<usize>, none: &str) -> Finding {
    match count {
        Ok(0) => advice(about, none),
        Ok(count) => good(about, count.to_string()),
        Err(error) => bad(about, format!("{error:#}")),
    }
}
