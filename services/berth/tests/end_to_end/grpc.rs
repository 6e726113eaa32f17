//! Calls to a running installation, under identities of its own authority.

use std::net::Ipv4Addr;

use nf_api::{Caller, NetworkFunction};
use nf_runtime::Runtime;
use nf_runtime::grpc::{self, Channel, GrpcConfig};
use nf_runtime::lifecycle::ShutdownConfig;
use nf_runtime::pki::LabAuthority;
use nf_runtime::tls::{TlsConfig, TlsIdentity};

use crate::installation::Installation;

/// Serving network of the laboratory.
pub(crate) const SERVING_NETWORK_NAME: &str = "5G:mnc001.mcc001.3gppnetwork.org";

/// The way to a function as the operator whom `endpoints.json` names.
pub(crate) fn as_operator(installation: &Installation, callee: NetworkFunction) -> Channel {
    let identity = TlsConfig {
        ca: installation.endpoint("ca").into(),
        certificate: installation.endpoint("admin_cert").into(),
        key: installation.endpoint("admin_key").into(),
        trust_domain: installation.endpoint("trust_domain"),
    };
    connect(installation, &identity, callee)
}

/// The way to a function as the access gateway `instance`.
pub(crate) fn as_gateway(
    installation: &Installation,
    instance: &str,
    callee: NetworkFunction,
) -> Channel {
    let authority = LabAuthority::load(&installation.data().join("pki")).unwrap();
    let gateway = Caller::Function {
        function: NetworkFunction::AccessGateway,
        instance: Some(instance.to_owned()),
    };
    let identity = authority
        .install(&gateway, &["localhost"], &[Ipv4Addr::LOCALHOST.into()])
        .unwrap();
    connect(installation, &identity, callee)
}

fn connect(installation: &Installation, identity: &TlsConfig, callee: NetworkFunction) -> Channel {
    let identity = TlsIdentity::load(identity).unwrap();
    let address = installation.endpoint(&callee.name().replace('-', "_"));
    let runtime = Runtime::new(ShutdownConfig::default(), GrpcConfig::default());
    grpc::connect(&address, &identity, callee, &runtime).unwrap()
}
