//! What is stored: at the tag of a UE Service ID, and which servers run.

use store::{Kind, Record};

/// A registration. It ends with its lifetime.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RegistrationRecord {
    /// UE ID in text form.
    #[prost(string, tag = "1")]
    pub(crate) ue_id: String,
    #[prost(string, tag = "2")]
    pub(crate) tenant_id: String,
    /// A REG body that holds the client profile.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) profile: Vec<u8>,
    /// Which running server holds the session; empty when the session is over.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) instance: Vec<u8>,
    #[prost(uint64, tag = "5")]
    pub(crate) session: u64,
    #[prost(uint32, tag = "6")]
    pub(crate) epoch: u32,
    /// Seconds since 1970, as all times here.
    #[prost(uint64, tag = "7")]
    pub(crate) registered_at: u64,
    #[prost(uint64, tag = "8")]
    pub(crate) refreshed_at: u64,
    #[prost(uint64, tag = "9")]
    pub(crate) expires_at: u64,
}

impl Record for RegistrationRecord {
    const KIND: Kind = Kind::new("registration");
    const SCHEMA: u16 = 1;
}

/// A message or report on its way to the UE Service ID of the tag, in the order of acceptance.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct QueuedRecord {
    /// The body to push.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) body: Vec<u8>,
    /// Tenant of the recipient when the message was accepted; another holder of the name does not get it.
    #[prost(string, tag = "2")]
    pub(crate) tenant_id: String,
    #[prost(uint64, tag = "3")]
    pub(crate) keep_until: u64,
    /// It may not wait: what cannot be delivered now fails.
    #[prost(bool, tag = "4")]
    pub(crate) now_or_never: bool,
    /// Tenant of the sender, for the report that it may be owed.
    #[prost(string, tag = "5")]
    pub(crate) sender_tenant_id: String,
    /// Of the request that brought it, as W3C Trace Context 3.2 writes it; empty where there was no trace.
    #[prost(string, tag = "6")]
    pub(crate) traceparent: String,
}

impl Record for QueuedRecord {
    const KIND: Kind = Kind::new("queued");
    const SCHEMA: u16 = 1;
}

/// A running server. It ends soon unless it is written again.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ServerRecord {}

impl Record for ServerRecord {
    const KIND: Kind = Kind::new("server");
    const SCHEMA: u16 = 1;
}

/// A message or report that was accepted for the UE Service ID of the tag, so that it is accepted once.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AcceptedRecord {
    /// SHA-256 of the body.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) fingerprint: Vec<u8>,
    /// The sender was told that it is stored.
    #[prost(bool, tag = "2")]
    pub(crate) stored: bool,
    /// The sender wants a report.
    #[prost(bool, tag = "3")]
    pub(crate) report_wanted: bool,
}

impl Record for AcceptedRecord {
    const KIND: Kind = Kind::new("accepted");
    const SCHEMA: u16 = 1;
}
