//! The shared back end: a Redis or Valkey server.

mod beat;
mod checks;
mod connect;
mod entries;
mod hub;
mod lanes;
mod layout;
mod link;
mod primary;
mod sentinels;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::beat::{Heart, Wait};
use self::hub::{Hub, Subscription};
use self::lanes::Lanes;
use self::layout::{Call, Kinds, commit_call, index_key, named_prefix, parse_value};
use self::link::{Around, Link};
use self::primary::Primary;
use crate::backend::{Backend, Cursor, EntryPage, Freshness, Names, Row, Shape, TagPage};
use crate::config::StoreConfig;
use crate::error::Error;
use crate::key::{Field, Function, Kind, ParsedKey, Tag};
use crate::observe::Observer;
use crate::open::OpenError;
use crate::transaction::{Class, Committed, Transaction};
use crate::value::Versioned;
use crate::watch::{BACKLOG, Hint, Watch, Watched};

/// Connections to one server.
pub(crate) struct Server {
    primary: Arc<Primary>,
    connection: Link,
    commit: Arc<Script>,
    scan: Arc<Script>,
    /// For writes of class record; `None` where there are no replicas.
    lanes: Option<Lanes>,
    wait: Wait,
    hearts: Mutex<HashMap<String, Arc<tokio::sync::OnceCell<Arc<Heart>>>>>,
    observer: Arc<dyn Observer>,
    wishes: Mutex<Option<Watching>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

/// The way to the hub of hints.
#[derive(Clone)]
struct Watching {
    wishes: mpsc::Sender<Subscription>,
    hints: broadcast::Sender<Arc<Hint>>,
}

/// How long a new watch may wait for the server.
const SUBSCRIBE: Duration = Duration::from_secs(5);
/// How many keys one step of a listing of tags looks at.
const KEYS_PER_STEP: usize = 1000;

const CLOSED: Error = Error::Unavailable {
    reason: "it was closed",
    source: None,
};

impl Server {
    /// Connects, and refuses a server that may lose acknowledged writes.
    pub(crate) async fn open(
        config: &StoreConfig,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, OpenError> {
        let primary = Arc::new(Primary::new(config)?);
        let tasks = TaskTracker::new();
        let cancel = CancellationToken::new();
        // Connections that were made before an error end with it.
        let opening = cancel.clone().drop_guard();
        let around = Around {
            primary: &primary,
            tasks: &tasks,
            cancel: &cancel,
        };
        let mut connection = Link::open(around, connect::RESPOND, Some(observer.clone())).await?;
        checks::check(&mut connection, config).await?;
        let commit = Arc::new(Script::new(include_str!("commit.lua")));
        let wait = Wait {
            replicas: config.replicas,
            timeout: config.wait_timeout,
        };
        let lanes = if wait.replicas == 0 {
            None
        } else {
            Some(Lanes::open(around, &commit, wait, &observer).await?)
        };
        let (following, ended) = (primary.clone(), cancel.clone());
        tasks.spawn(async move {
            ended.run_until_cancelled(following.follow()).await;
        });
        opening.disarm();
        Ok(Self {
            primary,
            connection,
            commit,
            scan: Arc::new(Script::new(include_str!("scan.lua"))),
            lanes,
            wait,
            hearts: Mutex::default(),
            observer,
            wishes: Mutex::new(None),
            tasks,
            cancel,
        })
    }

    fn connection(&self) -> Result<Link, Error> {
        if self.cancel.is_cancelled() {
            return Err(CLOSED);
        }
        Ok(self.connection.clone())
    }

    /// The heart whose beat a read of this function needs, if it needs one.
    async fn heart(
        &self,
        function: &str,
        freshness: Freshness,
    ) -> Result<Option<Arc<Heart>>, Error> {
        if self.wait.replicas == 0 || freshness == Freshness::Any {
            return Ok(None);
        }
        let cell = self
            .hearts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(function.to_owned())
            .or_default()
            .clone();
        let new = || async {
            let around = Around {
                primary: &self.primary,
                tasks: &self.tasks,
                cancel: &self.cancel,
            };
            let heart = Heart::new(around, function, self.wait, self.observer.clone());
            heart.await.map(Arc::new)
        };
        let heart = cell.get_or_try_init(new).await?.clone();
        heart.start(&self.tasks, &self.cancel).await;
        Ok(Some(heart))
    }

    /// Runs a script that the server may not have yet.
    async fn run<T: FromRedisValue>(&self, script: &Script, command: &Cmd) -> Result<T, RunError> {
        let mut connection = self.connection().map_err(RunError::Ours)?;
        match command.query_async(&mut connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                script.load_async(&mut connection).await?;
                Ok(command.query_async(&mut connection).await?)
            }
            answer => Ok(answer?),
        }
    }
}

enum RunError {
    Ours(Error),
    Server(RedisError),
}

impl From<RedisError> for RunError {
    fn from(error: RedisError) -> Self {
        Self::Server(error)
    }
}

impl RunError {
    fn reading(self) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::Server(error) => unanswered(error),
        }
    }
}

