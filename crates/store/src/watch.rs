//! Hints that something changed.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::key::{Function, Kind, ParsedKey, Tag};

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Every field of a tag.
    Tag(Tag),
    /// Every field of a kind, in all tags of a function.
    Kind(Function, Kind),
}

impl Watched {
    pub(crate) fn covers(&self, change: &Change) -> bool {
        match self {
            Self::Tag(tag) => *tag == change.tag,
            Self::Kind(function, kind) => {
                function.as_str() == change.tag.function() && kind.as_str() == change.kind
            }
        }
    }
}

/// A value was written or deleted. (Ended lifetimes are not reported.)
#[derive(Clone, PartialEq, Eq)]
pub struct Change {
    /// The tag.
    pub tag: Tag,
    /// The kind.
    pub kind: String,
    /// The name, if there is one.
    pub name: Option<String>,
}

impl Change {
    pub(crate) fn of_key(text: &str) -> Option<Self> {
        ParsedKey::parse(text).map(|parsed| Self {
            tag: parsed.tag,
            kind: parsed.kind.to_owned(),
            name: parsed.name.map(str::to_owned),
        })
    }
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Change({:?}:{})", self.tag, self.kind)
    }
}

/// What a [`Watch`] reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// This may have changed: read it.
    Changed(Change),
    /// Changes may have been missed: read everything again.
    Gap,
}

/// A stream of [`Hint`]s; ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    receiver: broadcast::Receiver<Arc<Hint>>,
    watched: Watched,
}

impl Watch {
    pub(crate) const fn new(receiver: broadcast::Receiver<Arc<Hint>>, watched: Watched) -> Self {
        Self { receiver, watched }
    }

    /// Waits for the next hint; `None` once the store is closed. May be cancelled without losing hints.
    pub async fn next(&mut self) -> Option<Hint> {
        loop {
            match self.receiver.recv().await {
                Ok(hint) => match &*hint {
                    Hint::Gap => return Some(Hint::Gap),
                    Hint::Changed(change) if self.watched.covers(change) => {
                        return Some(Hint::Changed(change.clone()));
                    }
                    Hint::Changed(_) => {}
                },
                Err(broadcast::error::RecvError::Lagged(_)) => return Some(Hint::Gap),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// How many hints a slow watcher may be behind before it gets a gap instead.
pub(crate) const BACKLOG: usize = 4096;
