//! MSGin5G elements, messages and rules.
//!
//! The crate turns the JSON bodies of the MSGin5G-1 reference point into typed messages and back, and holds the rules of
//! the MSGin5G Server as pure functions. It knows no socket, no clock and no store: the time, the identity of the DTLS
//! session and the associations are arguments.
//!
//! * [`elements`] is the one table of element names,
//! * [`messages`] has REG, DEREG, MSG, MSGRESP and IMDN,
//! * [`registration`] and [`delivery`] decide for the server,
//! * [`client`] builds requests and reads answers in the UE.
//!
//! Where TS 24.538 leaves a value open, the choice is marked `Choice:` at the item.
//!
//! Source: TS 24.538 6.3, 6.4 and 7.1, TS 23.554 8.2 and 8.3, TS 33.501 Y.2.

#![no_std]

extern crate alloc;

pub mod association;
pub mod client;
pub mod delivery;
pub mod elements;
mod error;
pub mod fuzz;
mod json;
pub mod messages;
mod payload;
pub mod profile;
pub mod registration;
pub mod session;
mod time;
pub mod values;

pub use error::DecodeError;
pub use payload::Payload;
pub use time::{TimeOfDay, Timestamp};

/// Longest body of a request or an answer, in octets, after any block-wise transfer was joined.
///
/// `Choice:` TS 24.538 gives no bound.
pub const MAX_BODY_BYTES: usize = 8 * 1024;

/// Longest payload of one message or one segment, in octets. Source: TS 23.554 8.5.1.
pub const MAX_PAYLOAD_BYTES: usize = 2048;

/// Number of the CoAP Content-Format `application/json`. Source: TS 24.538 6.3.1.1.1 c), RFC 7252 12.3.
pub const CONTENT_FORMAT_JSON: u16 = 50;

/// Uri-Path of the MSGin5G Server and of the client that receives a pushed message, one segment without a slash.
///
/// `Choice:` the path comes from the configured server address; this is the default of Berth.
pub const URI_PATH: &str = "msgin5g";

/// CoAP codes that this crate speaks of, as the octet on the wire. Source: RFC 7252 12.1.
pub mod code {
    /// 0.02 POST, the method of every MSGin5G request.
    pub const POST: u8 = 0x02;
    /// 2.01 Created, a new registration.
    pub const CREATED: u8 = 0x41;
    /// 2.04 Changed, every other success.
    pub const CHANGED: u8 = 0x44;
}