/// A read failed.
fn unanswered(error: RedisError) -> Error {
    Error::Unavailable {
        reason: "the server did not answer",
        source: Some(Box::new(error)),
    }
}

/// A write failed: was nothing written, or is it unknown?
fn failed(error: RedisError, reason: &'static str) -> Error {
    // The server refuses before the script writes anything.
    const REFUSALS: [&str; 12] = [
        "READONLY",
        "NOREPLICAS",
        "OOM",
        "MISCONF",
        "NOPERM",
        "NOAUTH",
        "WRONGPASS",
        "LOADING",
        "BUSY",
        "MASTERDOWN",
        "CLUSTERDOWN",
        "NOSCRIPT",
    ];
    let refused = error.is_connection_refusal()
        || error.kind() == ErrorKind::AuthenticationFailed
        || error.code().is_some_and(|code| REFUSALS.contains(&code));
    let source = Some(error.into());
    if refused {
        Error::Unavailable { reason, source }
    } else {
        Error::OutcomeUnknown { reason, source }
    }
}

#[async_trait]
impl Backend for Server {
    async fn get_many(
        &self,
        tag: &Tag,
        fields: &[Field],
        freshness: Freshness,
    ) -> Result<Vec<Option<Versioned>>, Error> {
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let heart = self.heart(tag.function(), freshness).await?;
        let mut command = redis::cmd("MGET");
        for field in fields {
            command.arg(tag.key(field.clone()).text());
        }
        let mut pipeline = redis::pipe();
        pipeline.add_command(command);
        if let Some(heart) = &heart {
            // In the same pipeline, therefore from the same server.
            pipeline.cmd("GET").arg(&heart.key);
        }
        let mut connection = self.connection()?;
        let found: Vec<Option<Vec<u8>>> = if let Some(heart) = heart {
            let (found, beat): (_, Option<u64>) = pipeline
                .query_async(&mut connection)
                .await
                .map_err(unanswered)?;
            heart.check(beat)?;
            found
        } else {
            let (found,) = pipeline
                .query_async(&mut connection)
                .await
                .map_err(unanswered)?;
            found
        };
        fields
            .iter()
            .zip(found)
            .map(|(field, found)| {
                let parse = |octets: Vec<u8>| parse_value(&octets, field.kind().as_str());
                found.map(parse).transpose()
            })
            .collect()
    }

    async fn commit(&self, transaction: Transaction) -> Result<Committed, Error> {
        let command = commit_call(&transaction).command(&self.commit);
        let kinds = Kinds::of(&transaction);
        match &self.lanes {
            Some(lanes) if transaction.class() == Class::Record => {
                self.connection()?;
                lanes.commit(command, kinds).await
            }
            _ => {
                let answer: redis::Value =
                    self.run(&self.commit, &command)
                        .await
                        .map_err(|error| match error {
                            RunError::Ours(error) => error,
                            RunError::Server(error) => failed(error, "the server did not answer"),
                        })?;
                kinds.outcome(&answer)
            }
        }
    }

