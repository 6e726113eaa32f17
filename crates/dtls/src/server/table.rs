//! The server's tables: who is where, and when something is due.

use alloc::boxed::Box;

use super::Server;
use super::handshake::{Common, Handshake};
use super::session::Session;
use crate::alert::Alert;
use crate::record::ContentType;
use crate::{CloseReason, Crypto, Event, Out, PeerAddress, SessionId};

impl<C: Crypto> Server<C> {
    /// Whether one more handshake from this address may begin.
    pub(super) fn has_room(&self, peer: PeerAddress) -> bool {
        let of_prefix = self.handshakes_by_prefix.get(&peer.prefix());
        self.handshakes.len() < self.config.max_handshakes
            && of_prefix.copied().unwrap_or(0) < self.config.max_handshakes_per_prefix
            // A new session at a known address takes the old one's place.
            && (self.sessions.len() < self.config.max_sessions || self.session_at(peer).is_some())
    }

    /// The handshake under way at an address.
    pub(super) fn handshake_at(&self, peer: PeerAddress) -> Option<SessionId> {
        self.peers.get(&peer).and_then(|peer| peer.handshake)
    }

    /// The established session at an address.
    pub(super) fn session_at(&self, peer: PeerAddress) -> Option<SessionId> {
        self.peers.get(&peer).and_then(|peer| peer.session)
    }

    /// Counts a new handshake in; it is then put into the table by [`Self::keep_handshake`].
    pub(super) fn register_handshake(&mut self, common: &Common<C::Transcript>) {
        self.peers.entry(common.peer).or_default().handshake = Some(common.id);
        *self
            .handshakes_by_prefix
            .entry(common.peer.prefix())
            .or_insert(0) += 1;
        self.timers.insert((common.timer, common.id));
    }

    /// Puts a handshake into the table, under its current timer.
    pub(super) fn keep_handshake(&mut self, mut handshake: Handshake<C::Transcript>) {
        let common = &mut handshake.common;
        let due = common.due();
        if due != common.timer {
            self.timers.remove(&(common.timer, common.id));
            common.timer = due;
        }
        self.timers.insert((due, common.id));
        self.handshakes.insert(common.id, Box::new(handshake));
    }

    /// Takes a handshake out of the table for a step; it goes back or is forgotten.
    pub(super) fn take_handshake(&mut self, id: SessionId) -> Option<Handshake<C::Transcript>> {
        self.handshakes.remove(&id).map(|handshake| *handshake)
    }

    /// Counts a handshake out that was taken from the table.
    pub(super) fn forget_handshake(&mut self, common: &Common<C::Transcript>) {
        self.timers.remove(&(common.timer, common.id));
        let prefix = common.peer.prefix();
        if let Some(count) = self.handshakes_by_prefix.get_mut(&prefix) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.handshakes_by_prefix.remove(&prefix);
            }
        }
        if let Some(peer) = self.peers.get_mut(&common.peer) {
            peer.handshake = None;
            if peer.session.is_none() {
                self.peers.remove(&common.peer);
            }
        }
    }

    /// Puts a new session into the tables; the one before it at that address ends.
    pub(super) fn insert_session(&mut self, id: SessionId, session: Session, out: &mut Out) {
        self.timers.insert((session.expires, id));
        let peer = self.peers.entry(session.peer).or_default();
        let old = peer.session.replace(id);
        self.sessions.insert(id, Box::new(session));
        let Some(old_id) = old else { return };
        if let Some(old) = self.sessions.remove(&old_id) {
            self.timers.remove(&(old.expires, old_id));
            out.event(Event::Closed {
                session: old_id,
                reason: CloseReason::Replaced(id),
            });
        }
    }

    /// Tells the peer and the owner that a session has ended, and erases it.
    pub(super) fn end_session(
        &mut self,
        id: SessionId,
        alert: Option<Alert>,
        reason: CloseReason,
        out: &mut Out,
    ) {
        let Some(mut session) = self.sessions.remove(&id) else {
            return;
        };
        self.timers.remove(&(session.expires, id));
        if let Some(peer) = self.peers.get_mut(&session.peer) {
            peer.session = None;
            if peer.handshake.is_none() {
                self.peers.remove(&session.peer);
            }
        }
        if let Some(alert) = alert {
            let start = out.octets().len();
            let octets = alert.to_octets();
            let channel = &mut session.channel;
            // A used-up counter leaves the alert unsaid.
            let _ = channel.seal(&self.crypto, ContentType::Alert, &octets, out.buffer());
            out.finish_datagram(session.peer, start);
        }
        out.event(Event::Closed {
            session: id,
            reason,
        });
    }
}
