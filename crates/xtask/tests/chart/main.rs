//! The chart, as helm renders it: generated files, refusals, pods, references and network policies. A cluster is not needed.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its own rendering has failed"
)]

mod bootstrap;
mod generated;
mod lab;
mod monitoring;
mod names;
mod network;
mod pods;
mod portal;
mod references;
mod rendering;
mod schema;
mod store;
