//! The server: many peers, one engine.

mod config;
mod handshake;
mod handshake_records;
mod hello;
mod key;
mod session;
mod session_records;
mod steps;
mod table;

use alloc::boxed::Box;
use alloc::collections::BTreeSet;

use hashbrown::HashMap;

use self::handshake::Handshake;
use self::session::Session;
use crate::address::Prefix;
use crate::alert::Alert;
use crate::channel::EPOCH;
use crate::codec::Reader;
use crate::cookie::CookieKeys;
use crate::policy::max_payload;
use crate::record::{ContentType, Record};
use crate::{
    AlertDescription, CloseReason, ConfigError, Crypto, Instant, Out, PeerAddress, Random,
    SendError, SessionId,
};

pub use config::ServerConfig;
pub use key::PskAnswer;
pub use session::SessionView;

/// The server side of DTLS 1.2 for any number of peers.
///
/// It owns no socket and no clock; see the crate's documentation for how it is driven.
pub struct Server<C: Crypto> {
    config: ServerConfig,
    crypto: C,
    cookies: CookieKeys,
    next_session: SessionId,
    peers: HashMap<PeerAddress, Peer>,
    sessions: HashMap<SessionId, Box<Session>>,
    handshakes: HashMap<SessionId, Box<Handshake<C::Transcript>>>,
    handshakes_by_prefix: HashMap<Prefix, usize>,
    /// One entry for each session and each handshake.
    timers: BTreeSet<(Instant, SessionId)>,
}

/// What stands at one address; both at once while a known peer begins anew.
#[derive(Clone, Copy, Default)]
struct Peer {
    session: Option<SessionId>,
    handshake: Option<SessionId>,
}

/// The arguments of a call, on their way through the procedures.
struct Call<'a> {
    now: Instant,
    random: &'a mut dyn Random,
    out: &'a mut Out,
}

impl<C: Crypto> Server<C> {
    /// A server without peers.
    ///
    /// # Errors
    /// [`ConfigError`] if no handshake could work with the configuration.
    pub fn new(
        config: ServerConfig,
        crypto: C,
        now: Instant,
        random: &mut dyn Random,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self {
            cookies: CookieKeys::new(now, config.cookie_period, random),
            config,
            crypto,
            next_session: SessionId::FIRST,
            peers: HashMap::new(),
            sessions: HashMap::new(),
            handshakes: HashMap::new(),
            handshakes_by_prefix: HashMap::new(),
            timers: BTreeSet::new(),
        })
    }

    /// Takes a datagram that came from `from`.
    ///
    /// What is not a valid record of a known peer, or a hello, is dropped without a trace.
    pub fn datagram(
        &mut self,
        now: Instant,
        from: PeerAddress,
        datagram: &[u8],
        random: &mut dyn Random,
        out: &mut Out,
    ) {
        let mut call = Call { now, random, out };
        let mut reader = Reader::new(datagram);
        while !reader.is_empty() {
            let Ok(record) = Record::parse(&mut reader) else {
                return;
            };
            self.record(&mut call, from, &record);
        }
    }

    /// Sends application data in a session.
    ///
    /// `epoch` is the one that came with the request ([`Event::Data`](crate::Event::Data)) or
    /// with the establishment: an answer never leaves in another session or epoch than its
    /// request.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent. With [`SendError::KeysExhausted`] the session has ended.
    pub fn send(
        &mut self,
        session: SessionId,
        epoch: u16,
        data: &[u8],
        out: &mut Out,
    ) -> Result<(), SendError> {
        let Some(found) = self.sessions.get_mut(&session) else {
            return Err(SendError::UnknownSession);
        };
        if epoch != EPOCH {
            return Err(SendError::WrongEpoch);
        }
        let limit = max_payload(found.channel.suite(), self.config.max_datagram);
        if data.len() > limit {
            return Err(SendError::TooLong { limit });
        }
        if !found.channel.is_exhausted() {
            let start = out.octets().len();
            let sealed = (found.channel).seal(
                &self.crypto,
                ContentType::ApplicationData,
                data,
                out.buffer(),
            );
            if sealed.is_ok() {
                out.finish_datagram(found.peer, start);
                return Ok(());
            }
        }
        let alert = Alert::warning(AlertDescription::CLOSE_NOTIFY);
        self.end_session(session, Some(alert), CloseReason::KeysExhausted, out);
        Err(SendError::KeysExhausted)
    }

    /// Ends a session with close_notify; nothing happens if there is none.
    pub fn close(&mut self, session: SessionId, out: &mut Out) {
        let alert = Alert::warning(AlertDescription::CLOSE_NOTIFY);
        self.end_session(session, Some(alert), CloseReason::LocalClose, out);
    }

    /// Ends a session, or the handshake that would become it, because its peer lost its rights.
    pub fn revoke(&mut self, session: SessionId, out: &mut Out) {
        let alert = Alert::fatal(AlertDescription::ACCESS_DENIED);
        self.end_session(session, Some(alert), CloseReason::Revoked, out);
        self.revoke_handshake(session, out);
    }

    /// The next instant at which [`Server::tick`] has something to do.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Does what is due: retransmissions, deadlines of handshakes, ends of sessions.
    pub fn tick(&mut self, now: Instant, out: &mut Out) {
        while let Some(&(at, id)) = self.timers.first() {
            if now < at {
                return;
            }
            self.timers.remove(&(at, id));
            if self.sessions.contains_key(&id) {
                let alert = Alert::warning(AlertDescription::CLOSE_NOTIFY);
                self.end_session(id, Some(alert), CloseReason::Expired, out);
            } else {
                self.handshake_timer(now, id, out);
            }
        }
    }

    /// What is known about an established session.
    #[must_use]
    pub fn session(&self, session: SessionId) -> Option<SessionView<'_>> {
        self.sessions.get(&session).map(|found| SessionView {
            peer: found.peer,
            identity: &found.identity,
            suite: found.channel.suite(),
            epoch: EPOCH,
            expires: found.expires,
            failed_records: found.channel.forgeries(),
        })
    }

    /// Number of established sessions.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Number of handshakes under way; a hello without a valid cookie is not one.
    #[must_use]
    pub fn handshake_count(&self) -> usize {
        self.handshakes.len()
    }

    /// One record of a datagram.
    fn record(&mut self, call: &mut Call<'_>, from: PeerAddress, record: &Record<'_>) {
        match (record.epoch, record.content_type) {
            (0, ContentType::Handshake) => self.clear_handshake(call, from, record),
            (0, ContentType::ChangeCipherSpec) => self.change_cipher_spec(call, from, record),
            // Anyone can write these; a session or handshake does not end by them.
            (0, ContentType::Alert | ContentType::ApplicationData) => {}
            (EPOCH, _) => self.protected(call, from, record),
            (_, _) => {}
        }
    }
}
