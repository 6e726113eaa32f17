//! A server that goes away, with and without a word, behind an address that leads to several.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use coap_tokio::Tasks;
use tokio::net::UdpSocket;
use ue::RegisteredUe;

use crate::home::Laboratory;
use crate::messaging_server::serve;
use crate::operator::ME;

/// One address that leads each new port of a device to the server of the moment, and keeps it there.
struct Relay {
    address: SocketAddr,
    current: Arc<Mutex<SocketAddr>>,
    dead: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Relay {
    async fn start(to: SocketAddr, tasks: &Tasks) -> Self {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
        let relay = Self {
            address: socket.local_addr().unwrap(),
            current: Arc::new(Mutex::new(to)),
            dead: Arc::default(),
        };
        let (current, dead) = (Arc::clone(&relay.current), Arc::clone(&relay.dead));
        let all = tasks.clone();
        tasks.tracker.spawn(async move {
            let mut flows: HashMap<SocketAddr, (SocketAddr, Arc<UdpSocket>)> = HashMap::new();
            let mut buffer = vec![0; 65_535];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                if let std::collections::hash_map::Entry::Vacant(flow) = flows.entry(from) {
                    let to = *current.lock().unwrap();
                    let way = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap());
                    flow.insert((to, Arc::clone(&way)));
                    let (socket, dead) = (Arc::clone(&socket), Arc::clone(&dead));
                    all.tracker.spawn(async move {
                        let mut buffer = vec![0; 65_535];
                        while let Ok((length, _)) = way.recv_from(&mut buffer).await {
                            if !dead.lock().unwrap().contains(&to) {
                                socket.send_to(&buffer[..length], from).await.unwrap();
                            }
                        }
                    });
                }
                let (to, way) = &flows[&from];
                if !dead.lock().unwrap().contains(to) {
                    way.send_to(&buffer[..length], to).await.unwrap();
                }
            }
        });
        relay
    }

    /// Leads new ports to another server.
    fn lead_to(&self, server: SocketAddr) {
        *self.current.lock().unwrap() = server;
    }

    /// Makes a server fall silent for ever.
    fn kill(&self, server: SocketAddr) {
        self.dead.lock().unwrap().push(server);
    }
}

/// A device that is registered at a server behind a relay.
async fn registered_through_relay(
    lab: &Laboratory,
    server: SocketAddr,
    tasks: &Tasks,
) -> (Relay, RegisteredUe) {
    let relay = Relay::start(server, tasks).await;
    let uri = format!("coaps://{}", relay.address);
    lab.home.script(|script| script.coaps_uri = uri);
    let device = lab.subscriber("band").await;
    let registered = device.register().await.unwrap();
    (relay, registered)
}

const WAIT: Duration = Duration::from_secs(20);

/// What a device may need to notice that its server is gone and to be registered at another one.
const RECOVERY: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_device_whose_server_was_killed_goes_on_at_another() {
    let lab = Laboratory::new().await;
    let tasks = Tasks::default();
    let mut servers = Vec::new();
    for _ in 0..3 {
        servers.push(serve(lab.home.clone(), &tasks).await);
    }
    let (relay, mut registered) = registered_through_relay(&lab, servers[0], &tasks).await;
    registered.send(ME, "one").await.unwrap();
    assert_eq!(
        registered.receive(WAIT).await.unwrap().unwrap().text(),
        "one"
    );

    // while it speaks
    relay.lead_to(servers[1]);
    relay.kill(servers[0]);
    let begin = Instant::now();
    registered.send(ME, "two").await.unwrap();
    assert!(begin.elapsed() < RECOVERY, "{:?}", begin.elapsed());
    assert_eq!(
        registered.receive(WAIT).await.unwrap().unwrap().text(),
        "two"
    );

    // while it listens
    relay.lead_to(servers[2]);
    relay.kill(servers[1]);
    lab.home.store_message("three");
    let begin = Instant::now();
    assert_eq!(
        registered.receive(WAIT).await.unwrap().unwrap().text(),
        "three"
    );
    assert!(begin.elapsed() < RECOVERY, "{:?}", begin.elapsed());
    let nothing = registered.receive(Duration::from_millis(200)).await;
    assert_eq!(nothing.unwrap(), None, "no message comes twice");
    tasks.token.cancel();
}

#[tokio::test]
async fn a_device_waits_no_longer_than_it_was_told_to_although_no_server_is_there() {
    let lab = Laboratory::new().await;
    let (leaving, tasks) = (Tasks::default(), Tasks::default());
    let first = serve(lab.home.clone(), &leaving).await;
    let (relay, mut registered) = registered_through_relay(&lab, first, &tasks).await;

    leaving.token.cancel();
    let begin = Instant::now();
    let nothing = registered.receive(Duration::from_millis(300)).await;
    assert_eq!(nothing.unwrap(), None);
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );

    // It goes on where it was.
    relay.lead_to(serve(lab.home.clone(), &tasks).await);
    lab.home.store_message("later");
    assert_eq!(
        registered.receive(WAIT).await.unwrap().unwrap().text(),
        "later"
    );
    tasks.token.cancel();
}

#[tokio::test]
async fn a_device_that_only_looks_in_registers_again_bit_by_bit() {
    let lab = Laboratory::new().await;
    let (leaving, tasks) = (Tasks::default(), Tasks::default());
    let first = serve(lab.home.clone(), &leaving).await;
    let (relay, mut registered) = registered_through_relay(&lab, first, &tasks).await;

    relay.lead_to(serve(lab.home.clone(), &tasks).await);
    lab.home.store_message("bit by bit");
    leaving.token.cancel();
    let deadline = Instant::now() + WAIT;
    // No look is long enough for a handshake.
    let received = loop {
        if let Some(received) = registered.receive(Duration::ZERO).await.unwrap() {
            break received;
        }
        assert!(Instant::now() < deadline, "it never registered again");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(received.text(), "bit by bit");
    tasks.token.cancel();
}

#[tokio::test]
async fn a_device_that_is_sent_away_registers_elsewhere_at_once() {
    let lab = Laboratory::new().await;
    let (leaving, tasks) = (Tasks::default(), Tasks::default());
    let first = serve(lab.home.clone(), &leaving).await;
    let second = serve(lab.home.clone(), &tasks).await;
    let (relay, mut registered) = registered_through_relay(&lab, first, &tasks).await;

    relay.lead_to(second);
    lab.home.store_message("elsewhere");
    leaving.token.cancel();
    let begin = Instant::now();
    assert_eq!(
        registered.receive(WAIT).await.unwrap().unwrap().text(),
        "elsewhere"
    );
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    registered.deregister().await.unwrap();
    tasks.token.cancel();
}
