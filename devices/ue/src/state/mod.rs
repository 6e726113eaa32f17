//! The device's memory: files in one directory, each written as a whole.
//!
//! ```text
//! device.json          what the factory put in: serial, certificate, roots, label
//! identity.pem         the identity key, PKCS#8
//! slot-a.json          a credential set: profile, keyset, SQN array, how far it has come
//! slot-b.json          another one
//! authentication.json  K_AUSF of the last successful authentication
//! inbox/<n>.json       messages that were acknowledged and not read yet
//! lock                 held while a command changes something
//! ```
//!
//! Every file is for its owner alone (mode 0600), is replaced atomically, and carries a version; one of
//! a newer version is refused, not guessed. What a crash leaves over (`*.new`) is never read.

mod authentication;
mod device;
mod directory;
mod error;
mod inbox;
mod slot;

pub(crate) use authentication::AuthenticationRecord;
pub use device::{CertificatePresentation, PackageRecipient};
pub(crate) use device::{DeviceRecord, Secrets};
pub(crate) use directory::{Directory, Lock, Record, write_file};
pub use error::StateError;
pub(crate) use inbox::{Inbox, InboxMessage};
pub(crate) use slot::{PendingReceipt, Slot, SlotName, SlotState};
