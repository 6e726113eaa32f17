//! Configuration: defaults, then one TOML file, then `BERTH__SECTION__KEY`, then overrides.
//!
//! Text from the environment stays text: nothing guesses that `01` is a number, so a mobile network
//! code keeps its zero. Only variables that begin with `BERTH__` count; those that Kubernetes injects
//! for a service named `berth` (`BERTH_PORT`, `BERTH_SERVICE_HOST`, …) do not. Lists are written in the
//! file. Secrets are given as paths of files.

use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{ConfigBuilder, Environment, File, FileFormat, Map};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or is not TOML.
    #[error("configuration file {} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<config::ConfigError>,
    },
    /// An override does not name a key.
    #[error("override {key:?} does not name a key")]
    Override {
        /// What was given as key.
        key: String,
        /// Why.
        #[source]
        source: Box<config::ConfigError>,
    },
    /// A key is unknown, or a value does not fit its key.
    #[error("configuration does not fit")]
    Value(#[source] Box<config::ConfigError>),
    /// The configuration has no TOML form.
    #[error("configuration cannot be shown")]
    Print(#[source] toml::ser::Error),
}

impl ConfigError {
    /// The cause that a caller is told.
    pub const fn cause(&self) -> cause::Cause {
        cause::Cause::MalformedMessage
    }
}

/// Reads a configuration from its four layers. Types refuse unknown keys by
/// `#[serde(default, deny_unknown_fields)]`, on the whole and on each section.
///
/// # Errors
/// The file is not readable, a key is unknown, or a value does not fit; the error names the key and the
/// layer.
pub fn load<T>(file: Option<&Path>, overrides: &[(String, String)]) -> Result<T, ConfigError>
where
    T: Serialize + DeserializeOwned + Default,
{
    layered(file, None, overrides)
}

/// A configuration as TOML for people, without passwords.
///
/// # Errors
/// The type has no TOML form, which its tests would show.
pub fn print<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    let mut table = toml::Table::try_from(config).map_err(ConfigError::Print)?;
    redact(&mut table);
    toml::to_string_pretty(&table).map_err(ConfigError::Print)
}

fn layered<T>(
    file: Option<&Path>,
    environment: Option<Map<String, String>>,
    overrides: &[(String, String)],
) -> Result<T, ConfigError>
where
    T: Serialize + DeserializeOwned + Default,
{
    let value = |source: config::ConfigError| ConfigError::Value(Box::new(source));
    let defaults = config::Config::try_from(&T::default()).map_err(value)?;
    let mut layers = ConfigBuilder::<DefaultState>::default().add_source(defaults);
    if let Some(path) = file {
        let unusable = |source| ConfigError::File {
            path: path.to_owned(),
            source: Box::new(source),
        };
        ensure_is_file(path)
            .map_err(|error| unusable(config::ConfigError::Foreign(Box::new(error))))?;
        let file = File::from(path).format(FileFormat::Toml);
        let file = config::Config::builder()
            .add_source(file)
            .build()
            .map_err(unusable)?;
        layers = layers.add_source(file);
    }
    let environment = Environment::with_prefix("BERTH")
        .prefix_separator("__")
        .separator("__")
        .ignore_empty(true)
        .try_parsing(false)
        .source(environment);
    layers = layers.add_source(environment);
    for (key, text) in overrides {
        let misnamed = |source| ConfigError::Override {
            key: key.clone(),
            source: Box::new(source),
        };
        layers = layers.set_override(key, text.as_str()).map_err(misnamed)?;
    }
    layers
        .build()
        .map_err(value)?
        .try_deserialize()
        .map_err(value)
}

/// The library below would look for the name with an ending instead.
fn ensure_is_file(path: &Path) -> std::io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    Ok(())
}

fn redact(table: &mut toml::Table) {
    for (key, value) in table.iter_mut() {
        match value {
            toml::Value::Table(section) => redact(section),
            toml::Value::Array(values) => values.iter_mut().for_each(redact_value),
            toml::Value::String(text) if SECRET_KEYS.contains(&key.as_str()) => {
                *text = REDACTED.to_owned()
            }
            other => redact_value(other),
        }
    }
}

/// Hides the password of `scheme://user:password@host`.
fn redact_value(value: &mut toml::Value) {
    match value {
        toml::Value::Table(section) => redact(section),
        toml::Value::String(text) => {
            let Some((scheme, rest)) = text.split_once("://") else {
                return;
            };
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            if let Some((user_info, host)) = authority.rsplit_once('@') {
                let user = user_info.split(':').next().unwrap_or_default();
                *text = format!("{scheme}://{user}:{REDACTED}@{host}{path}");
            }
        }
        _ => {}
    }
}

const SECRET_KEYS: [&str; 3] = ["password", "secret", "token"];
const REDACTED: &str = "redacted";

#[cfg(test)]
mod tests;
