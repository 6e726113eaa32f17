//! Configuration of a client.

use std::net::SocketAddr;
use std::time::Duration;

use coap::Parameters;
use dtls::{CipherSuite, ExtendedMasterSecret};
use secret::SecretBytes;

use crate::Limits;

/// Who a client is, and where it connects to.
#[derive(Clone)]
pub struct ClientConfig {
    /// Where datagrams go to and come from: the server, or a relay to it.
    pub server: SocketAddr,
    /// The address of the client's socket. Default: any address and port of the server's family.
    pub local: Option<SocketAddr>,
    /// The PSK identity, 0 to 512 octets; for AKMA `3GPP-AKMA` followed by the A-KID.
    pub identity: Vec<u8>,
    /// The suites to offer in order of preference, each with its key of 1 to 64 octets: an AKMA key depends on the
    /// suite (TS 33.535 annex B).
    pub keys: Vec<(CipherSuite, SecretBytes)>,
    /// The server name indication, in lower case without a trailing dot.
    pub server_name: Option<String>,
    /// The identity hint that the server must send; with `None` any or no hint will do.
    pub expected_hint: Option<Vec<u8>>,
    /// Default: preferred.
    pub extended_master_secret: ExtendedMasterSecret,
    /// The largest datagram to send, in octets. Default 1232.
    pub max_datagram: usize,
    /// Delay of the first retransmission of the handshake; it doubles. Default 1 s.
    pub retransmission: Duration,
    /// The handshake fails if it is not complete after this. Default 30 s.
    pub handshake_timeout: Duration,
    /// Timers and limits of CoAP. Blocks are made smaller if they would not fit into a datagram.
    pub coap: Parameters,
    /// How many requests of the server are handled at a time, and for how long. Default 16 at a time.
    pub limits: Limits,
}

impl ClientConfig {
    /// A client of `server` with an identity and a key for each suite, and defaults for the rest.
    pub fn new(server: SocketAddr, identity: &[u8], keys: Vec<(CipherSuite, SecretBytes)>) -> Self {
        let defaults = dtls::ClientConfig::new(&[], Vec::new());
        Self {
            server,
            local: None,
            identity: identity.to_vec(),
            keys,
            server_name: None,
            expected_hint: None,
            extended_master_secret: defaults.extended_master_secret,
            max_datagram: defaults.max_datagram,
            retransmission: defaults.retransmission,
            handshake_timeout: defaults.handshake_timeout,
            coap: Parameters::default(),
            limits: Limits {
                max_concurrent_requests: 16,
                ..Limits::default()
            },
        }
    }

    /// The configuration of the DTLS engine.
    pub(super) fn dtls(&self) -> Result<dtls::ClientConfig, dtls::PskLengthError> {
        let keys = self.keys.iter().map(|(suite, key)| {
            let key = dtls::Psk::try_from_slice(key.expose())?;
            Ok((*suite, key))
        });
        let mut config = dtls::ClientConfig::new(&self.identity, keys.collect::<Result<_, _>>()?);
        config.server_name.clone_from(&self.server_name);
        config.extended_master_secret = self.extended_master_secret;
        config.max_datagram = self.max_datagram;
        config.retransmission = self.retransmission;
        config.handshake_timeout = self.handshake_timeout;
        Ok(config)
    }
}
