//! Fetches device certificates, alone with egress.
//!
//! A URL in a Start comes from a stranger. The AuSF asks for it only after the device has proven its key and a
//! manufacturer's entry covers the URL; this function checks the rest: the address that the name leads to, the
//! server's certificate, size, time and type of the answer. It shares no memory with anything that holds a key.
//!
//! Source: Berth protocol, OWA version 1 (certificate URLs).

mod addresses;
mod config;
mod content;
mod edge;
mod fetch;

pub use addresses::{AddressPolicy, PolicyError};
pub use config::CertificateFetcherConfig;
pub use content::{ContentError, read_certificates};
pub use fetch::{Fetch, FetchError, fetch};

use nf_api::NetworkFunction;
use nf_runtime::{Function, Runtime};

/// Puts the function together.
pub fn build(config: CertificateFetcherConfig, runtime: &Runtime) -> Function {
    let metrics = runtime
        .metrics
        .procedures(NetworkFunction::CertificateFetcher)
        .known(&PROCEDURES);
    Function {
        function: NetworkFunction::CertificateFetcher,
        routes: edge::routes(config, metrics),
    }
}

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 1] = ["fetch"];
