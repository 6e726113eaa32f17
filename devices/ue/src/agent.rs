//! The device as its user sees it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use coap_tokio::Tasks;
use dtls::CipherSuite;
use identifiers::{DeviceId, Fqdn};

use crate::akma::{Anchor, ApplicationKey};
use crate::authenticate::{Authenticated, authenticate};
use crate::error::UeError;
use crate::manufacture::{Manufacture, manufacture};
use crate::messaging::{RegisteredUe, deregister, register};
use crate::n1::N1;
use crate::network::{Network, NetworkChoice, discover};
use crate::onboard::{Onboarded, SignUp, deliver_pending_receipt, onboard};
use crate::progress::Progress;
use crate::state::{
    AuthenticationRecord, DeviceRecord, Directory, Inbox, Lock, Record as _, Slot, SlotName,
    StateError,
};
use crate::status::{Status, status};

/// One device; its whole memory is a directory.
///
/// The value holds nothing that the directory does not: it can be dropped at any moment and opened again.
#[derive(Debug)]
pub struct Ue {
    directory: Directory,
    tasks: Tasks,
}

impl Ue {
    /// Makes a device in the directory `state` as a factory does, from the laboratory folder `lab`, and
    /// puts its certificate where the manufacturer's server finds it.
    ///
    /// # Errors
    /// [`UeError::State`] if there is a device already, or the laboratory folder lacks something;
    /// [`UeError::Input`] for an impossible serial number.
    pub fn manufacture(state: &Path, lab: &Path, options: &Manufacture) -> Result<Self, UeError> {
        manufacture(state, lab, options).map(Self::new)
    }

    /// Takes up the device in a directory.
    ///
    /// # Errors
    /// [`UeError::State`] if there is none, or its files are damaged or of a newer version.
    pub fn open(state: &Path) -> Result<Self, UeError> {
        let directory = Directory::open(state);
        device(&directory)?;
        Ok(Self::new(directory))
    }

    fn new(directory: Directory) -> Self {
        Self {
            directory,
            tasks: Tasks::default(),
        }
    }

    /// The directory.
    #[must_use]
    pub fn state_directory(&self) -> &Path {
        self.directory.path()
    }

    /// What the device is, without asking any network.
    ///
    /// # Errors
    /// [`UeError::State`].
    pub fn status(&self) -> Result<Status, UeError> {
        status(&self.directory)
    }

    /// The secret that the label shows, in base32, if the label has one.
    ///
    /// # Errors
    /// [`UeError::State`].
    pub fn claim_secret(&self) -> Result<Option<String>, UeError> {
        Ok(device(&self.directory)?.label.claim_secret.clone())
    }

    /// Whether nobody can read anything on the device.
    ///
    /// # Errors
    /// [`UeError::State`].
    pub fn is_headless(&self) -> Result<bool, UeError> {
        Ok(device(&self.directory)?.headless)
    }

    /// Lists the networks that the radio hears.
    ///
    /// # Errors
    /// [`UeError::Unreachable`] or [`UeError::TimedOut`].
    pub async fn discover(&self) -> Result<Vec<Network>, UeError> {
        let device = device(&self.directory)?;
        let mut n1 = N1::connect(&device.access_gateway).await?;
        discover(&mut n1).await
    }

