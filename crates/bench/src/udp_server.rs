//! The server of `dtls` and `coap`: the product's own CoAP server with a key table in memory.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Result;
use coap::{Code, Response};
use coap_tokio::{
    Handler, Incoming, KeyLookup, KeyQuery, LookupUnavailable, PreSharedKey, Server, ServerConfig,
    Session, Tasks,
};
use secret::SecretBytes;
use tokio::io::AsyncReadExt as _;

use crate::report::About;

/// Devices that the server knows.
pub(crate) const DEVICES: usize = 10_000;

/// The identity of a device.
pub(crate) fn identity(number: usize) -> Vec<u8> {
    format!("device-{:05}", number % DEVICES).into_bytes()
}

/// The key of a device, as long as K_AF.
pub(crate) fn key(number: usize) -> [u8; 32] {
    let mut key = [0x5a; 32];
    let number = u32::try_from(number % DEVICES)
        .unwrap_or_default()
        .to_be_bytes();
    for (octet, digit) in key.iter_mut().zip(number) {
        *octet = digit;
    }
    key
}

/// How results against this server are labelled.
pub(crate) fn about(name: &'static str) -> About {
    About {
        name,
        store: "memory".to_owned(),
        fsync: "none",
        tls: "DTLS 1.2 PSK-AES128-CCM8",
    }
}

/// Serves until standard input ends.
pub(crate) async fn run() -> Result<()> {
    let tasks = Tasks::default();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut config = ServerConfig {
        listen,
        ..ServerConfig::default()
    };
    // All devices come from one machine.
    config.dtls.max_handshakes_per_prefix = config.dtls.max_handshakes;
    let keys = (0..DEVICES)
        .map(|number| (identity(number), key(number)))
        .collect();
    let server = Server::bind(config, Arc::new(Keys(keys)), Arc::new(Echo), &tasks).await?;
    writeln!(std::io::stdout(), "{}", server.local_address())?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(())
}

struct Keys(HashMap<Vec<u8>, [u8; 32]>);

impl KeyLookup for Keys {
    type Context = ();

    async fn lookup(&self, query: KeyQuery) -> Result<Option<PreSharedKey<()>>, LookupUnavailable> {
        Ok(self.0.get(&query.identity).map(|key| PreSharedKey {
            key: SecretBytes::new(key.to_vec()),
            expires_at_unix_ms: None,
            context: (),
        }))
    }
}

struct Echo;

impl Handler<()> for Echo {
    async fn request(&self, _: Session<()>, incoming: Incoming<()>) -> Response {
        let mut response = Response::new(Code::CHANGED);
        response.payload = incoming.request.payload;
        response
    }
}
