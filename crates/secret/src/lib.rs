//! Key types that erase themselves, compare in constant time and cannot be printed.

#![no_std]
