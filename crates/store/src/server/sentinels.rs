//! Asking Sentinels who the primary is.
//!
//! Several may answer differently while a failover is on, or for as long as one is cut off from the others. Each
//! failover has an epoch that grows; the answer of the highest epoch is the newest. Who is told a place verifies the
//! role of the server there.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, RedisError, RedisResult,
    Value,
};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::checks::text_of;
use super::connect::{self, User, explain};
use crate::config::StoreConfig;
use crate::open::OpenError;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    host: String,
    port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

pub(super) struct Sentinels {
    addresses: Vec<ConnectionInfo>,
    /// What the primary is spoken to with, `rediss` or `redis`.
    scheme: &'static str,
    primary_name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Kept for the next question, by the Sentinel's place in the list.
    connections: HashMap<usize, MultiplexedConnection>,
    newest: Option<Answer>,
    asked: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    epoch: u64,
    place: Place,
}

/// How long a Sentinel may take to answer.
const ANSWER: Duration = Duration::from_millis(500);
/// Connections that are lost together ask together.
const RECENT: Duration = Duration::from_millis(50);

impl Sentinels {
    pub(super) fn new(config: &StoreConfig) -> Result<Self, OpenError> {
        if config.url.is_some() {
            return Err(OpenError::Config(
                "url and sentinels exclude each other; the sentinels name the server",
            ));
        }
        let primary_name = config
            .primary_name
            .clone()
            .filter(|name| !name.is_empty())
            .ok_or(OpenError::Config("sentinels need a primary_name"))?;
        let addresses = config
            .sentinels
            .iter()
            .map(|sentinel| address_of(sentinel, config))
            .collect::<Result<Vec<_>, _>>()?;
        let with_tls = addresses.iter().filter(|a| connect::is_tls(a)).count();
        let scheme = match with_tls {
            0 => "redis",
            all if all == addresses.len() => "rediss",
            _ => {
                return Err(OpenError::Config(
                    "sentinels have TLS all together or not at all",
                ));
            }
        };
        Ok(Self {
            addresses,
            scheme,
            primary_name,
            state: Mutex::default(),
        })
    }

    /// How to reach a server that the Sentinels named.
    pub(super) fn address(&self, place: &Place) -> Result<ConnectionInfo, OpenError> {
        format!("{}://{place}", self.scheme)
            .into_connection_info()
            .map_err(|source| OpenError::Refused {
                hint: "the sentinels name an address that cannot be used",
                source: Box::new(source),
            })
    }

    /// Where the primary is. If no Sentinel answers, where it was last.
    pub(super) async fn ask(&self, config: &StoreConfig) -> Result<Place, OpenError> {
        let mut state = self.state.lock().await;
        if let (Some(newest), Some(asked)) = (&state.newest, state.asked)
            && asked.elapsed() < RECENT
        {
            return Ok(newest.place.clone());
        }
        let user = User {
            name: config.sentinel_username.as_deref(),
            password_file: config.sentinel_password_file.as_deref(),
        };
        let mut asking = JoinSet::new();
        for (number, address) in self.addresses.iter().enumerate() {
            let client = connect::client(address.clone(), &user, config.ca_file.as_deref())?;
            let kept = state.connections.remove(&number);
            let name = self.primary_name.clone();
            asking.spawn(async move {
                let asked = timeout(ANSWER, ask_one(&client, kept, &name)).await;
                (number, asked)
            });
        }
        let (mut answers, mut failure) = (Vec::new(), None);
        while let Some(asked) = asking.join_next().await {
            match asked {
                Ok((number, Ok(Ok((connection, answer))))) => {
                    state.connections.insert(number, connection);
                    answers.extend(answer);
                }
                Ok((_, Ok(Err(error)))) => failure = Some(error),
                // Too late, or the runtime ends.
                Ok((_, Err(_))) | Err(_) => {}
            }
        }
        let majority = self.addresses.len() / 2 + 1;
        if let Some(newest) = newest(&answers, state.newest.as_ref(), majority) {
            state.newest = Some(newest);
            state.asked = Some(Instant::now());
        }
        match &state.newest {
            Some(newest) => Ok(newest.place.clone()),
            None => Err(no_answer(!state.connections.is_empty(), failure)),
        }
    }
}

/// Reads `host:port`, or `redis://host:port`.
fn address_of(sentinel: &str, config: &StoreConfig) -> Result<ConnectionInfo, OpenError> {
    let is_plain = sentinel.starts_with("redis://");
    let url = if is_plain {
        sentinel.to_owned()
    } else {
        format!("rediss://{sentinel}")
    };
    let has_port = url.rsplit_once(':').is_some_and(|(_, port)| {
        port.parse::<u16>().is_ok() // A path, a user or a missing port ends otherwise.
    });
    let wrong = OpenError::Config("sentinels must be host:port, for example sentinel-0:26379");
    if !has_port || url.contains('@') {
        return Err(wrong);
    }
    let address = url.into_connection_info().map_err(|_| wrong)?;
    connect::demand_safety(config, &address)?;
    Ok(address)
}

