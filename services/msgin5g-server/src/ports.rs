//! What the MSGin5G Server needs from other functions.

use async_trait::async_trait;
use cause::Cause;
use futures::stream::BoxStream;
use identifiers::{AKid, Fqdn, TenantId, UaStarId, UeServiceId};
use msgin5g::association::Association;
use msgin5g::session::UeId;
use nf_runtime::feed::Beat;
use secret::KAf;

/// What a peer answered instead of an answer.
pub type PeerResult<T> = Result<T, Cause>;

/// A feed: events, heartbeats, resynchronisation. It ends when the peer is gone.
pub type Beats<T> = BoxStream<'static, Beat<T>>;

/// The AAnF.
#[async_trait]
pub trait ApplicationKeys: Send + Sync + 'static {
    /// Naanf_AKMA_ApplicationKey_Get. TS 33.535 6.2.
    async fn get(&self, request: &GetApplicationKey) -> PeerResult<ApplicationKey>;
    /// UE IDs whose context was removed.
    async fn watch_contexts(&self) -> PeerResult<Beats<UeId>>;
}

/// Which application key is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetApplicationKey {
    /// The A-KID that the UE presented.
    pub a_kid: AKid,
    /// The application function.
    pub af_fqdn: Fqdn,
    /// The Ua* protocol: DTLS 1.2 with the suite in use.
    pub ua_star_id: UaStarId,
}

/// An application key and whom it belongs to.
#[derive(Clone)]
pub struct ApplicationKey {
    /// The key.
    pub k_af: KAf,
    /// Its end, in milliseconds since 1970, UTC.
    pub expires_at_ms: u64,
    /// The UE, in the form that policy allows.
    pub ue_id: UeId,
}

/// Configuration Management.
#[async_trait]
pub trait Associations: Send + Sync + 'static {
    /// All open associations of a UE ID, possibly none. TS 33.501 Y.2.
    async fn look_up_by_ue_id(&self, ue_id: &UeId) -> PeerResult<Vec<Association>>;
    /// The tenant of a UE Service ID; [`Cause::NotFound`] if nobody holds it. TS 23.554 5.3.2.1.
    async fn resolve_service_id(&self, ue_service_id: &UeServiceId) -> PeerResult<TenantId>;
    /// Texts of UE IDs whose associations were opened or closed.
    async fn watch_associations(&self) -> PeerResult<Beats<Vec<String>>>;
}

/// The text of a UE ID.
pub(crate) fn ue_id_text(ue_id: &UeId) -> &str {
    match ue_id {
        UeId::Supi(supi) => supi.as_text(),
        UeId::Gpsi(gpsi) => gpsi.as_str(),
    }
}
