//! Deterministic CBOR and typed COSE_Sign1 objects.

#![no_std]
