//! What a delivery under way has to hear of.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Tells a delivery under way of what happened since it began.
#[derive(Default)]
pub(crate) struct Attention {
    asked: Mutex<Asked>,
    /// The registration of the recipient changed.
    pub(crate) moved: watch::Sender<()>,
}

/// Why a delivery shall look again.
#[derive(Default)]
pub(crate) struct Asked {
    /// The recipient showed itself.
    again: bool,
    /// The newest message that somebody spoke of.
    newest: Option<String>,
}

impl Attention {
    /// Asks for another look: at the message of this name if it was not seen yet, without a name in any case.
    pub(crate) fn ask(&self, name: Option<&str>) {
        let mut asked = self.locked();
        match name {
            Some(name) if asked.newest.as_deref() < Some(name) => {
                asked.newest = Some(name.to_owned());
            }
            Some(_) => {}
            None => asked.again = true,
        }
    }

    /// Takes what was asked before a look; answers the newest message that it will have seen.
    pub(crate) fn take(&self) -> Option<String> {
        std::mem::take(&mut *self.locked()).newest
    }

    /// Whether another look is needed.
    pub(crate) fn is_asked(&self, is_unseen: impl Fn(&str) -> bool) -> bool {
        let asked = self.locked();
        asked.again || asked.newest.as_deref().is_some_and(is_unseen)
    }

    fn locked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
