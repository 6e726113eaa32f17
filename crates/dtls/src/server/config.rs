//! Configuration of the server.

use alloc::vec::Vec;
use core::time::Duration;

use crate::handshake::key_exchange::MAX_IDENTITY_LEN;
use crate::policy::{
    DEFAULT_DATAGRAM, DEFAULT_HANDSHAKE_TIMEOUT, DEFAULT_RETRANSMISSION, check_datagram,
    check_durations,
};
use crate::{CipherSuite, ConfigError, ExtendedMasterSecret};

/// What a [`Server`](super::Server) negotiates and how much it takes on.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Suites in order of preference; the server's order decides. Default: all, CCM-8 first.
    pub suites: Vec<CipherSuite>,
    /// The PSK identity hint, 0 to 512 octets; without one no ServerKeyExchange is sent.
    /// Default: `3GPP-AKMA` (TS 33.535 annex B).
    pub psk_identity_hint: Option<Vec<u8>>,
    /// Default: preferred.
    pub extended_master_secret: ExtendedMasterSecret,
    /// The largest datagram to send, in octets; 128 to 65507, default 1232.
    pub max_datagram: usize,
    /// Delay of the first retransmission; it doubles up to 60 s. Default 1 s.
    pub retransmission: Duration,
    /// A handshake that is not complete after this is forgotten. Default 30 s.
    pub handshake_timeout: Duration,
    /// A session ends after this even if its key lives longer. Default 24 h.
    pub session_lifetime: Duration,
    /// How often the cookie key is changed; a cookie is good for one to two periods. Default 60 s.
    pub cookie_period: Duration,
    /// Handshakes under way, all peers together. More are dropped unanswered. Default 8192.
    pub max_handshakes: usize,
    /// Handshakes under way from one /24 (IPv4) or /56 (IPv6). Default 2048.
    pub max_handshakes_per_prefix: usize,
    /// Established sessions; at the limit new handshakes are dropped. Default 1 000 000.
    pub max_sessions: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            suites: CipherSuite::ALL.to_vec(),
            psk_identity_hint: Some(b"3GPP-AKMA".to_vec()),
            extended_master_secret: ExtendedMasterSecret::default(),
            max_datagram: DEFAULT_DATAGRAM,
            retransmission: DEFAULT_RETRANSMISSION,
            handshake_timeout: DEFAULT_HANDSHAKE_TIMEOUT,
            session_lifetime: Duration::from_secs(24 * 60 * 60),
            cookie_period: Duration::from_secs(60),
            max_handshakes: 8192,
            max_handshakes_per_prefix: 2048,
            max_sessions: 1_000_000,
        }
    }
}

impl ServerConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.suites.is_empty() {
            return Err(ConfigError::NoSuite);
        }
        let hint = self.psk_identity_hint.as_deref().unwrap_or_default();
        if hint.len() > MAX_IDENTITY_LEN {
            return Err(ConfigError::HintTooLong {
                limit: MAX_IDENTITY_LEN,
            });
        }
        check_datagram(self.max_datagram)?;
        check_durations(&[
            self.retransmission,
            self.handshake_timeout,
            self.session_lifetime,
            self.cookie_period,
        ])
    }
}
