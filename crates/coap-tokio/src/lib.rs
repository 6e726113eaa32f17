//! CoAP over DTLS on tokio sockets.
