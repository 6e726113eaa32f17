//! Access policies, from operators.

use std::time::Duration;

use cause::Cause;
use nf_api::convert::fqdn;
use nf_api::pb::aanf as pb;
use nf_api::pb::aanf::access_policy::UeIdForm as PbUeIdForm;
use nf_api::pb::aanf::access_policy_service_server::AccessPolicyService;
use nf_api::status::refuse;
use nf_runtime::metrics::ProcedureMetrics;
use nf_runtime::procedure::answer;
use tonic::{Request, Response, Status, async_trait};

use crate::policy::{AccessPolicy, Policies, UeIdForm};

/// K_AF may live a year at most.
const MAX_LIFETIME: Duration = Duration::from_secs(366 * 86_400);

pub(super) struct Edge {
    pub(super) policies: Policies,
    pub(super) metrics: ProcedureMetrics,
}

#[async_trait]
impl AccessPolicyService for Edge {
    async fn put(
        &self,
        request: Request<pb::PutAccessPolicyRequest>,
    ) -> Result<Response<pb::PutAccessPolicyResponse>, Status> {
        let policy = decode(request.into_inner().policy).map_err(refuse)?;
        tracing::info!(
            af = policy.af_fqdn.as_str(),
            caller = policy.caller,
            "access policy set"
        );
        answer(
            &self.metrics,
            "put_access_policy",
            self.policies.put(&policy),
            store::Error::cause,
        )
        .await?;
        Ok(Response::new(pb::PutAccessPolicyResponse {}))
    }

    async fn list(
        &self,
        _request: Request<pb::ListAccessPoliciesRequest>,
    ) -> Result<Response<pb::ListAccessPoliciesResponse>, Status> {
        let policies = answer(
            &self.metrics,
            "list_access_policies",
            self.policies.list(),
            store::Error::cause,
        )
        .await?;
        Ok(Response::new(pb::ListAccessPoliciesResponse {
            policies: policies.into_iter().map(encode).collect(),
        }))
    }

    async fn delete(
        &self,
        request: Request<pb::DeleteAccessPolicyRequest>,
    ) -> Result<Response<pb::DeleteAccessPolicyResponse>, Status> {
        let af_fqdn = fqdn(&request.get_ref().af_fqdn).map_err(refuse)?;
        tracing::info!(af = af_fqdn.as_str(), "access policy removed");
        answer(
            &self.metrics,
            "delete_access_policy",
            self.policies.delete(&af_fqdn),
            store::Error::cause,
        )
        .await?;
        Ok(Response::new(pb::DeleteAccessPolicyResponse {}))
    }
}

fn decode(message: Option<pb::AccessPolicy>) -> Result<AccessPolicy, Cause> {
    let message = message.ok_or(Cause::MandatoryElementMissing)?;
    let ue_id_form = match message.ue_id_form() {
        PbUeIdForm::None => UeIdForm::None,
        PbUeIdForm::Gpsi => UeIdForm::Gpsi,
        PbUeIdForm::Supi => UeIdForm::Supi,
        PbUeIdForm::Unspecified => return Err(Cause::MandatoryElementMissing),
    };
    if message.caller.is_empty() || message.ua_star_ids.is_empty() {
        return Err(Cause::MandatoryElementMissing);
    }
    let lifetime = Duration::from_secs(message.max_lifetime_seconds);
    let families = message
        .ua_star_ids
        .iter()
        .all(|id| id.len() == 3 || id.len() == 5);
    if !families
        || lifetime.is_zero()
        || lifetime > MAX_LIFETIME
        || message.caller.len() > 128
        || message.ua_star_ids.len() > 64
    {
        return Err(Cause::MandatoryElementIncorrect);
    }
    Ok(AccessPolicy {
        af_fqdn: fqdn(&message.af_fqdn)?,
        caller: message.caller,
        ue_id_form,
        ua_star_ids: message.ua_star_ids,
        max_lifetime: lifetime,
        anonymous_allowed: message.anonymous_allowed,
    })
}

fn encode(policy: AccessPolicy) -> pb::AccessPolicy {
    let ue_id_form = match policy.ue_id_form {
        UeIdForm::None => PbUeIdForm::None,
        UeIdForm::Gpsi => PbUeIdForm::Gpsi,
        UeIdForm::Supi => PbUeIdForm::Supi,
    };
    pb::AccessPolicy {
        af_fqdn: policy.af_fqdn.as_str().to_owned(),
        caller: policy.caller,
        ue_id_form: ue_id_form.into(),
        ua_star_ids: policy.ua_star_ids,
        max_lifetime_seconds: policy.max_lifetime.as_secs(),
        anonymous_allowed: policy.anonymous_allowed,
    }
}
