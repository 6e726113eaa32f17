//! A plan as it is stored.

use identifiers::{Fqdn, PlanId, Plmn, RoutingIndicator, TenantId};
use store::{Error, Kind, Record};

use crate::plan::{NumberRange, Plan};

/// A plan, one of many at one tag, by its id; and inside enrolments and orders.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PlanRecord {
    #[prost(string, tag = "1")]
    plan_id: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    price: String,
    #[prost(string, tag = "4")]
    plmn: String,
    #[prost(string, tag = "5")]
    first_msin: String,
    #[prost(string, tag = "6")]
    last_msin: String,
    #[prost(string, tag = "7")]
    first_msisdn: String,
    #[prost(string, tag = "8")]
    last_msisdn: String,
    #[prost(string, tag = "9")]
    routing_indicator: String,
    #[prost(string, tag = "10")]
    ue_service_id_domain: String,
    #[prost(string, tag = "11")]
    msgin5g_server_uri: String,
    #[prost(string, tag = "12")]
    msgin5g_af_fqdn: String,
    #[prost(string, tag = "13")]
    dnn: String,
    #[prost(string, tag = "14")]
    tenant_id: String,
    #[prost(bool, tag = "15")]
    self_service: bool,
}

impl Record for PlanRecord {
    const KIND: Kind = Kind::new("plan");
    const SCHEMA: u16 = 1;
}

impl From<&Plan> for PlanRecord {
    fn from(plan: &Plan) -> Self {
        let msisdns = plan.msisdns.as_ref();
        Self {
            plan_id: plan.plan_id.as_str().to_owned(),
            name: plan.name.clone(),
            price: plan.price.clone(),
            plmn: plan.plmn.as_str().to_owned(),
            first_msin: plan.msins.first(),
            last_msin: plan.msins.last(),
            first_msisdn: msisdns.map(NumberRange::first).unwrap_or_default(),
            last_msisdn: msisdns.map(NumberRange::last).unwrap_or_default(),
            routing_indicator: plan.routing_indicator.as_str().to_owned(),
            ue_service_id_domain: plan.ue_service_id_domain.clone(),
            msgin5g_server_uri: plan.msgin5g_server_uri.clone(),
            msgin5g_af_fqdn: plan.msgin5g_af_fqdn.as_str().to_owned(),
            dnn: plan.dnn.clone(),
            tenant_id: plan.tenant_id.as_str().to_owned(),
            self_service: plan.self_service,
        }
    }
}

impl PlanRecord {
    /// Whether subscriptions of the plan have a public number.
    pub(crate) const fn has_msisdns(&self) -> bool {
        !self.first_msisdn.is_empty()
    }

    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        self.parse().ok_or(Error::Corrupt {
            kind: Self::KIND.as_str(),
        })
    }

    fn parse(&self) -> Option<Plan> {
        Some(Plan {
            plan_id: PlanId::parse(&self.plan_id).ok()?,
            name: self.name.clone(),
            price: self.price.clone(),
            plmn: Plmn::parse(&self.plmn).ok()?,
            msins: NumberRange::parse(&self.first_msin, &self.last_msin)?,
            msisdns: if self.first_msisdn.is_empty() {
                None
            } else {
                Some(NumberRange::parse(&self.first_msisdn, &self.last_msisdn)?)
            },
            routing_indicator: RoutingIndicator::parse(&self.routing_indicator).ok()?,
            ue_service_id_domain: self.ue_service_id_domain.clone(),
            msgin5g_server_uri: self.msgin5g_server_uri.clone(),
            msgin5g_af_fqdn: Fqdn::parse(&self.msgin5g_af_fqdn).ok()?,
            dnn: self.dnn.clone(),
            tenant_id: TenantId::parse(&self.tenant_id).ok()?,
            self_service: self.self_service,
        })
    }
}
