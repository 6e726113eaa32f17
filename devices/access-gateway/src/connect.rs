//! HTTP CONNECT to the allowed targets of one session. Source: RFC 9110 9.3.6.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::connectivity::Session;
use crate::source_ports::BLOCK_PORTS;

/// Accepts tunnels until the session ends.
pub(crate) async fn run(listener: TcpListener, session: Arc<Session>) {
    let places = Arc::new(Semaphore::new(BLOCK_PORTS.into()));
    loop {
        let accepted = tokio::select! {
            () = session.ended.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((device, _)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // More than a device can have source ports for: closed without a word.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let carried = Arc::clone(&session);
        session.spawn("limited session tunnel", async move {
            let ended = carried.ended.clone();
            if let Some(Err(error)) = ended.run_until_cancelled(tunnel(device, &carried)).await {
                debug!(error = %error, "tunnel broke");
            }
            drop(place);
        });
    }
}

/// What a request head asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// A tunnel to this target, in lower case.
    Tunnel(String),
    /// Another method.
    Other,
    /// Nothing that can be read.
    Malformed,
}

async fn tunnel(mut device: TcpStream, session: &Session) -> io::Result<()> {
    device.set_nodelay(true)?;
    let Ok(head) = timeout(HEAD_LIMIT, read_head(&mut device)).await else {
        return device.write_all(TIMED_OUT).await;
    };
    let (head, rest) = head?;
    let target = match asked(&head) {
        Asked::Tunnel(target) => target,
        Asked::Other => return device.write_all(OTHER_METHOD).await,
        Asked::Malformed => return device.write_all(MALFORMED).await,
    };
    if !session.allowed_targets.contains(&target) {
        return device.write_all(FORBIDDEN).await;
    }
    if !session.is_open() {
        return device.write_all(UNAVAILABLE).await;
    }
    let connected = timeout(CONNECT_LIMIT, connect(&target, session)).await;
    let Ok(Ok(mut upstream)) = connected else {
        return device.write_all(UNREACHABLE).await;
    };
    device.write_all(ESTABLISHED).await?;
    if !rest.is_empty() {
        if !session.spend(rest.len()) {
            return Ok(());
        }
        upstream.write_all(&rest).await?;
    }
    let (from_device, to_device) = device.split();
    let (from_upstream, to_upstream) = upstream.split();
    tokio::try_join!(
        pump(from_device, to_upstream, session),
        pump(from_upstream, to_device, session),
    )?;
    Ok(())
}

/// Reads up to the empty line; what came after it belongs to the tunnel.
async fn read_head(device: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut octets = Vec::with_capacity(512);
    loop {
        if let Some(at) = octets.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = octets.split_off(at + 4);
            return Ok((octets, rest));
        }
        if octets.len() >= MAX_HEAD_BYTES || device.read_buf(&mut octets).await? == 0 {
            // What is not a head is answered as malformed.
            return Ok((Vec::new(), Vec::new()));
        }
    }
}

/// Reads the request line; the fields are of no interest.
fn asked(head: &[u8]) -> Asked {
    let line = std::str::from_utf8(head)
        .ok()
        .and_then(|head| head.split("\r\n").next());
    let mut words = line.unwrap_or_default().split(' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some("CONNECT"), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None)
            if (1..=MAX_TARGET_BYTES).contains(&target.len()) =>
        {
            Asked::Tunnel(target.to_ascii_lowercase())
        }
        (Some(method), Some(_), Some(version), None)
            if version.starts_with("HTTP/1.") && method != "CONNECT" =>
        {
            Asked::Other
        }
        _ => Asked::Malformed,
    }
}

/// Connects from a port of the device's block.
async fn connect(target: &str, session: &Session) -> io::Result<TcpStream> {
    let address = session
        .resolve(target)
        .await
        .map_err(|_| io::ErrorKind::HostUnreachable)?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for port in session.ports.ports() {
        match connect_from(SocketAddr::new(session.source_ip(), port), address).await {
            Ok(stream) => return Ok(stream),
            Err(error) if is_taken(&error) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

async fn connect_from(source: SocketAddr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = if source.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A port that waits out an old connection elsewhere may be used for this one.
    socket.set_reuseaddr(true)?;
    socket.bind(source)?;
    let stream = socket.connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable
    )
}

/// Carries one direction until its end, an error, silence, or the end of the quota.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    session: &Session,
) -> io::Result<()> {
    let mut octets = vec![0; CHUNK_BYTES];
    loop {
        let read = timeout(IDLE_LIMIT, from.read(&mut octets)).await;
        let length = read.map_err(|_| io::ErrorKind::TimedOut)??;
        if length == 0 {
            return to.shutdown().await;
        }
        if !session.is_open() || !session.spend(length) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        to.write_all(octets.get(..length).unwrap_or_default())
            .await?;
    }
}

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const MALFORMED: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const FORBIDDEN: &[u8] =
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const OTHER_METHOD: &[u8] =
    b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const TIMED_OUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const UNREACHABLE: &[u8] =
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const HEAD_LIMIT: Duration = Duration::from_secs(5);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const IDLE_LIMIT: Duration = Duration::from_secs(120);
const MAX_HEAD_BYTES: usize = 8 * 1024;
const MAX_TARGET_BYTES: usize = 260;
const CHUNK_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_lines_are_read_by_table() {
        let tunnel = |target: &str| Asked::Tunnel(target.to_owned());
        for (head, expected) in [
            (
                "CONNECT Portal.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
                tunnel("portal.example:443"),
            ),
            ("CONNECT [::1]:443 HTTP/1.0\r\n\r\n", tunnel("[::1]:443")),
            ("GET http://portal.example/ HTTP/1.1\r\n\r\n", Asked::Other),
            ("CONNECT  a:1 HTTP/1.1\r\n\r\n", Asked::Malformed),
            ("CONNECT a:1 HTTP/1.1 x\r\n\r\n", Asked::Malformed),
            ("CONNECT a:1 HTTP/2\r\n\r\n", Asked::Malformed),
            ("connect a:1 HTTP/1.1\r\n\r\n", Asked::Other),
            ("", Asked::Malformed),
            ("\r\n\r\n", Asked::Malformed),
        ] {
            assert_eq!(asked(head.as_bytes()), expected, "{head}");
        }
        assert_eq!(asked(b"CONNECT \xff:1 HTTP/1.1\r\n\r\n"), Asked::Malformed);
        let long = format!(
            "CONNECT {} HTTP/1.1\r\n\r\n",
            "a".repeat(MAX_TARGET_BYTES + 1)
        );
        assert_eq!(asked(long.as_bytes()), Asked::Malformed);
    }
}
