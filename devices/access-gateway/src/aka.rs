//! The SEAF of 5G AKA. Source: TS 33.501 6.1.3.2, TS 24.501 5.4.1.3.

use aka::{HxresStar, Rand};
use cause::Cause;
use identifiers::Suci;
use nf_api::convert::{fixed, k_seaf};
use nf_api::pb::access_gateway::{
    AuthenticationFailure, AuthenticationRequest, AuthenticationResponse, RegistrationAccept,
    RegistrationRequest,
};
use nf_api::pb::ausf::authentication_service_client::AuthenticationServiceClient;
use nf_api::pb::ausf::confirm_aka_response::Result as Confirmed;
use nf_api::pb::ausf::{
    ConfirmAkaRequest, ConfirmAkaResponse, ResyncAkaRequest, StartAkaRequest, StartAkaResponse,
};
use nf_api::status::cause_of;
use nf_runtime::grpc::Channel;
use secret::ResStar;
use tracing::debug;

use crate::device::Device;
use crate::exchange::Downlink;

/// A challenge that was sent.
pub(crate) struct Challenge {
    auth_ctx_id: String,
    rand: Rand,
    hxres_star: HxresStar,
    serving_network_name: String,
    resynchronizations: u8,
}

impl Device {
    /// Begins an authentication. TS 33.501 6.1.2.
    #[tracing::instrument(skip_all, name = "access_gateway.registration", fields(nf.clause = "TS 33.501 6.1.2"))]
    pub(crate) async fn register(
        &mut self,
        request: RegistrationRequest,
    ) -> Result<Downlink, Cause> {
        let network = self.gateway().networks.get(&request.network_id)?;
        let serving_network_name = network.serving_network_name.as_str().to_owned();
        // A SUPI in clear is none of the radio's forms.
        Suci::parse(&request.suci).map_err(|error| error.cause())?;
        let start = StartAkaRequest {
            supi_or_suci: request.suci,
            serving_network_name: serving_network_name.clone(),
        };
        let answer = self
            .ausf()
            .start_aka(start)
            .await
            .map_err(|status| cause_of(&status))?;
        self.challenge(answer.into_inner(), serving_network_name, 0)
    }

    /// Keeps what the answer will be compared with, and sends the rest on.
    fn challenge(
        &mut self,
        answer: StartAkaResponse,
        serving_network_name: String,
        resynchronizations: u8,
    ) -> Result<Downlink, Cause> {
        let unusable = |_| Cause::UpstreamFailure;
        let rand = Rand::new(fixed(&answer.rand).map_err(unusable)?);
        self.challenge = Some(Challenge {
            auth_ctx_id: answer.auth_ctx_id,
            rand,
            hxres_star: HxresStar::new(fixed(&answer.hxres_star).map_err(unusable)?),
            serving_network_name,
            resynchronizations,
        });
        Ok(Downlink::AuthenticationRequest(AuthenticationRequest {
            rand: answer.rand,
            autn: answer.autn,
        }))
    }

    /// Compares HRES* with HXRES*, and asks the AuSF in either case. TS 33.501 6.1.3.2.0 steps 8 to 12,
    /// 6.1.3.2.2.
    #[tracing::instrument(skip_all, name = "access_gateway.authentication_response", fields(nf.clause = "TS 33.501 6.1.3.2"))]
    pub(crate) async fn respond(
        &mut self,
        response: AuthenticationResponse,
    ) -> Result<Downlink, Cause> {
        let challenge = self.challenge.take().ok_or(Cause::ContextNotFound)?;
        let Ok(res_star) = ResStar::try_from_slice(&response.res_star) else {
            self.give_up(challenge).await;
            return Err(Cause::MandatoryElementIncorrect);
        };
        let expected = challenge.hxres_star.matches(&challenge.rand, &res_star);
        let answer = self.confirm(&challenge, Some(&res_star)).await?;
        if !expected || answer.result() != Confirmed::Success {
            return Err(Cause::AuthenticationRejected);
        }
        // NAS and radio security would follow from it; here it ends.
        drop(k_seaf(answer.k_seaf)?);
        Ok(Downlink::RegistrationAccept(RegistrationAccept {
            commit: answer.commit,
        }))
    }

    /// Takes the device's refusal of a challenge. TS 24.501 5.4.1.3.7.
    #[tracing::instrument(skip_all, name = "access_gateway.authentication_failure", fields(nf.clause = "TS 24.501 5.4.1.3.7"))]
    pub(crate) async fn fail(&mut self, failure: AuthenticationFailure) -> Result<Downlink, Cause> {
        let challenge = self.challenge.take().ok_or(Cause::ContextNotFound)?;
        let cause = match failure.cause {
            SYNCH_FAILURE if challenge.resynchronizations < MAX_RESYNCHRONIZATIONS => {
                return self.resynchronize(challenge, failure.auts).await;
            }
            SYNCH_FAILURE => Cause::SynchFailure,
            MAC_FAILURE => Cause::MacFailure,
            NON_5G_AUTHENTICATION_UNACCEPTABLE => Cause::AuthenticationRejected,
            _ => Cause::MandatoryElementIncorrect,
        };
        self.give_up(challenge).await;
        Err(cause)
    }

    async fn resynchronize(
        &mut self,
        challenge: Challenge,
        auts: Vec<u8>,
    ) -> Result<Downlink, Cause> {
        if auts.len() != aka::Auts::LEN {
            self.give_up(challenge).await;
            return Err(Cause::MandatoryElementIncorrect);
        }
        let request = ResyncAkaRequest {
            auth_ctx_id: challenge.auth_ctx_id,
            auts,
            serving_network_name: challenge.serving_network_name.clone(),
        };
        let answer = self
            .ausf()
            .resync_aka(request)
            .await
            .map_err(|status| cause_of(&status))?;
        self.challenge(
            answer.into_inner(),
            challenge.serving_network_name,
            challenge.resynchronizations + 1,
        )
    }

    /// Tells the AuSF that no answer will come, if one is awaited. TS 33.501 6.1.3.2.2.
    pub(crate) async fn vanished(&mut self) {
        if let Some(challenge) = self.challenge.take() {
            self.give_up(challenge).await;
        }
    }

    async fn give_up(&self, challenge: Challenge) {
        if let Err(cause) = self.confirm(&challenge, None).await {
            // The context expires by itself.
            debug!(cause = cause.name(), "unanswered challenge not reported");
        }
    }

    async fn confirm(
        &self,
        challenge: &Challenge,
        res_star: Option<&ResStar>,
    ) -> Result<ConfirmAkaResponse, Cause> {
        let request = ConfirmAkaRequest {
            auth_ctx_id: challenge.auth_ctx_id.clone(),
            res_star: res_star.map(|res_star| res_star.expose().to_vec()),
            serving_network_name: challenge.serving_network_name.clone(),
        };
        let answer = self.ausf().confirm_aka(request).await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| cause_of(&status))
    }

    fn ausf(&self) -> AuthenticationServiceClient<Channel> {
        AuthenticationServiceClient::new(self.gateway().ausf.clone())
    }
}

/// 5GMM causes. TS 24.501 9.11.3.2.
const MAC_FAILURE: u32 = 20;
const SYNCH_FAILURE: u32 = 21;
const NON_5G_AUTHENTICATION_UNACCEPTABLE: u32 = 26;
/// A home network that follows AUTS is in step after one.
const MAX_RESYNCHRONIZATIONS: u8 = 2;
