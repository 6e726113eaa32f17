//! 5G AKA by hand: the gateway's side, and a subscriber's straight from K.

use aka::{Autn, Rand, Sqn};
use cause::Cause;
use identifiers::ServingNetworkName;
use key_hierarchy::five_g_aka::{k_ausf, k_seaf, res_star};
use key_hierarchy::milenage::Milenage;
use nf_api::NetworkFunction;
use nf_api::pb::ausf::authentication_service_client::AuthenticationServiceClient;
use nf_api::pb::ausf::{ConfirmAkaRequest, ConfirmAkaResponse, StartAkaRequest, StartAkaResponse};
use nf_api::status::cause_of;
use nf_runtime::grpc::Channel;
use secret::{Ck, Ik, KAusf, KSeaf, ResStar};

use crate::device::Memory;
use crate::grpc::{SERVING_NETWORK_NAME, as_gateway};
use crate::installation::Installation;

/// The access gateway of the laboratory, asking the AuSF directly.
#[derive(Clone)]
pub(crate) struct Gateway(AuthenticationServiceClient<Channel>);

impl Gateway {
    pub(crate) fn new(installation: &Installation, name: &str) -> Self {
        let channel = as_gateway(installation, name, NetworkFunction::Ausf);
        Self(AuthenticationServiceClient::new(channel))
    }

    pub(crate) async fn start(&self, supi: &str) -> Result<StartAkaResponse, Cause> {
        let request = StartAkaRequest {
            supi_or_suci: supi.to_owned(),
            serving_network_name: SERVING_NETWORK_NAME.to_owned(),
        };
        answered(self.0.clone().start_aka(request).await)
    }

    pub(crate) async fn confirm(
        &self,
        challenge: &StartAkaResponse,
        res_star: Option<&ResStar>,
    ) -> Result<ConfirmAkaResponse, Cause> {
        let request = ConfirmAkaRequest {
            auth_ctx_id: challenge.auth_ctx_id.clone(),
            res_star: res_star.map(|res_star| res_star.expose().to_vec()),
            serving_network_name: SERVING_NETWORK_NAME.to_owned(),
        };
        answered(self.0.clone().confirm_aka(request).await)
    }
}

fn answered<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Cause> {
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| cause_of(&status))
}

/// A subscriber without a window: it answers whatever number comes.
pub(crate) struct Subscriber {
    memory: Memory,
    serving_network_name: ServingNetworkName,
}

/// What follows from one challenge.
pub(crate) struct Answer {
    pub(crate) ck: Ck,
    pub(crate) ik: Ik,
    pub(crate) res_star: ResStar,
    pub(crate) k_ausf: KAusf,
    pub(crate) k_seaf: KSeaf,
    pub(crate) sqn: Sqn,
}

impl Subscriber {
    pub(crate) fn new(memory: Memory) -> Self {
        Self {
            memory,
            serving_network_name: ServingNetworkName::parse(SERVING_NETWORK_NAME).unwrap(),
        }
    }

    pub(crate) const fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn supi(&self) -> &str {
        self.memory.secret.supi.as_text()
    }

    /// TS 33.501 6.1.3.2 steps 7 and 8, straight from K.
    pub(crate) fn answer(&self, challenge: &StartAkaResponse) -> Answer {
        let (k, opc) = self.memory.keys();
        let milenage = Milenage::new(k, opc);
        let (rand, autn) = vector(challenge);
        let keys = milenage.f2_to_f5(&rand);
        let concealed = autn.sqn_xor_ak();
        let mut sqn = concealed;
        for (octet, key) in sqn.iter_mut().zip(keys.ak.expose()) {
            *octet ^= key;
        }
        assert_eq!(milenage.f1(&rand, &sqn, autn.amf()), autn.mac_a());
        let snn = &self.serving_network_name;
        let k_ausf = k_ausf(&keys.ck, &keys.ik, snn, &concealed);
        Answer {
            res_star: res_star(&keys.ck, &keys.ik, snn, &rand, &keys.res),
            k_seaf: k_seaf(&k_ausf, snn),
            k_ausf,
            ck: keys.ck,
            ik: keys.ik,
            sqn: Sqn::from_octets(sqn),
        }
    }
}

/// RAND and AUTN of a challenge.
pub(crate) fn vector(challenge: &StartAkaResponse) -> (Rand, Autn) {
    let rand = <[u8; 16]>::try_from(challenge.rand.as_slice()).unwrap();
    (Rand::new(rand), Autn::from_slice(&challenge.autn).unwrap())
}
