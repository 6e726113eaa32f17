//! A credential set, read out of its slot.

use aka::{SqnArray, Usim};
use identifiers::{Plmn, Supi};
use key_hierarchy::ecies::{HomeNetworkPublicKey, Profile as EciesProfile};
use key_hierarchy::suci::{Home, conceal, conceal_null};
use provisioning::profile::AuthenticationKeys;
use provisioning::{Profile, SecretPart, VerifiedKeyset};

use identifiers::{ProtectionScheme, Suci};

use crate::error::{NotReady, UeError};
use crate::random;
use crate::state::{Directory, Slot, SlotName, SlotState, StateError};

/// What a slot holds, decoded.
pub(crate) struct Credentials {
    pub(crate) name: SlotName,
    pub(crate) slot: Slot,
    pub(crate) profile: Profile,
    pub(crate) secret: SecretPart,
}

impl Credentials {
    /// Every usable credential set, the newest first.
    pub(crate) fn all(directory: &Directory) -> Result<Vec<Self>, UeError> {
        let slots = Slot::all(directory)?.into_iter();
        slots
            .map(|(name, slot)| Self::read(directory, name, slot))
            .collect()
    }

    /// The one in a slot.
    pub(crate) fn of(directory: &Directory, name: SlotName) -> Result<Option<Self>, UeError> {
        let slot = Slot::read(directory, name)?;
        slot.map(|slot| Self::read(directory, name, slot))
            .transpose()
    }

    /// The one that the device uses now: the newest that has authenticated, or else the newest.
    pub(crate) fn current(directory: &Directory) -> Result<Self, UeError> {
        let mut all = Self::all(directory)?;
        let proven = all
            .iter()
            .position(|set| set.slot.state != SlotState::Installed);
        let at = proven.unwrap_or(0);
        if at < all.len() {
            Ok(all.swap_remove(at))
        } else {
            Err(UeError::NotReady(NotReady::NoProfile))
        }
    }

    /// The newest one that the network is known to hold too.
    pub(crate) fn proven(directory: &Directory) -> Result<Option<Self>, UeError> {
        let all = Self::all(directory)?.into_iter();
        Ok(all
            .filter(|set| set.slot.state != SlotState::Installed)
            .max_by_key(|set| set.slot.generation))
    }

    fn read(directory: &Directory, name: SlotName, slot: Slot) -> Result<Self, UeError> {
        let decoded = Profile::decode_with_secret(&slot.profile);
        let (profile, secret) = decoded.map_err(|_| StateError::Damaged {
            path: directory.path().to_owned(),
        })?;
        Ok(Self {
            name,
            slot,
            profile,
            secret,
        })
    }

    /// The operator's keyset; its signature was checked when it came and is checked again.
    pub(crate) fn keyset(&self) -> Result<VerifiedKeyset, UeError> {
        // Without a time: that the keyset was valid when it came is what counts here.
        VerifiedKeyset::verify(&self.slot.keyset, None)
            .map_err(|error| UeError::internal("read the keyset", error))
    }

    /// The networks that count as home, the home network first.
    pub(crate) fn home_networks(&self) -> Vec<Plmn> {
        let access = &self.profile.access;
        std::iter::once(&access.home)
            .chain(&access.equivalent)
            .cloned()
            .collect()
    }

    /// The USIM of the set.
    pub(crate) fn usim(&self) -> Result<Usim, UeError> {
        match &self.secret.keys {
            AuthenticationKeys::Milenage { k, opc } => Ok(Usim::new(k, opc, self.slot.sqn_array())),
            AuthenticationKeys::Tuak { .. } => Err(UeError::internal(
                "read the profile",
                "TUAK is not supported",
            )),
        }
    }

    /// A fresh SUCI: profile A if the home network has such a key, otherwise the first of its keys.
    pub(crate) fn suci(&self) -> Result<Suci, UeError> {
        let access = &self.profile.access;
        let home = Home {
            plmn: &access.home,
            routing_indicator: &access.routing_indicator,
        };
        let keys = &access.suci_keys;
        let preferred = keys
            .iter()
            .find(|key| key.scheme == ProtectionScheme::ProfileA);
        let failed = |error| UeError::internal("conceal the supi", error);
        let Some(key) = preferred.or_else(|| keys.first()) else {
            // The null scheme only where the home network says so: with a key of that scheme.
            return Err(UeError::internal(
                "conceal the supi",
                "profile has no home network key",
            ));
        };
        let Some(profile) = EciesProfile::of_scheme(key.scheme) else {
            return conceal_null(&self.secret.supi, home).map_err(failed);
        };
        let public = HomeNetworkPublicKey::new(profile, key.public.as_deref().unwrap_or_default())
            .map_err(|error| UeError::internal("conceal the supi", error))?;
        // A P-256 scalar out of range has a chance of one in 2^32.
        conceal(
            &self.secret.supi,
            home,
            key.id,
            &public,
            &random::private_key(),
        )
        .map_err(failed)
    }

    pub(crate) const fn supi(&self) -> &Supi {
        &self.secret.supi
    }

    /// Keeps the SQN array; it has to be on disk before the response leaves. TS 33.102 C.1.2.
    pub(crate) fn keep_sqn(
        &mut self,
        directory: &Directory,
        sqn: &SqnArray,
    ) -> Result<(), UeError> {
        self.slot.sqn = sqn.seq.to_vec();
        Ok(self.slot.write(directory, self.name)?)
    }

    /// Notes how far the set has come.
    pub(crate) fn keep_state(
        &mut self,
        directory: &Directory,
        state: SlotState,
    ) -> Result<(), UeError> {
        if self.slot.state == state {
            return Ok(());
        }
        self.slot.state = state;
        Ok(self.slot.write(directory, self.name)?)
    }
}
