//! The laboratory: a manufacturer, a plan, a policy and a radio, so that one machine plays the whole story.

mod certificate_server;
mod config;
mod manufacturer;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use access_gateway::NetworkConfig;
use anyhow::{Context as _, Result};
use ausf::{AccessGatewayEntry, HomeNetworkEntry};
use nf_api::NetworkFunction;
use nf_api::pb::aanf::access_policy_service_client::AccessPolicyServiceClient;
use nf_api::pb::aanf::{AccessPolicy, PutAccessPolicyRequest, access_policy};
use nf_api::pb::ausf::manufacturer_service_client::ManufacturerServiceClient;
use nf_api::pb::ausf::{Manufacturer, PutManufacturerRequest};
use nf_api::pb::subscription_manager::plan_service_client::PlanServiceClient;
use nf_api::pb::subscription_manager::{Plan, PutPlanRequest};
use nf_runtime::Runtime;
use nf_runtime::grpc::Channel;
use nf_runtime::pki::LabAuthority;
use serde_json::json;

pub(crate) use self::config::LabConfig;
use crate::config::BerthConfig;
use crate::data_dir::{DataDir, write_atomically};
use crate::endpoints::Endpoints;
use manufacturer::LabManufacturer;

/// Home network of the laboratory: the test network of ITU-T E.212.
const MCC: &str = "001";
const MNC: &str = "01";
const SERVING_NETWORK_NAME: &str = "5G:mnc001.mcc001.3gppnetwork.org";
/// Names of the laboratory's gateway, network, plan and tenant.
const NAME: &str = "lab";

/// An opened laboratory.
pub(crate) struct Laboratory {
    folder: PathBuf,
    manufacturer: LabManufacturer,
    certificate_server: SocketAddr,
    operator_root: PathBuf,
}

impl Laboratory {
    /// Opens the laboratory of a data folder, making it at the first time.
    pub(crate) fn open(
        data: &mut DataDir,
        authority: &LabAuthority,
        config: &BerthConfig,
    ) -> Result<Self> {
        let folder = data.folder("lab")?;
        fs::write(folder.join("portal-ca.pem"), authority.certificate_pem())?;
        Ok(Self {
            manufacturer: LabManufacturer::open(&folder)?,
            certificate_server: data.tcp("certificate-server")?,
            operator_root: config.vault.operator.root_certificate_file.clone(),
            folder,
        })
    }

    /// The folder that factories and shops of the laboratory use.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the laboratory's network means for the functions.
    pub(crate) fn fill(&self, config: &mut BerthConfig) {
        config.ausf.access_gateways = vec![AccessGatewayEntry {
            name: NAME.to_owned(),
            serving_network_names: vec![SERVING_NETWORK_NAME.to_owned()],
        }];
        config.ausf.home_networks = vec![HomeNetworkEntry {
            mcc: MCC.to_owned(),
            mnc: MNC.to_owned(),
        }];
        config.access_gateway.instance = NAME.to_owned();
        config.access_gateway.networks = vec![NetworkConfig {
            network_id: NAME.to_owned(),
            mcc: MCC.to_owned(),
            mnc: MNC.to_owned(),
            nid: None,
            name: "Berth Laboratory".to_owned(),
            onboarding: true,
        }];
    }

    /// Starts the manufacturer's certificate server.
    pub(crate) async fn serve(&self, runtime: &Runtime) -> Result<()> {
        certificate_server::serve(self.certificate_server, &self.manufacturer, runtime).await
    }

    /// Registers manufacturer, plan and policy, as an operator would.
    pub(crate) async fn register(
        &self,
        config: &BerthConfig,
        channel: impl Fn(NetworkFunction) -> Result<Channel>,
    ) -> Result<()> {
        let manufacturer = PutManufacturerRequest {
            manufacturer: Some(self.manufacturer()),
        };
        ManufacturerServiceClient::new(channel(NetworkFunction::Ausf)?)
            .put(manufacturer)
            .await
            .context("the laboratory's manufacturer is refused")?;
        PlanServiceClient::new(channel(NetworkFunction::SubscriptionManager)?)
            .put(PutPlanRequest {
                plan: Some(plan(config)),
            })
            .await
            .context("the laboratory's plan is refused")?;
        AccessPolicyServiceClient::new(channel(NetworkFunction::Aanf)?)
            .put(PutAccessPolicyRequest {
                policy: Some(policy(config)),
            })
            .await
            .context("the laboratory's access policy is refused")?;
        Ok(())
    }

    /// Writes what a factory needs to know of this run.
    pub(crate) fn publish(&self, endpoints: &Endpoints) -> Result<()> {
        let root = fs::read(&self.operator_root).context("the operator's root certificate")?;
        fs::write(self.folder.join("operator-root.cer"), der(&root)?)?;
        let lab = json!({
            "access_gateway": endpoints.access_gateway,
            "certificate_url_prefix": manufacturer::url_prefix(self.certificate_server),
        });
        write_atomically(&self.folder.join("lab.json"), &format!("{lab:#}\n"))
    }

    fn manufacturer(&self) -> Manufacturer {
        Manufacturer {
            name: "Laboratory manufacturer".to_owned(),
            url_prefixes: vec![manufacturer::url_prefix(self.certificate_server)],
            device_anchors: vec![self.manufacturer.anchor().to_vec()],
            server_anchors: vec![self.manufacturer.anchor().to_vec()],
            allowed_networks: vec!["127.0.0.1/32".to_owned()],
            allowed_ports: vec![self.certificate_server.port().into()],
            allow_bare_url: false,
            allow_cert_direct: true,
            host_overrides: vec!["localhost=127.0.0.1".to_owned()],
        }
    }
}

fn plan(config: &BerthConfig) -> Plan {
    Plan {
        plan_id: NAME.to_owned(),
        name: "Laboratory".to_owned(),
        price: "0.00".to_owned(),
        mcc: MCC.to_owned(),
        mnc: MNC.to_owned(),
        first_msin: "0000000001".to_owned(),
        last_msin: "0009999999".to_owned(),
        first_msisdn: "88200000001".to_owned(),
        last_msisdn: "88209999999".to_owned(),
        routing_indicator: "0".to_owned(),
        ue_service_id_domain: "msgin5g.berth.test".to_owned(),
        msgin5g_server_uri: format!("coaps://{}/msgin5g", config.msgin5g_server.listen),
        msgin5g_af_fqdn: config
            .msgin5g_server
            .af_fqdns
            .first()
            .cloned()
            .unwrap_or_default(),
        dnn: "internet".to_owned(),
        tenant_id: NAME.to_owned(),
        self_service: true,
    }
}

fn policy(config: &BerthConfig) -> AccessPolicy {
    AccessPolicy {
        af_fqdn: config
            .msgin5g_server
            .af_fqdns
            .first()
            .cloned()
            .unwrap_or_default(),
        caller: "nf/msgin5g-server".to_owned(),
        ue_id_form: access_policy::UeIdForm::Supi.into(),
        // Every suite of TLS 1.2. TS 33.220 H.3.
        ua_star_ids: vec![vec![1, 0, 1]],
        max_lifetime_seconds: 24 * 3_600,
        anonymous_allowed: false,
    }
}

/// A certificate file as DER, whichever of the two forms it has.
fn der(file: &[u8]) -> Result<Vec<u8>> {
    if file.first() == Some(&0x30) {
        return Ok(file.to_vec());
    }
    let (_, pem) = x509_parser::pem::parse_x509_pem(file)
        .context("the operator's root certificate is neither DER nor PEM")?;
    Ok(pem.contents)
}
