//! What the AAnF keeps about one SUPI.

use alloc::vec::Vec;
use core::time::Duration;

use cause::Cause;
use identifiers::{AKid, Gpsi};
use key_hierarchy::akma::{AfId, k_af};
use secret::{KAf, KAkma};

/// The result of one primary authentication, as the AUSF registers it. TS 33.535 6.1 step 4.
#[derive(Clone, PartialEq, Eq)]
pub struct AnchorKey {
    /// The A-KID.
    pub a_kid: AKid,
    /// K_AKMA.
    pub k_akma: KAkma,
    /// GPSI of the subscriber, where there is one.
    pub gpsi: Option<Gpsi>,
    /// Grows with each authentication of the subscriber and is never reset; the first is 1.
    pub authentication_epoch: u64,
}

/// An anchor key with the time of its first registration.
#[derive(Clone, PartialEq, Eq)]
pub struct Registered {
    /// What the AUSF registered.
    pub anchor_key: AnchorKey,
    /// When, in milliseconds since the Unix epoch. The life of every K_AF counts from here.
    pub registered_at_ms: u64,
}

/// An anchor key that a newer one has replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Superseded {
    /// The key as it was.
    pub registered: Registered,
    /// Until when its A-KID is still known, in milliseconds since the Unix epoch; this instant excluded.
    pub until_ms: u64,
}

/// The AKMA context of one SUPI: the truth, against which an index by A-KID is verified.
///
/// TS 33.535 6.1 keeps the latest registration only. `Choice:` the one before it is known for a grace
/// period, because UE and network do not change to the new keys in the same instant (TS 33.501 6.2.2).
/// Registrations may come late or twice: the epoch decides, not the order of arrival.
///
/// Plain data: the caller stores it after each change.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AkmaContext {
    /// The highest epoch ever registered, which outlives removal; 0 before the first.
    pub authentication_epoch: u64,
    /// The registration of that epoch, unless it was removed.
    pub current: Option<Registered>,
    /// The one before it.
    pub previous: Option<Superseded>,
}

/// What a registration did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The key is the current one.
    Stored {
        /// A-KIDs that are not known any more: their index entries may go.
        forgotten: Vec<AKid>,
    },
    /// The same was registered before. Nothing changed, the time of registration least of all.
    Repeated,
}

/// Why a registration is refused. The context is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// A newer authentication is registered, or the context was removed after this one.
    #[error("a newer authentication is registered or was removed")]
    StaleAuthenticationEpoch,
    /// The same epoch was registered with other content.
    #[error("authentication epoch is registered with other content")]
    OtherContent,
}

impl RegisterError {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::StaleAuthenticationEpoch => Cause::StaleAuthenticationEpoch,
            Self::OtherContent => Cause::Conflict,
        }
    }
}

/// K_AF for one application function.
#[derive(Clone)]
pub struct ApplicationKey<'a> {
    /// The key.
    pub k_af: KAf,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_at_ms: u64,
    /// What it was derived from.
    pub anchor_key: &'a AnchorKey,
}

/// Why there is no K_AF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GetApplicationKeyError {
    /// The context does not hold the A-KID, or its grace period is over.
    #[error("no AKMA context for this A-KID")]
    UnknownAKid,
    /// The life that the application function may give to its key is over.
    #[error("application key of this A-KID has expired")]
    Expired,
}

impl GetApplicationKeyError {
    /// The cause to answer. Either way the UE helps itself by another primary authentication.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::UnknownAKid | Self::Expired => Cause::UnknownAKid,
        }
    }
}

