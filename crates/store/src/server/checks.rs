//! Is the server set up to keep what it acknowledges?

use redis::aio::ConnectionLike;
use redis::{ErrorKind, ServerErrorKind, Value};

use super::connect::explain;
use crate::config::StoreConfig;
use crate::open::OpenError;

/// Oldest server that has what the scripts use.
const OLDEST: (u32, u32) = (7, 0);

/// Refuses a server that is too old or may lose acknowledged writes.
pub(super) async fn check(
    connection: &mut impl ConnectionLike,
    config: &StoreConfig,
) -> Result<(), OpenError> {
    let hello: Value = redis::cmd("HELLO")
        .query_async(connection)
        .await
        .map_err(explain)?;
    check_version(&text_of(&hello, "version"))?;
    if config.settings_vouched {
        return Ok(());
    }
    match check_settings(connection, config).await {
        Err(error) if config.laboratory => {
            tracing::warn!(error = %error, "the store may lose acknowledged writes");
            Ok(())
        }
        checked => checked,
    }
}

/// Refuses a server that follows another one.
pub(super) fn check_role(hello: &Value) -> Result<(), OpenError> {
    let role = text_of(hello, "role");
    if role == "replica" || role == "slave" {
        return Err(setting("role", role, "that of a primary"));
    }
    Ok(())
}

fn check_version(version: &str) -> Result<(), OpenError> {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let found = (
        numbers.next().unwrap_or(0_u32),
        numbers.next().unwrap_or(0_u32),
    );
    if found < OLDEST {
        return Err(setting("version", version.to_owned(), "7.0 or newer"));
    }
    Ok(())
}

async fn check_settings(
    connection: &mut impl ConnectionLike,
    config: &StoreConfig,
) -> Result<(), OpenError> {
    let mut wanted = vec![
        ("maxmemory-policy", "noeviction"),
        ("appendonly", "yes"),
        ("appendfsync", "always"),
    ];
    if config.replicas > 0 {
        wanted.push(("min-replicas-to-write", "1 or more"));
    }
    for (name, needed) in wanted {
        let answer: Value = redis::cmd("CONFIG")
            .arg("GET")
            .arg(name)
            .query_async(connection)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::Server(ServerErrorKind::NoPerm) => OpenError::SettingsUnreadable {
                    source: Box::new(error),
                },
                // Managed servers rename or remove the command.
                ErrorKind::Server(ServerErrorKind::ResponseError) => {
                    OpenError::SettingsUnreadable {
                        source: Box::new(error),
                    }
                }
                _ => explain(error),
            })?;
        let found = text_of(&answer, name);
        let fits = match name {
            "min-replicas-to-write" => found.parse::<u32>().is_ok_and(|least| least > 0),
            _ => found == needed,
        };
        if !fits {
            return Err(setting(name, found, needed));
        }
    }
    Ok(())
}

const fn setting(setting: &'static str, found: String, needed: &'static str) -> OpenError {
    OpenError::Setting {
        setting,
        found,
        needed,
    }
}

/// The text behind a name, in an answer of names and values.
pub(super) fn text_of(answer: &Value, name: &str) -> String {
    let is_name = |value: &Value| text(value).is_some_and(|text| text == name);
    let found = match answer {
        Value::Map(pairs) => pairs
            .iter()
            .find(|(key, _)| is_name(key))
            .map(|(_, value)| value),
        Value::Array(items) => items
            .chunks_exact(2)
            .find(|pair| pair.first().is_some_and(is_name))
            .and_then(|pair| pair.get(1)),
        _ => None,
    };
    found.and_then(text).unwrap_or_default()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(octets) => String::from_utf8(octets.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}
