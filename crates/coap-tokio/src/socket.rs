//! Sending and receiving datagrams.

use std::io;
use std::net::SocketAddr;

use dtls::Out;
use tokio::net::UdpSocket;
use tracing::debug;

use crate::stats::Counters;

/// The largest datagram that is received whole.
pub(crate) const MAX_DATAGRAM: usize = 65_535;

/// Binds a socket; a larger receive buffer is tried for and done without.
pub(crate) async fn bind(address: SocketAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address).await?;
    if let Err(error) = socket2::SockRef::from(&socket).set_recv_buffer_size(receive_buffer) {
        debug!(%error, receive_buffer, "receive buffer not enlarged");
    }
    Ok(socket)
}

/// Sends the datagrams of an output; one that cannot be sent is lost, as any datagram may be.
pub(crate) async fn send(socket: &UdpSocket, out: &Out, counters: &Counters) {
    for (to, datagram) in out.datagrams() {
        match send_one(socket, to.remote(), datagram).await {
            Ok(_) => counters.datagrams_sent.one(),
            Err(error) => {
                counters.send_errors.one();
                debug!(error = %error.kind(), "datagram not sent");
            }
        }
    }
}

async fn send_one(socket: &UdpSocket, to: SocketAddr, datagram: &[u8]) -> io::Result<usize> {
    match socket.try_send_to(datagram, to) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            socket.send_to(datagram, to).await
        }
        outcome => outcome,
    }
}
