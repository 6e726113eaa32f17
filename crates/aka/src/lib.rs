//! 5G AKA, home side and UE side, with SQN management.

#![no_std]
