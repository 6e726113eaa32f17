//! Identifiers that an operator chooses.

use crate::{Fault, ParseIdentifierError};
use alloc::string::String;
use core::fmt;

/// Longest name, in octets.
const MAX_LEN: usize = 64;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($word:literal);)+) => {$(
        $(#[$doc])*
        #[doc = "\n\n1 to 64 ASCII letters, digits and `-`, `_`, `.`, `:`, chosen by the operator; it tells nothing about a person and is printed whole."]
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Reads a name.
            ///
            /// # Errors
            /// [`ParseIdentifierError`] if it is empty, longer than 64 octets, or holds another
            /// character.
            pub fn parse(text: &str) -> Result<Self, ParseIdentifierError> {
                check(text)
                    .map(|()| Self(text.into()))
                    .map_err(|fault| ParseIdentifierError::new($word, fault))
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn fmt_redacted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        redacted!($name);
    )+};
}

names! {
    /// An operator.
    OperatorId("operator_id");
    /// An operator's customer whose devices and people are apart from those of others.
    TenantId("tenant_id");
    /// A plan that can be ordered.
    PlanId("plan_id");
}

fn check(text: &str) -> Result<(), Fault> {
    if !(1..=MAX_LEN).contains(&text.len()) {
        return Err(Fault::Length);
    }
    if !text
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || b"-_.:".contains(&octet))
    {
        return Err(Fault::Character);
    }
    Ok(())
}
