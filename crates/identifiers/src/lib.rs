//! Identifiers of the 5G system and of Berth, parsed at the edge and redacted in logs.

#![no_std]