impl AkmaContext {
    /// Takes a registration. TS 33.535 6.1 steps 4 and 5.
    ///
    /// `grace` is how long the A-KID that is replaced stays known; zero after a compromise.
    /// An A-KID that another SUPI holds has to be refused by the caller, who has the index.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub fn register(
        &mut self,
        anchor_key: AnchorKey,
        grace: Duration,
        now_ms: u64,
    ) -> Result<Registration, RegisterError> {
        if anchor_key.authentication_epoch <= self.authentication_epoch {
            return self.registered_before(&anchor_key);
        }
        let mut forgotten = self.a_kids();
        self.authentication_epoch = anchor_key.authentication_epoch;
        self.previous = self.current.take().and_then(|registered| {
            (!grace.is_zero()).then(|| Superseded {
                registered,
                until_ms: later(now_ms, grace),
            })
        });
        self.current = Some(Registered {
            anchor_key,
            registered_at_ms: now_ms,
        });
        let kept = self.a_kids();
        forgotten.retain(|a_kid| !kept.contains(a_kid));
        Ok(Registration::Stored { forgotten })
    }

    fn registered_before(&self, anchor_key: &AnchorKey) -> Result<Registration, RegisterError> {
        match &self.current {
            Some(current) if current.anchor_key == *anchor_key => Ok(Registration::Repeated),
            Some(current)
                if current.anchor_key.authentication_epoch == anchor_key.authentication_epoch =>
            {
                Err(RegisterError::OtherContent)
            }
            _ => Err(RegisterError::StaleAuthenticationEpoch),
        }
    }

    /// Ends the context with no grace. TS 33.535 7.1 (Context_Remove).
    ///
    /// Answers the A-KIDs that are not known any more. The epoch stays, so that a registration which was
    /// under way, or comes again, does not bring the context back.
    pub fn remove(&mut self) -> Vec<AKid> {
        let forgotten = self.a_kids();
        self.current = None;
        self.previous = None;
        forgotten
    }

    /// Erases the key whose grace period is over; answers the A-KID that is not known any more.
    ///
    /// For upkeep: [`AkmaContext::lookup`] does not find the key in either case.
    pub fn forget_superseded(&mut self, now_ms: u64) -> Option<AKid> {
        let over = self
            .previous
            .take_if(|superseded| now_ms >= superseded.until_ms)?;
        Some(over.registered.anchor_key.a_kid.clone())
    }

    /// The registration that an A-KID names, if it is the current one or still in its grace period.
    ///
    /// An index by A-KID may be older or newer than the context: what this answers counts.
    #[must_use]
    pub fn lookup(&self, a_kid: &AKid, now_ms: u64) -> Option<&Registered> {
        let current = self.current.as_ref();
        let previous = self
            .previous
            .as_ref()
            .filter(|superseded| now_ms < superseded.until_ms)
            .map(|superseded| &superseded.registered);
        [current, previous]
            .into_iter()
            .flatten()
            .find(|registered| registered.anchor_key.a_kid == *a_kid)
    }

    /// Derives K_AF. TS 33.535 6.2 steps 3 to 5, A.4.
    ///
    /// `max_lifetime` is the policy for the application function. The key ends that long after the
    /// registration of K_AKMA: asking again gives the same key with the same end, since only another
    /// primary authentication gives another key.
    ///
    /// # Errors
    /// [`GetApplicationKeyError`].
    pub fn application_key(
        &self,
        a_kid: &AKid,
        af_id: &AfId,
        max_lifetime: Duration,
        now_ms: u64,
    ) -> Result<ApplicationKey<'_>, GetApplicationKeyError> {
        let registered = self
            .lookup(a_kid, now_ms)
            .ok_or(GetApplicationKeyError::UnknownAKid)?;
        let expires_at_ms = later(registered.registered_at_ms, max_lifetime);
        if now_ms >= expires_at_ms {
            return Err(GetApplicationKeyError::Expired);
        }
        Ok(ApplicationKey {
            k_af: k_af(&registered.anchor_key.k_akma, af_id),
            expires_at_ms,
            anchor_key: &registered.anchor_key,
        })
    }

    /// The A-KIDs that stand in the context, whether their time is over or not.
    fn a_kids(&self) -> Vec<AKid> {
        let current = self.current.as_ref();
        let previous = self.previous.as_ref().map(|previous| &previous.registered);
        [current, previous]
            .into_iter()
            .flatten()
            .map(|registered| registered.anchor_key.a_kid.clone())
            .collect()
    }
}

fn later(at_ms: u64, duration: Duration) -> u64 {
    at_ms.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
