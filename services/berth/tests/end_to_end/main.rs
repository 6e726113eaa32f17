//! The whole system as its users meet it: `berth` as real processes, devices on real sockets.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod aka;
mod alerts;
mod balancer;
mod check;
mod cluster;
mod concurrency;
mod demo;
mod device;
mod dtls_client;
mod foreign_client;
mod grpc;
mod installation;
mod owa;
mod panels;
mod process;
mod prometheus;
mod promql;
mod redis_server;
mod refusals;
mod replicas;
mod search;
mod secrets;
mod starts;
mod store_check;
mod support_bundle;
mod support_bundle_cluster;
mod telemetry;
mod trace_tree;
mod traces;
