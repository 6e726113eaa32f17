//! The web portal and the captive-portal API, over https.

mod captive;
mod form;
mod listener;
mod pages;
mod portal;
mod routes;

pub(crate) use listener::serve;
pub(crate) use portal::Portal;

#[cfg(test)]
pub(crate) use listener::serve_stream;
#[cfg(test)]
pub(crate) use routes::{Authority, ROUTES};
