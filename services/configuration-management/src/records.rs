//! What is stored.

use identifiers::{Gpsi, SubscriptionId, Supi, TenantId, UeServiceId};
use store::{Error, Record};

use crate::association::{Association, Kind};

/// An open association, one of many at the tag of its SUPI: the truth.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AssociationRecord {
    #[prost(string, tag = "1")]
    association_id: String,
    #[prost(string, tag = "2")]
    subscription_id: String,
    #[prost(string, tag = "3")]
    supi: String,
    #[prost(string, tag = "4")]
    gpsi: String,
    #[prost(string, tag = "5")]
    ue_service_id: String,
    #[prost(string, tag = "6")]
    tenant_id: String,
    /// SUPI of the gateway UE; empty for a direct association.
    #[prost(string, tag = "7")]
    behind: String,
    /// The association has ended. The row stays for a while, so that those who watch learn whose it was.
    #[prost(bool, tag = "8")]
    closed: bool,
}

impl Record for AssociationRecord {
    const KIND: store::Kind = store::Kind::new("association");
    const SCHEMA: u16 = 1;
}

/// Where the associations of a GPSI are, at its tag. Verified against the association.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GpsiRecord {
    #[prost(string, tag = "1")]
    pub(crate) supi: String,
}

impl Record for GpsiRecord {
    const KIND: store::Kind = store::Kind::new("gpsi");
    const SCHEMA: u16 = 1;
}

/// Where the association of a subscription is, one of many at the tag of the subscription, so that it can be
/// closed by its id.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct WhereaboutsRecord {
    #[prost(string, tag = "1")]
    pub(crate) supi: String,
    #[prost(string, tag = "2")]
    pub(crate) ue_service_id: String,
}

impl Record for WhereaboutsRecord {
    const KIND: store::Kind = store::Kind::new("whereabouts");
    const SCHEMA: u16 = 1;
}

impl From<&Association> for AssociationRecord {
    fn from(association: &Association) -> Self {
        Self {
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
            behind: match &association.kind {
                Kind::Direct => String::new(),
                Kind::Behind(gateway) => gateway.as_text().to_owned(),
            },
            closed: false,
        }
    }
}

/// Who claims a UE Service ID: one association of one SUPI.
pub(crate) struct Holder<'a> {
    pub(crate) supi: &'a str,
    pub(crate) association_id: &'a str,
}

impl<'a> Holder<'a> {
    pub(crate) fn to_text(&self) -> String {
        format!("{} {}", self.supi, self.association_id)
    }

    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (supi, association_id) = text.split_once(' ')?;
        Some(Self {
            supi,
            association_id,
        })
    }
}

impl AssociationRecord {
    /// The same association after its end.
    pub(crate) fn closed(&self) -> Self {
        Self {
            closed: true,
            ..self.clone()
        }
    }

    /// Whether the association holds.
    pub(crate) const fn is_open(&self) -> bool {
        !self.closed
    }

    /// SUPI and, where there is one, GPSI.
    pub(crate) fn ue_ids(&self) -> Vec<String> {
        [&self.supi, &self.gpsi]
            .into_iter()
            .filter(|ue_id| !ue_id.is_empty())
            .cloned()
            .collect()
    }

    /// Reads the association; a record that does not parse is damaged.
    pub(crate) fn association(&self) -> Result<Association, Error> {
        self.parse().ok_or(Error::Corrupt {
            kind: Self::KIND.as_str(),
        })
    }

    fn parse(&self) -> Option<Association> {
        Some(Association {
            association_id: self.association_id.clone(),
            subscription_id: SubscriptionId::parse(&self.subscription_id).ok()?,
            supi: Supi::parse(&self.supi).ok()?,
            gpsi: if self.gpsi.is_empty() {
                None
            } else {
                Some(Gpsi::parse(&self.gpsi).ok()?)
            },
            ue_service_id: UeServiceId::parse(&self.ue_service_id).ok()?,
            tenant_id: TenantId::parse(&self.tenant_id).ok()?,
            kind: if self.behind.is_empty() {
                Kind::Direct
            } else {
                Kind::Behind(Supi::parse(&self.behind).ok()?)
            },
        })
    }
}
