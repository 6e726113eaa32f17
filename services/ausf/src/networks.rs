//! Which networks exist for us, and who may speak for them.

use std::collections::{HashMap, HashSet};

use identifiers::{ParseIdentifierError, Plmn, ServingNetworkName, Supi};
use nf_api::{Caller, NetworkFunction};

use crate::config::AusfConfig;

/// Serving networks by access gateway, and home networks.
#[derive(Clone, Debug)]
pub struct Networks {
    gateways: HashMap<String, HashSet<ServingNetworkName>>,
    home: Vec<Plmn>,
}

impl Networks {
    /// Reads the settings.
    ///
    /// # Errors
    /// A name or a PLMN that does not parse.
    pub fn new(config: &AusfConfig) -> Result<Self, ParseIdentifierError> {
        let mut gateways = HashMap::new();
        for gateway in &config.access_gateways {
            let names = gateway
                .serving_network_names
                .iter()
                .map(|name| ServingNetworkName::parse(name));
            gateways.insert(
                gateway.name.clone(),
                names.collect::<Result<HashSet<_>, _>>()?,
            );
        }
        let home = config
            .home_networks
            .iter()
            .map(|entry| Plmn::new(&entry.mcc, &entry.mnc))
            .collect::<Result<_, _>>()?;
        Ok(Self { gateways, home })
    }

    /// Whether the caller is an access gateway that may claim this serving network. TS 33.501 6.1.2.
    pub fn may_claim(&self, caller: &Caller, name: &ServingNetworkName) -> bool {
        let Caller::Function {
            function: NetworkFunction::AccessGateway,
            instance: Some(instance),
        } = caller
        else {
            return false;
        };
        self.gateways
            .get(instance)
            .is_some_and(|names| names.contains(name))
    }

    /// The home network of a SUPI: the one whose digits its IMSI begins with, or the first one for a
    /// network-specific identifier.
    pub fn home_of(&self, supi: &Supi) -> Option<&Plmn> {
        match supi.imsi() {
            Some(_) => self.home.iter().find(|plmn| supi.msin(plmn).is_some()),
            None => self.home.first(),
        }
    }
}
