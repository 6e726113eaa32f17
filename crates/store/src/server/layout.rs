//! How values and indexes lie in the server.

use std::time::Duration;

use redis::{Cmd, Script};

use crate::clock::lifetime_ms;
use crate::error::Error;
use crate::key::{Field, Kind, Tag};
use crate::transaction::{Committed, Operation, Transaction, appended_suffix};
use crate::value::{Value, Version, Versioned};

/// Keys and arguments of a script.
#[derive(Default)]
pub(super) struct Call {
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
}

impl Call {
    pub(super) fn key(&mut self, key: String) {
        self.keys.push(key);
    }

    pub(super) fn argument(&mut self, argument: impl Into<Vec<u8>>) {
        self.arguments.push(argument.into());
    }

    /// The command that runs the script, which the server must have loaded.
    pub(super) fn command(&self, script: &Script) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(script.get_hash()).arg(self.keys.len());
        command.arg(&self.keys).arg(&self.arguments);
        command
    }
}

/// The set of names of a kind in a tag. Values without a name are in no set.
pub(super) fn index_key(tag: &Tag, kind: Kind) -> String {
    format!("{}:{}#", tag.prefix(), kind.as_str())
}

/// What the key of each named value of a kind starts with.
pub(super) fn named_prefix(tag: &Tag, kind: Kind) -> String {
    format!("{}:{}:", tag.prefix(), kind.as_str())
}

fn version_digits(version: Version) -> String {
    format!("{:016x}", version.get())
}

/// Reads a value as it lies in the server.
pub(super) fn parse_value(octets: &[u8], kind: &'static str) -> Result<Versioned, Error> {
    let parse = || {
        let (digits, rest) = octets.split_at_checked(16)?;
        let (schema, octets) = rest.split_first_chunk::<2>()?;
        Some(Versioned {
            version: parse_version(digits)?,
            value: Value {
                schema: u16::from_be_bytes(*schema),
                octets: octets.to_vec(),
            },
        })
    };
    parse().ok_or(Error::Corrupt { kind })
}

fn parse_version(digits: &[u8]) -> Option<Version> {
    let digits = std::str::from_utf8(digits).ok()?;
    u64::from_str_radix(digits, 16).ok().map(Version::new)
}

fn body(value: &Value) -> Vec<u8> {
    let mut body = Vec::with_capacity(2 + value.octets.len());
    body.extend_from_slice(&value.schema.to_be_bytes());
    body.extend_from_slice(&value.octets);
    body
}

/// The keys and arguments of `commit.lua` for a transaction.
pub(super) fn commit_call(transaction: &Transaction) -> Call {
    let tag = transaction.tag();
    let mut call = Call::default();
    call.key(format!("{}:#", tag.prefix()));
    call.argument(transaction.conditions().len().to_string());
    for condition in transaction.conditions() {
        call.key(tag.key(condition.field.clone()).text());
        call.argument(condition.version.map(version_digits).unwrap_or_default());
    }
    let mut appends = 0;
    for operation in transaction.operations() {
        match operation {
            Operation::Put { field, value, ttl } => {
                field_keys(&mut call, tag, field);
                call.argument("p");
                call.argument(lifetime(*ttl));
                call.argument(field.name().unwrap_or_default());
                call.argument(body(value));
            }
            Operation::Delete { field } => {
                field_keys(&mut call, tag, field);
                call.argument("d");
                call.argument(field.name().unwrap_or_default());
            }
            Operation::Append { kind, value, ttl } => {
                call.key(named_prefix(tag, *kind));
                call.key(index_key(tag, *kind));
                call.argument("a");
                call.argument(lifetime(*ttl));
                call.argument(appended_suffix(appends));
                call.argument(body(value));
                appends += 1;
            }
            Operation::Add { field, by, ttl } => {
                field_keys(&mut call, tag, field);
                call.argument("i");
                call.argument(lifetime(*ttl));
                call.argument(field.name().unwrap_or_default());
                call.argument(by.to_string());
            }
        }
    }
    call
}

fn field_keys(call: &mut Call, tag: &Tag, field: &Field) {
    call.key(tag.key(field.clone()).text());
    if field.name().is_some() {
        call.key(index_key(tag, field.kind()));
    }
}

/// Milliseconds, 0 for endless.
fn lifetime(ttl: Option<Duration>) -> String {
    ttl.map_or(0, lifetime_ms).to_string()
}

/// What a transaction may fail with: enough to name a condition after the transaction is gone.
pub(super) struct Kinds {
    conditions: Vec<&'static str>,
    counters: Vec<&'static str>,
}

impl Kinds {
    pub(super) fn of(transaction: &Transaction) -> Self {
        let counter = |operation: &Operation| match operation {
            Operation::Add { field, .. } => Some(field.kind().as_str()),
            _ => None,
        };
        Self {
            conditions: transaction
                .conditions()
                .iter()
                .map(|condition| condition.field.kind().as_str())
                .collect(),
            counters: transaction
                .operations()
                .iter()
                .filter_map(counter)
                .collect(),
        }
    }

    /// Reads what `commit.lua` answered.
    pub(super) fn outcome(&self, answer: &redis::Value) -> Result<Committed, Error> {
        let unreadable = || Error::OutcomeUnknown {
            reason: "the server's answer cannot be read",
            source: None,
        };
        let redis::Value::Array(items) = answer else {
            return Err(unreadable());
        };
        let Some(redis::Value::Int(status)) = items.first() else {
            return Err(unreadable());
        };
        let kind = |kinds: &[&'static str]| match items.get(1) {
            Some(redis::Value::Int(n)) => usize::try_from(*n - 1)
                .ok()
                .and_then(|n| kinds.get(n).copied())
                .unwrap_or_default(),
            _ => "",
        };
        match status {
            1 => {
                let mut texts = items.iter().skip(1).map(|item| match item {
                    redis::Value::BulkString(octets) => Some(octets.as_slice()),
                    _ => None,
                });
                let version = texts.next().flatten().and_then(parse_version);
                let counters = texts
                    .map(|text| std::str::from_utf8(text?).ok()?.parse().ok())
                    .collect::<Option<Vec<u64>>>();
                match (version, counters) {
                    (Some(version), Some(counters)) => Ok(Committed { version, counters }),
                    _ => Err(unreadable()),
                }
            }
            0 => Err(Error::Conflict {
                kind: kind(&self.conditions),
            }),
            -1 => Err(Error::CounterExhausted {
                kind: kind(&self.counters),
            }),
            -2 => Err(Error::Corrupt {
                kind: kind(&self.counters),
            }),
            -3 => Err(Error::Unavailable {
                reason: "the server's user lacks a right, see the README of store",
                source: None,
            }),
            _ => Err(unreadable()),
        }
    }
}
