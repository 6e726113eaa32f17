//! What the subscription manager needs from other functions.

use async_trait::async_trait;
use cause::Cause;
use identifiers::{
    CredentialSetId, DeviceId, Gpsi, OperatorId, RoutingIndicator, SubscriptionId, Supi, TenantId,
    UeServiceId,
};
use provisioning::profile::SuciKey;
use secret::OwaKey;

/// What a peer answers.
pub(crate) type PeerResult<T> = Result<T, Cause>;

/// The credential vault.
#[async_trait]
pub(crate) trait Vault: Send + Sync + 'static {
    /// Creates a credential set. Idempotent by its key.
    async fn mint(&self, request: MintCredentials) -> PeerResult<MintedCredentials>;
    /// Seals a profile for the device whose Proof is given, and signs it. Idempotent by header.
    async fn seal(&self, request: SealProfile) -> PeerResult<Vec<u8>>;
    /// Public keys that a SUPI is concealed with.
    async fn home_network_keys(&self) -> PeerResult<Vec<SuciKey>>;
    /// Root and keyset of the operator.
    async fn operator_keys(&self) -> PeerResult<OperatorKeys>;
}

/// Configuration Management.
#[async_trait]
pub(crate) trait ConfigurationManagement: Send + Sync + 'static {
    /// Opens an association. Idempotent by id and content.
    async fn put_association(&self, association: NewAssociation) -> PeerResult<()>;
}

/// Whose credentials are created.
#[derive(Clone)]
pub(crate) struct MintCredentials {
    /// One for each credential set ever wanted.
    pub(crate) idempotency_key: String,
    /// The subscriber.
    pub(crate) supi: Supi,
    /// The device that the set is bound to.
    pub(crate) device_id: DeviceId,
    /// The subscription.
    pub(crate) subscription_id: SubscriptionId,
    /// The tenant.
    pub(crate) tenant_id: TenantId,
    /// Routing indicator of the SUCI and the A-KID.
    pub(crate) routing_indicator: RoutingIndicator,
    /// The public number, if the subscription has one.
    pub(crate) gpsi: Option<Gpsi>,
}

/// A credential set in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MintedCredentials {
    /// Its handle.
    pub(crate) credential_set_id: CredentialSetId,
    /// Its number among those of the subscription.
    pub(crate) credential_epoch: u64,
}

/// What is sealed, and the authentication that says for whom.
#[derive(Clone)]
pub(crate) struct SealProfile {
    /// The credential set whose secret part goes in.
    pub(crate) credential_set_id: CredentialSetId,
    /// Bodies of the messages of one-way authentication.
    pub(crate) start: Vec<u8>,
    /// As above.
    pub(crate) challenge: Vec<u8>,
    /// As above.
    pub(crate) proof: Vec<u8>,
    /// Encoded header of the package.
    pub(crate) header: Vec<u8>,
    /// Encoded profile without its secret part.
    pub(crate) profile: Vec<u8>,
    /// Key of the session, with the claim secret where one is used.
    pub(crate) psk: OwaKey,
    /// DER SubjectPublicKeyInfo of the certificate that the device proved, for a Proof that carries no key.
    pub(crate) identity_spki: Vec<u8>,
}

/// What a device pins of its operator.
#[derive(Clone)]
pub(crate) struct OperatorKeys {
    /// The operator.
    pub(crate) operator_id: OperatorId,
    /// The keyset, a signed object that carries the root.
    pub(crate) keyset: Vec<u8>,
}

/// A subscription's UE ID and UE Service ID.
#[derive(Clone, Debug)]
pub(crate) struct NewAssociation {
    /// Names the association for ever.
    pub(crate) association_id: String,
    /// The subscription.
    pub(crate) subscription_id: SubscriptionId,
    /// The SUPI.
    pub(crate) supi: Supi,
    /// The GPSI.
    pub(crate) gpsi: Option<Gpsi>,
    /// What the UE may call itself.
    pub(crate) ue_service_id: UeServiceId,
    /// The tenant.
    pub(crate) tenant_id: TenantId,
}
