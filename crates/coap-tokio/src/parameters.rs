//! CoAP parameters that fit the datagrams of a session.

use std::sync::Arc;

use coap::Parameters;

/// Parameters whose messages fit into DTLS datagrams of at most `max_datagram` octets.
pub(crate) fn fitting(parameters: &Parameters, max_datagram: usize) -> Arc<Parameters> {
    let room = max_datagram.saturating_sub(RECORD_OVERHEAD);
    Arc::new(Parameters {
        max_message: parameters.max_message.min(room),
        ..parameters.clone()
    })
}

/// Record header, explicit nonce and the longer tag (RFC 6347 4.1, RFC 5288 3).
const RECORD_OVERHEAD: usize = 13 + 8 + 16;
