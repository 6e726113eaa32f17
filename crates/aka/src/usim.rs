//! The UE's side: what USIM and ME do with a challenge.

use cause::Cause;
use identifiers::ServingNetworkName;
use key_hierarchy::five_g_aka;
use key_hierarchy::milenage::Milenage;
use key_hierarchy::{Amf, Rand};
use secret::{K, KAusf, Opc, ResStar};

use crate::concealed;
use crate::sqn::Sqn;
use crate::token::{Autn, Auts};

/// How far ahead of the highest accepted SEQ a new one may be: Δ = 2^28. TS 33.102 C.2.1, C.3.
///
/// It protects the USIM against being driven to the end of its numbers.
pub const DEFAULT_DELTA: u64 = 1 << 28;

/// The sequence numbers that a USIM has accepted: the highest SEQ for each IND. TS 33.102 C.1.2.
///
/// Plain data: the caller stores it after each accepted challenge, before the response leaves. An older
/// copy that is restored lets old challenges be accepted again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqnArray {
    /// SEQ by IND; 0 = none accepted.
    pub seq: [u64; Sqn::INDEXES],
}

impl SqnArray {
    /// SQN_MS, the highest number accepted so far, with its IND. TS 33.102 C.1.2.
    #[must_use]
    pub fn highest(&self) -> Sqn {
        (0u8..)
            .zip(self.seq)
            .filter_map(|(ind, seq)| Sqn::new(seq, ind))
            .max_by_key(|sqn| sqn.seq())
            .unwrap_or_default()
    }

    /// Whether a number is fresh. TS 33.102 C.2.1, C.2.2.
    fn is_fresh(&self, sqn: Sqn, delta: u64) -> bool {
        let entry = self.seq.get(usize::from(sqn.ind()));
        let above_entry = entry.is_some_and(|seq| sqn.seq() > *seq);
        above_entry && sqn.seq().saturating_sub(self.highest().seq()) <= delta
    }

    fn accept(&mut self, sqn: Sqn) {
        if let Some(entry) = self.seq.get_mut(usize::from(sqn.ind())) {
            *entry = sqn.seq();
        }
    }
}

/// The subscriber's keys with the numbers accepted under them.
#[derive(Clone)]
pub struct Usim {
    milenage: Milenage,
    sqn: SqnArray,
    delta: u64,
}

/// What the UE has after an accepted challenge.
#[derive(Clone)]
pub struct UeResult {
    /// The response.
    pub res_star: ResStar,
    /// K_AUSF; it replaces the older one when NAS security is established (TS 33.501 6.2.2.2).
    pub k_ausf: KAusf,
}

/// Why the UE refuses a challenge. Its state is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationFailure {
    /// MAC-A is wrong: the challenge is not of the home network.
    #[error("MAC-A of the challenge is wrong")]
    MacFailure,
    /// The home network's challenge is not for 5GS.
    #[error("separation bit of the challenge is not set")]
    SeparationBitNotSet,
    /// The home network's challenge is not fresh.
    #[error("SQN of the challenge is out of range")]
    SynchFailure {
        /// The token for the home network.
        auts: Auts,
    },
}

impl AuthenticationFailure {
    /// The 5GMM cause of the AUTHENTICATION FAILURE message: 20, 26 or 21. TS 24.501 9.11.3.2.
    #[must_use]
    pub const fn five_gmm_cause(&self) -> u8 {
        match self {
            Self::MacFailure => 20,
            Self::SeparationBitNotSet => 26,
            Self::SynchFailure { .. } => 21,
        }
    }

    /// The cause in the terms of this system.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::MacFailure => Cause::MacFailure,
            Self::SeparationBitNotSet => Cause::AuthenticationRejected,
            Self::SynchFailure { .. } => Cause::SynchFailure,
        }
    }
}

impl Usim {
    /// Takes the keys of a credential set and the numbers stored with it; a new set has
    /// [`SqnArray::default`].
    #[must_use]
    pub fn new(k: &K, opc: &Opc, sqn: SqnArray) -> Self {
        Self {
            milenage: Milenage::new(k, opc),
            sqn,
            delta: DEFAULT_DELTA,
        }
    }

    /// The same with another limit Δ than [`DEFAULT_DELTA`]. TS 33.102 C.2.1.
    #[must_use]
    pub fn with_delta(mut self, delta: u64) -> Self {
        self.delta = delta;
        self
    }

    /// What the caller stores after an accepted challenge.
    #[must_use]
    pub const fn sqn(&self) -> &SqnArray {
        &self.sqn
    }

    /// Answers a challenge. TS 33.501 6.1.3.2.0 steps 7 and 8, TS 33.102 6.3.3, TS 24.501 5.4.1.3.
    ///
    /// The order is MAC-A, separation bit, freshness: before MAC-A is right, nothing else in AUTN is
    /// believed, and only a challenge that is answered takes its SQN.
    ///
    /// # Errors
    /// [`AuthenticationFailure`], which says what to send.
    pub fn challenge(
        &mut self,
        rand: &Rand,
        autn: &Autn,
        snn: &ServingNetworkName,
    ) -> Result<UeResult, AuthenticationFailure> {
        let outputs = self.milenage.f2_to_f5(rand);
        let sqn_xor_ak = autn.sqn_xor_ak();
        let sqn_octets = concealed(sqn_xor_ak, &outputs.ak);
        let xmac_a = self.milenage.f1(rand, &sqn_octets, autn.amf());
        if !secret::ct_eq(&xmac_a, &autn.mac_a()) {
            return Err(AuthenticationFailure::MacFailure);
        }
        if !autn.amf().has_separation_bit() {
            return Err(AuthenticationFailure::SeparationBitNotSet);
        }
        let sqn = Sqn::from_octets(sqn_octets);
        if !self.sqn.is_fresh(sqn, self.delta) {
            return Err(AuthenticationFailure::SynchFailure {
                auts: self.auts(rand),
            });
        }
        self.sqn.accept(sqn);
        let (ck, ik) = (&outputs.ck, &outputs.ik);
        Ok(UeResult {
            res_star: five_g_aka::res_star(ck, ik, snn, rand, &outputs.res),
            k_ausf: five_g_aka::k_ausf(ck, ik, snn, &sqn_xor_ak),
        })
    }

    /// AUTS for the highest number accepted. TS 33.102 6.3.3.
    fn auts(&self, rand: &Rand) -> Auts {
        let sqn_ms = self.sqn.highest().to_octets();
        let mac_s = self.milenage.f1_star(rand, &sqn_ms, Amf::RESYNCHRONIZATION);
        Auts::from_parts(concealed(sqn_ms, &self.milenage.f5_star(rand)), mac_s)
    }
}
