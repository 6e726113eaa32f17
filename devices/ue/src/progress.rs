//! What a running procedure tells whoever watches it.

use std::fmt;
use std::time::Duration;

use onboarding::NetworkProofLevel;

/// The parts of onboarding, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Start to Accept.
    OneWayAuthentication,
    /// The network's captive-portal API answered through the limited session.
    LimitedConnectivity,
    /// The forms of the portal are submitted, by the device or by somebody else.
    SignUp,
    /// The package is fetched, verified, installed and acknowledged.
    Profile,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::OneWayAuthentication,
        Self::LimitedConnectivity,
        Self::SignUp,
        Self::Profile,
    ];

    /// The name in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneWayAuthentication => "owa",
            Self::LimitedConnectivity => "limited",
            Self::SignUp => "sign-up",
            Self::Profile => "profile",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that onboarding tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A network was chosen.
    Network {
        /// Its id.
        network_id: String,
        /// Its name for people.
        name: String,
        /// How the network will have to prove itself.
        demanded_proof: NetworkProofLevel,
    },
    /// A phase begins.
    Began(Phase),
    /// A phase ended well.
    Finished {
        /// Which.
        phase: Phase,
        /// How long it took.
        took: Duration,
    },
    /// The code that the portal has to show too, six digits; another one means another device. Only where the
    /// network does not prove itself.
    MatchCode(String),
    /// The one-time link to open in a browser, good for a few minutes.
    PortalLink(String),
    /// The network has nothing to sign up for: the device was ordered before.
    AlreadyOrdered,
}
