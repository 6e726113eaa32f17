//! What spreads devices over replicas in a cluster: a port that leads each connection, or each flow of datagrams, to
//! the next replica that answers. Source ports stay as they are, because the portal knows devices by them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::task::JoinSet;

/// A port that is served until it is dropped.
pub(crate) struct Balancer {
    address: SocketAddr,
    _serving: JoinSet<()>,
}

impl Balancer {
    /// Serves connections.
    pub(crate) async fn tcp(listen: SocketAddr, replicas: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind(listen).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let (turn, mut open) = (AtomicUsize::new(0), JoinSet::new());
            while let Ok((client, from)) = listener.accept().await {
                let replicas = in_turn(&replicas, &turn);
                open.spawn(carry(client, from, replicas));
            }
        });
        Self {
            address,
            _serving: serving,
        }
    }

    /// Serves datagrams.
    pub(crate) async fn udp(listen: SocketAddr, replicas: Vec<SocketAddr>) -> Self {
        let socket = Arc::new(UdpSocket::bind(listen).await.unwrap());
        let address = socket.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let (turn, mut open) = (AtomicUsize::new(0), JoinSet::new());
            let flows = Arc::new(Mutex::new(HashMap::new()));
            let mut datagram = [0; 65_536];
            while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
                let known = flows.lock().unwrap().get(&from).cloned();
                let flow: Arc<UdpSocket> = match known {
                    Some(flow) => flow,
                    None => {
                        let flow = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
                        flow.connect(in_turn(&replicas, &turn)[0]).await.unwrap();
                        flows.lock().unwrap().insert(from, Arc::clone(&flow));
                        let (back, ended) = (Arc::clone(&flow), Arc::clone(&flows));
                        let socket = Arc::clone(&socket);
                        open.spawn(async move {
                            let mut datagram = [0; 65_536];
                            // The system tells when nobody listens there any more.
                            while let Ok(length) = back.recv(&mut datagram).await {
                                let _lost = socket.send_to(&datagram[..length], from).await;
                            }
                            ended.lock().unwrap().remove(&from);
                        });
                        flow
                    }
                };
                let _lost = flow.send(&datagram[..length]).await;
            }
        });
        Self {
            address,
            _serving: serving,
        }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

fn in_turn(replicas: &[SocketAddr], turn: &AtomicUsize) -> Vec<SocketAddr> {
    let mut replicas = replicas.to_vec();
    let first = turn.fetch_add(1, Ordering::Relaxed) % replicas.len();
    replicas.rotate_left(first);
    replicas
}

async fn carry(mut client: TcpStream, from: SocketAddr, replicas: Vec<SocketAddr>) {
    for replica in replicas {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        // Not every client lets its port be used once more; the portal knows devices by theirs, and those do.
        let _another = socket.bind(from);
        if let Ok(mut upstream) = socket.connect(replica).await {
            let _broken = copy_bidirectional(&mut client, &mut upstream).await;
            return;
        }
    }
}
