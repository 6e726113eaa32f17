//! The provisioning server: CoAP over DTLS under K(pdp-dtls).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use coap::{Code, ContentFormat, Reliability, Response};
use coap_tokio::{
    Handler, Incoming, KeyLookup, KeyQuery, LookupUnavailable, Observation, PreSharedKey, Server,
    ServerConfig, Session, Tasks,
};
use identifiers::OnboardingSession;
use provisioning::{Receipt, ReceiptResult};
use secret::SecretBytes;

use crate::home::Home;

pub(crate) async fn serve(home: Home, tasks: &Tasks) -> SocketAddr {
    let config = ServerConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        ..ServerConfig::default()
    };
    let server: Server<OnboardingSession> = Server::bind(
        config,
        Arc::new(Keys(home.clone())),
        Arc::new(Resources(home)),
        tasks,
    )
    .await
    .unwrap();
    server.local_address()
}

struct Keys(Home);

impl KeyLookup for Keys {
    type Context = OnboardingSession;

    async fn lookup(
        &self,
        query: KeyQuery,
    ) -> Result<Option<PreSharedKey<OnboardingSession>>, LookupUnavailable> {
        let session = onboarding::parse_pdp_identity(&query.identity).unwrap();
        let key = self.0.script(|script| {
            let known = script.sessions.get(&session)?;
            Some(SecretBytes::new(known.keys.pdp_dtls.expose().to_vec()))
        });
        Ok(key.map(|key| PreSharedKey {
            key,
            expires_at_unix_ms: None,
            context: session,
        }))
    }
}

struct Resources(Home);

impl Handler<OnboardingSession> for Resources {
    async fn request(
        &self,
        session: Session<OnboardingSession>,
        incoming: Incoming<OnboardingSession>,
    ) -> Response {
        let home = &self.0;
        match incoming.request.path().as_str() {
            "/profile" => {
                let observation = incoming
                    .registration
                    .map(|registration| registration.accept());
                if home.script(|script| script.signed_up) {
                    return package(home.package(session.context()));
                }
                home.script(|script| {
                    script
                        .observations
                        .extend(observation.map(|it| (*session.context(), it)))
                });
                Response::new(Code::CONTENT).with_max_age(0)
            }
            "/receipt" if home.script(|script| script.lose_receipts) => {
                Response::new(Code::SERVICE_UNAVAILABLE)
            }
            "/receipt" => {
                let receipt = home.script(|script| {
                    let identity = script.sessions[session.context()].identity.clone();
                    Receipt::verify(&incoming.request.payload, &identity).unwrap()
                });
                assert_eq!(
                    receipt.result == ReceiptResult::Installed,
                    receipt.cause.is_none()
                );
                home.script(|script| script.receipts.push(receipt));
                Response::new(Code::CHANGED)
            }
            _ => Response::new(Code::NOT_FOUND),
        }
    }
}

fn package(octets: Vec<u8>) -> Response {
    Response::content(ContentFormat::COSE_SIGN1, octets)
}

/// Pushes the package to a device that waits for it.
pub(crate) async fn push(
    home: &Home,
    session: &OnboardingSession,
    observation: &Observation<OnboardingSession>,
) {
    let package = package(home.package(session));
    observation
        .notify(package, Reliability::Confirmable)
        .await
        .unwrap();
}
