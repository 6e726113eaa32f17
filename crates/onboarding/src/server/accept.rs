//! The last step: the session is open.

use crate::accept::{Accept, AcceptError};
use crate::key_schedule::{KeySchedule, SessionKeys};
use crate::session_parameters::SessionParameters;
use crate::transcript::Transcript;
use alloc::vec::Vec;

/// An Accept to send, and the keys of the session that it opens.
#[derive(Clone)]
pub struct AcceptedSession {
    /// The encoded body. A repeated Proof gets these octets again.
    pub octets: Vec<u8>,
    /// The keys.
    pub keys: SessionKeys,
}

/// Seals the session's parameters to a Proof that was verified and taken into the session record.
///
/// For one Proof the parameters must always be the same, since its key and nonce are.
///
/// # Errors
/// [`AcceptError::Seal`].
pub fn make_accept(
    schedule: &KeySchedule,
    transcript: &Transcript<'_>,
    parameters: &SessionParameters,
) -> Result<AcceptedSession, AcceptError> {
    Ok(AcceptedSession {
        octets: Accept::seal(schedule, transcript, parameters)?.encode(),
        keys: schedule.session_keys(),
    })
}
