//! Inputs for the fuzz targets.

pub(crate) mod coap;
pub(crate) mod dtls;
pub(crate) mod text;
pub(crate) mod vectors;
