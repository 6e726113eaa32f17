//! An MSGin5G server that knows one UE and sends it its own messages.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use akma::{AKidFormat, AfId, a_tid, k_af, k_akma, parse_psk_identity};
use coap::{Code, ContentFormat, Request as CoapRequest, Response};
use coap_tokio::{
    Handler, Incoming, KeyLookup, KeyQuery, LookupUnavailable, PreSharedKey, Server, ServerConfig,
    Session, Tasks,
};
use identifiers::{Fqdn, Plmn, RoutingIndicator, Supi, UaStarId, UeServiceId};
use msgin5g::Payload;
use msgin5g::messages::{
    DeregistrationAnswer, Message, MessageResponse, MessageStatus, RegistrationAnswer,
    RegistrationOutcome, Request,
};
use msgin5g::values::{Endpoint, MessageId, Recipient, ServiceIdentifier};
use secret::SecretBytes;

use crate::home::Home;
use crate::operator::{AF, ME, SUPI};

pub(crate) async fn serve(home: Home, tasks: &Tasks) -> SocketAddr {
    let config = ServerConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        dtls: dtls::ServerConfig {
            psk_identity_hint: Some(b"3GPP-AKMA".to_vec()),
            ..dtls::ServerConfig::default()
        },
        ..ServerConfig::default()
    };
    let handler = Resources {
        home: home.clone(),
        tasks: tasks.clone(),
    };
    let server: Server<()> = Server::bind(config, Arc::new(Keys(home)), Arc::new(handler), tasks)
        .await
        .unwrap();
    server.local_address()
}

struct Keys(Home);

impl KeyLookup for Keys {
    type Context = ();

    async fn lookup(&self, query: KeyQuery) -> Result<Option<PreSharedKey<()>>, LookupUnavailable> {
        assert_eq!(query.server_name.as_deref(), Some(AF));
        let asked = parse_psk_identity(&query.identity).unwrap();
        let k_ausf = self.0.script(|script| {
            script.lookups += 1;
            let known = script.lookups > script.unknown_lookups;
            script.k_ausf.clone().filter(|_| known)
        });
        let Some(k_ausf) = k_ausf else {
            return Ok(None);
        };
        let supi = Supi::parse(SUPI).unwrap();
        let supi = supi.kdf_form();
        let ri = RoutingIndicator::parse("0").unwrap();
        let home = Plmn::parse("00101").unwrap();
        let known = AKidFormat::default()
            .a_kid(&ri, &a_tid(&k_ausf, &supi), &home)
            .unwrap();
        if known != asked {
            return Ok(None);
        }
        let ua_star_id = UaStarId::tls12(query.suite.number());
        let af_id = AfId {
            fqdn: Fqdn::parse(AF).unwrap(),
            ua_star_id,
        };
        let key = k_af(&k_akma(&k_ausf, &supi), &af_id);
        let key = SecretBytes::new(key.expose().to_vec());
        Ok(Some(PreSharedKey {
            key,
            expires_at_unix_ms: None,
            context: (),
        }))
    }
}

struct Resources {
    home: Home,
    tasks: Tasks,
}

impl Handler<()> for Resources {
    async fn request(&self, session: Session<()>, incoming: Incoming<()>) -> Response {
        let request = incoming.request;
        if request.path() == "/.well-known/core" {
            return Response::new(Code::CONTENT);
        }
        let service = ServiceIdentifier::default();
        let format = request.content_format().map(|format| format.0);
        let me = UeServiceId::parse(ME).unwrap();
        match Request::decode(&service, format, &request.payload).unwrap() {
            Request::Registration(registration) => {
                assert_eq!(registration.ue_service_id, me);
                for body in self
                    .home
                    .script(|script| std::mem::take(&mut script.stored))
                {
                    self.push(session.clone(), body);
                }
                let outcome = RegistrationOutcome::Success { expires: None };
                let answer = RegistrationAnswer {
                    ue_service_id: me,
                    outcome,
                };
                respond(Code::CREATED, answer.encode())
            }
            Request::Deregistration(_) => {
                let answer = DeregistrationAnswer {
                    ue_service_id: me,
                    outcome: Ok(()),
                };
                respond(Code::CHANGED, answer.encode())
            }
            Request::Message(message) if message.recipient == Recipient::Ue(me) => {
                self.push(session, request.payload);
                let response = MessageResponse {
                    message_id: message.message_id,
                    status: MessageStatus::Accepted,
                };
                respond(Code::CHANGED, response.encode(&service))
            }
            Request::Message(_) => respond(
                Code::NOT_FOUND,
                msgin5g::messages::failure_body(cause::Cause::UnknownRecipient),
            ),
            Request::DeliveryReport(report) => {
                self.home.script(|script| {
                    script
                        .posted
                        .push(format!("report {}", report.message_id.as_str()))
                });
                Response::new(Code::CHANGED)
            }
            Request::MessageResponse(_) => Response::new(Code::CHANGED),
        }
    }
}

impl Home {
    /// Keeps a message that the device gets when it registers.
    pub(crate) fn store_message(&self, text: &str) {
        let me = UeServiceId::parse(ME).unwrap();
        let id = MessageId::parse(text).unwrap();
        let mut message = Message::new(Endpoint::Ue(me.clone()), Recipient::Ue(me), id);
        message.payload = Some(Payload::text(text).unwrap());
        let body = message.encode(&ServiceIdentifier::default());
        self.script(|script| script.stored.push(body));
    }
}

impl Resources {
    /// Pushes twice: the second time as if the acknowledgement of the first had been lost. What the device
    /// never acknowledges is stored.
    fn push(&self, session: Session<()>, body: Vec<u8>) {
        let home = self.home.clone();
        self.tasks.tracker.spawn(async move {
            let push = || CoapRequest::post("/msgin5g", ContentFormat::JSON, body.clone());
            match session.request(push()).await {
                Err(_) => home.script(|script| script.stored.push(body)),
                Ok(answer) => {
                    assert_eq!(answer.code, Code::CHANGED);
                    // The device may have left meanwhile.
                    let _ = session.request(push()).await;
                }
            }
        });
    }
}

fn respond(code: Code, body: Vec<u8>) -> Response {
    Response::new(code).with_payload(ContentFormat::JSON, body)
}
