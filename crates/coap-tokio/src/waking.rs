//! An endpoint that takes little memory while there is no traffic.

use std::mem;
use std::sync::Arc;

use coap::{Endpoint, Parameters, Resting};

use crate::crypto;

/// The endpoint of a session, or what is left of it between bursts of traffic.
pub(crate) struct Waking {
    parameters: Arc<Parameters>,
    endpoint: Option<Box<Endpoint>>,
    /// Meaningful while there is no endpoint.
    resting: Resting,
}

impl Waking {
    /// At rest, for a new session.
    pub(crate) fn new(parameters: Arc<Parameters>) -> Self {
        Self {
            parameters,
            endpoint: None,
            resting: Resting::new(crypto::random_number()),
        }
    }

    /// The endpoint, awake.
    pub(crate) fn wake(&mut self) -> &mut Endpoint {
        let (parameters, resting) = (&self.parameters, &mut self.resting);
        self.endpoint.get_or_insert_with(|| {
            let resting = mem::replace(resting, Resting::new(0));
            Box::new(resting.wake(Arc::clone(parameters)))
        })
    }

    /// The endpoint, if it is awake.
    pub(crate) fn awake(&self) -> Option<&Endpoint> {
        self.endpoint.as_deref()
    }

    /// The endpoint, if it is awake, to change it.
    pub(crate) fn awake_mut(&mut self) -> Option<&mut Endpoint> {
        self.endpoint.as_deref_mut()
    }

    /// Puts the endpoint to rest, if it has nothing to do and nothing to remember.
    pub(crate) fn rest(&mut self) {
        if let Some(endpoint) = self.endpoint.take_if(|endpoint| endpoint.can_rest()) {
            self.resting = endpoint.rest();
        }
    }
}
