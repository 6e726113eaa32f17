//! Pre-shared keys by identity.

use std::future::Future;
use std::net::SocketAddr;

use cause::Cause;
use dtls::CipherSuite;
use secret::SecretBytes;

/// Finds the pre-shared key of an identity.
///
/// `async fn lookup` implements it. Lookups run concurrently, one per handshake, and are cut off by
/// [`ServerConfig::lookup_timeout`](crate::ServerConfig::lookup_timeout).
pub trait KeyLookup: Send + Sync + 'static {
    /// What the lookup learns about the peer; kept with the session for every request.
    type Context: Send + Sync + 'static;

    /// The key, or `None` for an identity that is not known or may not connect: such a handshake ends like one with a
    /// wrong key.
    ///
    /// # Errors
    ///
    /// [`LookupUnavailable`] if it cannot be told now; the peer learns that it may try again.
    fn lookup(
        &self,
        query: KeyQuery,
    ) -> impl Future<Output = Result<Option<PreSharedKey<Self::Context>>, LookupUnavailable>> + Send;
}

/// Whose key is wanted.
///
/// It has no `Debug`: identities and addresses do not belong into logs.
#[derive(Clone)]
pub struct KeyQuery {
    /// The PSK identity, 0 to 512 octets, as the client sent it.
    pub identity: Vec<u8>,
    /// The suite that was negotiated; an AKMA application key depends on it (TS 33.535 annex B).
    pub suite: CipherSuite,
    /// The host name of the server name indication, in lower case.
    pub server_name: Option<String>,
    /// Where the client is, verified by a cookie.
    pub peer: SocketAddr,
}

/// A key, and what goes with it.
pub struct PreSharedKey<X> {
    /// The key, 1 to 64 octets.
    pub key: SecretBytes,
    /// When the key ends, and every session with it, in milliseconds since 1970; `None` for the session lifetime of
    /// the configuration alone.
    pub expires_at_unix_ms: Option<u64>,
    /// Kept with the session.
    pub context: X,
}

/// The key cannot be looked up now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key cannot be looked up now")]
pub struct LookupUnavailable;

impl LookupUnavailable {
    /// The cause to report.
    pub const fn cause(&self) -> Cause {
        Cause::UpstreamFailure
    }
}
