//! The MSGin5G Server, met by wrong keys, unknown identities, and a device that speaks for another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use cause::Cause;
use coap::{Code, ContentFormat, Request, Response};
use coap_tokio::{Client, ClientConfig, ConnectError, ServesNothing, Tasks};
use dtls::{AlertDescription, CipherSuite, FailureReason};
use hyper::Uri;
use msgin5g::Payload;
use msgin5g::client::{Client as Endpoint, Post};
use msgin5g::values::{MessageId, Recipient, ServiceIdentifier};
use nf_runtime::random::Random;
use secret::SecretBytes;
use tokio::net::lookup_host;
use ue::{ApplicationKey, Ue};

use super::Trial;

/// The server takes no longer to refuse a handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
const COAPS_PORT: u16 = 5684;
const SUITE: CipherSuite = CipherSuite::PskAes128Ccm8;

/// Both devices are in service.
pub(super) async fn try_all(device: &Ue, other: &Ue, trial: &mut Trial) -> Result<()> {
    // Until the server knows the A-KID too.
    let registered = device.register().await.context("a device is not let in")?;
    let own = registered.registration().ue_service_id.clone();
    registered.close().await;
    let registered = other.register().await.context("a device is not let in")?;
    let somebody = registered.registration().ue_service_id.clone();
    let key = device.akma(None, SUITE)?;
    let random = Random::system();

    trial
        .refuses("dtls: wrong K_AF", async {
            let wrong = random.array::<32>().to_vec();
            is_wrong_key(connect(&key, &key.psk_identity, wrong).await)
        })
        .await?;
    trial
        .refuses("dtls: unknown A-KID", async {
            let mut unknown = key.psk_identity.clone();
            // The octets before the realm are the A-TID.
            let at = unknown.iter().position(|octet| *octet == b'@');
            let before = at.and_then(|at| at.checked_sub(1));
            let last = before.and_then(|at| unknown.get_mut(at));
            let last = last.context("the PSK identity names no A-KID")?;
            *last = if *last == b'A' { b'B' } else { b'A' };
            is_wrong_key(connect(&key, &unknown, key.k_af.expose().to_vec()).await)
        })
        .await?;

    let endpoint = |id| Endpoint::new(ServiceIdentifier::default(), id);
    let (me, them) = (endpoint(own.clone()), endpoint(somebody));
    let session = connect(&key, &key.psk_identity, key.k_af.expose().to_vec()).await;
    let session = session.context("a device with the right key is not let in")?;
    trial
        .refuses("msgin5g: another's UE Service ID", async {
            is_forbidden(&post(&session, them.register(None, None)).await?)
        })
        .await?;
    let answer = post(&session, me.register(None, None)).await?;
    ensure!(
        answer.is_success(),
        "a device is not registered under its own UE Service ID ({})",
        answer.code
    );
    trial
        .refuses("msgin5g: message from another", async {
            let id = MessageId::generate(0, random.array());
            let mut message = them.message(Recipient::Ue(own), id);
            message.payload = Some(Payload::text("not from whom it says")?);
            is_forbidden(&post(&session, them.send(&message)).await?)
        })
        .await?;
    // Registrations that stay end by themselves.
    let _ = post(&session, me.deregister()).await;
    session.close().await;
    let _ = registered.deregister().await;
    Ok(())
}

/// A handshake under an identity with a key for it.
async fn connect(
    server: &ApplicationKey,
    identity: &[u8],
    key: Vec<u8>,
) -> Result<Client, ConnectError> {
    let address = address(server)
        .await
        .map_err(|error| ConnectError::Socket(std::io::Error::other(format!("{error:#}"))))?;
    let key = SecretBytes::new(key);
    let mut config = ClientConfig::new(address, identity, vec![(SUITE, key)]);
    config.server_name = Some(server.af.as_str().to_owned());
    config.handshake_timeout = HANDSHAKE;
    Client::connect(config, Arc::new(ServesNothing), &Tasks::default()).await
}

/// Where the profile says that the server is.
async fn address(server: &ApplicationKey) -> Result<SocketAddr> {
    let uri = server.coaps_uri.as_deref();
    let uri: Uri = uri.context("the profile names no server")?.parse()?;
    let host = uri.host().context("the server's URI names no host")?;
    let target = (
        host.trim_matches(['[', ']']),
        uri.port_u16().unwrap_or(COAPS_PORT),
    );
    let mut found = lookup_host(target).await?;
    found.next().context("the server's name has no address")
}

/// A wrong key and an unknown identity are told apart by nothing.
fn is_wrong_key(outcome: Result<Client, ConnectError>) -> Result<String> {
    match outcome {
        Ok(_) => bail!("let in"),
        Err(ConnectError::Handshake(FailureReason::PeerAlert(
            alert @ AlertDescription::DECRYPT_ERROR,
        ))) => Ok(format!("refused: DTLS alert {}", alert.number())),
        Err(error) => Err(anyhow::Error::from(error).context("not refused with decrypt_error")),
    }
}

async fn post(session: &Client, post: Post) -> Result<Response> {
    let format = ContentFormat(post.content_format);
    Ok(session
        .request(Request::post(post.uri_path, format, post.body))
        .await?)
}

fn is_forbidden(answer: &Response) -> Result<String> {
    let told = answer.code;
    ensure!(
        told == Code::FORBIDDEN,
        "answered {told} instead of {}",
        Code::FORBIDDEN
    );
    Ok(format!("refused: {told} {}", Cause::NotAuthorized))
}
