//! Configuration of a server.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::{Limits, WallClock};

/// Where a server listens and what it takes on.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address of the socket; port 0 lets the system choose. Default `[::]:5684`.
    pub listen: SocketAddr,
    /// Suites, identity hint, lifetimes and limits of DTLS.
    pub dtls: dtls::ServerConfig,
    /// Timers and limits of each CoAP endpoint. Blocks are made smaller if they would not fit into a datagram.
    pub coap: coap::Parameters,
    /// How many requests are handled at a time, and for how long.
    pub limits: Limits,
    /// A key lookup that takes longer counts as unavailable. Default 5 s.
    pub lookup_timeout: Duration,
    /// How long handlers may go on when the server ends. Default 5 s.
    pub drain: Duration,
    /// Octets of the socket's receive buffer to ask for. Default 4 MiB.
    pub receive_buffer: usize,
    /// Tells the time of day for keys that end.
    pub wall_clock: WallClock,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 5684)),
            dtls: dtls::ServerConfig::default(),
            coap: coap::Parameters::default(),
            limits: Limits::default(),
            lookup_timeout: Duration::from_secs(5),
            drain: Duration::from_secs(5),
            receive_buffer: 4 * 1024 * 1024,
            wall_clock: WallClock::default(),
        }
    }
}
