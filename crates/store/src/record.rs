//! Records: protobuf messages with a kind and a schema version.

use crate::error::Error;
use crate::key::Kind;
use crate::value::{Value, Version, Versioned};

/// A message that is stored as the value of one kind of key.
///
/// Fields are only added; [`SCHEMA`](Self::SCHEMA) grows when an older binary would misread the new form.
///
/// ```
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Context {
///     #[prost(uint64, tag = "1")]
///     epoch: u64,
/// }
/// impl store::Record for Context {
///     const KIND: store::Kind = store::Kind::new("context");
///     const SCHEMA: u16 = 1;
/// }
/// ```
pub trait Record: prost::Message + Default {
    /// The kind of key under which it is stored.
    const KIND: Kind;
    /// The newest schema version that this binary knows, and the one it writes.
    const SCHEMA: u16;
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<R> {
    /// The record.
    pub record: R,
    /// Version of its last change, for [`Written::if_version`](crate::Written::if_version).
    pub version: Version,
    /// The schema version it was written in, at most [`Record::SCHEMA`].
    pub schema: u16,
}

pub(crate) fn encode<R: Record>(record: &R) -> Value {
    Value {
        schema: R::SCHEMA,
        octets: record.encode_to_vec(),
    }
}

pub(crate) fn decode<R: Record>(found: &Versioned) -> Result<Stored<R>, Error> {
    if found.value.schema > R::SCHEMA {
        return Err(Error::NewerSchema {
            kind: R::KIND,
            found: found.value.schema,
            known: R::SCHEMA,
        });
    }
    let record = R::decode(found.value.octets.as_slice()).map_err(|_| Error::Corrupt {
        kind: R::KIND.as_str(),
    })?;
    Ok(Stored {
        record,
        version: found.version,
        schema: found.value.schema,
    })
}
