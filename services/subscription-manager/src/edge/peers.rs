//! Other functions over gRPC.

use async_trait::async_trait;
use cause::Cause;
use identifiers::{CredentialSetId, OperatorId, ProtectionScheme};
use nf_api::convert::key;
use nf_api::pb::configuration_management as cm;
use nf_api::pb::configuration_management::association_service_client::AssociationServiceClient;
use nf_api::pb::vault as pb;
use nf_api::pb::vault::vault_service_client::VaultServiceClient;
use nf_api::status::cause_of;
use nf_runtime::grpc::Channel;
use provisioning::profile::SuciKey;
use tonic::Status;

use crate::ports::{
    ConfigurationManagement, MintCredentials, MintedCredentials, NewAssociation, OperatorKeys,
    PeerResult, SealProfile, Vault,
};

/// The vault over gRPC.
pub(crate) struct VaultPeer(pub(crate) Channel);

impl VaultPeer {
    fn client(&self) -> VaultServiceClient<Channel> {
        VaultServiceClient::new(self.0.clone())
    }
}

#[async_trait]
impl Vault for VaultPeer {
    async fn mint(&self, request: MintCredentials) -> PeerResult<MintedCredentials> {
        let request = pb::MintRequest {
            idempotency_key: request.idempotency_key,
            supi: request.supi.as_text().to_owned(),
            device_id: request.device_id.as_str().to_owned(),
            subscription_id: request.subscription_id.as_str().to_owned(),
            tenant_id: request.tenant_id.as_str().to_owned(),
            routing_indicator: request.routing_indicator.as_str().to_owned(),
            akma_allowed: true,
            gpsi: request
                .gpsi
                .map(|gpsi| gpsi.as_str().to_owned())
                .unwrap_or_default(),
        };
        let minted = self
            .client()
            .mint(request)
            .await
            .map_err(refused)?
            .into_inner();
        Ok(MintedCredentials {
            credential_set_id: CredentialSetId::parse(&minted.credential_set_id)
                .map_err(|_| Cause::UpstreamFailure)?,
            credential_epoch: minted.credential_epoch,
        })
    }

    async fn seal(&self, request: SealProfile) -> PeerResult<Vec<u8>> {
        let request = pb::SealRequest {
            credential_set_id: request.credential_set_id.as_str().to_owned(),
            start: request.start,
            challenge: request.challenge,
            proof: request.proof,
            header: request.header,
            profile: request.profile,
            psk: Some(key(request.psk.expose())),
            identity_spki: request.identity_spki,
        };
        let package = self
            .client()
            .seal(request)
            .await
            .map_err(refused)?
            .into_inner()
            .package;
        if package.is_empty() {
            Err(Cause::UpstreamFailure)
        } else {
            Ok(package)
        }
    }

    async fn home_network_keys(&self) -> PeerResult<Vec<SuciKey>> {
        let answer = self
            .client()
            .get_home_network_keys(pb::GetHomeNetworkKeysRequest {})
            .await
            .map_err(refused)?;
        let keys = answer.into_inner().keys.into_iter().map(suci_key);
        keys.collect::<Option<_>>().ok_or(Cause::UpstreamFailure)
    }

    async fn operator_keys(&self) -> PeerResult<OperatorKeys> {
        let answer = self
            .client()
            .get_operator_keys(pb::GetOperatorKeysRequest {})
            .await
            .map_err(refused)?
            .into_inner();
        Ok(OperatorKeys {
            operator_id: OperatorId::parse(&answer.operator_id)
                .map_err(|_| Cause::UpstreamFailure)?,
            keyset: answer.keyset,
        })
    }
}

fn suci_key(message: pb::HomeNetworkKey) -> Option<SuciKey> {
    let scheme = ProtectionScheme::from_number(u8::try_from(message.scheme).ok()?)?;
    let public = (scheme != ProtectionScheme::Null).then_some(message.public_key);
    Some(SuciKey {
        scheme,
        id: u8::try_from(message.id).ok()?,
        public,
    })
}

/// Configuration Management over gRPC.
pub(crate) struct ConfigurationManagementPeer(pub(crate) Channel);

#[async_trait]
impl ConfigurationManagement for ConfigurationManagementPeer {
    async fn put_association(&self, association: NewAssociation) -> PeerResult<()> {
        let association = cm::Association {
            association_id: association.association_id,
            subscription_id: association.subscription_id.as_str().to_owned(),
            supi: association.supi.as_text().to_owned(),
            gpsi: association
                .gpsi
                .map(|gpsi| gpsi.as_str().to_owned())
                .unwrap_or_default(),
            ue_service_id: association.ue_service_id.as_str().to_owned(),
            tenant_id: association.tenant_id.as_str().to_owned(),
            kind: cm::association::Kind::Direct.into(),
            gateway_ue_id: String::new(),
        };
        let request = cm::PutAssociationRequest {
            association: Some(association),
        };
        AssociationServiceClient::new(self.0.clone())
            .put(request)
            .await
            .map_err(refused)?;
        Ok(())
    }
}

fn refused(status: Status) -> Cause {
    cause_of(&status)
}
