//! A sans-IO DTLS 1.2 engine for devices with pre-shared keys.
//!
//! The engine owns no socket, no clock and no source of randomness: datagrams, instants and
//! random octets are arguments, and what it wants done stands in an [`Out`].
//!
//! # What it speaks
//!
//! DTLS 1.2 (RFC 6347) with `TLS_PSK_WITH_AES_128_CCM_8` and `TLS_PSK_WITH_AES_128_GCM_SHA256`:
//! stateless cookie, extended master secret (RFC 7627), server name indication, identity hint,
//! fragmentation and reassembly, retransmission, replay protection. There is no renegotiation,
//! no compression and no resumption: every session begins with a full handshake.
//!
//! # Driving a server
//!
//! | The caller has | it calls | and then |
//! |---|---|---|
//! | a datagram | [`Server::datagram`] | handles `out` |
//! | the answer to [`Event::Lookup`] | [`Server::psk`], at once or later | handles `out` |
//! | data to send | [`Server::send`] with the session and epoch of the request | handles `out` |
//! | reached [`Server::next_timeout`] | [`Server::tick`] | handles `out` |
//! | reason to end a session | [`Server::close`] or [`Server::revoke`] | handles `out` |
//!
//! To handle `out`: send [`Out::datagrams`] in order, take every [`Out::next_event`], read
//! payloads with [`Out::payload`], then [`Out::clear`]. A caller that sends while it reads
//! payloads does so into a second `Out`.
//!
//! A [`Client`] is driven in the same way; it has one connection, begun by [`Client::connect`].
//!
//! # Promises
//!
//! - Before a hello shows a valid cookie nothing is stored for its sender and no answer is
//!   longer than the question.
//! - An identity that is not known ends like one whose key is wrong: at Finished, with the same
//!   alert, after the same computations.
//! - A new handshake from the address of a session leaves that session alone until its Finished
//!   verifies; then [`CloseReason::Replaced`] comes before [`Event::Established`].
//! - A [`SessionId`] is never used twice, and data leaves only in the session and epoch that
//!   the caller names.
//! - Records that are malformed, forged, replayed, or out of place are dropped in silence.
//!
//! ```
//! use dtls::{
//!     CipherSuite, Client, ClientConfig, Event, Instant, Out, PeerAddress, Psk, PskAnswer,
//!     RustCrypto, Server, ServerConfig, SessionId,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut random = |octets: &mut [u8]| octets.fill(7); // a real source goes here
//! let now = Instant::from_millis(0);
//! let (device, host) = (
//!     PeerAddress::new(0, "192.0.2.1:40000".parse()?),
//!     PeerAddress::new(0, "192.0.2.2:5684".parse()?),
//! );
//! let key = Psk::try_from_slice(&[0x5a; 32])?;
//!
//! let mut to_server = Out::new();
//! let mut to_client = Out::new();
//! let mut server = Server::new(ServerConfig::default(), RustCrypto, now, &mut random)?;
//! let config = ClientConfig::new(b"a device", vec![(CipherSuite::PskAes128Ccm8, key.clone())]);
//! let session = SessionId::new(1).ok_or("no id")?;
//! let mut client =
//!     Client::connect(config, RustCrypto, session, host, now, &mut random, &mut to_server)?;
//!
//! 'handshake: loop {
//!     for (_, datagram) in to_server.datagrams() {
//!         server.datagram(now, device, datagram, &mut random, &mut to_client);
//!     }
//!     to_server.clear();
//!     while let Some(event) = to_client.next_event() {
//!         match event {
//!             Event::Lookup(lookup) => {
//!                 assert_eq!(lookup.identity, b"a device");
//!                 let answer = PskAnswer::Known { key: key.clone(), expires: None };
//!                 server.psk(now, lookup.id, answer, &mut random, &mut to_client);
//!             }
//!             Event::Established(_) => break 'handshake,
//!             _ => {}
//!         }
//!     }
//!     for (_, datagram) in to_client.datagrams() {
//!         client.datagram(now, datagram, &mut to_server);
//!     }
//!     to_client.clear();
//! }
//! # Ok(())
//! # }
//! ```

#![no_std]

extern crate alloc;

mod address;
mod alert;
mod channel;
mod client;
mod codec;
mod cookie;
mod crypto;
mod deferred;
mod error;
mod event;
mod flight;
pub mod fuzz;
mod handshake;
mod out;
mod policy;
mod prf;
mod reassembly;
mod record;
mod replay;
mod schedule;
mod server;
mod suite;
mod time;
#[cfg(test)]
mod vectors;

pub use address::PeerAddress;
pub use alert::AlertDescription;
pub use client::{Client, ClientConfig};
pub use crypto::{AeadRefused, Crypto, Random, RustCrypto, Sha256Transcript, Transcript};
pub use error::{ConfigError, PskLengthError, SendError};
pub use event::{CloseReason, Established, Event, FailureReason, Lookup, LookupId, SessionId};
pub use out::{Out, Segment};
pub use policy::ExtendedMasterSecret;
pub use schedule::Psk;
pub use server::{PskAnswer, Server, ServerConfig, SessionView};
pub use suite::CipherSuite;
pub use time::Instant;
