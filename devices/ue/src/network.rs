//! The networks that the radio hears, and the choice among them.

use std::time::Duration;

use cause::Cause;
use identifiers::{Nid, Plmn, ServingNetworkName};
use nf_api::pb::access_gateway::{DiscoveryRequest, Network as Announced};

use crate::error::UeError;
use crate::n1::{Downlink, N1, Uplink};

/// A network as it announces itself; nothing of it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// How the device names its choice.
    pub network_id: String,
    /// Its name for people.
    pub name: String,
    /// Its PLMN.
    pub plmn: Plmn,
    /// With it, a stand-alone non-public network.
    pub nid: Option<Nid>,
    /// Whether it takes devices without subscription.
    pub onboarding: bool,
    /// The name that enters every key; made from PLMN and NID here, not taken from the network.
    pub serving_network_name: ServingNetworkName,
}

/// Which network to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NetworkChoice {
    /// The device's policy: the first that takes devices without subscription.
    #[default]
    Auto,
    /// The one with this id.
    Id(String),
}

impl Network {
    /// Reads an announcement; `None` if its parts contradict each other.
    fn read(announced: Announced) -> Option<Self> {
        let plmn = Plmn::parse(&announced.plmn).ok()?;
        let nid = match announced.nid.as_str() {
            "" => None,
            nid => Some(Nid::parse(nid).ok()?),
        };
        let serving_network_name = match &nid {
            Some(nid) => ServingNetworkName::from_snpn(&plmn, nid),
            None => ServingNetworkName::from_plmn(&plmn),
        };
        let consistent = serving_network_name.as_str() == announced.serving_network_name;
        let presentable =
            |text: &str| text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
        let usable = presentable(&announced.network_id) && presentable(&announced.name);
        (consistent && usable).then_some(Self {
            network_id: announced.network_id,
            name: announced.name,
            plmn,
            nid,
            onboarding: announced.onboarding,
            serving_network_name,
        })
    }
}

/// Asks what networks there are.
pub(crate) async fn discover(n1: &mut N1) -> Result<Vec<Network>, UeError> {
    let asked = n1.ask(OPERATION, Uplink::Discovery(DiscoveryRequest {}), LIMIT);
    let Downlink::Discovery(answer) = asked.await? else {
        return Err(UeError::untrusted(OPERATION, Cause::MalformedMessage));
    };
    let announced = answer.networks.into_iter().take(MAX_NETWORKS);
    Ok(announced.filter_map(Network::read).collect())
}

/// Picks the network to onboard at.
pub(crate) fn choose(networks: Vec<Network>, choice: &NetworkChoice) -> Result<Network, UeError> {
    let suits = |network: &Network| match choice {
        NetworkChoice::Auto => network.onboarding,
        NetworkChoice::Id(id) => network.network_id == *id,
    };
    let found = networks.into_iter().find(suits);
    found.ok_or(UeError::refused("choose a network", Cause::NotFound))
}

/// Picks the network to register at: the home network if it is there, otherwise an equivalent one.
pub(crate) fn choose_home(
    networks: Vec<Network>,
    home: &[Plmn],
    snpn: Option<&(Plmn, Nid)>,
) -> Result<Network, UeError> {
    let rank = |network: &Network| match (snpn, &network.nid) {
        (Some((plmn, nid)), Some(heard)) if *plmn == network.plmn && nid == heard => Some(0),
        (_, Some(_)) => None,
        (_, None) => home
            .iter()
            .position(|plmn| *plmn == network.plmn)
            .map(|at| at + 1),
    };
    networks
        .into_iter()
        .filter_map(|network| Some((rank(&network)?, network)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, network)| network)
        .ok_or(UeError::refused("choose a network", Cause::NotFound))
}

const OPERATION: &str = "discover networks";
const LIMIT: Duration = Duration::from_secs(5);
const MAX_NETWORKS: usize = 64;
const MAX_TEXT: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(id: &str, plmn: &str, nid: &str, snn: &str, onboarding: bool) -> Announced {
        Announced {
            network_id: id.to_owned(),
            plmn: plmn.to_owned(),
            nid: nid.to_owned(),
            name: id.to_owned(),
            onboarding,
            serving_network_name: snn.to_owned(),
        }
    }

    const PUBLIC: &str = "5G:mnc001.mcc001.3gppnetwork.org";
    const PRIVATE: &str = "5G:mnc001.mcc001.3gppnetwork.org:000007ED9D5";

    #[test]
    fn announcements_whose_parts_contradict_each_other_are_passed_over() {
        for (plmn, nid, snn) in [
            ("00101", "", PRIVATE),
            ("00101", "000007ED9D5", PUBLIC),
            ("00102", "", PUBLIC),
            ("0010", "", PUBLIC),
            ("00101", "short", PUBLIC),
            ("00101", "", ""),
        ] {
            assert_eq!(Network::read(announced("x", plmn, nid, snn, true)), None);
        }
        assert!(Network::read(announced("x", "00101", "", PUBLIC, true)).is_some());
        assert!(Network::read(announced("x\u{1b}[2J", "00101", "", PUBLIC, true)).is_none());
    }

    #[test]
    fn auto_takes_the_first_network_that_onboards_and_an_id_takes_that_one() {
        let networks: Vec<_> = [
            announced("public", "00101", "", PUBLIC, false),
            announced("private", "00101", "000007ED9D5", PRIVATE, true),
        ]
        .into_iter()
        .filter_map(Network::read)
        .collect();
        let chosen = |choice| choose(networks.clone(), &choice).map(|network| network.network_id);
        assert_eq!(chosen(NetworkChoice::Auto).unwrap(), "private");
        assert_eq!(
            chosen(NetworkChoice::Id("public".into())).unwrap(),
            "public"
        );
        assert_eq!(
            chosen(NetworkChoice::Id("else".into()))
                .unwrap_err()
                .cause(),
            Cause::NotFound
        );
    }

    #[test]
    fn home_comes_before_its_equivalents() {
        let networks: Vec<_> = [
            announced(
                "other",
                "00102",
                "",
                "5G:mnc002.mcc001.3gppnetwork.org",
                true,
            ),
            announced("home", "00101", "", PUBLIC, false),
        ]
        .into_iter()
        .filter_map(Network::read)
        .collect();
        let home = [Plmn::parse("00101").unwrap(), Plmn::parse("00102").unwrap()];
        let chosen = choose_home(networks, &home, None).unwrap();
        assert_eq!(chosen.network_id, "home");
    }
}
