//! AKMA anchor function.
