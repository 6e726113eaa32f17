//! What the last successful authentication left.

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use super::directory::Record;

/// K_AUSF and what it was made under.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AuthenticationRecord {
    /// The credential set; under another one the key counts for nothing.
    pub(crate) credential_set_id: String,
    pub(crate) serving_network_name: String,
    /// Seconds since 1970, UTC.
    pub(crate) authenticated_at: u64,
    /// 32 octets, base64.
    #[serde(with = "super::slot::octets")]
    pub(crate) k_ausf: Vec<u8>,
}

impl Drop for AuthenticationRecord {
    fn drop(&mut self) {
        self.k_ausf.zeroize();
    }
}

impl Record for AuthenticationRecord {
    const FILE: &'static str = "authentication.json";
    const VERSION: u32 = 1;
}
