//! Codes of messages: methods and response codes.

use core::fmt;

/// The code octet of a message: three bits of class, five of detail, written `c.dd`.
///
/// Source: RFC 7252 3 and 12.1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u8);

impl Code {
    /// 0.00, the code of an empty message.
    pub const EMPTY: Self = Self(0x00);
    /// 2.01 Created.
    pub const CREATED: Self = Self(0x41);
    /// 2.02 Deleted.
    pub const DELETED: Self = Self(0x42);
    /// 2.03 Valid.
    pub const VALID: Self = Self(0x43);
    /// 2.04 Changed.
    pub const CHANGED: Self = Self(0x44);
    /// 2.05 Content.
    pub const CONTENT: Self = Self(0x45);
    /// 2.31 Continue (RFC 7959 2.9.1).
    pub const CONTINUE: Self = Self(0x5f);
    /// 4.00 Bad Request.
    pub const BAD_REQUEST: Self = Self(0x80);
    /// 4.01 Unauthorized.
    pub const UNAUTHORIZED: Self = Self(0x81);
    /// 4.02 Bad Option.
    pub const BAD_OPTION: Self = Self(0x82);
    /// 4.03 Forbidden.
    pub const FORBIDDEN: Self = Self(0x83);
    /// 4.04 Not Found.
    pub const NOT_FOUND: Self = Self(0x84);
    /// 4.05 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Self = Self(0x85);
    /// 4.06 Not Acceptable.
    pub const NOT_ACCEPTABLE: Self = Self(0x86);
    /// 4.08 Request Entity Incomplete (RFC 7959 2.9.2).
    pub const REQUEST_ENTITY_INCOMPLETE: Self = Self(0x88);
    /// 4.09 Conflict (RFC 8132 3.4).
    pub const CONFLICT: Self = Self(0x89);
    /// 4.12 Precondition Failed.
    pub const PRECONDITION_FAILED: Self = Self(0x8c);
    /// 4.13 Request Entity Too Large.
    pub const REQUEST_ENTITY_TOO_LARGE: Self = Self(0x8d);
    /// 4.15 Unsupported Content-Format.
    pub const UNSUPPORTED_CONTENT_FORMAT: Self = Self(0x8f);
    /// 4.22 Unprocessable Entity (RFC 8132 3.4).
    pub const UNPROCESSABLE_ENTITY: Self = Self(0x96);
    /// 4.29 Too Many Requests (RFC 8516).
    pub const TOO_MANY_REQUESTS: Self = Self(0x9d);
    /// 5.00 Internal Server Error.
    pub const INTERNAL_SERVER_ERROR: Self = Self(0xa0);
    /// 5.01 Not Implemented.
    pub const NOT_IMPLEMENTED: Self = Self(0xa1);
    /// 5.02 Bad Gateway.
    pub const BAD_GATEWAY: Self = Self(0xa2);
    /// 5.03 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Self = Self(0xa3);
    /// 5.04 Gateway Timeout.
    pub const GATEWAY_TIMEOUT: Self = Self(0xa4);
    /// 5.05 Proxying Not Supported.
    pub const PROXYING_NOT_SUPPORTED: Self = Self(0xa5);

    /// Wraps the code octet as it stands in a message.
    pub const fn from_byte(byte: u8) -> Self {
        Self(byte)
    }

    /// The code octet as it stands in a message.
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// The class: 0 for requests and the empty message, 2, 4 and 5 for responses.
    pub const fn class(self) -> u8 {
        self.0 >> 5
    }

    /// The detail, 0 to 31.
    pub const fn detail(self) -> u8 {
        self.0 & 0x1f
    }

    /// Whether this is the code of an empty message.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is the code of a request, known to us or not.
    pub const fn is_request(self) -> bool {
        self.class() == 0 && !self.is_empty()
    }

    /// Whether this is the code of a response.
    pub const fn is_response(self) -> bool {
        matches!(self.class(), 2 | 4 | 5)
    }

    /// Whether this is a 2.xx response.
    pub const fn is_success(self) -> bool {
        self.class() == 2
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.class(), self.detail())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A request method.
///
/// Source: RFC 7252 5.8, RFC 8132 2 and 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// 0.04 DELETE.
    Delete,
    /// 0.05 FETCH.
    Fetch,
    /// 0.01 GET.
    Get,
    /// 0.07 iPATCH.
    IPatch,
    /// 0.06 PATCH.
    Patch,
    /// 0.02 POST.
    Post,
    /// 0.03 PUT.
    Put,
}

impl Method {
    /// The method of a request code, or `None` for a code that names no method known here.
    pub const fn from_code(code: Code) -> Option<Self> {
        Some(match code.byte() {
            1 => Self::Get,
            2 => Self::Post,
            3 => Self::Put,
            4 => Self::Delete,
            5 => Self::Fetch,
            6 => Self::Patch,
            7 => Self::IPatch,
            _ => return None,
        })
    }

    /// The code of the method.
    pub const fn code(self) -> Code {
        Code(match self {
            Self::Get => 1,
            Self::Post => 2,
            Self::Put => 3,
            Self::Delete => 4,
            Self::Fetch => 5,
            Self::Patch => 6,
            Self::IPatch => 7,
        })
    }

    /// Whether the method changes nothing at the server, so that a handler may run twice.
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Fetch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn codes_print_as_class_and_detail() {
        assert_eq!(format!("{}", Code::NOT_FOUND), "4.04");
        assert_eq!(format!("{:?}", Code::CONTINUE), "2.31");
        assert_eq!(format!("{}", Code::TOO_MANY_REQUESTS), "4.29");
    }

    #[test]
    fn every_method_comes_back_from_its_code() {
        for byte in 0..=255 {
            if let Some(method) = Method::from_code(Code::from_byte(byte)) {
                assert_eq!(method.code().byte(), byte);
            }
        }
        assert_eq!(Method::from_code(Code::from_byte(8)), None);
    }
}
