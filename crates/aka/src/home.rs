//! The home network's side: vectors, confirmation and resynchronisation.

use cause::Cause;
use identifiers::ServingNetworkName;
use key_hierarchy::five_g_aka::{self, HxresStar};
use key_hierarchy::milenage::Milenage;
use key_hierarchy::{Amf, Rand};
use secret::{K, KAusf, Opc, ResStar, XresStar};

use crate::concealed;
use crate::sqn::Sqn;
use crate::token::{Autn, Auts};

/// The 5G home environment authentication vector. TS 33.501 6.1.3.2.0 step 1.
#[derive(Clone)]
pub struct HomeVector {
    /// The challenge.
    pub rand: Rand,
    /// The token that proves the home network and carries SQN.
    pub autn: Autn,
    /// The response that is expected.
    pub xres_star: XresStar,
    /// K_AUSF, valid once the response is confirmed.
    pub k_ausf: KAusf,
}

impl HomeVector {
    /// HXRES*, which goes to the serving network in the place of XRES*. TS 33.501 A.5.
    #[must_use]
    pub fn hxres_star(&self) -> HxresStar {
        five_g_aka::hxres_star(&self.rand, &self.xres_star)
    }
}

/// The separation bit of AMF is not set, so no 5G vector may be made with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("separation bit of AMF is not set")]
pub struct SeparationBitMissing;

impl SeparationBitMissing {
    /// The cause to answer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::AvGenerationProblem
    }
}

/// Makes one vector. TS 33.501 6.1.3.2.0 step 1, A.2, A.4; TS 33.102 6.3.2.
///
/// `sqn` is a number that [`Sqn::next`] gave and that is stored already; no two vectors of a subscriber
/// may ever have the same. `rand` comes from a cryptographic source of randomness.
///
/// # Errors
/// [`SeparationBitMissing`] for an AMF without separation bit.
pub fn generate_vector(
    k: &K,
    opc: &Opc,
    amf: Amf,
    sqn: Sqn,
    rand: Rand,
    snn: &ServingNetworkName,
) -> Result<HomeVector, SeparationBitMissing> {
    if !amf.has_separation_bit() {
        return Err(SeparationBitMissing);
    }
    let milenage = Milenage::new(k, opc);
    let outputs = milenage.f2_to_f5(&rand);
    let sqn_octets = sqn.to_octets();
    let sqn_xor_ak = concealed(sqn_octets, &outputs.ak);
    let mac_a = milenage.f1(&rand, &sqn_octets, amf);
    Ok(HomeVector {
        rand,
        autn: Autn::from_parts(sqn_xor_ak, amf, mac_a),
        xres_star: five_g_aka::xres_star(&outputs.ck, &outputs.ik, snn, &rand, &outputs.res),
        k_ausf: five_g_aka::k_ausf(&outputs.ck, &outputs.ik, snn, &sqn_xor_ak),
    })
}

/// RES* of the UE is not the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("RES* is not the expected response")]
pub struct ResStarMismatch;

impl ResStarMismatch {
    /// The cause to answer. On the interface of TS 29.509 the same is said by an authentication result.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::AuthenticationRejected
    }
}

/// Compares RES* with XRES* in constant time. TS 33.501 6.1.3.2.0 step 11.
///
/// Only after success may K_AUSF replace the one that was stored before (6.2.2.1).
///
/// # Errors
/// [`ResStarMismatch`] if they differ.
pub fn confirm(xres_star: &XresStar, res_star: &ResStar) -> Result<(), ResStarMismatch> {
    if secret::ct_eq(xres_star.expose(), res_star.expose()) {
        Ok(())
    } else {
        Err(ResStarMismatch)
    }
}

/// AUTS was not made by the holder of K for this RAND.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("AUTS is not authentic")]
pub struct AutsRejected;

impl AutsRejected {
    /// The cause to answer. TS 29.509 table 6.1.7.3-1.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::AuthenticationRejected
    }
}

/// Recovers SQN_MS from AUTS and verifies MAC-S, in constant time and with AMF* all zero.
/// TS 33.102 6.3.3, 6.3.5.
///
/// `rand` is the challenge that was really sent, never one that comes with the request.
///
/// # Errors
/// [`AutsRejected`] if MAC-S is wrong. Then nothing may change.
pub fn verify_auts(k: &K, opc: &Opc, rand: &Rand, auts: &Auts) -> Result<Sqn, AutsRejected> {
    let milenage = Milenage::new(k, opc);
    let sqn_ms = concealed(auts.sqn_ms_xor_ak_star(), &milenage.f5_star(rand));
    let mac_s = milenage.f1_star(rand, &sqn_ms, Amf::RESYNCHRONIZATION);
    if secret::ct_eq(&mac_s, &auts.mac_s()) {
        Ok(Sqn::from_octets(sqn_ms))
    } else {
        Err(AutsRejected)
    }
}

/// What an authentic AUTS does to the number of the home network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resynchronization {
    /// The next vector would be accepted anyway: the number stays, so that an AUTS that is repeated or
    /// late never sets it back.
    Unchanged,
    /// The number becomes that of the USIM.
    Set(Sqn),
}

/// Decides on an SQN_MS that [`verify_auts`] gave. TS 33.102 6.3.5 steps 2 to 4.
///
/// `home` is the number of the last vector; `delta` is the limit of the USIMs, see
/// [`crate::DEFAULT_DELTA`]. Another vector is made with [`Sqn::next`] in either case.
///
/// The number goes back in one case only: when it is so far ahead that the USIM would refuse it and
/// everything after it.
#[must_use]
pub fn resynchronize(home: Sqn, sqn_ms: Sqn, delta: u64) -> Resynchronization {
    let accepted = (home.seq() + 1)
        .checked_sub(sqn_ms.seq())
        .is_some_and(|ahead| ahead > 0 && ahead <= delta);
    if accepted {
        Resynchronization::Unchanged
    } else {
        Resynchronization::Set(sqn_ms)
    }
}
