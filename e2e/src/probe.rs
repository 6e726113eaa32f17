//! Looks from inside a pod which addresses it reaches.

use std::fmt;
use std::io::Write as _;
use std::net::{Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

/// How long an answer may take inside one cluster.
const LIMIT: Duration = Duration::from_secs(2);
/// How often a datagram is sent in that time: one may be lost.
const DATAGRAMS: u32 = 4;

#[derive(Args)]
pub(crate) struct Options {
    /// How long policies may take to reach a new pod, in seconds.
    #[arg(long, default_value_t = 5)]
    settle: u64,
    /// What to reach, `tcp:ADDRESS:PORT` or `dtls:ADDRESS:PORT`.
    targets: Vec<Target>,
}

/// What can be reached or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A port that takes connections.
    Tcp(SocketAddr),
    /// A port that speaks DTLS by UDP.
    Dtls(SocketAddr),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Dtls(address) => write!(f, "dtls:{address}"),
        }
    }
}

impl FromStr for Target {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, address) = text.split_once(':').context("tcp: or dtls: is missing")?;
        match kind {
            "tcp" => Ok(Self::Tcp(address.parse()?)),
            "dtls" => Ok(Self::Dtls(address.parse()?)),
            _ => bail!("{kind} is neither tcp nor dtls"),
        }
    }
}

impl Target {
    fn is_reached(self) -> bool {
        match self {
            Self::Tcp(address) => TcpStream::connect_timeout(&address, LIMIT).is_ok(),
            Self::Dtls(address) => says_hello(address).unwrap_or(false),
        }
    }
}

/// Prints a line for each target: `reached` or `closed`, and the target.
pub(crate) fn probe(options: &Options) -> Result<()> {
    thread::sleep(Duration::from_secs(options.settle));
    let attempts = options.targets.iter().map(|target| {
        let target = *target;
        (target, thread::spawn(move || target.is_reached()))
    });
    let mut output = std::io::stdout();
    for (target, attempt) in attempts.collect::<Vec<_>>() {
        let verdict = match attempt.join() {
            Ok(true) => "reached",
            _ => "closed",
        };
        writeln!(output, "{verdict} {target}")?;
    }
    Ok(())
}

/// Whether a ClientHello without a cookie is answered by a HelloVerifyRequest (RFC 6347 4.2.1), which costs the server no state.
fn says_hello(address: SocketAddr) -> Result<bool> {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from(([0, 0, 0, 0], 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(LIMIT / DATAGRAMS))?;
    for _ in 0..DATAGRAMS {
        socket.send(&client_hello())?;
        let mut answer = [0; 512];
        let Ok(length) = socket.recv(&mut answer) else {
            continue;
        };
        let is_handshake = length > 13 && answer.first() == Some(&22);
        return Ok(is_handshake && answer.get(13) == Some(&3));
    }
    Ok(false)
}

/// DTLS 1.2 with one cipher suite, `TLS_PSK_WITH_AES_128_CCM_8`.
fn client_hello() -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([0x5a; 32]); // its random, which nothing depends on
    body.extend([0, 0]); // neither a session nor a cookie
    body.extend([0, 2, 0xc0, 0xa8]);
    body.extend([1, 0]); // no compression
    let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
    // Kind, length, number, and the one fragment that is the whole.
    let mut handshake = vec![1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length];
    handshake.extend(body);
    // Kind, version, epoch and number, length.
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, length + 12];
    record.extend(handshake);
    record
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, UdpSocket};
    use std::path::Path;
    use std::time::Duration;

    use super::Target;
    use crate::program::{Program, poll};
    use crate::provider::processes::free;

    #[test]
    fn a_foreign_server_of_dtls_answers() {
        let address = free().unwrap();
        let _server = Program::new("openssl")
            .args(["s_server", "-dtls1_2", "-listen", "-nocert", "-quiet"])
            .args(["-psk", "00", "-cipher", "PSK-AES128-CCM8", "-accept"])
            .args([address.to_string()])
            .spawn(Path::new("/dev/null"))
            .unwrap();
        poll("a HelloVerifyRequest", Duration::from_secs(20), || {
            Ok(Target::Dtls(address).is_reached().then_some(()))
        })
        .unwrap();
    }

    #[test]
    fn who_is_silent_or_not_there_is_not_reached() {
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!Target::Dtls(silent.local_addr().unwrap()).is_reached());
        assert!(!Target::Dtls(free().unwrap()).is_reached());
        assert!(!Target::Tcp(free().unwrap()).is_reached());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(Target::Tcp(listener.local_addr().unwrap()).is_reached());
    }

    #[test]
    fn targets_are_read_as_they_are_written() {
        for text in ["tcp:10.0.0.1:8443", "dtls:[fd00::1]:5684"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        assert!("10.0.0.1:8443".parse::<Target>().is_err());
    }
}
