//! One established session of the server.

use alloc::boxed::Box;

use crate::channel::Channel;
use crate::{CipherSuite, Instant, PeerAddress};

/// Everything that is kept of a session; the rest of its handshake is gone.
pub(super) struct Session {
    pub(super) peer: PeerAddress,
    pub(super) channel: Channel,
    pub(super) expires: Instant,
    pub(super) identity: Box<[u8]>,
    /// The start of the ClientHello's random, to know a late copy of that hello.
    pub(super) hello_mark: u64,
    /// The last flight of the handshake, until the peer shows that it has it.
    pub(super) final_flight: Option<Box<[u8]>>,
}

/// The part of a client random that a session remembers.
pub(super) fn hello_mark(random: &[u8; 32]) -> u64 {
    random
        .first_chunk()
        .map_or(0, |octets| u64::from_be_bytes(*octets))
}

/// What can be asked about an established session.
#[derive(Clone, Copy)]
pub struct SessionView<'a> {
    /// The other end.
    pub peer: PeerAddress,
    /// The PSK identity that the peer proved to hold the key of.
    pub identity: &'a [u8],
    /// The suite in use.
    pub suite: CipherSuite,
    /// The epoch of its records.
    pub epoch: u16,
    /// When it ends.
    pub expires: Instant,
    /// Records under this session's address and epoch that did not authenticate.
    pub failed_records: u64,
}