    /// Gets a profile: one-way authentication, limited connectivity, sign-up, installation.
    ///
    /// `progress` hears of each phase with its duration, and of what a person has to see: the match code
    /// and the portal's link. The profile lies in the free slot afterwards; the credential set that is
    /// in use stays until [`Self::authenticate`] has proven the new one.
    ///
    /// Dropping the future, or killing the process, leaves the device as it was, or installed.
    ///
    /// # Errors
    /// [`UeError::Refused`] with the network's cause, [`UeError::Untrusted`] if a proof, the package or
    /// its keys do not hold, [`UeError::PersonNeeded`] if the forms cannot be filled in by themselves.
    pub async fn onboard(
        &mut self,
        network: &NetworkChoice,
        sign_up: &SignUp,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Onboarded, UeError> {
        let _lock = self.lock()?;
        onboard(&self.directory, &self.tasks, network, sign_up, progress).await
    }

    /// Delivers a receipt that a crash held back, if its limited session still lives. Tells whether the
    /// network has acknowledged one.
    ///
    /// The command does so before [`Self::onboard`], which may put another profile in its place. Before
    /// [`Self::authenticate`] there is no need: the authentication proves more than the receipt says.
    ///
    /// # Errors
    /// [`UeError::State`].
    pub async fn deliver_receipt(&mut self) -> Result<bool, UeError> {
        let _lock = self.lock()?;
        deliver_pending_receipt(&self.directory, &self.tasks).await
    }

    /// Runs 5G AKA with the newest credential set; its first success makes that set the active one, and
    /// the network's signed commit ends the older one.
    ///
    /// # Errors
    /// [`UeError::NotReady`] without a profile, [`UeError::Refused`] with the network's cause,
    /// [`UeError::Untrusted`] for a challenge that the home network did not make or a commit of something
    /// else than what is installed.
    pub async fn authenticate(&mut self) -> Result<Authenticated, UeError> {
        let _lock = self.lock()?;
        authenticate(&self.directory).await
    }

    /// Derives A-KID and K_AF for an application function; `None` is the MSGin5G server of the profile.
    ///
    /// # Errors
    /// [`UeError::NotReady`] before the first authentication.
    pub fn akma(&self, af: Option<&Fqdn>, suite: CipherSuite) -> Result<ApplicationKey, UeError> {
        Anchor::load(&self.directory)?.application_key(af, suite)
    }

    /// Connects to the MSGin5G server with an AKMA key and registers. An A-KID that is not known yet
    /// right after the authentication is tried again with growing pauses.
    ///
    /// # Errors
    /// [`UeError::NotReady`] before the first authentication; [`UeError::Refused`] with `UNKNOWN_A_KID`
    /// if the network does not know the key, or with the server's cause.
    pub async fn register(&self) -> Result<RegisteredUe, UeError> {
        register(&self.directory).await
    }

    /// Ends the registration, also one that another run has made.
    ///
    /// # Errors
    /// As [`Self::register`].
    pub async fn deregister(&self) -> Result<(), UeError> {
        deregister(&self.directory).await
    }

    /// Factory reset: forgets profile, keys and messages, and keeps what the factory put in.
    ///
    /// # Errors
    /// [`UeError::State`].
    pub fn reset(&mut self) -> Result<(), UeError> {
        let _lock = self.lock()?;
        // The key first: what is left after a crash must not look authenticated.
        self.directory.remove(AuthenticationRecord::FILE)?;
        Slot::erase(&self.directory, SlotName::A)?;
        Slot::erase(&self.directory, SlotName::B)?;
        Ok(Inbox::open(&self.directory)?.clear()?)
    }

    fn lock(&self) -> Result<Lock, StateError> {
        self.directory.lock()
    }
}

/// What the factory put in.
pub(crate) fn device(directory: &Directory) -> Result<DeviceRecord, UeError> {
    let no_device = || StateError::NoDevice {
        path: directory.path().to_owned(),
    };
    Ok(directory.read()?.ok_or_else(no_device)?)
}

pub(crate) fn device_id(device: &DeviceRecord) -> Result<DeviceId, UeError> {
    DeviceId::parse(&device.device_id).map_err(|_| {
        let path = PathBuf::from(DeviceRecord::FILE);
        StateError::Damaged { path }.into()
    })
}

/// The device's clock, in seconds since 1970, UTC.
pub(crate) fn unix_seconds() -> u64 {
    unix_ms() / 1000
}

/// The device's clock, in milliseconds since 1970, UTC.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