/// Asks one Sentinel; `None` if it does not know the name.
async fn ask_one(
    client: &Client,
    kept: Option<MultiplexedConnection>,
    name: &str,
) -> RedisResult<(MultiplexedConnection, Option<Answer>)> {
    if let Some(mut connection) = kept
        && let Ok(answer) = ask_on(&mut connection, name).await
    {
        return Ok((connection, answer));
    }
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER))
        .set_response_timeout(Some(ANSWER));
    let mut connection = client
        .get_multiplexed_async_connection_with_config(&config)
        .await?;
    let answer = ask_on(&mut connection, name).await?;
    Ok((connection, answer))
}

async fn ask_on(connection: &mut MultiplexedConnection, name: &str) -> RedisResult<Option<Answer>> {
    let mut questions = redis::pipe();
    // The first gives the new primary as soon as it is one, the second when all replicas follow it.
    questions
        .cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(name);
    questions.cmd("SENTINEL").arg("MASTER").arg(name);
    questions.ignore_errors();
    let (place, facts): (RedisResult<Option<(String, u16)>>, RedisResult<Value>) =
        questions.query_async(connection).await?;
    let Some((host, port)) = place? else {
        return Ok(None);
    };
    let epoch = text_of(&facts?, "config-epoch").parse().unwrap_or_default();
    let place = Place { host, port };
    Ok(Some(Answer { epoch, place }))
}

/// The answer to go by. One of an epoch that is over counts only if a majority gives it: Sentinels that were set up
/// anew start over.
fn newest(answers: &[Answer], known: Option<&Answer>, majority: usize) -> Option<Answer> {
    let votes = |answer: &Answer| answers.iter().filter(|other| *other == answer).count();
    let found = answers
        .iter()
        .max_by_key(|answer| (answer.epoch, votes(answer)))?;
    let is_over = known.is_some_and(|known| found.epoch < known.epoch);
    (!is_over || votes(found) >= majority).then(|| found.clone())
}

fn no_answer(one_answered: bool, failure: Option<RedisError>) -> OpenError {
    match failure {
        _ if one_answered => OpenError::Config("the sentinels know no primary of primary_name"),
        Some(error) => explain(error),
        None => OpenError::Unreachable {
            hint: "no sentinel answers in time; are the addresses right?",
            source: "no answer".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(epoch: u64, host: &str) -> Answer {
        let place = Place {
            host: host.to_owned(),
            port: 6379,
        };
        Answer { epoch, place }
    }

    #[test]
    fn the_answer_of_the_newest_failover_counts_however_few_give_it() {
        let (old, new) = (answer(3, "a"), answer(4, "b"));
        let all = [old.clone(), new.clone(), old.clone()];
        assert_eq!(newest(&all, Some(&old), 2), Some(new));
        assert_eq!(newest(&[], Some(&old), 2), None);
    }

    #[test]
    fn a_sentinel_that_was_cut_off_does_not_lead_back() {
        let (old, new) = (answer(3, "a"), answer(4, "b"));
        let cut_off = std::slice::from_ref(&old);
        assert_eq!(newest(cut_off, Some(&new), 2), None);
        let set_up_anew = [old.clone(), old.clone()];
        assert_eq!(newest(&set_up_anew, Some(&new), 2), Some(old));
    }

    #[test]
    fn a_list_of_sentinels_is_understood_or_refused() {
        let config = |sentinels: &[&str]| StoreConfig {
            sentinels: sentinels.iter().map(|&s| s.to_owned()).collect(),
            primary_name: Some("berth".to_owned()),
            password_file: Some("/password".into()),
            ..StoreConfig::default()
        };
        assert!(Sentinels::new(&config(&["a:26379", "10.0.0.1:26379", "[::1]:26379"])).is_ok());
        for wrong in ["a", "a:x", "rediss://a:1", "a:26379/0", "me:secret@a:26379"] {
            let refused = Sentinels::new(&config(&[wrong]));
            assert!(matches!(refused, Err(OpenError::Config(_))), "{wrong}");
        }
        let plain = config(&["redis://a:26379"]);
        assert!(Sentinels::new(&plain).is_err());
        let laboratory = true;
        let plain = StoreConfig {
            laboratory,
            ..plain
        };
        assert!(Sentinels::new(&plain).is_ok());
        let mixed = StoreConfig {
            laboratory,
            ..config(&["redis://a:26379", "b:26379"])
        };
        assert!(Sentinels::new(&mixed).is_err());
    }
}
