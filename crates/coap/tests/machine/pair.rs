//! Two endpoints on a network with virtual time, loss, duplication and reordering.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coap::{Endpoint, Event, Parameters};

/// How bad the network is, in percent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Network {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    /// The greatest delay of a datagram; each has its own.
    pub(crate) jitter: Duration,
}

/// A device (0) and a server (1).
pub(crate) struct Pair {
    pub(crate) ends: [Endpoint; 2],
    pub(crate) now: Duration,
    network: Network,
    random: u64,
    in_flight: BTreeMap<(Duration, u64), (usize, Vec<u8>)>,
    serial: u64,
}

impl Pair {
    pub(crate) fn new(network: Network, seed: u64) -> Self {
        Self::with(
            network,
            seed,
            [Parameters::default(), Parameters::default()],
        )
    }

    pub(crate) fn with(network: Network, seed: u64, parameters: [Parameters; 2]) -> Self {
        let mut side = 0;
        Self {
            ends: parameters.map(|parameters| {
                side += 1;
                Endpoint::new(Arc::new(parameters), seed * 2 + side)
            }),
            now: Duration::from_secs(1),
            network,
            random: seed | 1,
            in_flight: BTreeMap::new(),
            serial: 0,
        }
    }

    fn roll(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn send_all(&mut self) {
        for from in 0..2 {
            while let Some(datagram) = self.ends[from].poll_transmit() {
                if self.roll() % 100 < self.network.loss {
                    continue;
                }
                let copies = 1 + u64::from(self.roll() % 100 < self.network.duplication);
                for _ in 0..copies {
                    let jitter = u64::try_from(self.network.jitter.as_millis())
                        .expect("jitter is short")
                        + 1;
                    let delay = Duration::from_millis(10 + self.roll() % jitter);
                    self.serial += 1;
                    self.in_flight.insert(
                        (self.now + delay, self.serial),
                        (1 - from, datagram.clone()),
                    );
                }
            }
        }
    }

    /// Runs until `until` says stop or `limit` has passed; each event goes to `handle` with the side it came from.
    pub(crate) fn run(
        &mut self,
        limit: Duration,
        mut handle: impl FnMut(&mut Self, usize, Event) -> bool,
    ) -> bool {
        let end = self.now + limit;
        loop {
            for side in 0..2 {
                while let Some(event) = self.ends[side].poll_event() {
                    if handle(self, side, event) {
                        return true;
                    }
                }
            }
            self.send_all();
            let arrival = self.in_flight.keys().next().map(|(at, _)| *at);
            let timer = self.ends.iter().filter_map(Endpoint::next_timeout).min();
            let Some(next) = [arrival, timer]
                .into_iter()
                .flatten()
                .min()
                .filter(|at| *at <= end)
            else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
            if arrival.is_some_and(|at| at <= self.now) {
                let (_, (to, datagram)) = self.in_flight.pop_first().expect("an arrival is there");
                self.ends[to].handle_datagram(self.now, &datagram);
            } else {
                for end in &mut self.ends {
                    end.tick(self.now);
                }
            }
        }
    }
}

/// The seeds of a random test; each failure names its own.
pub(crate) fn seeds() -> std::ops::Range<u64> {
    1..120
}
