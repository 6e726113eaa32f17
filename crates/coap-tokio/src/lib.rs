//! CoAP over DTLS on tokio sockets.
//!
//! A [`Server`] owns one UDP socket with all its DTLS sessions and one CoAP endpoint for each; a [`Client`] is one
//! session of a device. Both roles of CoAP live in every session: a server may ask a device, and a device may serve.
//! The protocols are the sans-IO machines of `dtls` and `coap`; this crate moves datagrams, keeps time, and runs lookups
//! and handlers as tasks.
//!
//! | Who | gives | and gets |
//! |---|---|---|
//! | server | a [`KeyLookup`]: identity, suite and server name → key, end, context | sessions that carry the context |
//! | server, client | a [`Handler`]: session and request → response | each request once, however often it arrives |
//! | handler | [`Registration::accept`] | an [`Observation`] to [notify](Observation::notify) |
//! | either side | [`Session::request`], [`Session::observe`] | the whole response, [`Observing`] |
//! | owner | [`Session::close`], [`Session::revoke`], [`Server::revoke_where`] | the end of sessions |
//! | owner | [`Server::stats`], [`Client::stats`] | counts for metrics |
//!
//! # Promises
//!
//! - An answer leaves in the session and epoch of its request, or not at all: session ids are never used again, and
//!   an answer without its session is dropped and counted. Notifications and observations end with their session.
//! - Every request is answered: by the handler, by 5.03 with Max-Age if it takes too long or too many run, by 5.00 if it
//!   panics. A request whose answer [must be piggybacked](Handler::requires_piggyback) is answered within 1.5 s.
//! - An unknown identity is told apart from a wrong key by nothing; only a lookup that is
//!   [unavailable](LookupUnavailable) is told to the peer.
//! - Every wait has an end, every queue a bound. All tasks run in the [`Tasks`] that are passed in.
//!
//! # Example
//!
//! ```
//! use std::net::{Ipv4Addr, SocketAddr};
//! use std::sync::Arc;
//!
//! use coap::{ContentFormat, Request, Response};
//! use coap_tokio::{
//!     Client, ClientConfig, Handler, Incoming, KeyLookup, KeyQuery, LookupUnavailable, PreSharedKey, Server,
//!     ServerConfig, ServesNothing, Session, Tasks,
//! };
//! use dtls::CipherSuite;
//! use secret::SecretBytes;
//!
//! struct OneKey;
//!
//! impl KeyLookup for OneKey {
//!     type Context = ();
//!
//!     async fn lookup(&self, query: KeyQuery) -> Result<Option<PreSharedKey<()>>, LookupUnavailable> {
//!         Ok((query.identity == b"a device").then(|| PreSharedKey {
//!             key: SecretBytes::new(vec![7; 32]),
//!             expires_at_unix_ms: None,
//!             context: (),
//!         }))
//!     }
//! }
//!
//! struct Greeting;
//!
//! impl Handler<()> for Greeting {
//!     async fn request(&self, _: Session<()>, incoming: Incoming<()>) -> Response {
//!         Response::content(ContentFormat::TEXT, format!("this is {}", incoming.request.path()).into())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tasks = Tasks::default();
//! let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
//! let config = ServerConfig { listen, ..ServerConfig::default() };
//! let server = Server::bind(config, Arc::new(OneKey), Arc::new(Greeting), &tasks).await?;
//!
//! let keys = vec![(CipherSuite::PskAes128Ccm8, SecretBytes::new(vec![7; 32]))];
//! let config = ClientConfig::new(server.local_address(), b"a device", keys);
//! let client = Client::connect(config, Arc::new(ServesNothing), &tasks).await?;
//! assert_eq!(client.request(Request::get("/greeting")).await?.payload, b"this is /greeting");
//!
//! tasks.token.cancel();
//! tasks.tracker.close();
//! tasks.tracker.wait().await;
//! # Ok(())
//! # }
//! ```

mod binding;
mod calls;
mod client;
mod clock;
mod command;
mod crypto;
mod error;
mod handler;
mod keys;
mod limits;
#[cfg(feature = "metrics")]
mod metrics;
mod observation;
mod parameters;
mod server;
mod session;
mod socket;
mod stats;
mod tasks;
mod waking;

pub use client::{Client, ClientConfig};
pub use clock::WallClock;
pub use crypto::{AwsLc, AwsLcTranscript};
pub use error::{BindError, ConnectError, ExchangeError, ObservationOver};
pub use handler::{Handler, Incoming, ServesNothing};
pub use keys::{KeyLookup, KeyQuery, LookupUnavailable, PreSharedKey};
pub use limits::Limits;
#[cfg(feature = "metrics")]
pub use metrics::Traffic;
pub use observation::{Observation, Observing, Registration};
pub use server::{Server, ServerConfig};
pub use session::Session;
pub use stats::{ClosingCounts, FailureCounts, Stats};
pub use tasks::Tasks;
