//! What a laboratory has the functions know: its manufacturer, its plan and, where none fits, an access policy.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nf_api::NetworkFunction;
use nf_api::pb::aanf::access_policy_service_client::AccessPolicyServiceClient;
use nf_api::pb::aanf::{
    AccessPolicy, DeleteAccessPolicyRequest, ListAccessPoliciesRequest, PutAccessPolicyRequest,
    access_policy,
};
use nf_api::pb::ausf::manufacturer_service_client::ManufacturerServiceClient;
use nf_api::pb::ausf::{
    DeleteManufacturerRequest, ListManufacturersRequest, Manufacturer, PutManufacturerRequest,
};
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use nf_api::pb::subscription_manager::{DeletePlanRequest, ListPlansRequest, Plan, PutPlanRequest};
use nf_runtime::grpc::Channel;

use super::{LabConfig, Laboratory};

/// The operator's ways to the functions.
pub(crate) type Channels<'a> = &'a (dyn Fn(NetworkFunction) -> Result<Channel> + Sync);

/// The identity that asks for the keys of the MSGin5G Server.
const MSGIN5G_SERVER: &str = "nf/msgin5g-server";
/// Every suite of TLS 1.2. TS 33.220 H.3.
const UA_STAR_FAMILY: [u8; 3] = [1, 0, 1];
/// Behind an application function's name the host that no URL names, in the entry of a manufacturer whose laboratory
/// relies on the access policy that laboratories put for that function: whoever leaves last takes it away.
const WITH_POLICY: &str = ".with-policy.invalid";
/// One second less than the day that an operator might choose: this tells the laboratories' policy from his.
const LIFETIME_SECONDS: u64 = 24 * 3_600 - 1;

/// One laboratory in the registers of the functions.
pub(crate) struct Registration {
    manufacturer: Manufacturer,
    plan: Plan,
    policy: AccessPolicy,
}

impl Registration {
    /// What a laboratory registers: its manufacturer under a name, and its plan under an id. A plan that is not for
    /// self service is for whoever has an order.
    pub(crate) fn new(
        laboratory: &Laboratory,
        manufacturer_name: &str,
        plan_id: &str,
        self_service: bool,
    ) -> Self {
        Self {
            manufacturer: manufacturer(laboratory, manufacturer_name),
            plan: plan(&laboratory.config, plan_id, self_service),
            policy: policy(&laboratory.config.msgin5g_af_fqdn),
        }
    }

    /// Registers everything. What was put before an error stays until [`Registration::remove`].
    pub(crate) async fn put(&mut self, channels: Channels<'_>) -> Result<()> {
        let mut manufacturers = ManufacturerServiceClient::new(channels(NetworkFunction::Ausf)?);
        let mut policies = AccessPolicyServiceClient::new(channels(NetworkFunction::Aanf)?);
        let relies = match self.found(&mut policies).await? {
            Some(found) => found == self.policy,
            None => true,
        };
        // The manufacturer first: it tells whoever leaves that the policy is relied on, and whoever cleans up after a
        // crash what else there is.
        let af_fqdn = self.policy.af_fqdn.to_ascii_lowercase();
        if relies && !relied_on(&self.manufacturer).any(|other| other == af_fqdn) {
            let mark = format!("{af_fqdn}{WITH_POLICY}=0.0.0.0");
            self.manufacturer.host_overrides.push(mark);
        }
        manufacturers
            .put(PutManufacturerRequest {
                manufacturer: Some(self.manufacturer.clone()),
            })
            .await
            .context("the laboratory's manufacturer is refused")?;
        PlanServiceClient::new(channels(NetworkFunction::SubscriptionManager)?)
            .put(PutPlanRequest {
                plan: Some(self.plan.clone()),
            })
            .await
            .context("the laboratory's plan is refused")?;
        // A laboratory that left without having seen this one may have taken it away meanwhile.
        if relies && self.found(&mut policies).await?.is_none() {
            put_policy(&mut policies, &self.policy).await?;
        }
        Ok(())
    }

    /// Takes everything away that was put; what is not there any more is no error.
    pub(crate) async fn remove(&self, channels: Channels<'_>) -> Result<()> {
        let plan = remove_plan(&self.plan.plan_id, channels).await;
        let rest = remove_manufacturer(&self.manufacturer, channels).await;
        plan.and(rest)
    }

    /// The plan's id.
    pub(crate) fn plan_id(&self) -> &str {
        &self.plan.plan_id
    }

    /// FQDN of the MSGin5G Server as application function.
    pub(crate) fn af_fqdn(&self) -> &str {
        &self.policy.af_fqdn
    }

