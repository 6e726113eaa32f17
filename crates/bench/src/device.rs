//! A device on its own socket: the DTLS and CoAP machines without a task of their own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ::coap::{Endpoint, Event as CoapEvent, Parameters, Reliability, Request, Response};
use ::dtls::{Client, ClientConfig, Event, Instant as DtlsInstant, Out, PeerAddress, SessionId};
use anyhow::{Context as _, Result, bail};
use coap_tokio::AwsLc;
use nf_runtime::random::Random;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// A device that waits longer gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// One device in one session.
pub(crate) struct Device {
    line: Line,
    coap: Endpoint,
    epoch: u16,
}

/// The session below CoAP.
struct Line {
    socket: UdpSocket,
    client: Client<AwsLc>,
    begun: Instant,
    arrived: Out,
    leaving: Out,
    buffer: Vec<u8>,
}

impl Device {
    /// A full handshake from a fresh port.
    pub(crate) async fn connect(server: SocketAddr, config: ClientConfig) -> Result<Self> {
        let socket = UdpSocket::bind((next_source(), 0)).await?;
        socket.connect(server).await?;
        let begun = Instant::now();
        let random = Random::system();
        let mut leaving = Out::new();
        let client = Client::connect(
            config,
            AwsLc,
            SessionId::new(1).context("one is not zero")?,
            PeerAddress::new(0, server),
            DtlsInstant::from_millis(0),
            &mut |octets: &mut [u8]| random.fill(octets),
            &mut leaving,
        )?;
        let mut line = Line {
            socket,
            client,
            begun,
            arrived: Out::new(),
            leaving,
            buffer: vec![0; 2048],
        };
        let epoch = loop {
            line.turn().await?;
            match line.arrived.next_event() {
                Some(Event::Established(established)) => break established.epoch,
                Some(Event::HandshakeFailed { reason, .. }) => {
                    bail!("handshake failed: {reason:?}")
                }
                _ => {}
            }
        };
        line.flush().await?;
        let coap = Endpoint::new(
            Arc::new(Parameters::default()),
            u64::from_le_bytes(random.array()),
        );
        Ok(Self { line, coap, epoch })
    }

    /// Asks, and waits for the whole answer.
    pub(crate) async fn request(&mut self, request: Request) -> Result<Response> {
        self.coap
            .request(self.line.now(), request, Reliability::Confirmable)?;
        loop {
            while let Some(datagram) = self.coap.poll_transmit() {
                self.line
                    .client
                    .send(self.epoch, &datagram, &mut self.line.leaving)?;
            }
            match self.coap.poll_event() {
                Some(CoapEvent::Response { response, .. }) => {
                    self.line.flush().await?;
                    return Ok(response);
                }
                Some(CoapEvent::Failed { failure, .. }) => bail!("request failed: {failure}"),
                Some(_) => continue,
                None => {}
            }
            self.line.turn().await?;
            let now = self.line.now();
            while let Some(event) = self.line.arrived.next_event() {
                match event {
                    Event::Data { range, .. } => self
                        .coap
                        .handle_datagram(now, self.line.arrived.payload(&range)),
                    Event::Closed { reason, .. } => bail!("session ended: {reason:?}"),
                    _ => {}
                }
            }
            self.coap.tick(now);
        }
    }

    /// Ends the session.
    pub(crate) async fn close(mut self) -> Result<()> {
        self.line.client.close(&mut self.line.leaving);
        self.line.flush().await
    }
}

impl Line {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Sends what is to be sent, then waits for a datagram or a timer.
    async fn turn(&mut self) -> Result<()> {
        self.flush().await?;
        self.arrived.clear();
        let now = self.now();
        let instant = |time: Duration| {
            DtlsInstant::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        };
        let due = self
            .client
            .next_timeout()
            .map_or(PATIENCE, |at| at.saturating_since(instant(now)));
        match timeout(due.min(PATIENCE), self.socket.recv(&mut self.buffer)).await {
            Ok(length) => {
                let datagram = self.buffer.get(..length?).unwrap_or_default();
                self.client
                    .datagram(instant(self.begun.elapsed()), datagram, &mut self.arrived);
            }
            Err(_) if due >= PATIENCE => bail!("no answer within {PATIENCE:?}"),
            Err(_) => self
                .client
                .tick(instant(self.begun.elapsed()), &mut self.arrived),
        }
        // What the machine wants to send stands among what arrived.
        for (_, datagram) in self.arrived.datagrams() {
            self.socket.send(datagram).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        for (_, datagram) in self.leaving.datagrams() {
            self.socket.send(datagram).await?;
        }
        self.leaving.clear();
        Ok(())
    }
}

/// Sources change, so that ports never run out.
fn next_source() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [_, _, third, fourth] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    Ipv4Addr::new(127, 1, third, fourth.clamp(1, 254)).into()
}
