//! One UDP address in front of several replicas, as a Service of Kubernetes is: a source of datagrams stays with the replica
//! that was chosen for it as long as that lives.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
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
