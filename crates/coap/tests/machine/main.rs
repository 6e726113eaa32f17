//! The message layer: the rules of RFC 7252, RFC 7641 and RFC 7959, by datagrams and by pairs of endpoints on a
//! network that loses, doubles and reorders them.

mod blocks;
mod client;
mod loss;
mod observe;
mod overload;
mod pair;
mod peer;
mod rules;
