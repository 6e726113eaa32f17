use std::net::Ipv4Addr;

use coap_tokio::{
    Handler, Incoming, KeyLookup, KeyQuery, LookupUnavailable, PreSharedKey, Server, ServerConfig,
    Session,
};
use tokio::net::UdpSocket;
use tokio::sync::Notify;

use super::*;

const KEY: [u8; 32] = [7; 32];

/// A provisioning server that says when it is asked, and has a package or none.
struct Network {
    package: Option<&'static [u8]>,
    asked: Arc<Notify>,
}

impl KeyLookup for Network {
    type Context = ();

    async fn lookup(&self, _: KeyQuery) -> Result<Option<PreSharedKey<()>>, LookupUnavailable> {
        Ok(Some(PreSharedKey {
            key: SecretBytes::new(KEY.to_vec()),
            expires_at_unix_ms: None,
            context: (),
        }))
    }
}

impl Handler<()> for Network {
    async fn request(&self, _: Session<()>, _: Incoming<()>) -> Response {
        self.asked.notify_one();
        let package = self.package.unwrap_or_default().to_vec();
        Response::content(ContentFormat::COSE_SIGN1, package)
    }
}

/// Serves at a socket that outlives the server, as its address does.
fn serve(socket: &std::net::UdpSocket, package: Option<&'static [u8]>) -> (Tasks, Arc<Notify>) {
    let (tasks, asked) = (Tasks::default(), Arc::<Notify>::default());
    let network = |asked| Arc::new(Network { package, asked });
    let (keys, handler) = (network(Arc::clone(&asked)), network(Arc::clone(&asked)));
    let socket = UdpSocket::from_std(socket.try_clone().unwrap()).unwrap();
    Server::serve(socket, ServerConfig::default(), keys, handler, &tasks).unwrap();
    (tasks, asked)
}

#[tokio::test(start_paused = true)]
async fn a_device_waits_for_a_server_that_is_away_for_longer_than_a_handshake() {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_nonblocking(true).unwrap();
    let (first, asked) = serve(&socket, None);
    let tasks = Tasks::default();
    let session = OnboardingSession::new([1; 16]);
    let key = OwaKey::try_from_slice(&KEY).unwrap();
    let device = ProvisioningServer::open(socket.local_addr().unwrap(), session, &key, &tasks);
    let mut device = device.await.unwrap();

    let restart = async {
        asked.notified().await;
        first.token.cancel();
        first.tracker.close();
        first.tracker.wait().await;
        sleep(HANDSHAKE_LIMIT * 3).await;
        serve(&socket, Some(b"package"))
    };
    let (package, _second) = tokio::join!(device.package(unix_seconds() + 600), restart);
    assert_eq!(package.unwrap(), b"package");
    tasks.token.cancel();
}
