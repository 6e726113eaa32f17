//! The embedded back end: redb, in one file or in memory.

mod layout;
mod writer;

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, mpsc};
use std::thread::JoinHandle;

use async_trait::async_trait;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};
use tokio::sync::{Semaphore, broadcast, oneshot};

use self::layout::{EXPIRY, FORMAT, META, META_FORMAT, META_VERSION, Row, VALUES};
use self::writer::{Job, Order, Writer};
use crate::backend::{
    Backend, Cursor, Entry, EntryPage, Freshness, Names, Row as Listed, Shape, TagPage,
};
use crate::clock::Clock;
use crate::error::Error;
use crate::key::{Field, Function, Kind, ParsedKey, Tag};
use crate::observe::Observer;
use crate::open::OpenError;
use crate::transaction::{Committed, Transaction};
use crate::value::Versioned;
use crate::watch::{BACKLOG, Hint, Watch, Watched};

/// One redb database, read by everybody and written by one thread.
pub(crate) struct Embedded {
    /// `None` once closed.
    open: RwLock<Option<Open>>,
    orders: mpsc::Sender<Order>,
    room: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What is let go when the store is closed.
#[derive(Clone)]
struct Open {
    database: Arc<Database>,
    hints: broadcast::Sender<Arc<Hint>>,
}

/// Most transactions that wait for the writer; further callers wait for room.
const QUEUE: usize = 4096;
/// Tags looked at for one page of a listing.
const TAGS_PER_PAGE: usize = 512;
/// Keys in one page of an audit.
const ENTRIES_PER_PAGE: usize = 1000;
/// Each opening starts a new block of versions, because versions of writes that were never made durable may
/// have been seen before a crash.
const VERSIONS_PER_OPENING: u64 = 1 << 32;

impl Embedded {
    /// Opens or creates the file.
    pub(crate) fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, OpenError> {
        let file_error = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(file_error)?;
        }
        private_file(path).map_err(file_error)?;
        let database = Database::create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse {
                path: path.to_owned(),
            },
            redb::DatabaseError::Storage(redb::StorageError::Io(source))
                if source.kind() != std::io::ErrorKind::InvalidData =>
            {
                file_error(source)
            }
            other => OpenError::Damaged {
                source: Box::new(other),
            },
        })?;
        Self::start(database, clock, observer)
    }

    /// Opens an empty database that lives as long as this value.
    pub(crate) fn in_memory(
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, OpenError> {
        let database = Database::builder()
            .create_with_backend(redb::backends::InMemoryBackend::new())
            .map_err(damaged)?;
        Self::start(database, clock, observer)
    }

    fn start(
        database: Database,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, OpenError> {
        let version = prepare(&database)?;
        let database = Arc::new(database);
        let (orders, inbox) = mpsc::channel();
        let (hints, _) = broadcast::channel(BACKLOG);
        let writer = Writer {
            database: database.clone(),
            orders: inbox,
            clock: clock.clone(),
            observer,
            hints: hints.clone(),
            version,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::Thread { source })?;
        Ok(Self {
            open: RwLock::new(Some(Open { database, hints })),
            orders,
            room: Arc::new(Semaphore::new(QUEUE)),
            clock,
            writer: Mutex::new(Some(thread)),
        })
    }

    fn open_now(&self) -> Result<Open, Error> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.clone().ok_or(CLOSED)
    }

    fn read(&self) -> Result<ReadTransaction, Error> {
        self.open_now()?.database.begin_read().map_err(unavailable)
    }

    /// Lets the writer finish what it has and waits for it.
    fn stop(&self) {
        self.open
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = writer {
            // Both fail only if the writer is gone already.
            let _gone = self.orders.send(Order::Stop);
            let _gone = thread.join();
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop();
    }
}

const CLOSED: Error = Error::Unavailable {
    reason: "it was closed",
    source: None,
};

/// Creates the tables, checks the layout's version and reserves a block of versions.
fn prepare(database: &Database) -> Result<u64, OpenError> {
    let write = database.begin_write().map_err(damaged)?;
    let version;
    {
        write.open_table(VALUES).map_err(damaged)?;
        write.open_table(EXPIRY).map_err(damaged)?;
        let mut meta = write.open_table(META).map_err(damaged)?;
        let number = |key: &str, meta: &redb::Table<'_, &'static str, u64>| {
            meta.get(key)
                .map(|found| found.map(|number| number.value()))
                .map_err(damaged)
        };
        let found = number(META_FORMAT, &meta)?.unwrap_or(FORMAT);
        if found > FORMAT {
            return Err(OpenError::NewerFormat {
                found,
                known: FORMAT,
            });
        }
        version = number(META_VERSION, &meta)?
            .unwrap_or_default()
            .saturating_add(VERSIONS_PER_OPENING);
        meta.insert(META_FORMAT, FORMAT).map_err(damaged)?;
        meta.insert(META_VERSION, version).map_err(damaged)?;
    }
    write.commit().map_err(damaged)?;
    Ok(version)
}

/// Creates the file, if it is not there, readable by its owner only.
fn private_file(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn damaged(error: impl Into<redb::Error>) -> OpenError {
    OpenError::Damaged {
        source: Box::new(error.into()),
    }
}

fn unavailable(error: impl Into<redb::Error>) -> Error {
    Error::Unavailable {
        reason: "the database file does not work",
        source: Some(Box::new(error.into())),
    }
}

#[async_trait]
impl Backend for Embedded {
    async fn get_many(
        &self,
        tag: &Tag,
        fields: &[Field],
        _: Freshness,
    ) -> Result<Vec<Option<Versioned>>, Error> {
        let now_ms = self.clock.unix_ms();
        let read = self.read()?;
        let values = read.open_table(VALUES).map_err(unavailable)?;
        fields
            .iter()
            .map(|field| {
                let found = values
                    .get(tag.key(field.clone()).text().as_str())
                    .map_err(unavailable)?;
                let Some(found) = found else { return Ok(None) };
                let row = Row::decode(found.value()).ok_or(Error::Corrupt {
                    kind: field.kind().as_str(),
                })?;
                Ok(row.is_live(now_ms).then_some(row.versioned))
            })
            .collect()
    }

    async fn commit(&self, transaction: Transaction) -> Result<Committed, Error> {
        let permit = self
            .room
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| CLOSED)?;
        let (reply, answer) = oneshot::channel();
        self.orders
            .send(Order::Apply(Job {
                transaction,
                reply,
                _permit: permit,
            }))
            .map_err(|_| CLOSED)?;
        answer.await.map_err(|_| CLOSED)?
    }

    async fn scan(
        &self,
        tag: &Tag,
        kind: Kind,
        names: &Names,
        limit: usize,
        _: Freshness,
    ) -> Result<Vec<Listed>, Error> {
        let now_ms = self.clock.unix_ms();
        let read = self.read()?;
        let values = read.open_table(VALUES).map_err(unavailable)?;
        let all = format!("{}:{}:", tag.prefix(), kind.as_str());
        let start = match &names.after {
            Some(after) if *after >= names.prefix => format!("{all}{after}"),
            _ => format!("{all}{}", names.prefix),
        };
        let mut listed = Vec::new();
        for entry in values.range(start.as_str()..).map_err(unavailable)? {
            let (key, row) = entry.map_err(unavailable)?;
            let Some(name) = key.value().strip_prefix(&all) else {
                break;
            };
            if !name.starts_with(&names.prefix) || listed.len() == limit {
                break;
            }
            if !names.contains(name) {
                continue;
            }
            let row = Row::decode(row.value()).ok_or(Error::Corrupt {
                kind: kind.as_str(),
            })?;
            if row.is_live(now_ms) {
                listed.push(Listed {
                    name: name.to_owned(),
                    versioned: row.versioned,
                });
            }
        }
        Ok(listed)
    }

    async fn tags(
        &self,
        function: &Function,
        kind: Kind,
        shape: Shape,
        from: Option<&Cursor>,
    ) -> Result<TagPage, Error> {
        let read = self.read()?;
        let values = read.open_table(VALUES).map_err(unavailable)?;
        let first_from = |start: &str| -> Result<Option<String>, Error> {
            let mut rows = values.range(start..).map_err(unavailable)?;
            let first = rows.next().transpose().map_err(unavailable)?;
            Ok(first.map(|(key, _)| key.value().to_owned()))
        };
        let all = format!("{}:{{", function.as_str());
        let mut page = TagPage::default();
        let mut start = from.map_or_else(|| all.clone(), |cursor| cursor.0.clone());
        for _ in 0..TAGS_PER_PAGE {
            let Some(key) = first_from(&start)?.filter(|key| key.starts_with(&all)) else {
                return Ok(page);
            };
            let Some(parsed) = ParsedKey::parse(&key) else {
                return Err(Error::Corrupt { kind: "key" });
            };
            // ';' follows ':', so this is behind every key of the tag.
            start = format!("{};", parsed.tag.prefix());
            let wanted = match shape {
                Shape::Single => format!("{}:{}", parsed.tag.prefix(), kind.as_str()),
                Shape::Named => format!("{}:{}:", parsed.tag.prefix(), kind.as_str()),
            };
            let found = first_from(&wanted)?.is_some_and(|key| match shape {
                Shape::Single => key == wanted,
                Shape::Named => key.starts_with(&wanted),
            });
            if found {
                page.tags.push(parsed.tag);
            }
        }
        page.next = Some(Cursor(start));
        Ok(page)
    }

    async fn entries(
        &self,
        function: &Function,
        from: Option<&Cursor>,
    ) -> Result<EntryPage, Error> {
        let now_ms = self.clock.unix_ms();
        let read = self.read()?;
        let values = read.open_table(VALUES).map_err(unavailable)?;
        let expiry = read.open_table(EXPIRY).map_err(unavailable)?;
        let all = format!("{}:", function.as_str());
        let start = from.map_or(all.as_str(), |cursor| cursor.0.as_str());
        let mut page = EntryPage::default();
        for entry in values.range(start..).map_err(unavailable)? {
            let (key, row) = entry.map_err(unavailable)?;
            let key = key.value();
            if !key.starts_with(&all) {
                break;
            }
            if page.entries.len() == ENTRIES_PER_PAGE {
                page.next = Some(Cursor(key.to_owned()));
                break;
            }
            let row = Row::decode(row.value());
            if row.as_ref().is_some_and(|row| !row.is_live(now_ms)) {
                continue;
            }
            let is_listed = match &row {
                Some(row) if row.expires_ms != 0 => expiry
                    .get((row.expires_ms, key))
                    .map_err(unavailable)?
                    .is_some(),
                _ => true,
            };
            page.entries.push(Entry {
                key: key.to_owned(),
                found: row.map(|row| row.versioned),
                is_listed,
                written_ms: None,
            });
        }
        Ok(page)
    }

    async fn watch(&self, watched: Watched) -> Result<Watch, Error> {
        Ok(Watch::new(self.open_now()?.hints.subscribe(), watched))
    }

    /// What a read sees is on the disk already, apart from ephemeral values.
    async fn settle(&self, _: &Function) -> Result<(), Error> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), Error> {
        self.open_now().map(drop)
    }

    async fn close(&self) {
        self.stop();
    }
}
