//! `DIR/endpoints.json`: where a running installation is.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// One flat object, one key a function. Written last, when everything answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// gRPC with mTLS, `host:port`.
    pub(crate) ausf: String,
    pub(crate) vault: String,
    pub(crate) aanf: String,
    pub(crate) configuration_management: String,
    pub(crate) subscription_manager: String,
    pub(crate) msgin5g_server: String,
    pub(crate) certificate_fetcher: String,
    /// The radio of the laboratory, `http://host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access_gateway: Option<String>,
    /// The portal.
    pub(crate) portal_url: String,
    /// The MSGin5G Server.
    pub(crate) coaps_uri: String,
    /// Its FQDN as application function.
    pub(crate) msgin5g_af_fqdn: String,
    /// Admin ports, `http://host:port`, one a process.
    pub(crate) admin_urls: Vec<String>,
    /// Certificate authority of functions and portal, PEM.
    pub(crate) ca: PathBuf,
    /// Operator identity, PEM.
    pub(crate) admin_cert: PathBuf,
    pub(crate) admin_key: PathBuf,
    /// Trust domain of the identities.
    pub(crate) trust_domain: String,
    /// What a factory and a shop of the laboratory know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lab_dir: Option<PathBuf>,
    /// Version of Berth.
    pub(crate) version: String,
}

impl Endpoints {
    /// Reads the file of a running installation.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read: is berth up running?", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is not what berth up writes", path.display()))
    }
}
