//! The 3GPP key derivation function, every derivation Berth needs, MILENAGE and SUCI.

#![no_std]
