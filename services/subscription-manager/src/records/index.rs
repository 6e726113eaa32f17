//! Where things are found, and what may be used once.

use store::{Kind, Record};

macro_rules! records {
    ($($name:ident $kind:literal)+) => { $(
        impl Record for $name {
            const KIND: Kind = Kind::new($kind);
            const SCHEMA: u16 = 1;
        }
    )+ };
}

records! {
    SessionIndexRecord "session-index"
    AddressRecord "address"
    ExpiryRecord "expiry"
    LinkCodeRecord "link-code"
    BrowserRecord "browser"
    NextNumberRecord "next-number"
    OrderKeyRecord "order-key"
    OrderCodeRecord "order-code"
}

/// The device of a session, at the tag of the session.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SessionIndexRecord {
    #[prost(string, tag = "1")]
    pub(crate) device_id: String,
}

/// The session behind a block of ports, one of many at the tag of the gateway's address, by the last port in
/// five digits.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AddressRecord {
    #[prost(string, tag = "1")]
    pub(crate) session: String,
}

/// When a session ends, one of many at one tag, by time and session.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExpiryRecord {
    #[prost(string, tag = "1")]
    pub(crate) session: String,
}

/// A link code that was not used yet, at the tag of its hash.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LinkCodeRecord {
    #[prost(string, tag = "1")]
    pub(crate) session: String,
    #[prost(uint64, tag = "2")]
    pub(crate) expires_at_ms: u64,
}

/// A browser that has used a link code, at the tag of its cookie's hash.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BrowserRecord {
    #[prost(string, tag = "1")]
    pub(crate) session: String,
    #[prost(uint64, tag = "2")]
    pub(crate) expires_at_ms: u64,
}

/// Where the search for a free number of a range begins: a hint, never the truth.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct NextNumberRecord {
    #[prost(uint64, tag = "1")]
    pub(crate) next: u64,
}

/// The order that an idempotency key made, at the tag of the key's hash.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OrderKeyRecord {
    #[prost(string, tag = "1")]
    pub(crate) order_id: String,
    /// SHA-256 of what was ordered.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) fingerprint: Vec<u8>,
}

/// The order that a code redeems, at the tag of the code's hash.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OrderCodeRecord {
    #[prost(string, tag = "1")]
    pub(crate) order_id: String,
}
