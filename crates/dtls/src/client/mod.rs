//! The client: one connection.

mod config;
mod handshake;
mod records;
mod steps;

use alloc::boxed::Box;
use alloc::vec::Vec;

use self::handshake::{Common, Handshake};
use crate::alert::Alert;
use crate::channel::{Channel, EPOCH};
use crate::codec::Reader;
use crate::crypto::random_array;
use crate::deferred::Deferred;
use crate::flight::{Flight, Retransmission};
use crate::policy::max_payload;
use crate::reassembly::Reassembly;
use crate::record::{ClearWriter, ContentType, Record};
use crate::{
    AlertDescription, CloseReason, ConfigError, Crypto, Event, FailureReason, Instant, Out,
    PeerAddress, Random, SendError, SessionId,
};

pub use config::ClientConfig;

/// The client side of DTLS 1.2 for one connection.
///
/// It owns no socket and no clock; see the crate's documentation for how it is driven. A
/// client whose handshake failed or whose session ended stays so; connect a new one.
pub struct Client<C: Crypto> {
    config: ClientConfig,
    crypto: C,
    id: SessionId,
    server: PeerAddress,
    identity_hint: Option<Vec<u8>>,
    phase: Phase<C::Transcript>,
}

/// How far the connection has come.
enum Phase<T> {
    Handshake(Box<Handshake<T>>),
    Established(Box<Channel>),
    Ended,
}

/// The arguments of a call, on their way through the procedures.
struct Call<'a> {
    now: Instant,
    out: &'a mut Out,
}

impl<C: Crypto> Client<C> {
    /// Begins a handshake with a server; the first datagram is in `out` afterwards.
    ///
    /// `session` names the connection in the events; the caller gives each its own.
    ///
    /// # Errors
    /// [`ConfigError`] if no handshake could work with the configuration.
    pub fn connect(
        config: ClientConfig,
        crypto: C,
        session: SessionId,
        server: PeerAddress,
        now: Instant,
        random: &mut dyn Random,
        out: &mut Out,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut common = Common {
            deadline: now.saturating_add(config.handshake_timeout),
            random: random_array(random),
            cookies: 0,
            transcript: crypto.transcript(),
            reassembly: Reassembly::starting_at(0),
            deferred: Deferred::default(),
            clear: ClearWriter::starting_at(0),
            next_message_seq: 0,
            flight: Flight::default(),
            retransmission: Retransmission::new(config.retransmission),
        };
        let mut client = Self {
            config,
            crypto,
            id: session,
            server,
            identity_hint: None,
            phase: Phase::Ended,
        };
        client.send_hello(&mut Call { now, out }, &mut common, &[]);
        client.phase = Phase::Handshake(Box::new(Handshake {
            common,
            state: handshake::Await::ServerHello,
        }));
        Ok(client)
    }

    /// Takes a datagram that came from the server's address.
    pub fn datagram(&mut self, now: Instant, datagram: &[u8], out: &mut Out) {
        let mut call = Call { now, out };
        let mut reader = Reader::new(datagram);
        while !reader.is_empty() {
            let Ok(record) = Record::parse(&mut reader) else {
                return;
            };
            self.record(&mut call, &record);
        }
    }

    /// Sends application data in the session.
    ///
    /// `epoch` is the one that came with the request or with the establishment.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent. With [`SendError::KeysExhausted`] the session has ended.
    pub fn send(&mut self, epoch: u16, data: &[u8], out: &mut Out) -> Result<(), SendError> {
        let Phase::Established(channel) = &mut self.phase else {
            return Err(SendError::UnknownSession);
        };
        if epoch != EPOCH {
            return Err(SendError::WrongEpoch);
        }
        let limit = max_payload(channel.suite(), self.config.max_datagram);
        if data.len() > limit {
            return Err(SendError::TooLong { limit });
        }
        if !channel.is_exhausted() {
            let start = out.octets().len();
            let content_type = ContentType::ApplicationData;
            if channel
                .seal(&self.crypto, content_type, data, out.buffer())
                .is_ok()
            {
                out.finish_datagram(self.server, start);
                return Ok(());
            }
        }
        let alert = Alert::warning(AlertDescription::CLOSE_NOTIFY);
        self.end_session(Some(alert), CloseReason::KeysExhausted, out);
        Err(SendError::KeysExhausted)
    }

    /// Ends the session with close_notify, or gives the handshake up.
    pub fn close(&mut self, out: &mut Out) {
        let alert = Alert::warning(AlertDescription::CLOSE_NOTIFY);
        self.end_session(Some(alert), CloseReason::LocalClose, out);
        if matches!(self.phase, Phase::Handshake(_)) {
            self.fail(FailureReason::Revoked, out);
        }
    }

    /// The next instant at which [`Client::tick`] has something to do.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Handshake(handshake) => Some(handshake.common.due()),
            Phase::Established(_) | Phase::Ended => None,
        }
    }

    /// Does what is due: retransmissions, and the deadline of the handshake.
    pub fn tick(&mut self, now: Instant, out: &mut Out) {
        let Phase::Handshake(handshake) = &mut self.phase else {
            return;
        };
        if handshake.common.deadline <= now {
            return self.fail(FailureReason::TimedOut, out);
        }
        if handshake.common.retransmission.take_due(now) {
            let path = (self.server, self.config.max_datagram);
            handshake.transmit(&self.crypto, path, out);
        }
    }

    /// The PSK identity hint of the server, once it has sent one.
    #[must_use]
    pub fn identity_hint(&self) -> Option<&[u8]> {
        self.identity_hint.as_deref()
    }

    /// Ends an established session; nothing happens if there is none.
    fn end_session(&mut self, alert: Option<Alert>, reason: CloseReason, out: &mut Out) {
        let Phase::Established(channel) = &mut self.phase else {
            return;
        };
        if let Some(alert) = alert {
            let start = out.octets().len();
            // A used-up counter leaves the alert unsaid.
            let _ = channel.seal(
                &self.crypto,
                ContentType::Alert,
                &alert.to_octets(),
                out.buffer(),
            );
            out.finish_datagram(self.server, start);
        }
        self.phase = Phase::Ended;
        out.event(Event::Closed {
            session: self.id,
            reason,
        });
    }

    /// Gives the handshake up.
    fn fail(&mut self, reason: FailureReason, out: &mut Out) {
        self.phase = Phase::Ended;
        out.event(Event::HandshakeFailed {
            session: self.id,
            peer: self.server,
            reason,
        });
    }
}
