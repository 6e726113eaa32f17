//! The AuSF hands over a device.

use cause::Cause;
use nf_api::convert::{device_id, owa_key, serving_network_name, session, timestamp};
use nf_api::pb::common;
use nf_api::pb::subscription_manager as pb;
use nf_api::pb::subscription_manager::device_intake_service_server::DeviceIntakeService;
use nf_api::status::refuse;
use nf_runtime::procedure::answer;
use onboarding::NetworkProofLevel;
use tonic::{Request, Response, Status, async_trait};

use super::Edge;
use crate::procedures::open_session::{
    AuthenticatedDevice, OpenSessionError, UeAddress, open_session,
};

#[async_trait]
impl DeviceIntakeService for Edge {
    async fn device_authenticated(
        &self,
        request: Request<pb::DeviceAuthenticatedRequest>,
    ) -> Result<Response<pb::DeviceAuthenticatedResponse>, Status> {
        let device = device(request.into_inner()).map_err(refuse)?;
        let opened = open_session(&self.context, &self.outbox, &device);
        let expires_at_ms = answer(
            &self.metrics,
            "open_session",
            opened,
            OpenSessionError::cause,
        )
        .await?;
        let settings = &self.context.settings;
        Ok(Response::new(pb::DeviceAuthenticatedResponse {
            expires_at: Some(timestamp(expires_at_ms)),
            portal_url: settings.portal_url.clone(),
            captive_api_url: format!("{}/capport/v1", settings.portal_url),
            provisioning_uris: vec![settings.provisioning_uri.clone()],
            dnn: settings.dnn.clone(),
            provisioning_server: settings.provisioning_server.clone(),
            allowed_targets: settings.allowed_targets.clone(),
            quota_bytes: settings.quota_bytes,
        }))
    }
}

fn device(request: pb::DeviceAuthenticatedRequest) -> Result<AuthenticatedDevice, Cause> {
    let certificate = request
        .certificate_chain
        .into_iter()
        .next()
        .ok_or(Cause::MandatoryElementMissing)?;
    let demanded = NetworkProofLevel::from_number(request.network_proof.into());
    Ok(AuthenticatedDevice {
        session: session(&request.session)?,
        device_id: device_id(&request.device_id)?,
        manufacturer: text(request.manufacturer)?,
        serial: text(request.serial)?,
        certificate,
        headless: request.headless,
        demanded: demanded.ok_or(Cause::MandatoryElementIncorrect)?,
        network_proven: request.network_proven,
        serving_network_name: serving_network_name(&request.serving_network_name)?,
        start: request.start,
        challenge: request.challenge,
        proof: request.proof,
        pdp_dtls_key: owa_key(request.pdp_dtls_key)?,
        package_key: owa_key(request.package_key)?,
        ue_address: request
            .ue_address
            .filter(|address| !address.ip.is_empty())
            .map(ue_address)
            .transpose()?,
        gateway: text(request.gateway)?,
    })
}

fn ue_address(address: common::UeAddress) -> Result<UeAddress, Cause> {
    let port = |port: u32| u16::try_from(port).map_err(|_| Cause::MandatoryElementIncorrect);
    let (first_port, last_port) = (port(address.first_port)?, port(address.last_port)?);
    if first_port > last_port {
        return Err(Cause::MandatoryElementIncorrect);
    }
    let ip = address
        .ip
        .parse()
        .map_err(|_| Cause::MandatoryElementIncorrect)?;
    Ok(UeAddress {
        ip,
        first_port,
        last_port,
    })
}

/// A name of a device, its maker or its gateway: there, and not endless.
fn text(text: String) -> Result<String, Cause> {
    match text.len() {
        0 => Err(Cause::MandatoryElementMissing),
        1..=255 => Ok(text),
        _ => Err(Cause::MandatoryElementIncorrect),
    }
}
