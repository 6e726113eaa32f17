//! A device: how a bare thing with a factory key becomes a UE that sends messages.
//!
//! [`Ue`] is one device whose whole memory is a directory. Each step is one call, and each call leaves the
//! directory usable wherever it is interrupted:
//!
//! | Step | Call | What happens |
//! |---|---|---|
//! | factory | [`Ue::manufacture`] | identity key, certificate, operator roots, label |
//! | 1 | [`Ue::discover`] | the networks that the radio hears |
//! | 2 | [`Ue::onboard`] | one-way authentication, limited connectivity, sign-up, profile into the free slot |
//! | 3 | [`Ue::authenticate`] | 5G AKA; the first success makes the new credential set the active one |
//! | 4 | [`Ue::akma`] | A-KID and K_AF for one application function |
//! | 5 | [`Ue::register`] | DTLS with K_AF and REG: a live [`RegisteredUe`] that sends and receives |
//!
//! ```no_run
//! use std::path::Path;
//! use ue::{Manufacture, NetworkChoice, Progress, SignUp, Ue};
//!
//! # async fn demo() -> Result<(), ue::UeError> {
//! let mut device = Ue::manufacture(Path::new("band"), Path::new("lab"), &Manufacture::default())?;
//! device
//!     .onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut |progress| {
//!         if let Progress::Finished { phase, took } = progress {
//!             eprintln!("{phase} after {took:?}");
//!         }
//!     })
//!     .await?;
//! device.authenticate().await?;
//! let mut registered = device.register().await?;
//! registered.send("ue-abcdefgh@msgin5g.berth.test", "hello").await?;
//! while let Some(message) = registered.receive(std::time::Duration::from_secs(5)).await? {
//!     eprintln!("{}: {}", message.from, message.text());
//! }
//! registered.deregister().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything that comes from a network is hostile until a key proves otherwise: it yields a
//! [`UeError`] with a [cause](UeError::cause), an [advice](UeError::advice) and an
//! [exit code](UeError::exit_code), never a panic.
//!
//! The futures need a Tokio runtime with time and IO.

mod agent;
mod akma;
mod authenticate;
mod credentials;
mod error;
mod html_form;
mod https;
mod identity;
mod manufacture;
mod messaging;
mod n1;
mod network;
mod onboard;
mod progress;
mod random;
mod state;
mod status;
mod trace;

pub use crate::agent::Ue;
pub use crate::akma::ApplicationKey;
pub use crate::authenticate::Authenticated;
pub use crate::error::{NotReady, UeError};
pub use crate::manufacture::{ClaimSecretOption, Manufacture};
pub use crate::messaging::{Outgoing, Received, ReceivedKind, RegisteredUe, Registration, Sent};
pub use crate::network::{Network, NetworkChoice};
pub use crate::onboard::{Onboarded, SignUp};
pub use crate::progress::{Phase, Progress};
pub use crate::state::{CertificatePresentation, PackageRecipient, StateError};
pub use crate::status::{State, Status, Subscription};
pub use crate::trace::{NotATraceparent, Traceparent};
pub use dtls::CipherSuite;
pub use msgin5g::Payload;
pub use onboarding::NetworkProofLevel;
