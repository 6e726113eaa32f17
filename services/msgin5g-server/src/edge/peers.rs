//! Other functions, over gRPC.

use async_trait::async_trait;
use cause::Cause;
use futures::StreamExt as _;
use identifiers::{Gpsi, Supi, TenantId, UeServiceId};
use msgin5g::association::{Association, AssociationKind};
use msgin5g::session::UeId;
use nf_api::convert;
use nf_api::pb;
use nf_api::pb::aanf::application_key_service_client::ApplicationKeyServiceClient;
use nf_api::pb::aanf::watch_contexts_response::Kind as ContextKind;
use nf_api::pb::configuration_management::association::Kind as PbKind;
use nf_api::pb::configuration_management::association_service_client::AssociationServiceClient;
use nf_api::pb::configuration_management::watch_associations_response::Kind as AssociationsKind;
use nf_api::status::cause_of;
use nf_runtime::feed::Beat;
use nf_runtime::grpc::Channel;

use crate::ports::{
    ApplicationKey, ApplicationKeys, Associations, Beats, GetApplicationKey, PeerResult, ue_id_text,
};
use crate::registrations::parse_ue_id;

/// A peer behind a channel; implements the port of each function.
#[derive(Clone)]
pub struct Peers {
    /// The way to it.
    pub channel: Channel,
}

#[async_trait]
impl ApplicationKeys for Peers {
    async fn get(&self, request: &GetApplicationKey) -> PeerResult<ApplicationKey> {
        let request = pb::aanf::GetRequest {
            a_kid: request.a_kid.as_str().to_owned(),
            af_fqdn: request.af_fqdn.as_str().to_owned(),
            ua_star_id: request.ua_star_id.as_bytes().to_vec(),
        };
        let answered = ApplicationKeyServiceClient::new(self.channel.clone())
            .get(request)
            .await;
        let answer = answered.map_err(|status| cause_of(&status))?.into_inner();
        let Some(ue_id) = parse_ue_id(&answer.ue_id) else {
            tracing::warn!(
                "the AAnF gives no UE ID; its policy for this application function has to"
            );
            return Err(Cause::AfNotAllowed);
        };
        Ok(ApplicationKey {
            k_af: convert::k_af(answer.k_af)?,
            expires_at_ms: convert::unix_ms(answer.expires_at)?,
            ue_id,
        })
    }

    async fn watch_contexts(&self) -> PeerResult<Beats<UeId>> {
        let watched = ApplicationKeyServiceClient::new(self.channel.clone())
            .watch_contexts(pb::aanf::WatchContextsRequest {})
            .await;
        let messages = watched.map_err(|status| cause_of(&status))?.into_inner();
        let beats = until_error(messages).map(|message| match message.kind() {
            ContextKind::Heartbeat => Beat::Heartbeat,
            ContextKind::Removed => {
                parse_ue_id(&message.ue_id).map_or(Beat::Resynchronize, Beat::Event)
            }
            ContextKind::Resynchronize | ContextKind::Unspecified => Beat::Resynchronize,
        });
        Ok(beats.boxed())
    }
}

#[async_trait]
impl Associations for Peers {
    async fn look_up_by_ue_id(&self, ue_id: &UeId) -> PeerResult<Vec<Association>> {
        let request = pb::configuration_management::LookupByUeIdRequest {
            ue_id: ue_id_text(ue_id).to_owned(),
        };
        let found = AssociationServiceClient::new(self.channel.clone())
            .lookup_by_ue_id(request)
            .await;
        let found = found.map_err(|status| cause_of(&status))?.into_inner();
        let rows = found.associations.into_iter().map(association);
        rows.collect::<Option<Vec<_>>>()
            .ok_or(Cause::UpstreamFailure)
    }

    async fn resolve_service_id(&self, ue_service_id: &UeServiceId) -> PeerResult<TenantId> {
        let request = pb::configuration_management::ResolveServiceIdRequest {
            ue_service_id: ue_service_id.as_str().to_owned(),
        };
        let resolved = AssociationServiceClient::new(self.channel.clone())
            .resolve_service_id(request)
            .await;
        let resolved = resolved.map_err(|status| cause_of(&status))?.into_inner();
        TenantId::parse(&resolved.tenant_id).map_err(|_| Cause::UpstreamFailure)
    }

    async fn watch_associations(&self) -> PeerResult<Beats<Vec<String>>> {
        let watched = AssociationServiceClient::new(self.channel.clone())
            .watch_associations(pb::configuration_management::WatchAssociationsRequest {})
            .await;
        let messages = watched.map_err(|status| cause_of(&status))?.into_inner();
        let beats = until_error(messages).map(|message| match message.kind() {
            AssociationsKind::Heartbeat => Beat::Heartbeat,
            AssociationsKind::Changed => Beat::Event(message.ue_ids),
            AssociationsKind::Resynchronize | AssociationsKind::Unspecified => Beat::Resynchronize,
        });
        Ok(beats.boxed())
    }
}

/// The messages of a feed; an error ends it, and whoever follows it opens it anew.
fn until_error<T: Send + 'static>(
    messages: tonic::Streaming<T>,
) -> impl futures::Stream<Item = T> + Send + 'static {
    messages
        .take_while(|message| std::future::ready(message.is_ok()))
        .filter_map(|message| std::future::ready(message.ok()))
}

fn association(message: pb::configuration_management::Association) -> Option<Association> {
    let kind = match message.kind() {
        PbKind::Direct => AssociationKind::Direct,
        PbKind::Behind => AssociationKind::Behind(parse_ue_id(&message.gateway_ue_id)?),
        PbKind::Unspecified => return None,
    };
    let gpsi = match message.gpsi.as_str() {
        "" => None,
        text => Some(Gpsi::parse(text).ok()?),
    };
    Some(Association {
        ue_service_id: UeServiceId::parse(&message.ue_service_id).ok()?,
        supi: Some(Supi::parse(&message.supi).ok()?),
        gpsi,
        tenant_id: TenantId::parse(&message.tenant_id).ok()?,
        kind,
    })
}
