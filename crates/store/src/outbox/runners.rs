//! Who applies the messages of a function. Each process says that it is there; when one is not any more, the others
//! look for what it has left behind, instead of waiting for the next look.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use crate::error::Error;
use crate::lease::Lease;
use crate::store::Store;
use crate::update::random_below;

/// One process among those that apply messages of a function.
pub(super) struct Runner {
    store: Store,
    name: String,
    place: Option<Lease>,
    others: BTreeSet<String>,
}

impl Runner {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            name: format!("{:016x}", random_below(u64::MAX)),
            place: None,
            others: BTreeSet::new(),
        }
    }

    /// Says each second that this process is there, and notifies `gone` when another one is not any more.
    pub(super) async fn run(&mut self, gone: &Notify) {
        let mut ticks = interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match self.beat().await {
                Ok(true) => gone.notify_one(),
                Ok(false) => {}
                Err(error) => tracing::debug!(error = %error, "outbox cannot say that it runs"),
            }
        }
    }

    /// Lets the others know at once that this process leaves.
    pub(super) async fn leave(mut self) {
        if let Some(place) = self.place.take()
            && let Err(error) = self.store.release_lease(place).await
        {
            tracing::debug!(error = %error, "outbox cannot say that it ends");
        }
    }

    /// Answers whether one of the others has gone.
    async fn beat(&mut self) -> Result<bool, Error> {
        let tag = self.store.tag(TAG)?;
        let is_held = match &mut self.place {
            Some(place) => self.store.renew_lease(place).await?,
            None => false,
        };
        if !is_held {
            self.place = self.store.take_lease(&tag, &self.name, LIFETIME).await?;
        }
        let present: BTreeSet<_> = self.store.leases(&tag).await?.into_iter().collect();
        let has_gone = !self.others.is_subset(&present);
        self.others = present;
        self.others.remove(&self.name);
        Ok(has_gone)
    }
}

const TAG: &str = "outbox-runners";
const BEAT: Duration = Duration::from_secs(1);
/// How long a process that was killed is taken for alive.
const LIFETIME: Duration = Duration::from_secs(3);
