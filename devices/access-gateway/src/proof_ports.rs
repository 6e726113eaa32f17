//! Source ports of Proofs that are not decided: a repeated Proof names the same address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use identifiers::OnboardingSession;
use tokio::time::Instant;

use crate::source_ports::{PortBlock, SourcePorts};

/// The blocks of undecided Proofs, at most one for each device. Clones share them.
///
/// An answer of the AuSF may be lost after the network has learnt the device's address; it keeps the first
/// that it was told for a session. Source: Berth protocol, OWA version 1.
#[derive(Clone)]
pub(crate) struct ProofPorts {
    source_ports: SourcePorts,
    /// By the gateway's name for the device's connection: a session is bound to it, so no other device can
    /// disturb it, and one device holds one block however many sessions it names.
    undecided: Arc<Mutex<HashMap<String, Undecided>>>,
}

struct Undecided {
    session: OnboardingSession,
    ports: Arc<PortBlock>,
    /// When the Proof was last sent on.
    sent: Instant,
}

impl ProofPorts {
    pub(crate) fn new(source_ports: SourcePorts) -> Self {
        Self {
            source_ports,
            undecided: Arc::default(),
        }
    }

    /// The block for a Proof: that of the same Proof before, else a new one; `None` if all are taken.
    pub(crate) fn take(
        &self,
        reference: &str,
        session: OnboardingSession,
        now: Instant,
    ) -> Option<Arc<PortBlock>> {
        let mut undecided = self.undecided();
        undecided.retain(|_, proof| now.saturating_duration_since(proof.sent) < KEPT);
        if let Some(proof) = undecided.get_mut(reference)
            && proof.session == session
        {
            proof.sent = now;
            return Some(Arc::clone(&proof.ports));
        }
        // The device has begun anew.
        undecided.remove(reference);
        let ports = Arc::new(self.source_ports.take()?);
        undecided.insert(
            reference.to_owned(),
            Undecided {
                session,
                ports: Arc::clone(&ports),
                sent: now,
            },
        );
        Some(ports)
    }

    /// A device's Proof is accepted or refused: its block belongs to its session, or is free.
    pub(crate) fn decided(&self, reference: &str) {
        self.undecided().remove(reference);
    }

    /// A session has ended: no Proof of it will be decided.
    pub(crate) fn ended(&self, session: &OnboardingSession) {
        self.undecided()
            .retain(|_, proof| proof.session != *session);
    }

    fn undecided(&self) -> MutexGuard<'_, HashMap<String, Undecided>> {
        self.undecided
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longer than a Proof may be repeated.
const KEPT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_kept_for_its_proof_until_decided_ended_replaced_or_too_old() {
        let one = OnboardingSession::new([1; 16]);
        let two = OnboardingSession::new([2; 16]);
        // One block only: whoever gets it shows that it was free.
        let ports = ProofPorts::new(SourcePorts::new(20_000, 20_015).unwrap());
        let now = Instant::now();
        let taken = |reference, session, now| ports.take(reference, session, now).is_some();
        assert!(taken("a", one, now));
        assert!(taken("a", one, now), "repeated");
        assert!(!taken("b", one, now), "another device has another block");
        assert!(taken("a", two, now), "begun anew");
        ports.ended(&one);
        assert!(!taken("b", one, now), "another session ended");
        ports.ended(&two);
        assert!(taken("b", one, now));
        ports.decided("b");
        assert!(taken("a", one, now));
        let late = now + KEPT;
        assert!(!taken("b", two, late - Duration::from_millis(1)));
        assert!(taken("b", two, late));
    }
}
