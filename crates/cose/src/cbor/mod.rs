//! CBOR in the deterministic encoding of RFC 8949 4.2.1, and nothing else.
//!
//! The data model is what Berth messages need: unsigned and negative integers, byte and text
//! strings, arrays, maps with integer labels, and `null` for a detached payload. Tags, floats,
//! booleans, `undefined`, indefinite lengths, longer heads than needed, unsorted or repeated labels,
//! trailing octets and nesting above [`MAX_NESTING`] are refused, so one value has one encoding and
//! a message that decodes is byte for byte what the encoder would have made.
//!
//! ```
//! use cose::cbor::{self, Item, SchemaError};
//!
//! let octets = cbor::map().with(2, cbor::text("band")).with(1, cbor::uint(7_u64)).build().into_vec();
//! let map = Item::decode(&octets)?.map(&[1, 2])?;
//! assert_eq!(map.required(1, Item::uint)?, 7);
//! assert_eq!(map.required(2, Item::text)?, "band");
//! # Ok::<(), cose::cbor::DecodeError>(())
//! ```

mod decode;
mod edit;
mod encode;
mod error;
mod head;
mod item;
mod map;

pub use edit::{with, without};
pub use encode::{Encoded, MapBuilder, array, bytes, int, map, null, text, uint};
pub use error::{CborError, DecodeError, SchemaError};
pub use item::Item;
pub use map::Map;

/// Deepest nesting of arrays and maps that is accepted.
///
/// An embedded byte string that holds CBOR starts again at zero.
pub const MAX_NESTING: usize = 16;
