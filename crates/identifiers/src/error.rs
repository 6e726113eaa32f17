//! Why a text is no identifier.

use cause::Cause;

/// A text (or octet string) is not the identifier that it was taken for.
///
/// Names the kind of identifier and the fault, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{identifier} is not valid: {fault}")]
pub struct ParseIdentifierError {
    identifier: &'static str,
    fault: Fault,
}

/// What is wrong with a text that was taken for an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The text does not have the parts of this identifier, in their order.
    #[error("it does not have the expected form")]
    Form,
    /// The text, or a part of it, is shorter or longer than allowed.
    #[error("its length is not allowed")]
    Length,
    /// A character stands where it may not.
    #[error("it holds a character that is not allowed")]
    Character,
    /// A number in the text is outside its range, or contradicts another part.
    #[error("a number in it is out of range")]
    Range,
    /// A SUCI uses a protection scheme other than null, profile A and profile B.
    #[error("its protection scheme is not supported")]
    ProtectionScheme,
}

impl ParseIdentifierError {
    pub(crate) const fn new(identifier: &'static str, fault: Fault) -> Self {
        Self { identifier, fault }
    }

    /// The kind of identifier, in the specification's word, for example `supi`.
    #[must_use]
    pub const fn identifier(&self) -> &'static str {
        self.identifier
    }

    /// What is wrong.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.fault
    }

    /// The cause to answer when the text came from a peer.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self.fault {
            Fault::ProtectionScheme => Cause::UnsupportedProtectionScheme,
            Fault::Form | Fault::Length | Fault::Character | Fault::Range => {
                Cause::MandatoryElementIncorrect
            }
        }
    }
}
