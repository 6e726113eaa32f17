//! A server, clients, and the network between them.

use std::collections::HashMap;
use std::time::Duration;

use dtls::{
    AlertDescription, CipherSuite, Client, ClientConfig, CloseReason, Established, Event,
    FailureReason, Instant, Lookup, Out, PeerAddress, Psk, PskAnswer, RustCrypto, Server,
    ServerConfig, SessionId,
};

pub(crate) const IDENTITY: &[u8] = b"3GPP-AKMA0.YWJj@5gc.mnc001.mcc001.3gppnetwork.org";
pub(crate) const KEY: [u8; 32] = [0x5a; 32];

/// A small generator (SplitMix64): tests are repeated by their seed.
#[derive(Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn fill(&mut self, octets: &mut [u8]) {
        for octet in octets {
            *octet = self.next().to_be_bytes()[0];
        }
    }
}

pub(crate) fn key() -> Psk {
    Psk::try_from_slice(&KEY).unwrap()
}

pub(crate) fn known() -> PskAnswer {
    PskAnswer::Known {
        key: key(),
        expires: None,
    }
}

pub(crate) fn client_config() -> ClientConfig {
    let keys = CipherSuite::ALL.map(|suite| (suite, key()));
    ClientConfig::new(IDENTITY, keys.to_vec())
}

pub(crate) fn address(text: &str) -> PeerAddress {
    PeerAddress::new(0, text.parse().unwrap())
}

pub(crate) fn device() -> PeerAddress {
    address("192.0.2.7:40000")
}

pub(crate) fn host() -> PeerAddress {
    address("192.0.2.1:5684")
}

/// A server under test, with everything that it said.
pub(crate) struct ServerSide {
    pub(crate) now: Instant,
    pub(crate) engine: Server<RustCrypto>,
    pub(crate) rng: Rng,
    pub(crate) sent: Vec<(PeerAddress, Vec<u8>)>,
    pub(crate) lookups: Vec<Lookup>,
    pub(crate) established: Vec<Established>,
    pub(crate) data: Vec<(SessionId, u16, Vec<u8>)>,
    pub(crate) closed: Vec<(SessionId, CloseReason)>,
    pub(crate) failed: Vec<(SessionId, FailureReason)>,
}

impl ServerSide {
    pub(crate) fn new(config: ServerConfig) -> Self {
        let mut rng = Rng(1);
        let now = Instant::from_millis(1000);
        let engine = Server::new(config, RustCrypto, now, &mut |octets: &mut [u8]| {
            rng.fill(octets);
        });
        Self {
            now,
            engine: engine.unwrap(),
            rng,
            sent: Vec::new(),
            lookups: Vec::new(),
            established: Vec::new(),
            data: Vec::new(),
            closed: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn collect(&mut self, mut out: Out) {
        let datagrams = out.datagrams().map(|(to, octets)| (to, octets.to_vec()));
        self.sent.extend(datagrams);
        while let Some(event) = out.next_event() {
            match event {
                Event::Lookup(lookup) => self.lookups.push(lookup),
                Event::Established(established) => self.established.push(established),
                Event::Data {
                    session,
                    epoch,
                    range,
                } => self
                    .data
                    .push((session, epoch, out.payload(&range).to_vec())),
                Event::Closed { session, reason } => self.closed.push((session, reason)),
                Event::HandshakeFailed {
                    session, reason, ..
                } => self.failed.push((session, reason)),
                _ => panic!("an event that the tests do not know"),
            }
        }
    }

    /// Feeds a datagram and returns what was sent because of it.
    pub(crate) fn datagram(&mut self, from: PeerAddress, octets: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Out::new();
        let rng = &mut self.rng;
        let mut random = |octets: &mut [u8]| rng.fill(octets);
        (self.engine).datagram(self.now, from, octets, &mut random, &mut out);
        self.collect_new(out)
    }

    /// Answers the oldest open lookup.
    pub(crate) fn answer(&mut self, answer: PskAnswer) -> Vec<Vec<u8>> {
        let lookup = self.lookups.remove(0);
        self.answer_to(&lookup, answer)
    }

    pub(crate) fn answer_to(&mut self, lookup: &Lookup, answer: PskAnswer) -> Vec<Vec<u8>> {
        let mut out = Out::new();
        let rng = &mut self.rng;
        let mut random = |octets: &mut [u8]| rng.fill(octets);
        (self.engine).psk(self.now, lookup.id, answer, &mut random, &mut out);
        self.collect_new(out)
    }

    pub(crate) fn send(&mut self, session: SessionId, epoch: u16, data: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Out::new();
        self.engine.send(session, epoch, data, &mut out).unwrap();
        self.collect_new(out)
    }

    pub(crate) fn call(
        &mut self,
        act: impl FnOnce(&mut Server<RustCrypto>, &mut Out),
    ) -> Vec<Vec<u8>> {
        let mut out = Out::new();
        act(&mut self.engine, &mut out);
        self.collect_new(out)
    }

    /// Lets time pass and does what falls due.
    pub(crate) fn pass(&mut self, duration: Duration) -> Vec<Vec<u8>> {
        let end = self.now.saturating_add(duration);
        let before = self.sent.len();
        while let Some(at) = self.engine.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let now = self.now;
            self.call(|engine, out| engine.tick(now, out));
        }
        self.now = end;
        self.sent[before..]
            .iter()
            .map(|(_, octets)| octets.clone())
            .collect()
    }

    fn collect_new(&mut self, out: Out) -> Vec<Vec<u8>> {
        let before = self.sent.len();
        self.collect(out);
        self.sent[before..]
            .iter()
            .map(|(_, octets)| octets.clone())
            .collect()
    }
}

/// A client under test, with everything that it said.
pub(crate) struct ClientSide {
    pub(crate) now: Instant,
    pub(crate) engine: Client<RustCrypto>,
    pub(crate) established: Option<Established>,
    pub(crate) data: Vec<Vec<u8>>,
    pub(crate) closed: Option<CloseReason>,
    pub(crate) failed: Option<FailureReason>,
}

impl ClientSide {
    /// Returns the client and its first datagrams.
    pub(crate) fn connect(config: ClientConfig, seed: u64) -> (Self, Vec<Vec<u8>>) {
        let mut rng = Rng(seed);
        let mut random = |octets: &mut [u8]| rng.fill(octets);
        let mut out = Out::new();
        let id = SessionId::new(seed + 1).unwrap();
        let now = Instant::from_millis(1000);
        let engine =
            Client::connect(config, RustCrypto, id, host(), now, &mut random, &mut out).unwrap();
        let mut client = Self {
            now,
            engine,
            established: None,
            data: Vec::new(),
            closed: None,
            failed: None,
        };
        let sent = client.collect(out);
        (client, sent)
    }

