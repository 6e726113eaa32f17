//! OWA, one-way authentication of a device by its certificate.

#![no_std]
