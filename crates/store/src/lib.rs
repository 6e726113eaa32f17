//! Shared state: one contract, redb and Redis back ends.
