//! Values of elements that are more than a number.

use crate::elements::{Element, normalised};
use crate::error::DecodeError;
use crate::time::Timestamp;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use cause::Cause;
use core::fmt;
use core::time::Duration;
use identifiers::UeServiceId;

/// Why a value cannot be made from text or octets of the own side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("value is empty, too long or holds characters that are not allowed")]
pub struct ValueError;

impl ValueError {
    /// Returns the cause to answer with.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        Cause::MandatoryElementIncorrect
    }
}

fn printable(text: &str, max: usize) -> Result<String, ValueError> {
    let fits = !text.is_empty() && text.len() <= max && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned()).ok_or(ValueError)
}

macro_rules! text_values {
    ($($(#[$doc:meta])* $name:ident($max:literal, $debug:literal),)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Longest value, in octets.
            pub const MAX: usize = $max;

            /// Takes text of 1 to [`Self::MAX`] octets without control characters.
            ///
            /// # Errors
            /// Refuses other text.
            pub fn parse(text: &str) -> Result<Self, ValueError> {
                printable(text, Self::MAX).map(Self)
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($debug)
            }
        }
    )*};
}

text_values! {
    /// Identity of an application server in the service. `Debug` does not print it. Source: TS 23.554 clause 6.
    AsServiceId(255, "AsServiceId(..)"),
    /// Identity of a group of UEs. `Debug` does not print it. Source: TS 23.554 clause 6.
    GroupServiceId(255, "GroupServiceId(..)"),
    /// Name of an area of cells. `Debug` does not print it. Source: TS 23.554 3.1.
    BroadcastAreaId(255, "BroadcastAreaId(..)"),
    /// A messaging topic, compared exactly. `Debug` does not print it. Source: TS 23.554 8.8.1.
    MessagingTopic(255, "MessagingTopic(..)"),
    /// Selects the application inside the UE. `Debug` does not print it. Source: TS 23.554 8.3.2.
    ApplicationId(255, "ApplicationId(..)"),
    /// Names the set that a segment belongs to. `Debug` does not print it. Source: TS 23.554 8.5.
    SegmentationSetId(64, "SegmentationSetId(..)"),
    /// The means by which a trigger reaches a port, for example `SMS` or `NIDD`. Source: TS 23.554 8.2.1.
    TriggerProtocol(32, "TriggerProtocol(..)"),
    /// A failure in words that are not in the table of causes.
    FailureText(255, "FailureText(..)"),
}

/// Identity of one message, at most 64 printable ASCII characters; Berth makes UUIDs.
///
/// Source: TS 23.554 8.3.2, TS 24.538 A.2 (16 octets in the layer-3 form).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(String);

impl MessageId {
    /// Longest value, in octets.
    pub const MAX: usize = 64;

    /// Takes 1 to [`Self::MAX`] printable ASCII characters.
    ///
    /// # Errors
    /// Refuses other text.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        if !text.is_ascii() {
            return Err(ValueError);
        }
        printable(text, Self::MAX).map(Self)
    }

    /// Makes a UUID of version 7 from the time in milliseconds and ten random octets. Source: RFC 9562 5.7.
    #[must_use]
    pub fn generate(unix_ms: u64, random: [u8; 10]) -> Self {
        let tail = random
            .iter()
            .fold(0_u128, |acc, octet| acc << 8 | u128::from(*octet));
        let time = u128::from(unix_ms & 0xffff_ffff_ffff) << 80;
        let versioned = tail & !(0xf << 76) & !(0x3 << 62) | 0x7 << 76 | 0x2 << 62;
        let hex = format!("{:032x}", time | versioned);
        let mut text = String::with_capacity(36);
        for (index, digit) in hex.chars().enumerate() {
            if matches!(index, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        Self(text)
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({})", self.0)
    }
}

/// The value that marks a request as one for this MSGin5G service, compared without case.
///
/// `Choice:` the literal value is not public; the default is `MSGin5G`. Source: TS 24.538 6.3.1.1.1 d) 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceIdentifier(String);

impl ServiceIdentifier {
    /// Takes text of 1 to 255 octets without control characters.
    ///
    /// # Errors
    /// Refuses other text.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        printable(text, 255).map(Self)
    }

    /// Returns the text as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether a received value names this service.
    #[must_use]
    pub fn matches(&self, received: &str) -> bool {
        self.0.eq_ignore_ascii_case(received)
    }
}

