//! What the steps of 5G AKA share.

use std::sync::Arc;
use std::time::Duration;

use akma::AKidFormat;
use data_encoding::BASE32_NOPAD;
use nf_runtime::random::Random;
use secret::{KAusf, SecretBytes, XresStar};
use store::{Binding, Outbox, Sealer, Store, Tag};

use crate::error::StateError;
use crate::networks::Networks;
use crate::ports::Vault;

/// Everything that 5G AKA works with.
#[derive(Clone)]
pub struct Authentication {
    pub(crate) store: Store,
    pub(crate) sealer: Sealer,
    pub(crate) outbox: Outbox,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) random: Random,
    pub(crate) networks: Networks,
    pub(crate) a_kid_format: AKidFormat,
    pub(crate) context_lifetime: Duration,
    pub(crate) anchor_key_wait: Duration,
}

/// Topics of the outbox.
pub(crate) const ANCHOR_KEY: &str = "anchor-key";
pub(crate) const ACTIVATION: &str = "activation";

impl Authentication {
    /// A new id of an authentication context: 160 random bits, nothing of the subscriber.
    pub(crate) fn new_context_id(&self) -> String {
        BASE32_NOPAD
            .encode(&self.random.array::<20>())
            .to_ascii_lowercase()
    }

    pub(crate) fn context_tag(&self, auth_ctx_id: &str) -> Result<Tag, store::Error> {
        Ok(self.store.tag(auth_ctx_id)?)
    }

    pub(crate) fn seal_context(
        &self,
        auth_ctx_id: &str,
        xres_star: &XresStar,
        k_ausf: &KAusf,
    ) -> Result<Vec<u8>, StateError> {
        let both = SecretBytes::new([xres_star.expose().as_slice(), k_ausf.expose()].concat());
        Ok(self
            .sealer
            .seal(both.expose(), &context_binding(auth_ctx_id))?)
    }

    pub(crate) fn unseal_context(
        &self,
        auth_ctx_id: &str,
        sealed: &[u8],
    ) -> Result<(XresStar, KAusf), StateError> {
        let both = self.sealer.unseal(sealed, &context_binding(auth_ctx_id))?;
        let damaged = || store::Error::Corrupt {
            kind: "aka-context",
        };
        let (xres_star, k_ausf) = both
            .expose()
            .split_at_checked(XresStar::LEN)
            .ok_or_else(damaged)?;
        Ok((
            XresStar::try_from_slice(xres_star).map_err(|_| damaged())?,
            KAusf::try_from_slice(k_ausf).map_err(|_| damaged())?,
        ))
    }
}

fn context_binding(auth_ctx_id: &str) -> Binding {
    Binding::new("aka-context").text(auth_ctx_id)
}

pub(crate) fn anchor_key_binding(supi: &str, authentication_epoch: u64) -> Binding {
    Binding::new("anchor-key-task")
        .text(supi)
        .number(authentication_epoch)
}
