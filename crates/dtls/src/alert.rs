//! Alerts (RFC 5246 7.2).

use core::fmt;

/// What an alert says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AlertDescription(u8);

macro_rules! descriptions {
    ($($(#[doc = $doc:literal])* $name:ident = $number:literal, $text:literal;)*) => {
        impl AlertDescription {
            $($(#[doc = $doc])* pub const $name: Self = Self($number);)*

            /// The name of the description in the specification, if it is known.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

descriptions! {
    /// The sender will send nothing more.
    CLOSE_NOTIFY = 0, "close_notify";
    /// A message came that the state does not allow.
    UNEXPECTED_MESSAGE = 10, "unexpected_message";
    /// A record could not be authenticated.
    BAD_RECORD_MAC = 20, "bad_record_mac";
    /// No acceptable set of parameters.
    HANDSHAKE_FAILURE = 40, "handshake_failure";
    /// A field has a value that is out of range or inconsistent.
    ILLEGAL_PARAMETER = 47, "illegal_parameter";
    /// The key is valid, but its holder may not go on.
    ACCESS_DENIED = 49, "access_denied";
    /// A message could not be decoded.
    DECODE_ERROR = 50, "decode_error";
    /// A cryptographic check of the handshake failed, for instance of Finished.
    DECRYPT_ERROR = 51, "decrypt_error";
    /// The protocol version is not supported.
    PROTOCOL_VERSION = 70, "protocol_version";
    /// A fault that has nothing to do with the peer.
    INTERNAL_ERROR = 80, "internal_error";
    /// A second handshake inside the session is refused.
    NO_RENEGOTIATION = 100, "no_renegotiation";
    /// The answer holds an extension that was not offered.
    UNSUPPORTED_EXTENSION = 110, "unsupported_extension";
    /// The identity is not known (never sent by this engine, RFC 4279 2).
    UNKNOWN_PSK_IDENTITY = 115, "unknown_psk_identity";
}

impl AlertDescription {
    /// The description with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        Self(number)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for AlertDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AlertDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "alert {}", self.0),
        }
    }
}

/// An alert as it stands in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    pub(crate) fatal: bool,
    pub(crate) description: AlertDescription,
}

impl Alert {
    pub(crate) const fn fatal(description: AlertDescription) -> Self {
        Self {
            fatal: true,
            description,
        }
    }

    pub(crate) const fn warning(description: AlertDescription) -> Self {
        Self {
            fatal: false,
            description,
        }
    }

    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        match octets {
            [level @ (1 | 2), description] => Some(Self {
                fatal: *level == 2,
                description: AlertDescription(*description),
            }),
            _ => None,
        }
    }

    pub(crate) const fn to_octets(self) -> [u8; 2] {
        [if self.fatal { 2 } else { 1 }, self.description.0]
    }
}
