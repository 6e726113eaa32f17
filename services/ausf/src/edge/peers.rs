//! Other functions, over gRPC.

use async_trait::async_trait;
use cause::Cause;
use identifiers::{Gpsi, RoutingIndicator};
use nf_api::convert::{fixed, k_ausf, key, supi, unix_ms, xres_star};
use nf_api::pb;
use nf_api::pb::aanf::anchor_key_service_client::AnchorKeyServiceClient;
use nf_api::pb::certificate_fetcher::fetch_service_client::FetchServiceClient;
use nf_api::pb::subscription_manager::delivery_service_client::DeliveryServiceClient;
use nf_api::pb::subscription_manager::device_intake_service_client::DeviceIntakeServiceClient;
use nf_api::pb::vault::vault_service_client::VaultServiceClient;
use nf_api::status::cause_of;
use nf_runtime::grpc::Channel;

use crate::ports::{
    AnchorKeyRegistration, AnchorKeys, AuthenticatedDevice, CertificateFetcher, FetchCertificate,
    GetVector, LimitedSession, PeerResult, Promotion, SubscriptionManager, Vault, Vector,
};

/// A peer behind a channel; implements the port of each function.
#[derive(Clone)]
pub struct Peers {
    /// The way to it.
    pub channel: Channel,
}

#[async_trait]
impl CertificateFetcher for Peers {
    async fn fetch(&self, request: FetchCertificate) -> PeerResult<Vec<Vec<u8>>> {
        let request = pb::certificate_fetcher::FetchRequest {
            url: request.url,
            server_anchors: request.server_anchors,
            allowed_networks: request.allowed_networks,
            allowed_ports: request.allowed_ports.into_iter().map(u32::from).collect(),
            host_overrides: request.host_overrides,
        };
        let fetched = FetchServiceClient::new(self.channel.clone())
            .fetch(request)
            .await;
        Ok(fetched
            .map_err(|status| cause_of(&status))?
            .into_inner()
            .certificates)
    }
}

#[async_trait]
impl AnchorKeys for Peers {
    async fn register(&self, registration: AnchorKeyRegistration) -> PeerResult<()> {
        let request = pb::aanf::RegisterRequest {
            supi: registration.supi.as_text().to_owned(),
            gpsi: registration.gpsi,
            a_kid: registration.a_kid.as_str().to_owned(),
            k_akma: Some(key(registration.k_akma.expose())),
            authentication_epoch: registration.authentication_epoch,
        };
        let registered = AnchorKeyServiceClient::new(self.channel.clone())
            .register(request)
            .await;
        registered.map(drop).map_err(|status| cause_of(&status))
    }
}

#[async_trait]
impl SubscriptionManager for Peers {
    async fn device_authenticated(
        &self,
        device: AuthenticatedDevice,
    ) -> PeerResult<LimitedSession> {
        let (ip, first_port, last_port) = device.ue_address;
        let request = pb::subscription_manager::DeviceAuthenticatedRequest {
            session: device.session.as_bytes().to_vec(),
            device_id: device.device_id.as_str().to_owned(),
            manufacturer: device.manufacturer,
            serial: device.serial,
            certificate_chain: device.certificate_chain,
            headless: device.headless,
            network_proof: u32::try_from(device.network_proof).unwrap_or(u32::MAX),
            network_proven: device.network_proven,
            serving_network_name: device.serving_network_name.as_str().to_owned(),
            start: device.start,
            challenge: device.challenge,
            proof: device.proof,
            pdp_dtls_key: Some(key(device.pdp_dtls_key.expose())),
            package_key: Some(key(device.package_key.expose())),
            ue_address: Some(pb::common::UeAddress {
                ip,
                first_port: first_port.into(),
                last_port: last_port.into(),
            }),
            gateway: device.gateway,
        };
        let taken = DeviceIntakeServiceClient::new(self.channel.clone())
            .device_authenticated(request)
            .await;
        let session = taken.map_err(|status| cause_of(&status))?.into_inner();
        Ok(LimitedSession {
            expires_at_ms: unix_ms(session.expires_at)?,
            portal_url: session.portal_url,
            captive_api_url: session.captive_api_url,
            provisioning_uris: session.provisioning_uris,
            dnn: session.dnn,
            provisioning_server: session.provisioning_server,
            allowed_targets: session.allowed_targets,
            quota_bytes: session.quota_bytes,
        })
    }

    async fn credential_activated(
        &self,
        subscription_id: &str,
        device_id: &str,
        credential_set_id: &str,
    ) -> PeerResult<()> {
        let request = pb::subscription_manager::CredentialActivatedRequest {
            subscription_id: subscription_id.to_owned(),
            device_id: device_id.to_owned(),
            credential_set_id: credential_set_id.to_owned(),
        };
        let told = DeliveryServiceClient::new(self.channel.clone())
            .credential_activated(request)
            .await;
        told.map(drop).map_err(|status| cause_of(&status))
    }
}

#[async_trait]
impl Vault for Peers {
    async fn vector(&self, request: GetVector) -> PeerResult<Vector> {
        let resynchronization =
            request
                .resynchronization
                .map(|(rand, auts)| pb::vault::Resynchronization {
                    rand: rand.to_vec(),
                    auts: auts.to_vec(),
                });
        let request = pb::vault::GetVectorRequest {
            supi_or_suci: request.supi_or_suci,
            serving_network_name: request.serving_network_name.as_str().to_owned(),
            resynchronization,
        };
        let answered = VaultServiceClient::new(self.channel.clone())
            .get_vector(request)
            .await;
        vector(answered.map_err(|status| cause_of(&status))?.into_inner())
    }

    async fn promote(&self, credential_set_id: &str) -> PeerResult<Promotion> {
        let request = pb::vault::PromoteRequest {
            credential_set_id: credential_set_id.to_owned(),
        };
        let promoted = VaultServiceClient::new(self.channel.clone())
            .promote(request)
            .await;
        let promoted = promoted.map_err(|status| cause_of(&status))?.into_inner();
        Ok(Promotion {
            commit: promoted.commit,
            subscription_id: promoted.subscription_id,
            device_id: promoted.device_id,
        })
    }

    async fn sign_owa_net(&self, start_hash: [u8; 32], challenge: Vec<u8>) -> PeerResult<Vec<u8>> {
        let request = pb::vault::SignOwaNetRequest {
            start_hash: start_hash.to_vec(),
            challenge,
        };
        let signed = VaultServiceClient::new(self.channel.clone())
            .sign_owa_net(request)
            .await;
        Ok(signed
            .map_err(|status| cause_of(&status))?
            .into_inner()
            .owa_net)
    }
}

fn vector(message: pb::vault::GetVectorResponse) -> PeerResult<Vector> {
    let gpsi = match message.gpsi.as_str() {
        "" => None,
        text => Some(Gpsi::parse(text).map_err(|_| Cause::UpstreamFailure)?),
    };
    Ok(Vector {
        supi: supi(&message.supi)?,
        gpsi,
        rand: fixed(&message.rand)?,
        autn: fixed(&message.autn)?,
        xres_star: xres_star(message.xres_star)?,
        k_ausf: k_ausf(message.k_ausf)?,
        routing_indicator: RoutingIndicator::parse(&message.routing_indicator)
            .map_err(|_| Cause::UpstreamFailure)?,
        akma_allowed: message.akma_allowed,
        authentication_epoch: message.authentication_epoch,
        credential_set_id: message.credential_set_id,
        candidate: message.candidate,
        commit: message.commit,
    })
}