    /// The policy that lets the MSGin5G Server ask. One of the operator that does not fit is left alone.
    async fn found(
        &self,
        policies: &mut AccessPolicyServiceClient<Channel>,
    ) -> Result<Option<AccessPolicy>> {
        let af_fqdn = &self.policy.af_fqdn;
        let found = list_policies(policies)
            .await?
            .into_iter()
            .find(|policy| policy.af_fqdn.eq_ignore_ascii_case(af_fqdn));
        if let Some(found) = &found {
            ensure!(
                fits(found),
                "the access policy of {af_fqdn} does not let {MSGIN5G_SERVER} have keys and UE IDs: correct it"
            );
        }
        Ok(found)
    }
}

/// Takes away what laboratories with names of this prefix have left that are older than `age`. Answers how many.
pub(crate) async fn remove_leftovers(
    prefix: &str,
    age: Duration,
    now: u64,
    channels: Channels<'_>,
) -> Result<usize> {
    let is_old = |name: &&str| is_leftover(name, prefix, age, now);
    let listed = ManufacturerServiceClient::new(channels(NetworkFunction::Ausf)?)
        .list(ListManufacturersRequest {})
        .await
        .context("the AuSF does not list its manufacturers")?
        .into_inner();
    let plans = PlanServiceClient::new(channels(NetworkFunction::SubscriptionManager)?)
        .list(ListPlansRequest {})
        .await
        .context("the subscription manager does not list its plans")?
        .into_inner();
    let mut removed = 0;
    let ids = plans.plans.iter().map(|plan| plan.plan_id.as_str());
    for plan_id in ids.filter(is_old) {
        remove_plan(plan_id, channels).await?;
        removed += 1;
    }
    let entries = listed.manufacturers.iter();
    for entry in entries.filter(|entry| is_old(&entry.name.as_str())) {
        remove_manufacturer(entry, channels).await?;
        removed += 1;
    }
    Ok(removed)
}

/// A name that tells when a throw-away laboratory was made.
pub(crate) fn throw_away_name(prefix: &str, now: u64, random: u32) -> String {
    format!("{prefix}{now}-{random:08x}")
}

/// Whether a throw-away laboratory of this name is older than `age`.
pub(crate) fn is_leftover(name: &str, prefix: &str, age: Duration, now: u64) -> bool {
    made_at(name, prefix).is_some_and(|at| at.saturating_add(age.as_secs()) < now)
}

/// When the laboratory of a name was made, if it is a throw-away one; seconds since 1970.
fn made_at(name: &str, prefix: &str) -> Option<u64> {
    name.strip_prefix(prefix)?.split('-').next()?.parse().ok()
}

async fn remove_plan(plan_id: &str, channels: Channels<'_>) -> Result<()> {
    PlanServiceClient::new(channels(NetworkFunction::SubscriptionManager)?)
        .delete(DeletePlanRequest {
            plan_id: plan_id.to_owned(),
        })
        .await
        .with_context(|| format!("plan {plan_id} stays"))?;
    Ok(())
}

/// Takes a manufacturer away, and the policy that it relied on if nobody else does.
async fn remove_manufacturer(entry: &Manufacturer, channels: Channels<'_>) -> Result<()> {
    let mut manufacturers = ManufacturerServiceClient::new(channels(NetworkFunction::Ausf)?);
    manufacturers
        .delete(DeleteManufacturerRequest {
            name: entry.name.clone(),
        })
        .await
        .with_context(|| format!("manufacturer {} stays", entry.name))?;
    let mut policies = AccessPolicyServiceClient::new(channels(NetworkFunction::Aanf)?);
    for af_fqdn in relied_on(entry) {
        remove_policy(af_fqdn, &mut manufacturers, &mut policies)
            .await
            .with_context(|| format!("the access policy of {af_fqdn} stays"))?;
    }
    Ok(())
}

/// Takes the laboratories' policy away if none of them relies on it. One of the operator is another, and stays.
async fn remove_policy(
    af_fqdn: &str,
    manufacturers: &mut ManufacturerServiceClient<Channel>,
    policies: &mut AccessPolicyServiceClient<Channel>,
) -> Result<()> {
    if is_relied_on(af_fqdn, manufacturers).await? {
        return Ok(());
    }
    let of_laboratories = |found: &AccessPolicy| {
        let named = policy(&found.af_fqdn);
        found.af_fqdn.eq_ignore_ascii_case(af_fqdn) && *found == named
    };
    let listed = list_policies(policies).await?;
    let Some(found) = listed.into_iter().find(of_laboratories) else {
        return Ok(());
    };
    policies
        .delete(DeleteAccessPolicyRequest {
            af_fqdn: found.af_fqdn.clone(),
        })
        .await?;
    // One may have come between the question and the removal, and have seen the policy still there.
    if is_relied_on(af_fqdn, manufacturers).await? {
        put_policy(policies, &found).await?;
    }
    Ok(())
}

