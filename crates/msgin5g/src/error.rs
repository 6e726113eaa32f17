//! What can be wrong with a body.

use crate::elements::Element;
use crate::messages::MessageType;
use cause::Cause;

/// Why a body is not an MSGin5G message. All of these are the sender's fault.
///
/// No variant carries content of the body, so that the text may be logged and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The Content-Format is missing or is not `application/json`.
    #[error("content format is not application/json")]
    ContentFormat,
    /// The body is longer than [`crate::MAX_BODY_BYTES`].
    #[error("body is longer than the limit")]
    BodyTooLarge,
    /// The body is not one JSON object.
    #[error("body is not a JSON object")]
    NotJson,
    /// Lists and objects stand in each other deeper than the limit.
    #[error("body is nested too deeply")]
    TooDeep,
    /// Two names of one object mean the same element.
    #[error("an element is given twice")]
    DuplicateElement,
    /// The MSGin5G service identifier names another service.
    #[error("request is not for this MSGin5G service")]
    OtherService,
    /// The message type is known, and there is no procedure for it at this point.
    #[error("message type {0} is not handled here")]
    MessageType(MessageType),
    /// A mandatory element, or one that another element demands, is not there.
    #[error("element \"{0}\" is missing")]
    Missing(Element),
    /// An element has a wrong type or a value outside its range.
    #[error("element \"{0}\" is incorrect")]
    Incorrect(Element),
    /// The payload is longer than [`crate::MAX_PAYLOAD_BYTES`].
    #[error("payload is longer than the limit")]
    PayloadTooLarge,
}

impl DecodeError {
    /// Returns the cause to answer with.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        match self {
            Self::ContentFormat => Cause::ContentFormatUnsupported,
            Self::BodyTooLarge | Self::PayloadTooLarge => Cause::PayloadTooLarge,
            Self::NotJson | Self::TooDeep | Self::DuplicateElement => Cause::MalformedMessage,
            Self::OtherService | Self::Incorrect(_) => Cause::MandatoryElementIncorrect,
            Self::MessageType(_) => Cause::Unsupported,
            Self::Missing(_) => Cause::MandatoryElementMissing,
        }
    }
}
