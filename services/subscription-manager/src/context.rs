//! What every procedure works with.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use identifiers::{DeviceId, OnboardingSession};
use nf_runtime::clock::Clock;
use nf_runtime::random::Random;
use secret::{OwaKey, SecretBytes};
use store::{Binding, SealError, Sealer, Store, Tag};

use crate::ports::{ConfigurationManagement, Vault};

/// What every procedure works with. Clones share everything.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) sealer: Sealer,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) configuration_management: Arc<dyn ConfigurationManagement>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) settings: Arc<Settings>,
}

/// Settings as procedures use them, addresses resolved.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Without a slash at the end.
    pub(crate) portal_url: String,
    pub(crate) provisioning_uri: String,
    /// `host:port`.
    pub(crate) provisioning_server: String,
    /// `host:port` each.
    pub(crate) allowed_targets: Vec<String>,
    pub(crate) operator_name: String,
    pub(crate) terms: String,
    pub(crate) dnn: String,
    pub(crate) quota_bytes: u64,
    pub(crate) session_lifetime: Duration,
    pub(crate) link_code_lifetime: Duration,
    pub(crate) package_lifetime: Duration,
}

impl Context {
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.unix_ms()
    }

    /// How long the row of a session is kept from the last change on, should nobody end it.
    pub(crate) fn keep_session(&self) -> Duration {
        self.settings
            .session_lifetime
            .saturating_add(KEEP_AFTER_END)
    }

    /// The tag that everything about a device lies at.
    pub(crate) fn device_tag(&self, device_id: &DeviceId) -> Result<Tag, store::Error> {
        Ok(self.store.tag(device_id.as_str())?)
    }

    /// The tag of something that is only known by its hash, such as a code.
    pub(crate) fn hashed_tag(&self, purpose: &str, octets: &[u8]) -> Result<Tag, store::Error> {
        let hash = HEXLOWER.encode(&cose::sha256(octets));
        Ok(self.store.tag(&format!("{purpose}-{hash}"))?)
    }

    /// The tag of an order for a device that is known by its label.
    pub(crate) fn label_tag(&self, manufacturer: &str, serial: &str) -> Result<Tag, store::Error> {
        let label = cose::cbor::array([cose::cbor::text(manufacturer), cose::cbor::text(serial)]);
        self.hashed_tag(LABEL, label.as_slice())
    }

    /// Whether a tag is that of an order for a device that is known by its label.
    pub(crate) fn is_label(&self, tag: &Tag) -> bool {
        let purpose = tag.entity().split_once('-').map(|(purpose, _)| purpose);
        purpose == Some(LABEL)
    }

    pub(crate) fn seal_key(
        &self,
        purpose: &'static str,
        session: &OnboardingSession,
        key: &OwaKey,
    ) -> Result<Vec<u8>, SealError> {
        self.sealer.seal(
            key.expose(),
            &Binding::new(purpose).text(&session.base64url()),
        )
    }

    pub(crate) fn unseal_key(
        &self,
        purpose: &'static str,
        session: &OnboardingSession,
        sealed: &[u8],
    ) -> Result<OwaKey, SealError> {
        let octets = self
            .sealer
            .unseal(sealed, &Binding::new(purpose).text(&session.base64url()))?;
        OwaKey::try_from_slice(octets.expose()).map_err(|_| SealError::NotAuthentic)
    }

    /// Seals the claim secret of a label for a device or an order, whose id is given.
    pub(crate) fn seal_claim_secret(
        &self,
        holder: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        self.sealer
            .seal(secret, &Binding::new("claim-secret").text(holder))
    }

    pub(crate) fn unseal_claim_secret(
        &self,
        holder: &str,
        sealed: &[u8],
    ) -> Result<SecretBytes, SealError> {
        self.sealer
            .unseal(sealed, &Binding::new("claim-secret").text(holder))
    }
}

/// Purpose of hashed tags.
const LABEL: &str = "label";

/// Purposes of sealed keys.
pub(crate) const PDP_DTLS: &str = "pdp-dtls";
pub(crate) const PACKAGE: &str = "package";

/// How long it is remembered that a session has ended.
pub(crate) const KEEP_AFTER_END: Duration = Duration::from_secs(3600);