/// Whether a laboratory relies on the policy that laboratories put for this application function.
async fn is_relied_on(
    af_fqdn: &str,
    manufacturers: &mut ManufacturerServiceClient<Channel>,
) -> Result<bool> {
    let listed = manufacturers
        .list(ListManufacturersRequest {})
        .await
        .context("the AuSF does not list its manufacturers")?
        .into_inner();
    let mut relied_on = listed.manufacturers.iter().flat_map(relied_on);
    Ok(relied_on.any(|other| other == af_fqdn))
}

/// The application functions whose policies a laboratory relies on.
fn relied_on(entry: &Manufacturer) -> impl Iterator<Item = &str> {
    let hosts = entry.host_overrides.iter();
    hosts.filter_map(|text| text.split_once('=')?.0.strip_suffix(WITH_POLICY))
}

async fn list_policies(
    policies: &mut AccessPolicyServiceClient<Channel>,
) -> Result<Vec<AccessPolicy>> {
    let listed = policies
        .list(ListAccessPoliciesRequest {})
        .await
        .context("the AAnF does not list its access policies")?;
    Ok(listed.into_inner().policies)
}

async fn put_policy(
    policies: &mut AccessPolicyServiceClient<Channel>,
    policy: &AccessPolicy,
) -> Result<()> {
    policies
        .put(PutAccessPolicyRequest {
            policy: Some(policy.clone()),
        })
        .await
        .context("the laboratory's access policy is refused")?;
    Ok(())
}

fn fits(policy: &AccessPolicy) -> bool {
    let allowed = policy
        .ua_star_ids
        .iter()
        .any(|allowed| allowed.starts_with(&UA_STAR_FAMILY));
    let names_the_ue = [access_policy::UeIdForm::Supi, access_policy::UeIdForm::Gpsi]
        .contains(&policy.ue_id_form());
    policy.caller == MSGIN5G_SERVER && allowed && names_the_ue
}

fn policy(af_fqdn: &str) -> AccessPolicy {
    AccessPolicy {
        af_fqdn: af_fqdn.to_owned(),
        caller: MSGIN5G_SERVER.to_owned(),
        ue_id_form: access_policy::UeIdForm::Supi.into(),
        ua_star_ids: vec![UA_STAR_FAMILY.to_vec()],
        max_lifetime_seconds: LIFETIME_SECONDS,
        anonymous_allowed: false,
    }
}

fn manufacturer(laboratory: &Laboratory, name: &str) -> Manufacturer {
    let address = laboratory.config.advertised_address;
    let length = if address.is_ipv4() { 32 } else { 128 };
    let anchor = laboratory.manufacturer.anchor();
    Manufacturer {
        name: name.to_owned(),
        url_prefixes: vec![laboratory.url_prefix()],
        device_anchors: vec![anchor.to_vec()],
        server_anchors: vec![anchor.to_vec()],
        allowed_networks: vec![format!("{address}/{length}")],
        allowed_ports: vec![laboratory.certificate_server.port().into()],
        allow_bare_url: false,
        allow_cert_direct: true,
        host_overrides: vec![format!("{}={address}", laboratory.host)],
    }
}

fn plan(config: &LabConfig, name: &str, self_service: bool) -> Plan {
    Plan {
        plan_id: name.to_owned(),
        name: "Laboratory".to_owned(),
        price: "0.00".to_owned(),
        mcc: config.mcc.clone(),
        mnc: config.mnc.clone(),
        first_msin: config.first_msin.clone(),
        last_msin: config.last_msin.clone(),
        first_msisdn: config.first_msisdn.clone(),
        last_msisdn: config.last_msisdn.clone(),
        routing_indicator: "0".to_owned(),
        ue_service_id_domain: config.ue_service_id_domain.clone(),
        msgin5g_server_uri: config.msgin5g_server_uri.clone(),
        msgin5g_af_fqdn: config.msgin5g_af_fqdn.clone(),
        dnn: "internet".to_owned(),
        tenant_id: config.name.clone(),
        self_service,
    }
}

#[cfg(test)]
mod tests;
