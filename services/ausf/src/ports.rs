//! What the AuSF needs from other functions.

use async_trait::async_trait;
use cause::Cause;
use identifiers::{
    AKid, DeviceId, Gpsi, OnboardingSession, RoutingIndicator, ServingNetworkName, Supi,
};
use secret::{KAkma, KAusf, OwaKey, XresStar};

/// What a peer answered instead of an answer.
pub type PeerResult<T> = Result<T, Cause>;

/// The certificate fetcher.
#[async_trait]
pub trait CertificateFetcher: Send + Sync + 'static {
    /// Fetches a chain, DER, end entity first.
    async fn fetch(&self, request: FetchCertificate) -> PeerResult<Vec<Vec<u8>>>;
}

/// What is fetched, and within which bounds.
#[derive(Clone, Debug)]
pub struct FetchCertificate {
    /// The URL in its one form.
    pub url: String,
    /// DER anchors of the server; empty for public roots.
    pub server_anchors: Vec<Vec<u8>>,
    /// Networks that may be reached although they are not public.
    pub allowed_networks: Vec<String>,
    /// Ports besides 443.
    pub allowed_ports: Vec<u16>,
    /// `host=address`.
    pub host_overrides: Vec<String>,
}

/// The subscription manager.
#[async_trait]
pub trait SubscriptionManager: Send + Sync + 'static {
    /// Hands over a device that has proven its certificate; opens its limited session.
    async fn device_authenticated(&self, device: AuthenticatedDevice)
    -> PeerResult<LimitedSession>;
    /// Tells that a credential set has been proven.
    async fn credential_activated(
        &self,
        subscription_id: &str,
        device_id: &str,
        credential_set_id: &str,
    ) -> PeerResult<()>;
}

/// A device that has proven possession of its certified key.
#[derive(Clone)]
pub struct AuthenticatedDevice {
    /// The session, also the idempotency key.
    pub session: OnboardingSession,
    /// The device.
    pub device_id: DeviceId,
    /// Name in the registry.
    pub manufacturer: String,
    /// The manufacturer's serial.
    pub serial: String,
    /// DER, end entity first.
    pub certificate_chain: Vec<Vec<u8>>,
    /// No person can read anything on it.
    pub headless: bool,
    /// Level that it demands, 0–3.
    pub network_proof: u64,
    /// Its Challenge carried the operator's chain.
    pub network_proven: bool,
    /// The network it came by.
    pub serving_network_name: ServingNetworkName,
    /// Bodies of the messages.
    pub start: Vec<u8>,
    /// As above.
    pub challenge: Vec<u8>,
    /// As above.
    pub proof: Vec<u8>,
    /// K(pdp-dtls).
    pub pdp_dtls_key: OwaKey,
    /// K(package).
    pub package_key: OwaKey,
    /// Where its traffic comes from: address, first and last port.
    pub ue_address: (String, u16, u16),
    /// The gateway's identity.
    pub gateway: String,
}

/// What a device with limited connectivity may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitedSession {
    /// End, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// The portal.
    pub portal_url: String,
    /// RFC 8908 API.
    pub captive_api_url: String,
    /// CoAP addresses of the provisioning server.
    pub provisioning_uris: Vec<String>,
    /// Data network name.
    pub dnn: String,
    /// `host:port` of the provisioning server.
    pub provisioning_server: String,
    /// `host:port` targets of HTTP CONNECT.
    pub allowed_targets: Vec<String>,
    /// Octets in both directions together.
    pub quota_bytes: u64,
}

/// The vault.
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// Takes one SQN and answers one vector.
    async fn vector(&self, request: GetVector) -> PeerResult<Vector>;
    /// Makes a proven set the active one.
    async fn promote(&self, credential_set_id: &str) -> PeerResult<Promotion>;
    /// Signs the network's part of a Challenge.
    async fn sign_owa_net(&self, start_hash: [u8; 32], challenge: Vec<u8>) -> PeerResult<Vec<u8>>;
}

/// Whose vector, and for which network.
#[derive(Clone)]
pub struct GetVector {
    /// SUPI or SUCI in text form.
    pub supi_or_suci: String,
    /// The serving network.
    pub serving_network_name: ServingNetworkName,
    /// RAND and AUTS of a synchronisation failure.
    pub resynchronization: Option<([u8; 16], [u8; 14])>,
}

/// A home environment vector and what goes with it.
#[derive(Clone)]
pub struct Vector {
    /// The subscriber.
    pub supi: Supi,
    /// GPSI, where there is one.
    pub gpsi: Option<Gpsi>,
    /// RAND.
    pub rand: [u8; 16],
    /// AUTN.
    pub autn: [u8; 16],
    /// XRES*.
    pub xres_star: XresStar,
    /// K_AUSF.
    pub k_ausf: KAusf,
    /// Routing indicator.
    pub routing_indicator: RoutingIndicator,
    /// AKMA is part of the subscription.
    pub akma_allowed: bool,
    /// Grows with each vector.
    pub authentication_epoch: u64,
    /// The credential set behind the vector.
    pub credential_set_id: String,
    /// The set still has to be proven.
    pub candidate: bool,
    /// Signed commit of an active set.
    pub commit: Vec<u8>,
}

/// A credential set that has become the active one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// Signed commit.
    pub commit: Vec<u8>,
    /// Its subscription.
    pub subscription_id: String,
    /// Its device.
    pub device_id: String,
}

/// The AAnF.
#[async_trait]
pub trait AnchorKeys: Send + Sync + 'static {
    /// Registers the anchor key of one authentication.
    async fn register(&self, registration: AnchorKeyRegistration) -> PeerResult<()>;
}

/// What the AAnF gets.
#[derive(Clone)]
pub struct AnchorKeyRegistration {
    /// The subscriber.
    pub supi: Supi,
    /// GPSI in text form, empty for none.
    pub gpsi: String,
    /// A-KID.
    pub a_kid: AKid,
    /// K_AKMA.
    pub k_akma: KAkma,
    /// Epoch of the authentication.
    pub authentication_epoch: u64,
}
