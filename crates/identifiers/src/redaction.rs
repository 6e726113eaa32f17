//! How identifiers look in logs.

use core::fmt;

/// Gives a type `redacted()` and a `Debug` of the same content. The type has a private method
/// `fmt_redacted(&self, &mut fmt::Formatter<'_>) -> fmt::Result`.
macro_rules! redacted {
    ($name:ident $(<$life:lifetime>)?) => {
        impl $(<$life>)? $name $(<$life>)? {
            /// The form for logs and error messages: enough to follow one identifier through a log,
            /// not enough to know whose it is.
            #[must_use]
            pub fn redacted(&self) -> impl ::core::fmt::Display {
                ::core::fmt::from_fn(move |f| self.fmt_redacted(f))
            }
        }

        impl $(<$life>)? ::core::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.redacted())
            }
        }
    };
}

/// Writes the last `kept` characters of an ASCII text after an ellipsis, or the ellipsis alone if
/// that would show half of the text or more.
pub(crate) fn tail(f: &mut fmt::Formatter<'_>, text: &str, kept: usize) -> fmt::Result {
    f.write_str("…")?;
    match text.len().checked_sub(kept) {
        Some(hidden) if hidden > kept => f.write_str(text.get(hidden..).unwrap_or_default()),
        _ => Ok(()),
    }
}
