//! Devices of a laboratory, and what their memory holds.

use std::path::Path;

use data_encoding::BASE64;
use provisioning::profile::AuthenticationKeys;
use provisioning::{Profile, SecretPart};
use secret::{K, Opc};
use serde_json::Value;
use ue::{CertificatePresentation, Manufacture, NetworkChoice, SignUp, Ue};

/// Makes a device.
pub(crate) fn manufacture(folder: &Path, lab: &Path, certificate: CertificatePresentation) -> Ue {
    let options = Manufacture {
        certificate,
        ..Manufacture::default()
    };
    Ue::manufacture(folder, lab, &options).unwrap()
}

/// Makes a device and takes it through sign-up.
pub(crate) async fn onboarded(folder: &Path, lab: &Path) -> Ue {
    let mut device = manufacture(folder, lab, CertificatePresentation::Url);
    onboard(&mut device).await;
    device
}

/// Takes a device through sign-up.
pub(crate) async fn onboard(device: &mut Ue) {
    Box::pin(device.onboard(&NetworkChoice::Auto, &SignUp::Automatic, &mut |_| {}))
        .await
        .unwrap();
}

/// Makes a device and brings it into service.
pub(crate) async fn in_service(folder: &Path, lab: &Path) -> Ue {
    let mut device = onboarded(folder, lab).await;
    device.authenticate().await.unwrap();
    device
}

/// What a device keeps secret, read from its files.
pub(crate) struct Memory {
    pub(crate) profile: Profile,
    pub(crate) secret: SecretPart,
}

impl Memory {
    /// Reads the newest credential set.
    pub(crate) fn read(folder: &Path) -> Self {
        let slot = ["slot-a.json", "slot-b.json"]
            .iter()
            .filter_map(|name| json(&folder.join(name)))
            .max_by_key(|slot| slot["generation"].as_u64())
            .expect("the device has a profile");
        let octets = octets(&slot, "profile").unwrap();
        let (profile, secret) = Profile::decode_with_secret(&octets).unwrap();
        Self { profile, secret }
    }

    /// K and OPc.
    pub(crate) fn keys(&self) -> (&K, &Opc) {
        match &self.secret.keys {
            AuthenticationKeys::Milenage { k, opc } => (k, opc),
            AuthenticationKeys::Tuak { .. } => panic!("the laboratory mints MILENAGE keys"),
        }
    }
}

/// A file of a device; `None` if there is none.
pub(crate) fn json(file: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// A base64 member of a file of a device.
pub(crate) fn octets(value: &Value, name: &str) -> Option<Vec<u8>> {
    BASE64.decode(value.get(name)?.as_str()?.as_bytes()).ok()
}
