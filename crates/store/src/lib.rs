//! Shared state: one contract, redb and Redis back ends.
//!
//! A [`Database`] is opened from a [`StoreConfig`]; each function works in its own [`Store`]. Values lie under
//! tags ([`Tag`]: a device, a subscription, a UE); a [`Transaction`] changes one tag, completely or not at all,
//! and says by its [`Class`] how safe it must be before it is acknowledged. Whatever crosses tags goes through
//! the library above the back ends, and readers verify it against the record. The README has the key layout and
//! the table of guarantees.
//!
//! ```
//! # #[derive(Clone, PartialEq, prost::Message)]
//! # struct Context {
//! #     #[prost(uint64, tag = "1")]
//! #     epoch: u64,
//! # }
//! # impl store::Record for Context {
//! #     const KIND: store::Kind = store::Kind::new("context");
//! #     const SCHEMA: u16 = 1;
//! # }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use store::{Class, Database};
//!
//! let store = Database::memory().await?.for_function("aanf")?;
//! let tag = store.tag("imsi-001010000000001")?;
//! let read = store.read::<Context>(&tag).await?;
//! let mut transaction = store.transaction(&tag, Class::Session);
//! transaction.put(&Context { epoch: 7 }).if_unchanged(read.as_ref());
//! store.commit(transaction).await?;
//! # Ok(())
//! # }
//! ```

mod acl;
mod audit;
mod backend;
mod claim;
mod clock;
mod config;
mod database;
mod embedded;
mod error;
mod idempotency;
mod key;
mod lease;
mod observe;
mod open;
mod outbox;
mod record;
mod sealed;
mod seen;
mod server;
mod spans;
mod store;
mod transaction;
mod update;
mod value;
mod watch;

pub use acl::acl_rule;
pub use audit::{Audit, Content, Fault, Faulty, Known};
pub use backend::{Backend, Cursor, Entry, EntryPage, Freshness, Names, Row, Shape, TagPage};
pub use claim::{Claim, ClaimError, Scrubbed, Settlement};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{BackendKind, StoreConfig};
pub use database::Database;
pub use error::{Error, Source};
pub use idempotency::{Idempotency, KEEP_RESULT};
pub use key::{Field, Function, InvalidKey, Key, Kind, Tag};
pub use lease::Lease;
pub use observe::{Call, Observation, Observer, Outcome};
pub use open::OpenError;
pub use outbox::{Applied, Applier, Drained, Outbox, Outgoing};
pub use record::{Record, Stored};
pub use sealed::{Binding, KeyFile, SealError, Sealer, SealerConfig, SealerError};
pub use store::{Counter, MAX_ROWS, Store};
pub use transaction::{
    AppendIndex, Class, Committed, Condition, CounterIndex, MAX_OPERATIONS, MAX_VALUE_OCTETS,
    Operation, Transaction, Written,
};
pub use update::{RETRY_FOR, Update};
pub use value::{Value, Version, Versioned};
pub use watch::{Change, Hint, Watch, Watched};
