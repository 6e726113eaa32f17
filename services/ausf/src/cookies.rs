//! Cookie keys that all replicas share: one a day, derived from a sealed secret.

use aws_lc_rs::hmac;
use nf_runtime::random::Random;
use onboarding::CookieKey;
use secret::{SealingKey, SecretBytes};
use store::{Binding, Class, Sealer, Store, Stored, Update};

use crate::error::StateError;
use crate::records::CookieSecretRecord;

const SECONDS_A_DAY: u64 = 86_400;

/// Where cookie keys come from.
#[derive(Clone)]
pub struct Cookies {
    secret: SealingKey,
}

impl Cookies {
    /// Opens the shared secret, making it at the first time.
    ///
    /// # Errors
    /// [`StateError`]
    pub async fn open(store: &Store, sealer: &Sealer, random: &Random) -> Result<Self, StateError> {
        let binding = Binding::new("cookie-secret");
        let fresh = CookieSecretRecord {
            sealed: sealer.seal(&random.array::<32>(), &binding)?,
        };
        let tag = store.tag("cookies").map_err(store::Error::from)?;
        let kept = store
            .update(
                &tag,
                Class::Record,
                |found: Option<&Stored<CookieSecretRecord>>| {
                    Ok::<_, store::Error>(if found.is_some() {
                        Update::Keep
                    } else {
                        Update::Put(fresh.clone())
                    })
                },
            )
            .await?;
        let sealed = kept.map_or(fresh, |kept| kept.record).sealed;
        let secret = SealingKey::try_from_slice(sealer.unseal(&sealed, &binding)?.expose())
            .map_err(|_| store::Error::Corrupt {
                kind: "cookie-secret",
            })?;
        Ok(Self { secret })
    }

    /// The key of this day and that of the day before.
    pub fn keys(&self, now_seconds: u64) -> (CookieKey, CookieKey) {
        let day = now_seconds / SECONDS_A_DAY;
        (self.of_day(day), self.of_day(day.saturating_sub(1)))
    }

    fn of_day(&self, day: u64) -> CookieKey {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose());
        let tag = hmac::sign(&key, &day.to_be_bytes());
        CookieKey::new(SecretBytes::new(tag.as_ref().to_vec()))
    }
}
