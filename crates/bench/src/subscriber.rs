//! Subscribers: devices that were onboarded for real, then driven by the vocabulary crates alone.

use std::fs;
use std::path::Path;

use ::aka::{SqnArray, Usim};
use akma::{AKidFormat, AfId, a_tid, k_af, k_akma};
use anyhow::{Context as _, Result, bail};
use data_encoding::BASE64;
use dtls::CipherSuite;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use identifiers::{AKid, Fqdn, ServingNetworkName, UaStarId, UeServiceId};
use key_hierarchy::ecies::{HomeNetworkPublicKey, Profile as EciesProfile};
use key_hierarchy::suci::{Home, conceal};
use nf_runtime::random::Random;
use provisioning::profile::AuthenticationKeys;
use provisioning::{Profile, SecretPart};
use secret::{KAf, KAusf, PrivateKey};
use serde::Deserialize;
use ue::{CertificatePresentation, Manufacture, NetworkChoice, SignUp, Ue};

use crate::lab::Lab;

/// Devices that onboard at a time.
const TOGETHER: usize = 8;
const SUITE: CipherSuite = CipherSuite::PskAes128Ccm8;

/// A subscriber with an active credential set.
pub(crate) struct Subscriber {
    pub(crate) usim: Usim,
    pub(crate) serving_network: ServingNetworkName,
    profile: Profile,
    secret: SecretPart,
    home_network_key: (u8, HomeNetworkPublicKey),
    random: Random,
}

/// The key of the MSGin5G Server, derived at the UE.
#[derive(Clone)]
pub(crate) struct ApplicationKey {
    pub(crate) a_kid: AKid,
    pub(crate) af: Fqdn,
    pub(crate) ua_star_id: UaStarId,
    pub(crate) suite: CipherSuite,
    pub(crate) k_af: KAf,
}

/// Takes devices from the factory through onboarding and a first authentication.
pub(crate) async fn onboard(lab: &Lab, count: usize) -> Result<Vec<Subscriber>> {
    let folder = lab.devices();
    fs::create_dir(&folder)?;
    let devices = (0..count).map(|number| onboard_one(lab, folder.join(number.to_string())));
    stream::iter(devices)
        .buffer_unordered(TOGETHER)
        .try_collect()
        .await
        .context("the devices are not onboarded")
}

async fn onboard_one(lab: &Lab, folder: impl AsRef<Path> + Send) -> Result<Subscriber> {
    let inline = Manufacture {
        certificate: CertificatePresentation::Inline,
        ..Manufacture::default()
    };
    let mut device = Ue::manufacture(folder.as_ref(), &lab.endpoints.lab_dir, &inline)?;
    device
        .onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut |_| {})
        .await?;
    let authenticated = device.authenticate().await?;
    Subscriber::read(folder.as_ref(), authenticated.serving_network_name)
}

impl Subscriber {
    /// Reads the credential set from the only slot of a device in service.
    fn read(folder: &Path, serving_network: ServingNetworkName) -> Result<Self> {
        #[derive(Deserialize)]
        struct Slot {
            profile: String,
        }
        let file = ["slot-a.json", "slot-b.json"]
            .map(|name| folder.join(name))
            .into_iter()
            .find(|file| file.exists());
        let slot: Slot = serde_json::from_str(&fs::read_to_string(
            file.context("the device has no profile")?,
        )?)?;
        let (profile, secret) =
            Profile::decode_with_secret(&BASE64.decode(slot.profile.as_bytes())?)?;
        let AuthenticationKeys::Milenage { k, opc } = &secret.keys else {
            bail!("the profile is not for MILENAGE");
        };
        let key = profile
            .access
            .suci_keys
            .first()
            .context("the profile has a home network key")?;
        let scheme = EciesProfile::of_scheme(key.scheme).context("the home network conceals")?;
        let public = HomeNetworkPublicKey::new(scheme, key.public.as_deref().unwrap_or_default())?;
        Ok(Self {
            usim: Usim::new(k, opc, SqnArray::default()),
            serving_network,
            home_network_key: (key.id, public),
            profile,
            secret,
            random: Random::system(),
        })
    }

    /// A fresh SUCI, concealed with the home network's preferred key.
    pub(crate) fn suci(&self) -> Result<String> {
        let access = &self.profile.access;
        let home = Home {
            plmn: &access.home,
            routing_indicator: &access.routing_indicator,
        };
        let (id, key) = &self.home_network_key;
        let suci = conceal(
            &self.secret.supi,
            home,
            *id,
            key,
            &PrivateKey::new(self.random.array()),
        )?;
        Ok(suci.to_text())
    }

    /// The SUPI as the network answers it.
    pub(crate) fn supi(&self) -> &str {
        self.secret.supi.as_text()
    }

    /// The key that follows from an authentication.
    pub(crate) fn application_key(&self, k_ausf: &KAusf) -> Result<ApplicationKey> {
        let supi = self.secret.supi.kdf_form();
        let access = &self.profile.access;
        let af = self
            .profile
            .applications
            .akma_afs
            .first()
            .context("the profile lists the MSGin5G Server")?;
        let ua_star_id = UaStarId::tls12(SUITE.number());
        let a_kid = AKidFormat::default().a_kid(
            &access.routing_indicator,
            &a_tid(k_ausf, &supi),
            &access.home,
        )?;
        Ok(ApplicationKey {
            k_af: k_af(
                &k_akma(k_ausf, &supi),
                &AfId {
                    fqdn: af.clone(),
                    ua_star_id,
                },
            ),
            a_kid,
            af: af.clone(),
            ua_star_id,
            suite: SUITE,
        })
    }

    /// Its name in the MSGin5G service.
    pub(crate) fn ue_service_id(&self) -> Result<UeServiceId> {
        let service = self.profile.applications.msgin5g.as_ref();
        Ok(service
            .context("the profile has the MSGin5G service")?
            .ue_service_id
            .clone())
    }
}
