//! What is stored.

use store::{Kind, Record};

/// The context of a SUPI, at its tag: the truth.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ContextRecord {
    /// Highest epoch ever registered; outlives removal.
    #[prost(uint64, tag = "1")]
    pub(crate) authentication_epoch: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) current: Option<AnchorKeyRecord>,
    #[prost(message, optional, tag = "3")]
    pub(crate) previous: Option<AnchorKeyRecord>,
    /// End of the grace period of `previous`.
    #[prost(uint64, tag = "4")]
    pub(crate) previous_until_ms: u64,
    /// GPSI of the last registration, so that watchers who know the UE by it learn of a removal.
    #[prost(string, tag = "5")]
    pub(crate) gpsi: String,
}

impl Record for ContextRecord {
    const KIND: Kind = Kind::new("context");
    const SCHEMA: u16 = 1;
}

/// One registration.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AnchorKeyRecord {
    #[prost(string, tag = "1")]
    pub(crate) a_kid: String,
    /// Sealed K_AKMA.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) k_akma: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) gpsi: String,
    #[prost(uint64, tag = "4")]
    pub(crate) authentication_epoch: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) registered_at_ms: u64,
}

/// Which SUPI an A-KID belongs to, at the tag of the A-KID. Written first, verified against the context.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AKidRecord {
    #[prost(string, tag = "1")]
    pub(crate) supi: String,
}

impl Record for AKidRecord {
    const KIND: Kind = Kind::new("a-kid");
    const SCHEMA: u16 = 1;
}

/// Policy of one application function, one of many at one tag.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PolicyRecord {
    #[prost(string, tag = "1")]
    pub(crate) af_fqdn: String,
    #[prost(string, tag = "2")]
    pub(crate) caller: String,
    /// 1 none, 2 GPSI, 3 SUPI.
    #[prost(uint32, tag = "3")]
    pub(crate) ue_id_form: u32,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(crate) ua_star_ids: Vec<Vec<u8>>,
    #[prost(uint64, tag = "5")]
    pub(crate) max_lifetime_seconds: u64,
    #[prost(bool, tag = "6")]
    pub(crate) anonymous_allowed: bool,
}

impl Record for PolicyRecord {
    const KIND: Kind = Kind::new("policy");
    const SCHEMA: u16 = 1;
}