    async fn scan(
        &self,
        tag: &Tag,
        kind: Kind,
        names: &Names,
        limit: usize,
        freshness: Freshness,
    ) -> Result<Vec<Row>, Error> {
        let heart = self.heart(tag.function(), freshness).await?;
        let mut rows = Vec::new();
        let mut from = match &names.after {
            Some(after) if *after >= names.prefix => format!("({after}"),
            _ if names.prefix.is_empty() => "-".to_owned(),
            _ => format!("[{}", names.prefix),
        };
        while rows.len() < limit {
            let mut call = Call::default();
            call.key(index_key(tag, kind));
            call.key(named_prefix(tag, kind));
            call.key(
                heart
                    .as_ref()
                    .map_or_else(|| format!("{}:#", tag.prefix()), |heart| heart.key.clone()),
            );
            call.argument(from);
            call.argument(behind(&names.prefix));
            call.argument((limit - rows.len()).to_string());
            let command = call.command(&self.scan);
            let answer: Vec<Vec<u8>> = self
                .run(&self.scan, &command)
                .await
                .map_err(RunError::reading)?;
            let damaged = || Error::Corrupt {
                kind: kind.as_str(),
            };
            let mut items = answer.into_iter();
            let beat = items.next().ok_or_else(damaged)?;
            let last = items.next().ok_or_else(damaged)?;
            if let Some(heart) = &heart {
                let beat = std::str::from_utf8(&beat).ok();
                heart.check(beat.and_then(|beat| beat.parse().ok()))?;
            }
            while let (Some(name), Some(value)) = (items.next(), items.next()) {
                rows.push(Row {
                    name: String::from_utf8(name).map_err(|_| damaged())?,
                    versioned: parse_value(&value, kind.as_str())?,
                });
            }
            if last.is_empty() {
                break;
            }
            from = format!("({}", String::from_utf8(last).map_err(|_| damaged())?);
        }
        Ok(rows)
    }

    async fn tags(
        &self,
        function: &Function,
        kind: Kind,
        shape: Shape,
        from: Option<&Cursor>,
    ) -> Result<TagPage, Error> {
        let end = match shape {
            Shape::Single => kind.as_str().to_owned(),
            Shape::Named => format!("{}#", kind.as_str()),
        };
        let (next, keys): (String, Vec<Vec<u8>>) = redis::cmd("SCAN")
            .arg(from.map_or("0", |cursor| cursor.0.as_str()))
            .arg("MATCH")
            .arg(format!("{}:{{*}}:{end}", function.as_str()))
            .arg("COUNT")
            .arg(KEYS_PER_STEP)
            .query_async(&mut self.connection()?)
            .await
            .map_err(unanswered)?;
        let tag = |key: Vec<u8>| {
            let key = String::from_utf8(key).ok()?;
            let parsed = ParsedKey::parse(&key)?;
            // The pattern also matches names that look like the end of a key.
            (parsed.kind == end && parsed.name.is_none()).then_some(parsed.tag)
        };
        Ok(TagPage {
            tags: keys.into_iter().filter_map(tag).collect(),
            next: (next != "0").then_some(Cursor(next)),
        })
    }

    async fn entries(
        &self,
        function: &Function,
        from: Option<&Cursor>,
    ) -> Result<EntryPage, Error> {
        entries::page(&mut self.connection()?, function, from).await
    }

    async fn watch(&self, watched: Watched) -> Result<Watch, Error> {
        self.connection()?;
        let watching = {
            let mut slot = self.wishes.lock().unwrap_or_else(PoisonError::into_inner);
            slot.get_or_insert_with(|| {
                let (wishes, received) = mpsc::channel(64);
                let (hints, _) = broadcast::channel(BACKLOG);
                let hub = Hub {
                    primary: self.primary.clone(),
                    wishes: received,
                    hints: hints.clone(),
                };
                let cancel = self.cancel.clone();
                self.tasks.spawn(async move {
                    cancel.run_until_cancelled(hub.run()).await;
                });
                Watching { wishes, hints }
            })
            .clone()
        };
        let receiver = watching.hints.subscribe();
        let (active, ready) = oneshot::channel();
        let wish = Subscription {
            watched: watched.clone(),
            active,
        };
        watching.wishes.send(wish).await.map_err(|_| CLOSED)?;
        match timeout(SUBSCRIBE, ready).await {
            Ok(Ok(())) => Ok(Watch::new(receiver, watched)),
            _ => Err(Error::Unavailable {
                reason: "the server does not take subscriptions",
                source: None,
            }),
        }
    }

    async fn settle(&self, function: &Function) -> Result<(), Error> {
        match self.heart(function.as_str(), Freshness::Confirmed).await? {
            Some(heart) => heart.beat().await,
            None => Ok(()),
        }
    }

    async fn ping(&self) -> Result<(), Error> {
        redis::cmd("PING")
            .exec_async(&mut self.connection()?)
            .await
            .map_err(unanswered)
    }

    async fn close(&self) {
        self.cancel.cancel();
        self.wishes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The upper bound of all names with a prefix. A text never ends in the octet 0xff.
fn behind(prefix: &str) -> Vec<u8> {
    let mut bound = prefix.as_bytes().to_vec();
    match bound.last_mut() {
        None => b"+".to_vec(),
        Some(last) => {
            *last = last.saturating_add(1);
            bound.insert(0, b'(');
            bound
        }
    }
}
