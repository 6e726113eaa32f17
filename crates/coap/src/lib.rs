//! A sans-IO CoAP codec and message layer.
//!
//! [`Message`] reads a datagram in place; [`Endpoint`] is the state of one session with one peer, client and server at
//! once: confirmable messages and their repetition, duplicates, separate responses, block-wise transfer, observation.
//! It owns no socket and no clock: datagrams and the time go in, datagrams and [`Event`]s come out.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use coap::{Code, ContentFormat, Endpoint, Event, Parameters, Reliability, Request, Response};
//!
//! let parameters = Arc::new(Parameters::default());
//! let mut device = Endpoint::new(Arc::clone(&parameters), 1);
//! let mut server = Endpoint::new(parameters, 2);
//! let now = Duration::ZERO;
//!
//! device.request(now, Request::get("/time"), Reliability::Confirmable)?;
//! while let Some(datagram) = device.poll_transmit() {
//!     server.handle_datagram(now, &datagram);
//! }
//! while let Some(event) = server.poll_event() {
//!     if let Event::Request { id, request, .. } = event {
//!         assert_eq!(request.path(), "/time");
//!         server.respond(now, id, Response::content(ContentFormat::TEXT, b"noon".to_vec()))?;
//!     }
//! }
//! while let Some(datagram) = server.poll_transmit() {
//!     device.handle_datagram(now, &datagram);
//! }
//! let Some(Event::Response { response, .. }) = device.poll_event() else { panic!("no response") };
//! assert_eq!((response.code, response.payload.as_slice()), (Code::CONTENT, b"noon".as_slice()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: RFC 7252, RFC 7641, RFC 7959, RFC 8132, RFC 8516, RFC 6690.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod block;
mod code;
mod content_format;
mod endpoint;
mod error;
pub mod fuzz;
mod link_format;
mod message;
mod option_number;
mod options;
mod request;
mod response;
mod token;

pub use block::{Block, BlockSize};
pub use code::{Code, Method};
pub use content_format::ContentFormat;
pub use endpoint::{
    EndReason, Endpoint, Event, ExchangeId, Failure, ObservationId, Parameters, Reliability,
    RequestError, RequestId, Resting, Stats, Unknown,
};
pub use error::ParseError;
pub use link_format::{Link, well_known_core};
pub use message::{Header, Kind, Message};
pub use option_number::OptionNumber;
pub use options::{OptionRef, Options, OptionsRef};
pub use request::Request;
pub use response::Response;
pub use token::{MessageId, Token};
