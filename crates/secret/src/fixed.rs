//! Keys of a fixed length, all made by one macro.

use cause::Cause;

/// A slice was offered as a key of another length.
///
/// Names the lengths and never the octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key of {expected} octets expected, {actual} octets given")]
pub struct WrongLength {
    /// Length of the key type, in octets.
    pub expected: usize,
    /// Length of the slice that was given, in octets.
    pub actual: usize,
}

impl WrongLength {
    /// The cause to answer when the slice came from a peer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::MandatoryElementIncorrect
    }
}

/// Makes key types: erased on drop, compared in constant time, never printed.
///
/// For crates that derive keys of their own; they need `subtle` and `zeroize` as dependencies.
#[macro_export]
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($length:literal);)+) => {$(
        $(#[$doc])*
        #[derive(Clone, ::zeroize::Zeroize, ::zeroize::ZeroizeOnDrop)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Length in octets.
            pub const LEN: usize = $length;

            /// Holds these octets. The argument is a copy: the caller erases its own.
            #[must_use]
            pub const fn new(octets: [u8; $length]) -> Self {
                Self(octets)
            }

            /// Copies a slice that must have exactly [`Self::LEN`] octets.
            ///
            /// # Errors
            /// [`WrongLength`]if the slice is longer or shorter.
            pub fn try_from_slice(octets: &[u8]) -> Result<Self, $crate::WrongLength> {
                octets.try_into().map(Self).map_err(|_| $crate::WrongLength {
                    expected: Self::LEN,
                    actual: octets.len(),
                })
            }

            /// The octets, for the one computation that needs them.
            #[must_use]
            pub const fn expose(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl ::subtle::ConstantTimeEq for $name {
            fn ct_eq(&self, other: &Self) -> ::subtle::Choice {
                self.0.as_slice().ct_eq(other.0.as_slice())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                ::subtle::ConstantTimeEq::ct_eq(self, other).into()
            }
        }

        impl Eq for $name {}
    )+};
}

keys! {
    /// The subscriber's long-term key K, shared by the USIM and the home network. TS 33.501 6.2.2.1.
    K(16);
    /// OPc, the operator's variant value encrypted under K. TS 35.206 clause 3.
    Opc(16);
    /// The cipher key CK of one authentication vector. TS 33.102 6.3.2.
    Ck(16);
    /// The integrity key IK of one authentication vector. TS 33.102 6.3.2.
    Ik(16);
    /// The anonymity key AK (or AK* of a resynchronisation) that hides SQN. TS 33.102 6.3.2, 6.3.3.
    AnonymityKey(6);
    /// XRES*, the response that the home network expects. TS 33.501 A.4.
    XresStar(16);
    /// RES*, the response that the UE gave. TS 33.501 A.4.
    ResStar(16);
    /// K_AUSF, the root of the keys of one primary authentication. TS 33.501 A.2.
    KAusf(32);
    /// K_SEAF, the anchor key of the serving network. TS 33.501 A.6.
    KSeaf(32);
    /// K_AMF, from which the keys of NAS security are derived. TS 33.501 A.7.
    KAmf(32);
    /// K_AKMA, the AKMA anchor key. TS 33.535 A.2.
    KAkma(32);
    /// K_AF, the application key of one application function and protocol. TS 33.535 A.4.
    KAf(32);
    /// Any 32-octet output of the OWA key schedule: accept, pdp-dtls or package.
    /// Source: Berth protocol, OWA version 1.
    OwaKey(32);
    /// The shared secret Z of one Diffie-Hellman exchange over X25519 or P-256.
    SharedSecret(32);
    /// A raw private key of X25519 or P-256.
    PrivateKey(32);
    /// An AES-256 key that seals data at rest.
    SealingKey(32);
}
