//! The registry of manufacturers whose device certificates are trusted.

use std::net::IpAddr;

use onboarding::certificate::Certificate;
use onboarding::certificate_url::{CertificateUrl, UrlPrefix};
use store::{Class, Names, Store, Tag};

use crate::records::ManufacturerRecord;

/// One entry of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manufacturer {
    /// Key of the entry.
    pub name: String,
    /// What certificate URLs begin with.
    pub url_prefixes: Vec<String>,
    /// DER anchors of device certificates.
    pub device_anchors: Vec<Vec<u8>>,
    /// DER anchors of the certificate server; empty for public roots.
    pub server_anchors: Vec<Vec<u8>>,
    /// Networks that may be reached although they are not public, in CIDR form.
    pub allowed_networks: Vec<String>,
    /// Ports besides 443.
    pub allowed_ports: Vec<u16>,
    /// A URL without hash and without chain is accepted.
    pub allow_bare_url: bool,
    /// Packages may be sealed to the certificate key.
    pub allow_cert_direct: bool,
    /// `host=address`.
    pub host_overrides: Vec<String>,
}

impl Manufacturer {
    /// Whether every prefix and anchor can be read.
    pub fn is_well_formed(&self) -> bool {
        is_name(&self.name)
            && !self.device_anchors.is_empty()
            && self
                .url_prefixes
                .iter()
                .all(|prefix| UrlPrefix::parse(prefix, &self.allowed_ports).is_ok())
            && self
                .device_anchors
                .iter()
                .chain(&self.server_anchors)
                .all(|anchor| Certificate::from_der(anchor).is_ok())
            && self.allowed_networks.iter().all(|text| is_network(text))
            && self.host_overrides.iter().all(|text| is_override(text))
    }

    /// The URL in its one form, if it lies under a prefix of this manufacturer.
    pub fn covers(&self, url: &str) -> Option<CertificateUrl> {
        let url = CertificateUrl::parse(url, &self.allowed_ports).ok()?;
        let mut prefixes = self
            .url_prefixes
            .iter()
            .filter_map(|prefix| UrlPrefix::parse(prefix, &self.allowed_ports).ok());
        prefixes.any(|prefix| prefix.matches(&url)).then_some(url)
    }
}

/// Whether this can be the name of an entry: 1 to 64 characters, none of them a control character.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// `address/length`.
fn is_network(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let longest = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= longest)
}

/// `host=address`.
fn is_override(text: &str) -> bool {
    text.split_once('=')
        .is_some_and(|(host, address)| !host.is_empty() && address.parse::<IpAddr>().is_ok())
}

/// The registry in the store. Without an entry nobody is trusted.
#[derive(Clone)]
pub struct Manufacturers {
    store: Store,
}

/// Most entries of an installation.
const MAX_MANUFACTURERS: usize = 1_000;

impl Manufacturers {
    /// The registry in this store.
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Creates or replaces an entry. Durable when it returns.
    ///
    /// # Errors
    /// [`store::Error`]
    pub async fn put(&self, manufacturer: &Manufacturer) -> Result<(), store::Error> {
        let mut transaction = self.store.transaction(&self.tag()?, Class::Record);
        transaction.put_named(&manufacturer.name, &record(manufacturer));
        self.store.commit(transaction).await.map(drop)
    }

    /// Removes an entry; one that is not there stays so. Durable when it returns.
    ///
    /// # Errors
    /// [`store::Error`]
    pub async fn delete(&self, name: &str) -> Result<(), store::Error> {
        let mut transaction = self.store.transaction(&self.tag()?, Class::Record);
        transaction.delete_named::<ManufacturerRecord>(name);
        self.store.commit(transaction).await.map(drop)
    }

    /// All entries by name.
    ///
    /// # Errors
    /// [`store::Error`]
    pub async fn list(&self) -> Result<Vec<Manufacturer>, store::Error> {
        let rows = self
            .store
            .list::<ManufacturerRecord>(&self.tag()?, &Names::all(), MAX_MANUFACTURERS)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(name, row)| manufacturer(name, row.record))
            .collect())
    }

    fn tag(&self) -> Result<Tag, store::Error> {
        Ok(self.store.tag("manufacturers")?)
    }
}

fn record(manufacturer: &Manufacturer) -> ManufacturerRecord {
    ManufacturerRecord {
        url_prefixes: manufacturer.url_prefixes.clone(),
        device_anchors: manufacturer.device_anchors.clone(),
        server_anchors: manufacturer.server_anchors.clone(),
        allowed_networks: manufacturer.allowed_networks.clone(),
        allowed_ports: manufacturer
            .allowed_ports
            .iter()
            .copied()
            .map(u32::from)
            .collect(),
        allow_bare_url: manufacturer.allow_bare_url,
        allow_cert_direct: manufacturer.allow_cert_direct,
        host_overrides: manufacturer.host_overrides.clone(),
    }
}

fn manufacturer(name: String, record: ManufacturerRecord) -> Manufacturer {
    Manufacturer {
        name,
        url_prefixes: record.url_prefixes,
        device_anchors: record.device_anchors,
        server_anchors: record.server_anchors,
        allowed_networks: record.allowed_networks,
        allowed_ports: record
            .allowed_ports
            .into_iter()
            .filter_map(|port| u16::try_from(port).ok())
            .collect(),
        allow_bare_url: record.allow_bare_url,
        allow_cert_direct: record.allow_cert_direct,
        host_overrides: record.host_overrides,
    }
}
