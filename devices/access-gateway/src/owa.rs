//! Carries OWA frames between device and AuSF.

use std::time::Duration;

use cause::Cause;
use nf_api::pb::access_gateway::OwaMessage;
use nf_api::pb::ausf::one_way_auth_service_client::OneWayAuthServiceClient;
use nf_api::pb::ausf::{ProveRequest, StartRequest};
use nf_api::status::cause_of;
use onboarding::Frame;
use tokio::time::Instant;
use tonic::Request;

use crate::device::Device;
use crate::exchange::Downlink;

impl Device {
    /// Hands a Start or a Proof on. The serving network is that of the network which the device chose.
    #[tracing::instrument(skip_all, name = "access_gateway.one_way_authentication", fields(nf.clause = "TS 33.501 I.9"))]
    pub(crate) async fn one_way(&mut self, message: OwaMessage) -> Result<Vec<Downlink>, Cause> {
        let gateway = self.gateway();
        let network = gateway.networks.onboarding(&message.network_id)?;
        let serving_network_name = network.serving_network_name.as_str().to_owned();
        let mut ausf = OneWayAuthServiceClient::new(gateway.ausf.clone());
        let network_id = message.network_id;
        let owa = |frame| Downlink::Owa(OwaMessage { frame, network_id });
        match Frame::decode(&message.frame).map_err(|error| error.cause())? {
            Frame::Start(_) => {
                let request = StartRequest {
                    frame: message.frame,
                    ue_reference: self.reference(),
                    serving_network_name,
                };
                let answer = ausf
                    .start(request)
                    .await
                    .map_err(|status| cause_of(&status))?;
                Ok(vec![owa(answer.into_inner().frame)])
            }
            Frame::Proof(_, session) => {
                // Taken before the AuSF opens a session for this address, and kept until its answer has come:
                // where that is lost, a session may be open, and a repeated Proof has to name the same address.
                let reference = self.reference();
                let ports = gateway
                    .proof_ports
                    .take(&reference, session, Instant::now())
                    .ok_or(Cause::Overloaded)?;
                let mut request = Request::new(ProveRequest {
                    frame: message.frame,
                    ue_reference: self.reference(),
                    serving_network_name,
                    ue_address: Some(ports.ue_address(gateway.relay_ip)),
                });
                request.set_timeout(PROVE_LIMIT);
                let answer = ausf
                    .prove(request)
                    .await
                    .map_err(|status| cause_of(&status))?
                    .into_inner();
                let decoded = Frame::decode(&answer.frame);
                let accepted = matches!(decoded, Ok(Frame::Accept(_)));
                if matches!(decoded, Ok(Frame::Reject(_))) {
                    gateway.proof_ports.decided(&reference);
                }
                match answer.limited_session.filter(|_| accepted) {
                    None if accepted => Err(Cause::UpstreamFailure),
                    None => Ok(vec![owa(answer.frame)]),
                    Some(session) => {
                        let opened = gateway.sessions.open(session, ports).await;
                        // What failed here can succeed when the Proof is repeated.
                        if matches!(opened, Ok(_) | Err(Cause::LimitedSessionExpired)) {
                            gateway.proof_ports.decided(&reference);
                        }
                        let connectivity = opened?;
                        Ok(vec![
                            owa(answer.frame),
                            Downlink::LimitedConnectivity(connectivity),
                        ])
                    }
                }
            }
            _ => Err(Cause::MalformedMessage),
        }
    }
}

/// The AuSF may have to fetch a certificate.
const PROVE_LIMIT: Duration = Duration::from_secs(12);
