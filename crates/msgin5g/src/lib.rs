//! MSGin5G elements, messages and rules.

#![no_std]
