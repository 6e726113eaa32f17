//! Configuration of the client.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::handshake::extensions::is_host_name;
use crate::handshake::key_exchange::MAX_IDENTITY_LEN;
use crate::policy::{
    DEFAULT_DATAGRAM, DEFAULT_HANDSHAKE_TIMEOUT, DEFAULT_RETRANSMISSION, check_datagram,
    check_durations,
};
use crate::{CipherSuite, ConfigError, ExtendedMasterSecret, Psk};

/// Who a [`Client`](super::Client) is and what it offers.
#[derive(Clone)]
pub struct ClientConfig {
    /// The PSK identity, 0 to 512 octets; for AKMA `3GPP-AKMA` followed by the A-KID.
    pub identity: Vec<u8>,
    /// The suites to offer in order of preference, each with the key to use if the server
    /// chooses it: an AKMA key depends on the suite (TS 33.535 A.4, TS 33.220 annex H).
    pub keys: Vec<(CipherSuite, Psk)>,
    /// The server name indication, in lower case without a trailing dot.
    pub server_name: Option<String>,
    /// Default: preferred.
    pub extended_master_secret: ExtendedMasterSecret,
    /// The largest datagram to send, in octets; 128 to 65507, default 1232.
    pub max_datagram: usize,
    /// Delay of the first retransmission; it doubles up to 60 s. Default 1 s; RFC 7925 11
    /// recommends 9 s for slow networks.
    pub retransmission: Duration,
    /// The handshake fails if it is not complete after this. Default 30 s.
    pub handshake_timeout: Duration,
}

impl ClientConfig {
    /// An identity with one key for each suite to offer, and defaults for the rest.
    #[must_use]
    pub fn new(identity: &[u8], keys: Vec<(CipherSuite, Psk)>) -> Self {
        Self {
            identity: identity.to_vec(),
            keys,
            server_name: None,
            extended_master_secret: ExtendedMasterSecret::default(),
            max_datagram: DEFAULT_DATAGRAM,
            retransmission: DEFAULT_RETRANSMISSION,
            handshake_timeout: DEFAULT_HANDSHAKE_TIMEOUT,
        }
    }

    /// The suites that are offered.
    pub(super) fn suites(&self) -> Vec<CipherSuite> {
        self.keys.iter().map(|(suite, _)| *suite).collect()
    }

    pub(super) fn key(&self, suite: CipherSuite) -> Option<&Psk> {
        let found = self.keys.iter().find(|(offered, _)| *offered == suite);
        found.map(|(_, key)| key)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let mut suites = self.suites();
        if suites.is_empty() {
            return Err(ConfigError::NoSuite);
        }
        while let Some(suite) = suites.pop() {
            if suites.contains(&suite) {
                return Err(ConfigError::RepeatedSuite);
            }
        }
        if self.identity.len() > MAX_IDENTITY_LEN {
            return Err(ConfigError::IdentityTooLong {
                limit: MAX_IDENTITY_LEN,
            });
        }
        let name = self.server_name.as_deref();
        if name.is_some_and(|name| !is_host_name(name.as_bytes())) {
            return Err(ConfigError::ServerName);
        }
        check_datagram(self.max_datagram)?;
        check_durations(&[self.retransmission, self.handshake_timeout])
    }
}
