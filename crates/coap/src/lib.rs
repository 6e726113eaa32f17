//! A sans-IO CoAP codec and message layer.

#![no_std]
