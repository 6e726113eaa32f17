//! Numbers and properties of options.

/// The number of an option; its low bits say how a stranger to it must behave.
///
/// Source: RFC 7252 5.4.6 and 12.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionNumber(pub u16);

impl OptionNumber {
    /// If-Match.
    pub const IF_MATCH: Self = Self(1);
    /// Uri-Host.
    pub const URI_HOST: Self = Self(3);
    /// ETag.
    pub const ETAG: Self = Self(4);
    /// If-None-Match.
    pub const IF_NONE_MATCH: Self = Self(5);
    /// Observe (RFC 7641).
    pub const OBSERVE: Self = Self(6);
    /// Uri-Port.
    pub const URI_PORT: Self = Self(7);
    /// Location-Path.
    pub const LOCATION_PATH: Self = Self(8);
    /// Uri-Path.
    pub const URI_PATH: Self = Self(11);
    /// Content-Format.
    pub const CONTENT_FORMAT: Self = Self(12);
    /// Max-Age.
    pub const MAX_AGE: Self = Self(14);
    /// Uri-Query.
    pub const URI_QUERY: Self = Self(15);
    /// Accept.
    pub const ACCEPT: Self = Self(17);
    /// Location-Query.
    pub const LOCATION_QUERY: Self = Self(20);
    /// Block2 (RFC 7959).
    pub const BLOCK2: Self = Self(23);
    /// Block1 (RFC 7959).
    pub const BLOCK1: Self = Self(27);
    /// Size2 (RFC 7959).
    pub const SIZE2: Self = Self(28);
    /// Proxy-Uri.
    pub const PROXY_URI: Self = Self(35);
    /// Proxy-Scheme.
    pub const PROXY_SCHEME: Self = Self(39);
    /// Size1.
    pub const SIZE1: Self = Self(60);
    /// Request-Tag (RFC 9175).
    pub const REQUEST_TAG: Self = Self(292);

    /// Whether a receiver that does not know the option must refuse the message.
    pub const fn is_critical(self) -> bool {
        self.0 & 1 == 1
    }

    /// What is known of the option, or `None` if it is not recognised here.
    ///
    /// If-Match and If-None-Match are critical and no resource here is conditional, so they count as not recognised
    /// and lead to 4.02 instead of being passed over.
    pub(crate) const fn properties(self) -> Option<Properties> {
        let (format, min, max, repeatable) = match self {
            Self::URI_HOST => (Format::Text, 1, 255, false),
            Self::ETAG => (Format::Opaque, 1, 8, true),
            Self::OBSERVE => (Format::Uint, 0, 3, false),
            Self::URI_PORT => (Format::Uint, 0, 2, false),
            Self::LOCATION_PATH | Self::URI_PATH | Self::URI_QUERY | Self::LOCATION_QUERY => {
                (Format::Text, 0, 255, true)
            }
            Self::CONTENT_FORMAT | Self::ACCEPT => (Format::Uint, 0, 2, false),
            Self::MAX_AGE | Self::SIZE1 | Self::SIZE2 => (Format::Uint, 0, 4, false),
            Self::BLOCK1 | Self::BLOCK2 => (Format::Uint, 0, 3, false),
            Self::PROXY_URI => (Format::Text, 1, 1034, false),
            Self::PROXY_SCHEME => (Format::Text, 1, 255, false),
            Self::REQUEST_TAG => (Format::Opaque, 0, 8, true),
            _ => return None,
        };
        Some(Properties {
            format,
            min,
            max,
            repeatable,
        })
    }
}

/// The format of an option value (RFC 7252 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Opaque,
    Text,
    Uint,
}

/// The row of an option in the table of RFC 7252 5.10.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Properties {
    format: Format,
    min: usize,
    max: usize,
    pub(crate) repeatable: bool,
}

impl Properties {
    /// Whether a value has the form that the table demands; otherwise the option counts as unrecognised
    /// (RFC 7252 5.4.3).
    pub(crate) fn admits(&self, value: &[u8]) -> bool {
        (self.min..=self.max).contains(&value.len())
            && (self.format != Format::Text || core::str::from_utf8(value).is_ok())
    }
}
