//! The one table of element names.
//!
//! Names are written as TS 24.538 and TS 23.554 spell them. A receiver compares them without case and by letters and
//! digits only, so that `UE Service ID`, `ue-service-id` and `ueServiceId` are one element.

use core::fmt;

macro_rules! elements {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// An element of an MSGin5G body.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Element {
            $($(#[$doc])* $variant,)*
        }

        impl Element {
            /// Every element, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name as it is written in a body.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

elements! {
    // TS 24.538 6.3.1.1.1 and 7.1
    /// Marks a POST as one for the MSGin5G service.
    ServiceIdentifier = "MSGin5G service identifier",
    /// The kind of message.
    MessageType = "Message Type",
    /// The UE endpoint that registers.
    UeServiceId = "UE Service ID",
    /// Parameters that describe the client.
    ClientProfile = "MSGin5G Client Profile",
    /// How the client is triggered.
    ClientTriggeringInformation = "MSGin5G Client Triggering Information",
    /// The UE that hosts the client.
    UeId = "MSGin5G UE ID",
    /// Ports on which the client listens for triggers.
    ClientPorts = "MSGin5G Client Ports",
    /// Number of one port.
    Port = "port",
    /// Means by which a trigger reaches a port.
    Protocol = "protocol",
    /// When the client can be reached.
    ClientCommunicationAvailability = "MSGin5G Client Communication Availability",
    /// When the UE becomes available.
    ScheduledCommunicationTime = "Scheduled communication time",
    /// Days of a weekly schedule, 1 is Monday. Source: TS 24.546 C.1.4.4.1.
    DaysOfWeek = "daysOfWeek",
    /// Start of the window on those days.
    TimeOfDayStart = "timeOfDayStart",
    /// End of the window on those days.
    TimeOfDayEnd = "timeOfDayEnd",
    /// Length of the window, seconds.
    CommunicationDurationTime = "Communication duration time",
    /// Whether the client communicates periodically.
    PeriodicCommunicationIndicator = "Periodic communication indicator",
    /// The period, seconds.
    PeriodicCommunicationInterval = "Periodic communication interval",
    /// Expected volume in one window, octets.
    DataSizeIndication = "Data size indication",
    /// The UE wants nothing stored for it.
    StoreAndForwardOption = "Store and forward option",
    /// Longest segment that the client takes, octets. Source: TS 23.554 8.2.1.
    SegmentSize = "MSGin5G Client Supported Maximum MSGin5G segment size",
    /// Wish for the end of the registration.
    RequestedExpirationTime = "Requested expiration time",
    /// Success or failure of a registration.
    RegistrationResult = "Registration result",
    /// End of the registration.
    RegistrationExpirationTime = "Registration expiration time",
    /// Success or failure of a de-registration.
    DeregistrationResult = "De-registration result",

    // TS 23.554 8.3.2 to 8.3.4
    /// The UE that sends.
    OriginatingUeServiceId = "Originating UE Service ID",
    /// The application server that sends.
    OriginatingAsServiceId = "Originating AS Service ID",
    /// The UE addressed.
    RecipientUeServiceId = "Recipient UE Service ID",
    /// The application server addressed.
    RecipientAsServiceId = "Recipient AS Service ID",
    /// The group addressed.
    RecipientGroupServiceId = "Recipient Group Service ID",
    /// The area addressed.
    BroadcastAreaId = "Broadcast Area ID",
    /// The topic addressed.
    MessagingTopic = "Messaging Topic",
    /// Identity of the message.
    MessageId = "Message ID",
    /// The application inside the UE.
    ApplicationId = "Application ID",
    /// Whether the sender wants a report.
    DeliveryStatusRequired = "Delivery status required",
    /// What is carried.
    Payload = "Payload",
    /// How the payload is written.
    PayloadEncoding = "Payload encoding",
    /// High, middle or low.
    PriorityType = "Priority type",
    /// Whether the message is one segment of several.
    MessageIsSegmented = "Message is segmented",
    /// The set that a segment belongs to.
    SegmentationSetIdentifier = "Segmentation set identifier",
    /// Number of segments in the set.
    TotalNumberOfMessageSegments = "Total number of message segments",
    /// Position of the segment, from 1.
    MessageSegmentNumber = "Message segment number",
    /// Marks the last segment.
    LastSegmentFlag = "Last segment flag",
    /// Whether the message may be stored.
    StoreAndForwardFlag = "Store and forward flag",
    /// Details of storing.
    StoreAndForwardParameters = "Store and forward parameters",
    /// When the message loses its worth.
    MessageExpirationTime = "Message expiration time",
    /// What became of a message.
    DeliveryStatus = "Delivery Status",
    /// Why it failed.
    FailureCause = "Failure Cause",
}

impl Element {
    /// Returns the element that `name` means, or `None` for a name that is not in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|element| normalised(element.name()).eq(normalised(name)))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the letters and digits of a name, ASCII letters in lower case.
///
/// Letters beyond ASCII stay as they are: no folding makes a foreign letter equal to one of the table.
pub(crate) fn normalised(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .map(|c| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::string::String;

    #[test]
    fn names_of_the_table_stay_distinct_after_normalisation() {
        let names: BTreeSet<String> = Element::ALL
            .iter()
            .map(|e| normalised(e.name()).collect())
            .collect();
        assert_eq!(names.len(), Element::ALL.len());
    }

    #[test]
    fn spellings_of_a_name_are_one_element() {
        for name in [
            "UE Service ID",
            "ueServiceId",
            "ue-service-id",
            "UE_SERVICE_ID",
        ] {
            assert_eq!(Element::from_name(name), Some(Element::UeServiceId));
        }
        assert_eq!(
            Element::from_name("deRegistrationResult"),
            Some(Element::DeregistrationResult)
        );
    }

    #[test]
    fn foreign_letters_are_not_folded_into_the_table() {
        // U+212A KELVIN SIGN folds to k, U+0130 to i: neither may stand for a letter of the table.
        assert_eq!(Element::from_name("UE Serv\u{0130}ce ID"), None);
        assert_eq!(Element::from_name(""), None);
    }
}
