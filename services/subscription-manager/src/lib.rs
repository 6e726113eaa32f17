//! Portal, limited sessions, profiles and delivery.
//!
//! The web portal subscription manager of TR 23.799 solution 12.z and the provisioning server: a device that has
//! proven its certificate to the AuSF gets a limited session; its owner signs it up in the portal, or has ordered
//! before; then numbers are allocated, the vault mints credentials and seals the profile, and the device fetches it
//! by CoAP over DTLS. The session ends when the credentials have worked.

mod config;
mod context;
mod edge;
mod housekeeping;
mod plan;
mod ports;
mod procedures;
mod records;
/// Of the metrics of the provisioning server.
const PREFIX: &str = "berth_subscription_manager";

/// Procedures that the metrics show from the start.
const PROCEDURES: [&str; 10] = [
    "open_session",
    "link_browser",
    "sign_up",
    "enrol",
    "deliver_package",
    "take_receipt",
    "activate_credential",
    "create_order",
    "end_session",
    "free_labels",
];

#[cfg(test)]
mod tests;

pub use config::SubscriptionManagerConfig;

use std::net::SocketAddr;
use std::sync::Arc;

use nf_api::NetworkFunction;
use nf_runtime::grpc::Channel;
use nf_runtime::tls::{PublicCertificate, PublicCertificateConfig, TlsError};
use nf_runtime::{Function, Runtime};
use store::{Outbox, Sealer, Store};
use tokio::net::TcpListener;

use crate::context::{Context, Settings};
use crate::edge::http::Portal;
use crate::edge::peers::{ConfigurationManagementPeer, VaultPeer};
use crate::ports::{ConfigurationManagement, Vault};
use crate::procedures::enrol::EnrolmentWorker;

/// What the function needs from the world.
#[derive(Clone)]
pub struct Ports {
    /// Its own part of the shared state.
    pub store: Store,
    /// Seals keys of sessions and claim secrets.
    pub sealer: Sealer,
    /// The vault.
    pub vault: Channel,
    /// Configuration Management.
    pub configuration_management: Channel,
}

/// The function, put together; its listeners are bound and serve.
pub struct Built {
    /// Its gRPC services.
    pub function: Function,
    /// Address of the portal (https).
    pub portal_address: SocketAddr,
    /// URL of the portal as devices and people reach it.
    pub portal_url: String,
    /// Address of the provisioning server (CoAP over DTLS, UDP).
    pub provisioning_address: SocketAddr,
}

