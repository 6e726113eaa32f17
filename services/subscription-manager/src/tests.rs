//! The function alone, with scripted peers.

mod delivery;
mod device;
mod edges;
mod enrolment;
mod intake;
mod orders;
mod peers;
mod portal;
mod style;
mod world;
