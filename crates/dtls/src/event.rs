//! What the engine tells its owner.

use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroU64;
use core::ops::Range;

use crate::{AlertDescription, CipherSuite, PeerAddress};

/// One handshake and the session that came of it; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(NonZeroU64);

impl SessionId {
    /// The id with this number; 0 is none.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    pub(crate) const FIRST: Self = Self(NonZeroU64::MIN);

    /// The id after this one; 2^64 handshakes do not happen.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A question for a key; answered by [`Server::psk`](crate::Server::psk).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookupId(pub(crate) SessionId);

/// The server needs the key of an identity to go on with a handshake.
#[derive(Clone)]
pub struct Lookup {
    /// Names this question in the answer.
    pub id: LookupId,
    /// The session that will be established under this id if the handshake succeeds.
    pub session: SessionId,
    /// Who asks; its address is verified by the cookie.
    pub peer: PeerAddress,
    /// The suite that was negotiated; an application key may depend on it (TS 33.535 annex B).
    pub suite: CipherSuite,
    /// The PSK identity, 0 to 512 octets, as the client sent it.
    pub identity: Vec<u8>,
    /// The host name of the server name indication, in lower case.
    pub server_name: Option<String>,
}

/// A handshake succeeded: the peer has the key.
#[derive(Clone)]
pub struct Established {
    /// The new session.
    pub session: SessionId,
    /// The epoch of its records.
    pub epoch: u16,
    /// The other end.
    pub peer: PeerAddress,
    /// The PSK identity that the key belongs to.
    pub identity: Vec<u8>,
    /// The suite in use.
    pub suite: CipherSuite,
    /// The host name of the server name indication, in lower case.
    pub server_name: Option<String>,
    /// Whether the master secret is bound to the whole handshake (RFC 7627).
    pub extended_master_secret: bool,
}

/// Something that the owner of the engine has to know.
///
/// It has no `Debug`: identities and addresses do not belong into logs.
#[derive(Clone)]
#[non_exhaustive]
pub enum Event {
    /// A key is needed (server only). Answer every one, even with "unknown".
    Lookup(Lookup),
    /// A session is ready.
    Established(Established),
    /// Application data arrived.
    Data {
        /// The session that it arrived in; an answer belongs into the same one.
        session: SessionId,
        /// The epoch that protected it; an answer belongs into the same one.
        epoch: u16,
        /// Where the plaintext stands in [`Out::payload`](crate::Out::payload).
        range: Range<usize>,
    },
    /// An established session ended; its keys are erased.
    Closed {
        /// The session.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// A handshake ended without a session.
    HandshakeFailed {
        /// The id that the session would have had.
        session: SessionId,
        /// The other end.
        peer: PeerAddress,
        /// Why.
        reason: FailureReason,
    },
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer sent close_notify.
    PeerClosed,
    /// The peer sent a fatal alert.
    PeerAlert(AlertDescription),
    /// A new handshake from the same address succeeded.
    Replaced(SessionId),
    /// The lifetime of the session or of its key ended.
    Expired,
    /// The owner revoked it.
    Revoked,
    /// The owner closed it.
    LocalClose,
    /// The keys protected as many records as they may.
    KeysExhausted,
    /// Too many records failed to authenticate.
    TooManyForgeries,
}

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// It was not complete at its deadline.
    TimedOut,
    /// The Finished message did not authenticate: the identity is unknown or the key is wrong.
    WrongKey,
    /// The owner could not look the key up.
    LookupUnavailable,
    /// The peer gave up with this (unauthenticated) alert.
    PeerAlert(AlertDescription),
    /// The peer broke the protocol or offered nothing acceptable; this alert was sent.
    Refused(AlertDescription),
    /// The peer began anew.
    Restarted,
    /// The owner ended it.
    Revoked,
}
