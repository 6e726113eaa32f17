//! What is stored.

use store::{Kind, Record};

/// One onboarding session between Start and Accept, at its tag.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OwaSessionRecord {
    /// Bodies as sent and received.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) start: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) challenge: Vec<u8>,
    /// Sealed root of the key schedule.
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) prk: Vec<u8>,
    /// Gateway identity and its reference for the device.
    #[prost(string, tag = "4")]
    pub(crate) source: String,
    #[prost(string, tag = "5")]
    pub(crate) serving_network_name: String,
    #[prost(uint64, tag = "6")]
    pub(crate) challenged_at_ms: u64,
    #[prost(uint32, tag = "7")]
    pub(crate) bad_proofs: u32,
    /// SHA-256 of the one Proof that was taken; empty before.
    #[prost(bytes = "vec", tag = "8")]
    pub(crate) proof_digest: Vec<u8>,
    /// When that Proof was taken.
    #[prost(uint64, tag = "9")]
    pub(crate) taken_at_ms: u64,
    /// What that Proof was answered with: key and nonce of an Accept follow from the Proof, so that no other
    /// parameters may ever leave under them.
    #[prost(message, optional, tag = "10")]
    pub(crate) answer: Option<OwaAnswerRecord>,
}

impl Record for OwaSessionRecord {
    const KIND: Kind = Kind::new("owa-session");
    const SCHEMA: u16 = 1;
}

/// The answer to an accepted Proof.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct OwaAnswerRecord {
    /// Body of the Accept.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) accept: Vec<u8>,
    /// The limited session that the gateway was told.
    #[prost(uint64, tag = "2")]
    pub(crate) expires_at_ms: u64,
    #[prost(string, tag = "3")]
    pub(crate) portal_url: String,
    #[prost(string, tag = "4")]
    pub(crate) captive_api_url: String,
    #[prost(string, repeated, tag = "5")]
    pub(crate) provisioning_uris: Vec<String>,
    #[prost(string, tag = "6")]
    pub(crate) dnn: String,
    #[prost(string, tag = "7")]
    pub(crate) provisioning_server: String,
    #[prost(string, repeated, tag = "8")]
    pub(crate) allowed_targets: Vec<String>,
    #[prost(uint64, tag = "9")]
    pub(crate) quota_bytes: u64,
}

/// A certificate chain that was validated, at the tag of its key.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CertificateRecord {
    /// DER, end entity first.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub(crate) chain: Vec<Vec<u8>>,
}

impl Record for CertificateRecord {
    const KIND: Kind = Kind::new("certificate");
    const SCHEMA: u16 = 1;
}

/// A manufacturer, one of many at one tag.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ManufacturerRecord {
    #[prost(string, repeated, tag = "1")]
    pub(crate) url_prefixes: Vec<String>,
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(crate) device_anchors: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(crate) server_anchors: Vec<Vec<u8>>,
    #[prost(string, repeated, tag = "4")]
    pub(crate) allowed_networks: Vec<String>,
    #[prost(uint32, repeated, tag = "5")]
    pub(crate) allowed_ports: Vec<u32>,
    #[prost(bool, tag = "6")]
    pub(crate) allow_bare_url: bool,
    #[prost(bool, tag = "7")]
    pub(crate) allow_cert_direct: bool,
    #[prost(string, repeated, tag = "8")]
    pub(crate) host_overrides: Vec<String>,
}

impl Record for ManufacturerRecord {
    const KIND: Kind = Kind::new("manufacturer");
    const SCHEMA: u16 = 1;
}

/// The secret that all replicas make cookies from, sealed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct CookieSecretRecord {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) sealed: Vec<u8>,
}

impl Record for CookieSecretRecord {
    const KIND: Kind = Kind::new("cookie-secret");
    const SCHEMA: u16 = 1;
}

/// An authentication context of 5G AKA, at the tag of its random id. TS 33.501 6.1.3.2 step 5.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AkaContextRecord {
    #[prost(string, tag = "1")]
    pub(crate) supi: String,
    #[prost(string, tag = "2")]
    pub(crate) serving_network_name: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) rand: Vec<u8>,
    /// Sealed XRES* and K_AUSF, one after the other.
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) sealed: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) routing_indicator: String,
    #[prost(bool, tag = "6")]
    pub(crate) akma_allowed: bool,
    #[prost(uint64, tag = "7")]
    pub(crate) authentication_epoch: u64,
    #[prost(string, tag = "8")]
    pub(crate) credential_set_id: String,
    #[prost(bool, tag = "9")]
    pub(crate) candidate: bool,
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) commit: Vec<u8>,
    #[prost(string, tag = "11")]
    pub(crate) gpsi: String,
    #[prost(enumeration = "Outcome", tag = "12")]
    pub(crate) outcome: i32,
    #[prost(string, tag = "13")]
    pub(crate) gateway: String,
}

impl Record for AkaContextRecord {
    const KIND: Kind = Kind::new("aka-context");
    const SCHEMA: u16 = 1;
}

/// How far a context has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Outcome {
    Open = 0,
    Success = 1,
    Failure = 2,
}

/// A registration that the AAnF still has to take, with K_AKMA sealed.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AnchorKeyTask {
    #[prost(string, tag = "1")]
    pub(crate) supi: String,
    #[prost(string, tag = "2")]
    pub(crate) gpsi: String,
    #[prost(string, tag = "3")]
    pub(crate) a_kid: String,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) k_akma: Vec<u8>,
    #[prost(uint64, tag = "5")]
    pub(crate) authentication_epoch: u64,
}

/// A proven credential set that still has to be promoted, and the subscription manager to be told of it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ActivationTask {
    #[prost(string, tag = "1")]
    pub(crate) credential_set_id: String,
}
