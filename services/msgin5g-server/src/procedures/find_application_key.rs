//! The key of a UE that connects.

use cause::Cause;
use identifiers::{Fqdn, UaStarId};
use secret::KAf;

use crate::ports::GetApplicationKey;
use crate::server::Server;
use crate::sessions::KnownUe;

/// The AAnF cannot tell the key now.
#[derive(Debug, thiserror::Error)]
#[error("the AAnF did not tell the application key")]
pub(crate) struct KeyUnavailable(Cause);

impl KeyUnavailable {
    pub(crate) const fn cause(&self) -> Cause {
        self.0
    }
}

/// A key, its end and its UE.
pub(crate) struct Found {
    pub(crate) k_af: KAf,
    pub(crate) expires_at_ms: u64,
    pub(crate) ue: KnownUe,
}

/// Finds K_AF by the A-KID in a PSK identity, for the suite of the handshake. `None`: there is no such key.
///
/// The server name indication selects the application function only if it is one of the configured names; a UE
/// cannot make the server ask for the key of somebody else.
///
/// Source: TS 33.535 6.2 and B.1.3.2.1, TS 33.501 Y.2.
#[tracing::instrument(skip_all, name = "msgin5g_server.find_application_key", fields(nf.clause = "TS 33.535 6.2"))]
pub(crate) async fn find_application_key(
    server: &Server,
    identity: &[u8],
    suite: [u8; 2],
    server_name: Option<&str>,
) -> Result<Option<Found>, KeyUnavailable> {
    let Ok(a_kid) = akma::parse_psk_identity(identity) else {
        return Ok(None);
    };
    let Some(af_fqdn) = af_fqdn(&server.af_fqdns, server_name) else {
        return Ok(None);
    };
    let request = GetApplicationKey {
        a_kid,
        af_fqdn: af_fqdn.clone(),
        ua_star_id: UaStarId::tls12(suite),
    };
    let confirmed_in = server.contexts.feed().generation();
    match server.contexts.port().get(&request).await {
        Ok(key) if key.expires_at_ms <= server.now_ms() => Ok(None),
        Ok(key) => Ok(Some(Found {
            k_af: key.k_af,
            expires_at_ms: key.expires_at_ms,
            ue: KnownUe {
                ue_id: key.ue_id,
                key: request,
                confirmed_in,
            },
        })),
        Err(Cause::UnknownAKid | Cause::AfNotAllowed) => Ok(None),
        Err(cause) => Err(KeyUnavailable(cause)),
    }
}

fn af_fqdn<'a>(configured: &'a [Fqdn], server_name: Option<&str>) -> Option<&'a Fqdn> {
    let named = configured
        .iter()
        .find(|name| Some(name.as_str()) == server_name);
    named.or_else(|| configured.first())
}
