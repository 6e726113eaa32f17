//! One address in front of several replicas, as a Service of Kubernetes is: a connection, and a source of datagrams, stay with
//! the replica that was chosen for them as long as it lives.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Replicas behind an address; who has ended is taken out.
#[derive(Clone, Default)]
pub(crate) struct Targets(Arc<Mutex<Vec<SocketAddr>>>);

impl Targets {
    pub(crate) fn set(&self, addresses: Vec<SocketAddr>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    fn all(&self) -> Vec<SocketAddr> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn choose(&self) -> Option<SocketAddr> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let all = self.all();
        let chosen = NEXT.fetch_add(1, Ordering::Relaxed) % all.len().max(1);
        all.get(chosen).copied()
    }
}

/// Opens a TCP address before the targets. It ends with the process.
pub(crate) fn tcp(targets: Targets) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let targets = targets.clone();
            thread::spawn(move || {
                let server = targets.choose().map(TcpStream::connect);
                if let Some(Ok(server)) = server {
                    // Either side may break off at any time.
                    let _ = join(&client, &server);
                }
            });
        }
    });
    Ok(address)
}

fn join(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let upwards = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(std::net::Shutdown::Both);
    let _ = upwards.join();
    Ok(())
}

/// A source of datagrams and the way to its replica.
struct Flow {
    target: SocketAddr,
    socket: UdpSocket,
}

/// Opens a UDP address before the targets. It ends with the process.
pub(crate) fn udp(targets: Targets) -> io::Result<SocketAddr> {
    let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = front.local_addr()?;
    thread::spawn(move || {
        let mut flows = HashMap::<SocketAddr, Flow>::new();
        let mut buffer = vec![0; 65_536];
        loop {
            let Ok((length, source)) = front.recv_from(&mut buffer) else {
                continue;
            };
            let living = targets.all();
            flows.retain(|_, flow| living.contains(&flow.target));
            let flow = match flows.entry(source) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let opened = targets.choose().map(|target| open(&front, source, target));
                    match opened {
                        Some(Ok(flow)) => new.insert(flow),
                        _ => continue,
                    }
                }
            };
            // A datagram may be lost.
            let _ = flow.socket.send(buffer.get(..length).unwrap_or_default());
        }
    });
    Ok(address)
}

fn open(front: &UdpSocket, source: SocketAddr, target: SocketAddr) -> io::Result<Flow> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(target)?;
    socket.set_read_timeout(Some(Duration::from_secs(300)))?;
    let (answers, back) = (socket.try_clone()?, front.try_clone()?);
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        loop {
            match answers.recv(&mut buffer) {
                Ok(length) => {
                    let _ = back.send_to(buffer.get(..length).unwrap_or_default(), source);
                }
                // The replica's port is closed just now; the flow may still be moved.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(_) => return,
            }
        }
    });
    Ok(Flow { target, socket })
}
