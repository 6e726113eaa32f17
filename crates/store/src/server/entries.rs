//! All keys of a function, as they lie in the server.

use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

use super::layout::parse_value;
use super::link::Link;
use super::unanswered;
use crate::backend::{Cursor, Entry, EntryPage};
use crate::error::Error;
use crate::key::{Function, ParsedKey};

/// How many keys one step looks at.
const KEYS_PER_STEP: usize = 1000;
/// How many names of an index are looked at together.
const NAMES: usize = 500;

/// One step through the keys of a function.
pub(super) async fn page(
    connection: &mut Link,
    function: &Function,
    from: Option<&Cursor>,
) -> Result<EntryPage, Error> {
    let (next, keys): (String, Vec<Vec<u8>>) = redis::cmd("SCAN")
        .arg(from.map_or("0", |cursor| cursor.0.as_str()))
        .arg("MATCH")
        .arg(format!("{}:*", function.as_str()))
        .arg("COUNT")
        .arg(KEYS_PER_STEP)
        .query_async(connection)
        .await
        .map_err(unanswered)?;
    let mut page = EntryPage {
        next: (next != "0").then_some(Cursor(next)),
        ..EntryPage::default()
    };
    let (mut values, mut indexes) = (Vec::new(), Vec::new());
    for key in keys {
        match String::from_utf8(key) {
            Err(other) => {
                let text = String::from_utf8_lossy(other.as_bytes()).into_owned();
                page.entries.push(unreadable(text));
            }
            Ok(key) => match role(&key) {
                Role::Value => values.push(key),
                Role::Index => indexes.push(key),
                Role::Helper => {}
            },
        }
    }
    for (key, found) in values.iter().zip(look(connection, &values).await?) {
        let found = match found {
            Found::Value {
                is_listed: true, ..
            } => found,
            // It may have ended or changed between two commands.
            _ => look_again(connection, key).await?,
        };
        page.entries.extend(entry(key, found));
    }
    for index in &indexes {
        match ended_names(connection, index).await? {
            Some(ended) => page.ended_names += ended,
            None => page.entries.push(unreadable(index.clone())),
        }
    }
    Ok(page)
}

enum Role {
    Value,
    Index,
    /// Marks of deletions and heartbeats.
    Helper,
}

fn role(key: &str) -> Role {
    match ParsedKey::parse(key) {
        Some(parsed) if parsed.kind == "#" && parsed.name.is_none() => Role::Helper,
        Some(parsed) if parsed.kind == "beat" && parsed.tag.entity() == "#" => Role::Helper,
        Some(parsed) if parsed.kind.ends_with('#') && parsed.name.is_none() => Role::Index,
        _ => Role::Value,
    }
}

enum Found {
    Gone,
    Unreadable,
    Value { octets: Vec<u8>, is_listed: bool },
}

fn entry(key: &str, found: Found) -> Option<Entry> {
    let (octets, is_listed) = match found {
        Found::Gone => return None,
        Found::Unreadable => return Some(unreadable(key.to_owned())),
        Found::Value { octets, is_listed } => (octets, is_listed),
    };
    let found = parse_value(&octets, "value").ok();
    Some(Entry {
        key: key.to_owned(),
        is_listed,
        // Versions are the server's microseconds.
        written_ms: found.as_ref().map(|found| found.version.get() / 1000),
        found,
    })
}

const fn unreadable(key: String) -> Entry {
    Entry {
        key,
        found: None,
        is_listed: true,
        written_ms: None,
    }
}

async fn look_again(connection: &mut Link, key: &String) -> Result<Found, Error> {
    let again = look(connection, std::slice::from_ref(key)).await?;
    Ok(again.into_iter().next().unwrap_or(Found::Gone))
}

async fn look(connection: &mut Link, keys: &[String]) -> Result<Vec<Found>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut questions = redis::pipe();
    questions.ignore_errors();
    for key in keys {
        questions.cmd("GET").arg(key);
        questions.cmd("EXISTS").arg(key);
        if let Some((index, name)) = place_in_index(key) {
            let bound = format!("[{name}");
            questions.cmd("ZRANGEBYLEX").arg(index);
            questions.arg(&bound).arg(&bound);
        }
    }
    let answers: Vec<RedisResult<Value>> = questions
        .query_async(connection)
        .await
        .map_err(unanswered)?;
    let mut answers = answers.into_iter();
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let (value, exists) = (answers.next(), answers.next());
        let is_listed = match place_in_index(key) {
            None => true,
            Some(_) => {
                matches!(answers.next(), Some(Ok(Value::Array(names))) if !names.is_empty())
            }
        };
        found.push(match value {
            Some(Ok(Value::BulkString(octets))) => Found::Value { octets, is_listed },
            Some(Err(error)) if !is_of_another_type(&error) => return Err(unanswered(error)),
            _ if matches!(exists, Some(Ok(Value::Int(1)))) => Found::Unreadable,
            _ => Found::Gone,
        });
    }
    Ok(found)
}

/// The index that a named value stands in, and its name there.
fn place_in_index(key: &str) -> Option<(String, &str)> {
    let parsed = ParsedKey::parse(key)?;
    let index = format!("{}:{}#", parsed.tag.prefix(), parsed.kind);
    Some((index, parsed.name?))
}

/// How many names of an index have no value; `None` if it is no index.
async fn ended_names(connection: &mut Link, index: &str) -> Result<Option<u64>, Error> {
    let values = index.strip_suffix('#').unwrap_or(index);
    let (mut ended, mut from) = (0_u64, "-".to_owned());
    loop {
        let names: RedisResult<Vec<String>> = redis::cmd("ZRANGEBYLEX")
            .arg(index)
            .arg(&from)
            .arg("+")
            .arg("LIMIT")
            .arg(0)
            .arg(NAMES)
            .query_async(connection)
            .await;
        let names = match names {
            Ok(names) => names,
            Err(error) if is_of_another_type(&error) => return Ok(None),
            Err(error) => return Err(unanswered(error)),
        };
        let Some(last) = names.last() else {
            return Ok(Some(ended));
        };
        from = format!("({last}");
        let mut exist = redis::cmd("EXISTS");
        for name in &names {
            exist.arg(format!("{values}:{name}"));
        }
        let there: u64 = exist.query_async(connection).await.map_err(unanswered)?;
        ended += u64::try_from(names.len()).unwrap_or_default() - there;
    }
}

fn is_of_another_type(error: &RedisError) -> bool {
    error.code() == Some("WRONGTYPE")
        || error.kind() == ErrorKind::Server(ServerErrorKind::ResponseError)
            && error.to_string().contains("WRONGTYPE")
}
