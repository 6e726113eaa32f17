//! Protection of steering of roaming (SoR) and UE parameters update (UPU) by K_AUSF.

use core::num::NonZeroU16;

use secret::KAusf;
use subtle::ConstantTimeEq;

use crate::kdf::{Parameter, ParameterTooLong, kdf, last_half};

/// A counter that enters each MAC of one K_AUSF: CounterSoR or CounterUPU.
///
/// It starts at 1 for a fresh K_AUSF and grows with each MAC; 0 is never used, and the service stops
/// before the counter would wrap. TS 33.501 6.14.2.3, 6.15.2.2.
pub type Counter = NonZeroU16;

/// SoR-MAC-I or UPU-MAC-I, of the AUSF or of the UE. Not a secret.
#[derive(Clone, Copy, Debug)]
pub struct UpdateMac([u8; 16]);

impl UpdateMac {
    /// The sixteen octets.
    #[must_use]
    pub const fn as_octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether a received MAC equals this one, in constant time. Another length never does.
    #[must_use]
    pub fn verifies(&self, received: &[u8]) -> bool {
        self.0.as_slice().ct_eq(received).into()
    }
}

/// SoR-MAC-I_AUSF over the SoR header and, where there is one, the list of preferred networks or the
/// secured packet. TS 33.501 A.17.
///
/// `container` is the SOR transparent container from its octet 23 on (TS 24.501 9.11.3.51); without it
/// neither the parameter nor its length enters.
///
/// # Errors
/// [`ParameterTooLong`] for a container above 65535 octets.
pub fn sor_mac_i_ausf(
    k_ausf: &KAusf,
    sor_header: u8,
    counter: Counter,
    container: Option<&[u8]>,
) -> Result<UpdateMac, ParameterTooLong> {
    let header = [sor_header];
    let counter = counter.get().to_be_bytes();
    let derived = match container {
        Some(container) => {
            let container = Parameter::new(container)?;
            kdf(
                k_ausf.expose(),
                0x77,
                &[(&header).into(), (&counter).into(), container],
            )
        }
        None => kdf(
            k_ausf.expose(),
            0x77,
            &[(&header).into(), (&counter).into()],
        ),
    };
    Ok(UpdateMac(*last_half(&derived)))
}

/// SoR-MAC-I_UE, by which the UE acknowledges. TS 33.501 A.18.
#[must_use]
pub fn sor_mac_i_ue(k_ausf: &KAusf, counter: Counter) -> UpdateMac {
    acknowledgement(k_ausf, 0x78, counter)
}

/// UPU-MAC-I_AUSF over the UE parameters update list. TS 33.501 A.19.
///
/// `data` is the UPU transparent container from its octet 23 on (TS 24.501 9.11.3.53A).
///
/// # Errors
/// [`ParameterTooLong`] for data above 65535 octets.
pub fn upu_mac_i_ausf(
    k_ausf: &KAusf,
    data: &[u8],
    counter: Counter,
) -> Result<UpdateMac, ParameterTooLong> {
    let counter = counter.get().to_be_bytes();
    let parameters = [Parameter::new(data)?, (&counter).into()];
    Ok(UpdateMac(*last_half(&kdf(
        k_ausf.expose(),
        0x7B,
        &parameters,
    ))))
}

/// UPU-MAC-I_UE, by which the UE acknowledges. TS 33.501 A.20.
#[must_use]
pub fn upu_mac_i_ue(k_ausf: &KAusf, counter: Counter) -> UpdateMac {
    acknowledgement(k_ausf, 0x7C, counter)
}

fn acknowledgement(k_ausf: &KAusf, fc: u8, counter: Counter) -> UpdateMac {
    let counter = counter.get().to_be_bytes();
    let parameters = [(&[0x01]).into(), (&counter).into()];
    UpdateMac(*last_half(&kdf(k_ausf.expose(), fc, &parameters)))
}
