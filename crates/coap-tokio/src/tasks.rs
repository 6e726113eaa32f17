//! Where tasks belong.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tracker that all tasks of a server or client are spawned through, and the token that ends them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// Knows every task, so that shutdown can wait for them.
    pub tracker: TaskTracker,
    /// Cancelled when work has to end.
    pub token: CancellationToken,
}

impl Tasks {
    /// Tasks of this tracker, until this token is cancelled.
    pub const fn new(tracker: TaskTracker, token: CancellationToken) -> Self {
        Self { tracker, token }
    }
}
