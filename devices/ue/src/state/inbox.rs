//! Messages that the device has acknowledged and nobody has read yet.
//!
//! A message is written before its 2.04 leaves, since the server deletes it then. A server that did not hear the 2.04
//! sends the message again, so the last ones that were read are remembered.

use std::fs;
use std::io;

use cose::sha256;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::directory::{Directory, Record};
use super::error::StateError;

/// One file for each message.
#[derive(Clone, Debug)]
pub(crate) struct Inbox(Directory);

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InboxMessage {
    pub(crate) message_id: String,
    pub(crate) from: String,
    /// `message`, `report`, or `response`.
    pub(crate) kind: String,
    /// The sender of a message wants a report.
    pub(crate) report_wanted: bool,
    #[serde(with = "super::slot::octets")]
    pub(crate) payload: Vec<u8>,
    pub(crate) application_id: Option<String>,
    /// Of a report: whether the message was delivered.
    pub(crate) delivered: Option<bool>,
    /// Milliseconds since 1970, UTC.
    pub(crate) received_at_ms: u64,
}

impl Record for InboxMessage {
    const FILE: &'static str = "message.json";
    const VERSION: u32 = 1;
}

/// Marks of the last messages that were read, the newest last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct ReadBefore {
    marks: Vec<String>,
}

impl Record for ReadBefore {
    const FILE: &'static str = "read-before";
    const VERSION: u32 = 1;
}

impl Inbox {
    /// The inbox of a device.
    pub(crate) fn open(state: &Directory) -> Result<Self, StateError> {
        Directory::create(&state.file("inbox")).map(Self)
    }

    /// Keeps a message; the same one again is kept once, also after it was read.
    ///
    /// # Errors
    /// [`StateError::InboxFull`] or [`StateError::File`]; the message must not be acknowledged then.
    pub(crate) fn keep(&self, message: &InboxMessage) -> Result<(), StateError> {
        let mark = mark(message);
        let names = self.names()?;
        if names.iter().any(|name| name.ends_with(&mark)) || self.was_read(&mark)? {
            return Ok(());
        }
        if names.len() >= MAX_MESSAGES {
            return Err(StateError::InboxFull);
        }
        let name = format!("{:013}-{mark}", message.received_at_ms);
        self.0.write_named(&name, message)
    }

    /// The oldest message, and the name to remove it by.
    pub(crate) fn oldest(&self) -> Result<Option<(String, InboxMessage)>, StateError> {
        for name in self.names()? {
            match self.0.read_named(&name) {
                Ok(Some(message)) => return Ok(Some((name, message))),
                Ok(None) => {}
                // One unreadable file must not hold up the others.
                Err(StateError::Damaged { .. }) => self.0.remove(&name)?,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Removes a message that was read, and remembers it.
    pub(crate) fn remove(&self, name: &str) -> Result<(), StateError> {
        if let Some((_, mark)) = name.split_once('-') {
            let mut read = self.read_before()?;
            read.marks.push(mark.to_owned());
            let surplus = read.marks.len().saturating_sub(REMEMBERED);
            read.marks.drain(..surplus);
            self.0.write(&read)?;
        }
        self.0.remove(name)
    }

    /// Removes everything.
    pub(crate) fn clear(&self) -> Result<(), StateError> {
        let removed = self.names()?;
        removed.iter().try_for_each(|name| self.0.remove(name))?;
        self.0.remove(ReadBefore::FILE)
    }

    fn was_read(&self, mark: &str) -> Result<bool, StateError> {
        let read = self.read_before()?;
        Ok(read.marks.iter().any(|read| read == mark))
    }

    fn read_before(&self) -> Result<ReadBefore, StateError> {
        match self.0.read() {
            Ok(read) => Ok(read.unwrap_or_default()),
            // What was read is forgotten, which costs a repetition at most.
            Err(StateError::Damaged { .. }) => Ok(ReadBefore::default()),
            Err(error) => Err(error),
        }
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> Result<usize, StateError> {
        self.names().map(|names| names.len())
    }

    fn names(&self) -> Result<Vec<String>, StateError> {
        let failed = |source: io::Error| StateError::File {
            path: self.0.path().to_owned(),
            source,
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(self.0.path()).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.extend(
                name.to_str()
                    .filter(|name| name.ends_with(".json"))
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }
}

/// End of the file name: the same for the same message of the same sender.
fn mark(message: &InboxMessage) -> String {
    let identity = format!("{}\n{}\n{}", message.kind, message.from, message.message_id);
    let digest = sha256(identity.as_bytes());
    format!(
        "{}.json",
        HEXLOWER.encode(digest.get(..8).unwrap_or(&digest))
    )
}

/// Messages that are remembered after they were read: more than our server lets wait for one device.
const REMEMBERED: usize = 128;

/// Most messages that wait.
const MAX_MESSAGES: usize = 1024;