impl Default for ServiceIdentifier {
    fn default() -> Self {
        Self("MSGin5G".to_owned())
    }
}

/// One of the two parties that can originate: a UE or an application server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A UE.
    Ue(UeServiceId),
    /// An application server.
    As(AsServiceId),
}

/// To whom a message goes; a message names exactly one. Source: TS 23.554 8.3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A UE.
    Ue(UeServiceId),
    /// An application server.
    As(AsServiceId),
    /// The members of a group.
    Group(GroupServiceId),
    /// The UEs in an area.
    BroadcastArea(BroadcastAreaId),
    /// The subscribers of a topic.
    Topic(MessagingTopic),
}

/// How urgent a message is; absent means [`Priority::Middle`] to a scheduler. Source: TS 29.538 (priority).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// After everything else.
    Low,
    /// The usual.
    Middle,
    /// First, and never aggregated.
    High,
}

impl Priority {
    pub(crate) const fn to_wire(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Middle => "Middle",
            Self::High => "High",
        }
    }

    pub(crate) fn from_wire(text: &str) -> Option<Self> {
        [Self::Low, Self::Middle, Self::High]
            .into_iter()
            .find(|priority| priority.to_wire().eq_ignore_ascii_case(text))
    }
}

/// Whether the sender lets the server keep a message for an absent recipient. Source: TS 23.554 8.3.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreAndForward {
    /// The sender says nothing; the server stores by its own policy.
    #[default]
    Unstated,
    /// The sender wants storing.
    Requested {
        /// When the message loses its worth.
        expires: Option<Timestamp>,
    },
    /// The sender wants delivery now or never.
    Declined,
}

/// Place of one segment in its set. Source: TS 23.554 8.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The set.
    pub set: SegmentationSetId,
    /// Position, from 1 to [`Self::MAX_COUNT`].
    pub number: u16,
    /// Number of segments, stated in the first one.
    pub total: Option<u16>,
    /// Whether this is the last one.
    pub last: bool,
}

impl Segment {
    /// Most segments in one set. `Choice:` no bound is given.
    pub const MAX_COUNT: u16 = 1024;
}

/// Why something failed, as the peer says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureCause {
    /// A cause of the common table, written by its name.
    Known(Cause),
    /// Other text.
    Other(FailureText),
}

impl FailureCause {
    pub(crate) fn to_wire(&self) -> &str {
        match self {
            Self::Known(cause) => cause.name(),
            Self::Other(text) => text.as_str(),
        }
    }

    pub(crate) fn from_wire(text: &str) -> Result<Self, DecodeError> {
        if let Some(cause) = Cause::from_name(text) {
            return Ok(Self::Known(cause));
        }
        FailureText::parse(text)
            .map(Self::Other)
            .map_err(|_| DecodeError::Incorrect(Element::FailureCause))
    }
}

impl From<Cause> for FailureCause {
    fn from(cause: Cause) -> Self {
        Self::Known(cause)
    }
}

/// Finds the value whose name equals `text` by letters and digits alone.
pub(crate) fn by_name<T: Copy>(table: &[(&str, T)], text: &str) -> Option<T> {
    table
        .iter()
        .find(|(name, _)| normalised(name).eq(normalised(text)))
        .map(|(_, value)| *value)
}

/// Longest duration that an element may state; keeps sums of times in range.
const MAX_DURATION_SECONDS: u64 = u32::MAX as u64;

/// Reads whole seconds, more than none.
pub(crate) fn duration(seconds: u64) -> Option<Duration> {
    (1..=MAX_DURATION_SECONDS)
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_are_uuids_of_version_7() {
        // RFC 9562 A.6: time 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        let id = MessageId::generate(0x017F_22E2_79B0, random);
        assert_eq!(id.as_str(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
        assert_eq!(MessageId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn message_ids_are_short_printable_ascii() {
        assert!(MessageId::parse(&"a".repeat(64)).is_ok());
        for text in ["", "a\nb", "é", &"a".repeat(65)] {
            assert_eq!(MessageId::parse(text), Err(ValueError));
        }
    }

    #[test]
    fn addresses_do_not_show_in_debug() {
        let topic = MessagingTopic::parse("ward/7").expect("topic");
        assert_eq!(format!("{topic:?}"), "MessagingTopic(..)");
    }
}
