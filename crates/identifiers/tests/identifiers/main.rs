//! What each identifier takes, refuses, shows and hides.

mod akma;
mod decoders;
mod device;
mod messaging;
mod network;
mod redaction;
mod subscriber;
mod vectors;
