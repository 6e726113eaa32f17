//! The function alone, with scripted peers.

mod delivery;
mod device;
mod edges;
mod enrolment;
mod idle_connections;
mod intake;
mod orders;
mod peers;
mod portal;
mod style;
mod world;
