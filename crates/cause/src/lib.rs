//! One table of causes, mapped to gRPC, CoAP, HTTP, 3GPP and OWA.

#![no_std]