    fn collect(&mut self, mut out: Out) -> Vec<Vec<u8>> {
        while let Some(event) = out.next_event() {
            match event {
                Event::Established(established) => {
                    assert!(self.established.replace(established).is_none());
                }
                Event::Data { range, epoch, .. } => {
                    assert_eq!(epoch, 1);
                    self.data.push(out.payload(&range).to_vec());
                }
                Event::Closed { reason, .. } => self.closed = Some(reason),
                Event::HandshakeFailed { reason, .. } => self.failed = Some(reason),
                _ => panic!("an event that a client does not have"),
            }
        }
        out.datagrams().map(|(_, octets)| octets.to_vec()).collect()
    }

    pub(crate) fn datagram(&mut self, octets: &[u8]) -> Vec<Vec<u8>> {
        let mut out = Out::new();
        self.engine.datagram(self.now, octets, &mut out);
        self.collect(out)
    }

    pub(crate) fn send(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = Out::new();
        self.engine.send(1, data, &mut out).unwrap();
        self.collect(out).remove(0)
    }

    pub(crate) fn close(&mut self) -> Vec<Vec<u8>> {
        let mut out = Out::new();
        self.engine.close(&mut out);
        self.collect(out)
    }

    /// Lets time pass and does what falls due.
    pub(crate) fn pass(&mut self, duration: Duration) -> Vec<Vec<u8>> {
        let end = self.now.saturating_add(duration);
        let mut sent = Vec::new();
        while let Some(at) = self.engine.next_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let mut out = Out::new();
            self.engine.tick(self.now, &mut out);
            sent.extend(self.collect(out));
        }
        self.now = end;
        sent
    }
}

/// A client whose hello has been answered with the server's first flight, and that answer.
pub(crate) fn until_server_flight(
    server: &mut ServerSide,
    config: ClientConfig,
    seed: u64,
) -> (ClientSide, Vec<Vec<u8>>) {
    let (mut client, hello) = ClientSide::connect(config, seed);
    let mut flight = Vec::new();
    for octets in hello {
        for request in server.datagram(device(), &octets) {
            for hello in client.datagram(&request) {
                flight.extend(server.datagram(device(), &hello));
            }
        }
    }
    (client, flight)
}

/// A client whose last flight is ready to go, and that flight.
pub(crate) fn until_client_flight(
    server: &mut ServerSide,
    config: ClientConfig,
    seed: u64,
) -> (ClientSide, Vec<Vec<u8>>) {
    let (mut client, flight) = until_server_flight(server, config, seed);
    let mut answer = Vec::new();
    for octets in flight {
        answer.extend(client.datagram(&octets));
    }
    (client, answer)
}

/// Completes a handshake whose client flight is given; the key is the right one.
pub(crate) fn complete(server: &mut ServerSide, client: &mut ClientSide, flight: &[Vec<u8>]) {
    for octets in flight {
        server.datagram(device(), octets);
    }
    for octets in server.answer(known()) {
        client.datagram(&octets);
    }
}

/// An established session between a fresh server and a client at [`device`].
pub(crate) fn established(server: ServerConfig, client: ClientConfig) -> (ServerSide, ClientSide) {
    let mut server = ServerSide::new(server);
    let (mut client, flight) = until_client_flight(&mut server, client, 7);
    complete(&mut server, &mut client, &flight);
    assert!(client.established.is_some() && server.established.len() == 1);
    (server, client)
}