/// The function cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The portal's certificate or key cannot be used.
    #[error("certificate of the portal cannot be used")]
    Certificate(#[from] TlsError),
    /// The portal's address cannot be bound.
    #[error("portal cannot listen on {address}")]
    Portal {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The provisioning server's address cannot be bound.
    #[error("provisioning server cannot listen on {address}")]
    Provisioning {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: coap_tokio::BindError,
    },
    /// The store does not report changes.
    #[error("sessions cannot be watched")]
    Store(#[from] store::Error),
}

impl BuildError {
    /// The cause to report.
    #[must_use]
    pub const fn cause(&self) -> cause::Cause {
        match self {
            Self::Store(error) => error.cause(),
            Self::Certificate(_) | Self::Portal { .. } | Self::Provisioning { .. } => {
                cause::Cause::Internal
            }
        }
    }
}

/// Puts the function together: binds portal and provisioning server, and starts the worker that carries enrolments
/// on, those that a process left behind included.
///
/// # Errors
/// [`BuildError`].
pub async fn build(
    config: SubscriptionManagerConfig,
    ports: Ports,
    runtime: &Runtime,
) -> Result<Built, BuildError> {
    let vault = Arc::new(VaultPeer(ports.vault));
    let configuration_management =
        Arc::new(ConfigurationManagementPeer(ports.configuration_management));
    build_on(
        config,
        ports.store,
        ports.sealer,
        vault,
        configuration_management,
        runtime,
    )
    .await
    .map(|(built, _)| built)
}

async fn build_on(
    config: SubscriptionManagerConfig,
    store: Store,
    sealer: Sealer,
    vault: Arc<dyn Vault>,
    configuration_management: Arc<dyn ConfigurationManagement>,
    runtime: &Runtime,
) -> Result<(Built, Context), BuildError> {
    let metrics = runtime
        .metrics
        .procedures(NetworkFunction::SubscriptionManager)
        .known(&PROCEDURES);
    let lifecycle = &runtime.lifecycle;
    let certificate = PublicCertificate::load(&PublicCertificateConfig {
        certificate: config.portal_certificate.clone(),
        key: config.portal_key.clone(),
    })?;
    certificate.watch(lifecycle);
    let in_use = certificate.clone();
    runtime.metrics.certificate("portal", move || in_use.end());
    let tls = certificate.server_config(&[b"h2", b"http/1.1"])?;
    let at_portal = |source| BuildError::Portal {
        address: config.portal_listen,
        source,
    };
    let portal_listener = TcpListener::bind(config.portal_listen)
        .await
        .map_err(at_portal)?;
    let portal_address = portal_listener.local_addr().map_err(at_portal)?;
    let at_provisioning = |source| BuildError::Provisioning {
        address: config.provisioning_listen,
        source,
    };
    let provisioning_socket = edge::coap::socket(config.provisioning_listen)
        .await
        .map_err(at_provisioning)?;
    let provisioning_address =
        edge::coap::address_of(&provisioning_socket).map_err(at_provisioning)?;

    let settings = Arc::new(settings(&config, portal_address, provisioning_address));
    let context = Context {
        store: store.clone(),
        sealer,
        vault,
        configuration_management,
        clock: runtime.clock.clone(),
        random: runtime.random.clone(),
        settings: Arc::clone(&settings),
    };
    let outbox = Outbox::new(
        store.clone(),
        Arc::new(EnrolmentWorker {
            context: context.clone(),
            metrics: metrics.clone(),
        }),
    );
    let worker = outbox.clone();
    let token = lifecycle.token();
    lifecycle.spawn("enrolment worker", async move { worker.run(token).await });

    let watch = store.watch_kind(edge::coap::WATCHED).await?;
    let provisioning = edge::coap::serve(provisioning_socket, &context, lifecycle, metrics.clone())
        .map_err(at_provisioning)?;
    let counted = provisioning.clone();
    runtime.metrics.family(PREFIX, |registry| {
        let traffic = coap_tokio::Traffic::new(move || counted.stats());
        registry.register_collector(Box::new(traffic));
    });
    let (token, watching) = (
        lifecycle.token(),
        edge::coap::end_with_sessions(context.clone(), provisioning, watch),
    );
    lifecycle.spawn("session watch", async move {
        token.run_until_cancelled(watching).await;
    });
    let (token, sweeping) = (lifecycle.token(), housekeeping::sweep(context.clone()));
    lifecycle.spawn("session sweep", async move {
        token.run_until_cancelled(sweeping).await;
    });
    let (token, freeing) = (
        lifecycle.token(),
        housekeeping::free_claims(context.clone(), metrics.clone()),
    );
    lifecycle.spawn("claims", async move {
        token.run_until_cancelled(freeing).await;
    });
    let portal = Portal {
        context: context.clone(),
        outbox: outbox.clone(),
        metrics: metrics.clone(),
    };
    lifecycle.spawn(
        "portal",
        edge::http::serve(portal_listener, tls, portal, lifecycle.clone()),
    );

    let function = Function {
        function: NetworkFunction::SubscriptionManager,
        routes: edge::grpc::routes(context.clone(), outbox, metrics),
    };
    let built = Built {
        function,
        portal_address,
        portal_url: settings.portal_url.clone(),
        provisioning_address,
    };
    Ok((built, context))
}

fn settings(
    config: &SubscriptionManagerConfig,
    portal: SocketAddr,
    provisioning: SocketAddr,
) -> Settings {
    let portal_url = match config.portal_url.trim_end_matches('/') {
        "" => format!("https://localhost:{}", portal.port()),
        url => url.to_owned(),
    };
    let provisioning_uri = match config.provisioning_uri.trim_end_matches('/') {
        "" => format!("coaps://{provisioning}"),
        uri => uri.to_owned(),
    };
    let mut allowed_targets = vec![target(&portal_url, "443")];
    allowed_targets.extend(config.allowed_targets.iter().cloned());
    Settings {
        provisioning_server: target(&provisioning_uri, "5684"),
        allowed_targets,
        portal_url,
        provisioning_uri,
        operator_name: config.operator_name.clone(),
        terms: config.terms.clone(),
        dnn: config.dnn.clone(),
        quota_bytes: config.quota_bytes,
        session_lifetime: config.session_lifetime,
        link_code_lifetime: config.link_code_lifetime,
        package_lifetime: config.package_lifetime,
    }
}

/// `host:port` of a URL.
fn target(url: &str, default_port: &str) -> String {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|octet| octet.is_ascii_digit()));
    if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:{default_port}")
    }
}
