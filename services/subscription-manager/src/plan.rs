//! Plans: what can be subscribed to.

use identifiers::{Fqdn, Gpsi, PlanId, Plmn, RoutingIndicator, Supi, TenantId, UeServiceId};

/// A plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) plan_id: PlanId,
    /// As people see it.
    pub(crate) name: String,
    /// As people see it; empty for none.
    pub(crate) price: String,
    pub(crate) plmn: Plmn,
    pub(crate) msins: NumberRange,
    pub(crate) msisdns: Option<NumberRange>,
    pub(crate) routing_indicator: RoutingIndicator,
    pub(crate) ue_service_id_domain: String,
    pub(crate) msgin5g_server_uri: String,
    pub(crate) msgin5g_af_fqdn: Fqdn,
    pub(crate) dnn: String,
    pub(crate) tenant_id: TenantId,
    /// Anybody with a limited session may choose it.
    pub(crate) self_service: bool,
}

impl Plan {
    /// Whether numbers can be made from it: the longest SUPI, GPSI and UE Service ID are well formed.
    pub(crate) fn is_usable(&self) -> bool {
        let sizes = (1..=80).contains(&self.name.chars().count())
            && self.price.chars().count() <= 40
            && (1..=255).contains(&self.msgin5g_server_uri.len())
            && (1..=100).contains(&self.dnn.len());
        sizes
            && self.supi(0).is_some()
            && (self.msisdns.is_none() || self.gpsi(0).is_some())
            && self.ue_service_id("aaaaaaaa").is_some()
    }

    /// The n-th SUPI of the plan; `None` behind its end.
    pub(crate) fn supi(&self, n: u64) -> Option<Supi> {
        Supi::from_msin(&self.plmn, &self.msins.nth(n)?).ok()
    }

    /// The n-th GPSI of the plan; `None` behind its end, or if the plan gives none.
    pub(crate) fn gpsi(&self, n: u64) -> Option<Gpsi> {
        let digits = self.msisdns.as_ref()?.nth(n)?;
        Gpsi::parse(&format!("msisdn-{digits}")).ok()
    }

    /// The UE Service ID with this local name.
    pub(crate) fn ue_service_id(&self, name: &str) -> Option<UeServiceId> {
        UeServiceId::parse(&format!("ue-{name}@{}", self.ue_service_id_domain)).ok()
    }
}

/// Numbers of equal length, from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NumberRange {
    first: u64,
    last: u64,
    digits: usize,
}

impl NumberRange {
    /// Reads a range; `None` unless both are equally many digits, at most 15, in order.
    pub(crate) fn parse(first: &str, last: &str) -> Option<Self> {
        let is_number = |text: &str| {
            (1..=15).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
        };
        if !is_number(first) || !is_number(last) || first.len() != last.len() {
            return None;
        }
        let range = Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
            digits: first.len(),
        };
        (range.first <= range.last).then_some(range)
    }

    /// The n-th number, from 0.
    fn nth(&self, n: u64) -> Option<String> {
        let number = self
            .first
            .checked_add(n)
            .filter(|number| *number <= self.last)?;
        Some(format!("{number:0digits$}", digits = self.digits))
    }

    /// The first number as text.
    pub(crate) fn first(&self) -> String {
        format!("{:0digits$}", self.first, digits = self.digits)
    }

    /// The last number as text.
    pub(crate) fn last(&self) -> String {
        format!("{:0digits$}", self.last, digits = self.digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_keeps_leading_zeros_and_ends() {
        let range = NumberRange::parse("0000000008", "0000000009").unwrap();
        assert_eq!(range.nth(1).as_deref(), Some("0000000009"));
        assert_eq!(range.nth(2), None);
        assert_eq!(range.nth(u64::MAX), None);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (first, last) in [
            ("", ""),
            ("1", "10"),
            ("2", "1"),
            ("a", "b"),
            ("-1", "+1"),
            ("1234567890123456", "1234567890123456"),
        ] {
            assert_eq!(NumberRange::parse(first, last), None, "{first} {last}");
        }
    }
}
