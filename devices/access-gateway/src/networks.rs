//! The networks that the gateway belongs to.

use cause::Cause;
use identifiers::{Nid, ParseIdentifierError, Plmn, ServingNetworkName};
use nf_api::pb::access_gateway as pb;

use crate::config::NetworkConfig;

/// The networks, as announced.
pub(crate) struct Networks(Vec<Network>);

/// One of them.
pub(crate) struct Network {
    config: NetworkConfig,
    plmn: Plmn,
    /// What enters the keys. It comes from here, never from a device.
    pub(crate) serving_network_name: ServingNetworkName,
}

/// The networks of the settings are malformed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworksError {
    /// A PLMN or network identifier does not parse.
    #[error("network \"{network_id}\" has no valid identity")]
    Identity {
        /// Which.
        network_id: String,
        /// Why.
        #[source]
        source: ParseIdentifierError,
    },
    /// An id is empty, too long, or given twice, or a name is too long.
    #[error("network \"{network_id}\" has no usable id or name")]
    Name {
        /// Which.
        network_id: String,
    },
}

impl Networks {
    /// Reads the settings.
    pub(crate) fn new(configs: &[NetworkConfig]) -> Result<Self, NetworksError> {
        let mut networks: Vec<Network> = Vec::new();
        for config in configs {
            let network_id = config.network_id.clone();
            let known = networks
                .iter()
                .any(|network| network.config.network_id == network_id);
            if known || !(1..=MAX_TEXT).contains(&network_id.len()) || config.name.len() > MAX_TEXT
            {
                return Err(NetworksError::Name { network_id });
            }
            let network = Network::new(config.clone());
            networks
                .push(network.map_err(|source| NetworksError::Identity { network_id, source })?);
        }
        Ok(Self(networks))
    }

    /// The network that a device chose.
    ///
    /// # Errors
    /// [`Cause::NotFound`].
    pub(crate) fn get(&self, network_id: &str) -> Result<&Network, Cause> {
        let found = self
            .0
            .iter()
            .find(|network| network.config.network_id == network_id);
        found.ok_or(Cause::NotFound)
    }

    /// The network that a device without subscription chose.
    ///
    /// # Errors
    /// [`Cause::NotFound`], or [`Cause::NotAuthorized`] where such devices are not let in.
    pub(crate) fn onboarding(&self, network_id: &str) -> Result<&Network, Cause> {
        let network = self.get(network_id)?;
        network
            .config
            .onboarding
            .then_some(network)
            .ok_or(Cause::NotAuthorized)
    }

    /// What devices hear.
    pub(crate) fn announced(&self) -> Vec<pb::Network> {
        let announced = self.0.iter().map(|network| pb::Network {
            network_id: network.config.network_id.clone(),
            plmn: network.plmn.as_str().to_owned(),
            nid: network.config.nid.clone().unwrap_or_default(),
            name: network.config.name.clone(),
            onboarding: network.config.onboarding,
            serving_network_name: network.serving_network_name.as_str().to_owned(),
        });
        announced.collect()
    }
}

impl Network {
    fn new(config: NetworkConfig) -> Result<Self, ParseIdentifierError> {
        let plmn = Plmn::new(&config.mcc, &config.mnc)?;
        let serving_network_name = match &config.nid {
            Some(nid) => ServingNetworkName::from_snpn(&plmn, &Nid::parse(nid)?),
            None => ServingNetworkName::from_plmn(&plmn),
        };
        Ok(Self {
            config,
            plmn,
            serving_network_name,
        })
    }
}

const MAX_TEXT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(network_id: &str, mnc: &str, nid: Option<&str>) -> NetworkConfig {
        NetworkConfig {
            network_id: network_id.to_owned(),
            mcc: "001".to_owned(),
            mnc: mnc.to_owned(),
            nid: nid.map(str::to_owned),
            name: "Laboratory".to_owned(),
            onboarding: false,
        }
    }

    #[test]
    fn serving_network_names_follow_from_the_settings() {
        let configs = [
            config("public", "01", None),
            config("private", "01", Some("000007ED9D5")),
        ];
        let networks = Networks::new(&configs).unwrap();
        let name = |id| {
            networks
                .get(id)
                .unwrap()
                .serving_network_name
                .as_str()
                .to_owned()
        };
        assert_eq!(name("public"), "5G:mnc001.mcc001.3gppnetwork.org");
        assert_eq!(
            name("private"),
            "5G:mnc001.mcc001.3gppnetwork.org:000007ED9D5"
        );
        assert_eq!(networks.get("else").err(), Some(Cause::NotFound));
        assert_eq!(
            networks.onboarding("public").err(),
            Some(Cause::NotAuthorized)
        );
    }

    #[test]
    fn malformed_settings_are_refused() {
        for configs in [
            vec![config("", "01", None)],
            vec![config("a", "1", None)],
            vec![config("a", "01", Some("7ed9d5"))],
            vec![config("a", "01", None), config("a", "02", None)],
        ] {
            assert!(Networks::new(&configs).is_err(), "{configs:?}");
        }
    }
}
