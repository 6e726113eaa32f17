//! AKMA: A-KID, AF_ID and the life of an AKMA context.

#![no_std]
