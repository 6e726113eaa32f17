//! The answer to a lookup.

use super::handshake::{Await, Handshake, Keyed};
use super::{Call, Server};
use crate::channel::Channel;
use crate::crypto::{Transcript, random_array};
use crate::schedule::{MasterSecret, Psk, Side};
use crate::{AlertDescription, Crypto, FailureReason, Instant, LookupId, Out, PeerAddress, Random};

/// What the owner found out about an identity.
#[derive(Clone)]
pub enum PskAnswer {
    /// The identity has this key.
    Known {
        /// The key.
        key: Psk,
        /// When the key ends, and the session with it.
        expires: Option<Instant>,
    },
    /// There is no such identity, or it may not connect. The handshake goes on under a random
    /// key and fails at Finished exactly as it would under a wrong one.
    Unknown,
    /// The question cannot be answered now; the peer is told at once (`internal_error`), so
    /// that it does not take its key for a bad one.
    Unavailable,
}

impl<C: Crypto> Server<C> {
    /// Answers an [`Event::Lookup`](crate::Event::Lookup).
    ///
    /// An answer to a handshake that is gone, and a second answer, do nothing.
    pub fn psk(
        &mut self,
        now: Instant,
        lookup: LookupId,
        answer: PskAnswer,
        random: &mut dyn Random,
        out: &mut Out,
    ) {
        let mut call = Call { now, random, out };
        let LookupId(id) = lookup;
        let Some(handshake) = self.take_handshake(id) else {
            return;
        };
        let Handshake { common, state } = handshake;
        let Await::Key(negotiated, identity) = state else {
            return self.keep_handshake(Handshake { common, state });
        };
        let latest = now.saturating_add(self.config.session_lifetime);
        let (key, expires) = match answer {
            PskAnswer::Known { key, expires } => (key, expires.map_or(latest, |at| at.min(latest))),
            PskAnswer::Unknown => (Psk::random(random_array(call.random)), latest),
            PskAnswer::Unavailable => {
                let alert = AlertDescription::INTERNAL_ERROR;
                return self.refuse(common, alert, FailureReason::LookupUnavailable, call.out);
            }
        };
        // The transcript ends with ClientKeyExchange here, as RFC 7627 3 wants it.
        let session_hash = common.transcript.digest();
        let session_hash = negotiated.extended_master_secret.then_some(&session_hash);
        let randoms = &negotiated.randoms;
        let master = MasterSecret::derive(&self.crypto, &key, randoms, session_hash);
        let keys = master.traffic_keys(&self.crypto, randoms);
        let channel = Channel::new(Side::Server, negotiated.suite, keys);
        let peer = common.peer;
        self.keep_handshake(Handshake {
            common,
            state: Await::ChangeCipherSpec(Keyed {
                negotiated,
                identity,
                master,
                channel,
                expires,
            }),
        });
        self.replay_deferred(&mut call, peer);
    }

    /// Takes up the records that came too early, in the order of their arrival.
    pub(super) fn replay_deferred(&mut self, call: &mut Call<'_>, peer: PeerAddress) {
        let Some(id) = self.handshake_at(peer) else {
            return;
        };
        let Some(handshake) = self.handshakes.get_mut(&id) else {
            return;
        };
        for record in handshake.common.deferred.take() {
            self.record(call, peer, &record.borrow());
        }
    }
}
