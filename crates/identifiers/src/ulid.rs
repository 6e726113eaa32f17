//! Identifiers that the system gives out itself.

use crate::{Fault, ParseIdentifierError, redaction};
use alloc::string::String;
use core::fmt;

/// Crockford's base32: digits and upper-case letters without I, L, O, U.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARACTERS: usize = 26;

macro_rules! ulids {
    ($($(#[$doc:meta])* $name:ident($prefix:literal, $word:literal);)+) => {$(
        $(#[$doc])*
        #[doc = concat!("\n\n`", $prefix, "` and 26 characters of a ULID. Later ones order after earlier ones.")]
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Makes a new one from the time in milliseconds since 1970 (the low 48 bits are used)
            /// and ten random octets.
            #[must_use]
            pub fn generate(unix_ms: u64, random: [u8; 10]) -> Self {
                Self(generate($prefix, unix_ms, random))
            }

            /// Reads the text form.
            ///
            /// # Errors
            /// [`ParseIdentifierError`] on another prefix or length, or a character outside
            /// Crockford's base32 in upper case.
            pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
                check($prefix, text)
                    .map(|()| Self(text.into()))
                    .map_err(|fault| ParseIdentifierError::new($word, fault))
            }

            /// The text form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                redaction::tail(f, self.0.strip_prefix($prefix).unwrap_or_default(), 4)
            }
        }

        redacted!($name);
    )+};
}

ulids! {
    /// A subscription; it exists before, and survives, any device.
    SubscriptionId("sub_", "subscription_id");
    /// A set of credentials of a subscription; a new one for each generation of keys.
    CredentialSetId("crd_", "credential_set_id");
    /// A sealed profile on its way to a device.
    PackageId("pkg_", "package_id");
    /// The person or company that owns a device.
    OwnerId("own_", "owner_id");
    /// An order for a device that has not shown up yet.
    OrderId("ord_", "order_id");
}

fn generate(prefix: &str, unix_ms: u64, random: [u8; 10]) -> String {
    let random = random
        .iter()
        .fold(0_u128, |value, octet| value << 8 | u128::from(*octet));
    let value = u128::from(unix_ms) << 80 | random;
    let mut text = String::from(prefix);
    // 26 characters hold 130 bits; the two highest are zero.
    for index in (0..CHARACTERS).rev() {
        let symbol = SYMBOLS
            .get(((value >> (5 * index)) & 0x1f) as usize)
            .copied();
        text.extend(symbol.map(char::from));
    }
    text
}

// Every 26 characters are taken, also those that a ULID of 128 bits cannot have in front: the
// identifier is compared as text and never turned back into time and randomness.
fn check(prefix: &str, text: &str) -> Result<(), Fault> {
    let characters = text.strip_prefix(prefix).ok_or(Fault::Form)?;
    if !characters.bytes().all(|octet| SYMBOLS.contains(&octet)) {
        return Err(Fault::Character);
    }
    if characters.len() != CHARACTERS {
        return Err(Fault::Length);
    }
    Ok(())
}