/// What a network does to datagrams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub(crate) loss_percent: u64,
    pub(crate) duplication_percent: u64,
    /// Milliseconds up to which a datagram may be late; the spread reorders.
    pub(crate) jitter: u64,
}

/// A server and many clients over a bad network, in virtual time.
pub(crate) struct Network {
    pub(crate) server: ServerSide,
    pub(crate) clients: HashMap<PeerAddress, ClientSide>,
    /// Delivery time, a number to keep the order total, whether it goes to the server, the
    /// device's address, the octets.
    queue: std::collections::BTreeMap<(Instant, u64), (bool, PeerAddress, Vec<u8>)>,
    pending_keys: std::collections::BTreeMap<(Instant, u64), Lookup>,
    weather: Weather,
    rng: Rng,
    counter: u64,
}

impl Network {
    pub(crate) fn new(config: ServerConfig, weather: Weather, seed: u64) -> Self {
        Self {
            server: ServerSide::new(config),
            clients: HashMap::new(),
            queue: Default::default(),
            pending_keys: Default::default(),
            weather,
            rng: Rng(seed),
            counter: 0,
        }
    }

    pub(crate) fn connect(&mut self, at: PeerAddress, config: ClientConfig) {
        let seed = self.rng.next() >> 1;
        let (mut client, sent) = ClientSide::connect(config, seed);
        client.now = self.server.now;
        self.clients.insert(at, client);
        for octets in sent {
            self.post(true, at, octets);
        }
    }

    pub(crate) fn post(&mut self, to_server: bool, device: PeerAddress, octets: Vec<u8>) {
        let copies = 1 + u64::from(self.rng.percent(self.weather.duplication_percent));
        for _ in 0..copies {
            if self.rng.percent(self.weather.loss_percent) {
                continue;
            }
            let delay = 5 + self.rng.below(self.weather.jitter + 1);
            let at = self.server.now.saturating_add(Duration::from_millis(delay));
            self.counter += 1;
            self.queue
                .insert((at, self.counter), (to_server, device, octets.clone()));
        }
    }

    fn post_server_output(&mut self, before: usize) {
        let sent = self.server.sent[before..].to_vec();
        for (to, octets) in sent {
            self.post(false, to, octets);
        }
        for lookup in std::mem::take(&mut self.server.lookups) {
            let delay = Duration::from_millis(self.rng.below(300));
            self.counter += 1;
            let at = self.server.now.saturating_add(delay);
            self.pending_keys.insert((at, self.counter), lookup);
        }
    }

    /// Does the next thing that is due, at most until `end`; tells whether there was one.
    pub(crate) fn step(&mut self, end: Instant) -> bool {
        let clients = self.clients.values();
        let client_due = clients
            .filter_map(|client| client.engine.next_timeout())
            .min();
        let due = [
            self.queue.first_key_value().map(|(key, _)| key.0),
            self.pending_keys.first_key_value().map(|(key, _)| key.0),
            self.server.engine.next_timeout(),
            client_due,
        ];
        let Some(now) = due.into_iter().flatten().min().filter(|at| *at <= end) else {
            return false;
        };
        let now = now.max(self.server.now);
        self.server.now = now;
        let before = self.server.sent.len();
        self.server.call(|engine, out| engine.tick(now, out));
        while let Some(entry) = self
            .pending_keys
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let lookup = entry.remove();
            self.server.answer_to(&lookup, known());
        }
        self.post_server_output(before);
        let mut from_clients = Vec::new();
        for (at, client) in &mut self.clients {
            client.now = now;
            let sent = client.pass(Duration::ZERO);
            from_clients.extend(sent.into_iter().map(|octets| (*at, octets)));
        }
        from_clients.sort();
        for (at, octets) in from_clients {
            self.post(true, at, octets);
        }
        while let Some(entry) = self
            .queue
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let (to_server, device, octets) = entry.remove();
            if to_server {
                let before = self.server.sent.len();
                self.server.datagram(device, &octets);
                self.post_server_output(before);
            } else if let Some(client) = self.clients.get_mut(&device) {
                for answer in client.datagram(&octets) {
                    self.post(true, device, answer);
                }
            }
        }
        true
    }

    pub(crate) fn run(&mut self, duration: Duration) {
        let end = self.server.now.saturating_add(duration);
        while self.step(end) {}
        self.server.now = end;
    }
}

/// The only fatal alert among the datagrams.
pub(crate) fn fatal_alert(datagrams: &[Vec<u8>]) -> Option<AlertDescription> {
    let records = datagrams
        .iter()
        .flat_map(|octets| crate::wire::records(octets));
    let alerts: Vec<(u8, u8)> = records.filter_map(|record| record.alert()).collect();
    match alerts.as_slice() {
        [] => None,
        [(2, description)] => Some(AlertDescription::from_number(*description)),
        other => panic!("alerts {other:?}"),
    }
}
