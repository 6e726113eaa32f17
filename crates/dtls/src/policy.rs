//! What both roles can be configured to do, and its bounds.

use core::time::Duration;

use crate::ConfigError;
use crate::record::MAX_PLAINTEXT_LEN;

/// Whether the master secret is bound to the whole handshake (RFC 7627).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExtendedMasterSecret {
    /// A peer without it is refused.
    Required,
    /// Used if the peer can. Enough for pre-shared keys without resumption, and small
    /// devices often lack it.
    #[default]
    Preferred,
    /// Neither offered nor accepted, for tests against old peers.
    Disabled,
}

/// Octets of a datagram that every IPv6 path carries (1280 less IPv6 and UDP headers).
pub(crate) const DEFAULT_DATAGRAM: usize = 1232;
/// First retransmission after this long (RFC 6347 4.2.4.1).
pub(crate) const DEFAULT_RETRANSMISSION: Duration = Duration::from_secs(1);
/// A handshake takes no longer.
pub(crate) const DEFAULT_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// The final flight of either suite fits into this.
const LEAST_DATAGRAM: usize = 128;
/// The largest UDP payload.
const MOST_DATAGRAM: usize = 65_507;

pub(crate) fn check_datagram(octets: usize) -> Result<(), ConfigError> {
    if (LEAST_DATAGRAM..=MOST_DATAGRAM).contains(&octets) {
        Ok(())
    } else {
        Err(ConfigError::DatagramLimit {
            least: LEAST_DATAGRAM,
            most: MOST_DATAGRAM,
        })
    }
}

pub(crate) fn check_durations(durations: &[Duration]) -> Result<(), ConfigError> {
    if durations.iter().all(|duration| duration.as_millis() > 0) {
        Ok(())
    } else {
        Err(ConfigError::ZeroDuration)
    }
}

/// The longest application data that one record in one datagram carries.
pub(crate) fn max_payload(suite: crate::CipherSuite, max_datagram: usize) -> usize {
    max_datagram
        .saturating_sub(suite.overhead())
        .min(MAX_PLAINTEXT_LEN)
}
