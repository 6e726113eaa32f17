//! What an operator can set.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Where the state is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackendKind {
    /// In memory: gone when the process ends. For tests.
    #[default]
    Memory,
    /// In one file, used by one process.
    Redb,
    /// In a Redis or Valkey server, shared by all replicas of a function.
    Redis,
}

/// Configuration of one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// Where the state is kept: `memory`, `redb` or `redis`. Default `memory`.
    pub backend: BackendKind,
    /// The database file of `redb`. One process at a time can have it open.
    pub path: Option<PathBuf>,
    /// The server of `redis`: `rediss://host:port/db` with TLS, `redis://host:port/db` without (laboratory
    /// only), or `redis+unix:///path/to/socket`. No user name or password in it.
    pub url: Option<String>,
    /// Sentinels that know which server of `redis` is the primary, `host:port` each, instead of a `url`. They and the
    /// servers are spoken to with TLS; `redis://host:port` names a Sentinel without (laboratory only, and then the
    /// servers have none either). Default: none. Since 0.1.
    pub sentinels: Vec<String>,
    /// The name by which the Sentinels know the primary. Needed with `sentinels`. Since 0.1.
    pub primary_name: Option<String>,
    /// The ACL user at the Sentinels. Default: the default user. Since 0.1.
    pub sentinel_username: Option<String>,
    /// File that holds the password at the Sentinels, one line. Default: they want none. Since 0.1.
    pub sentinel_password_file: Option<PathBuf>,
    /// The ACL user of `redis`. Without one, the default user. Each function has its own in production.
    pub username: Option<String>,
    /// File that holds the password of `redis`, one line.
    pub password_file: Option<PathBuf>,
    /// File with the certificates (PEM) that may sign the server's certificate. Without one, the system's.
    pub ca_file: Option<PathBuf>,
    /// How many replicas must confirm a write of class record. Set it to the number of replicas that could be
    /// promoted; with fewer, a failover can lose acknowledged writes. Default 0: there are none.
    pub replicas: u16,
    /// How long to wait for the replicas before the outcome is called unknown. Default `"500ms"`.
    #[serde(with = "humantime_serde")]
    pub wait_timeout: Duration,
    /// Allows a server without TLS and password, one that may lose or evict data, and replicas that a primary does not demand.
    /// Default `false`.
    pub laboratory: bool,
    /// The operator vouches for `maxmemory-policy noeviction`, `appendonly yes` and `appendfsync always`,
    /// for servers that do not let a client read their settings. Default `false`: they are checked.
    pub settings_vouched: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            backend: BackendKind::Memory,
            path: None,
            url: None,
            sentinels: Vec::new(),
            primary_name: None,
            sentinel_username: None,
            sentinel_password_file: None,
            username: None,
            password_file: None,
            ca_file: None,
            replicas: 0,
            wait_timeout: Duration::from_millis(500),
            laboratory: false,
            settings_vouched: false,
        }
    }
}

impl StoreConfig {
    /// A store in one file, everything else by default.
    #[must_use]
    pub fn redb(path: impl Into<PathBuf>) -> Self {
        Self {
            backend: BackendKind::Redb,
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// A store in a Redis server, everything else by default.
    #[must_use]
    pub fn redis(url: impl Into<String>) -> Self {
        Self {
            backend: BackendKind::Redis,
            url: Some(url.into()),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_file_is_read() {
        let text = r#"
            backend = "redis"
            url = "rediss://valkey.berth.svc:6379/0"
            username = "aanf"
            password_file = "/run/secrets/store-password"
            ca_file = "/run/secrets/ca.crt"
            replicas = 2
            wait_timeout = "750ms"
        "#;
        let config: StoreConfig = toml::from_str(text).unwrap();
        assert_eq!(config.backend, BackendKind::Redis);
        assert_eq!((config.replicas, config.laboratory), (2, false));
        assert_eq!(config.wait_timeout, Duration::from_millis(750));
        let again: StoreConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn an_empty_file_means_memory() {
        let config: StoreConfig = toml::from_str("").unwrap();
        assert_eq!(config, StoreConfig::default());
        assert_eq!(config.backend, BackendKind::Memory);
    }

    #[test]
    fn unknown_keys_and_values_are_refused() {
        for text in [
            "password = \"x\"",
            "backend = \"sled\"",
            "wait_timeout = 500",
            "replicas = -1",
        ] {
            assert!(toml::from_str::<StoreConfig>(text).is_err(), "{text}");
        }
    }
}
