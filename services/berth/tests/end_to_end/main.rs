//! The whole system as its users meet it: `berth` as real processes, devices on real sockets.

mod demo;
mod device;
mod grpc;
mod installation;
mod process;
