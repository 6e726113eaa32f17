//! Handshakes and data through bad weather (RFC 6347 4.2.4).

use std::time::Duration;

use dtls::ServerConfig;

use crate::pair::{Network, Rng, Weather, address, client_config};

const SEEDS: u64 = 40;

fn handshakes_complete(weather: Weather, max_datagram: usize) {
    for seed in 0..SEEDS {
        println!("seed {seed} {weather:?} {max_datagram}");
        let config = ServerConfig {
            max_datagram,
            handshake_timeout: Duration::from_secs(3000),
            ..ServerConfig::default()
        };
        let mut network = Network::new(config, weather, seed);
        let devices: Vec<_> = (1..=5)
            .map(|port| address(&format!("192.0.2.7:{port}")))
            .collect();
        for at in &devices {
            let mut config = client_config();
            config.max_datagram = max_datagram;
            config.handshake_timeout = Duration::from_secs(3000);
            network.connect(*at, config);
        }
        network.run(Duration::from_secs(3000));
        for at in &devices {
            let client = &network.clients[at];
            assert!(
                client.established.is_some(),
                "seed {seed}: {:?}",
                client.failed
            );
            let at_server = network
                .server
                .established
                .iter()
                .filter(|it| it.peer == *at);
            assert_eq!(at_server.count(), 1, "seed {seed}");
        }
        assert_eq!(network.server.engine.session_count(), devices.len());
    }
}

#[test]
fn handshakes_complete_on_a_clear_day() {
    handshakes_complete(
        Weather {
            loss_percent: 0,
            duplication_percent: 0,
            jitter: 0,
        },
        1232,
    );
}

#[test]
fn handshakes_complete_with_loss() {
    for loss_percent in [10, 30] {
        handshakes_complete(
            Weather {
                loss_percent,
                duplication_percent: 0,
                jitter: 0,
            },
            1232,
        );
    }
}

#[test]
fn handshakes_complete_with_duplication_and_reordering() {
    handshakes_complete(
        Weather {
            loss_percent: 0,
            duplication_percent: 50,
            jitter: 400,
        },
        1232,
    );
}

#[test]
fn handshakes_complete_in_small_datagrams_with_everything_at_once() {
    for max_datagram in [128, 256, 512] {
        handshakes_complete(
            Weather {
                loss_percent: 20,
                duplication_percent: 20,
                jitter: 300,
            },
            max_datagram,
        );
    }
}

#[test]
fn data_arrives_at_most_once_and_unchanged() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let weather = Weather {
            loss_percent: 20,
            duplication_percent: 40,
            jitter: 50,
        };
        let mut network = Network::new(ServerConfig::default(), weather, seed);
        let device = address("192.0.2.7:1");
        let mut config = client_config();
        config.handshake_timeout = Duration::from_secs(300);
        network.connect(device, config);
        let mut deadline = 300;
        while network.clients[&device].established.is_none() && deadline > 0 {
            network.run(Duration::from_secs(1));
            deadline -= 1;
        }
        let mut rng = Rng(seed);
        for number in 0..100_u32 {
            let client = network.clients.get_mut(&device).unwrap();
            let octets = client.send(&number.to_be_bytes());
            network.post(true, device, octets);
            network.run(Duration::from_millis(rng.below(20)));
        }
        network.run(Duration::from_secs(1));
        let mut numbers: Vec<u32> = (network.server.data.iter())
            .map(|(_, _, data)| u32::from_be_bytes(data.as_slice().try_into().unwrap()))
            .collect();
        assert!(numbers.len() > 50, "seed {seed}");
        let arrived = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), arrived, "seed {seed}");
    }
}
