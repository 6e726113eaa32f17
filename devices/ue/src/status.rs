//! What the device is, without asking any network.

use std::fmt;

use cose::KeyId;
use identifiers::{DeviceId, Gpsi, Plmn, Supi, UeServiceId};

use crate::agent::device;
use crate::credentials::Credentials;
use crate::error::{NotReady, UeError};
use crate::state::{AuthenticationRecord, Directory, Inbox, SlotState};

/// How far the device has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has its factory key and nothing else.
    Bare,
    /// A profile is installed and has not been used.
    Installed,
    /// It has authenticated; the network's commit is still to come.
    Proven,
    /// It is a subscriber.
    Active,
}

impl State {
    /// The name in machine-readable output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Installed => "installed",
            Self::Proven => "proven",
            Self::Active => "active",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Serial number of the certificate.
    pub serial: String,
    /// The device.
    pub device_id: DeviceId,
    /// How far it has come.
    pub state: State,
    /// What the current profile gives, if there is one.
    pub subscription: Option<Subscription>,
    /// When the device last authenticated under that profile, in seconds since 1970, UTC.
    pub authenticated_at: Option<u64>,
    /// Messages that wait to be read.
    pub unread: usize,
}

/// What the current profile gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The subscriber.
    pub supi: Supi,
    /// Its public identifier.
    pub gpsi: Option<Gpsi>,
    /// Its name in the MSGin5G service.
    pub ue_service_id: Option<UeServiceId>,
    /// The subscription.
    pub subscription_id: String,
    /// The credential set.
    pub credential_set_id: String,
    /// Its number.
    pub credential_epoch: u64,
    /// The operator's name.
    pub operator: String,
    /// The home network.
    pub home_network: Plmn,
    /// The pinned root of the operator.
    pub root: KeyId,
}

pub(crate) fn status(directory: &Directory) -> Result<Status, UeError> {
    let device = device(directory)?;
    let current = match Credentials::current(directory) {
        Ok(current) => Some(current),
        Err(UeError::NotReady(NotReady::NoProfile)) => None,
        Err(error) => return Err(error),
    };
    let record = directory.read::<AuthenticationRecord>()?;
    let authenticated_at = record.zip(current.as_ref()).and_then(|(record, set)| {
        let same = record.credential_set_id == set.profile.credential_set_id.as_str();
        same.then_some(record.authenticated_at)
    });
    let state = current
        .as_ref()
        .map_or(State::Bare, |set| match set.slot.state {
            SlotState::Installed => State::Installed,
            SlotState::Proven => State::Proven,
            SlotState::Active => State::Active,
        });
    Ok(Status {
        device_id: crate::agent::device_id(&device)?,
        serial: device.serial,
        state,
        subscription: current.as_ref().map(subscription),
        authenticated_at,
        unread: Inbox::open(directory)?.len()?,
    })
}

fn subscription(set: &Credentials) -> Subscription {
    let profile = &set.profile;
    let messaging = profile.applications.msgin5g.as_ref();
    Subscription {
        supi: set.supi().clone(),
        gpsi: profile.service.gpsis.first().cloned(),
        ue_service_id: messaging.map(|messaging| messaging.ue_service_id.clone()),
        subscription_id: profile.subscription_id.as_str().to_owned(),
        credential_set_id: profile.credential_set_id.as_str().to_owned(),
        credential_epoch: profile.credential_epoch,
        operator: profile.management.operator.name.clone(),
        home_network: profile.access.home.clone(),
        root: profile.management.pin.root,
    }
}
