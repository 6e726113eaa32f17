//! A sans-IO DTLS 1.2 engine for devices with pre-shared keys.

#![no_std]
