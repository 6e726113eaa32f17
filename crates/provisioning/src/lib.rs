//! Sealed profile packages, keysets, receipts and commits.

#![no_std]
