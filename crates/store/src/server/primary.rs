//! Which server is the primary: the one of the address, or the one that the Sentinels name.

use std::path::Path;
use std::time::Duration;

use redis::{Client, ConnectionInfo};
use tokio::sync::watch;
use tokio::time::sleep;

use super::connect::{self, User};
use super::sentinels::{Place, Sentinels};
use crate::config::StoreConfig;
use crate::open::OpenError;

/// Shared by all connections of a store, so that they follow the primary together.
pub(super) struct Primary {
    config: StoreConfig,
    way: Way,
    /// Where the primary was last found, by Sentinels.
    place: watch::Sender<Option<Place>>,
}

enum Way {
    Fixed(Box<ConnectionInfo>),
    Named(Sentinels),
}

/// How often the Sentinels are asked, beside each time that a connection is lost: a primary that was cut off from
/// them may still hold our connections.
const ASK_EVERY: Duration = Duration::from_secs(1);

impl Primary {
    pub(super) fn new(config: &StoreConfig) -> Result<Self, OpenError> {
        let way = if config.sentinels.is_empty() {
            if config.primary_name.is_some() {
                return Err(OpenError::Config("primary_name needs sentinels"));
            }
            Way::Fixed(Box::new(connect::address(config)?))
        } else {
            Way::Named(Sentinels::new(config)?)
        };
        Ok(Self {
            config: config.clone(),
            way,
            place: watch::Sender::new(None),
        })
    }

    /// The way to the primary as of now, and where it was found. The name of its host is resolved when it is
    /// connected to.
    pub(super) async fn find(&self) -> Result<(Client, Option<Place>), OpenError> {
        let (address, place) = match &self.way {
            Way::Fixed(address) => (ConnectionInfo::clone(address), None),
            Way::Named(sentinels) => {
                let place = sentinels.ask(&self.config).await?;
                let address = sentinels.address(&place)?;
                self.moved_to(&place);
                (address, Some(place))
            }
        };
        let user = User {
            name: self.config.username.as_deref(),
            password_file: self.config.password_file.as_deref(),
        };
        let client = connect::client(
            address,
            &user,
            self.config.ca_file.as_deref().map(Path::new),
        );
        Ok((client?, place))
    }

    /// Tells of each move of the primary.
    pub(super) fn places(&self) -> watch::Receiver<Option<Place>> {
        self.place.subscribe()
    }

    /// Asks the Sentinels again and again. Does nothing without them.
    pub(super) async fn follow(&self) {
        let Way::Named(sentinels) = &self.way else {
            return;
        };
        loop {
            sleep(ASK_EVERY).await;
            match sentinels.ask(&self.config).await {
                Ok(place) => self.moved_to(&place),
                Err(error) => {
                    tracing::debug!(error = %error, "the store's sentinels do not answer")
                }
            }
        }
    }

    fn moved_to(&self, place: &Place) {
        self.place.send_if_modified(|known| {
            let has_moved = known.as_ref() != Some(place);
            if has_moved {
                if known.is_some() {
                    tracing::info!(primary = %place, "the store has another primary");
                }
                *known = Some(place.clone());
            }
            has_moved
        });
    }
}
